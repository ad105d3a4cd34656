"""The demo: the experiment it grew from, as lines."""

import json
import re
import stat
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from sfnwatch.demo.scenarios import SCENARIOS, TOGETHER
from tests.program.programs import Ended, Program

SPEED = ("--speed", "1000")


def calls(ended: Ended, name: str) -> list[str]:
    return [line for line in ended.lines if re.search(rf"  call   {name}\b", line)]


def test_sync_shows_run_task_by_its_request_and_five_polls_by_their_task(
    program: Program,
) -> None:
    ended = program("demo", "sync", "--plain", *SPEED)
    assert ended.code == 0
    (run,) = calls(ended, "RunTask")
    assert "= request id" in run
    polls = calls(ended, "DescribeTasks")
    assert ["= task ARN" in poll for poll in polls] == [True] * 5
    assert "✔ Execution succeeded" in ended.out
    assert all(line.isprintable() for line in ended.lines)


def test_the_demo_ends_with_the_experiments_four_conclusions(
    program: Program,
) -> None:
    ended = program("demo", "--plain", *SPEED)
    assert ended.code == 0
    concluded = [line for line in ended.lines if "  Conclusion: " in line]
    assert concluded == ended.lines[-4:]
    sync, plain, sdk, denied = concluded
    polled = "calls RunTask, then DescribeTasks about once a minute (5 polls)"
    assert f"ecs:runTask.sync {polled}." in sync
    assert " ecs:runTask calls RunTask and nothing after it." in plain
    assert " aws-sdk:ecs:runTask calls RunTask and nothing after it." in sdk
    assert f"{polled}; denied each time, and it succeeds all the same" in denied
    assert all(re.search(r"\[(6 calls|call) [0-9a-f]{8}…\]$", c) for c in concluded)


def test_denied_polls_are_all_shown_and_it_succeeds_all_the_same(
    program: Program,
) -> None:
    ended = program("demo", "sync-denied", "--plain", *SPEED)
    assert ended.code == 0
    polls = calls(ended, "DescribeTasks")
    assert ["AccessDenied" in poll for poll in polls] == [True] * 5
    assert re.search("5 polls were denied, and .* succeeded all the same", ended.out)


def test_with_its_queue_the_demo_tells_of_the_tasks_own_life(program: Program) -> None:
    ended = program("demo", "sync", "--with-queue", "--plain", *SPEED)
    assert ended.code == 0
    told = [line for line in ended.lines if "  task   " in line]
    assert len(told) == 5
    assert "EssentialContainerExited, exit 0" in "".join(told)
    assert not any(
        "task   " in line for line in program("demo", "sync", "--plain", *SPEED).lines
    )


@pytest.mark.parametrize(
    ("scenario", "tie"), [("async", "= request id"), ("sdk", "= task ARN")]
)
def test_what_does_not_wait_makes_one_call_and_says_so(
    program: Program, scenario: str, tie: str
) -> None:
    ended = program("demo", scenario, "--plain", *SPEED)
    assert ended.code == 0
    (call,) = [line for line in ended.lines if "  call   " in line]
    assert "RunTask" in call
    assert tie in call
    assert "does not wait" in ended.out


def test_a_failure_ends_with_the_code_for_it(program: Program) -> None:
    ended = program("demo", "failure", "--plain", *SPEED)
    assert ended.code == 10
    assert "✘ Execution failed" in ended.out
    assert len(calls(ended, "RunTask")) == 2


def test_lines_of_json_have_the_keys_that_others_rely_on(program: Program) -> None:
    ended = program("demo", "sync", "--json", *SPEED)
    assert ended.code == 0
    by_kind: dict[str, list[set[str]]] = {}
    for thing in ended.objects:
        by_kind.setdefault(thing.pop("kind"), []).append(set(thing))
    assert set(by_kind) == {"health", "event", "visit", "call", "trace", "end"}
    assert_all(by_kind["event"], "execution id type previous_event_id timestamp")
    assert_all(
        by_kind["visit"],
        "execution id name type parent path index entered_at exited_at status attempts",
    )
    assert_all(
        by_kind["call"],
        "event_id event_time seen_at event_source event_name error_code read_only"
        " request_id role link",
    )
    assert_all(by_kind["health"], "lane state")
    assert_all(
        by_kind["end"],
        "arn name state_machine_arn role_arn status started_at stopped_at event_count"
        " findings",
    )
    (end,) = (thing for thing in ended.objects if thing["kind"] == "end")
    assert (end["status"], end["event_count"]) == ("SUCCEEDED", 8)
    assert ended.objects[-1] == end


def assert_all(found: Iterable[set[str]], keys: str) -> None:
    for each in found:
        assert set(keys.split()) <= each


def test_every_scenario_is_told_of_in_the_help(program: Program) -> None:
    text = program("demo", "--help").out
    assert all(f"  {name} " in text for name in (*TOGETHER, *SCENARIOS))


def test_a_demo_is_recorded_for_its_owner_alone(program: Program) -> None:
    ended = program("demo", "async", "--plain", *SPEED)
    (path,) = program.recordings
    assert ended.recording == path
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_nothing_is_recorded_if_nothing_shall_be(program: Program) -> None:
    ended = program("demo", "async", "--plain", "--no-record", *SPEED)
    assert ended.code == 0
    assert "recorded" not in ended.err
    assert program.recordings == []


def test_a_demo_needs_nothing_of_the_environment(
    program: Program, tmp_path: Path
) -> None:
    (tmp_path / "broken").write_text("[profile")
    broken = str(tmp_path / "broken")
    ended = program(
        *("demo", "async", "--plain", *SPEED),
        AWS_PROFILE="gone",
        AWS_CONFIG_FILE=broken,
        HTTP_PROXY="http://127.0.0.1:9",
        PYTHONIOENCODING="ascii",
    )
    assert ended.code == 0
    assert "? Execution succeeded" in ended.out, "what ASCII lacks is marked"


def test_a_redriven_execution_is_followed_to_its_last_outcome(
    program: Program,
) -> None:
    ended = program("demo", "redrive", "--plain", "--speed", "600")
    assert ended.code == 0, "the outcome is the last one"
    seam = [line for line in ended.lines if "⟲ Redriven (1st time), 6m 08s" in line]
    failed = [line for line in ended.lines if "✘ Execution failed" in line]
    assert len(seam) == len(failed) == 1
    assert ended.lines.index(failed[0]) < ended.lines.index(seam[0])
    assert "Step Functions: waiting. It is over, and watched for a" in ended.err
    assert "Step Functions: live. Redriven: going on." in ended.err
    assert len(calls(ended, "RunTask")) == 2
    replayed = program("replay", str(ended.recording), "--plain")
    assert (replayed.code, seam[0] in replayed.lines) == (0, True)


# -- what executions begin -----------------------------------------------------------


def test_a_map_run_is_counted_and_its_executions_are_told_by_name(
    program: Program,
) -> None:
    ended = program("demo", "distributed", "--plain", *SPEED)
    assert ended.code == 0
    counts = [line for line in ended.lines if "  count  Each photo  EachPhoto " in line]
    assert counts[-1].endswith("40 of 40 executions done, 3 failed")
    each = {
        name
        for line in ended.lines
        if (name := "".join(re.findall(r"\[resize-photos/EachPhoto (\w{8})\]", line)))
    }
    assert 10 <= len(each) <= 13, "three that failed, and ten others"
    failed = [
        line for line in ended.lines if "✘ Execution failed  UnreadableImage" in line
    ]
    assert len(failed) == 3
    assert "3 failed and 37 succeeded (3 UnreadableImage)" in ended.out
    assert all(line.isprintable() for line in ended.lines)


def test_json_lines_have_the_map_run_its_children_and_who_began_them(
    program: Program,
) -> None:
    ended = program("demo", "distributed", "--json", *SPEED)
    assert ended.code == 0
    told = [json.loads(line) for line in ended.lines]
    counts = [o["executions"] for o in told if o["kind"] == "map-run"]
    assert (counts[-1]["succeeded"], counts[-1]["failed"]) == (37, 3)
    last = {o["arn"]: o["status"] for o in told if o["kind"] == "child"}
    assert Counter(last.values()) == {"SUCCEEDED": 37, "FAILED": 3}
    ends = [o for o in told if o["kind"] == "end"]
    (root,) = [o for o in ends if o["parent"] is None]
    begun = [o for o in ends if o["parent"] and o["parent"]["map_run"]]
    assert {o["parent"]["execution"] for o in begun} == {root["arn"]}
    assert len(ends) == len({o["arn"] for o in ends})


def test_a_nested_execution_is_told_with_its_machine(program: Program) -> None:
    ended = program("demo", "pipeline", "--plain", *SPEED)
    assert ended.code == 0
    assert re.search(r"\[ship-parcel \w{8}\] ◆ Execution started", ended.out)
