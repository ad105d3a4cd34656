"""The states of a graph's boxes and edges, as of a snapshot."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from msgspec import Struct

from sfnwatch.analysis.quantities import plural
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.map_runs import ExecutionCounts
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.values import int_of
from sfnwatch.model.visits import FAILED, StateVisit, VisitKey
from sfnwatch.view.graph import DISTRIBUTED, Box, Edge, EdgeKey, Graph
from sfnwatch.view.parts import Part, Role, status_glyph

_WORST = ("running", "failed", "timed_out", "caught", "aborted", "succeeded")
"""The order of statuses: a box with several visits has the first status of these."""
Scope = tuple[str, int | None, int | None]
"""An execution, the visit around, and the index of that visit's branch or iteration.

Inside of a scope states follow each other.
"""


class BoxState(Struct):
    """The state of a box, as of a snapshot."""

    status: str = ""
    """The worst status of the last visits in each scope; empty if not reached."""
    visits: int = 0
    ended: int = 0
    failed: int = 0
    retries: int = 0
    """The retries of the last visits in each scope; `ended` and `failed` count these
    visits too."""
    items: int | None = None
    """The number of items of the Map around the state; None where it is not known."""
    counts: ExecutionCounts | None = None
    """The progress of a Distributed Map's child executions."""
    last: tuple[str, StateVisit] | None = None
    """The ARN of an execution, and its visit that was entered last."""

    @property
    def glyph(self) -> Part:
        return status_glyph(self.status) if self.status else Part("·", Role.DIM)

    @property
    def counted(self) -> Sequence[str]:
        """The counts, the most important first: `✘ 3`, `3 of 40`, `×4`, `2 tries`."""
        words: list[str] = []
        counts = self.counts
        if counts is not None:
            if counts.unsuccessful:
                words.append(f"✘ {counts.unsuccessful:,}")
            words.append(f"{counts.done:,} of {counts.total:,}")
        else:
            if self.failed and self.visits > 1:
                words.append(f"✘ {self.failed:,}")
            if self.items is not None and self.visits:
                words.append(f"{self.ended:,} of {self.items:,}")
            elif self.visits > 1:
                words.append(f"×{self.visits:,}")
        if self.retries and self.visits == 1:
            words.append(f"{self.retries + 1} tries")
        elif self.retries:
            words.append(plural(self.retries, "retry", "retries"))
        return words


class GraphProgress:
    """A graph, with the boxes and edges that an execution's visits have reached."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.boxes: dict[Box, BoxState] = {}
        self.taken: set[EdgeKey] = set()
        """The keys of the edges that were taken."""
        self.box_of: dict[VisitKey, Box] = {}
        self.newest = graph.start
        """The box that was entered last; Start if none was."""
        self._edges = {edge.key for edge in graph.edges}
        self._before: dict[Scope, tuple[Box, StateVisit]] = {}
        """The newest box and visit of each scope."""
        self._visits: defaultdict[Box, list[_EnteredVisit]] = defaultdict(list)

    def is_taken(self, edge: Edge) -> bool:
        return edge.key in self.taken

    def of(self, box: Box) -> BoxState:
        """Return the state of a box."""
        return self.boxes.get(box) or BoxState()

    def walk(self, execution: ExecutionAsOf, home: Box | None = None) -> None:
        """Add an execution's visits; `home` is the Map of a Map Run's execution."""
        for visit in execution.visits:
            around = home
            if visit.parent is not None:
                around = self.box_of.get((execution.arn, visit.parent))
                if around is None:
                    continue
            box = self._box(visit, around)
            if box is not None:
                self._enter(execution.arn, box, visit)

    def _box(self, visit: StateVisit, around: Box | None) -> Box | None:
        """Return the box of a visit inside of a box; None if the graph has none."""
        if around is None:
            return self.graph.main.found.get(visit.name)
        regions = around.inside
        if around.type == "Parallel":
            regions = regions[visit.index or 0 :]
        return regions[0].found.get(visit.name) if regions else None

    def _enter(self, arn: str, box: Box, visit: StateVisit) -> None:
        scope = arn, visit.parent, visit.index
        if scope in self._before:
            source, last = self._before[scope]
            self._pass(source, box, caught=last.status == "caught")
        elif box.around is None:
            self._pass(self.graph.start, box)
        self._before[scope] = box, visit
        self._visits[box].append((arn, visit))
        self.box_of[arn, visit.id] = box

    def _pass(self, source: Box, target: Box, *, caught: bool = False) -> None:
        key = source.id, target.id, caught
        if key not in self._edges:
            key = source.id, target.id, not caught
        self.taken.add(key)

    def finish(self, snapshot: Snapshot, execution: ExecutionAsOf) -> None:
        """Work out the states of all boxes, and whether the execution reached End."""
        start = self.graph.start
        # Of visits that were entered at the same time, the later in order counts.
        last_visits = {
            box: max(reversed(visits), key=_entered_at)
            for box, visits in self._visits.items()
        }
        for box, last in last_visits.items():
            state = _box_state(self._visits[box], last)
            if box.type == DISTRIBUTED:
                state.counts = _counts(snapshot, *last)
            if box.around is not None and box.around.type == "Map":
                state.items = _items(snapshot, *last_visits[box.around])
            self.boxes[box] = state
        self.boxes[start] = BoxState("succeeded" if last_visits else "")
        self.boxes[self.graph.end] = BoxState()
        self.newest = max(
            last_visits, key=lambda box: _entered_at(last_visits[box]), default=start
        )
        self._reach_end(execution)

    def _reach_end(self, execution: ExecutionAsOf) -> None:
        """Note that the execution reached End, if it ended by its last state."""
        if execution.running:
            return
        scope = execution.arn, None, None
        source, visit = self._before.get(scope, (self.graph.start, None))
        succeeded = visit is not None and visit.status == "succeeded"
        if succeeded or source.type == "Fail":
            end = self.graph.end
            self._pass(source, end)
            self.boxes[end].status = execution.status.lower()
            self.newest = end


_EnteredVisit = tuple[str, StateVisit]
"""The ARN of an execution, and a visit of it."""


def _entered_at(entered: _EnteredVisit) -> datetime:
    return entered[1].entered_at


def _worst(statuses: Collection[str]) -> str:
    for status in _WORST:
        if status in statuses:
            return status
    return ""


def _box_state(entered: Sequence[_EnteredVisit], last: _EnteredVisit) -> BoxState:
    """Return the state of a box: in each scope, only the last visit counts."""
    by_scope: dict[Scope, StateVisit] = {}
    for arn, visit in entered:
        by_scope[arn, visit.parent, visit.index] = visit
    visits = by_scope.values()
    return BoxState(
        status=_worst({visit.status for visit in visits}),
        visits=len(entered),
        ended=sum(not visit.running for visit in visits),
        failed=sum(visit.status in FAILED for visit in visits),
        retries=sum(max(0, len(visit.attempts) - 1) for visit in visits),
        last=last,
    )


def _items(snapshot: Snapshot, arn: str, visit: StateVisit) -> int | None:
    """Return the number of an inline Map's items; None where its history lacks it."""
    for event_id in visit.event_ids[:3]:
        event = snapshot.executions[arn].event(event_id)
        if event is not None and event.type == "MapStateStarted":
            return int_of(snapshot.trace.details(event).get("length"))
    return None


def _counts(snapshot: Snapshot, arn: str, visit: StateVisit) -> ExecutionCounts | None:
    """Return the progress of the last Map Run that a visit started; None if unknown."""
    last_run_arn = ""
    for run_arn, parent in snapshot.lineage.map_runs.items():
        if (parent.execution_arn, parent.visit_id) == (arn, visit.id):
            last_run_arn = run_arn
    run = snapshot.map_runs.get(last_run_arn)
    return run.executions if run is not None else None


def graph_progress(
    graph: Graph, snapshot: Snapshot, execution: ExecutionAsOf
) -> GraphProgress:
    """Return the states of all boxes and edges, as of the snapshot."""
    progress = GraphProgress(graph)
    parents = snapshot.lineage.parents
    progress.walk(execution)
    for arn in sorted(snapshot.children, key=snapshot.lineage.level):
        parent = parents[arn]
        home = progress.box_of.get((parent.execution_arn, parent.visit_id))
        if parent.map_run_arn is not None and home is not None:
            progress.walk(snapshot.children[arn], home)
    progress.finish(snapshot, execution)
    return progress


def drawn_in(snapshot: Snapshot, arn: str) -> str:
    """Return the execution in whose graph an execution is drawn.

    It is the execution itself, or around a Map Run's execution its parent.
    """
    parents = snapshot.lineage.parents
    while True:
        parent = parents.get(arn)
        if parent is None or parent.map_run_arn is None:
            return arn
        arn = parent.execution_arn
