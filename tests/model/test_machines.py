"""Runs of machines at random: whatever happened is read back from the history."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.records import Received
from sfnwatch.model.trace import Trace
from sfnwatch.model.visits import StateVisit
from tests import examples
from tests.builders import ARN, definition, event
from tests.model.machines import MACHINES, Run, States, dice_of

runs = given(
    machine=MACHINES,
    seed=st.integers(0, 2**32),
    failing=st.sampled_from([0.0, 0.1, 0.4]),
)


def told(run: Run) -> list[Received]:
    return [
        event(number, each.kind, number, previous=each.previous, **each.details)
        for number, each in enumerate(run.events, 1)
    ]


def defined(run: Run) -> Received:
    """Build the definition that says which branch is which."""
    states = {
        name: {"Type": "Parallel", "Branches": [{"StartAt": s} for s in starts]}
        for name, starts in run.branches.items()
    }
    return definition(states)


def read(*records: Received) -> ExecutionAsOf:
    trace = Trace()
    trace.add(records)
    return trace.as_of().executions[ARN]


def facts(visit: StateVisit) -> tuple[Any, ...]:
    attempts = tuple((a.scheduled_id, a.status) for a in visit.attempts)
    kind = (visit.name, visit.type, visit.parent, visit.index, visit.path)
    return (*kind, visit.status, visit.exited_at is not None, attempts)


def truth(run: Run) -> dict[int, tuple[Any, ...]]:
    return {
        number: (
            *(v.name, v.type, v.parent.id if v.parent else None, v.index, v.path),
            *(v.status, v.exited),
            tuple((key, status) for key, status in v.attempts),
        )
        for number, v in run.truth.items()
    }


@pytest.mark.parametrize("alike", [False, True])
@examples(120)
@runs
def test_every_visit_is_read_back_with_its_place_and_its_end(
    machine: States,
    seed: int,
    failing: float,
    alike: bool,  # noqa: FBT001
) -> None:
    run = Run(machine, seed, failing, alike=alike)
    execution = read(defined(run), *told(run))
    assert {v.id: facts(v) for v in execution.visits} == truth(run)
    owners = {number: execution.event(number) for number in run.owners}
    assert {n: e and e.visit_id for n, e in owners.items()} == run.owners


@examples(60)
@runs
def test_the_tree_is_right_while_the_run_is_still_going(
    machine: States, seed: int, failing: float
) -> None:
    run = Run(machine, seed, failing)
    so_far = len(run.events) // 2
    visits = read(defined(run), *told(run)[:so_far]).visits
    assert {v.id: facts(v)[:5] for v in visits} == {
        number: each[:5] for number, each in truth(run).items() if number <= so_far
    }


@examples(60)
@runs
def test_holes_lose_no_visit_that_was_entered_and_leave_nothing_running(
    machine: States, seed: int, failing: float
) -> None:
    run, dice = Run(machine, seed, failing), dice_of(seed)
    kept = [each for each in told(run)[:-1] if dice.random() < 0.7]
    visits = {v.id: v.status for v in read(*kept, told(run)[-1]).visits}
    assert set(visits) == {k.record["id"] for k in kept} & set(run.truth)
    assert "running" not in visits.values()
