"""The bars of a state on both sides, drawn to one scale."""

from sfnwatch.analysis.compare.comparison import Comparison
from sfnwatch.analysis.compare.visit_pair import VisitPair
from sfnwatch.analysis.phases import Phase


def bar_scale(comparison: Comparison) -> float:
    """Return the seconds of a full bar: the longest state of both sides."""
    longest = max((pair.seconds.longest for pair in comparison.pairs), default=0.0)
    return longest or 1.0


def bar(pair: VisitPair, side: str, scale: float, room: int) -> list[tuple[Phase, int]]:
    """Return the phases of A's or B's bar with their screen cells.

    A full bar has `room` cells and stands for `scale` seconds. A state that took any
    time has at least one cell.
    """
    phases = []
    whole = 0.0
    for phase, lengths in pair.phases.items():
        seconds = (lengths.a if side == "A" else lengths.b) or 0.0
        phases.append((phase, seconds))
        whole += seconds
    if whole <= 0 or room <= 0:
        return []
    cells = min(room, max(1, round(whole / scale * room)))
    bar_phases = []
    spent = 0.0
    taken = 0
    for phase, seconds in phases:
        spent += seconds
        end = round(spent / whole * cells)
        if end > taken:
            bar_phases.append((phase, end - taken))
            taken = end
    return bar_phases
