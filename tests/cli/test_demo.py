"""The demo without a terminal, as README has it: the experiment it grew from."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.cli.programs import Ended, Program

README = (Path(__file__).parents[2] / "README.md").read_text()
SPEED = ("--speed", "1000")


def calls(ended: Ended, name: str = r"\w+") -> list[str]:
    """Give what was said last of each call, which may come before its state."""
    lines = (line for line in ended.lines if re.search(rf"  call   {name}\b", line))
    return list({tuple(line.split()[:3]): line for line in lines}.values())


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


def test_calls_are_matched_by_request_and_by_task_and_denied_polls_are_shown(
    program: Program,
) -> None:
    ended = program("demo", "sync-denied", "--with-queue", "--plain", *SPEED)
    assert ended.code == 0
    (run,) = calls(ended, "RunTask")
    assert "= request ID" in run
    polls = calls(ended, "DescribeTasks")
    assert ["= task ARN" in poll for poll in polls] == [True] * 5
    assert ["AccessDenied" in poll for poll in polls] == [True] * 5
    told = [line for line in ended.lines if "  task   " in line]
    assert len(told) == 5
    assert "EssentialContainerExited, exit 0" in "".join(told)


@pytest.mark.usefixtures("stepped")
def test_a_redriven_execution_is_followed_to_its_last_outcome(
    program: Program,
) -> None:
    ended = program("demo", "redrive", "--plain")
    assert ended.code == 0, "the outcome is the last one"
    failed, redriven = (
        next(n for n, line in enumerate(ended.lines) if words in line)
        for words in ("✘ Execution failed", "⟲ Redriven (1st time)")
    )
    assert failed < redriven
    assert "Step Functions: waiting." in ended.err
    assert "Step Functions: live. Redriven" in ended.err
    assert len(calls(ended, "RunTask")) == 2
    replayed = program("replay", str(ended.recording), "--plain")
    assert (replayed.code, ended.lines[redriven] in replayed.lines) == (0, True)


# -- what executions begin -------------------------------------------------------------


def test_a_map_run_is_counted_and_its_executions_are_told_by_name(
    program: Program,
) -> None:
    photos = program("demo", "distributed", "--plain", *SPEED)
    assert photos.code == 0
    counts = [line for line in photos.lines if "  count  Each photo  " in line]
    assert counts[-1].endswith("40 of 40 executions done, 3 failed")
    each = set(re.findall(r"\[resize-photos/EachPhoto (\w{8})\]", photos.out))
    assert 10 <= len(each) <= 13, "three that failed, and ten others"
    failed = [line for line in photos.lines if "✘ Execution failed" in line]
    assert ["UnreadableImage" in line for line in failed] == [True] * 3
    assert all(line.isprintable() for line in photos.lines)
    told = program("replay", str(photos.recording), "--json").objects
    runs = [each["executions"] for each in told if each["kind"] == "map-run"]
    assert (runs[-1]["succeeded"], runs[-1]["failed"]) == (37, 3)
    last = {each["arn"]: each["status"] for each in told if each["kind"] == "child"}
    assert Counter(last.values()) == {"SUCCEEDED": 37, "FAILED": 3}
    ends = [each for each in told if each["kind"] == "end"]
    (root,) = (each for each in ends if each["parent"] is None)
    begun = [each for each in ends if each["parent"] and each["parent"]["map_run"]]
    assert {each["parent"]["execution"] for each in begun} == {root["arn"]}
    assert len(ends) == len({each["arn"] for each in ends})


def test_a_nested_execution_is_told_with_its_machine(program: Program) -> None:
    ended = program("demo", "pipeline", "--plain", *SPEED)
    assert ended.code == 0
    assert re.search(r"\[ship-parcel \w{8}\] ◆ Execution started", ended.out)
