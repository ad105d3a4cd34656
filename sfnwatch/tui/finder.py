"""What is filtered and searched for: the two expressions, and the rows they pick."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from sfnwatch.trace.lanes import Row
from sfnwatch.trace.text import clean
from sfnwatch.trace.values import replace
from sfnwatch.trace.words import Piece, Tone

if TYPE_CHECKING:
    from sfnwatch.trace.filters import Filter


class Finder(Struct, frozen=True):
    """A filter, which leaves rows out, and a search, which goes to them."""

    filter: "Filter | None" = None
    """None until there was one: to read it takes a parser."""
    search: str = ""

    def filtering(self, text: str) -> "Finder":
        """Filter by an expression; one that can't be read changes nothing."""
        if text == self.filtered:
            return self
        from sfnwatch.trace.filters import FilterError, parse_filter

        try:
            return replace(self, filter=parse_filter(text))
        except FilterError:
            return self

    def searching(self, words: str) -> "Finder":
        return replace(self, search=words)

    @property
    def filtered(self) -> str:
        """The expression by which it is filtered."""
        return self.filter.text if self.filter is not None else ""

    @property
    def keep(self) -> Callable[[Row], bool] | None:
        """Say which rows stay; None for all, which need not be asked."""
        return self.filter if self.filtered.strip() else None

    def hit(self, row: Row) -> bool:
        if not self.search:
            return False
        from sfnwatch.trace.filters import found

        return found(row, self.search)

    def next_hit(
        self, rows: Sequence[Row], start: int, direction: int, *, here: bool = False
    ) -> int | None:
        """Find the next place from `start`, round the end and back; None if none."""
        first = 0 if here else 1
        for step in range(first, len(rows) + first):
            place = (start + direction * step) % len(rows)
            if self.hit(rows[place]):
                return place
        return None

    def hits(self, rows: Sequence[Row], key: str | None) -> tuple[int, int]:
        """Count what is found, and say which of it is the row of a key; 0 if none."""
        if not self.search:
            return 0, 0
        keys = [row.key for row in rows if self.hit(row)]
        return (keys.index(key) + 1 if key in keys else 0), len(keys)

    def counted(self, kind: str, shown: int, of: int, hits: tuple[int, int]) -> str:
        """Say in a word or two how much is found by what is being typed."""
        if kind == "search":
            return _of(hits) if self.search else ""
        return f"{shown} of {of} rows" if self.keep is not None else ""

    def pieces(
        self, shown: int, of: int, hits: tuple[int, int] = (0, 0)
    ) -> tuple[Piece, ...]:
        """Say what is filtered and searched for; nothing if nothing is."""
        words: list[Piece] = []
        if self.keep is not None:
            words += [
                ("filter ", Tone.DIM),
                (clean(self.filtered, 200), Tone.STRONG),
                (f"  {shown} of {of} rows", Tone.WARN),
                ("  ~ change", Tone.DIM),
            ]
        if self.search:
            words += [
                ("   search " if words else "search ", Tone.DIM),
                (clean(self.search, 200), Tone.STRONG),
                (f"  {_of(hits)}", Tone.WARN),
                ("  n next  N previous" if hits[1] else "", Tone.DIM),
            ]
        return tuple([*words, ("   escape clear", Tone.DIM)] if words else ())


def _of(hits: tuple[int, int]) -> str:
    place, count = hits
    if not count:
        return "no row has it"
    if place:
        return f"{place} of {count:,}"
    return f"{count:,} rows" if count > 1 else "1 row"
