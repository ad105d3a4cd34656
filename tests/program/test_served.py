"""An account left running in one process, watched from another."""

import json
import signal
from typing import Any

from sfnwatch.demo.scenarios import PLANS
from tests.cli.programs import KEYS, Ended
from tests.program.programs import Processes, ServedAccount

DRAIN = ("--drain", "8m")
"""Account time: the last record is delivered 7 minutes late."""
UNSETTLED = {"noticed", "unseen", "lag", "polling"}


def trace(program: Processes, ended: Ended) -> dict[str, Any]:
    return settled(program("export", str(ended.recording), "--to", "json"))


def settled(ended: Ended) -> dict[str, Any]:
    """Give an exported trace without the moments at which things arrived.

    Nor with findings that depend on how far CloudTrail has come, and how late: how the
    job's end was learned, which intervals are settled, what could not be seen.
    """
    exported: dict[str, Any] = json.loads(ended.out)
    for call in exported["calls"]:
        assert call.pop("seen_at")
    for told in (exported, *exported["executions"]):
        found = told["findings"]
        told["findings"] = [f for f in found if f["kind"] not in UNSETTLED]
    return exported


def test_it_tells_in_one_line_of_json_where_and_what_it_serves(
    program: Processes,
) -> None:
    served = ServedAccount(program, speed=1)
    assert set(served.told) >= {"endpoint_url", "executions", "region", "speed"}
    keys = {served.told["access_key_id"], served.told["secret_access_key"]}
    assert keys == {*KEYS.values()}
    assert len(served.told["executions"]) == len(PLANS)
    assert served.url.startswith("http://127.0.0.1:")
    served.process.send(signal.SIGTERM)
    ended = served.process.wait()
    assert (ended.code, len(ended.lines)) == (0, 1)


def test_a_server_killed_and_started_again_is_said_and_nothing_is_lost(
    program: Processes,
) -> None:
    served = ServedAccount(program, "sync", speed=100)
    arguments = (served.execution, "--endpoint-url", served.url, "--plain")
    watching = program.start(*arguments, *DRAIN, **KEYS)
    watching.until("submitted")
    served.kill()
    watching.until("sfnwatch: Step Functions: retrying. GetExecutionHistory on arn:")
    assert served.url in watching.err
    served.restart()
    ended = watching.wait()
    assert ended.code == 0
    assert "sfnwatch: Step Functions: ended" in ended.err
    assert "Traceback" not in ended.err
    assert len([line for line in ended.lines if "= task ARN" in line]) == 5
    calm = program(*arguments, "--drain", "0", **KEYS)
    assert calm.code == 0
    assert "retrying" not in calm.err
    assert trace(program, ended) == trace(program, calm)
    exporting = ("export", *arguments[:3], "--to", "json", "--drain", "0")
    assert settled(program(*exporting, **KEYS)) == trace(program, calm)
