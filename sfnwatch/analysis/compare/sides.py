"""The two sides of a comparison, and how much their lengths differ."""

from collections.abc import Iterable

from msgspec import Struct

from sfnwatch.analysis.case import Case
from sfnwatch.analysis.phases import (
    MatchedCalls,
)
from sfnwatch.analysis.verdict import ended_with
from sfnwatch.model.times import duration
from sfnwatch.model.values import text_of

_NEAR_SECONDS = 0.5
_NEAR_SHARE = 0.02
_SHORT_SHARE = 0.2
"""Short lengths that differ by no more than this share are about the same."""
_LARGE = 10
"""Ratios from this on have no decimals; ratios below its inverse have four."""


class Lengths(Struct, frozen=True):
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


def extreme(lengths: Iterable[Lengths], sign: int) -> int | None:
    """Return the index of the length that grew most from A to B; for -1, shrank most.

    None if none grew, or shrank.
    """
    more = [0.0 if each.near else (each.difference or 0.0) * sign for each in lengths]
    most = max(more, default=0.0)
    return more.index(most) if most > 0 else None


class Side:
    """One of the two executions; a running one is measured to its newest record."""

    def __init__(self, letter: str, case: Case) -> None:
        self.letter, self.case = letter, case
        """A or B, and the case of its execution."""
        self.execution = case.execution
        self.now = case.known_to
        begun = case.execution.started_at
        known = case.survey.known_to(case.execution)
        seconds = round((known - begun).total_seconds(), 3) if begun and known else None
        self.seconds = None if seconds is None else max(0.0, seconds)
        """The seconds it took, or has taken so far; None if not known."""
        self.error, _ = ended_with(case.snapshot, case.execution)
        """The error that it ended with; None without one."""
        first = self.execution.event(1)
        details = case.snapshot.trace.details(first) if first is not None else {}
        self.input = text_of(details.get("input"))
        """Its input as text; None if it is not known."""
        self.attempts = [each for use in case.uses for each in use.attempts]
        self.calls = MatchedCalls.joined(each.calls for each in self.attempts)
        """Every call that is matched to one of its attempts."""
        self.polls = MatchedCalls.joined(each.polls for each in self.attempts)
        """The polls among its calls that were made while their attempt waited."""
        rows = (each.attempt.integration for each in self.attempts)
        self.expects_calls = any(row is not None and row.recorded for row in rows)
        """True if one of its attempts made a call that CloudTrail records."""
        self.lacks_calls = self.expects_calls and not any(self.calls)
        """True if it made such calls, but none is matched."""


Sides = tuple[Side, Side]
"""A and B."""
