"""What a command ends with where the end of an execution is not known."""

import json
from pathlib import Path

import pytest
from botocore.retries.standard import ExponentialBackoff

from sfnwatch.sources import polling
from tests.builders import ARN
from tests.cli.programs import KEYS, Program
from tests.cli.refusing import RUNNING, refusing, throttling, words

FOR_GOOD = (
    "ExecutionDoesNotExist",
    "InvalidArn",
    "UnrecognizedClientException",
    "ValidationException",
)
COMMANDS = (
    ("watch", "--plain", "--drain", "0"),
    ("watch", "--json", "--drain", "0"),
    ("wait",),
    ("explain", "--drain", "0"),
    ("export", "--to", "json", "--drain", "0"),
)


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_watch_that_is_refused_in_the_middle_is_no_success(
    program: Program, command: tuple[str, ...]
) -> None:
    with refusing("UnrecognizedClientException") as url:
        ended = program(*words(url, *command))
    assert ended.code == 3
    assert "UnrecognizedClientException. No more." in ended.err
    assert "Check the credentials of the --profile." in ended.err


@pytest.mark.parametrize("code", FOR_GOOD)
def test_whatever_is_refused_for_good_keeps_a_script_from_going_on(
    program: Program, code: str
) -> None:
    with refusing(code) as url:
        said = program(*words(url, "wait")).said(3)
    assert said.startswith(f"GetExecutionHistory on {ARN}: {code}. No more.")


def test_what_was_seen_until_then_is_reported_all_the_same(program: Program) -> None:
    with refusing("InvalidArn") as url:
        told = program(*words(url, "wait", "--format", "json"))
    assert told.code == 3
    assert [each["status"] for each in told.json["executions"]] == ["RUNNING"]
    with refusing("InvalidArn") as url:
        watched = program(*words(url, "watch", "--plain", "--drain", "0"))
    assert watched.code == 3
    (recording,) = program.recordings
    replayed = program("replay", str(recording), "--plain")
    assert replayed.code == 3, "a replay ends as the watch did"


def test_two_that_are_compared_are_refused_as_well(program: Program) -> None:
    other = ARN.replace("run-7f3a", "run-7f3b")
    with refusing("InvalidArn", shown=2) as url:
        told = program(*words(url, "compare", other, "--drain", "0"))
    assert told.code == 3


def test_a_recording_that_ends_before_its_execution_replays_as_still_running(
    program: Program, tmp_path: Path
) -> None:
    history = tmp_path / "history.json"
    history.write_text(json.dumps(RUNNING["GetExecutionHistory"]))
    description = tmp_path / "description.json"
    description.write_text(json.dumps(RUNNING["DescribeExecution"]))
    files = (str(history), str(description))
    replayed = program("replay", *files, "--plain")
    assert replayed.code == 14
    assert "run-7f3a is still running here: how it ends is not known." in replayed.err
    assert program("explain", *files).code == 0, "a report of files is whole as it is"


def test_a_history_that_ends_early_is_no_success_either(
    program: Program, tmp_path: Path
) -> None:
    history = tmp_path / "history.json"
    history.write_text(json.dumps(RUNNING["GetExecutionHistory"]))
    replayed = program("replay", str(history), "--plain")
    assert replayed.code == 14
    said = "sfnwatch: The end of history is not here: it may still be running."
    assert replayed.err.splitlines() == [said]


TOO_MUCH = [(429, None), (503, None), (400, "ThrottlingException")]
TRIES = 20
"""More than botocore and a watch give up after."""


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "_FIRST_WAIT", 0.001)
    monkeypatch.setattr(polling, "_LONGEST_WAIT", 0.001)
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.0)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(("status", "code"), TOO_MUCH)
def test_whoever_waits_outlasts_throttling_before_the_first_answer(
    program: Program, status: int, code: str | None
) -> None:
    with throttling(status, code, TRIES) as url:
        assert program(*words(url, "wait", "--timeout", "30s")).code == 0
    with throttling(status, code, TRIES) as url:
        assert program(*words(url, "explain", "--drain", "0")).code == 3
    with throttling(status, code, 1_000_000) as url:
        assert program(*words(url, "wait", "--timeout", "1s")).code == 14
