"""A document as text for a terminal."""

from collections.abc import Iterator
from itertools import starmap
from typing import TextIO

from rich.cells import cell_len

from sfnwatch.analysis.document import (
    GAP,
    Block,
    Column,
    Document,
    Heading,
    Items,
    Paragraph,
    Sentence,
    Table,
)
from sfnwatch.analysis.evidence import brief_evidence
from sfnwatch.export.wrapping import cut_text, wrap_text

_LEAST_WIDTH = 40
_CERTAINTY = 11
"""The width of `inference` and two blanks."""


def write_text(document: Document, out: TextIO, width: int = 80) -> None:
    """Print a document for a terminal of `width` columns; equal ones give equal texts.

    The blocks below a heading are indented.
    """
    width = max(width, _LEAST_WIDTH)
    level = 0
    previous: Block | None = None
    for block in document:
        indent = "  " * level
        if isinstance(block, Heading):
            level = block.level
            indent = "  " * level
            heading_indent = "  " * (level - 1)
            lines = wrap_text(block.text, width, heading_indent, indent)
        else:
            lines = _text_lines(block, width, indent)
        if previous is not None and _is_apart(block, previous):
            out.write("\n")
        out.writelines(f"{line.rstrip()}\n" for line in lines)
        previous = block


def _is_apart(block: Block, previous: Block) -> bool:
    """True for a block with a blank line before it: a heading, or a table."""
    if isinstance(block, Heading):
        return True
    return isinstance(block, Table) and not isinstance(previous, Heading)


def _text_lines(block: Block, width: int, indent: str) -> Iterator[str]:
    match block:
        case Paragraph():
            yield from wrap_text(block.text, width, indent)
        case Items():
            for line in block.lines:
                yield from wrap_text(line, width, indent, f"{indent}  ")
        case Sentence():
            text = block.text
            evidence = brief_evidence(block.evidence)
            if evidence:
                text += f" [{evidence}]"
            first = f"{indent}{block.certainty:<{_CERTAINTY}}"
            rest = indent + " " * _CERTAINTY
            yield from wrap_text(text, width, first, rest)
        case Table():
            yield from _table(block, width, indent)


def _table(table: Table, width: int, indent: str) -> Iterator[str]:
    """Yield the lines of a table; columns without room are left out."""
    fitted = table.fitted(width - len(indent), cell_len)
    columns = starmap(_cells, fitted)
    gap = " " * GAP
    for row in zip(*columns, strict=True):
        yield f"{indent}{gap.join(row)}"


def _cells(column: Column, size: int) -> Iterator[str]:
    """Yield a column's head and its cells, each `size` screen cells wide."""
    for text in (column.head, *column.cells):
        shown = cut_text(text, size)
        blanks = " " * (size - cell_len(shown))
        if column.right:
            yield f"{blanks}{shown}"
        else:
            yield f"{shown}{blanks}"
