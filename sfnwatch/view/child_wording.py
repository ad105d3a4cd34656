"""What runs inside a state, in words: child executions, Map Runs and folds."""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from msgspec import Struct

from sfnwatch.analysis import wording
from sfnwatch.analysis.phases import length_of
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import short_id
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.execution_list import UNKNOWN
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.map_runs import ExecutionCounts, MapRun, map_run_name
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.started_executions import Parent
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration, seconds_between
from sfnwatch.model.visits import FAILED, ROOT, StateVisit
from sfnwatch.view.outline_items import Fold, FoldKind
from sfnwatch.view.parts import Part, Role, counted, status_part
from sfnwatch.view.wording import LIMIT

# A child execution, or a Map Run with its executions, has a place in the tree of
# visits, as a Parallel's branch has, and most begin folded: what was asked for is the
# execution that started them. What a fold says is enough to know whether to open it.
_CELLS = 10
"""The cells of a Map Run's bar."""
_ENDS = frozenset({"MapRunSucceeded", "MapRunFailed", "MapRunAborted"})
_STARTS = frozenset({"MapRunStarted", "MapRunRedriven"})
_NAMES = 2
"""A branch of so few states is told by their names."""
_INSIDE = (("branch", "branches"), ("iteration", "iterations"))
"""What a Parallel has, and a Map."""
_RunEnd = tuple[str, datetime]
"""AWS's word for how a Map Run ended, and when."""


class Child(Struct, frozen=True):
    """A child execution, or a Map Run, as it stands above what is in it."""

    title: str
    """As it came from AWS: `archive › 7f3a`, `Map Run Each 276e5993`."""
    status: str
    """AWS's word."""
    started_at: datetime | None
    stopped_at: datetime | None
    waits: bool = True
    """False for one that was started and not waited for."""
    map_run: MapRun | None = None
    """What was told of the Map Run; None for executions, and where nothing was."""
    histories: int = 0
    """How many of a Map Run's executions have their histories here."""


def child_execution(snapshot: Snapshot, arn: str) -> Child | None:
    """Give a child execution as it stands; None for one that nothing started."""
    execution = snapshot.executions.get(arn)
    parent = snapshot.lineage.parents.get(arn)
    if execution is None or parent is None:
        return None
    listed = snapshot.listed.get(arn)
    status = execution.status
    if listed is not None and status == UNKNOWN:
        status = listed.listed.status
    # Of a Map Run's it is the parent's, with a label that the run has too.
    machine = None if parent.map_run_arn else execution.state_machine_name
    title = f"{f'{machine} › ' if machine else ''}{short_id(execution.name)}"
    times = execution.started_at, execution.stopped_at
    return Child(title, status, *times, parent.waits)


def child_map_run(snapshot: Snapshot, arn: str) -> Child | None:
    """Give a Map Run as it stands; None for one that no history here started."""
    parents = snapshot.lineage.parents
    parent = snapshot.lineage.map_runs.get(arn)
    around = snapshot.executions.get(parent.execution_arn) if parent else None
    if parent is None or around is None:
        return None
    told = snapshot.map_runs.get(arn)
    begun_at, end = _course_of(around, parent, arn)
    status, stopped_at = end or ("RUNNING", None)
    if told is not None and _is_better(told, begun_at, end):
        status = told.status
        stopped_at = told.stopped_at or stopped_at
    title = f"Map Run {map_run_name(arn)}"
    started_at = told.started_at if told else None
    read = sum(parents[each].map_run_arn == arn for each in snapshot.children)
    return Child(title, status, started_at, stopped_at, True, told, read)


def _course_of(
    around: ExecutionAsOf, parent: Parent, arn: str
) -> tuple[datetime | None, _RunEnd | None]:
    """Say when a Map Run began, the last time, and how it ended, as its parent tells.

    A Map state that is tried again has a run for each try, one after the other. A
    redrive goes on with the same.
    """
    begun_at: datetime | None = None
    end: _RunEnd | None = None
    turns = (t for t in around.map_run_turns if t.event.visit_id == parent.visit_id)
    current = ""
    for event, run in turns:
        if event.type in _STARTS:
            current = run or current
            if current == arn:
                begun_at = event.at
                end = None
        elif current == arn and event.type in _ENDS:
            end = event.type.removeprefix("MapRun").upper(), event.at
    return begun_at, end


def _is_better(told: MapRun, begun_at: datetime | None, end: _RunEnd | None) -> bool:
    """True where what was told of a Map Run is newer than its parent's history.

    The end that was told may be the one before a redrive.
    """
    if told.stopped_at and begun_at and told.stopped_at < begun_at:
        return False
    return end is None or not told.running


def child_parts(child: Child) -> Iterator[Part]:
    """Name what runs inside a state and say how it stands."""
    yield Part(clean(child.title, LIMIT), Role.NAME)
    yield from (Part("  "), status_part(child.status))
    if child.started_at is not None and child.stopped_at is not None:
        took = seconds_between(child.started_at, child.stopped_at)
        yield Part(f" {duration(max(0.0, took))}", Role.DIM)
    if not child.waits:
        yield Part("  not waited for", Role.DIM)


def map_run_parts(child: Child, cells: int = _CELLS) -> Iterator[Part]:
    """Say how far a Map Run is, failures first; where it was never told, say that.

    `cells` are those of its bar.
    """
    if child.map_run is None:
        yield Part("its executions are not in these records", Role.DIM)
        return
    counts = child.map_run.executions
    if counts.unsuccessful:
        yield Part(f"✘ {counts.unsuccessful:,} failed  ", Role.BAD)
    yield Part(f"{counts.done:,} of {counts.total:,} ")
    yield from bar_parts(counts, cells)
    if counts.running:
        yield Part(f"  ● {counts.running:,} running", Role.BUSY)
    if counts.pending:
        yield Part(f"  {counts.pending:,} pending", Role.DIM)
    unread = counts.total - child.histories
    if child.histories > 0 and unread > 0:
        yield Part(f"  {child.histories:,} read, {unread:,} not read", Role.DIM)


def bar_parts(counts: ExecutionCounts, cells: int = _CELLS) -> Iterator[Part]:
    """Draw what is done, what failed and what runs, each seen if there is any."""
    total = max(counts.total, counts.done + counts.running + counts.pending)
    if not total:
        return
    shares = (counts.unsuccessful, counts.succeeded, counts.running)
    widths = [-(-share * cells // total) if share else 0 for share in shares]
    while sum(widths) > cells:
        # What was rounded up to be seen takes its cell from the longest.
        widths[widths.index(max(widths))] -= 1
    glyphs = (Part("▓", Role.BAD), Part("█", Role.GOOD), Part("▒", Role.BUSY))
    for width, glyph in zip(widths, glyphs, strict=True):
        if width:
            yield Part(glyph.text * width, glyph.role)
    if sum(widths) < cells:
        yield Part("░" * (cells - sum(widths)), Role.DIM)


def count_words(counts: ExecutionCounts) -> str:
    """Say in words how far a Map Run is: `12 of 40 done, 1 failed, 8 running`."""
    statuses = ("failed", "timed_out", "aborted", "running", "pending")
    told = ((getattr(counts, each), wording.status_words(each)) for each in statuses)
    parts = [f"{number:,} {words}" for number, words in told if number]
    return ", ".join([f"{counts.done:,} of {counts.total:,} executions done", *parts])


def fold_parts(
    snapshot: Snapshot, fold: Fold, visit: StateVisit | None
) -> tuple[Part, ...]:
    """Say what is folded, how it stands and what is in it."""
    if fold.kind is FoldKind.MAP_RUN:
        run = child_map_run(snapshot, fold.child_arn)
        return (*child_parts(run), Part("  "), *map_run_parts(run)) if run else ()
    inside = _Inside(snapshot, fold)
    if fold.kind is FoldKind.CHILD:
        child = child_execution(snapshot, fold.child_arn)
        head = child_parts(child) if child else ()
        contents = inside.states
    elif visit is not None:
        head = inside.head(visit)
        contents = inside.contents(visit)
    else:
        return ()
    return *head, Part(f"  {contents}", Role.DIM), *inside.tally()


class _Inside:
    """What is behind the fold of a child execution, or of a branch or iteration."""

    def __init__(self, snapshot: Snapshot, fold: Fold) -> None:
        self._snapshot = snapshot
        self._fold = fold
        own = snapshot.executions.get(fold.execution_arn)
        events = [each for each in fold.members if isinstance(each, HistoryEvent)]
        self._events = [e for e in events if own is not None and own.event(e.id)]
        ids = dict.fromkeys((e.execution_arn, e.visit_id) for e in events if e.visit_id)
        # But for the one that it is, or is a branch of.
        ids.pop((fold.execution_arn, fold.visit_id), None)
        found = [(arn, snapshot.visit_of((arn, each))) for arn, each in ids]
        self._visits = [visit for _, visit in found if visit is not None]
        self._tries = [(a, t) for a, visit in found if visit for t in visit.attempts]
        """Each with the ARN of its execution."""
        self._direct = [v for v in self._visits if v.parent == fold.visit_id]

    @property
    def states(self) -> str:
        return counted(len(self._visits), "state")

    def head(self, visit: StateVisit) -> Iterator[Part]:
        """Name a branch by its path, `Each[1] / Inner[0]`, and say how it stands."""
        path = visit.path.removeprefix(f"{ROOT} / ")
        index = self._fold.index
        number = "" if index is None else f"[{index}]"
        yield Part(clean(f"{path}{number}", LIMIT), Role.NAME)
        status = visit.status
        seconds = None
        if index is not None:
            status, seconds = self._outcome()
        elif visit.ended_at is not None:
            seconds = length_of(visit, visit.ended_at)
        yield from (Part("  "), status_part(status))
        if seconds is not None:
            yield Part(f" {duration(max(0.0, seconds))}", Role.DIM)

    def _outcome(self) -> tuple[str, float | None]:
        """Say how a branch stands, and how long it took."""
        events = self._events
        told = (e for e in reversed(events) if e.type.startswith("MapIteration"))
        last = next(told, None)
        status = last.iteration_end if last else None
        if status is None:
            # Or anew, if the Map is retried: its states tell then.
            states = [each.status for each in self._direct]
            status = "running" if "running" in states or not states else states[-1]
        if not events or status == "running":
            return status, None
        # Its last event may have no line of its own, and then it is not in the fold.
        ends = [events[-1].at, *(v.ended_at for v in self._direct if v.ended_at)]
        return status, seconds_between(events[0].at, max(ends))

    def contents(self, visit: StateVisit) -> str:
        """Say what is in a fold: of a short branch the states, by their names."""
        if self._fold.index is not None:
            names = clean(", ".join(each.name for each in self._direct), LIMIT)
            return names if 0 < len(self._direct) <= _NAMES else self.states
        branches = {each.index for each in self._direct} - {None}
        words = counted(len(branches), *_INSIDE[visit.type == "Map"])
        return f"{words}, {self.states}"

    def tally(self) -> Iterator[Part]:
        """Count what is notable behind a fold."""
        snapshot = self._snapshot
        if failed := sum(attempt.status in FAILED for _, attempt in self._tries):
            yield Part(f"  ✘ {counted(failed, 'failed try', 'failed tries')}", Role.BAD)
        numbered = ((v, n) for v in self._visits for n in range(2, len(v.attempts) + 1))
        if retries := sum(not visit.is_redriven(number) for visit, number in numbered):
            yield Part(f"  ⟳ {counted(retries, 'retry', 'retries')}", Role.WARN)
        # Some stand on the lines of the states that made them.
        keys = ((arn, attempt.scheduled_id) for arn, attempt in self._tries)
        made = chain(self._fold.members, *map(snapshot.calls_of, keys))
        every = {each.event_id: each for each in made if isinstance(each, ApiCall)}
        if calls := list(filter(snapshot.shows_call, every.values())):
            yield Part(f"  {counted(len(calls), 'call')}", Role.DIM)
        if denied := sum(call.error_code is not None for call in calls):
            yield Part(f"  ✘ {denied:,} denied or failed", Role.BAD)
