"""Where a row is at home: in which Parallel or Map, and in which branch of it.

And in which nest: an execution that a state began, or a Map Run. Histories may be
nested as deep as they are long, so nothing here walks up a chain: a visit is entered
after the one around it, and takes over what is known of that.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sfnwatch.trace.lanes import Kind, Row
from sfnwatch.trace.nests import Nest
from sfnwatch.trace.visits import StateVisit

MANY = 10
"""The iterations of a Map that has more than these begin folded."""
_CONTAINERS = frozenset({"Parallel", "Map"})
_Key = tuple[str | None, int]
"""An execution's ARN and the id of a visit in it."""


@dataclass(frozen=True, slots=True)
class Home:
    """A visit of a Parallel or a Map, or one branch of it; or a nest."""

    key: str
    visit: StateVisit | None = None
    index: int | None = None
    """Which branch; None: the visit as a whole."""
    nest: Nest | None = None


def visit_key(execution_arn: str | None, visit_id: int) -> str:
    """Key the fold of a Parallel's or Map's visit."""
    return f"{execution_arn}#{visit_id}~visit"


def branch_key(execution_arn: str | None, visit_id: int, index: int) -> str:
    """Key the fold of a branch, or an iteration, of a visit."""
    return f"{execution_arn}#{visit_id}~branch{index}"


def is_container(visit: StateVisit) -> bool:
    return visit.type in _CONTAINERS


def iteration_of(row: Row) -> int | None:
    """Say which iteration a Map's own event is about."""
    if not row.events or not row.events[0].type.startswith("MapIteration"):
        return None
    index = row.events[0].details.get("index")
    return index if isinstance(index, int) else None


class Homes:
    """The visits of some rows, and which of them are folded."""

    def __init__(
        self,
        rows: Sequence[Row],
        folded: frozenset[str],
        opened: frozenset[str] = frozenset(),
        *,
        crowds: bool = True,
        nests: Mapping[str, Nest] | None = None,
    ) -> None:
        self._nests = nests or {}
        self._visits: dict[_Key, StateVisit] = {}
        for row in rows:
            if row.visit is not None:
                self._visits.setdefault((row.execution_arn, row.visit.id), row.visit)
        nested = frozenset(nest.key for nest in self._nests.values())
        self.crowd = self._crowd(rows) | nested if crowds else frozenset()
        """The keys of what begins folded."""
        self.closed = folded | (self.crowd - opened)
        """The keys of the visits and branches that are folded."""
        self._branches: dict[_Key, Home | None] = {}
        self._outermost: dict[_Key, Home | None] = {}
        own: dict[str | None, list[int]] = defaultdict(list)
        for arn, number in self._visits:
            own[arn].append(number)
        # What is around others comes first.
        for arn in (*(own.keys() - self._nests.keys()), *self._nests):
            self._take_nest(arn)
            for number in sorted(own.get(arn, ())):
                self._take((arn, number), self._visits[arn, number])

    def _crowd(self, rows: Iterable[Row]) -> frozenset[str]:
        """Give the keys of the iterations that are too many to be read one by one."""
        indices: dict[_Key, set[int]] = defaultdict(set)
        for (arn, _), visit in self._visits.items():
            if visit.parent is not None and visit.index is not None:
                indices[arn, visit.parent].add(visit.index)
        for row in rows:
            index = iteration_of(row)
            if index is not None and row.visit is not None:
                indices[row.execution_arn, row.visit.id].add(index)
        return frozenset(
            branch_key(arn, number, index)
            for (arn, number), found in indices.items()
            for index in found
            if len(found) > MANY and self._is_map((arn, number))
        )

    def _is_map(self, key: _Key) -> bool:
        visit = self._visits.get(key)
        return visit is not None and visit.type == "Map"

    def _take_nest(self, arn: str | None) -> None:
        nest = self._nests.get(arn or "")
        if nest is None or not self.closed:
            return
        found = self._outermost.get(nest.parent)
        if found is None and nest.key in self.closed:
            found = Home(nest.key, nest=nest)
        self._outermost[arn, 0] = found

    def _take(self, key: _Key, visit: StateVisit) -> None:
        arn = key[0]
        parent = (arn, visit.parent or 0)
        around = self._visits.get(parent)
        branch = None
        if around is not None and visit.index is not None:
            branch = Home(branch_key(arn, around.id, visit.index), around, visit.index)
        self._branches[key] = branch
        if not self.closed:
            return
        found = self._outermost.get(parent)
        if found is None and branch is not None and branch.key in self.closed:
            found = branch
        if found is None and is_container(visit):
            own = visit_key(arn, visit.id)
            found = Home(own, visit) if own in self.closed else None
        self._outermost[key] = found

    def _key(self, row: Row) -> _Key:
        if row.kind is Kind.MAP_RUN and row.nest is not None:
            return row.nest.arn, 0
        if row.visit is not None:
            return row.execution_arn, row.visit.id
        visit_id = row.link.visit_id if row.link else None
        return row.execution_arn, visit_id or 0

    def visit_of(self, row: Row) -> StateVisit | None:
        """Find the visit a row is about; a call's is that of its link."""
        return row.visit or self._visits.get(self._key(row))

    def _around_nest(self, arn: str | None) -> str:
        """Give the key of the nest that an execution is, if it is one."""
        nest = self._nests.get(arn or "")
        return nest.key if nest is not None else ""

    def folded(self, row: Row) -> Home | None:
        """Find the outermost fold a row is behind."""
        if not self.closed:
            return None
        found = self._outermost.get(self._key(row))
        index = iteration_of(row)
        if found is None and index is not None and row.visit is not None:
            key = branch_key(row.execution_arn, row.visit.id, index)
            found = Home(key, row.visit, index) if key in self.closed else None
        return found

    def branch(self, row: Row) -> Home | None:
        """Find the branch a state's row stands in."""
        return self._branches.get(self._key(row)) if row.events else None

    def headed(self, row: Row) -> str:
        """Give the key of what a row is the head of, if it is one."""
        if row.kind in {Kind.CHILD, Kind.MAP_RUN} and row.nest is not None:
            return row.nest.key
        visit = row.visit
        if visit is None or not row.events:
            return ""
        first = row.events[0]
        if first.type == "MapIterationStarted":
            index = iteration_of(row)
            return (
                "" if index is None else branch_key(row.execution_arn, visit.id, index)
            )
        if first.id == visit.id and is_container(visit):
            return visit_key(row.execution_arn, visit.id)
        return ""

    def around(self, row: Row) -> str:
        """Give the key of the innermost visit or branch a row is part of."""
        if row.kind is Kind.MAP_RUN and row.nest is not None:
            return row.nest.key
        visit = self.visit_of(row)
        if visit is None:
            return self._around_nest(row.execution_arn)
        index = iteration_of(row)
        if index is not None:
            return branch_key(row.execution_arn, visit.id, index)
        if is_container(visit):
            return visit_key(row.execution_arn, visit.id)
        branch = self._branches.get((row.execution_arn, visit.id))
        if branch is not None:
            return branch.key
        if visit.parent:
            return visit_key(row.execution_arn, visit.parent)
        return self._around_nest(row.execution_arn)

    def branches(self) -> frozenset[str]:
        """Give the keys of all branches, iterations and nests."""
        nests = frozenset(nest.key for nest in self._nests.values())
        return nests | {home.key for home in self._branches.values() if home}
