"""The scale of a bar of time, on which long gaps are shorter."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from msgspec import Struct

_SHARE = 1 / 24
"""The greatest part of a bar that a squeezed gap takes."""
_LEAST_GAP = 1.0
"""A gap of fewer seconds is never squeezed."""
_GAP_SHARE = 1 / 20
"""The part of a bar that a shortened gap takes, if no share is given."""
PlaybackSpan = tuple[datetime, datetime]


class TimeScale(Struct, frozen=True):
    """Maps times to places on a bar, from 0.0 to 1.0, and places to times.

    If idle time is squeezed, a gap takes a small part of the bar at most. That leaves
    room for the times in which much happens.
    """

    knots: Sequence[datetime]
    """Times in order; the first and the last are those of the bar's ends."""
    places: Sequence[float]
    """The place of each knot; between two knots, time runs evenly."""
    cuts: Sequence[int] = ()
    """The indexes of the knots at which shortened gaps begin."""

    def place(self, at: datetime) -> float:
        """Return the place of a time; a time outside of the bar is at its end."""
        place: float = _between(self.knots, at, self.places)
        return place

    def at(self, place: float) -> datetime:
        """Return the time at a place."""
        at: datetime = _between(self.places, place, self.knots)
        return at


def _between(knots: Sequence[Any], value: Any, others: Sequence[Any]) -> Any:
    """Return the value between two of `others` that is as far as `value` in `knots`."""
    right = bisect_right(knots, value)
    if right in {0, len(knots)}:
        return others[max(0, right - 1)]
    part = (value - knots[right - 1]) / (knots[right] - knots[right - 1])
    return others[right - 1] + part * (others[right] - others[right - 1])


def scale_of(
    span: PlaybackSpan, times: Iterable[datetime], *, squeeze: bool
) -> TimeScale:
    """Return the scale of a bar for a span; with `squeeze`, long gaps are shorter.

    The longest gaps are shortened until no other gap takes more than 1/24 of the bar.
    """
    found: list[PlaybackSpan] = []
    rest = span_seconds(span)
    gaps = pairwise(sorted({*span, *times})) if squeeze else ()
    limit = max(_LEAST_GAP, _SHARE * rest)
    for gap in sorted(gaps, key=span_seconds, reverse=True):
        if span_seconds(gap) <= limit:
            break
        found.append(gap)
        rest -= span_seconds(gap)
        limit = max(_LEAST_GAP, _SHARE * rest / (1 - _SHARE * len(found)))
    share = limit / (rest + limit * len(found)) if found else 0.0
    return cut_short(*span, sorted(found), share)


def cut_short(
    begin: datetime,
    end: datetime,
    gaps: Sequence[PlaybackSpan],
    share: float | None = None,
) -> TimeScale:
    """Return the scale of a bar on which each gap takes the same small part.

    Each takes `share` of the bar. Without `share`, each takes a twentieth, or less so
    that all gaps take half of the bar at most.
    """
    count = len(gaps)
    worked = span_seconds((begin, end)) - sum(map(span_seconds, gaps))
    if worked <= 0:
        # There are only gaps, or only a single moment.
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
        place = places[-1] + rest * span_seconds((knots[-1], first))
        cuts.append(len(knots))
        knots += [first, last]
        places += [place, min(1.0, place + share)]
    return TimeScale([*knots, end], [*places, 1.0], cuts)


def span_seconds(span: PlaybackSpan) -> float:
    """Return the length of a span in seconds."""
    return (span[1] - span[0]).total_seconds()
