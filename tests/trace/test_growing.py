"""A history that grows gives the visits that it gives when it is read at once."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.growing import Growing
from sfnwatch.trace.history import HistoryEvent, decode_history
from sfnwatch.trace.visits import build_visits
from tests.peers.fixtures import files, history
from tests.trace.machines import Run, Sequence, machines


def grown(events: list[HistoryEvent], cuts: list[int]) -> Growing:
    """Have some events taken in so many at a time, and look each time."""
    growing = Growing()
    for cut in sorted({*cuts, len(events)}):
        part = events[:cut]
        assert growing.visits(part, {}) == build_visits(part)
    return growing


@settings(deadline=None)
@given(machines(), st.integers(0, 2**16), st.lists(st.integers(0, 60), max_size=6))
def test_any_growth_gives_what_all_at_once_gives(
    machine: Sequence, seed: int, cuts: list[int]
) -> None:
    grown(Run(machine, seed, 0.3, alike=False).events, cuts)


@pytest.mark.parametrize("path", files("history-*/*.json"))
def test_recorded_histories_grow_event_by_event(path: Path) -> None:
    events = sorted(map(decode_history, history(path)), key=lambda event: event.id)
    grown(events, list(range(len(events))))


@settings(deadline=None)
@given(machines(), st.integers(0, 2**16), st.data())
def test_another_past_is_read_anew(
    machine: Sequence, seed: int, data: st.DataObject
) -> None:
    events = Run(machine, seed, 0.3, alike=False).events
    growing = grown(events, [])
    fewer = data.draw(st.sets(st.sampled_from([event.id for event in events])))
    other = [event for event in events if event.id not in fewer]
    assert growing.visits(other, {}) == build_visits(other)
    assert growing.visits(events, {}) == build_visits(events)
    branches = {"P": ("A", "B")}
    assert growing.visits(events, branches) == build_visits(events, branches)
