"""Where a moment stands on a bar, and which moment stands at a place: exact inverses.

With idle time squeezed a gap takes a small part of the bar at most, so that where
much happens there is room for it.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate, pairwise

from msgspec import Struct

from sfnwatch.trace.course import Course

SHARE = 1 / 24
"""The part of a bar that a squeezed gap takes at most."""
LEAST = 1.0
"""Seconds below which nothing is a gap."""
_ROUNDS = 64
_NEAR = 1.001


class Scale(Struct, frozen=True):
    """Places from 0.0 to 1.0 along a bar."""

    knots: tuple[datetime, ...]
    """Times, the first and the last those of the bar's ends."""
    places: tuple[float, ...]
    """Where each stands; in between, time runs evenly."""
    cuts: tuple[int, ...] = ()
    """The knots after which a gap has been made shorter."""

    def place(self, at: datetime) -> float:
        """Say where a moment stands; those outside stand at the ends."""
        right = bisect_right(self.knots, at)
        if right == 0:
            return 0.0
        if right == len(self.knots):
            return 1.0 if self.places[-1] else 0.0
        start, end = self.knots[right - 1], self.knots[right]
        part = (at - start) / (end - start)
        begin = self.places[right - 1]
        return begin + part * (self.places[right] - begin)

    def at(self, place: float) -> datetime:
        """Say which moment stands at a place."""
        right = bisect_right(self.places, place)
        if right == 0:
            return self.knots[0]
        if right == len(self.places):
            return self.knots[-1]
        begin, end = self.places[right - 1], self.places[right]
        start = self.knots[right - 1]
        length = self.knots[right] - start
        return start + min(length, length * ((place - begin) / (end - begin)))


def scale_of(course: Course, *, squeeze: bool = False) -> Scale:
    """Lay a course along a bar."""
    if not squeeze:
        ends = (course.begin, course.end)
        return Scale(ends, (0.0, 1.0 if course.end > course.begin else 0.0))
    knots = tuple(sorted({course.begin, *course.moments, course.end}))
    lengths = [(end - start).total_seconds() for start, end in pairwise(knots)]
    longest = gap_limit(lengths)
    ends_at = list(accumulate((min(n, longest) for n in lengths), initial=0.0))
    whole = ends_at[-1] or 1.0
    places = tuple(min(1.0, n / whole) for n in ends_at[:-1]) + _last(knots)
    cuts = (place for place, length in enumerate(lengths) if length > longest * _NEAR)
    return Scale(knots, places, tuple(cuts))


def _last(knots: Sequence[datetime]) -> tuple[float, ...]:
    return (1.0,) if len(knots) > 1 else (0.0,)


def gap_limit(lengths: Sequence[float]) -> float:
    """Find the seconds that a gap counts at most, so that it takes its share at most.

    Each gap made shorter makes the whole shorter, and so the share: look until both
    agree.
    """
    known = sorted(lengths)
    sums = list(accumulate(known, initial=0.0))
    limit = max(LEAST, SHARE * sums[-1])
    for _ in range(_ROUNDS):
        shorter = bisect_right(known, limit)
        whole = sums[shorter] + limit * (len(known) - shorter)
        if limit <= max(LEAST, SHARE * whole) * _NEAR:
            break
        limit = max(LEAST, SHARE * whole)
    return limit
