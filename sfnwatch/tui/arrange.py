"""How lanes are put on a screen: one execution or several, as the width allows."""

from msgspec import Struct

from sfnwatch.trace.aligned import aligned, origin
from sfnwatch.trace.lanes import Lanes
from sfnwatch.trace.shape import Shape
from sfnwatch.trace.values import replace
from sfnwatch.tui.beside import lay_out_beside
from sfnwatch.tui.lane_frame import is_folded, room_beside
from sfnwatch.tui.laying import Laying
from sfnwatch.tui.layout import Hints, Layout, lay_out


class Plan(Struct, frozen=True):
    """What a layout is made for: it does for every width with the same plan."""

    folded: bool = False
    """True for one lane, of states and calls together."""
    beside: bool = False
    """True for a column for each execution."""
    aligned: bool = False
    """True where all executions are said to have started at once."""


def plan_for(width: int, executions: int, *, aligned: bool = False) -> Plan:
    """Choose how so many executions are laid out on a width."""
    several = executions > 1
    beside = room_beside(width, executions)
    folded = not beside and is_folded(width, several=several)
    return Plan(folded, beside, aligned and several)


def arrange(
    lanes: Lanes,
    plan: Plan,
    hints: Hints,
    wanted: Shape,
    laying: Laying | None = None,
) -> Layout:
    """Lay lanes out by a plan; what a `laying` knows of is not worked out again."""
    start = origin(lanes.heads) if plan.aligned else None
    if start is not None:
        lanes = aligned(lanes)
    if plan.beside:
        return lay_out_beside(lanes, hints=hints, wanted=wanted, origin=start)
    if start is not None:
        # Each execution has its own place for it.
        hints = replace(hints, complete_to=None)
    layout = lay_out(
        lanes, folded=plan.folded, hints=hints, wanted=wanted, laying=laying
    )
    return replace(layout, origin=start) if start is not None else layout
