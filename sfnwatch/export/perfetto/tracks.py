"""The track of each visit, and its span of time there."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import NamedTuple

from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.phases import end_of
from sfnwatch.export.call_window import BarSpan
from sfnwatch.model.visits import ROOT, StateVisit

MICROSECOND = timedelta(microseconds=1)


class TrackLayout(NamedTuple):
    """The tracks of an execution's visits."""

    names: list[str]
    track_of: dict[int, int]
    """The place of a visit's track in `names`, by the visit's id."""
    span_of: dict[int, BarSpan]
    """A visit's span of time, by the visit's id."""


def lay_tracks(visits: Sequence[StateVisit], now: datetime) -> TrackLayout:
    """Lay visits on tracks.

    States that follow each other share a track. Branches and iterations have tracks of
    their own, below each other, which are used again once they end: 10,000 iterations,
    40 at a time, take 40 tracks.
    """
    layout = TrackLayout([], {}, {})
    by_id = {visit.id: visit for visit in visits}
    in_order = sorted(visits, key=lambda visit: (visit.entered_at, visit.id))
    branches = grouped(in_order, lambda visit: (visit.parent, visit.index))
    lane_ends: defaultdict[str, list[datetime]] = defaultdict(list)
    lanes_of: defaultdict[str, list[list[StateVisit]]] = defaultdict(list)
    """The visits on each lane, by the state around them."""
    for (parent, _), branch in branches.items():
        layout.span_of.update(_spans_in_turn(branch, now))
        state = _path_in_definition(by_id, parent)
        begin, _ = layout.span_of[branch[0].id]
        _, end = layout.span_of[branch[-1].id]
        lane = take_lane(lane_ends[state], begin, end)
        lanes = lanes_of[state]
        if lane == len(lanes):
            lanes.append([])
        lanes[lane] += branch
    for lanes in lanes_of.values():
        for number, lane_visits in enumerate(lanes, start=1):
            parent_visit = by_id.get(lane_visits[0].parent or 0)
            name = _track_name(parent_visit, number)
            _add_track(layout, name, lane_visits)
    return layout


def _add_track(layout: TrackLayout, name: str, visits: Iterable[StateVisit]) -> None:
    track = len(layout.names)
    layout.names.append(name)
    for visit in visits:
        layout.track_of[visit.id] = track


def take_lane(lane_ends: list[datetime], begin: datetime, end: datetime) -> int:
    """Take the first free lane, and return its index.

    `lane_ends` has the time until which each lane is taken. The calls of this function
    must come in the order of `begin`.
    """
    for lane, taken_until in enumerate(lane_ends):
        if taken_until <= begin:
            lane_ends[lane] = end
            return lane
    lane_ends.append(end)
    return len(lane_ends) - 1


def _spans_in_turn(
    branch: Sequence[StateVisit], now: datetime
) -> Iterator[tuple[int, BarSpan]]:
    """Yield when each state of a branch ran; it ends when the next one is entered.

    With missing events, states would overlap. A state that takes no time must not seem
    to be inside the next one, which begins a microsecond later.
    """
    earliest = branch[0].entered_at
    for visit, next_visit in zip_longest(branch, branch[1:]):
        begin = max(visit.entered_at, earliest)
        end = end_of(visit, now)
        if next_visit is not None:
            end = min(end, next_visit.entered_at)
        end = max(begin, end)
        earliest = max(end, begin + MICROSECOND)
        yield visit.id, (begin, end)


def _path_in_definition(by_id: Mapping[int, StateVisit], number: int | None) -> str:
    """Return a visit's state and those around it, the same in all iterations."""
    names: list[str] = []
    visit = by_id.get(number or 0)
    while visit is not None:
        names.append(visit.name)
        visit = by_id.get(visit.parent or 0)
    return "\0".join(names)


def _track_name(parent: StateVisit | None, number: int) -> str:
    """Return a track's name: the state whose branches are on it, or else `Main`."""
    if parent is not None:
        return f"{parent.name} · lane {number}"
    if number > 1:
        return f"{ROOT} · {number}"
    return ROOT


def nearest_in(at: datetime, span: BarSpan) -> datetime:
    """Return the time in a span that is nearest to `at`."""
    begin, end = span
    return min(max(at, begin), end)
