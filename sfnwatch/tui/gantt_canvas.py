"""What bars and ticks are drawn on, a glyph a column, and how time takes columns.

A moment stands in the column that it falls into; what lasts takes every column that it
touches. So what is inside of something else is never drawn outside of it.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from math import ceil, floor

from msgspec import Struct

from sfnwatch.trace.spans import Part
from sfnwatch.trace.task_lives import Stage
from sfnwatch.trace.words import STATUS_GLYPHS, Tone
from sfnwatch.tui.gantt_axis import SQUEEZED, Axis


class Ink(StrEnum):
    """What a stroke of the chart is, for the theme to colour."""

    WAITING = "waiting"
    WORKING = "working"
    RUNNING = "running"
    FAILED = "failed"
    ABORTED = "aborted"
    BACKING_OFF = "backing-off"
    NOTICING = "noticing"
    AROUND = "around"
    GRID = "grid"
    CUT = "cut"
    PLAYHEAD = "playhead"
    CHOSEN = "chosen"


Stroke = tuple[str, Tone | Ink]
"""Some text and what it is: a tone of words, or an ink of the chart."""
Cells = list[Stroke]

GLYPHS = {
    Part.WAITING: "░",
    Part.WORKING: "▓",
    Part.BACKING_OFF: "▒",
    Part.NOTICING: "┄",
    Part.AROUND: "━",
    Part.STOPPED: "╌",
}
INSTANT, POLL, ACTION, STOP, OTHER = "◆", "╵", "▴", "▪", "·"
TASKS: Mapping[Stage, str] = {
    Stage.STARTING: "┈",
    Stage.RUNNING: "═",
    Stage.STOPPING: "─",
}
"""What a task's strip is drawn with: thinner than bars."""
REDRIVEN = "⟲"
FAILED = STATUS_GLYPHS["failed"][0]
NOTICED_SURELY, NOTICED = "▶", "▷"
HEIGHTS = "▁▂▃▄▅▆▇█"
"""How many at once, all of them being full."""


class Canvas(Struct, frozen=True):
    """What a bar is drawn on."""

    axis: Axis
    now: datetime
    grid: frozenset[int] = frozenset()
    """The columns of the marks."""
    playhead: datetime | None = None


# -- time ------------------------------------------------------------------------

_ALMOST = 1e-6
"""Of a column: so much is rounding."""


def column_of(axis: Axis, at: datetime) -> int:
    """Give the cell of a moment."""
    return min(floor(axis.column(at) + _ALMOST), axis.width - 1)


def room_of(axis: Axis, begin: datetime, end: datetime) -> range:
    """Give the cells of a stretch: at least one, none if it is out of the window."""
    if (end < axis.begin) or not (axis.shows(begin) or begin < axis.begin):
        return range(0)
    first = column_of(axis, begin)
    return range(first, max(first + 1, ceil(axis.column(end) - _ALMOST)))


# -- behind and before the bars ---------------------------------------------------


def ground(canvas: Canvas) -> Cells:
    """Draw what is behind the bars: lines at round moments, and silences."""
    width = canvas.axis.width
    cells: Cells = [
        ("┊", Ink.GRID) if n in canvas.grid else (" ", Tone.PLAIN) for n in range(width)
    ]
    for column, _ in canvas.axis.squeezed():
        cells[column : column + SQUEEZED] = [(" ", Ink.CUT)] * SQUEEZED
        cells[column + SQUEEZED // 2] = ("╱", Ink.CUT)
    return cells


def finish(cells: Cells, canvas: Canvas) -> Cells:
    """Draw what is before the bars: where time is missing, and the moment shown."""
    for column, _ in canvas.axis.squeezed():
        middle = column + SQUEEZED // 2
        cells[middle] = ("╱", cells[middle][1])
    place = playhead_column(canvas)
    if place is not None:
        cells[place] = ("│", Ink.PLAYHEAD)
    return cells


def playhead_column(canvas: Canvas) -> int | None:
    at, axis = canvas.playhead, canvas.axis
    if at is None or not axis.shows(at):
        return None
    return column_of(axis, at)


def strokes(cells: Cells) -> Iterator[Stroke]:
    """Join neighbours of one ink."""
    for ink, run in groupby(cells, lambda cell: cell[1]):
        yield "".join(glyph for glyph, _ in run), ink
