"""The axis of the timeline: moments in columns, and what is drawn behind the bars."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil, floor

from sfnwatch.tui.spans import Span, SpanRow
from sfnwatch.tui.time_window import LEAST_SECONDS, ROUNDING, TimeWindow
from sfnwatch.view.time_marks import round_marks
from sfnwatch.view.time_scale import PlaybackSpan, span_seconds

_LENGTH_CELLS = 3
"""Cells of a gap's length in words."""
_LEAST_LABEL_DISTANCE = 9
"""Least columns from one label to the next."""
_UNITS = (("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("y", 365 * 86_400))
"""Units of time, with their seconds."""
GRID = "look--grid"
CUT = Span("╱", "look--faint")
BLANK = Span(" ")


class TimelineAxis:
    """A stretch of time over columns, and what is drawn behind the bars."""

    MARGIN = 2
    """Cells behind the axis, for how a bar at its end has ended."""

    def __init__(
        self, window: TimeWindow, width: int, at: datetime | None = None
    ) -> None:
        """`at` is the moment to point out; None for none."""
        self.window = window
        self.width = max(1, width)
        self.begin, self.end = window.shown
        self.playhead: int | None = None
        """The cell of the moment `at`; None if it is not in view."""
        if at is not None and self.shows(at):
            self.playhead = self.cell(at)
        self.origin = window.scale.knots[0]
        self.squeezed: list[tuple[int, int, float]] = []
        """For each gap that is cut short: its first cell, its cells and its seconds."""
        self._pieces: list[PlaybackSpan] = []
        """The stretches between those gaps."""
        scale = window.scale
        for number, (first, last) in enumerate(pairwise(scale.knots)):
            if first >= self.end or last <= self.begin:
                continue
            if number in scale.cuts:
                left = self.cell(first)
                right = floor(self.column(last) + ROUNDING)
                seconds = span_seconds((first, last))
                self.squeezed.append((left, max(1, right - left), seconds))
            else:
                piece = max(first, self.begin), min(last, self.end)
                self._pieces.append(piece)
        self.marks = list(self._marks())
        """The columns of round moments since the start, and their labels."""

    def column(self, at: datetime) -> float:
        """Return the column of a moment; moments out of view are at the ends."""
        window = self.window
        place = (window.scale.place(at) - window.first) * window.closeness
        return min(max(place, 0.0), 1.0) * self.width

    def cell(self, at: datetime) -> int:
        """Return the cell of a moment that is in view."""
        return min(floor(self.column(at) + ROUNDING), self.width - 1)

    def cells(self, begin: datetime, end: datetime) -> range:
        """Return the cells of a stretch: at least one, or none if it is out of view."""
        if end < self.begin or begin > self.end:
            return range(0)
        first = self.cell(begin)
        stop = ceil(self.column(end) - ROUNDING)
        return range(first, max(first + 1, stop))

    def shows(self, at: datetime) -> bool:
        return self.begin <= at <= self.end

    def _marks(self) -> Iterator[tuple[int, str]]:
        shown_seconds = sum(map(span_seconds, self._pieces))
        columns = self.width - sum(cells for _, cells, _ in self.squeezed)
        shown_seconds = max(shown_seconds, LEAST_SECONDS / 2)
        apart = _LEAST_LABEL_DISTANCE * shown_seconds / max(1, columns)
        for begin, end in self._pieces:
            first = span_seconds((self.origin, begin))
            last = span_seconds((self.origin, end))
            for seconds, label in round_marks(first, last, apart):
                at = self.origin + timedelta(seconds=seconds)
                column = floor(self.column(at) + ROUNDING)
                if column < self.width:
                    yield column, label

    def labels(self) -> SpanRow:
        """Return the labels and, over squeezed gaps, the lengths of the gaps."""
        cells = [BLANK] * self.width
        for left, size, seconds in self.squeezed:
            if size >= _LENGTH_CELLS:
                words = _short_length(seconds).center(size)
                cells[left : left + size] = _letters(words, "look--faint")
        for column, label in self.marks:
            end = column + len(label)
            around = cells[max(0, column - 1) : end + 1]
            is_free = all(cell == BLANK for cell in around)
            if is_free and end <= self.width:
                cells[column:end] = _letters(label, "role--dim")
        return cells

    def ground(self) -> SpanRow:
        """Return what is behind the bars, and cells for how a bar at the end ended."""
        cells = [BLANK] * (self.width + self.MARGIN)
        for column, _ in self.marks:
            cells[column] = Span("┊", GRID)
        for left, size, _ in self.squeezed:
            cells[left : left + size] = [BLANK] * size
            cells[left + size // 2] = CUT
        if self.playhead is not None:
            cells[self.playhead] = Span("│", "look--playhead")
        return cells


def _letters(words: str, look: str) -> SpanRow:
    """Return words letter by letter, one in each cell."""
    return [Span(letter, look) for letter in words]


def _short_length(seconds: float) -> str:
    """Return a length in three cells: `45s`, `12m`, `3h`, `20d`; long ones roughly."""
    for unit, size in _UNITS:
        count = round(seconds / size)
        if count < 100:  # noqa: PLR2004 - two digits and the unit
            return f"{count}{unit}"
    return ">9y"
