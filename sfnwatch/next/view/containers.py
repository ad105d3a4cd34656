"""What is around a line and can be folded: branches, visits, children, Map Runs.

Histories may be nested as deep as they are long, so nothing here climbs all the way:
what is known of the spot around one is used.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from msgspec import Struct

from sfnwatch.next.model.ecs_task import TaskState
from sfnwatch.next.model.history import HistoryEvent
from sfnwatch.next.model.links import AttemptKey
from sfnwatch.next.model.trace import Trace
from sfnwatch.next.view.children import child_key, map_run_key
from sfnwatch.next.view.order import Backoff, Fold, FoldKind, Item, Place

MANY = 10
"""The iterations of a Map that has more than these begin folded."""
_CONTAINERS = frozenset({"Parallel", "Map"})
Spot = tuple[str, int, int | None]
"""An execution or a Map Run, a visit in it (0: none), and an iteration of that."""
NOWHERE: Spot = ("", 0, None)


class Container(Struct, frozen=True):
    """Something around lines that can be folded."""

    key: str
    kind: FoldKind
    execution_arn: str
    visit_id: int
    index: int | None = None
    child_arn: str = ""

    def fold(self, place: Place) -> Fold:
        """Begin its fold, which stands at a place."""
        where = self.execution_arn, self.visit_id
        return Fold(
            self.key,
            self.kind,
            place,
            *where,
            index=self.index,
            child_arn=self.child_arn,
        )


def visit_key(execution_arn: str, visit_id: int) -> str:
    """Key the fold of a Parallel's or Map's visit."""
    return f"{execution_arn}#{visit_id}~visit"


def branch_key(execution_arn: str, visit_id: int, index: int) -> str:
    """Key the fold of a branch, or an iteration, of a visit."""
    return f"{execution_arn}#{visit_id}~branch{index}"


class Containers:
    """Knows what is around each item, and what of it is closed."""

    def __init__(
        self,
        trace: Trace,
        closed: frozenset[str] = frozenset(),
        opened: frozenset[str] = frozenset(),
        *,
        fold: bool = True,
    ) -> None:
        """`closed` and `opened` are the keys of what somebody has folded, or opened.

        With `fold` Map Runs, children and the iterations of large Maps begin folded.
        """
        self._trace = trace
        self._closed, self._opened, self._fold = closed, opened, fold
        self._iterations: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
        self._outermost: dict[Spot, Container | None] = {}

    def add_visits(self, arn: str, visit_ids: Iterable[int]) -> bool:
        """Take visits in; True if a Map has too many iterations that had not before."""
        visits, crowded = self._trace.executions[arn].visits, False
        for visit_id in visit_ids:
            visit = visits[visit_id]
            parent = visits.get(visit.parent or 0)
            if visit.index is None or parent is None or parent.type != "Map":
                continue
            iterations = self._iterations[arn, parent.id]
            few = len(iterations) <= MANY
            iterations.add(visit.index)
            crowded = crowded or few is not (len(iterations) <= MANY)
        return crowded and self._fold

    # -- where an item stands ----------------------------------------------------------

    def owner_of(self, task_arn: str) -> AttemptKey | None:
        """Name the attempt whose ECS task it is."""
        return self._trace.as_of().task_starter(task_arn)

    def spot_of(self, item: Item) -> Spot:
        """Say in which execution and which visit an item stands."""
        if isinstance(item, HistoryEvent):
            arn = item.execution_arn
            if item.type == "MapRunStarted":
                turns = self._trace.executions[arn].map_run_turns
                run = next((t.arn for t in turns if t.event is item), "")
                if run in self._trace.lineage.map_runs:
                    return run, 0, None
            return arn, item.visit_id, item.iteration
        if isinstance(item, Fold | Backoff):
            return item.execution_arn, item.visit_id, None
        if isinstance(item, TaskState):
            return self._spot_of_attempt(self.owner_of(item.task_arn))
        link = self._trace.links.get(item.event_id)
        if link is None or link.execution_arn is None:
            return NOWHERE
        return link.execution_arn, link.visit_id or 0, None

    def _spot_of_attempt(self, key: AttemptKey | None) -> Spot:
        visit = self._trace.as_of().visit_of(key)
        return (key[0], visit.id, None) if key and visit else NOWHERE

    def around(self, item: Item) -> Iterator[Container]:
        """Yield what is around an item, innermost first."""
        spot: Spot | None = self.spot_of(item)
        while spot is not None:
            own, spot = self._step_out(spot)
            yield from own

    def _step_out(self, spot: Spot) -> tuple[list[Container], Spot | None]:
        """Give the containers at a spot, innermost first, and the spot around them."""
        arn, visit_id, iteration = spot
        execution = self._trace.executions.get(arn)
        visit = execution.visits.get(visit_id) if execution else None
        if visit is None:
            return self._step_out_of_execution(arn)
        found: list[Container] = []
        if iteration is not None:
            key = branch_key(arn, visit_id, iteration)
            found.append(Container(key, FoldKind.BRANCH, arn, visit_id, iteration))
        if visit.type in _CONTAINERS:
            key = visit_key(arn, visit_id)
            found.append(Container(key, FoldKind.VISIT, arn, visit_id))
        return found, (arn, visit.parent or 0, visit.index if visit.parent else None)

    def _step_out_of_execution(self, arn: str) -> tuple[list[Container], Spot | None]:
        lineage = self._trace.lineage
        run = lineage.map_runs.get(arn)
        if run is not None:
            around = run.execution_arn, run.visit_id
            kind = FoldKind.MAP_RUN
            found = Container(map_run_key(arn), kind, *around, child_arn=arn)
            return [found], (*around, None)
        parent = lineage.parents.get(arn)
        if parent is None:
            return [], None
        around = parent.execution_arn, parent.visit_id
        found = Container(child_key(arn), FoldKind.CHILD, *around, child_arn=arn)
        if parent.map_run_arn is not None:
            return [found], (parent.map_run_arn, 0, None)
        return [found], (*around, None)

    # -- what is closed ----------------------------------------------------------------

    def is_closed(self, container: Container) -> bool:
        """True for what is folded: by somebody, or as it begins."""
        if container.key in self._closed:
            return True
        if container.key in self._opened or not self._fold:
            return False
        if container.kind in {FoldKind.CHILD, FoldKind.MAP_RUN}:
            return True
        if container.kind is not FoldKind.BRANCH:
            return False
        iterations = self._iterations[container.execution_arn, container.visit_id]
        return len(iterations) > MANY

    def closed_around(self, item: Item) -> Container | None:
        """Find the outermost closed fold around an item."""
        return self._closed_at(self.spot_of(item))

    def is_hidden(self, arn: str, visit_id: int) -> bool:
        """True for a visit that stands behind a fold."""
        return self._closed_at((arn, visit_id, None)) is not None

    def _closed_at(self, spot: Spot | None) -> Container | None:
        inside: list[tuple[Spot, list[Container]]] = []
        while spot is not None and spot not in self._outermost:
            own, around = self._step_out(spot)
            inside.append((spot, own))
            spot = around
        found = self._outermost[spot] if spot is not None else None
        for each, own in reversed(inside):
            if found is None:
                found = next(filter(self.is_closed, reversed(own)), None)
            self._outermost[each] = found
        return found

    def all_keys(self, kinds: Iterable[FoldKind]) -> frozenset[str]:
        """Give the keys of all there is of some kinds."""
        spots: set[Spot] = {
            (arn, visit.parent or 0, visit.index)
            for arn, execution in self._trace.executions.items()
            for visit in execution.visits.values()
        }
        spots |= {(arn, 0, None) for arn in self._trace.lineage.map_runs}
        spots |= {(arn, 0, None) for arn in self._trace.lineage.parents}
        wanted = set(kinds)
        found = (each for spot in spots for each in self._step_out(spot)[0])
        return frozenset(each.key for each in found if each.kind in wanted)

    def closed_keys(self) -> frozenset[str]:
        """Give the keys of what is folded, children and Map Runs apart."""
        if not self._fold and not self._closed:
            return frozenset()
        crowded = {
            branch_key(*where, index)
            for where, iterations in self._iterations.items()
            if len(iterations) > MANY and self._fold
            for index in iterations
        }
        return self._closed | (crowded - self._opened)
