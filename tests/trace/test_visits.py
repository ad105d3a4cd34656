"""Histories with holes, without a beginning, or in no order at all."""

import json
import time
from typing import Any

import botocore.session
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.integrations import Pattern
from sfnwatch.trace.visits import build_visits
from tests.builders import START
from tests.trace.machines import Run, Sequence, machines
from tests.trace.writing import EACH, ECS, FORK, script


def _all_types() -> list[str]:
    model = botocore.session.get_session().get_service_model("stepfunctions")
    types: list[str] = model.shape_for("HistoryEventType").metadata["enum"]
    return types


TYPES = _all_types()
DETAILS: list[dict[str, Any]] = [
    {},
    {"name": "A"},
    {"name": "A", "index": 0},
    {"name": "A", "index": "0"},
    {"state": "A", "error": "E", "cause": '{"TaskArn": "t"}'},
    {"resourceType": "ecs", "resource": "runTask.sync", "output": "{"},
    {"resource": 7, "name": None, "output": [], "taskCredentials": "no"},
]
events = st.builds(
    HistoryEvent,
    id=st.integers(-1, 30),
    type=st.sampled_from([*TYPES, "QuantumStateEntered", "TaskTeleported", "X"]),
    previous_event_id=st.integers(-1, 31),
    timestamp=st.just(START),
    details=st.sampled_from(DETAILS),
)


def test_the_types_are_the_62_that_aws_documents() -> None:
    assert len(TYPES) == 62


@settings(max_examples=400)
@given(st.lists(events, max_size=40))
def test_any_events_in_any_order_make_a_tree(history: list[HistoryEvent]) -> None:
    visits = build_visits({event.id: event for event in history}.values())
    for visit in visits:
        assert visit.parent is None or visit.parent < visit.id
        assert visit.path.startswith("Main")
        assert visit.status == "running" or visit.ended_at is not None
        for attempt in visit.attempts:
            assert attempt.visit_id == visit.id
    assert set(visits.of_event.values()) <= set(visits.by_id)


@given(st.permutations(TYPES))
def test_every_type_is_taken_wherever_it_comes(types: list[str]) -> None:
    lines = [kind + (" A" if kind.endswith("tered") else "") for kind in types]
    entered = [v.type for v in script(*lines).visits]
    assert sorted(entered) == sorted(
        kind.removesuffix("StateEntered")
        for kind in TYPES
        if kind.endswith("StateEntered")
    )


def test_a_type_that_aws_adds_later_changes_nothing_around_it() -> None:
    run = script(
        "ExecutionStarted@0",
        "TaskStateEntered@0 A",
        f"TaskScheduled {ECS}",
        "TaskPondered",
        "TaskSucceeded",
        "SomethingElseEntirely",
        "TaskStateExited A",
    )
    (visit,) = run.visits
    assert visit.status == "succeeded"
    assert visit.event_ids == (2, 3, 4, 5, 6, 7)
    assert visit.attempts[0].event_ids == (3, 4, 5)


def test_a_history_without_its_beginning_still_shows_what_it_has() -> None:
    tail = (
        HistoryEvent(23, "TaskSucceeded", 22, START, json.loads(ECS)),
        HistoryEvent(24, "TaskStateExited", 23, START, {"name": "A"}),
        HistoryEvent(25, "PassStateEntered", 24, START, {"name": "B"}),
        HistoryEvent(26, "PassStateExited", 25, START, {"name": "B"}),
    )
    (visit,) = build_visits(tail)
    assert (visit.path, visit.status) == ("Main / B", "succeeded")


def test_a_task_whose_scheduling_is_missing_has_a_try_all_the_same() -> None:
    run = script("ExecutionStarted@0", "TaskStateEntered@0 A", f"TaskStarted@77 {ECS}")
    (visit,) = run.visits
    (attempt,) = visit.attempts
    assert (attempt.scheduled_id, attempt.pattern) == (3, Pattern.SYNC)
    assert attempt.started_at == run.at(3)


def test_of_two_running_tasks_none_is_given_an_event_that_follows_nothing() -> None:
    entered = ("TaskStateEntered@3 A", "TaskStateEntered@3 B")
    run = script(*FORK, *entered, f"TaskStarted@77 {ECS}")
    assert not [attempt for visit in run.visits for attempt in visit.attempts]


def test_an_exit_finds_its_state_by_name_where_the_events_between_are_missing() -> None:
    run = script("ExecutionStarted@0", "WaitStateEntered@0 A", "WaitStateExited@77 A")
    assert run.statuses == {"Main / A": "succeeded"}


def test_among_several_that_run_an_exit_finds_the_one_of_its_name_and_type() -> None:
    entered = ("WaitStateEntered@3 A", "PassStateEntered@3 A", "WaitStateEntered@3 B")
    visits = script(*FORK, *entered, "WaitStateExited@77 A").visits
    assert [v.id for v in visits if v.status == "succeeded"] == [4]


def test_what_is_over_is_not_over_again() -> None:
    run = script("PassStateEntered@0 A", "PassStateExited A", "PassStateExited A")
    (visit,) = run.visits
    assert visit.exited_at == run.at(2)


def test_the_one_running_task_is_given_an_event_that_follows_nothing() -> None:
    entered = ("TaskStateEntered@3 A", "WaitStateEntered@3 B")
    visits = script(*FORK, *entered, f"TaskStarted@77 {ECS}").visits
    assert [v.name for v in visits if v.attempts] == ["A"]


def test_a_try_whose_end_is_missing_has_no_back_off() -> None:
    again = (f"TaskScheduled {ECS}", f"TaskScheduled {ECS}")
    (visit,) = script("TaskStateEntered@0 A", *again).visits
    assert (len(visit.attempts), visit.backoffs) == (2, ())


def test_an_iteration_finds_its_map_where_the_event_before_is_missing() -> None:
    lines = ("MapIterationStarted@3 M#0", "WaitStateEntered A")
    run = script(*EACH, *lines, "MapIterationStarted@77 M#5", "WaitStateEntered A")
    assert list(run.statuses) == ["Main / M", "Main / M[0] / A", "Main / M[5] / A"]


def test_a_state_without_a_name_is_a_visit_too() -> None:
    assert script("PassStateEntered").statuses == {"Main / ": "running"}


def test_a_task_s_events_behind_another_kind_of_state_are_not_its_own() -> None:
    run = script("WaitStateEntered@0 A", f"TaskScheduled {ECS}", "WaitStateExited A")
    (visit,) = run.visits
    assert (visit.attempts, visit.status) == ((), "succeeded")


def test_a_start_behind_another_kind_of_state_makes_no_branches() -> None:
    run = script("WaitStateEntered@0 A", "ParallelStateStarted", "PassStateEntered B")
    assert list(run.statuses) == ["Main / A", "Main / B"]


def test_an_iteration_without_an_index_has_none_in_its_path() -> None:
    run = script(*EACH, "MapIterationStarted M", "PassStateEntered A")
    assert list(run.statuses) == ["Main / M", "Main / M / A"]


def test_an_iteration_without_a_map_hangs_at_the_root() -> None:
    run = script("MapIterationStarted@77 M#5", "PassStateEntered A")
    assert list(run.statuses) == ["Main / A"]


@given(machines(), st.integers(0, 2**32), st.sets(st.integers(1, 60)))
def test_holes_in_a_history_lose_no_visit_that_was_entered(
    machine: Sequence, seed: int, holes: set[int]
) -> None:
    run = Run(machine, seed, 0.2, alike=False)
    kept = [event for event in run.events if event.id not in holes]
    visits = build_visits(kept)
    assert set(visits.by_id) == set(run.truth) - holes


@given(machines(), st.integers(0, 2**32), st.sets(st.integers(1, 60)))
def test_nothing_of_an_execution_that_is_over_is_running(
    machine: Sequence, seed: int, holes: set[int]
) -> None:
    run = Run(machine, seed, 0.2, alike=False)
    kept = [event for event in run.events if event.id not in holes]
    over = ("SUCCEEDED", run.events[-1].timestamp)
    for status in {v.status for v in build_visits(kept, over=over)}:
        assert status in {"succeeded", "failed", "caught", "aborted", "timed_out"}


@pytest.mark.parametrize(
    ("lines", "statuses"),
    [
        (("ExecutionSucceeded",), ["succeeded"]),
        (("TaskScheduled " + ECS, "ExecutionSucceeded"), ["succeeded"]),
        (
            ("TaskScheduled " + ECS, "TaskFailed", "ExecutionSucceeded@1"),
            ["caught"],
        ),
        (("TaskScheduled " + ECS, "ExecutionFailed@1"), ["aborted"]),
    ],
)
def test_an_end_that_is_missing_is_told_by_that_of_the_execution(
    lines: tuple[str, ...], statuses: list[str]
) -> None:
    run = script("ExecutionStarted", "TaskStateEntered@0 A", *lines)
    visits = build_visits(run.events)
    assert [visit.status for visit in visits] == statuses
    assert [visit.exited_at for visit in visits] == [None]
    for attempt in visits.attempts:
        if statuses == ["succeeded"]:
            assert (attempt.status, attempt.ended_at) == ("succeeded", None)


def test_what_a_failure_around_it_has_cut_short_did_not_succeed() -> None:
    run = script(
        "ParallelStateEntered@0 P",
        "ParallelStateStarted",
        "TaskStateEntered@2 A",
        "TaskScheduled " + ECS,
        "TaskStateEntered@2 B",
        "TaskScheduled " + ECS,
        "TaskFailed",
        "ParallelStateFailed@7",
    )
    kept = [event for event in run.events if event.id != 8]
    over = ("SUCCEEDED", run.events[-1].timestamp)
    assert [v.status for v in build_visits(kept, over=over)] == [
        *("succeeded", "succeeded", "caught")
    ]
    assert {v.name: v.status for v in build_visits(run.events, over=over)} == {
        "P": "caught",
        "A": "aborted",
        "B": "failed",
    }


def test_the_longest_history_there_is_is_read_in_a_moment() -> None:
    """24,000 events, the limit is 25,000: 4,000 iterations at once."""
    lines = list(EACH)
    lines += [f"MapIterationStarted@3 M#{index}" for index in range(4000)]
    for phase, details in (
        ("TaskStateEntered", "A"),
        ("TaskScheduled", ECS),
        ("TaskStarted", ""),
        ("TaskSucceeded", ""),
        ("TaskStateExited", "A"),
    ):
        first = len(lines) + 1
        lines += [
            f"{phase}@{first + index - 4000} {details}".strip() for index in range(4000)
        ]
    history = script(*lines)
    began = time.perf_counter()
    statuses = [visit.status for visit in build_visits(history.events)]
    assert time.perf_counter() - began < 5
    assert statuses == ["running", *["succeeded"] * 4000]
