"""A comparison as text, for a terminal, a mail or a log: from 40 columns on."""

from collections.abc import Iterator, Sequence
from typing import TextIO

from msgspec import Struct
from rich.cells import cell_len, set_cell_size

from sfnwatch.export.compare_prose import wrapped
from sfnwatch.trace.compare_bars import (
    MEANINGS,
    SLIVER,
    bar,
    is_sliver,
    parts_of,
    scale_of,
)
from sfnwatch.trace.compare_points import (
    Which,
)
from sfnwatch.trace.compare_remarks import remarks
from sfnwatch.trace.compare_rows import CompareRow, RowSort, compare_rows
from sfnwatch.trace.compare_values import (
    Change,
    Comparison,
    Pair,
    Side,
)
from sfnwatch.trace.compare_verdict import verdict
from sfnwatch.trace.compare_words import (
    group_clauses,
    more_words,
    pair_label,
    pair_mark,
    ratio_words,
    side_title,
    status_tone,
    status_word,
)
from sfnwatch.trace.spans import Part
from sfnwatch.trace.text import duration
from sfnwatch.trace.visits import StateVisit
from sfnwatch.trace.words import plain

_LEAST, _PROSE = 40, 100
_LENGTH, _MORE, _RATIO = 9, 10, 7
_ROOM_FOR_RATIOS, _ROOM_FOR_BARS, _BAR_MOST = 64, 100, 40
_NAME_LEAST, _NAME_MOST, _GAP = 20, 40, 2
_GLYPHS = {
    Part.WAITING: "░",
    Part.WORKING: "▓",
    Part.BACKING_OFF: "▒",
    Part.NOTICING: "┄",
    Part.AROUND: "━",
}


def write_text(comparison: Comparison, out: TextIO, width: int = 80) -> None:
    """Print a comparison in at most so many cells a line; equal ones give equal texts.

    Below 40 cells a line may be longer than that.
    """
    lines = _lines(comparison, max(width, _LEAST))
    out.writelines(f"{line.rstrip()}\n" for line in lines)


def _lines(comparison: Comparison, width: int) -> Iterator[str]:
    for side in (comparison.a, comparison.b):
        yield from _side(side, comparison.seconds, width)
    yield ""
    for sentence in verdict(comparison):
        yield from wrapped(sentence, min(width, _PROSE))
    told = remarks(comparison)
    if told:
        yield ""
    for sentence in told:
        yield from wrapped(sentence, min(width, _PROSE), first="- ")
    rows = compare_rows(comparison)
    if rows:
        yield ""
        yield from _table(comparison, rows, width)


def _side(side: Side, seconds: Change, width: int) -> Iterator[str]:
    glyph, _ = status_tone(side.status)
    length = seconds.a if side.which is Which.A else seconds.b
    told = [f"{glyph} {status_word(side.status)}"]
    if length is not None:
        told.append(duration(length))
    if side.started_at is not None:
        told.append(f"{side.started_at:%Y-%m-%d %H:%M:%S} UTC")
    words = "  ".join(told)
    title = f"{side.which.upper()}  {side_title(side)}"
    if cell_len(title) + 2 + cell_len(words) <= width:
        yield f"{title}  {words}"
    else:
        yield _cut(title, width)
        yield _cut(f"   {words}", width)


# -- the table -----------------------------------------------------------------------


class _Columns(Struct, frozen=True):
    name: int
    ratio: int = 0
    bar: int = 0


def _columns(width: int, natural: int) -> _Columns:
    """Share out a width; `natural` is what the longest name would take."""
    fixed = 2 * (_LENGTH + 1) + _MORE + 1
    ratio = _RATIO if width >= _ROOM_FOR_RATIOS else 0
    fixed += ratio + 1 if ratio else 0
    name = min(max(natural, _NAME_LEAST), _NAME_MOST)
    room = (width - fixed - name) // 2 - _GAP
    bars = min(_BAR_MOST, room) if width >= _ROOM_FOR_BARS else 0
    return _Columns(width - fixed - 2 * (bars + _GAP if bars else 0), ratio, bars)


def _table(
    comparison: Comparison, rows: Sequence[CompareRow], width: int
) -> Iterator[str]:
    labels = (
        _named(comparison.pairs[row.place], row)
        for row in rows
        if row.sort is RowSort.PAIR
    )
    share = _columns(width, max(map(cell_len, labels), default=0))
    scale = scale_of(comparison)
    yield _line(share, ("  state", "A", "B", "B - A", "B / A"), ("A", "B"))
    drawn: set[Part] = set()
    for row in rows:
        pair = comparison.pairs[row.place]
        indent = "  " * row.depth
        if row.sort is RowSort.PAIR:
            drawn.update(part for which in Which for part in parts_of(pair, which))
            yield _pair_line(pair, row, share, scale)
        elif row.sort is RowSort.ALIKE:
            yield _cut(f"  {indent}⋯ {row.count:,} states alike", width)
        elif row.sort is RowSort.GROUP and row.group is not None:
            clauses = group_clauses(row.group, row.count)
            yield from wrapped("; ".join(clauses), width, first=f"  {indent}")
        elif row.detail is not None and not row.detail.minor:
            detail = row.detail
            sides = [("A", plain(detail.a)), ("B", plain(detail.b))]
            told = "; ".join(f"{letter} {words}" for letter, words in sides if words)
            words = f"{detail.label}: {told}"
            mark = "≠" if row.differs else " "
            yield from wrapped(words, width, first=f"{mark} {indent}")
    if share.bar:
        yield ""
        signs = (f"{_GLYPHS[part]} {MEANINGS[part]}" for part in Part if part in drawn)
        yield f"  {'  '.join(signs)}"


def _pair_line(pair: Pair, row: CompareRow, share: _Columns, scale: float) -> str:
    name = _named(pair, row)
    change = pair.seconds
    more = change.difference
    cells = (
        name,
        _length(pair.a, change.a),
        _length(pair.b, change.b),
        "" if more is None else more_words(more),
        "" if more is None else ratio_words(change.ratio),
    )
    drawn = [_bar(pair, which, scale, share.bar) for which in Which]
    return _line(share, cells, drawn)


def _named(pair: Pair, row: CompareRow) -> str:
    mark = pair_mark(pair, differs=row.differs)
    return f"{mark} {'  ' * row.depth}{pair_label(pair)}"


def _length(visit: StateVisit | None, seconds: float | None) -> str:
    """Write a length, and before it how it ended, unless it ended well."""
    if visit is None:
        return "-"
    well = visit.status == "succeeded"
    glyph = "" if well else f"{status_tone(visit.status)[0]} "
    return f"{glyph}{duration(seconds or 0.0)}"


def _bar(pair: Pair, which: Which, scale: float, width: int) -> str:
    cells = bar(parts_of(pair, which), scale, width)
    if is_sliver(parts_of(pair, which), scale, width):
        return SLIVER
    return "".join(_GLYPHS[part] * count for part, count in cells)


def _line(share: _Columns, cells: Sequence[str], bars: Sequence[str]) -> str:
    """Set out the name, two lengths, their difference and ratio, and two bars."""
    name = _cut(cells[0], share.name)
    sizes = (_LENGTH, _LENGTH, _MORE, share.ratio)
    line = name + " " * (share.name - cell_len(name))
    for text, size in zip(cells[1:], sizes, strict=True):
        line += f" {_right(text, size)}" if size else ""
    for drawn in bars if share.bar else ():
        line += f"  {set_cell_size(drawn, share.bar)}"
    return line


def _right(text: str, width: int) -> str:
    return " " * max(0, width - cell_len(text)) + text


def _cut(text: str, width: int) -> str:
    if cell_len(text) <= width:
        return text
    return f"{set_cell_size(text, width - 1).rstrip()}…"
