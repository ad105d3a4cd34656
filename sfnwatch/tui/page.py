"""What one moment of a trace shows, worked out apart from the screen."""

from bisect import bisect_left
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING

from sfnwatch.trace.events import HealthState
from sfnwatch.trace.growing_lanes import GrowingLanes
from sfnwatch.trace.lanes import ANSWERED, TASKS, Lanes, Row, measured_to
from sfnwatch.trace.shape import Shape
from sfnwatch.trace.timeline import Trace
from sfnwatch.tui.arrange import Plan, arrange
from sfnwatch.tui.laying import Laying
from sfnwatch.tui.layout import Hints, Layout
from sfnwatch.tui.status import quiet_words

if TYPE_CHECKING:
    from sfnwatch.tui.gantt_tree import Chart

_TIME = attrgetter("at")


@dataclass(frozen=True)
class Page:
    """A trace, laid out."""

    trace: Trace = field(default_factory=Trace)
    lanes: Lanes = field(default_factory=Lanes)
    hints: Hints = field(default_factory=Hints)
    layout: Layout = field(default_factory=Layout)
    ended: bool = False

    @cached_property
    def chart(self) -> "Chart":
        """The timeline's rows; worked out when somebody looks at them."""
        from sfnwatch.tui.gantt_tree import make_chart

        return make_chart(self.trace)

    @property
    def services(self) -> tuple[str, ...]:
        """The event sources of all calls, shown or hidden."""
        return tuple(name for name in self.layout.counts if name != TASKS)

    def row(self, key: str | None) -> Row | None:
        """Give the row of a key."""
        place = self.lanes.positions.get(key or "")
        return None if place is None else self.lanes.rows[place]

    def whole(self, row: Row) -> Row:
        """Give a line's own row as the lanes have it, with what is told on another.

        It is looked for by its time: to know the places of all keys takes longer than
        a frame, and every page has others. A call stands behind the phase it led to,
        which came that much later at most.
        """
        rows = self.lanes.rows
        first = bisect_left(rows, row.at - ANSWERED, key=_TIME)
        for place in range(first, len(rows)):
            if rows[place].key == row.key:
                return rows[place]
            if rows[place].at > row.at + ANSWERED:
                break
        # Where all executions start together it has another time.
        return self.row(row.key) or row


def make_page(
    trace: Trace,
    *,
    shape: Shape,
    plan: Plan,
    ended: bool,
    growing: GrowingLanes | None = None,
    laying: Laying | None = None,
) -> Page:
    """Lay a trace out, in a thread or not.

    What is `growing` and what is `laying` know the page before: what has not changed
    is not made again.
    """
    health = trace.health.get("lookup")
    over = health is None or health.state is HealthState.ENDED
    hints = Hints(
        states="no state transitions" if ended else "waiting for the first event…",
        calls=quiet_words(trace, ended=ended),
        complete_to=None if over else measured_to(trace),
    )
    lanes = (growing or GrowingLanes()).lanes(trace)
    layout = arrange(lanes, plan, hints, shape, laying)
    return Page(trace, lanes, hints, layout, ended)
