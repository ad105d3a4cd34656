"""Documents of headings, sentences, lists and tables.

The document of a report or a comparison decides once what is said. The writers of text,
of Markdown and of the screen add nothing. All texts are cleaned, and nothing in them is
markup.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct

from sfnwatch.analysis.finding import Finding


class Heading(Struct, frozen=True):
    """The heading of the blocks up to the next heading of its level or above."""

    text: str
    level: int = 1


class Paragraph(Struct, frozen=True):
    """A line of prose that needs no evidence."""

    text: str
    strong: bool = False
    """True for the line to read first: how an execution ended."""


class Items(Struct, frozen=True):
    """A list of short lines."""

    lines: Sequence[str]


Sentence = Finding
"""A finding as a block of a document; one after another they form a list."""


class Column(Struct, frozen=True):
    """A column of a table: its head, its cells, and how it makes room."""

    head: str
    cells: Sequence[str]
    right: bool = False
    rank: int = 0
    """Without room, the column of the highest rank is dropped first; rank 0 stays."""
    least: int | None = None
    """The width, in screen cells, to which the column may be cut before any column is
    dropped; None if it is never cut."""


GAP = 2
"""The screen cells between two columns."""


class Table(Struct, frozen=True):
    """Columns of equal length; an empty column is not shown unless its rank is 0."""

    columns: Sequence[Column]

    @property
    def shown(self) -> list[Column]:
        return [
            column for column in self.columns if any(column.cells) or column.rank == 0
        ]

    def fitted(
        self, room: int, cells: Callable[[str], int]
    ) -> list[tuple[Column, int]]:
        """Return the columns that fit, `GAP` apart, each with its width.

        `room` and the widths are in screen cells; `cells` returns the width of a text.
        """
        columns = self.shown
        while True:
            widths = []
            for column in columns:
                texts = (column.head, *column.cells)
                widths.append(max(map(cells, texts)))
            over = sum(widths) + GAP * (len(widths) - 1) - room
            for position, column in enumerate(columns):
                if column.least is not None:
                    spare = widths[position] - column.least
                    cut = max(0, min(over, spare))
                    widths[position] -= cut
                    over -= cut
            dropped = max(columns, key=lambda column: column.rank, default=None)
            if over <= 0 or dropped is None or dropped.rank == 0:
                return list(zip(columns, widths, strict=True))
            columns.remove(dropped)


Block = Heading | Paragraph | Items | Sentence | Table

Document = Iterable[Block]
"""Blocks in the order in which they are read."""


def section(text: str, blocks: Sequence[Block], level: int = 2) -> Iterator[Block]:
    """Yield a heading and its blocks; nothing if there are no blocks."""
    if blocks:
        yield Heading(text, level)
        yield from blocks
