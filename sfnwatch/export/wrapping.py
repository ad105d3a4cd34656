"""Wraps and cuts text to a number of cells; a Chinese character takes two."""

import re
from collections.abc import Iterable, Iterator

from rich.cells import cell_len, chop_cells, set_cell_size

from sfnwatch.view.parts import Part, plain_text

_WORD = re.compile(r"\s*\S+|\s+")


def flow(parts: Iterable[Part], room: int, hang: int = 2) -> list[list[Part]]:
    """Wrap parts at blanks to rows of `room` cells.

    All rows but the first begin with `hang` blanks. A word too long for a row is
    broken.
    """
    rows = [list[Part]()]
    used = 0
    for part in parts:
        for word in _WORD.findall(part.text):
            long = cell_len(word.strip()) > room - hang
            for piece in chop_cells(word, room - hang) if long else [word]:
                more = piece
                if used and used + cell_len(piece) > room:
                    rows.append([Part(" " * hang)])
                    used = hang
                    more = piece.strip()
                same = rows[-1] and rows[-1][-1].role is part.role
                before = rows[-1].pop().text if same else ""
                rows[-1].append(Part(before + more, part.role))
                used += cell_len(more)
    return rows


def wrapped(
    text: str, width: int, first: str = "", rest: str | None = None
) -> Iterator[str]:
    """Wrap at blanks; `first` begins the first line, `rest` begins the others."""
    indent = cell_len(first)
    hang = 0 if rest is None else cell_len(rest) - indent
    for row in flow([Part(" ".join(text.split()))], max(1, width - indent), hang):
        yield f"{first}{plain_text(row)}"
        first = first if rest is None else rest[:indent]


def cut(text: str, room: int) -> str:
    """Cut a text to `room` cells; a mark shows that it was cut."""
    fits = cell_len(text) <= room
    return text if fits else f"{set_cell_size(text, max(0, room - 1))}…"
