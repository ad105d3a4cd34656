"""Text in pieces, cut and padded by the cells it takes, not by its characters."""

from collections.abc import Iterable, Iterator

from rich.cells import cell_len, set_cell_size

from sfnwatch.trace.words import Piece, Tone

ELLIPSIS = "…"


def cells(pieces: Iterable[Piece]) -> int:
    """Count the cells the pieces take."""
    return sum(cell_len(text) for text, _ in pieces)


def cut(pieces: Iterable[Piece], width: int) -> tuple[Piece, ...]:
    """Cut to at most `width` cells; what is cut ends in `…`."""
    whole = tuple(pieces)
    if cells(whole) <= width:
        return whole
    return tuple(_shortened(whole, width)) if width > 0 else ()


def _shortened(pieces: tuple[Piece, ...], width: int) -> Iterator[Piece]:
    room = width - 1
    for text, tone in pieces:
        size = cell_len(text)
        if size > room:
            # A wide character that is cut in half leaves a space in its place.
            yield (set_cell_size(text, room).rstrip() + ELLIPSIS, tone)
            return
        yield (text, tone)
        room -= size


def whole(pieces: Iterable[Piece], width: int) -> tuple[Piece, ...]:
    """Leave out the last pieces rather than cut them, but for the first."""
    kept = list(pieces)
    while len(kept) > 1 and cells(kept) > width:
        kept.pop()
    return tuple(kept)


def pad(pieces: Iterable[Piece], width: int, fill: str = " ") -> tuple[Piece, ...]:
    """Cut or fill to exactly `width` cells."""
    short = cut(pieces, width)
    missing = width - cells(short)
    return (*short, (fill * missing, Tone.PLAIN)) if missing > 0 else short
