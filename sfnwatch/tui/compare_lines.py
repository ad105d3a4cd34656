"""The lines of a comparison, as pieces: two columns of bars to one scale."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct, field

from sfnwatch.trace.compare_bars import (
    SLIVER,
    bar,
    is_sliver,
    parts_of,
    scale_of,
)
from sfnwatch.trace.compare_points import (
    Which,
)
from sfnwatch.trace.compare_rows import CompareRow, RowSort
from sfnwatch.trace.compare_values import (
    Change,
    Comparison,
    Pair,
)
from sfnwatch.trace.compare_words import (
    group_clauses,
    more_words,
    pair_label,
    pair_mark,
    ratio_words,
    status_tone,
)
from sfnwatch.trace.spans import Part
from sfnwatch.trace.text import duration
from sfnwatch.trace.visits import StateVisit
from sfnwatch.trace.words import Piece, Tone
from sfnwatch.tui.cells import cells, cut, pad
from sfnwatch.tui.gantt_canvas import GLYPHS, Ink, Stroke

Strokes = tuple[Stroke, ...]

MARGIN = 3
"""The cursor's cell, the mark, and a blank."""
_LENGTH, _MORE, _RATIO = 9, 10, 7
_BAR_LEAST, _BAR_MOST, NAME_LEAST = 5, 60, 12
_ROOM_FOR_LENGTHS, _ROOM_FOR_MORE, _ROOM_FOR_RATIOS = 34, 46, 110
_NAME_SHARE, _NAME_MOST = 0.3, 44
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
GHOST = "┈"

COMPARE_SIGNS = (
    ("≠", "the two did something else here, or in what is folded behind it"),
    ("A B", "a state that only A, or only B, went through"),
    ("↕", "the two come in another order"),
    ("▓ ░ ▒ ┄", "working, waiting, backing off, over but not noticed: to one scale"),
    ("┈", "so much longer on the other side"),
    ("━", "as long as what is inside: a Map or a Parallel"),
    ("⋯", "states that are alike on both sides, folded"),
)
"""Each sign of the comparison, and what it means."""


class Share(Struct, frozen=True):
    """How many cells each part of a line has."""

    name: int
    bar: int = 0
    length: int = 0
    more: int = 0
    ratio: int = 0

    @property
    def side(self) -> int:
        """The cells of one side: its bar, its length, and the blank before them."""
        return 1 + self.bar + self.length

    @property
    def begin_b(self) -> int:
        """The column from which on a line is about B."""
        return MARGIN + self.name + self.side


def share_out(width: int, natural: int) -> Share:
    """Share out a width; `natural` is what the longest name would take."""
    length = _LENGTH if width >= _ROOM_FOR_LENGTHS else 0
    more = _MORE if width >= _ROOM_FOR_MORE else 0
    ratio = _RATIO if width >= _ROOM_FOR_RATIOS else 0
    left = max(1, width - MARGIN - more - ratio - 2 * (length + 1 if length else 0))
    most = min(_NAME_MOST, max(NAME_LEAST, round(width * _NAME_SHARE)))
    name = max(1, min(natural, most, left))
    bars = min(_BAR_MOST, (left - name) // 2)
    if not length or bars < _BAR_LEAST:
        return Share(left if not length else max(1, left), 0, length, more, ratio)
    return Share(left - 2 * bars, bars, length, more, ratio)


class Drawing(Struct, frozen=True):
    """What all lines of one drawing have in common."""

    of: Comparison
    width: int
    share: Share
    scale: float
    mask: Callable[[str], str] = field(default=str)
    side: Which = Which.A
    """Which of the two is pointed to."""


def make_drawing(
    comparison: Comparison,
    rows: Sequence[CompareRow],
    width: int,
    *,
    mask: Callable[[str], str] = str,
    side: Which = Which.A,
) -> Drawing:
    """Lay out a comparison's lines on a width."""
    names = (2 * r.depth + 2 + cells(_name(comparison, r, mask)) for r in rows)
    natural = max(names, default=NAME_LEAST)
    share = share_out(width, natural)
    return Drawing(comparison, width, share, scale_of(comparison), mask, side)


# -- lines ---------------------------------------------------------------------------


def draw(row: CompareRow, drawing: Drawing, *, selected: bool = False) -> Strokes:
    """Draw a line of exactly the width there is."""
    margin: Piece = ("▌" if selected else " ", Tone.ACTION)
    pair = drawing.of.pairs[row.place]
    mark = _mark(row, pair)
    if row.sort in {RowSort.GROUP, RowSort.ALIKE}:
        return pad((margin, mark, *_across(row, drawing)), drawing.width)
    left = _left(row, drawing)
    if row.detail is not None:
        body: Iterable[Stroke] = _detail(row, drawing)
    else:
        body = _pair(pair, drawing)
    return fitted((margin, mark, *left, *body), drawing.width)


def fitted(strokes: Iterable[Stroke], width: int) -> Strokes:
    """Cut or fill to the width; bars are of single cells, and never cut in half."""
    found: list[Stroke] = []
    room = width
    for text, ink in strokes:
        (piece, *_) = cut(((text, Tone.PLAIN),), room) or (("", Tone.PLAIN),)
        found.append((piece[0], ink))
        room -= cells((piece,))
    return (*found, (" " * max(0, room), Tone.PLAIN))


def _mark(row: CompareRow, pair: Pair) -> Piece:
    if row.sort is RowSort.PAIR:
        mark = pair_mark(pair, differs=row.differs)
    else:
        mark = "≠" if row.differs else " "
    return f"{mark} ", Tone.WARN


def _left(row: CompareRow, drawing: Drawing) -> tuple[Piece, ...]:
    sign = {True: "▾ ", False: "▸ ", None: "  "}[row.open]
    words = (
        ("  " * row.depth + sign, Tone.DIM),
        *_name(drawing.of, row, drawing.mask),
    )
    return pad(words, drawing.share.name)


def _name(
    comparison: Comparison, row: CompareRow, mask: Callable[[str], str]
) -> tuple[Piece, ...]:
    if row.sort is RowSort.PAIR:
        tone = Tone.STRONG if row.differs else Tone.PLAIN
        return ((mask(pair_label(comparison.pairs[row.place])), tone),)
    if row.detail is not None:
        return ((mask(row.detail.label), Tone.DIM),)
    return ()


def _across(row: CompareRow, drawing: Drawing) -> Iterator[Piece]:
    """Say in words what stands for many: over all columns."""
    sign = {True: "▾ ", False: "▸ ", None: "  "}[row.open]
    yield ("  " * row.depth + sign, Tone.DIM)
    if row.sort is RowSort.ALIKE:
        yield (f"⋯ {row.count:,} states alike", Tone.DIM)
    elif row.group is not None:
        first, *others = group_clauses(row.group, row.count)
        yield (drawing.mask(first), Tone.ACTION)
        yield ("".join(f"  · {drawing.mask(clause)}" for clause in others), Tone.DIM)


def _pair(pair: Pair, drawing: Drawing) -> Iterator[Stroke]:
    share, change = drawing.share, pair.seconds
    for which, visit, seconds in (
        (Which.A, pair.a, change.a),
        (Which.B, pair.b, change.b),
    ):
        if share.length:
            yield (" ", Tone.PLAIN)
        yield from _bar(pair, visit, which, drawing)
        yield from right(_length(visit, seconds), share.length)
    yield from _change(change, drawing)


def _bar(
    pair: Pair, visit: StateVisit | None, which: Which, drawing: Drawing
) -> Iterator[Stroke]:
    width, parts = drawing.share.bar, parts_of(pair, which)
    found = bar(parts, drawing.scale, width)
    taken = sum(count for _, count in found)
    for part, count in found:
        status = visit.status if visit is not None else ""
        ink = _INKS.get(part) or _BY_STATUS.get(status, Ink.WORKING)
        sliver = is_sliver(parts, drawing.scale, width)
        yield (SLIVER if sliver else GLYPHS[part] * count, ink)
    # How much longer it was on the other side.
    other = parts_of(pair, Which.B if which is Which.A else Which.A)
    longer = sum(count for _, count in bar(other, drawing.scale, width)) - taken
    ghost = max(0, longer) if visit is not None else 0
    yield (GHOST * ghost, Tone.DIM)
    yield (" " * (width - taken - ghost), Tone.PLAIN)


def _length(visit: StateVisit | None, seconds: float | None) -> tuple[Piece, ...]:
    if visit is None:
        return (("–", Tone.DIM),)
    length: Piece = (duration(seconds or 0.0), Tone.PLAIN)
    if visit.status == "succeeded":
        return (length,)
    glyph, tone = status_tone(visit.status)
    return ((f"{glyph} ", tone), length)


def _change(change: Change, drawing: Drawing) -> Iterator[Piece]:
    share, more = drawing.share, change.difference
    tone = Tone.DIM if change.near else Tone.BAD if (more or 0) > 0 else Tone.GOOD
    words = "" if more is None else more_words(more)
    yield from right(((words, tone),), share.more)
    times = "" if more is None else ratio_words(change.ratio)
    yield from right(((times, tone),), share.ratio)


def _detail(row: CompareRow, drawing: Drawing) -> Iterator[Stroke]:
    detail, share = row.detail, drawing.share
    if detail is None:
        return
    for pieces in (detail.a, detail.b):
        masked = tuple((drawing.mask(text), tone) for text, tone in pieces)
        if share.length:
            yield (" ", Tone.PLAIN)
            yield from pad(masked, share.bar + share.length)
    if detail.change is not None and not detail.change.near:
        yield from _change(detail.change, drawing)


def right(pieces: tuple[Piece, ...], width: int) -> tuple[Piece, ...]:
    """Set to the right of a column; without one nothing is shown."""
    short = cut(pieces, width)
    return ((" " * (width - cells(short)), Tone.PLAIN), *short) if width else ()
