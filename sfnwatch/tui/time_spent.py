"""Where an execution's time went: its critical path as one bar, and in words."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sfnwatch.analysis.finding import Finding
from sfnwatch.analysis.phases import PHASE_KEYS, Phase
from sfnwatch.analysis.quantities import spoken
from sfnwatch.tui.phase_signs import PHASES
from sfnwatch.tui.spans import Span, SpanRow, percent, width_of

_LEAST_SHARE_BETWEEN = 0.01
"""Time between states is left out if its share is smaller than this."""
_LEAST_SECONDS = 0.005
"""Fewer seconds would be shown as 0.00: such parts are left out."""
_BLANKS = "   "
"""The blanks behind each part in words."""


class TimePart(NamedTuple):
    """A part of the time, and what it was spent on."""

    sign: Span
    words: str
    seconds: float


class TimeSpent(NamedTuple):
    """What an execution's time was spent on."""

    parts: Sequence[TimePart]

    @property
    def seconds(self) -> float:
        return sum(part.seconds for part in self.parts)


def time_spent(findings: Sequence[Finding], arn: str | None) -> TimeSpent:
    """Return the figures of the finding about an execution's time.

    So the bar always agrees with the finding's sentence. Time between states is left
    out if it is next to nothing.
    """
    data = _time_figures(findings, arn)
    parts: list[TimePart] = []
    for phase, key in PHASE_KEYS.items():
        words = "inside Map/Parallel" if phase is Phase.CONTAINER else str(phase)
        seconds = float(data.get(key) or 0.0)
        parts.append(TimePart(PHASES[phase], words, seconds))
    between = float(data.get("between") or 0.0)
    if between >= _LEAST_SHARE_BETWEEN * TimeSpent(parts).seconds:
        sign = Span("·", "role--dim")
        parts.append(TimePart(sign, "between states", between))
    return TimeSpent([part for part in parts if part.seconds >= _LEAST_SECONDS])


def _time_figures(findings: Sequence[Finding], arn: str | None) -> Mapping[str, Any]:
    for finding in findings:
        if finding.kind == "time" and finding.execution_arn == arn:
            return finding.data
    return {}


def bar_rows(spent: TimeSpent, width: int) -> list[SpanRow]:
    """Return the parts as one bar, with their names in the rows below it."""
    if width < 2 * len(spent.parts):
        return [[]]
    row: SpanRow = []
    rows = [time_bar(spent, width), row]
    for part in spent.parts:
        length = spoken(part.seconds)
        share = percent(part.seconds / spent.seconds)
        figures = Span(f"{length}, {share}{_BLANKS}", "role--dim")
        words = [part.sign, Span(f" {part.words} "), figures]
        if width_of([*row, *words]) > width + len(_BLANKS):
            row = []
            rows.append(row)
        row += words
    return rows


def time_bar(spent: TimeSpent, cells: int) -> SpanRow:
    """Return the parts as stretches of one bar, each at least one cell long."""
    rest = cells - len(spent.parts)
    sizes: list[int] = []
    losses: list[float] = []
    for part in spent.parts:
        share = rest * part.seconds / spent.seconds
        sizes.append(1 + int(share))
        losses.append(share - int(share))
    # The cells that rounding down has left go to the parts that lost most.
    places = sorted(range(len(losses)), key=lambda place: -losses[place])
    for place in places[: cells - sum(sizes)]:
        sizes[place] += 1
    strokes = []
    for part, size in zip(spent.parts, sizes, strict=True):
        strokes.append(Span(part.sign.text * size, part.sign.look))
    return strokes
