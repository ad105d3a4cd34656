"""Words that give way by rank, where a row has not enough room."""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.tui.spans import Span, width_of

GROUP_GAP_CELLS = 3
"""Cells between two groups of words."""
_RANK_LOSS = 3
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


def ranked_words(rank: int, text: str, look: str, short: str = "") -> RankedWords:
    """Return words in one look; `short` replaces them when they give way."""
    shorter = [Span(short, look)] if short else []
    return RankedWords(rank, [Span(text, look)], shorter)


def fitted(
    words: Iterable[RankedWords], cells: int, gap: int = GROUP_GAP_CELLS
) -> list[RankedWords]:
    """Leave out or shorten the least important words, until all fit with their gaps."""
    kept = [each for each in words if each.spans]
    while kept and cells_of(kept, gap) > cells:
        # Of equal rank the last goes first, and no more words than must go.
        place = max(range(len(kept)), key=lambda place: (kept[place].rank, place))
        if kept[place].rank == 0:
            break
        removed = kept.pop(place)
        if removed.shorter:
            rank = max(0, removed.rank - _RANK_LOSS)
            kept.insert(
                place, replace(removed, rank=rank, spans=removed.shorter, shorter=())
            )
    return kept


def cells_of(words: Sequence[RankedWords], gap: int = GROUP_GAP_CELLS) -> int:
    """Return the cells that all words take, with gaps between."""
    gaps = max(0, len(words) - 1) * gap
    return sum(width_of(each.spans) for each in words) + gaps


def joined(words: Iterable[RankedWords], gap: int = GROUP_GAP_CELLS) -> list[Span]:
    """Return the spans of all words, with gaps between."""
    spans: list[Span] = []
    for each in words:
        if spans:
            spans.append(Span(" " * gap))
        spans += each.spans
    return spans
