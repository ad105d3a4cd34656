"""What is around an item and can be folded: branches, visits, children, Map Runs.

Histories may be nested as deep as they are long, so nothing here climbs all the way:
what is known of the spot around one is used.
"""

from collections.abc import Iterable, Iterator

from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.linking.link import Link
from sfnwatch.model.trace import Trace
from sfnwatch.view.outline_items import Backoff, Fold, FoldKind, Item
from sfnwatch.view.outline_options import OutlineOptions

MANY = 10
"""The iterations of a Map that has more than these begin folded."""
_CONTAINERS = frozenset({"Parallel", "Map"})
OutlineSpot = tuple[str, int, int | None]
"""An execution or a Map Run, a visit in it (0: none), and an iteration of that."""
NOWHERE: OutlineSpot = ("", 0, None)


def child_key(arn: str) -> str:
    """Key the fold of a child execution."""
    return f"{arn}~child"


def map_run_key(arn: str) -> str:
    """Key the fold of a Map Run."""
    return f"{arn}~children"


def branch_key(execution_arn: str, visit_id: int, index: int) -> str:
    """Key the fold of a branch, or an iteration, of a visit."""
    return f"{execution_arn}#{visit_id}~branch{index}"


class Containers:
    """Knows what is around each item, and what of it is closed."""

    def __init__(self, trace: Trace, options: OutlineOptions) -> None:
        self._trace = trace
        self._options = options
        self._crowded: set[tuple[str, int]] = set()
        """The visits of Maps that have more than ten iterations."""
        self._outermost: dict[OutlineSpot, Fold | None] = {}

    def add_visits(self, arn: str, visit_ids: Iterable[int]) -> bool:
        """Take visits in; True if a Map has too many iterations that had not before."""
        visits = self._trace.executions[arn].visits
        before = len(self._crowded)
        for visit in map(visits.__getitem__, visit_ids):
            parent = visits.get(visit.parent or 0)
            if parent and parent.type == "Map" and (visit.index or 0) >= MANY:
                self._crowded.add((arn, parent.id))
        return len(self._crowded) > before and self._options.folds

    def spot_of(self, item: Item) -> OutlineSpot:
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
            return self.spot_of_link(self._trace.as_of().task_link(item.task_arn))
        return self.spot_of_link(self._trace.links.get(item.event_id))

    def spot_of_link(self, link: Link | None) -> OutlineSpot:
        """Say where a call stands that is matched so."""
        if link is None or link.execution_arn is None:
            return NOWHERE
        return link.execution_arn, link.visit_id or 0, None

    def around(self, item: Item) -> Iterator[Fold]:
        """Yield what is around an item and can be folded, innermost first."""
        spot: OutlineSpot | None = self.spot_of(item)
        while spot is not None:
            own, spot = self._step_out(spot)
            yield from own

    def _step_out(self, spot: OutlineSpot) -> tuple[list[Fold], OutlineSpot | None]:
        """Give the containers at a spot, innermost first, and the spot around them."""
        arn, visit_id, iteration = spot
        execution = self._trace.executions.get(arn)
        visit = execution.visits.get(visit_id) if execution else None
        if visit is None:
            return self._step_out_of_execution(arn)
        found: list[Fold] = []
        if iteration is not None:
            key = branch_key(arn, visit_id, iteration)
            found.append(Fold(key, FoldKind.BRANCH, arn, visit_id, iteration))
        if visit.type in _CONTAINERS:
            key = f"{arn}#{visit_id}~visit"
            found.append(Fold(key, FoldKind.VISIT, arn, visit_id))
        return found, (arn, visit.parent or 0, visit.index if visit.parent else None)

    def _step_out_of_execution(self, arn: str) -> tuple[list[Fold], OutlineSpot | None]:
        lineage = self._trace.lineage
        parent = lineage.parents.get(arn)
        key = child_key(arn)
        kind = FoldKind.CHILD
        if (run := lineage.map_runs.get(arn)) is not None:
            parent = run
            key = map_run_key(arn)
            kind = FoldKind.MAP_RUN
        if parent is None:
            return [], None
        around: OutlineSpot = parent.execution_arn, parent.visit_id, None
        found = [Fold(key, kind, *around, child_arn=arn)]
        run_arn = parent.map_run_arn
        return found, around if run_arn is None else (run_arn, 0, None)

    def is_closed(self, container: Fold) -> bool:
        """True for what is folded: by somebody, or as it begins."""
        if container.key in self._options.closed:
            return True
        if container.key in self._options.opened or not self._options.folds:
            return False
        if container.kind is FoldKind.BRANCH:
            return (container.execution_arn, container.visit_id) in self._crowded
        return container.kind in {FoldKind.CHILD, FoldKind.MAP_RUN}

    def closed_around(self, item: Item) -> Fold | None:
        """Find the outermost closed fold around an item."""
        return self.closed_at(self.spot_of(item))

    def closed_at(self, spot: OutlineSpot | None) -> Fold | None:
        """Find the outermost closed fold around a spot."""
        inside: list[tuple[OutlineSpot, list[Fold]]] = []
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

    def every_fold(self) -> Iterator[Fold]:
        """Yield all that can be folded, polls apart; some of it more than once."""
        lineage = self._trace.lineage
        spots: set[OutlineSpot] = {
            (arn, visit.parent or 0, visit.index)
            for arn, execution in self._trace.executions.items()
            for visit in execution.visits.values()
        }
        spots |= {(arn, 0, None) for arn in (*lineage.map_runs, *lineage.parents)}
        for spot in spots:
            yield from self._step_out(spot)[0]
