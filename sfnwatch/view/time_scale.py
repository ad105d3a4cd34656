"""Time laid along a bar, with long gaps made shorter."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from msgspec import Struct

_SHARE = 1 / 24
"""The part of a bar that a squeezed gap takes at most."""
_LEAST_GAP = 1.0
"""Seconds below which nothing is a gap."""
_GAP_SHARE = 1 / 20
"""What a gap takes that is cut short where nothing else is said."""
PlaybackSpan = tuple[datetime, datetime]


class TimeScale(Struct, frozen=True):
    """Where a moment stands on a bar from 0.0 to 1.0, and which stands at a place.

    With idle time squeezed a gap takes a small part of the bar at most, so that where
    much happens there is room for it.
    """

    knots: Sequence[datetime]
    """Times, the first and the last those of the bar's ends."""
    places: Sequence[float]
    """Where each stands; in between, time runs evenly."""
    cuts: Sequence[int] = ()
    """The knots after which a gap has been made shorter."""

    def place(self, at: datetime) -> float:
        """Say where a moment stands; those outside stand at the ends."""
        place: float = _between(self.knots, at, self.places)
        return place

    def at(self, place: float) -> datetime:
        """Say which moment stands at a place."""
        at: datetime = _between(self.places, place, self.knots)
        return at


def _between(knots: Sequence[Any], value: Any, others: Sequence[Any]) -> Any:
    """Give what is as far between two of `others` as a value is between its knots."""
    right = bisect_right(knots, value)
    if right in {0, len(knots)}:
        return others[max(0, right - 1)]
    part = (value - knots[right - 1]) / (knots[right] - knots[right - 1])
    return others[right - 1] + part * (others[right] - others[right - 1])


def scale_of(
    span: PlaybackSpan, times: Iterable[datetime], *, squeeze: bool
) -> TimeScale:
    """Lay a stretch of time along a bar; with `squeeze` its gaps are made shorter.

    So many of the longest that none takes more than its share of what is left.
    """
    found: list[PlaybackSpan] = []
    rest = length_of(span)
    gaps = pairwise(sorted({*span, *times})) if squeeze else ()
    limit = max(_LEAST_GAP, _SHARE * rest)
    for gap in sorted(gaps, key=length_of, reverse=True):
        if length_of(gap) <= limit:
            break
        found.append(gap)
        rest -= length_of(gap)
        limit = max(_LEAST_GAP, _SHARE * rest / (1 - _SHARE * len(found)))
    share = limit / (rest + limit * len(found)) if found else 0.0
    return cut_short(*span, sorted(found), share)


def cut_short(
    begin: datetime,
    end: datetime,
    gaps: Sequence[PlaybackSpan],
    share: float | None = None,
) -> TimeScale:
    """Lay a stretch along a bar on which gaps take the same little room each.

    That is their `share` of it; else a twentieth, and all of them half of it at most.
    """
    count = len(gaps)
    worked = length_of((begin, end)) - sum(map(length_of, gaps))
    if worked <= 0:
        # There is nothing else; or only one moment.
        share = 1 / max(1, count)
        worked = 1.0
        if begin == end:
            return TimeScale((begin,), (0.0,))
    if share is None:
        share = min(_GAP_SHARE, 0.5 / max(1, count))
    rest = (1.0 - share * count) / worked
    knots = [begin]
    places = [0.0]
    cuts = []
    for first, last in gaps:
        place = places[-1] + rest * length_of((knots[-1], first))
        cuts.append(len(knots))
        knots += [first, last]
        places += [place, min(1.0, place + share)]
    return TimeScale([*knots, end], [*places, 1.0], cuts)


def length_of(span: PlaybackSpan) -> float:
    """Count the seconds from one moment to another."""
    return (span[1] - span[0]).total_seconds()
