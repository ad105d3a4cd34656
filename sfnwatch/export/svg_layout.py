"""Where the lanes stand: states, the axis of time, calls by service.

One execution has time in its middle; of several, each has its states and its calls
beside each other, and the axis they share stands at the left.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from sfnwatch.trace.lanes import TASKS, Row
from sfnwatch.trace.timeline import Trace

MARGIN = 20.0
_STATES, _STATES_BESIDE = 440.0, 300.0
_ALONE, _CALLS, _CALLS_BESIDE = 390.0, 310.0, 250.0
"""The calls of one service have more room than those of several."""
_LEFT, _RIGHT = 104.0, 76.0
"""What times take on either side of the axis."""
_SERVICES = 3
"""So many services have a lane of their own; what is left shares one."""


class Column(Struct, frozen=True):
    """One lane."""

    x: float
    width: float
    execution_arn: str | None = None
    source: str | None = None
    """The service whose calls these are; None for those of several."""

    @property
    def right(self) -> float:
        return self.x + self.width


class Axis(Struct, frozen=True):
    x: float
    """Of the line itself."""
    two_sided: bool = False
    """True if the times of calls stand at its right."""


class Layout(Struct, frozen=True):
    """All lanes of a picture."""

    axis: Axis
    width: float
    states: Mapping[str, Column] = field(default_factory=dict)
    """By execution."""
    calls: tuple[Column, ...] = ()

    def column_of(self, row: Row) -> Column | None:
        """Find the lane of a call: of its execution and service, else the last."""
        # A lane of several services takes what no other does.
        order = sorted(self.calls, key=lambda column: column.source is None)
        for column in order:
            if self._fits(column, row):
                return column
        return self.calls[-1] if self.calls else None

    def _fits(self, column: Column, row: Row) -> bool:
        if len(self.states) > 1:
            return column.execution_arn == row.execution_arn
        return column.source in {row.source, None}


def layout_of(trace: Trace, rows: Sequence[Row]) -> Layout:
    """Place the lanes that a trace needs."""
    calls = [row for row in rows if row.source]
    if len(trace.timelines) > 1:
        return _beside(trace, calls)
    x = MARGIN
    states: dict[str, Column] = {}
    for arn in trace.timelines:
        states[arn] = Column(x, _STATES, arn)
        x += _STATES
    left, right = _LEFT if states else 0.0, _RIGHT if calls else 0.0
    axis = Axis(x + left, two_sided=bool(calls))
    x += left + right + 16
    columns = []
    services = _services(calls)
    each = _ALONE if len(services) == 1 else _CALLS
    for source in services:
        columns.append(Column(x, each, source=source))
        x += each
    return Layout(axis, x + MARGIN, states, tuple(columns))


def _beside(trace: Trace, calls: Sequence[Row]) -> Layout:
    x = MARGIN + _LEFT
    axis = Axis(x)
    x += 18
    states: dict[str, Column] = {}
    columns: list[Column] = []
    services: dict[str | None, set[str]] = defaultdict(set)
    for row in calls:
        services[row.execution_arn].add(row.source)
    for arn in (*trace.timelines, None):
        if arn is not None:
            states[arn] = Column(x, _STATES_BESIDE, arn)
            x += _STATES_BESIDE
        if arn in services:
            lone = len(services[arn]) == 1
            source = next(iter(services[arn])) if lone else None
            columns.append(Column(x, _CALLS_BESIDE, arn, source))
            x += _CALLS_BESIDE
        x += MARGIN
    return Layout(axis, x, states, tuple(columns))


def _services(calls: Iterable[Row]) -> tuple[str | None, ...]:
    """List the services by how many calls they got; None for all that are left.

    The tasks come last, and have a lane of their own.
    """
    counted = Counter(row.source for row in calls)
    tasks = (TASKS,) if counted.pop(TASKS, 0) else ()
    order = sorted(counted, key=lambda source: (-counted[source], source))
    if len(order) <= _SERVICES:
        return (*order, *tasks)
    return (*order[: _SERVICES - 1], None, *tasks)
