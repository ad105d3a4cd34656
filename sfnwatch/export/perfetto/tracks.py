"""The track of each visit, and its span of time there."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest

from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.phases import end_of
from sfnwatch.export.call_window import BarSpan
from sfnwatch.model.visits import ROOT, StateVisit

MICROSECOND = timedelta(microseconds=1)


def lay_tracks(
    visits: Sequence[StateVisit], now: datetime
) -> tuple[list[str], dict[int, int], dict[int, BarSpan]]:
    """Return the names of the tracks, and each visit's track and span of time.

    States that follow each other share a track. Branches and iterations have tracks of
    their own, below each other, which are used again once they end: 10,000 iterations,
    40 at a time, take 40 tracks.
    """
    by_id = {visit.id: visit for visit in visits}
    entered = sorted(visits, key=lambda v: (v.entered_at, v.id))
    branches = grouped(entered, lambda visit: (visit.parent, visit.index))
    spans: dict[int, BarSpan] = {}
    lanes: defaultdict[str, list[datetime]] = defaultdict(list)
    taken: dict[str, defaultdict[int, list[StateVisit]]] = {}
    for (parent, _), branch in branches.items():
        spans.update(_in_turn(branch, now))
        state = _state_of(by_id, parent)
        times = spans[branch[0].id][0], spans[branch[-1].id][1]
        lane = take_lane(lanes[state], *times)
        taken.setdefault(state, defaultdict(list))[lane] += branch
    names: list[str] = []
    track_of: dict[int, int] = {}
    for tracks in taken.values():
        for number, inside in enumerate(tracks.values(), start=1):
            track_of.update((visit.id, len(names)) for visit in inside)
            names.append(_track_name(by_id.get(inside[0].parent or 0), number))
    return names, track_of, spans


def take_lane(lanes: list[datetime], begin: datetime, end: datetime) -> int:
    """Take the first free lane, and return its index.

    `lanes` has the time until which each lane is taken. The calls of this function must
    come in the order of `begin`.
    """
    free = (number for number, until in enumerate(lanes) if until <= begin)
    lane = next(free, len(lanes))
    lanes[lane : lane + 1] = [end]
    return lane


def _in_turn(
    branch: Sequence[StateVisit], now: datetime
) -> Iterator[tuple[int, BarSpan]]:
    """Yield when each state of a branch ran; it ends when the next one is entered.

    With missing events, states would overlap. A state that takes no time must not seem
    to be inside the next one, which begins a microsecond later.
    """
    least = branch[0].entered_at
    for visit, after in zip_longest(branch, branch[1:]):
        begin = max(visit.entered_at, least)
        end = end_of(visit, now)
        end = max(begin, min(end, after.entered_at) if after else end)
        least = max(end, begin + MICROSECOND)
        yield visit.id, (begin, end)


def _state_of(by_id: Mapping[int, StateVisit], number: int | None) -> str:
    """Return the name of a state of the definition, the same in all iterations."""
    names: list[str] = []
    while visit := by_id.get(number or 0):
        names.append(visit.name)
        number = visit.parent
    return "\0".join(names)


def _track_name(parent: StateVisit | None, number: int) -> str:
    """Return a track's name: the state whose branches are on it, or else `Main`."""
    if parent is None:
        return f"{ROOT} · {number}" if number > 1 else ROOT
    return f"{parent.name} · lane {number}"


def within(at: datetime, span: BarSpan) -> datetime:
    """Return the time in a span that is nearest to `at`."""
    return min(max(at, span[0]), span[1])
