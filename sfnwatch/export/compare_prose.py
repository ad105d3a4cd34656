"""Sentences over several lines, by the cells they take; a figure keeps its unit."""

import re

from rich.cells import cell_len, set_cell_size

_HELD = "\u00a0"
_UNIT = re.compile(r"(?<=\d) (?=s\b)|(?<=\d[mh]) (?=\d\d[sm]\b)")


def wrapped(
    text: str, width: int, *, first: str = "", rest: str | None = None
) -> list[str]:
    """Break a text into lines of at most `width` cells.

    The first line begins with `first`, the others with `rest` or as many blanks.
    """
    after = " " * cell_len(first) if rest is None else rest
    lines: list[str] = []
    line, begin = first, first
    for word in _UNIT.sub(_HELD, text).split(" "):
        left = word
        blank = " " if line != begin else ""
        if line != begin and cell_len(line + blank + left) > width:
            lines.append(line)
            line = begin = after
            blank = ""
        # A word that no line has room for is broken.
        while cell_len(line + blank + left) > width:
            room = max(1, width - cell_len(line + blank))
            head = set_cell_size(left, room).rstrip() or left[:1]
            lines.append(line + blank + head)
            left = left[len(head) :]
            line = begin = after
            blank = ""
        line += blank + left
    lines.append(line)
    return [found.replace(_HELD, " ") for found in lines]
