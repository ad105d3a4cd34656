"""A length of time on both sides of a comparison, and how much the two differ."""

from collections.abc import Iterable

from msgspec import Struct

from sfnwatch.model.times import duration

_NEAR_SECONDS = 0.5
_NEAR_SHARE = 0.02
_SHORT_SHARE = 0.2
"""Short lengths that differ by no more than this share are about the same."""
_LARGE = 10
"""Ratios from this on have no decimals; ratios below its inverse have four."""


class LengthPair(Struct, frozen=True):
    """A length in seconds on both sides; None if a side has none."""

    a: float | None = None
    b: float | None = None

    @property
    def difference(self) -> float | None:
        return None if self.a is None or self.b is None else self.b - self.a

    @property
    def ratio(self) -> float | None:
        return self.b / self.a if self.a and self.b is not None else None

    @property
    def longest(self) -> float:
        return max(self.a or 0.0, self.b or 0.0)

    @property
    def near(self) -> bool:
        """True if a person would call the two lengths the same."""
        if self.difference is None:
            return False
        short = min(_NEAR_SECONDS, _SHORT_SHARE * self.longest)
        return abs(self.difference) <= max(short, _NEAR_SHARE * self.longest)

    @property
    def more_words(self) -> str:
        """The difference in words: `+1m 18s`, `-0.42 s`; empty without one."""
        more = self.difference
        if more is None:
            return ""
        return f"{'-' if more < 0 else '+'}{duration(abs(more))}"

    @property
    def ratio_words(self) -> str:
        """The ratio in words: `×48`, `×0.0034`; empty without one."""
        ratio = self.ratio
        if not ratio:
            return ""
        digits = 0 if ratio >= _LARGE else 2 if ratio >= 1 / _LARGE else 4
        return f"×{ratio:,.{digits}f}"


def index_of_largest_change(lengths: Iterable[LengthPair], sign: int) -> int | None:
    """Return the index of the length that grew most from A to B; for -1, shrank most.

    None if none grew, or shrank.
    """
    more = [0.0 if each.near else (each.difference or 0.0) * sign for each in lengths]
    most = max(more, default=0.0)
    return more.index(most) if most > 0 else None
