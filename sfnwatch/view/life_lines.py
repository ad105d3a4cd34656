"""The life-lines beside the lanes: each open visit has a column of its own.

A visit has the first free column to the right of its parent's. So a Parallel's
branches, a Map's iterations and several executions stand side by side, and no life-line
crosses another.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain
from operator import itemgetter

from msgspec import Struct

from sfnwatch.analysis import phases
from sfnwatch.analysis.phases import Phase
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.history_event import REDRIVEN
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.model.visits import StateVisit, VisitKey
from sfnwatch.view.outline import Outline
from sfnwatch.view.trace_changes import visit_keys_in
from sfnwatch.view.trace_follower import TraceFollower

MOST_COLUMNS = 16
"""The most columns; all further life-lines share the last column."""
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


class Rail(Struct, frozen=True):
    """The piece of a visit's life-line at one line."""

    column: int
    visit: VisitKey
    phase: Phase
    failed: bool = False
    """True where the try, or the visit, failed to which this piece belongs."""
    begins: bool = False
    ends: bool = False


_OpenVisits = list[tuple[datetime, VisitKey]]
"""The visits of a column in the order of time: when each was entered, and its key."""


class LifeLines(TraceFollower):
    """Gives visits their columns; visits behind folds have none."""

    def __init__(self, trace: Trace, outline: Outline, *, apart: bool = False) -> None:
        """If `apart`, each root execution has columns of its own."""
        self._outline = outline
        self.apart = apart
        super().__init__(trace)

    def _clear(self) -> None:
        self._containers = self._outline.containers
        self._execution_count = len(self._trace.executions)
        self.column: dict[VisitKey, int] = {}
        self._columns: dict[str, list[_OpenVisits]] = {}
        """The columns by root execution; without `apart`, one set for all."""
        self._latest_entry = _BEFORE_ALL

    def _needs_rebuild(self, changed: Changed) -> bool:
        """True where folds, executions, a redrive or late visits may move columns."""
        if self._containers is not self._outline.containers:
            return True
        if self._execution_count != len(self._trace.executions):
            return True
        for event in chain.from_iterable(changed.events.values()):
            if event.type == REDRIVEN:
                return True
        for _, visit in self._without_column(changed):
            if visit.entered_at < self._latest_entry:
                return True
        return False

    def _without_column(self, changed: Changed) -> list[tuple[str, StateVisit]]:
        executions = self._trace.executions
        visits: list[tuple[str, StateVisit]] = []
        for arn, visit_id in visit_keys_in(changed):
            if (arn, visit_id) not in self.column:
                visits.append((arn, executions[arn].visits[visit_id]))
        return visits

    def _add(self, changed: Changed) -> None:
        """Give new visits their columns, in the order in which they were entered."""
        visits = self._without_column(changed)
        visits.sort(key=lambda entry: (entry[1].entered_at, entry[1].id))
        for arn, visit in visits:
            self._latest_entry = max(self._latest_entry, visit.entered_at)
            if self._containers.closed_at((arn, visit.id, None)) is None:
                self._give_column(arn, visit)
                self.version += 1

    def _give_column(self, arn: str, visit: StateVisit) -> None:
        columns = self._columns.setdefault(self._set_of(arn), [])
        number = self._first_inside(arn, visit)
        last = min(len(columns), MOST_COLUMNS - 1)
        while number < last and self._is_taken(columns[number], arn, visit):
            number += 1
        while len(columns) <= number:
            columns.append([])
        self.column[arn, visit.id] = number
        columns[number].append((visit.entered_at, (arn, visit.id)))

    def _set_of(self, arn: str) -> str:
        return self._trace.lineage.root_of(arn) if self.apart else ""

    def _first_inside(self, arn: str, visit: StateVisit) -> int:
        """Return the column to the right of the parent visit's; 0 without a parent."""
        around = (arn, visit.parent or 0)
        parent = self._trace.lineage.parents.get(arn)
        if visit.parent is None and parent is not None:
            around = parent.execution_arn, parent.visit_id
        return self.column.get(around, -1) + 1

    def _is_taken(self, column: _OpenVisits, arn: str, visit: StateVisit) -> bool:
        """True if the last visit of a column had not ended when `visit` was entered."""
        if not column:
            return False
        _, (last_arn, last_id) = column[-1]
        last = self._trace.executions[last_arn].visits[last_id]
        if last.ended_at is None or last.ended_at > visit.entered_at:
            return True
        is_same_moment = last_arn == arn and last.ended_at == visit.entered_at
        return is_same_moment and last.ended_by > visit.id

    def width(self, root_arn: str = "") -> int:
        """Return the number of columns."""
        return len(self._columns.get(self._set_of(root_arn), ()))

    def rails(self, snapshot: Snapshot, at: datetime, root_arn: str = "") -> list[Rail]:
        """Return the life-lines that pass a line whose time is `at`."""
        rails: list[Rail] = []
        columns: Sequence[_OpenVisits] = self._columns.get(self._set_of(root_arn), ())
        for number, column in enumerate(columns):
            place = bisect_right(column, at, key=itemgetter(0)) - 1
            if place < 0:
                continue
            arn, visit_id = column[place][1]
            execution = snapshot.executions.get(arn)
            visit = execution.visit(visit_id) if execution is not None else None
            if execution is None or visit is None or (visit.ended_at or at) < at:
                continue
            rails.append(_rail(number, execution, visit, at))
        return rails


def _rail(
    column: int, execution: ExecutionAsOf, visit: StateVisit, at: datetime
) -> Rail:
    """Return a visit's life-line at a time; between two phases it has the earlier."""
    until = max(at, visit.entered_at)
    current: phases.Segment | None = None
    for segment in phases.segments(execution, visit, until):
        if current is None or segment.begin < at:
            current = segment
    key = execution.arn, visit.id
    if current is None:
        return Rail(column, key, Phase.WAITING)
    return Rail(column, key, current.phase, current.failed)
