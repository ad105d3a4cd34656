"""A history's visits at any of its events are those of its first so many."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.history import decode_history
from sfnwatch.trace.rewinding import Rewinding
from sfnwatch.trace.visits import StateVisit, Visits, build_visits
from tests.builders import START
from tests.peers.fixtures import files, history
from tests.trace.machines import Run, Sequence, machines

Over = tuple[str, datetime]
OVERS = st.none() | st.tuples(
    st.sampled_from(["SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT", "ELSE"]),
    st.sampled_from([START + timedelta(seconds=9), START + timedelta(seconds=99)]),
)


def same(told: Visits, right: Visits) -> bool:
    """Compare with what is right, the order of everything as well."""
    return told == right and all(
        list(ours) == list(theirs)
        for ours, theirs in (
            (told.by_id, right.by_id),
            (told.of_event, right.of_event),
            (told.attempt_of_event, right.attempt_of_event),
        )
    )


@settings(deadline=None)
@given(
    machines(),
    st.integers(0, 2**16),
    st.lists(st.tuples(st.integers(0, 60), OVERS), max_size=8),
)
def test_any_moment_gives_what_its_events_give(
    machine: Sequence, seed: int, looks: list[tuple[int, Over | None]]
) -> None:
    run = Run(machine, seed, 0.3, alike=False)
    rewinding = Rewinding()
    for place, over in looks:
        part = run.events[:place]
        told = rewinding.visits(part, run.branches, over)
        assert same(told, build_visits(part, run.branches, over))


@pytest.mark.parametrize("path", files("history-*/*.json"))
def test_recorded_histories_go_back_event_by_event(path: Path) -> None:
    events = sorted(map(decode_history, history(path)), key=lambda event: event.id)
    rewinding = Rewinding()
    for place in range(len(events), -1, -1):
        part = events[:place]
        assert same(rewinding.visits(part, {}), build_visits(part))


@settings(deadline=None)
@given(machines(), st.integers(0, 2**16), st.lists(st.integers(0, 60), max_size=4))
def test_what_is_the_same_at_two_moments_is_the_very_same(
    machine: Sequence, seed: int, places: list[int]
) -> None:
    events = Run(machine, seed, 0.3, alike=False).events
    rewinding = Rewinding()
    known: dict[int, list[StateVisit]] = {}
    for place in (*places, len(events), *places):
        for visit in rewinding.visits(events[:place], {}):
            others = known.setdefault(visit.id, [])
            assert all((other == visit) == (other is visit) for other in others)
            others.append(visit)


@settings(deadline=None)
@given(machines(), st.integers(0, 2**16), st.data())
def test_other_events_are_walked_anew(
    machine: Sequence, seed: int, data: st.DataObject
) -> None:
    events = Run(machine, seed, 0.3, alike=False).events
    rewinding = Rewinding()
    for _ in range(4):
        kept = data.draw(st.sets(st.integers(0, len(events) - 1)))
        part = [events[place] for place in sorted(kept)]
        assert same(rewinding.visits(part, {}), build_visits(part))
