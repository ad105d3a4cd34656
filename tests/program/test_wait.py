"""Waiting in a script: nothing is said, and the exit code is the outcome."""

import json
from pathlib import Path

import pytest

from sfnwatch.demo.ids import REGION
from tests.program.programs import KEYS, Program, Served

SLOW, FAST = 1, 2000


def words(served: Served) -> tuple[str, ...]:
    return ("wait", served.execution, "--endpoint-url", served.url)


@pytest.mark.parametrize(("scenario", "code"), [("async", 0), ("failure", 10)])
def test_it_says_nothing_and_ends_with_the_outcome(
    program: Program, scenario: str, code: int
) -> None:
    served = Served(program, scenario, speed=FAST)
    ended = program(*words(served), **KEYS)
    assert (ended.code, ended.out, ended.err) == (code, "", "")
    assert program.recordings == []


def test_a_report_comes_at_the_end_and_for_a_job(
    program: Program, tmp_path: Path
) -> None:
    served = Served(program, "failure", speed=FAST)
    summary = tmp_path / "summary.md"
    summary.write_text("what was there\n")
    env = {**KEYS, "GITHUB_STEP_SUMMARY": str(summary)}
    ended = program(*words(served), "--format", "markdown", "--summary", **env)
    assert ended.code == 10
    assert ended.lines[0].startswith("## import-orders › failure")
    assert "| Import | ecs:runTask.sync | 2 |" in ended.out
    assert "There is no CloudTrail in these records" in ended.out
    assert summary.read_text() == "what was there\n" + ended.out
    told = json.loads(program(*words(served), "--format", "json", **KEYS).out)
    assert [each["status"] for each in told["executions"]] == ["FAILED"]
    text = program(*words(served), "--format", "text", **KEYS)
    assert "FAILED after" in text.out


def test_it_ends_as_soon_as_a_state_is_entered(program: Program) -> None:
    served = Served(program, "sync", speed=SLOW)
    ended = program(*words(served), "--until", "ECS RunTask", **KEYS)
    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_a_state_that_was_never_entered_has_a_code_of_its_own(program: Program) -> None:
    served = Served(program, "async", speed=FAST)
    ended = program(*words(served), "--until", "ECS RunTsak", **KEYS)
    assert (ended.code, ended.out) == (13, "")
    assert "ended without entering 'ECS RunTsak'. Did you mean 'ECS RunTask'?" in (
        ended.err
    )


def test_what_failed_before_the_state_ends_with_its_outcome(program: Program) -> None:
    served = Served(program, "failure", speed=FAST)
    ended = program(*words(served), "--until", "After", **KEYS)
    assert ended.code == 10


def test_when_the_time_is_over_it_says_how_it_stands(program: Program) -> None:
    served = Served(program, "sync", speed=SLOW)
    more = ("--timeout", "10s", "--format", "markdown")
    ended = program(*words(served), *more, **KEYS)
    assert ended.code == 14
    assert "RUNNING for " in ended.err
    assert "in ECS RunTask. It is not over after 10.0 s." in ended.err
    assert "**RUNNING for " in ended.out


def test_the_time_is_that_of_the_next_execution_too(program: Program) -> None:
    served = Served(program, "sync", speed=FAST)
    where = ("--endpoint-url", served.url, "--region", REGION)
    more = ("--next", "--timeout", "3s", "--format", "text")
    ended = program("wait", "nightly-report", *where, *more, **KEYS)
    assert ended.code == 14
    assert ended.err.endswith("sfnwatch: No execution was found within 3.00 s.\n")
    assert ended.out


def test_trouble_is_said_and_no_lookup_is_asked(program: Program) -> None:
    served = Served(program, "sync", speed=SLOW)
    gone = served.execution.replace("sync-", "gone-")
    refused = program("wait", gone, "--endpoint-url", served.url, **KEYS)
    assert (refused.code, refused.out) == (3, "")
    assert "ExecutionDoesNotExist" in refused.err
    assert "LookupEvents" not in refused.err


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ((), "Missing argument"),
        (("x", "--timeout", "soon"), "'soon' is no duration"),
        (("x", "--summary"), "GITHUB_STEP_SUMMARY names, and it is not set."),
        (("arn:aws:states:x",), "names no execution"),
    ],
)
def test_what_can_not_be_waited_for_is_said(
    program: Program,
    more: tuple[str, ...],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    assert sentence in program("wait", *more).said(2)
