"""Where things stand in the lanes: columns, times and calls, in cells.

Columns are as wide as the lines in view need: the time stands right of the longest
text, and an empty lane gives its room away. Columns widen at once and narrow seldom;
otherwise scrolling would be restless.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec import Struct

from sfnwatch.tui.spans import TIME_CELLS
from sfnwatch.view.life_lines import MOST_COLUMNS

_TWO_LANES_FROM = 100
"""Below this width states and calls share one lane."""
_LEAST_COLUMN = 26
"""Least cells of an execution's column, beside others."""
_LEAST_COLUMN_BESIDE_WIDE = 24
"""Least cells of a column where the last column needs more."""
WHOLE_TIME_CELLS = len("13:31:15")
GUTTER = 2
"""Blank cells between columns."""
_ARROW = len("──▶ ")
"""Cells between the time and the calls, for the arrow between lanes."""
_LEAST_CALLS_SHARE = 0.48
"""Least share of the room for calls, where not all that is in view fits."""
_MOST_LAST_COLUMN = 1.8
"""The last column is at most this many times as wide as the others."""
_NARROW_FROM = 12
"""Cells that must become free before a column narrows."""


class LaneColumn(Struct, frozen=True):
    """Where lines stand, in cells from the left: all lines, or one execution's."""

    root_arn: str
    left: int
    """Where its life-lines begin."""
    rails: int
    """Cells of its life-lines."""
    text: int
    """Where its text begins."""
    width: int = 0


class LaneLayout(Struct, frozen=True):
    """Where each thing stands, in cells from the left.

    States and calls share one lane, or have two. Or executions stand side by side, each
    with a column.
    """

    width: int
    columns: tuple[LaneColumn, ...]
    """One column for all lines, or one for each of several executions."""
    time: int
    time_cells: int = TIME_CELLS
    calls: int = 0
    """Where calls begin; 0 if they have no lane of their own."""

    @property
    def roots(self) -> Sequence[str]:
        """The ARNs of executions side by side; empty if there is one list."""
        if len(self.columns) == 1:
            return ()
        return [column.root_arn for column in self.columns]


class LineWidths(NamedTuple):
    """The cells that lines need: in one row each, and at the least."""

    states: int = 0
    calls: int = 0
    least_states: int = 0
    least_calls: int = 0
    together: int = 0
    """In one lane, where a call stands behind its state."""


def steady_widths(lines: Iterable[LineWidths], before: LineWidths) -> LineWidths:
    """Return widths that suffice for all lines; keep `before` while they nearly fit.

    Columns widen at once, and narrow only if much room is gained.
    """
    steady = []
    for old, *widths in zip(before, *lines, strict=True):
        new = max(widths, default=0)
        is_near = new <= old < new + _NARROW_FROM
        steady.append(old if is_near else new)
    return LineWidths(*steady)


def have_columns(width: int, executions: int) -> bool:
    """True if this many executions can stand side by side on `width` cells."""
    room = width - WHOLE_TIME_CELLS - GUTTER - 1
    return executions > 1 and room >= executions * _LEAST_COLUMN


def lanes_layout(width: int, rails: int, chips: int, lines: LineWidths) -> LaneLayout:
    """Return the layout of one list; `chips` are the cells of short names."""
    left = 1
    if chips:
        left += chips + 1
    rails = min(max(1, rails), MOST_COLUMNS)
    text = left + rails + GUTTER
    columns = (LaneColumn("", left, rails, text),)
    room = width - TIME_CELLS - 1 - GUTTER - text
    if room < TIME_CELLS:
        # With so little room, words matter more than the time.
        return LaneLayout(width, columns, time=width, time_cells=0)
    if width >= _TWO_LANES_FROM and lines.calls and not chips:
        time = text + _states_beside_calls(room - _ARROW, lines) + GUTTER
        return LaneLayout(width, columns, time, calls=time + TIME_CELLS + _ARROW)
    time = text + min(lines.together, room) + GUTTER
    return LaneLayout(width, columns, time)


def _states_beside_calls(room: int, lines: LineWidths) -> int:
    """Divide the room between states and calls; return the cells of the states.

    The least cells that both need come first.
    """
    if lines.states + lines.calls <= room:
        return max(lines.states, TIME_CELLS)
    most_calls = max(int(room * _LEAST_CALLS_SHARE), room - lines.least_states)
    calls = min(lines.least_calls, most_calls)
    return max(TIME_CELLS, min(lines.states, room - calls))


def columns_layout(
    width: int, roots: Sequence[str], rails: Sequence[int], last: int
) -> LaneLayout:
    """Return a layout with a column for each execution, side by side.

    Words may run on into blank cells at their right. Nothing is right of the last
    column: it gets the `last` cells that its lines need, within limits.
    """
    left = 1 + WHOLE_TIME_CELLS + GUTTER
    room = width - left
    others = len(roots) - 1
    share = room // len(roots)
    last = min(
        max(last, share),
        room - others * _LEAST_COLUMN_BESIDE_WIDE,
        int(share * _MOST_LAST_COLUMN),
    )
    each, rest = divmod(room - last, others)
    columns = []
    for number, root in enumerate(roots):
        cells = last
        if number < others:
            cells = each + (number < rest)
        life_lines = min(max(1, rails[number]), MOST_COLUMNS)
        text = left + life_lines + 1
        columns.append(LaneColumn(root, left, life_lines, text, cells))
        left += cells
    return LaneLayout(width, tuple(columns), time=1, time_cells=WHOLE_TIME_CELLS)
