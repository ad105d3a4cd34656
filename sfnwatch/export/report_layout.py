"""Text laid out in cells: wrapped lines, and tables that give way for want of room.

A Chinese character takes two cells of a terminal and a combining accent none.
"""

import unicodedata
from collections.abc import Iterator, Sequence

from msgspec import Struct

_GAP = 2


class Column(Struct, frozen=True):
    """A column of a table: its head, its cells, and how it gives way."""

    head: str
    cells: tuple[str, ...]
    right: bool = False
    rank: int = 0
    """Where there is no room, the highest rank goes first; 0 stays."""
    least: int | None = None
    """It may be cut to so many cells before another goes; None: never."""


def cell_width(text: str) -> int:
    """Count the cells that a text takes in a terminal."""
    if text.isascii():
        return len(text)
    return sum(map(_cells, text))


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def wrapped(
    text: str, width: int, first: str = "", rest: str | None = None
) -> Iterator[str]:
    """Wrap at blanks; `first` stands before the first line, `rest` before others."""
    indent = first
    after = first if rest is None else rest
    line, used = "", 0
    for word in text.split():
        for part in _parts(word, max(1, width - cell_width(after))):
            size = cell_width(part)
            if line and cell_width(indent) + used + 1 + size > width:
                yield indent + line
                indent, line, used = after, "", 0
            line, used = (f"{line} {part}", used + 1 + size) if line else (part, size)
    yield indent + line


def _parts(word: str, room: int) -> Iterator[str]:
    """Break a word that no line has room for."""
    while cell_width(word) > room:
        head = cut(word, room, mark="")
        yield head or word[0]
        word = word[len(head or word[0]) :]
    if word:
        yield word


def cut(text: str, room: int, mark: str = "…") -> str:
    """Cut a text to so many cells; a mark says that it was."""
    if cell_width(text) <= room:
        return text
    kept, used = [], cell_width(mark)
    for character in text:
        used += _cells(character)
        if used > room:
            break
        kept.append(character)
    return "".join(kept) + mark


def table(columns: Sequence[Column], width: int, indent: str = "") -> Iterator[str]:
    """Lay out a table; columns without a word, and those without room, are left out."""
    shown = [column for column in columns if any(column.cells) or column.rank == 0]
    room = width - len(indent)
    while _needed(shown, narrow=True) > room and any(c.rank for c in shown):
        shown.remove(max(shown, key=lambda column: column.rank))
    widths = _widths(shown, room)
    rows = zip(*(column.cells for column in shown), strict=True)
    for row in ([column.head for column in shown], *rows):
        cells = (
            _placed(cell, size, right=column.right)
            for cell, size, column in zip(row, widths, shown, strict=True)
        )
        yield f"{indent}{(' ' * _GAP).join(cells)}".rstrip()


def _widest(column: Column) -> int:
    return max(map(cell_width, (column.head, *column.cells)))


def _needed(columns: Sequence[Column], *, narrow: bool) -> int:
    sizes = (
        min(_widest(c), c.least) if narrow and c.least else _widest(c) for c in columns
    )
    return sum(sizes) + _GAP * (len(columns) - 1)


def _widths(columns: Sequence[Column], room: int) -> list[int]:
    """Give each column what it needs; those that may be cut share what is left."""
    over = _needed(columns, narrow=False) - room
    widths = []
    for column in columns:
        size = _widest(column)
        if over > 0 and column.least is not None and size > column.least:
            less = min(over, size - column.least)
            over, size = over - less, size - less
        widths.append(size)
    return widths


def _placed(cell: str, size: int, *, right: bool) -> str:
    text = cut(cell, size)
    blanks = " " * (size - cell_width(text))
    return blanks + text if right else text + blanks
