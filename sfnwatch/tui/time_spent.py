"""Where an execution's time went: its critical path as one bar, and in words."""

from collections.abc import Sequence
from typing import NamedTuple

from sfnwatch.analysis.finding import Finding
from sfnwatch.analysis.phases import PHASE_KEYS, Phase
from sfnwatch.analysis.wording import spoken
from sfnwatch.tui.paint import PHASES, Span, percent, width_of

_LEAST_SHARE = 0.01
"""A smaller share of the time is not worth a cell."""
_LEAST_SECONDS = 0.005
"""Fewer seconds are shown as 0.00."""
_SPENT = {Phase.CONTAINER: "inside Map/Parallel"}


class TimeSpent(NamedTuple):
    """What an execution's time went into."""

    parts: Sequence[tuple[Span, str, float]]
    """The sign, the words and the seconds of each."""

    @property
    def seconds(self) -> float:
        return sum(seconds for *_, seconds in self.parts)


def time_spent(findings: Sequence[Finding], arn: str | None) -> TimeSpent:
    """Take the figures of the finding that tells of it: the two never disagree.

    Time between states is left out while it is next to nothing.
    """
    found = (f for f in findings if f.kind == "time" and f.execution_arn == arn)
    data = next((finding.data for finding in found), {})
    spent = ((phase, float(data.get(key) or 0.0)) for phase, key in PHASE_KEYS.items())
    parts = [(PHASES[each], _SPENT.get(each, str(each)), took) for each, took in spent]
    between = float(data.get("between") or 0.0)
    if between >= _LEAST_SHARE * sum(seconds for *_, seconds in parts):
        parts.append((Span("·", "role--dim"), "between states", between))
    return TimeSpent([part for part in parts if part[2] >= _LEAST_SECONDS])


def bar_rows(spent: TimeSpent, width: int) -> list[list[Span]]:
    """Draw parts as stretches of one bar, each at least a cell of it, then in words."""
    if width < 2 * len(spent.parts):
        return [[]]
    rows: list[list[Span]] = [bar(spent, width), []]
    for sign, name, seconds in spent.parts:
        told = f"{spoken(seconds)}, {percent(seconds / spent.seconds)}   "
        words = [sign, Span(f" {name} "), Span(told, "role--dim")]
        if width_of([*rows[-1], *words]) > width + len("   "):
            rows.append([])
        rows[-1] += words
    return rows


def bar(spent: TimeSpent, cells: int) -> list[Span]:
    """Draw parts as stretches of one bar, each at least a cell of it."""
    rest = cells - len(spent.parts)
    shares = [rest * seconds / spent.seconds for _, _, seconds in spent.parts]
    sizes = [1 + int(share) for share in shares]
    # What rounding left goes to those that it took most from.
    nearest = sorted(range(len(shares)), key=lambda n: int(shares[n]) - shares[n])
    for place in nearest[: cells - sum(sizes)]:
        sizes[place] += 1
    parts = zip(spent.parts, sizes, strict=True)
    return [Span(sign.text * size, sign.look) for (sign, _, _), size in parts]
