"""Where a row is at home: in which Parallel or Map, and in which branch of it.

And in which nest: an execution that a state began, or a Map Run. Histories may be
nested as deep as they are long, so nothing here walks up a chain: a visit is entered
after the one around it, and takes over what is known of that.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from sfnwatch.trace.lanes import Kind, Row
from sfnwatch.trace.nests import Nest
from sfnwatch.trace.shape_crowds import Crowds, Key, branch_key
from sfnwatch.trace.visits import StateVisit

_CONTAINERS = frozenset({"Parallel", "Map"})


class Home(Struct, frozen=True):
    """A visit of a Parallel or a Map, or one branch of it; or a nest."""

    key: str
    visit: StateVisit | None = None
    index: int | None = None
    """Which branch; None: the visit as a whole."""
    nest: Nest | None = None


def visit_key(execution_arn: str | None, visit_id: int) -> str:
    """Key the fold of a Parallel's or Map's visit."""
    return f"{execution_arn}#{visit_id}~visit"


def is_container(visit: StateVisit) -> bool:
    return visit.type in _CONTAINERS


def iteration_of(row: Row) -> int | None:
    """Say which iteration a Map's own event is about."""
    if not row.events or not row.events[0].type.startswith("MapIteration"):
        return None
    index = row.events[0].details.get("index")
    return index if isinstance(index, int) else None


def spot(visit: StateVisit | None) -> object:
    """Say where in the tree a visit is."""
    return visit and (visit.id, visit.name, visit.type, visit.parent, visit.index)


class Homes:
    """The visits of some rows, and which of them are folded; it grows with the rows."""

    def __init__(
        self,
        folded: frozenset[str] = frozenset(),
        opened: frozenset[str] = frozenset(),
        *,
        crowds: bool = True,
    ) -> None:
        self._folded, self._opened = folded, opened
        self._crowds = Crowds() if crowds else None
        self._nests: Mapping[str, Nest] = {}
        self._visits: dict[Key, StateVisit] = {}
        self._firsts: list[int] = []
        """The place of each visit's first row, in the order of the visits."""
        self._iterations: list[tuple[int, Key, int]] = []
        """The places of Maps' own rows, and which iterations they tell of."""
        self._branches: dict[Key, Home | None] = {}
        self._outermost: dict[Key, Home | None] = {}
        self.crowd: frozenset[str] = frozenset()
        """The keys of what begins folded."""
        self.closed: frozenset[str] = folded
        """The keys of the visits and branches that are folded."""
        self.orderly = True
        """False where a visit is in another place of the tree than it was, or its
        first row before that of the visit around it: what is known of rows before it
        is not to be relied on then."""

    def grow(
        self, rows: Sequence[Row], first: int, nests: Mapping[str, Nest] | None = None
    ) -> bool:
        """Know other rows from a place on.

        True if rows before that place may be at home elsewhere by now.
        """
        gone = self._forget(first)
        new = self._learn(rows, first)
        self.orderly &= all(
            spot(visit) == spot(self._visits.get(key)) for key, visit in gone.items()
        )
        before, nests = self.closed, nests or {}
        moved = bool(nests or self._nests)
        self._nests = nests
        if self._crowds is not None:
            moved |= self._crowds.settle(self._visits)
            nested = frozenset(nest.key for nest in nests.values())
            self.crowd = nested | self._crowds.keys
        self.closed = self._folded | (self.crowd - self._opened)
        moved |= bool(before) != bool(self.closed)
        if moved:
            self._branches.clear()
            self._outermost.clear()
        self._take_all(self._visits if moved else new)
        return moved

    def tell_anew(self, row: Row) -> None:
        """Know another row in the place of one: its visit is where it was."""
        if row.visit is not None:
            self._visits[row.execution_arn, row.visit.id] = row.visit

    def _forget(self, first: int) -> Mapping[Key, StateVisit]:
        """Forget the rows from a place on."""
        gone: dict[Key, StateVisit] = {}
        while self._firsts and self._firsts[-1] >= first:
            self._firsts.pop()
            key, visit = self._visits.popitem()
            gone[key] = visit
            self._branches.pop(key, None)
            self._outermost.pop(key, None)
            self._count(key, visit, known=False)
        while self._iterations and self._iterations[-1][0] >= first:
            _, key, index = self._iterations.pop()
            if self._crowds is not None:
                self._crowds.remove(key, index)
        return gone

    def _learn(self, rows: Sequence[Row], first: int) -> list[Key]:
        new: list[Key] = []
        visits = self._visits
        for place in range(first, len(rows)):
            row = rows[place]
            visit = row.visit
            if visit is None:
                continue
            key = (row.execution_arn, visit.id)
            if key not in visits:
                visits[key] = visit
                self._firsts.append(place)
                new.append(key)
                self._count(key, visit, known=True)
            if visit.type == "Map":
                self._learn_iteration(row, key, place)
        return new

    def _count(self, key: Key, visit: StateVisit, *, known: bool) -> None:
        parent = (key[0], visit.parent or 0)
        if known and visit.parent is not None and parent not in self._visits:
            self.orderly = False
        if self._crowds is None:
            return
        self._crowds.touch(key)
        if visit.parent is not None and visit.index is not None:
            count = self._crowds.add if known else self._crowds.remove
            count(parent, visit.index)

    def _learn_iteration(self, row: Row, key: Key, place: int) -> None:
        index = iteration_of(row)
        if index is not None and self._crowds is not None:
            self._iterations.append((place, key, index))
            self._crowds.add(key, index)

    def _take_all(self, keys: Iterable[Key]) -> None:
        own: dict[str | None, list[int]] = defaultdict(list)
        for arn, number in keys:
            own[arn].append(number)
        # What is around others comes first.
        for arn in (*(own.keys() - self._nests.keys()), *self._nests):
            self._take_nest(arn)
            for number in sorted(own.get(arn, ())):
                self._take((arn, number), self._visits[arn, number])

    def _take_nest(self, arn: str | None) -> None:
        nest = self._nests.get(arn or "")
        if nest is None or not self.closed:
            return
        found = self._outermost.get(nest.parent)
        if found is None and nest.key in self.closed:
            found = Home(nest.key, nest=nest)
        self._outermost[arn, 0] = found

    def _take(self, key: Key, visit: StateVisit) -> None:
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

    def _key(self, row: Row) -> Key:
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
