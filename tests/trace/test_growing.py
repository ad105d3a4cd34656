"""A history that grows gives the visits that it gives when it is read at once."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.growing import Growing
from sfnwatch.trace.history import HistoryEvent, decode_history
from sfnwatch.trace.task_stops import Stop, told
from sfnwatch.trace.visits import Visits, build_visits
from tests.benchmarks import made
from tests.builders import START
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


Over = tuple[str, datetime]
OVERS = st.none() | st.tuples(
    st.sampled_from(["SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT", "ELSE"]),
    st.sampled_from([START + timedelta(seconds=9), START + timedelta(seconds=99)]),
)


@settings(deadline=None)
@given(
    machines(),
    st.integers(0, 2**16),
    st.lists(st.tuples(st.integers(0, 60), OVERS), max_size=8),
)
def test_an_end_that_is_told_of_before_its_event_does_not_stay(
    machine: Sequence, seed: int, looks: list[tuple[int, Over | None]]
) -> None:
    run = Run(machine, seed, 0.3, alike=False)
    growing = Growing()
    for cut, over in [
        *sorted(looks, key=lambda look: look[0]),
        (len(run.events), None),
    ]:
        part = run.events[:cut]
        told = growing.visits(part, run.branches, over)
        assert told == build_visits(part, run.branches, over)
        again = growing.visits(part, run.branches, over)
        for number, visit in told.by_id.items():
            assert again.by_id[number] is visit


@settings(deadline=None)
@given(machines(), st.integers(0, 2**16), st.integers(0, 60), st.integers(0, 60))
def test_what_did_not_change_is_the_very_same(
    machine: Sequence, seed: int, first: int, second: int
) -> None:
    events = Run(machine, seed, 0.3, alike=False).events
    growing = Growing()
    before = growing.visits(events[: min(first, second)], {})
    after = growing.visits(events[: max(first, second)], {})
    tries = {attempt.scheduled_id: attempt for attempt in after.attempts}
    for number, visit in before.by_id.items():
        assert (after.by_id[number] is visit) == (after.by_id[number] == visit)
    for attempt in before.attempts:
        now = tries[attempt.scheduled_id]
        assert (now is attempt) == (now == attempt)


STOPS = st.sets(st.integers(0, 4)).map(
    lambda ended: {
        made.task_arn(n): Stop(START + timedelta(seconds=n), "k") for n in ended
    }
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 44), STOPS), max_size=6))
def test_ends_of_tasks_are_told_as_to_all_at_once(
    looks: list[tuple[int, dict[str, Stop]]],
) -> None:
    events = [decode_history(e) for e in made.history(44, start=START, ended=True)]
    growing, before = Growing(), Visits()
    for cut, stops in sorted(looks, key=lambda look: look[0]):
        visits = growing.visits(events[:cut], {}, None, stops)
        assert visits == told(build_visits(events[:cut]), stops)
        for number, visit in before.by_id.items():
            now = visits.by_id[number]
            assert (now is visit) == (now == visit)
        before = visits


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
