"""The containers around an item: branches, visits, child executions and Map Runs.

Each of them can be folded. Histories may be nested as deep as they are long. So a
search goes outwards only to the first spot whose result is known from before.
"""

from collections.abc import Iterable, Iterator

from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.linking.link import Link
from sfnwatch.model.trace import Trace
from sfnwatch.view.outline_items import Backoff, Fold, FoldKind, Item
from sfnwatch.view.outline_options import OutlineOptions

OutlineSpot = tuple[str, int, int | None]
"""An execution or Map Run, a visit in it (0: none), and a branch or iteration of the
visit."""
NO_SPOT: OutlineSpot = ("", 0, None)
FOLDED_ABOVE_ITERATIONS = 10
"""Where a Map has more iterations than this, they begin folded."""
_CONTAINER_TYPES = frozenset({"Parallel", "Map"})


class Containers:
    """Finds the containers around each item, and which of them are closed."""

    def __init__(self, trace: Trace, options: OutlineOptions) -> None:
        self._trace = trace
        self._options = options
        self._crowded: set[tuple[str, int]] = set()
        """The visits of Maps with more than `FOLDED_ABOVE_ITERATIONS` iterations."""
        self._outermost_closed: dict[OutlineSpot, Fold | None] = {}
        for arn, execution in trace.executions.items():
            self.add_visits(arn, execution.visits)

    def add_visits(self, arn: str, visit_ids: Iterable[int]) -> bool:
        """Add visits; True if a Map now has so many iterations that they are folded."""
        visits = self._trace.executions[arn].visits
        count_before = len(self._crowded)
        for visit_id in visit_ids:
            visit = visits[visit_id]
            parent = visits.get(visit.parent or 0)
            if (
                parent
                and parent.type == "Map"
                and (visit.index or 0) >= FOLDED_ABOVE_ITERATIONS
            ):
                self._crowded.add((arn, parent.id))
        return len(self._crowded) > count_before and self._options.folds

    def spot_of(self, item: Item) -> OutlineSpot:
        """Return the spot of an item: its execution and its visit."""
        if isinstance(item, HistoryEvent):
            return self._spot_of_event(item)
        if isinstance(item, Fold | Backoff):
            return item.execution_arn, item.visit_id, None
        if isinstance(item, TaskState):
            return self.spot_of_link(self._trace.as_of().task_link(item.task_arn))
        return self.spot_of_link(self._trace.links.get(item.event_id))

    def _spot_of_event(self, event: HistoryEvent) -> OutlineSpot:
        arn = event.execution_arn
        if event.type == "MapRunStarted":
            for turn in self._trace.executions[arn].map_run_turns:
                if turn.event is event and turn.arn in self._trace.lineage.map_runs:
                    return turn.arn, 0, None
        return arn, event.visit_id, event.iteration

    def spot_of_link(self, link: Link | None) -> OutlineSpot:
        """Return the spot of a call that has this link."""
        if link is None or link.execution_arn is None:
            return NO_SPOT
        return link.execution_arn, link.visit_id or 0, None

    def around(self, item: Item) -> Iterator[Fold]:
        """Yield the containers around an item, the innermost first."""
        spot: OutlineSpot | None = self.spot_of(item)
        while spot is not None:
            folds, spot = self._step_out(spot)
            yield from folds

    def _step_out(self, spot: OutlineSpot) -> tuple[list[Fold], OutlineSpot | None]:
        """Return a spot's containers, innermost first, and the spot around them."""
        arn, visit_id, iteration = spot
        execution = self._trace.executions.get(arn)
        visit = execution.visits.get(visit_id) if execution else None
        if visit is None:
            return self._step_out_of_execution(arn)
        folds: list[Fold] = []
        if iteration is not None:
            key = branch_key(arn, visit_id, iteration)
            folds.append(Fold(key, FoldKind.BRANCH, arn, visit_id, iteration))
        if visit.type in _CONTAINER_TYPES:
            key = f"{arn}#{visit_id}~visit"
            folds.append(Fold(key, FoldKind.VISIT, arn, visit_id))
        return folds, (arn, visit.parent or 0, visit.index if visit.parent else None)

    def _step_out_of_execution(self, arn: str) -> tuple[list[Fold], OutlineSpot | None]:
        lineage = self._trace.lineage
        parent = lineage.map_runs.get(arn)
        if parent is not None:
            key = map_run_key(arn)
            kind = FoldKind.MAP_RUN
        else:
            parent = lineage.parents.get(arn)
            key = child_key(arn)
            kind = FoldKind.CHILD
        if parent is None:
            return [], None
        fold = Fold(key, kind, parent.execution_arn, parent.visit_id, child_arn=arn)
        if parent.map_run_arn is not None:
            return [fold], (parent.map_run_arn, 0, None)
        return [fold], (parent.execution_arn, parent.visit_id, None)

    def is_closed(self, container: Fold) -> bool:
        """True for a container that the user folded, or that begins folded."""
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
        steps: list[tuple[OutlineSpot, list[Fold]]] = []
        while spot is not None and spot not in self._outermost_closed:
            folds, around = self._step_out(spot)
            steps.append((spot, folds))
            spot = around
        closed = self._outermost_closed[spot] if spot is not None else None
        for inner_spot, folds in reversed(steps):
            if closed is None:
                closed = self._first_closed(reversed(folds))
            self._outermost_closed[inner_spot] = closed
        return closed

    def _first_closed(self, folds: Iterable[Fold]) -> Fold | None:
        for fold in folds:
            if self.is_closed(fold):
                return fold
        return None

    def every_fold(self) -> Iterator[Fold]:
        """Yield all folds except those of polls; some come more than once."""
        lineage = self._trace.lineage
        spots: set[OutlineSpot] = set()
        for arn, execution in self._trace.executions.items():
            for visit in execution.visits.values():
                spots.add((arn, visit.parent or 0, visit.index))
        for arn in (*lineage.map_runs, *lineage.parents):
            spots.add((arn, 0, None))
        for spot in spots:
            folds, _ = self._step_out(spot)
            yield from folds


def child_key(arn: str) -> str:
    """Return the key of a child execution's fold."""
    return f"{arn}~child"


def map_run_key(arn: str) -> str:
    """Return the key of a Map Run's fold."""
    return f"{arn}~children"


def branch_key(execution_arn: str, visit_id: int, index: int) -> str:
    """Return the key of the fold of a branch, or an iteration, of a visit."""
    return f"{execution_arn}#{visit_id}~branch{index}"
