"""Executions on emulators, watched live: states, durations and exit codes are right."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from sfnwatch.model.times import parse_time
from tests.cli.conftest import program
from tests.cli.programs import Program
from tests.emulators.emulator import KEYS, Emulator, configure_moto, serving
from tests.emulators.machines import MACHINES, MISSING_SECRET, PASS, Expected, nested

__all__ = ["program"]
CODES = {"SUCCEEDED": 0, "FAILED": 10}
TOLERANCE = 0.5
"""The seconds that a state may be too short by, since emulators round times."""


@pytest.fixture(scope="module", params=["moto", "ministack"])
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    with serving(request.param) as served:
        if request.param == "moto":
            configure_moto(served.url)
        yield served


def watched(program: Program, emulator: Emulator, arn: str) -> tuple[int, Any]:
    """Watch an execution to its end; return the exit code and the whole trace."""
    words = (arn, "--endpoint-url", emulator.url, "--drain", "0")
    ended = program("watch", *words, "--plain", **KEYS)
    assert "Traceback" not in ended.err
    exported = program("export", str(ended.recording), "--to", "json")
    assert exported.code == 0, exported.err
    return ended.code, exported.json


def seconds_of(visit: dict[str, Any], ended: datetime) -> float:
    exited = visit["exited_at"]
    until = parse_time(exited) if exited else ended
    return (until - parse_time(visit["entered_at"])).total_seconds()


def check(expected: Expected, emulator: Emulator, arn: str, trace: Any) -> None:
    """Hold a trace against what the machine must do, and what the emulator wrote."""
    execution = next(each for each in trace["executions"] if each["arn"] == arn)
    assert execution["status"] == expected.status
    assert len(execution["events"]) == len(emulator.history(arn))
    stopped_at = parse_time(execution["stopped_at"])
    outer = {each["name"]: each for each in execution["visits"] if not each["parent"]}
    assert {name: each["status"] for name, each in outer.items()} == expected.statuses
    inner = Counter(each["name"] for each in execution["visits"] if each["parent"])
    if emulator.name == "moto":
        assert inner == expected.inside
    for visit in execution["visits"]:
        least = expected.least.get(visit["name"], 0.0)
        assert least - TOLERANCE <= seconds_of(visit, stopped_at) < least + 30
    check_no_false_fact(emulator, trace)


def check_no_false_fact(emulator: Emulator, trace: Any) -> None:
    """No call is known, so no fact may speak of one, nor call CloudTrail complete."""
    assert trace["calls"] == []
    findings = [*trace["findings"]]
    for execution in trace["executions"]:
        findings += execution["findings"]
    kinds = {finding["kind"] for finding in findings}
    assert not kinds & {"polling", "noticed", "unnoticed", "sample-history", "lag"}
    (named,) = [each for each in findings if each["kind"] == "endpoint"]
    assert emulator.host in named["text"]
    texts = " ".join(finding["text"] for finding in findings)
    assert "another trail" not in texts


@pytest.mark.parametrize("name", MACHINES)
def test_an_execution_is_watched_to_its_end(
    name: str, emulator: Emulator, program: Program, no_aws: None
) -> None:
    expected = MACHINES[name]
    arn = emulator.start(name, expected.states)
    code, trace = watched(program, emulator, arn)
    assert code == CODES[expected.status]
    check(expected, emulator, arn, trace)
    texts = [finding["text"] for finding in trace["executions"][0]["findings"]]
    assert not any("optimized integration" in text for text in texts)


def test_a_nested_execution_is_watched_to_its_end(
    emulator: Emulator, program: Program, no_aws: None
) -> None:
    """Moto fails to start an execution from a task, and that is what is shown."""
    fails = emulator.name == "moto"
    expected = nested(emulator.machine("child", {"In": PASS}), fails=fails)
    arn = emulator.start("nested", expected.states)
    code, trace = watched(program, emulator, arn)
    assert code == CODES[expected.status]
    check(expected, emulator, arn, trace)
    if fails:
        (execution,) = trace["executions"]
        (failed,) = [f for f in execution["findings"] if f["kind"] == "failed"]
        assert "'StateMachineArn'" in failed["text"]


def test_calls_that_an_emulator_cannot_show_are_said_to_be_so(
    emulator: Emulator, program: Program, no_aws: None
) -> None:
    arn = emulator.start("unseen", {"Look": MISSING_SECRET, "Rescue": PASS})
    words = (arn, "--endpoint-url", emulator.url, "--drain", "0", "--plain")
    ended = program("watch", *words, "--no-record", **KEYS)
    said = {
        "moto": f"LookupEvents is not supported by {emulator.host}, which is not AWS",
        "ministack": "it has recorded no call at all",
    }
    assert said[emulator.name] in ended.err + ended.out
    assert "complete up to" not in ended.err + ended.out
