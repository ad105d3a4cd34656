"""Bars and ticks, a glyph a column. What a glyph is is never told by colour alone."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from math import ceil, floor

from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.notice import Notice
from sfnwatch.trace.spans import Part, Segment, Tick, end_of, segments
from sfnwatch.trace.visits import StateVisit
from sfnwatch.trace.words import STATUS_GLYPHS, Tone
from sfnwatch.tui.gantt_axis import SQUEEZED, Axis
from sfnwatch.tui.gantt_tree import Kind, Node


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
}
INSTANT, POLL, ACTION, STOP, OTHER = "◆", "╵", "▴", "▪", "·"
FAILED = STATUS_GLYPHS["failed"][0]
NOTICED_SURELY, NOTICED = "▶", "▷"
_HEIGHTS = "▁▂▃▄▅▆▇█"
_INKS = {
    Part.WAITING: Ink.WAITING,
    Part.BACKING_OFF: Ink.BACKING_OFF,
    Part.NOTICING: Ink.NOTICING,
    Part.AROUND: Ink.AROUND,
}
_BY_STATUS = {
    "running": Ink.RUNNING,
    "failed": Ink.FAILED,
    "timed_out": Ink.FAILED,
    "aborted": Ink.ABORTED,
}
_ROOM_FOR_END = 3
"""A bar of fewer cells has none to spare for how it ended, unless it ended badly."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """What a bar is drawn on."""

    axis: Axis
    now: datetime
    grid: frozenset[int] = frozenset()
    """The columns of the marks."""
    playhead: datetime | None = None


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
    node: Node, canvas: Canvas, told: Notice | None = None, *, folded: bool = False
) -> Cells:
    """Draw a row: of a state its parts, of what is around others just how far."""
    cells = ground(canvas)
    if folded and node.kind is Kind.VISIT:
        _profile(cells, canvas, node)
    elif folded:
        for visit in node.visits:
            _visit(cells, canvas, visit, None)
    elif node.visit is not None and node.visit.type not in {"Map", "Parallel"}:
        _visit(cells, canvas, node.visit, told)
    else:
        _around(cells, canvas, node)
    _edges(cells, canvas, bounds(node, canvas.now))
    return finish(cells, canvas)


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
    return min(floor(axis.column(at)), axis.width - 1)


def room_of(axis: Axis, begin: datetime, end: datetime) -> range:
    """Give the cells of a stretch: at least one, none if it is out of the window."""
    if (end < axis.begin) or not (axis.shows(begin) or begin < axis.begin):
        return range(0)
    left, right = axis.column(begin), axis.column(end)
    first = min(floor(left + 0.5), axis.width - 1)
    last = floor(right + 0.5)
    if last <= first:
        first = min(floor(left), axis.width - 1)
        last = first + 1
    return range(first, last)


def _visit(
    cells: Cells, canvas: Canvas, visit: StateVisit, told: Notice | None
) -> None:
    axis = canvas.axis
    end = end_of(visit, canvas.now)
    room = room_of(axis, visit.entered_at, end)
    if not room:
        return
    _parts(cells, axis, room, segments(visit, canvas.now))
    if len(room) == 1 and _is_instant(visit):
        cells[room[0]] = (INSTANT, _by_status(visit.status))
    for attempt in visit.attempts[:-1]:
        at = attempt.ended_at
        if at is not None and axis.shows(at) and attempt.status != "succeeded":
            _end(cells, axis, room, at, attempt.status)
    if visit.ended_at is not None and axis.shows(end):
        _last(cells, axis, room, visit, told)


def _is_instant(visit: StateVisit) -> bool:
    return not visit.attempts and visit.type not in {"Task", "Wait", "Map", "Parallel"}


def _parts(cells: Cells, axis: Axis, room: range, parts: Sequence[Segment]) -> None:
    """Give each cell to the part that has most of it."""
    best = dict.fromkeys(room, -1.0)
    for part in parts:
        left, right = axis.column(part.begin), axis.column(part.end)
        first, last = max(room.start, floor(left)), min(room.stop, ceil(right))
        for cell in range(first, last):
            share = min(right, cell + 1) - max(left, cell)
            if share > best[cell]:
                best[cell] = share
                cells[cell] = (GLYPHS[part.part], _ink(part))
    for cell in room:
        if best[cell] < 0:
            cells[cell] = (GLYPHS[Part.WORKING], Ink.WAITING)


def _ink(part: Segment) -> Ink:
    if part.part is Part.AROUND:
        return Ink.RUNNING if part.open else Ink.AROUND
    return _INKS.get(part.part) or _by_status(part.status)


def _by_status(status: str) -> Ink:
    return _BY_STATUS.get(status, Ink.WORKING)


def _end(cells: Cells, axis: Axis, room: range, at: datetime, status: str) -> None:
    """Mark how a try, or the whole, ended, in the last cell of it."""
    cell = min(max(ceil(axis.column(at)) - 1, room.start), room.stop - 1)
    cells[cell] = STATUS_GLYPHS.get(status, STATUS_GLYPHS["unknown"])


def _last(
    cells: Cells, axis: Axis, room: range, visit: StateVisit, told: Notice | None
) -> None:
    good = visit.status == "succeeded"
    if told is not None and good:
        glyph = NOTICED_SURELY if told.certain else NOTICED
        cells[room[-1]] = (glyph, Ink.NOTICING)
    elif not good or (len(room) >= _ROOM_FOR_END and visit.attempts):
        _end(cells, axis, room, end_of(visit, axis.end), visit.status)


def _around(cells: Cells, canvas: Canvas, node: Node) -> None:
    """Draw a line as long as what is inside, with ends unless it goes on."""
    axis, (begin, end) = canvas.axis, bounds(node, canvas.now)
    room = room_of(axis, begin, end)
    status = status_of(node)
    ink = {"succeeded": Ink.AROUND, "caught": Ink.AROUND}.get(
        status, _by_status(status)
    )
    for cell in room:
        cells[cell] = ("━", ink)
    if not room:
        return
    if len(room) > 1 and axis.shows(begin):
        cells[room[0]] = ("┝", ink)
    if len(room) > 1 and axis.shows(end) and status != "running":
        cells[room[-1]] = ("┥", ink)


def _profile(cells: Cells, canvas: Canvas, node: Node) -> None:
    """Draw how many branches or iterations were under way, the most being full."""
    axis, now = canvas.axis, canvas.now
    steps = [0] * (axis.width + 1)
    bad: set[int] = set()
    for child in node.children:
        begin, end = bounds(child, now)
        room = room_of(axis, begin, end)
        if room:
            steps[room.start] += 1
            steps[room.stop] -= 1
        if room and status_of(child) in {"failed", "timed_out"} and axis.shows(end):
            bad.add(room[-1])
    _around(cells, canvas, node)
    most, count = _most(steps), 0
    ink = Ink.RUNNING if status_of(node) == "running" else Ink.WORKING
    for cell in range(axis.width):
        count += steps[cell]
        if count:
            height = _HEIGHTS[ceil(count / most * len(_HEIGHTS)) - 1]
            cells[cell] = (height, Ink.FAILED if cell in bad else ink)


def _most(steps: Iterable[int]) -> int:
    most = count = 0
    for step in steps:
        count += step
        most = max(most, count)
    return most


def _edges(cells: Cells, canvas: Canvas, limits: tuple[datetime, datetime]) -> None:
    """Point to where a bar is that the window does not show."""
    if limits[1] < canvas.axis.begin:
        cells[0] = ("‹", Tone.DIM)
    elif limits[0] > canvas.axis.end:
        cells[-1] = ("›", Tone.DIM)


# -- ticks -----------------------------------------------------------------------


def tick_row(calls: Iterable[Tick], canvas: Canvas, chosen: str | None) -> Cells:
    """Draw the calls below a bar; of those in one cell the most telling."""
    cells = ground(canvas)
    shown = [call for call in calls if canvas.axis.shows(call.at)]
    for call in sorted(shown, key=_rank):
        cells[tick_column(canvas.axis, call)] = _tick(call)
    cells = finish(cells, canvas)
    for call in shown:
        if call.key == chosen:
            cells[tick_column(canvas.axis, call)] = (_tick(call)[0], Ink.CHOSEN)
    return cells


def tick_column(axis: Axis, call: Tick) -> int:
    return min(floor(axis.column(call.at)), axis.width - 1)


_RANKS = (CallRole.OTHER, CallRole.POLL, CallRole.STOP, CallRole.ACTION)
_TICKS = {CallRole.ACTION: ACTION, CallRole.POLL: POLL, CallRole.STOP: STOP}


def _rank(call: Tick) -> int:
    return len(_RANKS) if call.failed else _RANKS.index(call.role)


def _tick(call: Tick) -> Stroke:
    if call.failed:
        return FAILED, Tone.BAD
    glyph = _TICKS.get(call.role, OTHER)
    if not call.exact:
        return glyph, Tone.GUESS
    return glyph, Tone.PLAIN if call.role is CallRole.POLL else Tone.ACTION


def strokes(cells: Cells) -> Iterator[Stroke]:
    """Join neighbours of one ink."""
    for ink, run in groupby(cells, lambda cell: cell[1]):
        yield "".join(glyph for glyph, _ in run), ink


def tick_near(calls: Iterable[Tick], axis: Axis, column: int) -> Tick | None:
    """Find the call drawn at a column, or right beside it."""
    near = [
        (abs(tick_column(axis, call) - column), -_rank(call), number, call)
        for number, call in enumerate(calls)
        if axis.shows(call.at)
    ]
    best = min(near, key=lambda found: found[:3], default=None)
    return best[3] if best is not None and best[0] <= 1 else None
