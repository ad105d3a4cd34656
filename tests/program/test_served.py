"""An account left running in one process, watched from another."""

import json
import signal
from typing import Any

import pytest

from sfnwatch.demo.scenarios import PLANS
from tests.program.programs import KEYS, Ended, Program, Served

DRAIN = ("--drain", "8m")
"""Account time: the last record is delivered 7 minutes late."""
UNSETTLED = {"noticed", "unseen", "lag", "polling"}


def trace(program: Program, ended: Ended) -> dict[str, Any]:
    return settled(program("export", str(ended.recording), "--to", "json"))


def settled(ended: Ended) -> dict[str, Any]:
    """Give an exported trace without the moments at which things arrived.

    Nor with findings that depend on how far CloudTrail has come, and how late: who
    noticed the job's end, which intervals are settled, what could not be seen.
    """
    exported: dict[str, Any] = json.loads(ended.out)
    for call in exported["calls"]:
        assert call.pop("seen_at")
    for told in (exported, *exported["executions"]):
        found = told["findings"]
        told["findings"] = [f for f in found if f["kind"] not in UNSETTLED]
    return exported


def test_it_tells_in_one_line_of_json_where_and_what_it_serves(
    program: Program,
) -> None:
    served = Served(program, speed=1)
    assert set(served.told) >= {"endpoint_url", "executions", "region", "speed"}
    keys = {served.told["access_key_id"], served.told["secret_access_key"]}
    assert keys == {*KEYS.values()}
    assert len(served.told["executions"]) == len(PLANS)
    served.process.send(signal.SIGTERM)
    ended = served.process.wait()
    assert ended.code == 0
    assert len(ended.lines) == 1
    assert served.url.startswith("http://127.0.0.1:")


def test_a_server_killed_and_started_again_is_said_and_nothing_is_lost(
    program: Program,
) -> None:
    served = Served(program, "sync", speed=100)
    arguments = (served.execution, "--endpoint-url", served.url, "--plain")
    watching = program.start(*arguments, *DRAIN, **KEYS)
    watching.until("submitted")
    served.kill()
    watching.until("sfnwatch: Step Functions: retrying. GetExecutionHistory on arn:")
    assert served.url in watching.err
    served.restart()
    ended = watching.wait()
    assert ended.code == 0
    assert "sfnwatch: Step Functions: live" in ended.err
    assert "Traceback" not in ended.err
    assert ended.out.count("= task ARN") == 5
    calm = program(*arguments, "--drain", "0", **KEYS)
    assert calm.code == 0
    assert "retrying" not in calm.err
    assert trace(program, ended) == trace(program, calm)
    exporting = ("export", *arguments[:3], "--to", "json", "--drain", "0")
    assert settled(program(*exporting, **KEYS)) == trace(program, calm)


def test_an_execution_that_failed_ends_the_watch_with_its_code(
    program: Program,
) -> None:
    served = Served(program, "failure", speed=1000)
    arguments = (served.execution, "--endpoint-url", served.url, *DRAIN)
    ended = program(*arguments, "--json", **KEYS)
    assert ended.code == 10
    assert ended.objects[-1]["status"] == "FAILED"


@pytest.mark.parametrize(
    ("change", "words"),
    [(("run", "no"), "ExecutionDoesNotExist"), (("-1:", "-3:"), "")],
)
def test_an_execution_that_is_not_there_is_refused_in_a_sentence(
    program: Program, change: tuple[str, str], words: str
) -> None:
    served = Served(program, "sync", speed=1)
    arn = served.execution.replace(*change) + "x"
    said = program(arn, "--endpoint-url", served.url, "--plain", "--no-record", **KEYS)
    assert (said.code, said.out) == (3, "")
    assert f"DescribeExecution on {arn}: {words}" in said.err
    assert said.err.rstrip().endswith("Check the ARN and the --region.")


def test_an_endpoint_that_nobody_serves_is_given_up(program: Program) -> None:
    served = Served(program, "sync", speed=1)
    served.kill()
    ended = program(served.execution, "--endpoint-url", served.url, "--plain", **KEYS)
    assert (ended.code, ended.out) == (3, "")
    assert f"Could not connect to the endpoint URL: {served.url}" in ended.err.replace(
        '"', ""
    )


def test_what_an_execution_begins_is_followed_as_deep_as_is_asked_for(
    program: Program,
) -> None:
    served = Served(program, "distributed", speed=1000)
    arguments = (served.execution, "--endpoint-url", served.url, "--plain")
    for depth, followed in (("0", False), ("1", True)):
        ended = program(*arguments, "--drain", "0", "--depth", depth, **KEYS)
        assert ended.code == 0
        assert "Each photo  map run started" in ended.out
        assert ("[resize-photos/EachPhoto " in ended.out) is followed
        assert ("  count  Each photo  EachPhoto " in ended.out) is followed
        assert "[check-rights " not in ended.out, "two executions deep"
