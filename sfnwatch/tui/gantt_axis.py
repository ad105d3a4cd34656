"""Time ↔ column: a window of time over the columns there are, with silences squeezed.

Squeezed time stands between whole columns and is read back exactly, so what is under
the mouse is always a moment.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import floor

from msgspec import Struct

SQUEEZED = 3
"""Columns a squeezed stretch takes, however long it is."""
_ROOM_FOR_CUTS = 12
CLOSEST = 0.02
"""Seconds of the smallest window: history tells no less than a millisecond apart."""
_LATEST = datetime.max.replace(tzinfo=UTC) - timedelta(days=2)

Window = tuple[datetime, datetime]


class Axis(Struct, frozen=True):
    """A window of time over columns; `knots` are (seconds, column) where it bends."""

    begin: datetime
    width: int
    knots: tuple[tuple[float, int], ...]
    cuts: tuple[int, ...] = ()
    """The knots at which a squeezed stretch begins."""

    @property
    def span(self) -> float:
        """The seconds of the window."""
        return self.knots[-1][0]

    @property
    def end(self) -> datetime:
        return self.begin + timedelta(seconds=self.span)

    @property
    def scale(self) -> float:
        """Columns a second takes where nothing is squeezed."""
        live = [(a, b) for a, b, cut in self.stretches() if not cut]
        seconds = sum(b[0] - a[0] for a, b in live)
        return sum(b[1] - a[1] for a, b in live) / seconds if seconds else 1.0

    def stretches(self) -> Iterator[tuple[tuple[float, int], tuple[float, int], bool]]:
        """Yield each stretch between two bends, and whether it is squeezed."""
        for place, (a, b) in enumerate(pairwise(self.knots)):
            yield a, b, place in self.cuts

    def squeezed(self) -> Iterator[tuple[int, float]]:
        """Yield the first column and the seconds of each squeezed stretch."""
        for (t0, column), (t1, _), cut in self.stretches():
            if cut:
                yield column, t1 - t0

    def column(self, at: datetime) -> float:
        """Give the column of a moment, from 0 to `width`; those outside at the rim."""
        seconds = (at - self.begin).total_seconds()
        if seconds <= 0:
            return 0.0
        if seconds >= self.span:
            return float(self.width)
        place = bisect_right(self.knots, seconds, key=lambda knot: knot[0]) - 1
        (t0, c0), (t1, c1) = self.knots[place : place + 2]
        return c0 + (seconds - t0) / (t1 - t0) * (c1 - c0)

    def time_at(self, column: float) -> datetime:
        """Give the moment of a column: the inverse of `column`."""
        column = min(max(column, 0.0), float(self.width))
        place = bisect_right(self.knots, column, key=lambda knot: knot[1]) - 1
        place = min(place, len(self.knots) - 2)
        (t0, c0), (t1, c1) = self.knots[place : place + 2]
        share = (column - c0) / (c1 - c0)
        return self.begin + timedelta(seconds=t0 + share * (t1 - t0))

    def shows(self, at: datetime) -> bool:
        return 0 <= (at - self.begin).total_seconds() <= self.span


def make_axis(window: Window, width: int, cuts: Iterable[Window] = ()) -> Axis:
    """Lay a window over columns; `cuts` are the stretches to squeeze, in order."""
    begin, width = min(window[0], _LATEST), max(1, width)
    span = max((window[1] - begin).total_seconds(), CLOSEST)
    inside = _worth(_clipped(cuts, begin, span), span, width)
    live = _live(inside, span)
    if not inside or sum(live) <= 0:
        return Axis(begin, width, ((0.0, 0), (span, width)))
    knots, marks = _bends(inside, live, width)
    return Axis(begin, width, (*knots, (span, width)), marks)


def _clipped(
    cuts: Iterable[Window], begin: datetime, span: float
) -> list[tuple[float, float]]:
    found = []
    for first, last in cuts:
        t0 = max(0.0, (first - begin).total_seconds())
        t1 = min(span, (last - begin).total_seconds())
        if t1 > t0:
            found.append((t0, t1))
    return found


def _worth(
    cuts: list[tuple[float, float]], span: float, width: int
) -> list[tuple[float, float]]:
    """Keep the cuts that win columns, the longest first, in half the width at most."""
    if width < _ROOM_FOR_CUTS:
        return []
    wins = [cut for cut in cuts if (cut[1] - cut[0]) / span * width > SQUEEZED]
    wins.sort(key=lambda cut: cut[0] - cut[1])
    return sorted(wins[: width // (2 * (SQUEEZED + 1))])


def _live(cuts: list[tuple[float, float]], span: float) -> list[float]:
    """Give the seconds before, between and after the cuts."""
    ends = [0.0, *(t1 for _, t1 in cuts)]
    begins = [*(t0 for t0, _ in cuts), span]
    return [t0 - t1 for t1, t0 in zip(ends, begins, strict=True)]


def _bends(
    cuts: list[tuple[float, float]], live: list[float], width: int
) -> tuple[list[tuple[float, int]], tuple[int, ...]]:
    """Share the columns out; a moment between two silences has one of its own."""
    least = [
        1 if seconds > 0 or 0 < n < len(cuts) else 0 for n, seconds in enumerate(live)
    ]
    room = width - SQUEEZED * len(cuts) - sum(least)
    each = room / sum(live)
    knots: list[tuple[float, int]] = []
    marks = []
    at = 0.0
    for number, (t0, t1) in enumerate(cuts):
        at += least[number] + live[number] * each
        first = floor(at + 0.5)
        if t0 > 0 and not knots:
            knots.append((0.0, 0))
        marks.append(len(knots))
        knots += [(t0, first), (t1, first + SQUEEZED)]
        at += SQUEEZED
    if live[-1] <= 0:
        knots.pop()
    return knots, tuple(marks)
