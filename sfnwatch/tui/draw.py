"""Lines → pieces of exactly the width there is: two lanes or more, or only one."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby

from sfnwatch.trace.lanes import Kind, Row
from sfnwatch.trace.links import Rule
from sfnwatch.trace.shape import Fold, Sort
from sfnwatch.trace.text import clean
from sfnwatch.trace.words import STATUS_GLYPHS, Piece, Tone, row_pieces, rule_tone
from sfnwatch.tui.cells import cells, cut, pad
from sfnwatch.tui.lane_frame import MARGIN, Frame, clock_words, service_name
from sfnwatch.tui.lane_line import GUTTER, Line
from sfnwatch.tui.lane_words import fold_contents, fold_pieces, gap_words, state_pieces

_HEAVY = frozenset("┃┏┣")
_NAME = 18
"""A state's name takes no more cells where it only says whose row this is."""
_LEADER = "┄"


def draw(
    line: Line, frame: Frame, *, selected: bool = False, badge: str = ""
) -> tuple[Piece, ...]:
    """Draw a line; a `badge` stands at its end, whatever has to be cut for it."""
    margin: Piece = ("▌" if selected else " ", Tone.ACTION)
    parts = _folded if frame.share.folded else _lanes
    body = (margin, *parts(line, frame))
    if not badge:
        return pad(body, frame.width)
    end = cut(((f" {badge} ", Tone.WARN),), frame.width - MARGIN)
    return (*pad(body, frame.width - cells(end)), *end)


# -- lanes beside each other -------------------------------------------------------


def _lanes(line: Line, frame: Frame) -> Iterator[Piece]:
    yield from _left(line, frame)
    yield from _time(line, frame)
    if isinstance(line.left, Fold) and line.left.sort is Sort.WATERMARK:
        yield from _watermark(line, line.left, frame)
        return
    yield _gutter(line, frame)
    yield from cut(frame.look.masked(_right(line, frame)), frame.room(line.service))


def _left(line: Line, frame: Frame) -> tuple[Piece, ...]:
    """Draw the state's part, and the beginning of its arrow."""
    width = frame.share.left
    state = frame.look.masked(_state(line, frame))
    text = cut((*_rails(line), *state), width)
    stroke = line.gutter[1]
    room = width + 1 - cells(text)
    if stroke not in "─┄" or room < 3:  # noqa: PLR2004 - a blank on either side
        return pad(text, width + 1)
    return (*text, (f" {stroke * (room - 2)} ", _gutter_tone(line)))


def _gutter(line: Line, frame: Frame) -> Piece:
    """Draw what lies between the time and the lane that the call stands in."""
    gutter, far = line.gutter, frame.offset(line.service)
    mark, tone = _tie_mark(line)
    if gutter[3] in "▶▷":
        stroke = "─" if gutter[3] == "▶" else "┄"
        return (gutter[:3] + stroke * far + gutter[3:], _gutter_tone(line))
    if gutter[1] in "◀◁":
        return (gutter[:4] + gutter[3] * far + gutter[4:], _gutter_tone(line))
    if mark:
        return (gutter[:3] + " " * far + mark + gutter[4:], tone)
    return (gutter + " " * far, _gutter_tone(line))


def _tie_mark(line: Line) -> tuple[str, Tone]:
    """Mark a call without an arrow, so that why is seen without colour, too."""
    row = line.right
    if not isinstance(row, Row) or row.link is None:
        return "", Tone.DIM
    marks = {Rule.AMBIGUOUS: "?", Rule.ROLE_ONLY: "·"}
    return marks.get(row.link.rule, ""), rule_tone(row.link)


def _watermark(line: Line, mark: Fold, frame: Frame) -> Iterator[Piece]:
    past = line.gutter[2]
    if past == " ":
        yield (f" {_LEADER * 3} ", Tone.WARN)
    else:
        yield (f" {_LEADER}", Tone.WARN)
        yield (past, _gutter_tone(line))
        yield (f"{_LEADER} ", Tone.WARN)
    yield from _leaders(f"{_complete(mark, frame)} ", frame.share.right)


def _leaders(text: str, width: int) -> Iterator[Piece]:
    """Fill up with dots: what is written on a line across the lanes."""
    yield from cut(((text, Tone.WARN),), width)
    yield (_LEADER * (width - cells(((text, Tone.WARN),))), Tone.WARN)


def _complete(mark: Fold, frame: Frame) -> str:
    return f"CloudTrail complete to {frame.look.local(mark.at):%H:%M:%S}"


# -- rails and states --------------------------------------------------------------


def _rails(line: Line) -> Iterator[Piece]:
    rails, cell = line.rails, line.left
    yield from _by_weight(rails.before)
    if rails.own:
        yield (rails.own, _rail_tone(rails.own, cell))
        yield from _by_weight(f" {rails.after}")
    inside = isinstance(cell, Row) and cell.kind not in _FLUSH and not line.head
    if inside or (isinstance(cell, Fold) and cell.sort is Sort.BACKOFF):
        yield (" ", Tone.DIM)


_FLUSH = {Kind.EXECUTION, Kind.ENTERED, Kind.PASSED, Kind.EXITED}
"""Rows that stand at their rail; what happens inside a state stands further in."""


def _by_weight(rails: str) -> Iterator[Piece]:
    """Tell the rails of states that still run from the others."""
    for heavy, run in groupby(rails, lambda glyph: glyph in _HEAVY):
        yield ("".join(run), Tone.BUSY if heavy else Tone.DIM)


def _rail_tone(glyph: str, cell: Row | Fold | str) -> Tone:
    """Colour where a state ends, or is still running; not the way between."""
    if glyph in "▾▸":
        return Tone.ACTION
    if isinstance(cell, str) or cell.visit is None or glyph in "┌│├":
        return Tone.DIM
    status = cell.visit.status
    return Tone.DIM if status == "succeeded" else STATUS_GLYPHS[status][1]


def _state(line: Line, frame: Frame) -> Iterator[Piece]:
    cell = line.left
    if isinstance(cell, str):
        yield (cell, Tone.DIM)
        return
    if isinstance(cell, Fold):
        yield from fold_pieces(cell)
        if cell.sort is Sort.IDLE and not frame.share.time:
            yield (_gap(cell), Tone.DIM)
        return
    if line.state:
        yield (_indexed(cell), Tone.DIM)
        yield from _name(line, frame)
        yield ("  ", Tone.DIM)
    elif cell.kind in {Kind.ENTERED, Kind.PASSED} and not line.after_head:
        yield (_indexed(cell), Tone.DIM)
    yield from state_pieces(line)
    if cell.kind is Kind.EXECUTION and line.rails.own:
        yield (f"  {clean((cell.execution_arn or '').rsplit(':', 1)[-1])}", Tone.STRONG)


def _indexed(row: Row) -> str:
    """Tell iterations of a Map, and branches of a Parallel, apart."""
    index = row.visit.index if row.visit is not None else None
    return "" if index is None else f"[{index}] "


def _name(line: Line, frame: Frame) -> tuple[Piece, ...]:
    name = frame.look.mask(clean(line.state, 2 * _NAME))
    return cut(((name, Tone.DIM),), _NAME)


# -- calls -------------------------------------------------------------------------


def _right(line: Line, frame: Frame) -> Iterator[Piece]:
    cell = line.right
    if isinstance(cell, str):
        if not cell and isinstance(line.left, Fold):
            yield from fold_contents(line.left)
        # Who noticed the end is a finding, the other words of ours are hints.
        yield (cell, Tone.PLAIN if line.gutter != GUTTER else Tone.DIM)
        return
    if isinstance(cell, Fold):
        yield from fold_pieces(cell)
    else:
        if cell.call is not None and cell.call.event_source in frame.named:
            yield (f"{service_name(cell.call.event_source)} ", Tone.DIM)
        yield from row_pieces(cell)
    if isinstance(line.left, Row) and isinstance(cell, Row):
        yield from _own_second(cell, line.left, frame)
    elif line.state:
        yield ("  ", Tone.DIM)
        yield from _name(line, frame)


def _own_second(call: Row, phase: Row, frame: Frame) -> Iterator[Piece]:
    """Say when a call was, where the time on the line is its answer's."""
    if call.at != phase.at.replace(microsecond=0):
        at = clock_words(frame.look.local(call.at), calls=True)
        yield (f"  at {at}", Tone.DIM)


def _gutter_tone(line: Line) -> Tone:
    glyphs = set(line.gutter)
    if glyphs & set("┄┆▷◁"):
        return Tone.GUESS
    return Tone.EXACT


def _time(line: Line, frame: Frame) -> tuple[Piece, ...]:
    cell, width = line.first, frame.share.time
    if cell is None or width == 0:
        return pad((), width)
    if isinstance(cell, Fold):
        words = _fold_time(cell, frame)
    else:
        words = _clock(cell.at, frame, calls=cell.call is not None)
    return pad(((words[:width], Tone.DIM),), width)


def _fold_time(fold: Fold, frame: Frame) -> str:
    if fold.sort is Sort.IDLE:
        return _gap(fold)
    timed = fold.sort in {Sort.VISIT, Sort.BRANCH} and not fold.open
    return _clock(fold.at, frame, calls=False) if timed else ""


def _gap(fold: Fold) -> str:
    return f"⋮ {gap_words(fold.seconds or 0)}"


def _clock(at: datetime, frame: Frame, *, calls: bool) -> str:
    return clock_words(frame.look.local(at), calls=calls)


# -- one lane ----------------------------------------------------------------------


def _folded(line: Line, frame: Frame) -> Iterator[Piece]:
    if frame.share.time:
        yield from _time(line, frame)
        yield ("  ", Tone.PLAIN)
    if isinstance(line.left, Fold) and line.left.sort is Sort.WATERMARK:
        rails = tuple(_rails(line))
        words = f"{_LEADER * 2} {_complete(line.left, frame)} "
        text = (*rails, *_leaders(words, frame.share.left - cells(rails)))
        yield from cut(text, frame.share.left)
        return
    yield from cut(frame.look.masked(_one(line, frame)), frame.share.left)


def _one(line: Line, frame: Frame) -> Iterator[Piece]:
    yield from _rails(line)
    if line.left:
        yield from _state(line, frame)
        if isinstance(line.left, Fold) and line.left.rows:
            yield ("  ", Tone.DIM)
            yield from fold_contents(line.left)
        return
    row = line.right
    mark, tone = _tie_mark(line)
    tied = isinstance(row, Row) and row.link is not None
    glyph = mark or ("→" if tied else "·")
    yield ("    " if isinstance(row, Fold) else f"  {glyph} ", tone)
    yield from _right(line, frame)
