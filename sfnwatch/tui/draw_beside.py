"""Lines of executions beside each other → pieces: the time, then a column for each.

A column's own pieces come apart from the others', so that what is selected, new or
found stands out in its column only.
"""

from collections.abc import Iterable, Iterator, Mapping

from sfnwatch.trace.lanes import Row
from sfnwatch.trace.links import Rule
from sfnwatch.trace.shape import Fold, Sort
from sfnwatch.trace.values import replace
from sfnwatch.trace.words import Piece, Tone
from sfnwatch.tui.cells import cells, cut, pad
from sfnwatch.tui.draw import LEADER, complete_words, rails_pieces
from sfnwatch.tui.draw_cell import draw_cell
from sfnwatch.tui.lane_calls import Part, Rank, fit, right_parts
from sfnwatch.tui.lane_frame import BEFORE, Frame, clock_words, when
from sfnwatch.tui.lane_line import Line
from sfnwatch.tui.lane_words import gap_words

WALL = "│"
"""Between two executions."""
Pieces = tuple[Piece, ...]


def draw_time(line: Line, frame: Frame, *, selected: bool = False) -> Pieces:
    """Draw what stands before the columns: the second, or how long nothing was."""
    own = line.left
    words, tone = "", Tone.DIM
    if isinstance(own, Fold) and own.sort is Sort.IDLE:
        words = f"⋮ {gap_words(own.seconds or 0)}"
    elif line.moment is not None:
        words = when(line.moment, frame)
    bar: Piece = ("▌" if selected else " ", Tone.ACTION)
    fill = LEADER if _is_mark(line) else " "
    if fill != " ":
        return (bar, (fill * (BEFORE - 1), Tone.WARN))
    return (bar, *pad(((words, tone),), BEFORE - 1))


def draw_cells(
    line: Line, frame: Frame, *, selected: int | None, badges: Mapping[int, str]
) -> Iterator[Pieces]:
    """Draw each column that is in view, its wall before it."""
    for column, own in enumerate(frame.cells, start=frame.first):
        first, cell = column == frame.first, line.cells[column]
        wall: Piece = (" " if first else WALL, Tone.DIM)
        if _is_mark(line):
            yield tuple(_mark(line, cell, own, first=first))
            continue
        chosen = column == selected
        drawn = draw_cell(cell, own, selected=chosen, badge=badges.get(column, ""))
        if isinstance(line.left, Fold) and line.left.sort is Sort.DATE and first:
            date = f"── {frame.look.local(line.left.at):%Y-%m-%d} ──"
            drawn = pad(((f" {date}", Tone.DIM),), own.width)
        yield (wall, *drawn)


def draw_walls(frame: Frame) -> Pieces:
    """Draw a line below the last: the columns go on to the foot of the screen."""
    walls = (
        (f"{WALL if column else ' '}{' ' * own.width}", Tone.DIM)
        for column, own in enumerate(frame.cells)
    )
    return ((" " * BEFORE, Tone.PLAIN), *walls)


def _is_mark(line: Line) -> bool:
    return isinstance(line.left, Fold) and line.left.sort is Sort.WATERMARK


def _mark(line: Line, cell: Line, frame: Frame, *, first: bool) -> Iterator[Piece]:
    """Draw the watermark across all columns, past the rails that run on."""
    rails = cut(rails_pieces(cell), frame.width)
    yield (LEADER * 2, Tone.WARN)
    yield from rails
    at = line.left.at if isinstance(line.left, Fold) else None
    words = f" {complete_words(at, frame)} " if first and at else ""
    room = frame.width - 1 - cells(rails)
    said = cut(((words, Tone.WARN),), room)
    yield from said
    yield (LEADER * (room - cells(said)), Tone.WARN)


def draw_shared(line: Line, frame: Frame) -> Pieces:
    """Draw a call that is of no one execution, across all columns.

    What runs on in them is seen before and behind its words.
    """
    row = line.right
    width = frame.width - BEFORE
    if not isinstance(row, Row):
        return pad(((f" {line.left}", Tone.DIM),) if line.left else (), width)
    below = _through(line, frame)
    first = cells(rails_pieces(line.cells[frame.first])) if line.cells else 0
    unfold = Frame(width, frame.share, named=frame.named, look=frame.look)
    parts = (*right_parts(Line(right=row), unfold), *_whose(row, frame))
    glyph = "?" if row.link is not None and row.link.rule is Rule.AMBIGUOUS else "·"
    lead: Pieces = ((f" {glyph} ", Tone.GUESS if glyph == "?" else Tone.DIM),)
    said = (*lead, *fit(parts, width - first - 1 - cells(lead)), (" ", Tone.DIM))
    begin = first + 1
    return pad(
        (*_slice(below, 0, begin), *said, *_slice(below, begin + cells(said), width)),
        width,
    )


def _through(line: Line, frame: Frame) -> Pieces:
    """Draw what runs on in the columns: rails, connectors, and the walls between."""
    drawn = draw_cells(replace(line, right=""), frame, selected=None, badges={})
    return tuple(piece for column in drawn for piece in column)


def _slice(pieces: Iterable[Piece], begin: int, end: int) -> Iterator[Piece]:
    """Cut a stretch out of pieces in which each character takes one cell."""
    at = 0
    for text, tone in pieces:
        yield (text[max(0, begin - at) : max(0, end - at)], tone)
        at += len(text)


def _whose(row: Row, frame: Frame) -> Iterable[Part]:
    """Say of which executions it may be, and in an aligned view when it was."""
    link = row.link
    if link is not None and link.candidates:
        arns = dict.fromkeys(arn for arn, _ in link.candidates)
        names = [frame.labels[arn] for arn in arns if arn in frame.labels]
        words = f"  {' or '.join(names)}" if len(names) > 1 else ""
    else:
        words = "  of no one execution" if link is not None else ""
    yield Part(Rank.SUBJECT, ((words, Tone.DIM),))
    if frame.origin is not None and row.call is not None:
        at = clock_words(frame.look.local(row.call.event_time), calls=True)
        yield Part(Rank.SECOND, ((f"  at {at}", Tone.DIM),))
