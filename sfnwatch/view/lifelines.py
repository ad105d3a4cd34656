"""The life-lines beside the lines: each open visit has a column of its own.

The first free one inside its parent's: so a Parallel's branches, a Map's iterations and
several executions stand beside each other, and none crosses another.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from operator import itemgetter

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.analysis.phases import Phase, Segment, segments
from sfnwatch.model.history import REDRIVEN
from sfnwatch.model.moment import Moment
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.model.visits import StateVisit
from sfnwatch.view.order import Containers

_NEVER = datetime.min.replace(tzinfo=UTC)
MOST = 16
"""More columns than these have no room: those beyond share the last."""
VisitKey = tuple[str, int]
"""An execution's ARN and the id of a visit in it."""


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
        self._trace, self._apart = trace, apart
        self.build(containers)

    def build(self, containers: Containers) -> None:
        """Give all visits their columns."""
        self._containers = containers
        self.column: dict[VisitKey, int] = {}
        self._columns: dict[str, list[_LifeLineColumn]] = {}
        """By root execution, or one set for all."""
        self._latest = _NEVER
        executions = self._trace.executions.items()
        self._add(
            ((arn, visit) for arn, each in executions for visit in each.visits.values())
        )

    def update(self, changed: Changed, containers: Containers) -> None:
        """Give the visits that are new their columns."""
        redriven = any(
            event.type == REDRIVEN
            for events in changed.events.values()
            for event in events
        )
        new = [
            (arn, self._trace.executions[arn].visits[visit_id])
            for arn, visit_ids in changed.visits.items()
            for visit_id in visit_ids
            if (arn, visit_id) not in self.column
        ]
        late = any(visit.entered_at < self._latest for _, visit in new)
        if redriven or late or containers is not self._containers:
            self.build(containers)
        else:
            self._add(new)

    def _add(self, visits: Iterable[tuple[str, StateVisit]]) -> None:
        ordered = sorted(visits, key=lambda each: (each[1].entered_at, each[1].id))
        for arn, visit in ordered:
            self._latest = max(self._latest, visit.entered_at)
            if not self._containers.is_hidden(arn, visit.id):
                self._give_column(arn, visit)

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
        if visit.parent is not None:
            return self.column.get((arn, visit.parent), -1) + 1
        parent = self._trace.lineage.parents.get(arn)
        if parent is None:
            return 0
        return self.column.get((parent.execution_arn, parent.visit_id), -1) + 1

    def _is_taken(self, column: _LifeLineColumn, arn: str, visit: StateVisit) -> bool:
        """True if the last visit of a column had not ended when another was entered."""
        if not column:
            return False
        _, (other_arn, other_id) = column[-1]
        other = self._trace.executions[other_arn].visits[other_id]
        if other.ended_at is None or other.ended_at > visit.entered_at:
            return True
        same = other_arn == arn and other.ended_at == visit.entered_at
        return same and bool(other.turns) and other.turns[-1].by > visit.id

    # -- at a line -------------------------------------------------------------------

    def width(self, root_arn: str = "") -> int:
        """Give the number of columns there are."""
        return len(self._columns.get(root_arn if self._apart else "", ()))

    def rails(self, moment: Moment, at: datetime, root_arn: str = "") -> list[Rail]:
        """Give the life-lines that pass a line whose time is `at`."""
        found: list[Rail] = []
        columns = self._columns.get(root_arn if self._apart else "", ())
        for number, column in enumerate(columns):
            place = bisect_right(column, at, key=itemgetter(0)) - 1
            if place < 0:
                continue
            _, (arn, visit_id) = column[place]
            execution = moment.executions.get(arn)
            visit = execution.visit(visit_id) if execution else None
            if visit is not None and (visit.ended_at is None or visit.ended_at >= at):
                found.append(_rail(number, (arn, visit_id), visit, at))
        return found


def _rail(column: int, key: VisitKey, visit: StateVisit, at: datetime) -> Rail:
    segment = _segment_at(segments(visit, max(at, visit.entered_at)), at)
    phase = segment.phase if segment is not None else Phase.WAITING
    return Rail(column, key, phase, failed=segment is not None and segment.failed)


def _segment_at(found: Iterable[Segment], at: datetime) -> Segment | None:
    """Find the stretch that a moment belongs to: at a border the one that ends."""
    last: Segment | None = None
    for segment in found:
        if last is not None and segment.begin >= at:
            break
        last = segment
    return last


def with_ends(
    rails: Iterable[Rail], begins: VisitKey | None, ends: VisitKey | None
) -> Iterator[Rail]:
    """Mark the life-line that a line begins, and the one that it ends."""
    for rail in rails:
        own = {"begins": rail.visit == begins, "ends": rail.visit == ends}
        yield replace(rail, **own) if any(own.values()) else rail
