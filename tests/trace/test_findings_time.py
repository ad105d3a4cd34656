"""Where the time went, each second counted once."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.events import From, Received
from sfnwatch.trace.finding_case import case_of
from sfnwatch.trace.finding_time import slowest_path, time_findings
from sfnwatch.trace.report_states import state_rows
from sfnwatch.trace.report_verdict import judge
from sfnwatch.trace.spans import end_of
from sfnwatch.trace.timeline import Timeline, Trace, extend
from sfnwatch.trace.times import iso
from sfnwatch.trace.values import replace
from tests.builders import (
    ARN,
    START,
    describe,
    event,
    health,
    sync_history,
    sync_run,
)
from tests.trace.finding import LAMBDA, begun, every, iterations
from tests.trace.machines import Run, Sequence, machines


def test_a_run_s_time_is_divided() -> None:
    (time,) = every(*sync_run())["time"]
    assert time.text == (
        "Of 5 min 9 s: 5 min 6 s working, 1.2 s waiting, 1.9 s before a job's end was"
        " noticed and 0.06 s between states."
    )
    assert time.evidence == ("#1", "#8")
    assert time.data == {
        "seconds": 309.05,
        "working": 305.9,
        "waiting": 1.19,
        "backing_off": 0,
        "noticing": 1.9,
        "around": 0,
        "between": 0.06,
        "counted": "slowest path",
    }


def test_of_a_parallel_the_branch_that_ended_last_counts() -> None:
    records = [
        begun(),
        event(2, "ParallelStateEntered", 1, name="Fan", previous=0),
        event(3, "ParallelStateStarted", 1),
        event(4, "TaskStateEntered", 1, name="Quick", previous=3),
        event(5, "TaskStateEntered", 1, name="Slow", previous=3),
        event(6, "TaskScheduled", 1, previous=4, **LAMBDA),
        event(7, "TaskScheduled", 1, previous=5, **LAMBDA),
        event(8, "TaskStarted", 1, previous=6, **LAMBDA),
        event(9, "TaskStarted", 1, previous=7, **LAMBDA),
        event(10, "TaskSucceeded", 4, previous=8, **LAMBDA),
        event(11, "TaskStateExited", 4, name="Quick"),
        event(12, "TaskSucceeded", 9, previous=9, **LAMBDA),
        event(13, "TaskStateExited", 9, name="Slow"),
        event(14, "ParallelStateSucceeded", 9),
        event(15, "ParallelStateExited", 9, name="Fan", previous=13),
        event(16, "WaitStateEntered", 9, name="Nap"),
        event(17, "WaitStateExited", 11, name="Nap"),
        event(18, "ExecutionSucceeded", 11),
    ]
    told = every(*records)
    (time,) = told["time"]
    assert "each second once, along the slowest branch" in time.text
    assert (time.data["working"], time.data["waiting"]) == (8, 2)
    (slowest,) = told["slowest-path"]
    assert (
        slowest.text
        == "Fan[1] / Slow (8 s) took most of the time, then came Nap (2 s)."
    )
    assert [step["visit"] for step in slowest.data["steps"]] == [5, 16]
    assert slowest.evidence == ("#5", "#16")


def test_an_iteration_that_waited_for_its_turn_follows_on_the_one_before() -> None:
    records = [
        begun(),
        event(2, "MapStateEntered", 0, name="Each"),
        event(3, "MapStateStarted", 0, length=3),
    ]
    last = 3
    for index in range(3):
        first, at = 4 + index * 6, index * 10
        records += [
            event(
                first,
                "MapIterationStarted",
                at,
                previous=last,
                name="Each",
                index=index,
            ),
            event(first + 1, "TaskStateEntered", at, name="Work"),
            event(first + 2, "TaskScheduled", at, **LAMBDA),
            event(first + 3, "TaskSucceeded", at + 10, **LAMBDA),
            event(first + 4, "TaskStateExited", at + 10, name="Work"),
            event(
                first + 5, "MapIterationSucceeded", at + 10, name="Each", index=index
            ),
        ]
        last = first + 4
    (slowest,) = every(*records)["slowest-path"]
    assert [step["visit"] for step in slowest.data["steps"]] == [5, 11, 17]


def test_of_very_many_steps_the_first_are_listed() -> None:
    (time,) = every(*iterations(50))["time"]
    assert "so far" in time.text
    assert time.data["counted"] == "slowest path"


def test_where_many_took_alike_none_decided_the_length() -> None:
    records = [begun()]
    for number in range(12):
        first, at = 2 + number * 3, number * 2.0
        records += [
            event(first, "TaskStateEntered", at, name=f"S{number}"),
            event(first + 1, "TaskScheduled", at, **LAMBDA),
            event(first + 2, "TaskStateExited", at + 1, name=f"S{number}"),
        ]
    told = every(*records, event(38, "ExecutionSucceeded", 24))
    assert "time" in told
    assert "slowest-path" not in told


def _cut(*, status: str | None = "SUCCEEDED") -> list[Received]:
    """Build the first page of a run of 309 s: what came after 1.2 s is not here."""
    described = [describe(status)] if status else []
    return [replace(r, at=None) for r in (*sync_history()[:5], *described)]


def test_a_history_that_is_cut_is_told_up_to_its_last_event() -> None:
    told = every(*_cut())
    (time,) = told["time"]
    assert time.text.startswith("Of 1.2 s up to #5, the last event that is here: ")
    assert time.data["seconds"] == 1.2
    assert "slowest-path" not in told
    trace = extend(Trace(), _cut())
    (row,) = state_rows(trace, trace.timelines[ARN], {})
    assert row.seconds == pytest.approx(1.17)
    assert judge(trace, trace.timelines[ARN]).seconds == 309


def test_of_states_whose_ends_are_missing_no_time_is_told() -> None:
    page = [*_cut(status=None), replace(sync_history()[-1], at=None)]
    trace = extend(Trace(), page)
    assert "time" not in every(*page)
    (row,) = state_rows(trace, trace.timelines[ARN], {})
    assert row.seconds == pytest.approx(1.17)


def test_a_watched_run_goes_on_until_the_last_that_came_in() -> None:
    request = Received(
        START + timedelta(seconds=183),
        From.REQUEST,
        ARN,
        {
            "operation": "GetExecutionHistory",
            "service": "states",
            "sent_at": iso(START + timedelta(seconds=182)),
            "seconds": 0.1,
            "outcome": "ok",
        },
    )
    records = [*sync_history()[:5], request]
    trace = extend(Trace(), records)
    timeline = trace.timelines[ARN]
    (time,) = every(*records)["time"]
    (row,) = state_rows(trace, timeline, {})
    assert time.data["seconds"] == judge(trace, timeline).seconds == 182
    assert row.seconds == pytest.approx(181.97)
    assert (
        judge(trace, timeline).text == "RUNNING for 3 min 2 s so far, in ECS RunTask."
    )
    now = START + timedelta(seconds=200)
    assert judge(trace, timeline, now).seconds == 200
    (row,) = state_rows(trace, timeline, {}, now)
    assert row.seconds == pytest.approx(199.97)
    (time, *_) = time_findings(case_of(trace, timeline, now=now))
    assert time.data["seconds"] == 200


def test_a_file_of_a_run_that_went_on_ends_where_it_was_saved() -> None:
    trace = extend(Trace(), [*_cut(status=None), health("lookup", "live", 900)])
    assert judge(trace, trace.timelines[ARN]).seconds == 1.2


@pytest.mark.parametrize("kind", ["Pass", "Choice"])
def test_where_nothing_works_or_waits_there_is_nothing_to_divide(kind: str) -> None:
    records = [begun(), event(2, f"{kind}StateEntered", 1, name="A")]
    assert "time" not in every(*records, event(3, f"{kind}StateExited", 9, name="A"))


@settings(max_examples=200, deadline=None)
@given(
    machine=machines(),
    seed=st.integers(0, 2**32),
    failing=st.sampled_from([0.0, 0.2]),
    part=st.floats(0.2, 1),
)
def test_the_slowest_path_counts_no_moment_twice_and_reaches_the_end(
    machine: Sequence, seed: int, failing: float, part: float
) -> None:
    run = Run(machine, seed, failing, alike=False)
    events = run.events[: max(2, round(len(run.events) * part))]
    timeline = Timeline(ARN, events={event.id: event for event in events})
    now = events[-1].timestamp
    steps = slowest_path(timeline, now).steps
    assert all(
        end_of(before, now) <= after.entered_at for before, after in pairwise(steps)
    )
    parents = {visit.parent for visit in timeline.visits}
    assert not any(visit.id in parents for visit in steps)
    tops = [visit for visit in timeline.visits if visit.parent is None]
    around = {visit.parent for visit in steps} | {visit.id for visit in steps}
    assert not tops or tops[-1].id in around or tops[-1].type in {"Map", "Parallel"}
