"""A point at which two executions did something else, and its position."""

from enum import IntEnum
from typing import NamedTuple

from sfnwatch.analysis.compare.attempt_pair import CallPair
from sfnwatch.analysis.evidence import Proofs
from sfnwatch.analysis.finding import Finding, finding


class Rank(IntEnum):
    """The order of differences at the same event."""

    BEFORE = 0
    AT = 1
    AFTER = 2
    LAST = 3


class Position(NamedTuple):
    """The position of a difference in the order of A."""

    event_id: int
    """An event of A."""
    rank: Rank


class Difference(NamedTuple):
    """A difference, with its position in the order of A."""

    position: Position
    finding: Finding


def difference(
    position: Position,
    kind: str,
    text: str,
    a: str | None,
    b: str | None,
    *,
    state: int | None = None,
    index: int | None = None,
    attempt: int | None = None,
    call: CallPair | None = None,
    proofs: Proofs = (),
    fact: bool = True,
) -> Difference:
    """Make a difference; `Comparison.differences` describes its data."""
    data = {
        "state": state,
        "index": index,
        "attempt": attempt,
        "call": call,
        "a": a,
        "b": b,
    }
    return Difference(position, finding(kind, text, proofs, fact=fact, **data))
