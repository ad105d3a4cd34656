"""A report or a comparison as a small document, to be written in any form.

What is said is decided here, once; `export/document.py` writes it as text or Markdown,
the screen in lines of its own. All texts are cleaned, and nothing in them is markup.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from sfnwatch.next.analysis.finding import Finding


class Heading(Struct, frozen=True):
    """What the blocks that follow are about, until one of the same level or above."""

    text: str
    level: int = 1


class Paragraph(Struct, frozen=True):
    """A line of prose that needs no evidence."""

    text: str
    strong: bool = False
    """True for what is to be read first: how an execution ended."""


class Items(Struct, frozen=True):
    """A list of short lines."""

    lines: Sequence[str]


Sentence = Finding
"""What is told with what it rests on; one after the other they are a list."""


class Column(Struct, frozen=True):
    """A column of a table: its head, its cells, and how it gives way."""

    head: str
    cells: Sequence[str]
    right: bool = False
    rank: int = 0
    """Where there is no room, the highest rank goes first; 0 stays."""
    least: int | None = None
    """It may be cut to so many cells before another goes; None: never."""


class Table(Struct, frozen=True):
    """Columns of equally many cells; a column without a word is not shown."""

    columns: Sequence[Column]

    @property
    def shown(self) -> list[Column]:
        return [c for c in self.columns if any(c.cells) or c.rank == 0]


Block = Heading | Paragraph | Items | Sentence | Table


class Document(Struct, frozen=True):
    """Blocks in the order they are read."""

    blocks: Sequence[Block]


def section(text: str, blocks: Sequence[Block], level: int = 2) -> Iterator[Block]:
    """Head some blocks; nothing is headed by nothing."""
    if blocks:
        yield Heading(text, level)
        yield from blocks
