"""What ECS tells of tasks: decoded, put in order, and given to whoever began them."""

import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.events import From, Received
from sfnwatch.trace.history import DecodeError
from sfnwatch.trace.task_states import by_task, decode_task_state
from sfnwatch.trace.timeline import Trace, extend, extend_all
from sfnwatch.trace.times import parse_time
from sfnwatch.trace.values import replace
from tests.builders import START, TASK_ARN, sync_calls, sync_history
from tests.ecs import LIFE, task_event, task_life, task_state
from tests.peers.fixtures import FOLDER, load, needs_fixtures
from tests.trace.finding import every, task_arn
from tests.trace.test_findings_failures import left_alone

OTHER = TASK_ARN.replace("9f018ef6", "00000000")


def decoded(**more: Any) -> Any:
    return decode_task_state(task_state(7, "STOPPED", 307.1, **more))


def test_a_stopped_task_says_when_and_how() -> None:
    state = decoded(
        exit_code=3,
        stopCode="EssentialContainerExited",
        stoppedReason="Essential container in task exited",
    )
    assert state.key == (TASK_ARN, 7)
    assert state.stopped
    assert state.stopped_at == state.at == START + timedelta(seconds=307.1)
    assert state.seen_at == START + timedelta(seconds=309.1)
    assert state.desired_status == "STOPPED"
    assert state.stop_code == "EssentialContainerExited"
    assert state.stopped_reason == "Essential container in task exited"
    assert (state.started_by, state.group) == ("AWS Step Functions", "family:report")
    (container,) = state.containers
    assert (container.name, container.exit_code) == ("app", 3)
    assert state.detail["taskArn"] == TASK_ARN


@needs_fixtures
def test_the_documented_event_is_read() -> None:
    event = load(FOLDER / "eventbridge-docs" / "ecs_task_state_change.json")["event"]
    state = decode_task_state(Received(None, From.TASK_STATE, None, event))
    assert state.task_arn == event["resources"][0]
    assert (state.version, state.last_status) == (4, "RUNNING")
    assert not state.stopped
    assert state.at == parse_time("2020-01-23T17:57:58.103Z")
    assert [c.exit_code for c in state.containers] == [None]
    assert state.group == "family:sample-fargate"
    assert state.started_by is None


def test_without_a_time_of_its_own_the_events_time_counts() -> None:
    assert decoded(updatedAt=None).at == START.replace(microsecond=0) + timedelta(
        seconds=307
    )


@pytest.mark.parametrize(
    "more",
    [
        {"taskArn": None},
        {"taskArn": ["x"]},
        {"lastStatus": 7},
        {"version": None},
        {"version": "7"},
        {"version": True},
        {"version": 7.0},
    ],
)
def test_what_lacks_what_it_must_have_is_refused(more: dict[str, Any]) -> None:
    event = task_event(7, "STOPPED", 307.1)
    event["detail"] |= more
    with pytest.raises(DecodeError, match="ECS task state"):
        decode_task_state(Received(None, From.TASK_STATE, None, event))


@pytest.mark.parametrize("data", [{}, {"detail": None}, {"detail": [1]}, {"time": 1}])
def test_what_is_no_task_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(DecodeError):
        decode_task_state(Received(None, From.TASK_STATE, None, data))


@pytest.mark.parametrize(
    "containers", [None, "x", {"a": 1}, [None, 1, []], [{"exitCode": True, "name": 1}]]
)
def test_containers_of_any_shape_do_no_harm(containers: Any) -> None:
    state = decoded(containers=containers)
    assert all((c.exit_code, c.name) == (None, None) for c in state.containers)


def test_a_trace_gives_the_life_of_the_tasks_its_attempts_began() -> None:
    life, others = task_life(), task_life(OTHER)
    trace = extend(Trace(), [*reversed(life), *others, *sync_history()])
    assert list(trace.task_states) == [TASK_ARN]
    states = trace.task_states[TASK_ARN]
    assert [state.last_status for state in states] == list(LIFE)
    assert [state.version for state in states] == [1, 2, 3, 4, 5]


def test_a_task_is_known_as_soon_as_its_history_is_there() -> None:
    early = extend(Trace(), task_life())
    assert not early.task_states
    late = extend(early, sync_history())
    assert TASK_ARN in late.task_states
    assert extend(late, sync_calls()).task_changes is late.task_changes


def test_a_state_that_came_twice_was_seen_when_it_first_came() -> None:
    state = task_life()[2]
    assert state.at is not None
    again = replace(state, at=state.at + timedelta(seconds=40))
    undated = replace(state, at=None)
    trace = extend_all([(again,), (undated,), (state,), (again,)])
    (kept,) = trace.task_changes.values()
    assert kept.seen_at == state.at


def test_a_broken_one_is_kept_unread() -> None:
    broken = Received(START, From.TASK_STATE, None, {"detail": {"taskArn": "x"}})
    trace = extend(Trace(), [broken, broken])
    assert len(trace.unread) == 1
    assert not trace.task_changes


@given(st.randoms(use_true_random=False), st.data())
def test_order_batches_and_repetition_change_nothing(
    dice: random.Random, data: st.DataObject
) -> None:
    odd = [task_state(3, "STOPPED", 9, task=TASK_ARN, exit_code=n) for n in (1, 2)]
    known = [*task_life(), *task_life(OTHER, exit_code=1), *odd, *sync_history()]
    records = [*known, *(replace(r, at=None) for r in known)]
    more = data.draw(st.lists(st.sampled_from(records), max_size=20))
    shuffled = [*records, *more]
    dice.shuffle(shuffled)
    trace, left = Trace(), shuffled
    while left:
        size = dice.randint(1, len(left))
        trace, left = extend(trace, left[:size]), left[size:]
    whole = extend(Trace(), records)
    assert trace == whole
    assert trace.task_states == whole.task_states
    assert list(trace.task_states) == list(whole.task_states)


@given(st.permutations(range(12)))
def test_a_tasks_states_stand_in_the_order_of_their_versions(order: list[int]) -> None:
    states = [
        decode_task_state(
            Received(None, From.TASK_STATE, None, task_event(n, "RUNNING", 5))
        )
        for n in order
    ]
    (found,) = by_task(states, {TASK_ARN}).values()
    assert [state.version for state in found] == list(range(12))
    assert by_task(states, {OTHER}) == {}


# -- what it finds ---------------------------------------------------------------


def test_a_job_that_failed_after_its_state_had_succeeded_is_found() -> None:
    life = task_life(task_arn(7), exit_code=3)
    (found,) = every(*left_alone(), *life)["job-failed-later"]
    assert "ended with exit code 3" in found.text
    assert found.data["job"] == task_arn(7)
    assert found.data["stop_code"] == "EssentialContainerExited"
    assert found.evidence == ("#4", f"task#{task_arn(7)}#5")


def test_a_task_that_never_started_is_found_too() -> None:
    life = task_life(task_arn(7))
    never = task_state(
        6, "STOPPED", 310, task=task_arn(7), stopCode="TaskFailedToStart"
    )
    (found,) = every(*left_alone(), *life, never)["job-failed-later"]
    assert "stopped with TaskFailedToStart" in found.text


@pytest.mark.parametrize(
    "records",
    [
        task_life(task_arn(7)),
        task_life(task_arn(7), exit_code=3)[:-1],
        task_life(task_arn(8), exit_code=3),
        [task_state(9, "RUNNING", 5, task=task_arn(7), exit_code=3)],
    ],
)
def test_a_task_that_did_not_fail_or_is_another_is_none(
    records: list[Received],
) -> None:
    assert "job-failed-later" not in every(*left_alone(), *records)
