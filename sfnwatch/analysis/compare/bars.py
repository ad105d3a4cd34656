"""The bars of a state on both sides, drawn to one scale."""

from sfnwatch.analysis.compare.comparison import (
    Comparison,
)
from sfnwatch.analysis.compare.visit_pair import VisitPair
from sfnwatch.analysis.phases import Phase


def bar_scale(comparison: Comparison) -> float:
    """Return the seconds of a full bar: the longest state of both sides."""
    return max((p.seconds.longest for p in comparison.pairs), default=0.0) or 1.0


def bar(pair: VisitPair, side: str, scale: float, room: int) -> list[tuple[Phase, int]]:
    """Return the phases of A's or B's bar with their screen cells.

    A full bar has `room` cells and stands for `scale` seconds. A state that took any
    time has at least one cell.
    """
    told = {p: each.a if side == "A" else each.b for p, each in pair.phases.items()}
    whole = sum(seconds or 0.0 for seconds in told.values())
    if whole <= 0 or room <= 0:
        return []
    cells = min(room, max(1, round(whole / scale * room)))
    found: list[tuple[Phase, int]] = []
    spent = 0.0
    taken = 0
    for phase, seconds in told.items():
        spent += seconds or 0.0
        end = round(spent / whole * cells)
        if end > taken:
            found.append((phase, end - taken))
            taken = end
    return found
