import json
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.events import Received
from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.integrations import CallRole, Pattern
from sfnwatch.trace.lanes import build_lanes
from sfnwatch.trace.notice import By
from sfnwatch.trace.spans import (
    Part,
    end_of,
    notices,
    segments,
    ticks,
    totals,
)
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.visits import StateVisit, build_visits
from tests.builders import ARN, REGION, START, call, event, sync_history, sync_run
from tests.trace.machines import Run, Sequence, machines
from tests.tui.gantt_runs import noticed_twice
from tests.tui.runs import branching_run


def seconds(number: float) -> datetime:
    return START + timedelta(seconds=number)


def visit_of(records: list[Received], name: str) -> StateVisit:
    visits = extend(Trace(), records).timelines[ARN].visits
    return next(visit for visit in visits if visit.name == name)


def told(visit: StateVisit, now: float) -> list[tuple[str, float]]:
    return [(s.part.value, round(s.seconds, 3)) for s in segments(visit, seconds(now))]


# -- tasks -----------------------------------------------------------------------


def test_a_job_waits_until_submitted_works_until_it_stops_and_is_noticed_then() -> None:
    assert told(visit_of(sync_history(), "ECS RunTask"), 0) == [
        ("waiting", 1.17),
        ("working", 305.9),
        ("noticing", 1.9),
        ("waiting", 0.02),
    ]


def test_a_job_not_submitted_yet_still_waits() -> None:
    visit = visit_of(sync_history()[:4], "ECS RunTask")
    assert told(visit, 9) == [("waiting", 8.97)]


def test_a_running_job_works_to_the_moment_given_and_is_open() -> None:
    visit = visit_of(sync_history()[:5], "ECS RunTask")
    last = segments(visit, seconds(100))[-1]
    assert (last.part, last.end, last.open) == (Part.WORKING, seconds(100), True)


def test_a_retry_backs_off_between_its_tries_and_the_failed_one_is_marked() -> None:
    visit = visit_of(branching_run(), "Thumbnails")
    found = segments(visit, START)
    assert [(s.part, s.attempt, s.failed) for s in found] == [
        (Part.WAITING, 1, True),
        (Part.WORKING, 1, True),
        (Part.BACKING_OFF, None, False),
        (Part.WAITING, 2, False),
        (Part.WORKING, 2, False),
        (Part.WAITING, None, False),
    ]
    assert (found[2].begin, found[2].end) == visit.backoffs[0]
    assert totals(visit, START)[Part.BACKING_OFF] == pytest.approx(3)


def test_a_failure_that_may_be_tried_again_backs_off_while_it_runs() -> None:
    task: dict[str, Any] = {"resourceType": "lambda", "resource": "invoke"}
    records = [
        event(1, "ExecutionStarted", 0),
        event(2, "TaskStateEntered", 1, name="Work"),
        event(3, "TaskScheduled", 1, region=REGION, **task),
        event(4, "TaskStarted", 2, **task),
        event(5, "TaskFailed", 5, error="E", **task),
    ]
    visit = visit_of(records, "Work")
    last = segments(visit, seconds(9))[-1]
    assert (last.part, last.open, last.seconds) == (Part.BACKING_OFF, True, 4)


def test_an_activity_waits_for_a_worker() -> None:
    records = [
        event(1, "ExecutionStarted", 0),
        _entered("Task", 2, "Approve"),
        event(3, "ActivityScheduled", 0, resource="arn:activity"),
        event(4, "ActivityStarted", 20),
    ]
    visit = visit_of(records, "Approve")
    assert told(visit, 30) == [("waiting", 20), ("working", 10)]


def _entered(kind: str, number: int, name: str) -> Received:
    return event(number, f"{kind}StateEntered", 0, name=name)


# -- other states ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("Wait", Part.WAITING),
        ("Map", Part.AROUND),
        ("Parallel", Part.AROUND),
        ("Pass", Part.WORKING),
        ("Task", Part.WAITING),
    ],
)
def test_a_state_without_tries_is_of_one_part(kind: str, part: Part) -> None:
    records = [event(1, "ExecutionStarted", 0), _entered(kind, 2, "S")]
    assert [s.part for s in segments(visit_of(records, "S"), seconds(5))] == [part]


def test_what_takes_no_time_has_no_segments() -> None:
    visit = visit_of(branching_run(), "Big?")
    assert segments(visit, seconds(99)) == ()
    assert totals(visit, seconds(99)) == {}


# -- any visit, however odd --------------------------------------------------------

moments = st.integers(-50, 400).map(seconds)
maybe = st.none() | moments
statuses = st.sampled_from(["running", "succeeded", "failed", "timed_out", "aborted"])
attempts = st.builds(
    Attempt,
    scheduled_id=st.integers(1, 99),
    visit_id=st.just(2),
    resource_type=st.just("ecs"),
    resource=st.just("runTask.sync"),
    pattern=st.sampled_from(list(Pattern)),
    integration=st.none(),
    scheduled_at=moments,
    started_at=maybe,
    submitted_at=maybe,
    ended_at=maybe,
    stopped_at=maybe,
    status=statuses,
)
odd_visits = st.builds(
    StateVisit,
    id=st.just(2),
    name=st.just("S"),
    type=st.sampled_from(["Task", "Wait", "Pass", "Map", "Quantum"]),
    parent=st.none(),
    path=st.just("Main / S"),
    index=st.none(),
    depth=st.just(0),
    entered_at=moments,
    ended_at=maybe,
    status=statuses,
    attempts=st.lists(attempts, max_size=3).map(tuple),
)


@given(odd_visits, moments)
def test_segments_leave_no_gap_and_do_not_overlap(
    visit: StateVisit, now: datetime
) -> None:
    found = segments(visit, now)
    end = end_of(visit, now)
    assert sum(s.seconds for s in found) == (end - visit.entered_at).total_seconds()
    assert all(before.end == after.begin for before, after in pairwise(found))
    assert all(s.seconds > 0 for s in found)
    if found:
        assert (found[0].begin, found[-1].end) == (visit.entered_at, end)
    assert not any(s.open for s in found[:-1])
    assert sum(totals(visit, now).values()) == pytest.approx(
        (end - visit.entered_at).total_seconds()
    )


@given(odd_visits, moments, st.integers(0, 100))
def test_only_the_last_segment_of_a_running_visit_grows(
    visit: StateVisit, now: datetime, more: int
) -> None:
    early, late = segments(visit, now), segments(visit, now + timedelta(seconds=more))
    if visit.ended_at is not None:
        assert early == late
    else:
        assert early[:-1] == late[: len(early[:-1])]


@given(machines(), st.integers(0, 10**6))
def test_every_state_of_any_run_is_divided_whole(machine: Sequence, seed: int) -> None:
    run = Run(machine, seed, 0.3, alike=False)
    history: list[HistoryEvent] = run.events
    last = history[-1].timestamp
    for visit in build_visits(history, run.branches):
        whole = (end_of(visit, last) - visit.entered_at).total_seconds()
        parts = segments(visit, last)
        assert sum(s.seconds for s in parts) == pytest.approx(whole)
        assert not any(s.open for s in parts)


# -- calls -----------------------------------------------------------------------


def test_a_visit_has_its_calls_in_order_with_what_each_was_for() -> None:
    found = ticks(extend(Trace(), sync_run()))[ARN, 2]
    assert [t.role for t in found] == [CallRole.ACTION, *[CallRole.POLL] * 5]
    assert [t.key for t in found][:2] == ["call#run", "call#poll-0"]
    assert not any(t.failed for t in found)


def test_a_call_that_was_refused_says_so() -> None:
    found = ticks(extend(Trace(), sync_run(denied=True)))[ARN, 2]
    assert [t.failed for t in found] == [False, *[True] * 5]


def test_a_guessed_call_is_told_from_an_exact_one() -> None:
    found = ticks(extend(Trace(), branching_run()))
    assert [t.exact for those in found.values() for t in those] == [True, True, False]


def test_an_action_stands_where_the_lanes_put_it() -> None:
    trace = extend(Trace(), sync_run())
    rows = {row.key: row for row in build_lanes(trace).rows}
    action, *polls = ticks(trace)[ARN, 2]
    assert action.at == seconds(1.2)
    assert action.at != rows[action.key].call.event_time  # type: ignore[union-attr]
    assert all(poll.at == rows[poll.key].at for poll in polls)


def test_calls_that_belong_to_no_visit_are_no_ticks() -> None:
    stranger = call("AssumeRole", 3, key="role", source="sts.amazonaws.com")
    found = ticks(extend(Trace(), [*sync_history(), stranger]))
    assert found == {}


def test_who_noticed_is_told_by_attempt() -> None:
    found = notices(extend(Trace(), sync_run()))
    assert list(found) == [(ARN, 3)]
    assert found[ARN, 3].by is By.EVENT
    assert found[ARN, 3].seconds == pytest.approx(1.9)


def test_the_end_of_every_try_may_have_been_noticed_late() -> None:
    found = notices(extend(Trace(), noticed_twice()))
    assert [key for key, _ in sorted(found.items())] == [(ARN, 3), (ARN, 7)]
    assert found[ARN, 3].seconds == pytest.approx(2)
    assert found[ARN, 7].seconds == pytest.approx(1)


def test_no_action_stands_before_its_try() -> None:
    early = call("RunTask", -3, key="run", request_id="req-run")
    records = [*sync_history(), early]
    (action,) = ticks(extend(Trace(), records))[ARN, 2]
    assert action.at == seconds(0.03)
    assert action.rule == "= request id"


def test_a_job_whose_clock_is_ahead_was_noticed_in_no_time() -> None:
    records = sync_history()
    done = dict(records[5].data["taskSucceededEventDetails"])
    body = {"StoppedAt": int((START.timestamp() + 400) * 1000)}
    done["output"] = json.dumps(body)
    ahead = {**records[5].data, "taskSucceededEventDetails": done}
    records[5] = Received(records[5].at, records[5].source, ARN, ahead)
    parts = [part for part, _ in told(visit_of(records, "ECS RunTask"), 0)]
    assert parts == ["waiting", "working", "waiting"]
