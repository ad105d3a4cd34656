"""The life-lines beside the lanes: each open visit has a column of its own.

It is the first free one inside its parent's. So a Parallel's branches, a Map's
iterations and several executions stand beside each other, and no life-line crosses
another.
"""

from bisect import bisect_right
from datetime import UTC, datetime
from itertools import chain
from operator import itemgetter

from msgspec import Struct

from sfnwatch.analysis import phases
from sfnwatch.analysis.phases import Phase
from sfnwatch.model.history_event import REDRIVEN
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.model.visits import StateVisit, VisitKey
from sfnwatch.view.containers import Containers
from sfnwatch.view.trace_changes import everything

_NEVER = datetime.min.replace(tzinfo=UTC)
MOST = 16
"""More columns than these have no room: those beyond share the last."""


class Rail(Struct, frozen=True):
    """One life-line at one line."""

    column: int
    visit: VisitKey
    phase: Phase
    failed: bool = False
    """True where the try, or the visit, that it is part of failed."""
    begins: bool = False
    ends: bool = False


_LifeLineColumn = list[tuple[datetime, VisitKey]]
"""The visits of one column, in the order they were entered, and when that was."""


class LifeLines:
    """Knows which visit has which column; those behind folds have none."""

    def __init__(
        self, trace: Trace, containers: Containers, *, apart: bool = False
    ) -> None:
        """With `apart` each root execution has columns of its own."""
        self._trace = trace
        self._apart = apart
        self._containers = containers
        self.column: dict[VisitKey, int] = {}
        self._columns: dict[str, list[_LifeLineColumn]] = {}
        """By root execution, or one set for all."""
        self._latest = _NEVER
        self._known = 0
        self.update(everything(trace), containers)

    def update(self, changed: Changed, containers: Containers) -> None:
        """Give new visits their columns; all anew if one is late, or folds changed.

        So they are where an execution is new: columns may have come free meanwhile.
        """
        events = chain.from_iterable(changed.events.values())
        redriven = any(event.type == REDRIVEN for event in events)
        new = self._without_column(changed)
        late = any(visit.entered_at < self._latest for _, visit in new)
        known = self._known
        self._known = len(self._trace.executions)
        begun = known != self._known
        if redriven or late or begun or containers is not self._containers:
            self._containers = containers
            self._latest = _NEVER
            self.column = {}
            self._columns = {}
            new = self._without_column(everything(self._trace))
        for arn, visit in new:
            self._latest = max(self._latest, visit.entered_at)
            if containers.closed_at((arn, visit.id, None)) is None:
                self._give_column(arn, visit)

    def _without_column(self, changed: Changed) -> list[tuple[str, StateVisit]]:
        """Give visits in the order they were entered, but for those with a column."""
        keys = ((arn, each) for arn, ids in changed.visits.items() for each in ids)
        known = self._trace.executions
        new = [(a, known[a].visits[n]) for a, n in keys if (a, n) not in self.column]
        return sorted(new, key=lambda each: (each[1].entered_at, each[1].id))

    def _give_column(self, arn: str, visit: StateVisit) -> None:
        columns = self._columns.setdefault(self._set_of(arn), [])
        column = self._first_inside(arn, visit)
        while column < min(len(columns), MOST - 1) and self._is_taken(
            columns[column], arn, visit
        ):
            column += 1
        while len(columns) <= column:
            columns.append([])
        self.column[arn, visit.id] = column
        columns[column].append((visit.entered_at, (arn, visit.id)))

    def _set_of(self, arn: str) -> str:
        return self._trace.lineage.root_of(arn) if self._apart else ""

    def _first_inside(self, arn: str, visit: StateVisit) -> int:
        """Give the column next to that of what is around a visit."""
        around = (arn, visit.parent or 0)
        parent = self._trace.lineage.parents.get(arn)
        if visit.parent is None and parent is not None:
            around = parent.execution_arn, parent.visit_id
        return self.column.get(around, -1) + 1

    def _is_taken(self, column: _LifeLineColumn, arn: str, visit: StateVisit) -> bool:
        """True if the last visit of a column had not ended when another was entered."""
        if not column:
            return False
        _, (other_arn, other_id) = column[-1]
        other = self._trace.executions[other_arn].visits[other_id]
        if other.ended_at is None or other.ended_at > visit.entered_at:
            return True
        same = other_arn == arn and other.ended_at == visit.entered_at
        return same and other.ended_by > visit.id

    def width(self, root_arn: str = "") -> int:
        """Give the number of columns there are."""
        return len(self._columns.get(self._set_of(root_arn), ()))

    def rails(self, snapshot: Snapshot, at: datetime, root_arn: str = "") -> list[Rail]:
        """Give the life-lines that pass a line whose time is `at`."""
        found: list[Rail] = []
        for number, column in enumerate(self._columns.get(self._set_of(root_arn), ())):
            place = bisect_right(column, at, key=itemgetter(0)) - 1
            key = column[place][1] if place >= 0 else ("", 0)
            execution = snapshot.executions.get(key[0])
            visit = execution.visit(key[1]) if execution is not None else None
            if execution is None or visit is None or (visit.ended_at or at) < at:
                continue
            until = max(at, visit.entered_at)
            stretches = list(phases.segments(execution, visit, until))
            # At a border it is the one that ends.
            begun = [each for each in stretches if each.begin < at] or stretches[:1]
            phase = begun[-1].phase if begun else Phase.WAITING
            found.append(Rail(number, key, phase, bool(begun) and begun[-1].failed))
        return found
