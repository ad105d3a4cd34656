"""Where things stand in the lanes: columns, the time, and the calls, in cells.

Columns are as wide as what is in view: the time stands right of the longest text, and
an empty lane gives its room away. They widen at once and narrow seldom, or scrolling
would be restless.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from msgspec import Struct

from sfnwatch.tui.paint import TIME_CELLS
from sfnwatch.view.life_lines import MOST

NARROW = 100
"""Below so many cells there is one lane."""
LEAST_COLUMN = 26
"""Cells that an execution beside others needs."""
WHOLE_TIME_CELLS = len("13:31:15")
_LEAST_BESIDE = 24
"""Those that it has where the last one needs more."""
GUTTER = 2
"""Blank cells between columns."""
ARROW = len("──▶ ")
"""Cells between the time and the calls, for what leads from one to the other."""
_SHARE = 0.48
"""The part that the calls have at least, where not all that is in view has room."""
_WIDER = 1.8
"""So many times as wide as the others the last column may be."""
_SHRINK = 12
"""Cells that must have become free before a column narrows."""


class LaneColumn(Struct, frozen=True):
    """Where lines stand, in cells from the left: all, or those of one execution."""

    root_arn: str
    left: int
    """Where its life-lines begin."""
    rails: int
    """Cells of them."""
    text: int
    """Where its text begins."""
    width: int = 0


class LaneLayout(Struct, frozen=True):
    """Where each thing stands, in cells from the left.

    States and calls stand below each other, in two lanes, or beside other executions.
    """

    width: int
    columns: tuple[LaneColumn, ...]
    """One for all lines, or one for each of several executions."""
    time: int
    time_cells: int = TIME_CELLS
    calls: int = 0
    """Where calls begin; 0 where they have no lane of their own."""

    @property
    def roots(self) -> Sequence[str]:
        """The executions that stand side by side; none where there is one list."""
        return [c.root_arn for c in self.columns] if len(self.columns) > 1 else ()


class Needs(NamedTuple):
    """What lines in view would take, in cells: in one row each, and at the least."""

    states: int = 0
    calls: int = 0
    least_states: int = 0
    least_calls: int = 0
    together: int = 0
    """In one lane, where a call follows on its state."""


def steadied(every: Iterable[Needs], before: Needs) -> Needs:
    """Give what does for all lines, and keep columns as they are where that may be.

    They widen at once, and narrow only where much room is gained.
    """
    most = map(max, zip(Needs(), *every, strict=True))
    pairs = zip(most, before, strict=True)
    return Needs(*(old if new <= old < new + _SHRINK else new for new, old in pairs))


def have_columns(width: int, executions: int) -> bool:
    """True where so many executions stand beside each other on so many cells."""
    room = width - WHOLE_TIME_CELLS - GUTTER - 1
    return executions > 1 and room >= executions * LEAST_COLUMN


def lanes_layout(width: int, rails: int, chips: int, needs: Needs) -> LaneLayout:
    """Lay out one list of lines; `chips` are the cells of executions' short names."""
    left = 1 + (chips + 1 if chips else 0)
    rails = min(max(1, rails), MOST)
    text = left + rails + GUTTER
    columns = (LaneColumn("", left, rails, text),)
    room = width - TIME_CELLS - 1 - GUTTER - text
    if room < TIME_CELLS:
        # With so little room the words come first.
        return LaneLayout(width, columns, time=width, time_cells=0)
    if width >= NARROW and needs.calls and not chips:
        time = text + _states_beside_calls(room - ARROW, needs) + GUTTER
        return LaneLayout(width, columns, time, calls=time + TIME_CELLS + ARROW)
    return LaneLayout(width, columns, text + min(needs.together, room) + GUTTER)


def _states_beside_calls(room: int, needs: Needs) -> int:
    """Divide the room between states and calls: first the least, then as it comes."""
    if needs.states + needs.calls <= room:
        return max(needs.states, TIME_CELLS)
    share = int(room * _SHARE)
    calls = min(needs.least_calls, max(share, room - needs.least_states))
    return max(TIME_CELLS, min(needs.states, room - calls))


def columns_layout(
    width: int, roots: Sequence[str], rails: Sequence[int], last: int
) -> LaneLayout:
    """Lay out a column for each execution, beside each other.

    Words may run on over what is blank at their right; at the right of the last column
    there is nothing, so it has the `last` cells that its lines need, as far as it goes.
    """
    begin = 1 + WHOLE_TIME_CELLS + GUTTER
    room = width - begin
    others = len(roots) - 1
    share = room // len(roots)
    last = min(max(last, share), room - others * _LEAST_BESIDE, int(share * _WIDER))
    each, rest = divmod(room - last, others)
    widths = [*(each + (number < rest) for number in range(others)), last]
    lefts = accumulate(widths, initial=begin)
    columns = []
    for root, left, cells, own in zip(roots, lefts, widths, rails, strict=False):
        shown = min(max(1, own), MOST)
        columns.append(LaneColumn(root, left, shown, left + shown + 1, cells))
    return LaneLayout(width, tuple(columns), time=1, time_cells=WHOLE_TIME_CELLS)
