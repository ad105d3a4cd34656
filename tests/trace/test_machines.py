"""Runs of machines at random: whatever happened is read back from the history."""

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.visits import StateVisit, build_visits
from tests.trace.machines import Run, Sequence, machines

runs = given(
    machine=machines(),
    seed=st.integers(0, 2**32),
    failing=st.sampled_from([0.0, 0.1, 0.4]),
)


def facts(visit: StateVisit) -> tuple[Any, ...]:
    attempts = tuple((a.scheduled_id, a.status) for a in visit.attempts)
    kind = (visit.name, visit.type, visit.parent, visit.index, visit.path)
    return (*kind, visit.status, visit.exited_at is not None, attempts)


@settings(max_examples=300, deadline=None)
@runs
def test_every_visit_is_read_back_with_its_place_and_its_end(
    machine: Sequence, seed: int, failing: float
) -> None:
    run = Run(machine, seed, failing, alike=False)
    visits = build_visits(run.events, run.branches)
    assert {v.id: facts(v) for v in visits} == {
        number: truth.facts() for number, truth in run.truth.items()
    }


@settings(max_examples=200, deadline=None)
@runs
def test_branches_with_states_of_the_same_names_are_told_apart(
    machine: Sequence, seed: int, failing: float
) -> None:
    run = Run(machine, seed, failing, alike=True)
    visits = build_visits(run.events, run.branches)
    assert {v.id: facts(v) for v in visits} == {
        number: truth.facts() for number, truth in run.truth.items()
    }


@settings(max_examples=100, deadline=None)
@runs
def test_every_event_is_given_to_its_own_visit(
    machine: Sequence, seed: int, failing: float
) -> None:
    run = Run(machine, seed, failing, alike=False)
    visits = build_visits(run.events, run.branches)
    assert {key: visits.of_event.get(key) for key in run.owners} == run.owners


@settings(max_examples=100, deadline=None)
@runs
def test_the_tree_is_right_while_the_run_is_still_going(
    machine: Sequence, seed: int, failing: float
) -> None:
    run = Run(machine, seed, failing, alike=False)
    so_far = len(run.events) // 2
    visits = build_visits(run.events[:so_far], run.branches)
    assert {v.id: facts(v)[:5] for v in visits} == {
        number: truth.facts()[:5]
        for number, truth in run.truth.items()
        if number <= so_far
    }


@settings(max_examples=100, deadline=None)
@runs
def test_the_order_of_arrival_does_not_matter(
    machine: Sequence, seed: int, failing: float
) -> None:
    run = Run(machine, seed, failing, alike=False)
    shuffled = list(run.events)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - it picks test cases
    assert build_visits(shuffled, run.branches) == build_visits(
        run.events, run.branches
    )
