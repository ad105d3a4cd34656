"""A chart of bars on a time axis, as lines of exactly the width there is."""

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo

from msgspec import Struct, field

from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.values import replace
from sfnwatch.trace.words import Piece, Tone
from sfnwatch.tui.cells import cells as cells_of
from sfnwatch.tui.cells import cut, pad
from sfnwatch.tui.gantt_axis import SQUEEZED, Axis, make_axis
from sfnwatch.tui.gantt_bars import bar, bounds
from sfnwatch.tui.gantt_canvas import (
    Canvas,
    Cells,
    Ink,
    Stroke,
    playhead_column,
    room_of,
    strokes,
)
from sfnwatch.tui.gantt_lens import Lens
from sfnwatch.tui.gantt_names import name_actions, name_call
from sfnwatch.tui.gantt_ruler import Mark, Scale, label_line, local, marks
from sfnwatch.tui.gantt_signs import TIMELINE_SIGNS
from sfnwatch.tui.gantt_tasks import newest, ran, task_row, tasks_label
from sfnwatch.tui.gantt_ticks import tick_row
from sfnwatch.tui.gantt_tree import Chart, Line, Rows
from sfnwatch.tui.gantt_words import (
    Mask,
    Told,
    call_words,
    calls_label,
    label,
    note,
    told_words,
)

__all__ = ["TIMELINE_SIGNS", "Columns", "Frame", "columns", "draw", "draw_head"]
__all__ += ["drawn_in", "make_frame"]

CHART_LEAST = 12
"""Bars over fewer columns would say nothing."""
_MARGIN = 1
_TREE_SHARE, _TREE_LEAST, _TREE_MOST = 0.36, 8, 38
_ROOM_FOR_LENGTHS, _LENGTH = 56, 9
_ROOM_FOR_NOTES, _NOTES = 130, 32
_ROOM_FOR_LONG_NOTES, _LONG_NOTES = 220, 74
_GAP = 2
_MANY_TIMES = 100
"""So many times closer, decimals don't matter."""
_SHORT = 40
"""A notice without calls beside it takes no more cells."""


class Columns(Struct, frozen=True):
    """How many cells each part of a line has."""

    tree: int
    chart: int
    length: int = 0
    notes: int = 0

    @property
    def before(self) -> int:
        """The cells left of the chart."""
        return _MARGIN + self.tree + (1 if self.tree and self.chart else 0)


def columns(width: int, natural: int, *, notes: bool = False) -> Columns:
    """Share out a width; `natural` is what the tree's labels would take."""
    length = _LENGTH if width >= _ROOM_FOR_LENGTHS else 0
    beside = 0
    if notes and width >= _ROOM_FOR_NOTES:
        beside = _LONG_NOTES if width >= _ROOM_FOR_LONG_NOTES else _NOTES
    most = min(
        max(round(width * _TREE_SHARE), _TREE_LEAST), max(_TREE_MOST, width // 4)
    )
    inner = max(0, width - _MARGIN)
    tree = min(natural, most, inner)
    chart = inner - tree - 1 - length - beside
    if chart < CHART_LEAST:
        tree, chart = inner - CHART_LEAST - 1, CHART_LEAST
    if tree < 1:
        # Too narrow for both: what happened matters more than when.
        return Columns(tree=inner, chart=0)
    return Columns(tree, chart, length, beside)


class Frame(Struct, frozen=True):
    """All that lines of one drawing have in common."""

    chart: Chart
    share: Columns
    canvas: Canvas
    lens: Lens
    scale: Scale
    marks: tuple[Mark, ...] = ()
    mask: Mask = field(default=str)

    @property
    def axis(self) -> Axis:
        return self.canvas.axis

    def of(self, line: Line) -> "Frame":
        """Give what a line is drawn into: its execution may have begun later."""
        offset = self.chart.offset(line.node.execution_arn)
        if not offset:
            return self
        axis = replace(self.axis, begin=self.axis.begin + offset)
        return replace(self, canvas=replace(self.canvas, axis=axis))

    @property
    def width(self) -> int:
        share = self.share
        return share.before + share.chart + share.length + share.notes


def make_frame(
    chart: Chart,
    rows: Rows,
    width: int,
    lens: Lens,
    *,
    now: datetime | None = None,
    playhead: datetime | None = None,
    zone: tzinfo | None = None,
    clock: bool = False,
    mask: Mask = str,
) -> Frame:
    """Lay out on a width what a lens shows of a chart."""
    share = columns(width, rows.natural, notes=bool(chart.notices))
    axis = make_axis(lens.shown, share.chart, lens.extent.cuts)
    scale = Scale(lens.extent.begin, zone or UTC, clock and not chart.offsets)
    found = marks(axis, scale)
    grid = frozenset(mark.column for mark in found)
    canvas = Canvas(axis, now or lens.extent.end, grid, playhead)
    return Frame(chart, share, canvas, lens, scale, found, mask)


def draw(
    line: Line, frame: Frame, *, selected: bool = False, chosen: str | None = None
) -> tuple[Stroke, ...]:
    """Draw a line; `chosen` is the key of the call to point out."""
    frame = frame.of(line)
    if line.calls:
        left, chart, right = _calls(line, frame, chosen, selected=selected)
    elif line.lives:
        left, chart, right = _tasks(line, frame)
    else:
        left, chart, right = _row(line, frame)
    margin: Piece = ("▌" if selected else " ", Tone.ACTION)
    share = frame.share
    if not share.chart:
        return (margin, *pad(left, share.tree))
    return (margin, *pad(left, share.tree), (" ", Tone.PLAIN), *chart, *right)


_Parts = tuple[Iterable[Piece], Iterable[Stroke], Iterable[Piece]]


def _row(line: Line, frame: Frame) -> _Parts:
    node, share = line.node, frame.share
    told = _told(line, frame)
    words = note(node, folded=bool(line.folded))
    if told and not frame.chart.ticks_of(node, folded=bool(line.folded)):
        said = told_words(told, _tries(line), _SHORT)
        words = (*words, ("  " if words else "", Tone.PLAIN), said)
    begin, end = bounds(node, frame.canvas.now)
    paused = line.node.visit.paused if line.node.visit is not None else 0.0
    length = duration((end - begin).total_seconds() - paused)
    chart: Iterable[Stroke] = ()
    if share.chart:
        cells = _cells(line, frame)
        room = room_of(frame.axis, begin, end)
        chart = strokes(cells) if share.notes else _with_note(cells, room, words)
    return label(line, frame.mask), chart, _right(share, (length, Tone.PLAIN), words)


def _cells(line: Line, frame: Frame, chosen: str | None = None) -> Cells:
    """Draw the chart's part of a line."""
    if not frame.share.chart:
        return []
    if line.calls:
        return tick_row(line.calls, frame.canvas, chosen)
    if line.lives:
        return task_row(line.lives, frame.canvas)
    notices = frame.chart.notices
    return bar(line.node, frame.canvas, notices, folded=bool(line.folded))


def drawn_in(lines: Iterable[Line], frame: Frame) -> frozenset[Stroke]:
    """Gather what is drawn in the chart's part of lines, each of it once."""
    return frozenset(cell for line in lines for cell in _cells(line, frame.of(line)))


def _told(line: Line, frame: Frame) -> tuple[Told, ...]:
    """Give which tries of a state were noticed late, and how."""
    visit, notices = line.node.visit, frame.chart.notices
    tries = enumerate(visit.attempts, start=1) if visit is not None else ()
    keys = ((n, (line.node.execution_arn, a.scheduled_id)) for n, a in tries)
    return tuple((n, notices[key]) for n, key in keys if key in notices)


def _tries(line: Line) -> int:
    return len(line.node.visit.attempts) if line.node.visit is not None else 0


def _calls(line: Line, frame: Frame, chosen: str | None, *, selected: bool) -> _Parts:
    share = frame.share
    cells = _cells(line, frame, chosen)
    picked = next((call for call in line.calls if call.key == chosen), None)
    told = _told(line, frame)
    count = len(line.calls)
    first: Piece = (f"{count} calls" if count > 1 else "1 call", Tone.DIM)
    words: tuple[Piece, ...] = ()
    if told and share.notes:
        words = (told_words(told, _tries(line), share.notes - _GAP),)
    elif told:
        first = told_words(told, _tries(line), share.length)
    if picked is not None and share.notes:
        words = call_words(picked)
    elif picked is not None:
        name_call(cells, frame.axis, picked, call_words(picked))
    elif selected:
        name_actions(cells, frame.axis, line.calls)
    left = calls_label(line, share.tree, selected=selected)
    return left, strokes(cells), _right(share, first, words)


def _tasks(line: Line, frame: Frame) -> _Parts:
    """Draw what ECS told of tasks, and say how the last of them was."""
    words = newest(line.lives, frame.share.notes - _GAP)
    return (
        tasks_label(line.rails, line.lives),
        strokes(_cells(line, frame)),
        _right(frame.share, ran(line.lives, frame.canvas), words),
    )


def _right(share: Columns, first: Piece, words: Iterable[Piece]) -> tuple[Piece, ...]:
    """Set a length to the right of its column, and notes after it."""
    if not share.length:
        return ()
    text = cut((first,), share.length)
    blank = (" " * (share.length - cells_of(text)), Tone.PLAIN)
    beside = pad(((" " * _GAP, Tone.PLAIN), *words), share.notes) if share.notes else ()
    return (blank, *text, *beside)


def _with_note(cells: Cells, room: range, words: tuple[Piece, ...]) -> Iterable[Stroke]:
    """Set words behind their bar, or before it, where they do not touch it."""
    size = cells_of(words)
    if not room or not size:
        return strokes(cells)
    if room.stop + 1 + size <= len(cells):
        return _laid(cells, room.stop + 1, words)
    if size + 1 <= room.start:
        return _laid(cells, room.start - 1 - size, words)
    return strokes(cells)


def _laid(cells: Cells, first: int, words: tuple[Piece, ...]) -> tuple[Stroke, ...]:
    after = cells[first + cells_of(words) :]
    return (*strokes(cells[:first]), *words, *strokes(after))


# -- above and below -----------------------------------------------------------------


def draw_head(frame: Frame) -> tuple[tuple[Stroke, ...], tuple[Stroke, ...]]:
    """Draw the labels of the axis, and the axis."""
    share = frame.share
    if not share.chart:
        blank = pad(_title(frame), frame.width)
        return blank, pad((), frame.width)
    gap: Stroke = (" ", Tone.PLAIN)
    left = pad(((" ", Tone.PLAIN), *_title(frame)), share.before - 1)
    under = pad((), share.before - 1)
    beside = pad((), share.length + share.notes)
    labels = strokes(_labels(frame))
    return (
        (*left, gap, *labels, *beside),
        (*under, gap, *strokes(_ruler(frame)), *beside),
    )


def _title(frame: Frame) -> tuple[Piece, ...]:
    scale = frame.scale
    said = "from start" if frame.chart.offsets else "elapsed"
    if scale.clock:
        said = clean(scale.zone.tzname(local(frame.axis.begin, scale.zone)) or "", 12)
    times = frame.lens.closeness
    shown = f"{times:.3g}" if times < _MANY_TIMES else f"{times:.0f}"
    close = f"  zoom ×{shown}" if frame.lens.window else ""
    return ((said, Tone.DIM), (close, Tone.ACTION))


def _labels(frame: Frame) -> Cells:
    labels, silences = label_line(frame.axis, frame.marks)
    return [
        (silence, Tone.WARN) if silence != " " else (glyph, Tone.DIM)
        for glyph, silence in zip(labels, silences, strict=True)
    ]


def _ruler(frame: Frame) -> Cells:
    """Draw the axis: marks, silences, where there is more, and the moment shown."""
    axis, extent = frame.axis, frame.lens.extent
    cells: Cells = [("─", Ink.CUT)] * axis.width
    for mark in frame.marks:
        cells[mark.column] = ("┬", Ink.CUT)
    for column, _ in axis.squeezed():
        cells[column : column + SQUEEZED] = [("╱", Tone.WARN)] * SQUEEZED
    if axis.begin > extent.begin:
        cells[0] = ("‹", Tone.ACTION)
    if axis.end < extent.end:
        cells[-1] = ("›", Tone.ACTION)
    # Of several starts each execution has its own.
    head = None if frame.chart.offsets else playhead_column(frame.canvas)
    if head is not None:
        cells[head] = ("▼", Ink.PLAYHEAD)
    return cells
