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

    @property
    def gap(self) -> int:
        """The blanks behind the column; behind a sign there is one."""
        return 2 if self.size > 1 else 1


def in_columns(
    columns: Sequence[Cells], cells: Iterable[Span | Spans], width: int
) -> SpanRow:
    """Return a row of a table, in the columns that have room."""
    taken = 0
    for column in columns:
        if column.size and width >= column.least:
            taken += column.size + column.gap
    left = max(1, width - taken)
    spans: SpanRow = []
    for column, cell in zip(columns, cells, strict=True):
        if width < column.least:
            continue
        size = min(column.size or left, width - width_of(spans))
        if size < 1:
            break
        cell_spans = [cell] if isinstance(cell, Span) else cell
        spans += fit(cell_spans, size, right=column.right)
        spans.append(Span(" " * column.gap))
    return spans[:-1]


def heads(columns: Sequence[Cells], width: int) -> SpanRow:
    """Return the row of the columns' names."""
    return in_columns(columns, [Span(c.head, "role--dim") for c in columns], width)
