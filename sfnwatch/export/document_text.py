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

_LEAST = 40
_CERTAINTY = 11
"""The width of `inference` and two blanks."""


def write_text(document: Document, out: TextIO, width: int = 80) -> None:
    """Print a document for a terminal of `width` columns; equal ones give equal texts.

    The blocks below a heading are indented.
    """
    width = max(width, _LEAST)
    level = 0
    before: object = None
    for block in document:
        if isinstance(block, Heading):
            level = block.level
            lines = wrap_text(block.text, width, "  " * (level - 1), "  " * level)
        else:
            lines = _text_lines(block, width, "  " * level)
        apart = isinstance(block, Table) and before is not Heading
        if before is not None and (apart or isinstance(block, Heading)):
            out.write("\n")
        out.writelines(f"{line.rstrip()}\n" for line in lines)
        before = type(block)


def _text_lines(block: Block, width: int, indent: str) -> Iterator[str]:
    match block:
        case Paragraph():
            yield from wrap_text(block.text, width, indent)
        case Items():
            for line in block.lines:
                yield from wrap_text(line, width, indent, f"{indent}  ")
        case Sentence():
            proof = brief_evidence(block.evidence)
            text = f"{block.text} [{proof}]" if proof else block.text
            first = f"{indent}{block.certainty:<{_CERTAINTY}}"
            yield from wrap_text(text, width, first, indent + " " * _CERTAINTY)
        case Table():
            yield from _table(block, width, indent)


def _table(table: Table, width: int, indent: str) -> Iterator[str]:
    """Yield the lines of a table; columns without room are left out."""
    columns = starmap(_cells, table.fitted(width - len(indent), cell_len))
    for row in zip(*columns, strict=True):
        yield f"{indent}{(' ' * GAP).join(row)}"


def _cells(column: Column, size: int) -> Iterator[str]:
    """Yield a column's head and its cells, each `size` screen cells wide."""
    for text in (column.head, *column.cells):
        shown = cut_text(text, size)
        blanks = " " * (size - cell_len(shown))
        yield blanks + shown if column.right else shown + blanks
