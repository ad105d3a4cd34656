"""Wraps and cuts text to a number of cells; a Chinese character takes two."""

import re
from collections.abc import Iterable, Iterator

from rich.cells import cell_len, chop_cells, set_cell_size

from sfnwatch.view.parts import Part, plain_text

_WORD = re.compile(r"\s*\S+|\s+")


def wrap_parts(parts: Iterable[Part], room: int, hang: int = 2) -> list[list[Part]]:
    """Wrap parts at blanks to rows of `room` cells.

    All rows but the first begin with `hang` blanks. A word too long for a row is
    broken.
    """
    row: list[Part] = []
    rows = [row]
    used_cells = 0
    for part in parts:
        for piece in _pieces(part.text, room - hang):
            text = piece
            if used_cells and used_cells + cell_len(piece) > room:
                row = [Part(" " * hang)]
                rows.append(row)
                used_cells = hang
                text = piece.strip()
            used_cells += cell_len(text)
            if row and row[-1].role is part.role:
                text = row.pop().text + text
            row.append(Part(text, part.role))
    return rows


def _pieces(text: str, most_cells: int) -> Iterator[str]:
    """Yield a text's words, each with the blanks before it; long words in pieces."""
    for word in _WORD.findall(text):
        if cell_len(word.strip()) > most_cells:
            yield from chop_cells(word, most_cells)
        else:
            yield word


def wrap_text(
    text: str, width: int, first: str = "", rest: str | None = None
) -> Iterator[str]:
    """Wrap at blanks; `first` begins the first line, `rest` begins the others."""
    start = first
    indent = cell_len(first)
    later_start = first
    hang = 0
    if rest is not None:
        later_start = rest[:indent]
        hang = cell_len(rest) - indent
    words = Part(" ".join(text.split()))
    for row in wrap_parts([words], max(1, width - indent), hang):
        yield f"{start}{plain_text(row)}"
        start = later_start


def cut_text(text: str, room: int) -> str:
    """Cut a text to `room` cells; a mark shows that it was cut."""
    if cell_len(text) <= room:
        return text
    return f"{set_cell_size(text, max(0, room - 1))}…"
