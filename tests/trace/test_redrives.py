"""An execution that is taken up again: one timeline, with a seam in it."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.chapters import Mark, chapters
from sfnwatch.trace.compare import compare_apart
from sfnwatch.trace.compare_remarks import remarks
from sfnwatch.trace.events import Received
from sfnwatch.trace.findings import findings
from sfnwatch.trace.lanes import Row, build_lanes
from sfnwatch.trace.moments import Reading
from sfnwatch.trace.redrives import ordinal
from sfnwatch.trace.report import report
from sfnwatch.trace.report_verdict import judge
from sfnwatch.trace.sentences import explain
from sfnwatch.trace.shape import Fold, Shape, Sort, shape
from sfnwatch.trace.spans import segments, totals
from sfnwatch.trace.timeline import Timeline, Trace, extend
from sfnwatch.trace.words import plain, row_pieces
from tests.builders import ARN, START, event, sync_run
from tests.redriven import (
    described,
    failed_history,
    redriven,
    redriven_history,
    redriven_run,
)
from tests.trace.writing import EACH, ECS, FORK, script


def trace_of(*records: Received) -> Trace:
    return extend(Trace(), records)


def timeline_of(*records: Received) -> Timeline:
    return trace_of(*records).timelines[ARN]


def rows(*records: Received) -> list[Row]:
    return list(build_lanes(trace_of(*records)).rows)


def words(*records: Received) -> list[str]:
    return [plain(row_pieces(row)) for row in rows(*records)]


# -- the outcome -----------------------------------------------------------------


def test_the_outcome_is_the_last_one() -> None:
    timeline = timeline_of(*redriven_history())
    assert (timeline.status, timeline.running) == ("SUCCEEDED", False)
    assert timeline.stopped_at == START + timedelta(seconds=803.04)


def test_the_verdict_tells_of_every_leg() -> None:
    trace = trace_of(*redriven_history())
    assert judge(trace, trace.timelines[ARN]).text == (
        "FAILED after 3 s, redriven 12 min later, SUCCEEDED after 1 min 20 s more."
    )


def test_a_second_redrive_is_told_of_too() -> None:
    again = [
        event(9, "TaskFailed", 724, error="E"),
        event(10, "ExecutionFailed", 725, error="E"),
        redriven(11, 1000, 2),
    ]
    records = [*failed_history(), redriven(), *redriven_history()[7:8], *again]
    trace = trace_of(*records)
    assert judge(trace, trace.timelines[ARN], START + timedelta(seconds=1010)).text == (
        "FAILED after 3 s, redriven 12 min later, FAILED after 2 s more, redriven"
        " 4 min 35 s later, RUNNING for 10 s more so far."
    )


def test_an_end_that_is_missing_leaves_its_length_out() -> None:
    history = [r for r in redriven_history() if r.data["id"] != 6]
    trace = trace_of(*history)
    assert judge(trace, trace.timelines[ARN]).text == (
        "redriven, SUCCEEDED after 1 min 20 s more."
    )


@pytest.mark.parametrize(
    ("status", "count", "shown"),
    [
        ("FAILED", 0, "FAILED"),
        ("PENDING_REDRIVE", 0, "PENDING_REDRIVE"),
        ("RUNNING", 0, "FAILED"),
        ("RUNNING", 1, "RUNNING"),
    ],
)
def test_a_description_may_be_ahead_of_the_history(
    status: str, count: int, shown: str
) -> None:
    """DescribeExecution is eventually consistent: only a count proves it is ahead."""
    timeline = timeline_of(*failed_history(), described(status, count))
    assert timeline.status == shown
    assert timeline.running == (shown != "FAILED")


def test_a_wait_for_a_redrive_is_over_when_the_history_tells_of_it() -> None:
    waiting = described("PENDING_REDRIVE", 0)
    assert timeline_of(*redriven_history(), waiting).status == "SUCCEEDED"


# -- the seam --------------------------------------------------------------------


def test_the_seam_says_which_time_and_how_long_after_the_end() -> None:
    failed, seam, again = words(*redriven_history())[4:7]
    assert failed.startswith("✘ Execution failed  ECS.ClusterNotFoundException")
    assert seam == "⟲ Redriven (1st time), 12m 00s after it failed"
    assert again == "scheduled · started  try 2  redriven"


def test_aws_s_count_wins_over_what_is_here() -> None:
    assert words(*failed_history(), redriven(count=3))[-1].startswith(
        "⟲ Redriven (3rd time)"
    )


@pytest.mark.parametrize("count", [None, "2", True, 0, -1, 1.5])
def test_a_count_that_is_none_is_made_up_for(count: Any) -> None:
    assert words(redriven(count=count)) == ["⟲ Redriven (1st time)"]


@pytest.mark.parametrize(
    ("number", "said"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (21, "21st")],
)
def test_ordinals(number: int, said: str) -> None:
    assert ordinal(number) == said


def test_a_map_run_s_redrive_is_counted() -> None:
    run = event(5, "MapRunRedriven", 9, mapRunArn="arn:x:mapRun:a/b:c", redriveCount=2)
    assert words(run) == ["map run redriven  (2nd time)  b:c"]


def test_the_time_before_the_seam_is_idle_and_no_back_off() -> None:
    shown = shape(build_lanes(trace_of(*redriven_history())), Shape()).rows
    folds = [(row.sort, row.seconds) for row in shown if isinstance(row, Fold)]
    assert folds == [(Sort.IDLE, 720.0), (Sort.IDLE, pytest.approx(78.9))]


def test_the_sentence_of_a_redriven_try_speaks_of_no_back_off() -> None:
    trace = trace_of(*redriven_history())
    said = [explain(row, trace) for row in build_lanes(trace).rows]
    assert said[6] == (
        "After the redrive, try 2: Step Functions schedules ecs:runTask.sync and starts"
        " it 0.10 s later."
    ), said


def test_the_seam_and_both_ends_are_marks() -> None:
    marks = chapters(trace_of(*redriven_history()), Reading.HAPPENED)
    assert [
        (mark.kind, mark.label) for mark in marks if mark.kind is not Mark.NOTICED
    ] == [
        (Mark.STARTED, "execution started"),
        (Mark.ENTERED, "Import entered"),
        (Mark.FAILED, "Import failed: ECS.ClusterNotFoundException"),
        (Mark.ENDED, "execution failed"),
        (Mark.REDRIVEN, "redriven (1st time)"),
        (Mark.ENDED, "execution succeeded"),
    ]


# -- states and calls --------------------------------------------------------------


def test_the_state_runs_again_and_its_first_try_stays_failed() -> None:
    (visit,) = timeline_of(*redriven_history()).visits
    assert visit.status == "succeeded"
    assert [attempt.status for attempt in visit.attempts] == ["failed", "succeeded"]
    assert (visit.backoffs, visit.is_redriven(2)) == ((), True)


def test_calls_after_the_seam_belong_to_the_new_try() -> None:
    links = trace_of(*redriven_run()).links
    tries = {key: (link.attempt_id, str(link.rule)) for key, link in links.items()}
    assert tries == {
        "run-1": (3, "request-id"),
        "run-2": (8, "resource-id"),
        "poll-1": (8, "resource-id"),
    }


@pytest.mark.parametrize("before", [0, 2, 5, 6, 7])
def test_whatever_the_new_try_follows_it_is_the_same_state_s(before: int) -> None:
    """No recording says what it is."""
    history = redriven_history()
    data = {**history[7].data, "previousEventId": before}
    history[7] = Received(history[7].at, history[7].source, ARN, data)
    (visit,) = timeline_of(*history).visits
    assert [attempt.status for attempt in visit.attempts] == ["failed", "succeeded"]


def test_a_state_that_is_entered_anew_is_another_visit() -> None:
    run = script(
        "ExecutionStarted@0",
        "FailStateEntered@0 F",
        "ExecutionFailed",
        "ExecutionRedriven",
        "FailStateEntered F",
        "ExecutionFailed",
    )
    assert [visit.status for visit in run.visits] == ["failed", "failed"]
    assert not any(visit.pauses for visit in run.visits)


@pytest.mark.parametrize("kind", ["Choice", "Wait", "Pass"])
@pytest.mark.parametrize("before", [2, 3, 4])
def test_a_state_may_be_left_after_a_redrive(kind: str, before: int) -> None:
    """Inferred, like all that a redrive goes on with."""
    run = script(
        "ExecutionStarted@0",
        f"{kind}StateEntered@0 A",
        "ExecutionFailed",
        "ExecutionRedriven+60",
        f"{kind}StateExited@{before} A",
        "PassStateEntered B",
    )
    first, second = run.visits
    assert (first.status, second.status) == ("succeeded", "running")
    assert first.paused == 60


def test_a_branch_that_is_entered_after_a_redrive_runs_with_its_parallel() -> None:
    run = script(
        *FORK,
        "TaskStateEntered@3 A",
        "PassStateEntered@3 B",
        "ExecutionAborted@0",
        "ExecutionRedriven@0",
        "PassStateExited@5 B",
        "PassStateEntered C",
    )
    assert run.statuses["Main / P"] == "running"
    assert run.statuses["Main / P[1] / C"] == "running"


def test_a_redriven_map_run_has_its_map_go_on() -> None:
    for before in (2, 3, 6, 7):
        run = script(
            "ExecutionStarted@0",
            "MapStateEntered@0 M",
            "MapStateStarted",
            'MapRunStarted {"mapRunArn": "a"}',
            'MapRunFailed {"error": "E"}',
            "ExecutionFailed",
            "ExecutionRedriven",
            f'MapRunRedriven@{before} {{"redriveCount": 1}}',
        )
        (visit,) = run.visits
        assert (visit.status, visit.error) == ("running", None)
        done = run.then("MapRunSucceeded", "MapStateSucceeded", "MapStateExited@9 M")
        assert done.statuses == {"Main / M": "succeeded"}


def test_an_iteration_may_be_redriven() -> None:
    run = script(
        *EACH,
        "MapIterationStarted@3 M#0",
        "TaskStateEntered A",
        f"TaskScheduled {ECS}",
        "TaskFailed",
        "MapIterationFailed@7 M#0",
        "MapStateFailed@7",
        "ExecutionFailed@7",
        "ExecutionRedriven@0",
        f"TaskScheduled@5 {ECS}",
        "TaskSucceeded",
        "TaskStateExited A",
    )
    assert run.statuses == {"Main / M": "running", "Main / M[0] / A": "succeeded"}


# -- time ------------------------------------------------------------------------


def test_the_time_in_between_is_neither_work_nor_waiting() -> None:
    (visit,) = timeline_of(*redriven_history()).visits
    spent = {str(part): round(s, 2) for part, s in totals(visit, START).items()}
    assert spent == {
        "waiting": 1.25,
        "working": 79.75,
        "stopped": 720.0,
        "noticing": 2.0,
    }
    parts = segments(visit, START)
    assert all(a.end == b.begin for a, b in pairwise(parts))


def test_the_findings_tell_of_it_and_count_no_second_as_work() -> None:
    trace = trace_of(*redriven_run())
    told = {f.kind: f for f in findings(trace, trace.timelines[ARN])}
    assert told["redriven"].text == (
        "The execution was redriven once, 12 min after it failed: it went on with"
        " Import."
    )
    assert told["redriven"].evidence == ("#6", "#7", "#13")
    assert told["redriven"].certainty == "fact"
    assert told["time"].data["stopped"] == 720
    assert told["time"].data["between"] < 1
    assert "12 min over, until it was redriven" in told["time"].text
    assert "retries" not in told


def test_nothing_is_said_of_redrives_where_there_are_none() -> None:
    trace = trace_of(*sync_run())
    told = {f.kind: f for f in findings(trace, trace.timelines[ARN])}
    assert "redriven" not in told
    assert "stopped" not in told["time"].data


def test_the_states_lengths_leave_the_stop_out() -> None:
    (execution,) = report(trace_of(*redriven_history())).executions
    assert execution.states[0].seconds == pytest.approx(83.0, abs=0.02)
    exited = [line for line in words(*redriven_history()) if "exited" in line]
    assert exited == ["exited  1m 23s"]


# -- beside another ----------------------------------------------------------------


def test_a_comparison_says_that_one_was_redriven() -> None:
    trace = trace_of(*redriven_history())
    other = trace_of(*failed_history())
    told = compare_apart(other, ARN, trace, ARN)
    said = (
        "B was redriven once, 12m 00s after it failed: that time is part of how long it"
        " took, and of no state."
    )
    assert said in remarks(told)


# -- the law ---------------------------------------------------------------------

RECORDS = [*redriven_run(), described("SUCCEEDED", 1), described("RUNNING", 0)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(RECORDS)), st.permutations(RECORDS))
def test_any_order_and_any_repetition_give_the_same(
    some: list[Received], every: list[Received]
) -> None:
    trace = trace_of(*RECORDS)
    batches = extend(extend(Trace(), [*some, *every[:7]]), every[7:])
    assert batches.timelines == trace.timelines
    assert batches.links == trace.links
    assert batches.timelines[ARN].redrives == trace.timelines[ARN].redrives


@settings(max_examples=100, deadline=None)
@given(st.sets(st.integers(1, 13)))
def test_whatever_is_missing_nothing_crashes(gone: set[int]) -> None:
    records = [r for r in redriven_history() if r.data["id"] not in gone]
    trace = trace_of(*records)
    for row in build_lanes(trace).rows:
        assert plain(row_pieces(row))
        assert explain(row, trace)
    for timeline in trace.timelines.values():
        judge(trace, timeline)
        findings(trace, timeline)
        for visit in timeline.visits:
            parts = segments(visit, START + timedelta(seconds=900))
            assert all(part.seconds > 0 for part in parts)
            assert all(a.end == b.begin for a, b in pairwise(parts))
