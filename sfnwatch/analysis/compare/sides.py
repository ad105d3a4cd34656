"""Two executions beside each other, and how much their times differ."""

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
"""Short lengths no further apart than this are called about the same."""
_LARGE = 10
"""Ratios of at least this have no decimals, those below its inverse have four."""


class Lengths(Struct, frozen=True):
    """A length on both sides; None where there is none."""

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
        """True for two lengths that a person would call the same."""
        if self.difference is None:
            return False
        short = min(_NEAR_SECONDS, _SHORT_SHARE * self.longest)
        return abs(self.difference) <= max(short, _NEAR_SHARE * self.longest)

    @property
    def more_words(self) -> str:
        """Write how much more or less: `+1m 18s`, `-0.42 s`."""
        more = self.difference
        if more is None:
            return ""
        return f"{'-' if more < 0 else '+'}{duration(abs(more))}"

    @property
    def ratio_words(self) -> str:
        """Write a ratio of two lengths of time: `×48`, `×0.0034`."""
        ratio = self.ratio
        if not ratio:
            return ""
        digits = 0 if ratio >= _LARGE else 2 if ratio >= 1 / _LARGE else 4
        return f"×{ratio:,.{digits}f}"


def extreme(lengths: Iterable[Lengths], sign: int) -> int | None:
    """Find which is so much longer in B than any other; for -1, shorter."""
    more = [0.0 if each.near else (each.difference or 0.0) * sign for each in lengths]
    most = max(more, default=0.0)
    return more.index(most) if most > 0 else None


class Side:
    """One execution; what still runs is measured to the last that is known of it."""

    def __init__(self, letter: str, case: Case) -> None:
        self.letter, self.case = letter, case
        """A or B, and what happened in its execution."""
        self.execution = case.execution
        self.now = case.known_to
        begun = case.execution.started_at
        known = case.survey.known_to(case.execution)
        seconds = round((known - begun).total_seconds(), 3) if begun and known else None
        self.seconds = None if seconds is None else max(0.0, seconds)
        """How long it took, so far while it runs."""
        self.error, _ = ended_with(case.snapshot, case.execution)
        """What it failed with."""
        first = self.execution.event(1)
        details = case.snapshot.trace.details(first) if first is not None else {}
        self.input = text_of(details.get("input"))
        """What it was given, as text; None where that is not known."""
        self.attempts = [each for use in case.uses for each in use.attempts]
        self.calls = MatchedCalls.joined(each.calls for each in self.attempts)
        """Every call that is matched to one of its attempts."""
        self.polls = MatchedCalls.joined(each.polls for each in self.attempts)
        """Those of its calls that asked for a job's end while its attempt waited."""
        rows = (each.attempt.integration for each in self.attempts)
        self.expects_calls = any(row is not None and row.recorded for row in rows)
        """True if an attempt of it made a call that CloudTrail records."""
        self.lacks_calls = self.expects_calls and not any(self.calls)
        """True if it made such calls, and none is matched."""


Sides = tuple[Side, Side]
"""A and B."""
