"""Breaking text into lines by the cells it takes."""

from rich.cells import cell_len, chop_cells

_PROSE = 4096
"""Characters of a line up to which it is broken between its words."""


def wrapped(text: str, width: int) -> list[str]:
    """Break between words; what is longer than a line goes on in the next."""
    lines: list[str] = []
    line: str | None = None
    for word in text.split(" "):
        joined = word if line is None else f"{line} {word}"
        if cell_len(joined) <= width:
            line = joined
        elif line is not None and cell_len(word) <= width:
            lines.append(line)
            line = word
        else:
            *full, line = chop_cells(joined, max(2, width))
            lines += full
    return [*lines, line or ""]


def broken(text: str, width: int) -> list[str]:
    """Break a line of any length; one too long to be prose just where it is full."""
    if len(text) <= _PROSE:
        return wrapped(text, width)
    if text.isascii():
        return [text[at : at + width] for at in range(0, len(text), width)]
    return chop_cells(text, max(2, width))
