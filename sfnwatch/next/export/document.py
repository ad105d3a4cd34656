"""A document as plain text, and as GitHub-flavored Markdown.

Text is for a terminal, a mail, a screen reader: no color is needed, and a Chinese
character takes two cells. In Markdown every name is escaped: none may break the table,
make a link or call a person.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TextIO

from sfnwatch.next.analysis.document import (
    Column,
    Document,
    Heading,
    Items,
    Paragraph,
    Sentence,
    Table,
)
from sfnwatch.next.analysis.finding import brief_evidence

_LEAST = 40
_GAP = 2
_CERTAINTY = 11
"""`inference` and two blanks."""


# -- text ------------------------------------------------------------------------------


def write_text(document: Document, out: TextIO, width: int = 80) -> None:
    """Print a document for a terminal of `width` columns; equal ones are equal texts.

    What a heading is about is set in below it.
    """
    width, level = max(width, _LEAST), 0
    before: object = None
    for block in document.blocks:
        if isinstance(block, Heading):
            level = block.level
            lines = wrapped(block.text, width, "  " * (level - 1), "  " * level)
        else:
            lines = _text_lines(block, width, "  " * level)
        apart = isinstance(block, Table) and before is not Heading
        if before is not None and (apart or isinstance(block, Heading)):
            out.write("\n")
        out.writelines(f"{line.rstrip()}\n" for line in lines)
        before = type(block)


def _text_lines(
    block: Paragraph | Items | Sentence | Table, width: int, indent: str
) -> Iterator[str]:
    match block:
        case Paragraph():
            yield from wrapped(block.text, width, indent)
        case Items():
            for line in block.lines:
                yield from wrapped(line, width, indent, f"{indent}  ")
        case Sentence():
            proof = brief_evidence(block.evidence)
            text = f"{block.text} [{proof}]" if proof else block.text
            first = f"{indent}{block.certainty:<{_CERTAINTY}}"
            yield from wrapped(text, width, first, indent + " " * _CERTAINTY)
        case Table():
            yield from _table(block.shown, width, indent)


def cell_width(text: str) -> int:
    """Count the cells that a text takes in a terminal."""
    return len(text) if text.isascii() else sum(map(_cells, text))


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
        head = cut(word, room, mark="") or word[0]
        yield head
        word = word[len(head) :]
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


def _table(shown: list[Column], width: int, indent: str) -> Iterator[str]:
    """Lay out a table; columns that there is no room for are left out."""
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
        yield f"{indent}{(' ' * _GAP).join(cells)}"


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


# -- Markdown --------------------------------------------------------------------------

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&!^=])")
_LINK = re.compile(r"(://|\bwww\.)", re.IGNORECASE)
_BREAK = "<!-- -->"
_OPENING = re.compile(r"^(\s*)([-+]|\d+(?=[.)]))")


def write_markdown(document: Document, out: TextIO) -> None:
    """Print a document for an issue, a pull request, a wiki, a job's summary."""
    before: object = None
    for block in document.blocks:
        # A list goes on; everything else stands apart.
        if before is not None and not (before is Sentence and type(block) is Sentence):
            out.write("\n")
        before = type(block)
        out.writelines(f"{line}\n" for line in _markdown_lines(block))


def _markdown_lines(
    block: Heading | Paragraph | Items | Sentence | Table,
) -> Iterator[str]:
    match block:
        case Heading():
            yield f"{'#' * (block.level + 1)} {_line(block.text)}"
        case Paragraph(strong=True):
            yield f"**{escaped(block.text)}**"
        case Paragraph():
            yield _line(block.text)
        case Items():
            yield from (f"- {_line(line)}" for line in block.lines)
        case Sentence():
            proof = brief_evidence(block.evidence)
            tail = escaped(f" [{proof}]") if proof else ""
            yield f"- *{block.certainty}*: {escaped(block.text)}{tail}"
        case Table():
            columns = block.shown
            yield f"| {' | '.join(escaped(column.head) for column in columns)} |"
            yield f"| {' | '.join('---:' if c.right else '---' for c in columns)} |"
            for row in zip(*(column.cells for column in columns), strict=True):
                yield f"| {' | '.join(map(escaped, row))} |"


def escaped(text: str) -> str:
    """Escape a text within a line, so that it reads as it is, in a table too."""
    told = _SPECIAL.sub(r"\\\1", text)
    told = _LINK.sub(lambda found: f"{found[0][0]}{_BREAK}{found[0][1:]}", told)
    return told.replace("@", f"@{_BREAK}")


def _line(text: str) -> str:
    """Escape a text that a line or an item begins with."""
    return _OPENING.sub(_held, escaped(text))


def _held(opening: re.Match[str]) -> str:
    """Keep what begins a line from beginning a list: `1.`, `-`."""
    blanks, mark = opening[1], opening[2]
    return f"{blanks}{_BREAK}{mark}" if mark.isdigit() else f"{blanks}\\{mark}"
