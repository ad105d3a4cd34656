"""RankedWords that give way by rank, where a row has not enough room."""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.tui.spans import Span, width_of

GAP_CELLS = 3
"""Cells between two groups of words."""
_AGAIN = 3
"""The rank of words is this much lower once they were shortened: they give way
later."""


class RankedWords(Struct, frozen=True):
    """Some words and their rank: the highest rank gives way first, 0 never."""

    rank: int
    spans: Sequence[Span]
    shorter: Sequence[Span] = ()
    """Shorter words that replace them when they give way, with a lower rank."""
    right: bool = False
    """True for words at the right end."""
    fill: Callable[[int], Sequence[Span]] | None = None
    """Returns as much of the words as the given number of cells can hold."""


def said(rank: int, text: str, look: str, short: str = "") -> RankedWords:
    """Return words in one look; `short` replaces them when they give way."""
    return RankedWords(rank, [Span(text, look)], [Span(short, look)] if short else ())


def fitted(
    parts: Iterable[RankedWords], cells: int, gap: int = GAP_CELLS
) -> list[RankedWords]:
    """Leave out or shorten the least important words, until all fit with their gaps."""
    kept = [part for part in parts if part.spans]
    while length_of(kept, gap) > cells and any(part.rank for part in kept):
        # Of equal rank the last goes first, and no more words than must go.
        place = max(range(len(kept)), key=lambda each: (kept[each].rank, each))
        part = kept.pop(place)
        if part.shorter:
            less = max(0, part.rank - _AGAIN)
            shorter = replace(part, rank=less, spans=part.shorter, shorter=())
            kept.insert(place, shorter)
    return kept


def length_of(parts: Sequence[RankedWords], gap: int = GAP_CELLS) -> int:
    gaps = max(0, len(parts) - 1) * gap
    return sum(width_of(part.spans) for part in parts) + gaps


def joined(parts: Iterable[RankedWords], gap: int = GAP_CELLS) -> list[Span]:
    """Return the spans of all words, with gaps between."""
    spans: list[Span] = []
    for part in parts:
        spans += [*([Span(" " * gap)] if spans else []), *part.spans]
    return spans
