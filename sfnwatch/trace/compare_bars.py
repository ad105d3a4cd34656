"""How many cells of a bar each part of a state's time takes, to a scale for both."""

from collections.abc import Mapping

from sfnwatch.trace.compare_points import (
    Which,
)
from sfnwatch.trace.compare_values import (
    Change,
    Comparison,
    Pair,
)
from sfnwatch.trace.spans import Part

_ORDER = (
    Part.WAITING,
    Part.AROUND,
    Part.WORKING,
    Part.BACKING_OFF,
    Part.NOTICING,
)
"""As they mostly come one after the other."""
MEANINGS: Mapping[Part, str] = {
    **{part: str(part) for part in _ORDER},
    Part.NOTICING: "over, not noticed",
    Part.AROUND: "all inside",
}
"""What each part of a bar means to a reader."""
SLIVER = "▏"
"""What is drawn of a time that would not take half a cell."""


def scale_of(comparison: Comparison) -> float:
    """Give the seconds that a whole bar stands for: the longest of both sides."""
    lengths = (_longest(pair.seconds) for pair in comparison.pairs)
    return max(lengths, default=0.0) or 1.0


def _longest(change: Change) -> float:
    return max(change.a or 0.0, change.b or 0.0)


def bar(
    parts: Mapping[Part, float], scale: float, width: int
) -> tuple[tuple[Part, int], ...]:
    """Share out a bar's cells; what took any time at all has one."""
    whole = sum(parts.values())
    if whole <= 0 or width <= 0:
        return ()
    cells = min(width, max(1, round(whole / scale * width)))
    found: list[tuple[Part, int]] = []
    spent, taken = 0.0, 0
    for part in _ORDER:
        spent += parts.get(part, 0.0)
        end = round(spent / whole * cells)
        if end > taken:
            found.append((part, end - taken))
            taken = end
    return tuple(found)


def is_sliver(parts: Mapping[Part, float], scale: float, width: int) -> bool:
    """True for a time that is too short to be drawn to the scale."""
    return 0 < sum(parts.values()) / scale * width < 0.5  # noqa: PLR2004


def parts_of(pair: Pair, which: Which) -> Mapping[Part, float]:
    """Give one side's seconds by what they were spent on."""
    sides = ((p, c.a if which is Which.A else c.b) for p, c in pair.parts.items())
    return {part: seconds for part, seconds in sides if seconds}
