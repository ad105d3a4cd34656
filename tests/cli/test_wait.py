"""Waiting in a script: nothing is said, and the exit code is the outcome."""

from pathlib import Path

import pytest

from tests.cli.conftest import Serve
from tests.cli.programs import HERE, Program, Served

SLOW, FAST = 1.0, 2000.0


def words(served: Served, *more: str) -> tuple[str, ...]:
    return served.words("wait", served.execution, *more)


@pytest.mark.parametrize(("scenario", "code"), [("async", 0), ("failure", 10)])
def test_it_says_nothing_and_ends_with_the_outcome(
    program: Program, serve: Serve, scenario: str, code: int
) -> None:
    ended = program(*words(serve(scenario, speed=FAST)))
    assert (ended.code, ended.out, ended.err) == (code, "", "")
    assert program.recordings == []


def test_a_report_comes_at_the_end_and_for_a_job(
    program: Program, serve: Serve, tmp_path: Path
) -> None:
    served, summary = serve("failure", speed=5000), tmp_path / "summary.md"
    summary.write_text("what was there\n")
    more = ("--format", "markdown", "--summary")
    ended = program(*words(served, *more), GITHUB_STEP_SUMMARY=str(summary))
    assert ended.code == 10
    assert ended.lines[0].startswith("## import-orders › failure")
    assert "No CloudTrail data loaded" in ended.out
    assert summary.read_text() == "what was there\n" + ended.out
    told = program(*words(served, "--format", "json")).json
    assert [each["status"] for each in told["executions"]] == ["FAILED"]
    assert "FAILED after" in program(*words(served, "--format", "text")).out
    gone = program(*words(served, "--summary"), GITHUB_STEP_SUMMARY="/no/such/file")
    assert gone.said(1) == "Can't write /no/such/file: No such file or directory."


def test_it_ends_as_soon_as_a_state_is_entered(program: Program, serve: Serve) -> None:
    ended = program(*words(serve("sync", speed=SLOW), "--until", "ECS RunTask"))
    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_a_state_that_was_never_entered_has_a_code_of_its_own(
    program: Program, serve: Serve
) -> None:
    ended = program(*words(serve("async", speed=5000), "--until", "ECS RunTsak"))
    assert (ended.code, ended.out) == (13, "")
    said = "ended without entering 'ECS RunTsak'. Did you mean 'ECS RunTask'?"
    assert said in ended.err
    failed = program(*words(serve("failure", speed=5000), "--until", "After"))
    assert failed.code == 10, "what failed before has its own outcome"


def test_when_the_time_is_over_it_says_how_it_is(
    program: Program, serve: Serve
) -> None:
    served = serve("sync", speed=SLOW)
    for time in ("1s", "10s", "2m"):
        ended = program(*words(served, "--timeout", time, "--format", "markdown"))
        assert ended.code == 14
        # How far it comes in a second is the machine's to say.
        if "RUNNING for " in ended.err:
            break
    assert "in ECS RunTask. It is not over after " in ended.err
    assert "**RUNNING for " in ended.out


def test_the_time_is_that_of_finding_the_execution_too(
    program: Program, serve: Serve
) -> None:
    served = serve("sync", speed=FAST)
    more = ("--next", "--timeout", "1s", "--format", "text", *HERE)
    ended = program(*served.words("wait", "nightly-report", *more))
    assert ended.code == 14
    assert ended.err.endswith("sfnwatch: No execution was found within 1.00 s.\n")
    assert ended.out


def test_one_that_is_refused_is_said_and_no_call_is_asked_for(
    program: Program, serve: Serve
) -> None:
    served = serve("sync", speed=SLOW)
    gone = served.execution.replace("sync-", "gone-")
    said = program(*served.words("wait", gone)).said(3)
    assert "ExecutionDoesNotExist" in said
    assert "LookupEvents" not in said
