"""The tree of a timeline chart's bars: executions, states, and what states started."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime

from sfnwatch.analysis import phases
from sfnwatch.analysis.grouping import grouped
from sfnwatch.model.ecs_task import TASK_KEY, TaskState, stretches
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.execution_list import ListedExecution
from sfnwatch.model.map_runs import ExecutionCounts
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.visits import StateVisit, VisitKey
from sfnwatch.view.child import child_execution, child_map_run
from sfnwatch.view.containers import branch_key, child_key, map_run_key
from sfnwatch.view.parts import Role
from sfnwatch.view.task_text import task_id, task_text
from sfnwatch.view.timeline_bars import Bar, BarKind

TREE_FOLDED_ABOVE_ITERATIONS = 20
"""A Map with more iterations than this begins folded."""
_MANY_BRANCHES = 4
"""With more branches or iterations than this, those of several states begin folded."""
_NAMED_STATES = 4
"""The name of a branch has at most this many of its states."""
_TASK_ENDS = {Role.BAD: "failed", Role.GOOD: "succeeded", Role.WARN: "aborted"}


class TimelineTree:
    """Makes the bars of all executions, from the innermost to the roots."""

    def __init__(
        self, snapshot: Snapshot, now: datetime, now_of: Callable[[str], datetime]
    ) -> None:
        """`now_of` returns the time at which running bars of an execution end."""
        self._snapshot = snapshot
        self._now = now
        self._now_of = now_of
        self._started: defaultdict[VisitKey, list[Bar]] = defaultdict(list)
        """The bars of the tasks and executions that each visit started."""
        self._counts: dict[VisitKey, ExecutionCounts] = {}

    def roots(self) -> list[Bar]:
        """Return the trees of all root executions; a state's children are below it."""
        snapshot = self._snapshot
        lineage = snapshot.lineage
        for states in snapshot.task_states.values():
            self._add_task(states)
        for map_run_arn in lineage.map_runs:
            self._add_unread(map_run_arn)
        roots: dict[str, Bar] = {}
        # The innermost come first; executions of the same level are in their order.
        for arn in sorted(snapshot.executions, key=lineage.level, reverse=True):
            parent = lineage.parents.get(arn)
            bar = self._execution(snapshot.executions[arn])
            if parent is None:
                roots[arn] = bar
            else:
                self._started[parent.execution_arn, parent.visit_id].append(bar)
        return [roots[arn] for arn in snapshot.roots]

    def _execution(self, execution: ExecutionAsOf) -> Bar:
        arn = execution.arn
        child = child_execution(self._snapshot, arn)
        top = self._states_of(execution)
        begin = execution.started_at
        if begin is None:
            begin = top[0].begin if top else self._now
        end = execution.stopped_at
        if end is None:
            end = execution.events[-1].at if execution.event_count else begin
            if execution.running:
                end = max(self._now_of(arn), end)
        status = execution.status.lower()
        return Bar(
            key=child_key(arn) if child else arn,
            line_key=f"{arn}#1",
            kind=BarKind.EXECUTION,
            execution_arn=arn,
            status="running" if execution.running else status,
            begin=begin,
            end=max(begin, end),
            name=child.title if child else execution.name,
            visits=[bar.visits[0] for bar in top],
            inside=top,
            folded=child is not None or len(self._snapshot.roots) > 1,
        )

    def _states_of(self, execution: ExecutionAsOf) -> list[Bar]:
        """Make the bars of an execution's states; return those at its top.

        Visits are read from the last to the first: those inside of a visit come after
        it, and so their bars are made before its own.
        """
        arn = execution.arn
        inside: defaultdict[int | None, list[Bar]] = defaultdict(list)
        for visit in reversed(list(execution.visits)):
            states = inside.pop(visit.id, [])
            states.reverse()
            bars = _branches(arn, visit, states)
            started = self._started.get((arn, visit.id), ())
            bars += sorted(started, key=lambda bar: bar.kind is BarKind.UNREAD)
            inside[visit.parent].append(self._state(arn, visit, bars))
        top: list[Bar] = []
        for states in inside.values():
            top += reversed(states)
        return top

    def _state(self, arn: str, visit: StateVisit, inside: list[Bar]) -> Bar:
        key = f"{arn}#{visit.id}"
        return Bar(
            key=key,
            line_key=key,
            kind=BarKind.STATE,
            execution_arn=arn,
            status=visit.status,
            begin=visit.entered_at,
            end=phases.end_of(visit, self._now_of(arn)),
            name=visit.name,
            visits=[visit],
            inside=inside,
            folded=visit.type == "Map" and len(inside) > TREE_FOLDED_ABOVE_ITERATIONS,
            counts=self._counts.get((arn, visit.id)),
        )

    def _add_task(self, states: Sequence[TaskState]) -> None:
        task_arn = states[0].task_arn
        starter = self._snapshot.task_starter(task_arn)
        visit = self._snapshot.visit_of(starter)
        if starter is None or visit is None:
            return
        arn = starter[0]
        begin = min(state.at for state in states)
        end = begin
        for _, stretch_end in stretches(states, self._now_of(arn)):
            end = max(end, stretch_end)
        role = task_text(states[-1]).status.role
        task = Bar(
            key=f"{TASK_KEY}{task_arn}",
            line_key=states[0].key,
            kind=BarKind.TASK,
            execution_arn=arn,
            status=_TASK_ENDS.get(role, "running"),
            begin=begin,
            end=end,
            name=f"task {task_id(states[0])}",
            states=states,
        )
        self._started[arn, visit.id].append(task)

    def _add_unread(self, map_run_arn: str) -> None:
        """Add a bar for a Map Run's executions that are counted but were not read."""
        parent = self._snapshot.lineage.map_runs[map_run_arn]
        arn = parent.execution_arn
        child = child_map_run(self._snapshot, map_run_arn)
        visit = self._snapshot.visit_of((arn, parent.visit_id))
        if child is None or child.map_run is None or visit is None:
            return
        counts = child.map_run.executions
        self._counts[arn, visit.id] = counts
        missing = counts.total - child.histories
        if missing <= 0:
            return
        key = map_run_key(map_run_arn)
        more = "more, " if child.histories else ""
        bar = Bar(
            key=f"{key}~unread",
            line_key=key,
            kind=BarKind.UNREAD,
            execution_arn=arn,
            status="unknown",
            begin=visit.entered_at,
            end=phases.end_of(visit, self._now_of(arn)),
            name=f"{missing:,} {more}not read",
            listed=self._listed_and_unread(map_run_arn),
        )
        self._started[arn, visit.id].append(bar)

    def _listed_and_unread(self, map_run_arn: str) -> list[ListedExecution]:
        read = self._snapshot.children
        children = self._snapshot.listed_of.get(map_run_arn, ())
        return [child.listed for child in children if child.listed.arn not in read]


def _branches(arn: str, around: StateVisit, states: list[Bar]) -> list[Bar]:
    """Return a bar for each branch; a branch of one state is that state's bar."""
    if not states:
        return []
    branches = grouped(states, lambda bar: bar.visits[0].index)
    bars: list[Bar] = []
    for index in sorted(branches, key=lambda index: -1 if index is None else index):
        inside = branches[index]
        if index is not None and len(inside) > 1:
            branch = _branch(arn, around, index, inside)
            branch.folded = len(branches) > _MANY_BRANCHES
            bars.append(branch)
            continue
        # A branch of one state has the state's name; an iteration needs its number.
        if index is not None and around.type == "Map":
            inside[0].name = f"[{index}] {inside[0].name}"
        bars += inside
    return bars


def _branch(arn: str, around: StateVisit, index: int, inside: list[Bar]) -> Bar:
    visits = [bar.visits[0] for bar in inside]
    is_running = any(visit.running for visit in visits)
    names = [visit.name for visit in visits[:_NAMED_STATES]]
    if len(visits) > _NAMED_STATES:
        names.append("…")
    return Bar(
        key=branch_key(arn, around.id, index),
        line_key=inside[0].key,
        kind=BarKind.BRANCH,
        execution_arn=arn,
        status="running" if is_running else visits[-1].status,
        begin=inside[0].begin,
        end=max(bar.end for bar in inside),
        name=f"[{index}] {' › '.join(names)}",
        visits=visits,
        inside=inside,
    )
