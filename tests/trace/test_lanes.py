"""A trace as rows in the order of time, and what is left out of them."""

import pytest

from sfnwatch.trace.events import Received
from sfnwatch.trace.lanes import Kind, Lane, Lanes, Row, build_lanes, complete_to
from sfnwatch.trace.links import Rule
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.times import iso
from tests.builders import (
    ARN,
    START,
    call,
    event,
    health,
    sync_calls,
    sync_history,
    sync_run,
)
from tests.trace.calling import OTHER_ARN, RUN, row, started, state


def lanes_of(*records: Received, joined: bool = True) -> Lanes:
    return build_lanes(extend(Trace(), records), joined=joined)


def names(lanes: Lanes) -> list[str]:
    return [
        row.call.event_name if row.call else "+".join(e.type for e in row.events)
        for row in lanes.rows
    ]


def row_of(lanes: Lanes, key: str) -> Row:
    return lanes.rows[lanes.positions[key]]


def test_the_seed_s_run_is_laid_out_in_the_order_of_time() -> None:
    lanes = lanes_of(*sync_run())
    assert names(lanes) == [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled+TaskStarted",
        "TaskSubmitted",
        "RunTask",
        *["DescribeTasks"] * 5,
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]
    assert lanes.hidden == 0
    assert [row.kind for row in lanes.rows[:4]] == [
        Kind.EXECUTION,
        Kind.ENTERED,
        Kind.PHASE,
        Kind.PHASE,
    ]


def test_rows_are_found_by_their_keys() -> None:
    lanes = lanes_of(*sync_run())
    assert {lanes.rows[place].key for place in lanes.positions.values()} == set(
        lanes.positions
    )
    assert row_of(lanes, "call#run").lane is Lane.CALLS
    assert row_of(lanes, f"{ARN}#5").lane is Lane.STATES


def test_without_joining_every_event_has_its_row() -> None:
    lanes = lanes_of(*sync_history(), joined=False)
    assert [len(row.events) for row in lanes.rows] == [1] * 8


def test_a_state_that_is_passed_at_once_is_one_row() -> None:
    passing = [
        event(2, "PassStateEntered", 1, name="A"),
        event(3, "PassStateExited", 1, name="A"),
        event(4, "WaitStateEntered", 1, name="B"),
        event(5, "WaitStateExited", 3, name="B"),
    ]
    kinds = [row.kind for row in lanes_of(*started(), *passing).rows]
    assert kinds == [Kind.EXECUTION, Kind.PASSED, Kind.ENTERED, Kind.EXITED]


def test_a_parallel_is_entered_and_started_and_left_in_one_row_each() -> None:
    whole = [
        event(2, "ParallelStateEntered", 1, name="P"),
        event(3, "ParallelStateStarted", 1),
        event(4, "WaitStateEntered", 1, previous=3, name="A"),
        event(5, "WaitStateExited", 4, name="A"),
        event(6, "ParallelStateSucceeded", 4),
        event(7, "ParallelStateExited", 4.1, previous=5, name="P"),
    ]
    lanes = lanes_of(*started(), *whole)
    kinds = [Kind.ENTERED, Kind.ENTERED, Kind.EXITED, Kind.EXITED]
    assert [row.kind for row in lanes.rows[1:]] == kinds
    assert [row.key for row in lanes.rows[1:]] == [f"{ARN}#{n}" for n in (2, 4, 5, 6)]
    assert lanes.rows[-1].at == lanes.rows[-1].events[-1].timestamp


def test_events_of_different_states_are_never_joined() -> None:
    apart = [
        event(2, "ParallelStateEntered", 1, name="P"),
        event(3, "ParallelStateStarted", 1),
        event(4, "TaskStateEntered", 1, previous=3, name="A"),
        event(5, "TaskScheduled", 1, previous=4, **RUN),
        event(6, "TaskStateEntered", 1, previous=3, name="B"),
        event(7, "TaskScheduled", 1, **RUN),
        event(8, "TaskStarted", 1, **RUN),
    ]
    rows = lanes_of(*started(), *apart).rows
    assert [[e.id for e in row.events] for row in rows if row.attempt] == [[5], [7, 8]]


def test_a_start_is_joined_to_its_own_scheduling_whatever_lies_between() -> None:
    apart = [
        event(2, "ParallelStateEntered", 1, name="P"),
        event(3, "ParallelStateStarted", 1),
        event(4, "TaskStateEntered", 1, previous=3, name="A"),
        event(5, "TaskScheduled", 1, **RUN),
        event(6, "TaskStateEntered", 1, previous=3, name="B"),
        event(7, "TaskScheduled", 1, **RUN),
        event(8, "TaskStarted", 1, previous=5, **RUN),
    ]
    rows = lanes_of(*started(), *apart).rows
    assert [[e.id for e in row.events] for row in rows if row.attempt] == [[5, 8], [7]]


def test_only_a_start_is_joined_to_a_scheduling() -> None:
    failing = [
        event(2, "TaskStateEntered", 1, name="A"),
        event(3, "TaskScheduled", 1, **RUN),
        event(4, "TaskStartFailed", 1, **RUN),
    ]
    assert len(lanes_of(*started(), *failing).rows) == 4


def test_scheduled_and_started_are_apart_when_a_second_lies_between() -> None:
    slow = [
        event(2, "TaskStateEntered", 1, name="A"),
        event(3, "TaskScheduled", 1, **RUN),
        event(4, "TaskStarted", 2, **RUN),
    ]
    assert len(lanes_of(*started(), *slow).rows) == 4


def test_an_action_s_call_stands_behind_the_phase_that_tells_of_its_answer() -> None:
    """Its own time is a whole second, so nothing but the link can order it."""
    lanes = lanes_of(*sync_run())
    submitted, run = row_of(lanes, f"{ARN}#5"), row_of(lanes, "call#run")
    assert run.at < submitted.at
    assert lanes.positions["call#run"] == lanes.positions[f"{ARN}#5"] + 1
    assert submitted.causes == "call#run"
    assert [row.causes for row in lanes.rows if row.causes] == ["call#run"]


def test_a_plain_call_is_told_of_by_the_end_of_its_task() -> None:
    made = call("RunTask", 10, key="a")
    task = [*started(), *state(2, 10, RUN)]
    told = {row.key: row.causes for row in lanes_of(*task, made).rows if row.causes}
    assert told == {f"{ARN}#5": "call#a"}
    running = lanes_of(*task[:-2], made, joined=False)
    told = {row.key: row.causes for row in running.rows if row.causes}
    assert told == {f"{ARN}#4": "call#a"}
    scheduled = lanes_of(*task[:-3], made)
    told = {row.key: row.causes for row in scheduled.rows if row.causes}
    assert told == {f"{ARN}#3": "call#a"}


def test_where_the_action_is_not_known_no_phase_causes_a_call() -> None:
    lanes = lanes_of(*sync_history(), *sync_calls()[1:])
    assert not [row for row in lanes.rows if row.causes]
    assert row_of(lanes, "call#poll-0").since == 55


def test_a_call_that_follows_its_action_knows_how_long_since() -> None:
    lanes = lanes_of(*sync_run())
    assert row_of(lanes, "call#run").since is None
    assert row_of(lanes, "call#poll-2").since == 177


def test_polls_are_numbered_and_know_how_long_since() -> None:
    lanes = lanes_of(*sync_run())
    polls = [row_of(lanes, f"call#poll-{number}") for number in range(5)]
    assert [poll.number for poll in polls] == [1, 2, 3, 4, 5]
    assert [poll.gap for poll in polls] == [55, 59, 63, 55, 61]
    assert row_of(lanes, "call#run").number is None
    assert row_of(lanes, "call#run").gap is None


def test_polls_are_numbered_in_the_order_of_time_however_they_are_tied() -> None:
    guessed = row("DescribeTasks", 80)
    lanes = lanes_of(*sync_history(), *sync_calls(), guessed)
    polls = [row for row in lanes.rows if row.number]
    assert [poll.number for poll in polls] == [1, 2, 3, 4, 5, 6]
    assert [poll.gap for poll in polls] == [55, 24, 35, 63, 55, 61]


def test_the_end_of_a_job_says_who_noticed_it() -> None:
    lanes = lanes_of(*sync_run())
    (noticed,) = [row for row in lanes.rows if row.notice]
    assert noticed.key == f"{ARN}#6"


def test_calls_of_others_and_of_x_ray_are_counted_and_not_shown() -> None:
    other = call("RunTask", 5, key="o", role="arn:aws:iam::1:role/other")
    noise = call("GetSamplingRules", 5, key="x", source="xray.amazonaws.com")
    assume = call("AssumeRole", 5, key="a", source="sts.amazonaws.com")
    lanes = lanes_of(*sync_run(), other, noise, assume)
    assert lanes.hidden == 2
    shown = row_of(lanes, "call#a")
    assert shown.link is not None
    assert shown.link.rule is Rule.ROLE_ONLY


def test_a_call_of_x_ray_that_a_state_made_is_shown() -> None:
    xray = {"resourceType": "aws-sdk:xray", "resource": "getGroups"}
    made = call("GetGroups", 10, key="x", source="xray.amazonaws.com")
    lanes = lanes_of(*started(), *state(2, 10, xray), made)
    assert (lanes.hidden, "call#x" in lanes.positions) == (0, True)


def test_without_an_execution_every_call_is_shown() -> None:
    other = call("RunTask", 5, key="o", role="arn:aws:iam::1:role/other")
    lanes = lanes_of(*sync_calls(), other)
    assert (len(lanes.rows), lanes.hidden) == (7, 0)


def test_executions_share_one_axis_of_time() -> None:
    one = [*started(), *state(2, 1, RUN)]
    lanes = lanes_of(*one, *started(OTHER_ARN), *state(2, 0.5, RUN, arn=OTHER_ARN))
    assert [row.at for row in lanes.rows] == sorted(row.at for row in lanes.rows)
    assert {row.execution_arn for row in lanes.rows} == {ARN, OTHER_ARN}


def test_iterations_stand_one_deeper_than_their_map() -> None:
    inside = [
        event(2, "MapStateEntered", 1, name="M"),
        event(3, "MapStateStarted", 1, length=1),
        event(4, "MapIterationStarted", 1, name="M", index=0),
        event(5, "WaitStateEntered", 1, name="A"),
    ]
    rows = lanes_of(*started(), *inside).rows
    assert [row.depth for row in rows] == [0, 0, 1, 1]
    assert rows[2].kind is Kind.OTHER


@pytest.mark.parametrize("told", [None, 420])
def test_live_the_watermark_is_what_the_lookup_says_even_if_it_says_nothing(
    told: int | None,
) -> None:
    complete = {"complete_to": iso(START)} if told else {}
    live = health("lookup", "live", 3, **complete)
    trace = extend(Trace(), [*sync_run()[:-2], live, health("history", "live", 3)])
    assert complete_to(trace) == (START if told else None)


def test_nothing_is_complete_without_calls() -> None:
    assert complete_to(extend(Trace(), sync_history())) is None
    assert build_lanes(Trace()) == Lanes()
