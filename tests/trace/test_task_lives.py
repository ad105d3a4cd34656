"""A task's own life as rows of the lanes, and in words."""

import json
import random
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.course import course_of
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.filters import found, parse_filter
from sfnwatch.trace.lanes import TASKS, Kind, Lane, Lanes, Row, build_lanes
from sfnwatch.trace.moments import Reading, happened
from sfnwatch.trace.sentences import explain
from sfnwatch.trace.shape import Fold, Shape, Sort, shape
from sfnwatch.trace.task_lives import Stage, lives_by_attempt, task_lives
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.values import replace
from sfnwatch.trace.words import plain, row_pieces
from tests.builders import ARN, START, TASK_ARN, event, sync_calls, sync_history
from tests.ecs import LIFE, task_life, task_state
from tests.trace.finding import begun, task_arn
from tests.trace.test_findings_failures import left_alone

OTHER = TASK_ARN.replace("9f018ef6", "00000000")
WHOLE = [*sync_history(), *sync_calls(), *task_life()]


def trace_of(*records: Received) -> Trace:
    return extend(Trace(), records)


def tasks_in(lanes: Lanes) -> list[Row]:
    return [row for row in lanes.rows if row.task is not None]


# -- rows ----------------------------------------------------------------------------


def test_every_state_of_a_task_has_a_row_at_its_own_time() -> None:
    rows = tasks_in(build_lanes(trace_of(*WHOLE)))
    assert [row.task.last_status for row in rows if row.task] == list(LIFE)
    assert {(row.kind, row.lane, row.source) for row in rows} == {
        (Kind.TASK, Lane.TASKS, TASKS)
    }
    assert rows[0].at == START + timedelta(seconds=1.3)
    assert all(row.caller and row.caller.name == "ECS RunTask" for row in rows)
    assert all(row.attempt and row.attempt.scheduled_id == 3 for row in rows)
    assert all(row.link and row.link.evidence == TASK_ARN for row in rows)


def test_a_trace_without_task_states_has_the_rows_it_had() -> None:
    bare = build_lanes(trace_of(*sync_history(), *sync_calls()))
    kept = [row for row in build_lanes(trace_of(*WHOLE)).rows if row.task is None]
    assert [row.key for row in kept] == [row.key for row in bare.rows]


def test_tasks_of_others_have_no_rows() -> None:
    assert not tasks_in(build_lanes(trace_of(*sync_history(), *task_life(OTHER))))


def test_polls_fold_with_a_tasks_states_between_them() -> None:
    between = [task_state(9, "RUNNING", 200), task_state(8, "RUNNING", 150)]
    lanes = build_lanes(trace_of(*WHOLE, *between))
    lines = shape(lanes, Shape(gaps=False)).rows
    folds = [line for line in lines if isinstance(line, Fold)]
    assert [fold.sort for fold in folds] == [Sort.POLLS]
    assert len(folds[0].rows) == 3
    shown = [line for line in lines if isinstance(line, Row) and line.task]
    assert len(shown) == len(LIFE) + 2


def test_the_tasks_are_hidden_as_a_service_is() -> None:
    lanes = build_lanes(trace_of(*WHOLE))
    shaped = shape(lanes, Shape(hidden_services=frozenset({TASKS})))
    assert shaped.unlisted == {TASKS: len(LIFE)}
    assert not any(isinstance(row, Row) and row.task for row in shaped.rows)


@given(st.randoms(use_true_random=False), st.data())
@settings(deadline=None)  # a loaded machine lays out rows more slowly
def test_order_and_repetition_change_no_row(
    dice: random.Random, data: st.DataObject
) -> None:
    records = [*WHOLE, *task_life(OTHER, exit_code=1)]
    whole = trace_of(*records)
    shuffled = records + data.draw(st.lists(st.sampled_from(records), max_size=10))
    dice.shuffle(shuffled)
    trace, left = Trace(), shuffled
    while left:
        size = dice.randint(1, len(left))
        trace, left = extend(trace, left[:size]), left[size:]
    assert build_lanes(trace) == build_lanes(whole)
    assert trace.timelines[ARN].visits == whole.timelines[ARN].visits


# -- whose -----------------------------------------------------------------------------


def plain_run(first: int, resource: str, seconds: float, output: Any) -> list[Received]:
    how: dict[str, Any] = {"resourceType": "aws-sdk:ecs", "resource": resource}
    return [
        event(first, "TaskStateEntered", seconds, name=resource),
        event(first + 1, "TaskScheduled", seconds, **how),
        event(
            first + 2, "TaskSucceeded", seconds + 1, output=json.dumps(output), **how
        ),
        event(first + 3, "TaskStateExited", seconds + 1, name=resource),
    ]


def test_a_task_is_of_the_state_that_began_it_and_not_of_who_asks_later() -> None:
    told = {"Tasks": [{"TaskArn": TASK_ARN}]}
    trace = trace_of(
        begun(),
        *plain_run(2, "describeTasks", 1, told),
        *plain_run(6, "runTask", 3, told),
        *task_life(),
    )
    (life,) = task_lives(trace)
    assert life.visit.name == "runTask"
    assert list(lives_by_attempt(trace)) == [(ARN, 7)]


def test_several_tasks_of_one_try_each_have_their_life() -> None:
    told = {"Tasks": [{"TaskArn": TASK_ARN}, {"TaskArn": OTHER}]}
    trace = trace_of(
        begun(), *plain_run(2, "runTask", 1, told), *task_life(), *task_life(OTHER)
    )
    (lives,) = lives_by_attempt(trace).values()
    assert {life.task_arn for life in lives} == {TASK_ARN, OTHER}


def test_a_life_is_told_in_stretches_that_leave_no_gap() -> None:
    (life,) = task_lives(trace_of(*WHOLE))
    stretches = list(life.stretches(START + timedelta(hours=1)))
    assert [each.stage for each in stretches] == [
        Stage.STARTING,
        Stage.STARTING,
        Stage.RUNNING,
        Stage.STOPPING,
        Stage.STOPPED,
    ]
    assert all(a.end == b.begin for a, b in pairwise(stretches))
    assert stretches[2].seconds == pytest.approx(276)
    assert stretches[-1].seconds == 0


def test_what_has_not_stopped_goes_on_to_now() -> None:
    (life,) = task_lives(trace_of(*sync_history(), *task_life()[:3]))
    now = START + timedelta(seconds=100)
    assert list(life.stretches(now))[-1].end == now
    assert life.stopped is None


@given(st.lists(st.floats(0, 400), min_size=1, max_size=8))
def test_clocks_that_disagree_make_no_stretch_negative(times: list[float]) -> None:
    states = [task_state(n, "RUNNING", at) for n, at in enumerate(times)]
    (life,) = task_lives(trace_of(*sync_history(), *states))
    assert all(each.seconds >= 0 for each in life.stretches(START))


def test_a_status_that_aws_adds_is_shown_as_it_is() -> None:
    trace = trace_of(*sync_history(), task_state(1, "HIBERNATING", 5))
    (row,) = tasks_in(build_lanes(trace))
    assert "HIBERNATING" in plain(row_pieces(row))
    assert "HIBERNATING" in explain(row, trace)


# -- in words --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"exit_code": 0}, "✔ STOPPED  EssentialContainerExited, exit 0"),
        ({"exit_code": 3}, "✘ STOPPED  EssentialContainerExited, exit 3"),
        ({}, "■ STOPPED  EssentialContainerExited"),
        (
            {"stopCode": "TaskFailedToStart", "stoppedReason": "no such\x1b[31m image"},
            "✘ STOPPED  TaskFailedToStart  no such␛[31m image",
        ),
        (
            {"exit_code": 0, "stopCode": "UserInitiated", "stoppedReason": "by hand"},
            "■ STOPPED  UserInitiated, exit 0  by hand",
        ),
        ({"stopCode": None}, "■ STOPPED"),
    ],
)
def test_how_a_task_stopped_is_a_sign_and_words(
    more: dict[str, Any], words: str
) -> None:
    trace = trace_of(*sync_history(), task_state(5, "STOPPED", 307.1, **more))
    (row,) = tasks_in(build_lanes(trace))
    assert plain(row_pieces(row)) == f"task 9f018ef6  {words}"


def test_of_several_containers_whose_exit_code_it_is_is_said() -> None:
    containers = [
        {"name": "app", "exitCode": 3},
        {"name": "proxy", "exitCode": 0},
        {"name": "log", "exitCode": 137},
    ]
    state = task_state(5, "STOPPED", 307.1, containers=containers)
    (row,) = tasks_in(build_lanes(trace_of(*sync_history(), state)))
    assert plain(row_pieces(row)).endswith("app exit 3, log exit 137")


def test_a_task_that_runs_and_is_to_stop_says_so() -> None:
    state = task_state(4, "RUNNING", 20, desiredStatus="STOPPED")
    (row,) = tasks_in(build_lanes(trace_of(*sync_history(), state)))
    assert plain(row_pieces(row)).endswith("● RUNNING  to be stopped")


def test_each_state_is_explained_in_a_sentence() -> None:
    trace = trace_of(*WHOLE)
    said = [explain(row, trace) for row in tasks_in(build_lanes(trace))]
    assert said[2] == "ECS: the task 9f018ef6 of ECS RunTask runs."
    assert said[4].startswith("The task 9f018ef6 of ECS RunTask has stopped (Essential")
    assert "or by a poll" in said[4]
    alone = trace_of(*left_alone(), *task_life(task_arn(7)))
    last = tasks_in(build_lanes(alone))[-1]
    assert "did not wait" in explain(last, alone)


# -- filters, and the player ---------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("~k task", 5),
        ("~k task ~k failed", 1),
        ("~a PENDING", 1),
        ("~e exited", 1),
        ("~b DEPROVISIONING", 1),
        ("EssentialContainerExited", 1),
        ("~k task ~s RunTask", 5),
        ("~k task ~l exact", 5),
        ("~k task ~k call", 0),
    ],
)
def test_the_filter_knows_tasks(text: str, count: int) -> None:
    why = {"stopCode": "EssentialContainerExited", "stoppedReason": "Essential exited"}
    life = [*task_life()[:-1], task_state(5, "STOPPED", 307.1, exit_code=1, **why)]
    lanes = build_lanes(trace_of(*sync_history(), *life))
    keep = parse_filter(text)
    assert sum(keep(row) for row in lanes.rows) == count


def test_the_search_finds_a_status() -> None:
    rows = build_lanes(trace_of(*WHOLE)).rows
    assert [row.task.version for row in rows if found(row, "pending") and row.task] == [
        2
    ]


@pytest.mark.parametrize("reading", list(Reading))
def test_the_player_stops_at_each_state(reading: Reading) -> None:
    records = [*sync_history(), *task_life()]
    bare = course_of(trace_of(*sync_history()), reading)
    course = course_of(trace_of(*records), reading)
    assert bare is not None
    assert course is not None
    new = set(course.moments) - set(bare.moments)
    late = 2 if reading is Reading.SEEN else 0
    assert START + timedelta(seconds=31 + late) in new
    assert len(new) == len(LIFE)


def test_a_state_happened_when_it_came_to_be_so() -> None:
    state = task_life()[0]
    assert happened(state) == START + timedelta(seconds=1.3)
    bare = {**state.data, "detail": {}}
    assert happened(replace(state, data=bare)) == START.replace(
        microsecond=0
    ) + timedelta(seconds=1)


def test_a_broken_source_is_no_row() -> None:
    broken = Received(START, From.TASK_STATE, None, {"detail": {}})
    assert not tasks_in(build_lanes(trace_of(*sync_history(), broken)))
