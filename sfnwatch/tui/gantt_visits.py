"""The bar of a state: its tries, what came between them, and how each ended.

Where there are more tries than cells to draw them true to scale, each keeps a cell
before time does: that a state was tried again matters more than when.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from math import ceil, floor

from msgspec import Struct

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.notice import Notice
from sfnwatch.trace.spans import (
    Key,
    Part,
    Segment,
    end_of,
    is_to_be_tried_again,
    segments,
)
from sfnwatch.trace.values import replace
from sfnwatch.trace.visits import StateVisit
from sfnwatch.trace.words import STATUS_GLYPHS
from sfnwatch.tui.gantt_axis import Axis
from sfnwatch.tui.gantt_canvas import (
    GLYPHS,
    INSTANT,
    NOTICED,
    NOTICED_SURELY,
    Canvas,
    Cells,
    Ink,
    Stroke,
    room_of,
)

_INKS = {
    Part.WAITING: Ink.WAITING,
    Part.BACKING_OFF: Ink.BACKING_OFF,
    Part.NOTICING: Ink.NOTICING,
    Part.AROUND: Ink.AROUND,
    Part.STOPPED: Ink.CUT,
}
_BY_STATUS = {
    "running": Ink.RUNNING,
    "failed": Ink.FAILED,
    "timed_out": Ink.FAILED,
    "aborted": Ink.ABORTED,
}
_ROOM_FOR_END = 3
"""A bar of fewer cells has none to spare for how it ended, unless it ended badly."""
_ROOM_FOR_GOOD = {False: _ROOM_FOR_END, True: _ROOM_FOR_END - 1}
"""So too for a first try; a later one has not got its whole bar's room to itself."""


def ink_of(status: str) -> Ink:
    return _BY_STATUS.get(status, Ink.WORKING)


class _Block(Struct, frozen=True):
    """A try, or the time until the next one."""

    begin: datetime
    end: datetime
    attempt: Attempt | None = None
    waits: bool = False
    """True for the time between two tries."""
    again: bool = False
    """True for every try but the first."""
    status: str = ""
    over: datetime | None = None
    """When that was how it, or with it the state, ended."""


def draw_visit(
    cells: Cells,
    canvas: Canvas,
    visit: StateVisit,
    notices: Mapping[Key, Notice],
    execution_arn: str,
) -> None:
    """Draw a state that has nothing inside."""
    axis, end = canvas.axis, end_of(visit, canvas.now)
    room = room_of(axis, visit.entered_at, end)
    if not room:
        return
    parts, blocks = segments(visit, canvas.now), tuple(_blocks(visit, end))
    seen = [block for block in blocks if room_of(axis, block.begin, block.end)]
    for block, place in zip(seen, _places(axis, seen, visit, room), strict=True):
        _fill(cells, axis, place, [part for part in parts if _overlap(part, block)])
        if place and block.over is not None and axis.shows(block.over):
            key = execution_arn, block.attempt.scheduled_id if block.attempt else 0
            _mark(cells, place, block, notices.get(key))
    if len(room) == 1 and _is_instant(visit):
        cells[room[0]] = (INSTANT, ink_of(visit.status))


def _is_instant(visit: StateVisit) -> bool:
    return not visit.attempts and visit.type not in {"Task", "Wait", "Map", "Parallel"}


# -- which cells -----------------------------------------------------------------


def _blocks(visit: StateVisit, end: datetime) -> Iterator[_Block]:
    """Divide a visit into tries and the times between; the last one ends as it did."""
    found = list(_tries(visit, end)) or [_Block(visit.entered_at, end)]
    begin = found[-1].end
    if is_to_be_tried_again(visit) and end > begin:
        found.append(_Block(begin, end, waits=True))
    yield from found[:-1]
    yield replace(found[-1], end=end, status=visit.status, over=visit.ended_at)


def _tries(visit: StateVisit, end: datetime) -> Iterator[_Block]:
    begin = visit.entered_at
    for attempt in visit.attempts:
        again = attempt is not visit.attempts[0]
        begun = min(max(attempt.scheduled_at, begin), end)
        if again and begun > begin:
            yield _Block(begin, begun, waits=True)
            begin = begun
        until = min(max(attempt.ended_at or end, begin), end)
        over, status = attempt.ended_at, attempt.status
        yield _Block(begin, until, attempt, again=again, status=status, over=over)
        begin = until


def _places(
    axis: Axis, blocks: Sequence[_Block], visit: StateVisit, room: range
) -> Iterator[range]:
    """Share out the cells; where time is too short for a block it keeps its least."""
    leasts = _leasts(blocks, visit, len(room))
    left, at = sum(leasts), room.start
    for block, least in zip(blocks, leasts, strict=True):
        left -= least
        end = room.stop if block is blocks[-1] else floor(axis.column(block.end) + 0.5)
        stop = max(at, min(max(end, at + least), room.stop - left))
        yield range(at, stop)
        at = stop


def _leasts(blocks: Sequence[_Block], visit: StateVisit, room: int) -> list[int]:
    """Say how many cells each block keeps; first its own, then one for its end."""
    if len(blocks) == 1:
        return [room]
    leasts = [0] * len(blocks)
    good = visit.status in {"succeeded", "running"}
    tries = [n for n, block in enumerate(blocks) if not block.waits]
    between = [n for n, block in enumerate(blocks) if block.waits]
    ends = tries if not good else tries[:-1]
    for place in (*reversed(tries), *between, *ends, *tries[len(ends) :]):
        if sum(leasts) < room:
            leasts[place] += 1
    return leasts


def _overlap(part: Segment, block: _Block) -> bool:
    return part.begin < block.end and part.end > block.begin


# -- what is in them -------------------------------------------------------------


def _fill(cells: Cells, axis: Axis, place: range, parts: Sequence[Segment]) -> None:
    """Give each cell to the part that has most of it, few cells to the longest."""
    longest = max(parts, key=lambda part: part.seconds, default=None)
    for cell in place:
        cells[cell] = _stroke(longest) if longest else _UNKNOWN
    if len(place) < _ROOM_FOR_END:
        return
    best = dict.fromkeys(place, 0.0)
    for part in parts:
        left, right = axis.column(part.begin), axis.column(part.end)
        first, last = max(place.start, floor(left)), min(place.stop, ceil(right))
        for cell in range(first, last):
            share = min(right, cell + 1) - max(left, cell)
            if share > best[cell]:
                best[cell] = share
                cells[cell] = _stroke(part)
    # A cell that was hardly touched says what the one beside it does.
    for rim, beside in ((place[0], place[1]), (place[-1], place[-2])):
        if best[rim] < _HALF:
            cells[rim] = cells[beside]


_HALF = 0.5
_UNKNOWN: Stroke = (GLYPHS[Part.WORKING], Ink.WAITING)
"""What took no time."""


def _stroke(part: Segment) -> Stroke:
    return GLYPHS[part.part], _ink(part)


def _ink(part: Segment) -> Ink:
    if part.part is Part.AROUND:
        return Ink.RUNNING if part.open else Ink.AROUND
    return _INKS.get(part.part) or ink_of(part.status)


def _mark(cells: Cells, place: range, block: _Block, told: Notice | None) -> None:
    """Mark in the last cell how it ended, and before that if it was noticed late."""
    if block.status != "succeeded":
        ended = STATUS_GLYPHS.get(block.status, STATUS_GLYPHS["unknown"])
        cells[place[-1]] = ended
        if told is not None and len(place) >= _ROOM_FOR_END:
            cells[place[-2]] = noticed(told)
    elif told is not None:
        cells[place[-1]] = noticed(told)
    elif block.attempt is not None and len(place) >= _ROOM_FOR_GOOD[block.again]:
        cells[place[-1]] = STATUS_GLYPHS["succeeded"]


def noticed(told: Notice) -> Stroke:
    return (NOTICED_SURELY if told.certain else NOTICED), Ink.NOTICING
