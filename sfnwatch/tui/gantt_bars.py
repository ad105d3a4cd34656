"""The bar of a row, a glyph a column. What it is is never told by colour alone."""

from collections.abc import Mapping
from datetime import datetime
from itertools import accumulate
from math import ceil
from types import MappingProxyType

from sfnwatch.trace.notice import Notice
from sfnwatch.trace.spans import Key, Part, end_of
from sfnwatch.trace.words import Tone
from sfnwatch.tui.gantt_axis import Axis
from sfnwatch.tui.gantt_canvas import (
    GLYPHS,
    HEIGHTS,
    REDRIVEN,
    Canvas,
    Cells,
    Ink,
    column_of,
    finish,
    ground,
    room_of,
)
from sfnwatch.tui.gantt_tree import Kind, Node
from sfnwatch.tui.gantt_visits import draw_visit, ink_of

_AROUND = frozenset({"Map", "Parallel"})


def bounds(node: Node, now: datetime) -> tuple[datetime, datetime]:
    """Give when a row begins, and when it was over or how far it has come."""
    timeline = node.timeline
    if node.kind is Kind.EXECUTION:
        events = timeline.ordered
        begin = timeline.started_at or (events[0].timestamp if events else now)
        last = events[-1].timestamp if events else begin
        end = timeline.stopped_at or (max(now, last) if timeline.running else last)
        return begin, max(begin, end)
    first = node.visits[0].entered_at
    return first, max(first, *(end_of(visit, now) for visit in node.visits))


def status_of(node: Node) -> str:
    """Say how a row ended, in a visit's words."""
    if node.kind is Kind.EXECUTION:
        return node.timeline.status.lower()
    statuses = [visit.status for visit in node.visits]
    return "running" if "running" in statuses else statuses[-1]


# -- bars ------------------------------------------------------------------------


def bar(
    node: Node,
    canvas: Canvas,
    notices: Mapping[Key, Notice] = MappingProxyType({}),
    *,
    folded: bool = False,
) -> Cells:
    """Draw a row: of a state its parts, of what is around others just how far."""
    cells = ground(canvas)
    if folded and node.visit is not None and node.visit.type in _AROUND:
        _profile(cells, canvas, node)
    elif folded and node.visit is None:
        for visit in node.visits:
            draw_visit(cells, canvas, visit, notices, node.execution_arn)
    elif node.visit is not None and node.visit.type not in _AROUND:
        draw_visit(cells, canvas, node.visit, notices, node.execution_arn)
    else:
        _around(cells, canvas, node)
    _edges(cells, canvas, bounds(node, canvas.now))
    return finish(cells, canvas)


def _around(cells: Cells, canvas: Canvas, node: Node) -> None:
    """Draw a line as long as what is inside, with ends unless it goes on."""
    axis, (begin, end) = canvas.axis, bounds(node, canvas.now)
    room = room_of(axis, begin, end)
    status = status_of(node)
    ink = {"succeeded": Ink.AROUND, "caught": Ink.AROUND}.get(status, ink_of(status))
    for cell in room:
        cells[cell] = ("━", ink)
    if not room:
        return
    if len(room) > 1 and axis.shows(begin):
        cells[room[0]] = ("┝", ink)
    if len(room) > 1 and axis.shows(end) and status != "running":
        cells[room[-1]] = ("┥", ink)
    _pauses(cells, axis, node)


def _pauses(cells: Cells, axis: Axis, node: Node) -> None:
    """Break the line where all was over, and mark where it was taken up again."""
    for begin, end in node.pauses:
        for cell in room_of(axis, begin, end)[1:]:
            cells[cell] = (GLYPHS[Part.STOPPED], Ink.CUT)
        if axis.shows(end):
            cells[column_of(axis, end)] = (REDRIVEN, Tone.WARN)


def _profile(cells: Cells, canvas: Canvas, node: Node) -> None:
    """Draw how many branches or iterations were under way, the most being full."""
    axis, now = canvas.axis, canvas.now
    steps = [0] * (axis.width + 1)
    bad: set[int] = set()
    for child in node.children:
        begin, end = bounds(child, now)
        room = _middle(axis, room_of(axis, begin, end), begin, end)
        if room:
            steps[room.start] += 1
            steps[room.stop] -= 1
        if room and status_of(child) in {"failed", "timed_out"} and axis.shows(end):
            bad.add(room[-1])
    _around(cells, canvas, node)
    counts = list(accumulate(steps))
    most = max(counts)
    ink = Ink.RUNNING if status_of(node) == "running" else Ink.WORKING
    for cell in range(axis.width):
        if counts[cell]:
            height = HEIGHTS[ceil(counts[cell] / most * len(HEIGHTS)) - 1]
            cells[cell] = (height, Ink.FAILED if cell in bad else ink)


def _middle(axis: Axis, room: range, begin: datetime, end: datetime) -> range:
    """Leave the cells in whose middle it was under way: at least one.

    What ends where the next begins is not twice as much.
    """
    if not room:
        return room
    first = max(room.start, ceil(axis.column(begin) - 0.5))
    last = min(room.stop, ceil(axis.column(end) - 0.5))
    return range(first, last) if first < last else room[:1]


def _edges(cells: Cells, canvas: Canvas, limits: tuple[datetime, datetime]) -> None:
    """Point to where a bar is that the window does not show."""
    if limits[1] < canvas.axis.begin:
        cells[0] = ("‹", Tone.DIM)
    elif limits[0] > canvas.axis.end:
        cells[-1] = ("›", Tone.DIM)
