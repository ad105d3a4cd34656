"""A length of time on both sides of a comparison, and how much the two differ."""

from collections.abc import Iterable

from msgspec import Struct

from sfnwatch.model.times import duration

_NEAR_SECONDS = 0.5
"""Lengths that differ by no more are about the same, unless they are short."""
_NEAR_SHARE = 0.02
"""Long lengths that differ by no more than this share are about the same."""
_SHORT_SHARE = 0.2
"""Short lengths that differ by no more than this share are about the same."""
_LARGE_RATIO = 10
"""Ratios from this on have no decimals; ratios below its inverse have four."""


class LengthPair(Struct, frozen=True):
    """A length in seconds on both sides; None if a side has none."""

    a: float | None = None
    b: float | None = None

    @property
    def difference(self) -> float | None:
        if self.a is None or self.b is None:
            return None
        return self.b - self.a

    @property
    def ratio(self) -> float | None:
        if not self.a or self.b is None:
            return None
        return self.b / self.a

    @property
    def longest(self) -> float:
        return max(self.a or 0.0, self.b or 0.0)

    @property
    def near(self) -> bool:
        """True if a person would call the two lengths the same."""
        if self.difference is None:
            return False
        near_seconds = min(_NEAR_SECONDS, _SHORT_SHARE * self.longest)
        return abs(self.difference) <= max(near_seconds, _NEAR_SHARE * self.longest)

    @property
    def more_words(self) -> str:
        """The difference in words: `+1m 18s`, `-0.42 s`; empty without one."""
        if self.difference is None:
            return ""
        sign = "-" if self.difference < 0 else "+"
        return f"{sign}{duration(abs(self.difference))}"

    @property
    def ratio_words(self) -> str:
        """The ratio in words: `×48`, `×0.0034`; empty without one."""
        ratio = self.ratio
        if not ratio:
            return ""
        if ratio >= _LARGE_RATIO:
            return f"×{ratio:,.0f}"
        if ratio >= 1 / _LARGE_RATIO:
            return f"×{ratio:,.2f}"
        return f"×{ratio:,.4f}"


def index_of_largest_change(lengths: Iterable[LengthPair], sign: int) -> int | None:
    """Return the index of the length that grew most from A to B; for -1, shrank most.

    None if none grew, or shrank.
    """
    largest = 0.0
    index_of_largest = None
    for index, length in enumerate(lengths):
        change = (length.difference or 0.0) * sign
        if change > largest and not length.near:
            largest = change
            index_of_largest = index
    return index_of_largest
