"""The demo, a served account, recordings: what is printed, and how it ends.

The demo is the experiment that all of it grew from, as README has it.
"""

import gzip
import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.cli.conftest import Serve
from tests.cli.programs import HERE, Ended, Program, Served, golden

DRAIN = ("--drain", "0")
FAST = ("--speed", "2000", *DRAIN)


# -- the demo --------------------------------------------------------------------------


@pytest.mark.parametrize(("scenario", "code"), [("async", 0), ("failure", 10)])
def test_the_outcome_of_a_demo_is_its_exit_code(
    program: Program, scenario: str, code: int
) -> None:
    ended = program("demo", scenario, "--plain", *FAST)
    assert ended.code == code
    assert ended.lines[0].endswith("◆ Execution started")
    assert ended.recording.stat().st_mode & 0o777 == 0o600
    assert all(line.startswith("sfnwatch: ") for line in ended.err.splitlines())
    again = program("replay", str(ended.recording))
    assert again.code == code
    assert steps(again) == steps(ended)


def steps(ended: Ended) -> set[str]:
    """Give when each thing happened to a state, without what was learned later."""
    return {line[:40] for line in ended.lines if "  state  " in line}


def test_a_recording_is_made_where_it_is_wanted_and_never_overwritten(
    program: Program, tmp_path: Path
) -> None:
    path = tmp_path / "run.jsonl"
    words = ("demo", "async", "--plain", *FAST, "--record", str(path))
    assert program(*words).recording == path
    before = path.read_bytes()
    assert "the file exists" in program(*words).said(2)
    below = str(path / "run.jsonl")
    assert below in program(*words[:-1], below).said(2)
    assert path.read_bytes() == before
    assert program.recordings == []


# -- a served account ------------------------------------------------------------------


def test_an_execution_is_watched_by_its_arn(program: Program, serve: Serve) -> None:
    served = serve("failure", speed=5000)
    words = served.words(served.execution, "--plain", *DRAIN)
    ended = program(*words)
    assert ended.code == 10
    assert ended.recording.exists()
    assert "RunTask" in ended.out
    dark = program(*words, "--no-lookup", "--no-record")
    assert (dark.code, "RunTask  task" in dark.out) == (10, False)


def test_a_machine_s_name_stands_for_its_newest_execution(
    program: Program, serve: Serve
) -> None:
    served = serve("sync", speed=5000)
    words = served.words("nightly-report", *HERE, "--plain", *DRAIN)
    ended = program(*words)
    assert ended.code == 0
    assert "the newest execution of nightly-report: " in ended.err
    asked = ended.recording.read_text()
    assert "ListStateMachines" in asked, "what it took to find it is recorded"
    near = program(*served.words("nightly-repot", *HERE, "--plain")).said(3)
    assert near.endswith("Did you mean nightly-report?")
    started = served.words(served.execution, "--next", "--plain")
    assert "has started" in program("watch", *started).said(2)


def test_one_that_is_not_there_is_refused_in_a_sentence(
    program: Program, serve: Serve
) -> None:
    served = serve("async")
    arn = served.execution.replace("async-", "gone-")
    alone = program(*served.words(arn, "--plain", "--no-record"))
    assert (alone.code, alone.out) == (3, "")
    said = alone.err.splitlines()[-1].removeprefix("sfnwatch: ")
    assert said.startswith(f"DescribeExecution on {arn}: ExecutionDoesNotExist")
    both = program(*served.words(served.execution, arn, "--plain", *DRAIN))
    assert both.code == 3
    assert "Execution succeeded" in both.out, "the other is shown first"


def test_a_watch_may_end_at_the_first_failure(program: Program, serve: Serve) -> None:
    served = serve("failure", "sync", speed=60.0)
    arns = served.executions.values()
    words = served.words(*arns, "--plain", "--no-record", "--fail-fast")
    ended = program(*words)
    assert ended.code == 10
    assert "Execution failed" in ended.out
    assert "Execution succeeded" not in ended.out
    assert "still running" in ended.err


def test_of_one_that_has_failed_before_all_states_are_shown_even_so(
    program: Program, serve: Serve
) -> None:
    served = serve("failure")
    program(*served.words(served.execution, "--plain", *DRAIN))
    words = served.words(served.execution, "--plain", "--no-record", "--fail-fast")
    ended = program(*words)
    assert ended.code == 10
    assert "Execution started" in ended.out
    assert "Execution failed" in ended.out


def test_what_an_execution_begins_is_followed_as_deep_as_is_asked_for(
    program: Program, serve: Serve
) -> None:
    served = serve("distributed")
    for depth, followed in (("0", False), ("1", True)):
        words = served.words(served.execution, "--plain", "--depth", depth, *DRAIN)
        ended = program(*words)
        assert ended.code == 0
        assert "Each photo  Map Run started" in ended.out
        assert ("40 of 40 executions done, 3 failed" in ended.out) is followed
        assert ("[resize-photos/EachPhoto " in ended.out) is followed
        assert ("  count  Each photo  EachPhoto " in ended.out) is followed
        assert "[check-rights " not in ended.out, "two executions deep"


# -- a trail's files -------------------------------------------------------------------


def test_a_trail_s_files_tell_the_same_as_lookups(
    program: Program, serve: Serve, tmp_path: Path
) -> None:
    served = serve("sync", speed=5000)
    usual = program(*served.words(served.execution, "--plain"))
    place = trail(usual.recording, tmp_path)
    ways: list[tuple[str, ...]] = [(), ("--sql",)]
    for way in ways if find_spec("duckdb") else ways[:1]:
        ended = archived(program, served, str(place), *way)
        assert ended.code == 0, ended.err
        assert len(calls(usual)) == 6
        assert calls(ended) == calls(usual)
    nowhere = archived(program, served, "/no/such/trail")
    assert "/no/such/trail" in nowhere.err
    assert "Execution succeeded" in nowhere.out, "the states are shown all the same"
    words = ("--archive", str(tmp_path / "trail"), "--no-lookup", *DRAIN)
    for file in place.iterdir():
        file.unlink()
    told = program(*served.words("explain", served.execution, *words))
    assert "CloudTrail shows no call." in told.out
    assert f"CloudTrail: ended. No file of a trail in {place} for " in told.err


def archived(program: Program, served: Served, place: str, *way: str) -> Ended:
    words = ("--archive", place, *way, "--no-lookup", "--plain", *DRAIN)
    return program(*served.words(served.execution, *words))


def trail(recording: Path, folder: Path) -> Path:
    """Write the calls of a recording as a trail's files are, in a heap."""
    found = map(json.loads, recording.read_text().splitlines()[1:])
    told = [record["data"] for record in found if record["source"] == "lookup"]
    place = folder / "trail"
    place.mkdir()
    for number, event in enumerate(told):
        records = {"Records": [json.loads(event["CloudTrailEvent"])]}
        packed = gzip.compress(json.dumps(records).encode())
        (place / f"{number}.json.gz").write_bytes(packed)
    return place


def calls(told: Ended) -> list[str]:
    lines = (line.partition("  (seen")[0] for line in told.lines)
    return sorted(line for line in lines if "  call  " in line)


# -- recordings ------------------------------------------------------------------------


def test_what_is_replayed_can_be_recorded(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "again.jsonl"
    once = program("replay", golden("demo-sync"), "--json")
    again = program("replay", golden("demo-sync"), "--json", "--record", str(path))
    assert again.out == once.out
    assert program("replay", str(path), "--json").out == once.out


def test_a_torn_recording_is_shown_and_said_to_be_torn(
    program: Program, tmp_path: Path
) -> None:
    whole = program("demo", "async", "--plain", *FAST).recording
    torn = tmp_path / "torn.jsonl"
    torn.write_bytes(whole.read_bytes()[:-40])
    ended = program("replay", str(torn))
    assert "Execution succeeded" in ended.out
    assert "torn.jsonl: the last line is cut short: " in ended.err
    torn.write_bytes(whole.read_bytes().replace(b'"source"', b'"souce"', 2))
    assert program("replay", str(torn)).said(4).startswith(f"{torn}:2: ")


def test_a_watch_that_brings_nothing_leaves_no_recording_behind(
    program: Program, serve: Serve, tmp_path: Path
) -> None:
    account, file = serve("sync"), tmp_path / "mine.jsonl"
    arn = f"{account.execution}x"
    for words in ((), ("--record", str(file))):
        ended = program(*account.words(arn, "--plain", *words))
        assert ended.code == 3
        assert "nothing was received, so no recording is kept" in ended.err
        assert "recorded to" not in ended.err
        assert (program.recordings, file.exists()) == ([], False)
    ended = program(*account.words(account.execution, "--plain", "--drain", "0"))
    assert ended.recording.exists()


README = (Path(__file__).parents[2] / "README.md").read_text()
SPEED = ("--speed", "1000")


def test_readme_s_demo_ends_with_the_experiment_s_four_conclusions(
    program: Program,
) -> None:
    assert ".venv/bin/sfnwatch demo\n" in README
    ended = program("demo", SFNWATCH_SPEED="1000")
    assert ended.code == 0
    concluded = [line for line in ended.lines if "  Conclusion: " in line]
    assert concluded == ended.lines[-4:]
    sync, plain, sdk, denied = concluded
    polled = "calls RunTask, then DescribeTasks about once a minute (5 polls)"
    assert f"ecs:runTask.sync (sync) {polled}." in sync
    assert " ecs:runTask (async) calls RunTask, with no poll matched." in plain
    assert " aws-sdk:ecs:runTask (sdk) calls RunTask, with no poll matched." in sdk
    assert f"(denied) {polled}; every poll was denied, yet it still" in denied
    assert all(re.search(r"\[(6 calls|call) [0-9a-f]{8}…\]$", c) for c in concluded)
    assert all(line.isprintable() for line in ended.lines)
    assert not [line for line in ended.lines if line.startswith("sfnwatch: ")]
    assert all(line.startswith("sfnwatch: ") for line in ended.err.splitlines())


@pytest.mark.usefixtures("stepped")
def test_a_redriven_execution_is_followed_to_its_last_outcome(
    program: Program,
) -> None:
    ended = program("demo", "redrive", "--plain", "--with-queue")
    assert ended.code == 0, "the outcome is the last one"
    assert "  task   " in ended.out, "what ECS tells of it"
    failed, redriven = (
        next(n for n, line in enumerate(ended.lines) if words in line)
        for words in ("✘ Execution failed", "⟲ Redriven (1st time)")
    )
    assert failed < redriven
    assert "Step Functions: waiting." in ended.err
    assert "Step Functions: live. Redriven" in ended.err
    assert len({line[:40] for line in ended.lines if "  call   RunTask" in line}) == 2
    replayed = program("replay", str(ended.recording), "--plain")
    assert (replayed.code, ended.lines[redriven] in replayed.lines) == (0, True)


# -- what executions begin -------------------------------------------------------------


SLOW, QUICK = 1.0, 2000.0


def words(served: Served, *more: str) -> tuple[str, ...]:
    return served.words("wait", served.execution, *more)


@pytest.mark.parametrize(("scenario", "code"), [("async", 0), ("failure", 10)])
def test_it_says_nothing_and_ends_with_the_outcome(
    program: Program, serve: Serve, scenario: str, code: int
) -> None:
    ended = program(*words(serve(scenario, speed=QUICK)))
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
    assert "ended without entering 'ECS RunTsak'." in ended.err
    failed = program(*words(serve("failure", speed=5000), "--until", "After"))
    assert failed.code == 10, "what failed before has its own outcome"


def test_when_the_time_is_over_it_says_how_it_is(
    program: Program, serve: Serve
) -> None:
    served = serve("sync", speed=SLOW)
    said = "in ECS RunTask. It is not over after "
    for time in ("1s", "10s", "2m"):
        ended = program(*words(served, "--timeout", time, "--format", "markdown"))
        assert ended.code == 14
        # How far it comes in a second is the machine's to say.
        if said in ended.err:
            break
    assert said in ended.err
    assert "**RUNNING for " in ended.out


def test_the_time_is_that_of_finding_the_execution_too(
    program: Program, serve: Serve
) -> None:
    served = serve("sync", speed=QUICK)
    more = ("--next", "--timeout", "1s", "--format", "text", *HERE)
    ended = program(*served.words("wait", "nightly-report", *more))
    assert ended.code == 14
    assert ended.err.endswith("Not every execution was found within 1.00 s.\n")
    assert ended.out


def test_one_that_is_refused_is_said_and_no_call_is_asked_for(
    program: Program, serve: Serve
) -> None:
    served = serve("sync", speed=SLOW)
    gone = served.execution.replace("sync-", "gone-")
    said = program(*served.words("wait", gone)).said(3)
    assert "ExecutionDoesNotExist" in said
    assert "LookupEvents" not in said
