"""What runs inside a state, in words: child executions, Map Runs and folds."""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from msgspec import Struct

from sfnwatch.analysis.phases import length_of
from sfnwatch.analysis.statuses import status_words
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
from sfnwatch.view.event_words import LIMIT
from sfnwatch.view.outline_items import Fold, FoldKind
from sfnwatch.view.parts import Part, Role, counted, status_part

# A child execution, or a Map Run with its executions, has a place in the tree of
# visits, as a Parallel's branch has. Most begin folded, since the user asked for the
# execution that started them. A fold's words are enough to decide whether to open it.
_CELLS = 10
"""The width of a Map Run's bar, in cells."""
_ENDS = frozenset({"MapRunSucceeded", "MapRunFailed", "MapRunAborted"})
_STARTS = frozenset({"MapRunStarted", "MapRunRedriven"})
_NAMES = 2
"""A folded branch with at most this many states lists their names."""
_INSIDE = (("branch", "branches"), ("iteration", "iterations"))
"""The words for the parts of a Parallel, and of a Map."""
_RunEnd = tuple[str, datetime]
"""The final status of a Map Run in AWS's words, and the time of its end."""


class Child(Struct, frozen=True):
    """What the headline of a child execution or a Map Run shows."""

    title: str
    """Its name from AWS, not cleaned: `archive › 7f3a`, `Map Run Each 276e5993`."""
    status: str
    """The status in AWS's words."""
    started_at: datetime | None
    stopped_at: datetime | None
    waits: bool = True
    """False if the state that started it does not wait for its end."""
    map_run: MapRun | None = None
    """The described Map Run; None for executions, and where no record describes it."""
    histories: int = 0
    """The number of a Map Run's executions whose histories were read."""


def child_execution(snapshot: Snapshot, arn: str) -> Child | None:
    """Return a child execution as of the snapshot; None if no state started it."""
    execution = snapshot.executions.get(arn)
    parent = snapshot.lineage.parents.get(arn)
    if execution is None or parent is None:
        return None
    listed = snapshot.listed.get(arn)
    status = execution.status
    if listed is not None and status == UNKNOWN:
        status = listed.listed.status
    # In a Map Run, the machine's name is the parent's with the Map Run's label: both
    # are shown elsewhere.
    machine = None if parent.map_run_arn else execution.state_machine_name
    title = f"{f'{machine} › ' if machine else ''}{short_id(execution.name)}"
    times = execution.started_at, execution.stopped_at
    return Child(title, status, *times, parent.waits)


def child_map_run(snapshot: Snapshot, arn: str) -> Child | None:
    """Return a Map Run as of the snapshot; None if no history here started it."""
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
    """Return a Map Run's last start and its end, from the parent's history.

    Each is None where the history does not have it. A retried Map state has one Map
    Run for each try, one after the other. A redrive continues the same Map Run.
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
    """True where the described Map Run is newer than its parent's history.

    It is older where its end came before a redrive.
    """
    if told.stopped_at and begun_at and told.stopped_at < begun_at:
        return False
    return end is None or not told.running


def child_parts(child: Child) -> Iterator[Part]:
    """Yield the title, status and duration of what runs inside a state."""
    yield Part(clean(child.title, LIMIT), Role.NAME)
    yield from (Part("  "), status_part(child.status))
    if child.started_at is not None and child.stopped_at is not None:
        took = seconds_between(child.started_at, child.stopped_at)
        yield Part(f" {duration(max(0.0, took))}", Role.DIM)
    if not child.waits:
        yield Part("  not waited for", Role.DIM)


def map_run_parts(child: Child, cells: int = _CELLS) -> Iterator[Part]:
    """Yield a Map Run's progress, the failures first; its bar has `cells` cells.

    Without a description of the Map Run, yield only a note that says so.
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
    """Yield a bar of what failed, succeeded and runs.

    A share above zero has at least one cell, where there is room.
    """
    total = max(counts.total, counts.done + counts.running + counts.pending)
    if not total:
        return
    shares = (counts.unsuccessful, counts.succeeded, counts.running)
    widths = [-(-share * cells // total) if share else 0 for share in shares]
    while sum(widths) > cells:
        # The longest share loses a cell for each share that was rounded up.
        widths[widths.index(max(widths))] -= 1
    glyphs = (Part("▓", Role.BAD), Part("█", Role.GOOD), Part("▒", Role.BUSY))
    for width, glyph in zip(widths, glyphs, strict=True):
        if width:
            yield Part(glyph.text * width, glyph.role)
    if sum(widths) < cells:
        yield Part("░" * (cells - sum(widths)), Role.DIM)


def count_words(counts: ExecutionCounts) -> str:
    """Return a Map Run's progress in words.

    `12 of 40 executions done, 1 failed, 8 running`
    """
    statuses = ("failed", "timed_out", "aborted", "running", "pending")
    told = ((getattr(counts, each), status_words(each)) for each in statuses)
    parts = [f"{number:,} {words}" for number, words in told if number]
    return ", ".join([f"{counts.done:,} of {counts.total:,} executions done", *parts])


def fold_parts(
    snapshot: Snapshot, fold: Fold, visit: StateVisit | None
) -> tuple[Part, ...]:
    """Return a fold's name, its status and a summary of its contents."""
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
    """The contents of a fold: of a child execution, a visit, a branch or iteration."""

    def __init__(self, snapshot: Snapshot, fold: Fold) -> None:
        self._snapshot = snapshot
        self._fold = fold
        own = snapshot.executions.get(fold.execution_arn)
        events = [each for each in fold.members if isinstance(each, HistoryEvent)]
        self._events = [e for e in events if own is not None and own.event(e.id)]
        ids = dict.fromkeys((e.execution_arn, e.visit_id) for e in events if e.visit_id)
        # The folded visit itself, or the visit whose branch is folded, is no content.
        ids.pop((fold.execution_arn, fold.visit_id), None)
        found = [(arn, snapshot.visit_of((arn, each))) for arn, each in ids]
        self._visits = [visit for _, visit in found if visit is not None]
        self._tries = [(a, t) for a, visit in found if visit for t in visit.attempts]
        """The attempts in the fold, each with the ARN of its execution."""
        self._direct = [v for v in self._visits if v.parent == fold.visit_id]

    @property
    def states(self) -> str:
        return counted(len(self._visits), "state")

    def head(self, visit: StateVisit) -> Iterator[Part]:
        """Yield the path, `Each[1] / Inner[0]`, the status and the duration."""
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
        """Return a branch's status, and its duration in seconds; None if it runs."""
        events = self._events
        told = (e for e in reversed(events) if e.type.startswith("MapIteration"))
        last = next(told, None)
        status = last.iteration_end if last else None
        if status is None:
            # The branch is no iteration, or the iteration runs, maybe again after a
            # retry of the Map: the status is that of its states.
            states = [each.status for each in self._direct]
            status = "running" if "running" in states or not states else states[-1]
        if not events or status == "running":
            return status, None
        # The branch's last event may stand on another's line, and not in the fold.
        ends = [events[-1].at, *(v.ended_at for v in self._direct if v.ended_at)]
        return status, seconds_between(events[0].at, max(ends))

    def contents(self, visit: StateVisit) -> str:
        """Return the states' names of a short branch, else counts of the contents."""
        if self._fold.index is not None:
            names = clean(", ".join(each.name for each in self._direct), LIMIT)
            return names if 0 < len(self._direct) <= _NAMES else self.states
        branches = {each.index for each in self._direct} - {None}
        words = counted(len(branches), *_INSIDE[visit.type == "Map"])
        return f"{words}, {self.states}"

    def tally(self) -> Iterator[Part]:
        """Yield the numbers of failed tries, retries, calls and failed calls."""
        snapshot = self._snapshot
        if failed := sum(attempt.status in FAILED for _, attempt in self._tries):
            yield Part(f"  ✘ {counted(failed, 'failed try', 'failed tries')}", Role.BAD)
        numbered = ((v, n) for v in self._visits for n in range(2, len(v.attempts) + 1))
        if retries := sum(not visit.is_redriven(number) for visit, number in numbered):
            yield Part(f"  ⟳ {counted(retries, 'retry', 'retries')}", Role.WARN)
        # An action call on a state's line is no member of the fold.
        keys = ((arn, attempt.scheduled_id) for arn, attempt in self._tries)
        made = chain(self._fold.members, *map(snapshot.calls_of, keys))
        every = {each.event_id: each for each in made if isinstance(each, ApiCall)}
        if calls := list(filter(snapshot.shows_call, every.values())):
            yield Part(f"  {counted(len(calls), 'call')}", Role.DIM)
        if denied := sum(call.error_code is not None for call in calls):
            yield Part(f"  ✘ {denied:,} denied or failed", Role.BAD)
