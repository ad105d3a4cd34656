"""Lines → pieces of exactly the width there is: two lanes or more, or only one."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby

from sfnwatch.trace.lanes import Kind, Row
from sfnwatch.trace.links import Rule
from sfnwatch.trace.shape import Fold, Sort
from sfnwatch.trace.words import STATUS_GLYPHS, Piece, Tone, rule_tone
from sfnwatch.tui.cells import cells, cut, pad
from sfnwatch.tui.lane_calls import Part, fit, need, right_parts, state_name
from sfnwatch.tui.lane_frame import MARGIN, Frame, when
from sfnwatch.tui.lane_line import Line
from sfnwatch.tui.lane_words import contents, fold_pieces, gap_words, state_pieces

_HEAVY = frozenset("┃┏┣")
LEADER = "┄"
_LONG = "appeared "
"""What a badge can do without."""


def draw(
    line: Line, frame: Frame, *, selected: bool = False, badge: str = ""
) -> tuple[Piece, ...]:
    """Draw a line; a `badge` stands at its end, but not in the place of its proof."""
    margin: Piece = ("▌" if selected else " ", Tone.ACTION)
    parts = right_parts(line, frame)
    end = _badge(line, frame, parts, badge)
    draws = _folded if frame.share.folded else _lanes
    body = (margin, *_label(line, frame), *draws(line, frame, parts, cells(end)))
    return (*pad(body, frame.width - cells(end)), *end)


def _label(line: Line, frame: Frame) -> Iterator[Piece]:
    """Say which execution a line is of, where several share a lane."""
    if frame.share.label:
        words = frame.labels.get(line.execution_arn or "", "")
        yield from pad(((words, Tone.STRONG),), frame.share.label - 2)
        yield ("  ", Tone.PLAIN)


def _badge(
    line: Line, frame: Frame, parts: Sequence[Part], badge: str
) -> tuple[Piece, ...]:
    """Choose the longest badge that there is room for beside the proof."""
    spare = _room(line, frame, parts) - need(parts) if line.right else frame.width
    return draw_badge(badge, min(spare, frame.width - MARGIN))


def draw_badge(badge: str, room: int) -> tuple[Piece, ...]:
    """Draw a badge, if need be in fewer words; nothing where there is no room."""
    for words in (badge, badge.removeprefix(_LONG)):
        end: Piece = (f" {words} ", Tone.WARN)
        if badge and cells((end,)) <= room:
            return (end,)
    return ()


def _room(line: Line, frame: Frame, parts: Sequence[Part]) -> int:
    """Count the cells there are for what a line says of calls."""
    if frame.share.folded:
        return frame.share.left - cells(_before_call(line))
    return frame.share.right - _far(line, frame, parts)


def _far(line: Line, frame: Frame, parts: Sequence[Part]) -> int:
    """Begin a call in its own lane, or so far left of it that it can be said."""
    room = frame.share.right - need(parts)
    return max(0, min(frame.offset(line.service), room))


# -- lanes beside each other -------------------------------------------------------


def _lanes(
    line: Line, frame: Frame, parts: Sequence[Part], taken: int
) -> Iterator[Piece]:
    if isinstance(line.left, str) and line.left and not line.right:
        # Our own words may run on over the lanes, which are empty here.
        yield from cut(state_words(line, frame), frame.width - MARGIN)
        return
    if is_seam(line):
        yield from _seam(line, frame, taken)
        return
    far = _far(line, frame, parts)
    yield from _left(line, frame)
    yield from _time(line, frame)
    if isinstance(line.left, Fold) and line.left.sort is Sort.WATERMARK:
        yield from _watermark(line, line.left, frame)
        return
    yield gutter_piece(line, far)
    yield from fit(parts, frame.share.right - far - taken)


def _left(line: Line, frame: Frame) -> tuple[Piece, ...]:
    """Draw the state's part, and the beginning of its arrow."""
    width = frame.share.left
    state = frame.look.masked(state_words(line, frame))
    text = cut((*rails_pieces(line), *state), width)
    stroke = line.gutter[1]
    room = width + 1 - cells(text)
    if stroke not in "─┄" or room < 3:  # noqa: PLR2004 - a blank on either side
        return pad(text, width + 1)
    return (*text, (f" {stroke * (room - 2)} ", gutter_tone(line)))


def gutter_piece(line: Line, far: int = 0) -> Piece:
    """Draw what lies between the time and the place where the call stands."""
    gutter = line.gutter
    mark, tone = _tie_mark(line)
    if gutter[3] in "▶▷":
        stroke = "─" if gutter[3] == "▶" else "┄"
        return (gutter[:3] + stroke * far + gutter[3:], gutter_tone(line))
    if gutter[1] in "◀◁":
        return (gutter[:4] + gutter[3] * far + gutter[4:], gutter_tone(line))
    if mark:
        return (gutter[:3] + " " * far + mark + gutter[4:], tone)
    return (gutter + " " * far, gutter_tone(line))


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
        yield (f" {LEADER * 3} ", Tone.WARN)
    else:
        yield (f" {LEADER}", Tone.WARN)
        yield (past, gutter_tone(line))
        yield (f"{LEADER} ", Tone.WARN)
    yield from leaders(f"{complete_words(mark.at, frame)} ", frame.share.right)


# -- where an execution was taken up again -----------------------------------------

SEAM = "━"
"""Drawn across all lanes between an end and what a redrive runs again."""


def is_seam(line: Line) -> bool:
    return isinstance(line.left, Row) and line.left.redrive is not None


def _seam(line: Line, frame: Frame, taken: int) -> Iterator[Piece]:
    """Say that it was redriven in one lane, and how late in the other."""
    name, *more = state_words(line, frame)
    left = cut((*rails_pieces(line), name), frame.share.left)
    yield from drawn_out(left, frame.share.left + 1)
    yield from _time(line, frame)
    words = "".join(text for text, _ in more).removeprefix(", ")
    late: Piece = (f" {words}" if words else "", Tone.DIM)
    yield (f" {SEAM * 3}", Tone.ACTION)
    room = frame.share.right - taken + 1
    yield from drawn_out(cut((late,), room), room)


def drawn_out(pieces: Sequence[Piece], width: int) -> Iterator[Piece]:
    """Draw the seam on behind words, with a blank on either side of it."""
    yield from pieces
    room = width - cells(pieces)
    yield (f" {SEAM * (room - 2)} " if room > 2 else " " * room, Tone.ACTION)  # noqa: PLR2004


def leaders(text: str, width: int) -> Iterator[Piece]:
    """Fill up with dots: what is written on a line across the lanes."""
    yield from cut(((text, Tone.WARN),), width)
    yield (LEADER * (width - cells(((text, Tone.WARN),))), Tone.WARN)


def complete_words(at: datetime, frame: Frame) -> str:
    """Say up to when the calls are believed to be all there."""
    return f"CloudTrail complete to {when(at, frame)}"


# -- rails and states --------------------------------------------------------------


def rails_pieces(line: Line, *, tight: bool = False) -> Iterator[Piece]:
    """Draw the rails of a line; what is inside a state stands further in."""
    rails, cell = line.rails, line.left
    yield from _by_weight(rails.before)
    if rails.own:
        yield (rails.own, _rail_tone(rails.own, cell))
        yield from _by_weight(f" {rails.after}")
    inside = isinstance(cell, Row) and cell.kind not in _FLUSH and not line.head
    inside = inside and rails.own not in _ENDS and not tight
    if inside or (isinstance(cell, Fold) and cell.sort is Sort.BACKOFF):
        yield (" ", Tone.DIM)


_ENDS = frozenset("└╶")
"""Rails whose state ends here: what ends it stands where `exited` would."""
_FLUSH = {
    Kind.EXECUTION,
    Kind.ENTERED,
    Kind.PASSED,
    Kind.EXITED,
    Kind.CHILD,
    Kind.MAP_RUN,
}
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


def state_words(line: Line, frame: Frame) -> Iterator[Piece]:
    cell = line.left
    if isinstance(cell, str):
        yield (cell, Tone.DIM)
        return
    if isinstance(cell, Fold):
        if cell.sort is Sort.DATE:
            yield (f"── {frame.look.local(cell.at):%Y-%m-%d} ──", Tone.DIM)
        yield from fold_pieces(cell)
        if cell.sort is Sort.IDLE and not frame.share.time:
            yield (_gap(cell), Tone.DIM)
        return
    if line.state:
        yield (_indexed(cell), Tone.DIM)
        yield from state_name(line, frame)
        yield ("  ", Tone.DIM)
    elif cell.kind in {Kind.ENTERED, Kind.PASSED} and not line.after_head:
        yield (_indexed(cell), Tone.DIM)
    yield from state_pieces(line)


def _indexed(row: Row) -> str:
    """Tell iterations of a Map, and branches of a Parallel, apart."""
    index = row.visit.index if row.visit is not None else None
    return "" if index is None else f"[{index}] "


def gutter_tone(line: Line) -> Tone:
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
        words = when(cell.at, frame, calls=cell.call is not None)
    return pad(((words[:width], Tone.DIM),), width)


def _fold_time(fold: Fold, frame: Frame) -> str:
    if fold.sort is Sort.IDLE:
        return _gap(fold)
    timed = fold.folds and fold.sort is not Sort.POLLS and not fold.open
    return when(fold.at, frame, calls=False) if timed else ""


def _gap(fold: Fold) -> str:
    return f"⋮ {gap_words(fold.seconds or 0)}"


# -- one lane ----------------------------------------------------------------------


def _folded(
    line: Line, frame: Frame, parts: Sequence[Part], taken: int
) -> Iterator[Piece]:
    room = frame.share.left - taken
    if frame.share.time:
        yield from _time(line, frame)
        yield ("  ", Tone.PLAIN)
    if line.left:
        yield from cut(_of_state(line, frame, room), room)
        return
    before = _before_call(line)
    yield from cut(before, room)
    yield from fit(parts, room - cells(before))


def _of_state(line: Line, frame: Frame, room: int) -> Iterator[Piece]:
    cell = line.left
    yield from rails_pieces(line)
    if isinstance(cell, Fold) and cell.sort is Sort.WATERMARK:
        words = f"{LEADER * 2} {complete_words(cell.at, frame)} "
        yield from leaders(words, frame.share.left - cells(rails_pieces(line)))
        return
    if is_seam(line):
        left = room - cells(rails_pieces(line))
        yield from drawn_out(cut(state_words(line, frame), left), left)
        return
    yield from frame.look.masked(state_words(line, frame))
    beside = tuple(frame.look.masked(contents(line)))
    if beside and not (isinstance(cell, Fold) and not cell.rows):
        yield ("  ", Tone.DIM)
        yield from beside


def _before_call(line: Line) -> tuple[Piece, ...]:
    row = line.right
    mark, tone = _tie_mark(line)
    tied = isinstance(row, Row) and row.link is not None
    glyph = mark or ("→" if tied else "·")
    # What ECS told of a task has a sign of its own.
    bare = isinstance(row, Fold) or (isinstance(row, Row) and row.task is not None)
    lead = "    " if bare else f"  {glyph} "
    return (*rails_pieces(line), (lead, tone))
