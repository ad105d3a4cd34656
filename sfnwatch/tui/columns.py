"""Rows of a table, in the columns that have room."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sfnwatch.tui.spans import Span, SpanRow, Spans, fit, width_of


class Cells(NamedTuple):
    """A column of a table; one of size 0 takes what the others leave."""

    head: str
    size: int = 0
    least: int = 0
    """The width of the table from which on the column is shown."""
    right: bool = False


def in_columns(
    columns: Sequence[Cells], cells: Iterable[Span | Spans], width: int
) -> SpanRow:
    """Return a row of a table, in the columns that have room."""
    pairs = zip(columns, cells, strict=True)
    shown = [(column, cell) for column, cell in pairs if width >= column.least]
    gaps = sum(2 if column.size > 1 else 1 for column, _ in shown if column.size)
    left = max(1, width - gaps - sum(column.size for column, _ in shown))
    spans: SpanRow = []
    for column, cell in shown:
        size = min(column.size or left, width - width_of(spans))
        if size < 1:
            break
        told = [cell] if isinstance(cell, Span) else cell
        spans += fit(told, size, right=column.right)
        spans.append(Span("  " if column.size > 1 else " "))
    return spans[:-1]


def heads(columns: Sequence[Cells], width: int) -> SpanRow:
    """Return the row of the columns' names."""
    return in_columns(columns, [Span(c.head, "role--dim") for c in columns], width)
