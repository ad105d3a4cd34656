"""Time that runs down a picture: a height for each line, pauses squeezed.

Lines that follow at once stand close; a pause takes more, but far less than its
length, and says how long it was.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from math import log2

from msgspec import Struct

from sfnwatch.export.svg_rows import Line
from sfnwatch.trace.lanes import Kind

STEP = 23.0
"""The height of a line, px."""
CARD = 9.0
"""What is left free between two cards."""
_SECOND_LINE, _SKIP = 17.0, 32.0
_TICK = 8.0
LABEL = 15.0
"""What the words above many ticks take."""
_PAUSE = 5.0
"""Seconds from which on a pause is named."""
_MOST = 46.0
_APART = {Kind.ENTERED, Kind.PASSED, Kind.EXECUTION}
"""What stands between two cards."""


class Pause(Struct, frozen=True):
    """A stretch of the axis in which there is nothing."""

    top: float
    bottom: float
    seconds: float
    date: str = ""
    """The new date, where midnight lies in it."""


class Scale(Struct, frozen=True):
    """Where each line stands, and so where any moment does."""

    heights: tuple[float, ...]
    """The middle of each line, px from the top."""
    pauses: tuple[Pause, ...]
    bottom: float
    _moments: tuple[datetime, ...] = ()

    def y(self, at: datetime) -> float:
        """Find a moment's height; between two lines, by how far it is between."""
        place = bisect_right(self._moments, at)
        if place == 0:
            return self.heights[0] if self.heights else self.bottom
        if place == len(self._moments):
            return self.heights[-1]
        before, after = self._moments[place - 1], self._moments[place]
        share = (at - before) / (after - before) if after > before else 0.0
        top, bottom = self.heights[place - 1], self.heights[place]
        return top + share * (bottom - top)


def scale_of(lines: Sequence[Line], top: float) -> Scale:
    """Stack the lines up from `top` on."""
    heights: list[float] = []
    pauses: list[Pause] = []
    y = top
    for before, line in pairwise((None, *lines)):
        if line is None:
            continue
        up, down = _extent(line)
        gap = _gap(before, line) if before is not None else 0.0
        if before is not None and _named(before, line):
            date = f"{line.at:%Y-%m-%d}" if line.at.date() != before.at.date() else ""
            seconds = (line.at - before.at).total_seconds()
            pauses.append(Pause(y, y + gap, seconds, date))
        y += gap + up
        heights.append(y)
        y += down
    return Scale(tuple(heights), tuple(pauses), y, tuple(_rising(lines)))


def _extent(line: Line) -> tuple[float, float]:
    """Give the px that a line takes above and below its middle."""
    if line.skipped:
        return _SKIP / 2, _SKIP / 2
    if line.run is not None:
        return _tick_extent(line)
    if not line.rows:
        return STEP / 2, STEP / 2
    row = line.rows[0]
    above = CARD if row.depth == 0 and row.kind in _APART else 0.0
    below = _SECOND_LINE if row.notice is not None else 0.0
    return STEP / 2 + above, STEP / 2 + below


def _tick_extent(line: Line) -> tuple[float, float]:
    """Ticks beside each other take the height of one, and need room for words."""
    if line.number % line.beside:
        return 0.0, 0.0
    above = LABEL if line.beside > 1 and line.number == 0 else 0.0
    return above + _TICK, 0.0


def _gap(before: Line, line: Line) -> float:
    if before.run is not None and line.run is not None:
        return 0.0
    seconds = (line.at - before.at).total_seconds()
    if seconds < 1:
        return 0.0
    return min(_MOST, (12 if _named(before, line) else 0) + 4 * log2(1 + seconds))


def _named(before: Line, line: Line) -> bool:
    """Tell if a pause is long enough to be named; ticks are a rhythm, no pauses."""
    ticking = before.run is not None or line.run is not None
    return not ticking and (line.at - before.at).total_seconds() >= _PAUSE


def _rising(lines: Sequence[Line]) -> Iterator[datetime]:
    """Give the lines' times; that of a call, a whole second, may be a step back."""
    latest: datetime | None = None
    for line in lines:
        latest = line.at if latest is None else max(latest, line.at)
        yield latest
