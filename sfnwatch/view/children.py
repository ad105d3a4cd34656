"""What runs inside a state: a child execution, or a Map Run with its executions.

Each has a place in the tree of visits, as a Parallel's branch has: it can be folded.
Most begin folded: what was asked for is the execution that started them. What a fold
says is enough to know whether to open it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from sfnwatch.analysis.phases import length_of
from sfnwatch.model import children
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import short_id
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.history import HistoryEvent
from sfnwatch.model.moment import Coverage, Moment
from sfnwatch.model.values import clean, duration, seconds_between
from sfnwatch.model.visits import ROOT, StateVisit
from sfnwatch.view.order import Fold, FoldKind
from sfnwatch.view.wording import Part, Role, counted, status_part

_LIMIT = 200
_CELLS = 10
"""The cells of a Map Run's bar."""
_ENDS = frozenset({"MapRunSucceeded", "MapRunFailed", "MapRunAborted"})
_STARTS = frozenset({"MapRunStarted", "MapRunRedriven"})
_FAILED = frozenset({"failed", "timed_out"})
_NAMES = 2
"""A branch of so few states is told by their names."""
_MINUTE = 60
_INSIDE = (("branch", "branches"), ("iteration", "iterations"))
"""What a Parallel has, and a Map."""
_End = tuple[str, datetime]
"""AWS's word for how a Map Run ended, and when."""


class Child(Struct, frozen=True):
    """A child execution, or a Map Run, as it stands above what is in it."""

    arn: str
    name: str
    machine: str | None
    status: str
    """AWS's word."""
    started_at: datetime | None
    stopped_at: datetime | None
    waits: bool = True
    """False for one that was started and not waited for."""
    is_map_run: bool = False
    map_run: children.MapRun | None = None
    """What was told of the Map Run; None for executions, and where nothing was."""
    histories: int = 0
    """How many of a Map Run's executions have their histories here."""

    @property
    def title(self) -> str:
        """Name it as it came from AWS: `archive › 7f3a`, `Map Run Each 276e5993`."""
        if self.is_map_run:
            return f"Map Run {self.name}"
        machine = f"{self.machine} › " if self.machine else ""
        return f"{machine}{short_id(self.name)}"

    @property
    def running(self) -> bool:
        return self.status in children.RUNNING


def child_execution(moment: Moment, arn: str) -> Child | None:
    """Give a child execution as it stands; None for one that nothing started."""
    execution, parent = moment.executions.get(arn), moment.lineage.parents.get(arn)
    if execution is None or parent is None:
        return None
    listed = moment.listed.get(arn)
    known = execution.status != "UNKNOWN" or listed is None
    return Child(
        arn=arn,
        name=execution.name,
        # Of a Map Run's it is the parent's, with a label that the run has too.
        machine=None if parent.map_run_arn else execution.state_machine_name,
        status=execution.status if known or listed is None else listed.listed.status,
        started_at=execution.started_at,
        stopped_at=execution.stopped_at,
        waits=parent.waits,
    )


def child_map_run(moment: Moment, arn: str) -> Child | None:
    """Give a Map Run as it stands; None for one that no history here started."""
    parent = moment.lineage.map_runs.get(arn)
    around = moment.executions.get(parent.execution_arn) if parent else None
    if parent is None or around is None:
        return None
    told = moment.map_runs.get(arn)
    begun_at, end = _course_of(around, parent, arn)
    status, stopped_at = end or ("RUNNING", None)
    if told is not None and _is_better(told, begun_at, end):
        status, stopped_at = told.status, told.stopped_at or stopped_at
    parents = moment.lineage.parents
    return Child(
        arn=arn,
        name=children.map_run_name(arn),
        machine=None,
        status=status,
        started_at=told.started_at if told else None,
        stopped_at=stopped_at,
        is_map_run=True,
        map_run=told,
        histories=sum(parents[each].map_run_arn == arn for each in moment.children),
    )


def _course_of(
    around: ExecutionAsOf, parent: children.Parent, arn: str
) -> tuple[datetime | None, _End | None]:
    """Say when a Map Run began, the last time, and how it ended, as its parent tells.

    A Map state that is tried again has a run for each try, one after the other. A
    redrive goes on with the same.
    """
    begun_at: datetime | None = None
    end: _End | None = None
    current = ""
    for event, run in around.map_run_turns:
        if event.visit_id != parent.visit_id:
            continue
        if event.type in _STARTS:
            current = run or current
            if current == arn:
                begun_at, end = event.at, None
        elif event.type in _ENDS and current == arn:
            end = event.type.removeprefix("MapRun").upper(), event.at
    return begun_at, end


def _is_better(
    told: children.MapRun, begun_at: datetime | None, end: _End | None
) -> bool:
    """True where what was told of a Map Run is newer than its parent's history.

    The end that was told may be the one before a redrive.
    """
    if told.stopped_at and begun_at and told.stopped_at < begun_at:
        return False
    return end is None or not told.running


# -- in words ------------------------------------------------------------------------


def child_parts(child: Child) -> Iterator[Part]:
    """Name what runs inside a state and say how it stands."""
    yield Part(clean(child.title, _LIMIT), Role.NAME)
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


def bar_parts(counts: children.ExecutionCounts, cells: int = _CELLS) -> Iterator[Part]:
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


def count_words(counts: children.ExecutionCounts) -> str:
    """Say in words how far a Map Run is: `12 of 40 done, 1 failed, 8 running`."""
    parts = [f"{counts.done:,} of {counts.total:,} executions done"]
    for number, word in (
        (counts.failed, "failed"),
        (counts.timed_out, "timed out"),
        (counts.aborted, "aborted"),
        (counts.running, "running"),
        (counts.pending, "pending"),
    ):
        if number:
            parts.append(f"{number:,} {word}")
    return ", ".join(parts)


# -- folds ---------------------------------------------------------------------------


def fold_parts(
    moment: Moment, fold: Fold, visit: StateVisit | None
) -> tuple[Part, ...]:
    """Say what is folded, how it stands and what is in it."""
    if fold.kind is FoldKind.MAP_RUN:
        run = child_map_run(moment, fold.child_arn)
        if run is None:
            return ()
        return (*child_parts(run), Part("  "), *map_run_parts(run))
    inside = list(_visits_in(moment, fold))
    if fold.kind is FoldKind.CHILD:
        child = child_execution(moment, fold.child_arn)
        head = child_parts(child) if child else ()
        contents = counted(len(inside), "state")
    elif visit is not None:
        head = _branch_parts(moment, fold, visit, inside)
        contents = _contents(fold, visit, inside)
    else:
        return ()
    return *head, Part(f"  {contents}", Role.DIM), *_tally_parts(moment, fold, inside)


def _branch_parts(
    moment: Moment, fold: Fold, visit: StateVisit, inside: Sequence[StateVisit]
) -> Iterator[Part]:
    """Name a branch by its path, `Each[1] / Inner[0]`, and say how it stands."""
    path = visit.path.removeprefix(f"{ROOT} / ")
    number = "" if fold.index is None else f"[{fold.index}]"
    yield Part(clean(f"{path}{number}", _LIMIT), Role.NAME)
    status, seconds = visit.status, None
    if fold.index is not None:
        status, seconds = _outcome(moment, fold, inside)
    elif visit.ended_at is not None:
        seconds = length_of(visit, visit.ended_at)
    yield from (Part("  "), status_part(status))
    if seconds is not None:
        yield Part(f" {duration(max(0.0, seconds))}", Role.DIM)


def _contents(fold: Fold, visit: StateVisit, inside: Sequence[StateVisit]) -> str:
    """Say what is in a fold: of a short branch the states, by their names."""
    states = counted(len(inside), "state")
    direct = [each for each in inside if each.parent == fold.visit_id]
    if fold.index is not None:
        names = clean(", ".join(each.name for each in direct), _LIMIT)
        return names if 0 < len(direct) <= _NAMES else states
    branches = {each.index for each in direct} - {None}
    return f"{counted(len(branches), *_INSIDE[visit.type == 'Map'])}, {states}"


def _tally_parts(
    moment: Moment, fold: Fold, inside: Sequence[StateVisit]
) -> Iterator[Part]:
    """Count what is notable behind a fold."""
    failed = sum(a.status in _FAILED for each in inside for a in each.attempts)
    if failed:
        words = counted(failed, "failed try", "failed tries")
        yield Part(f"  ✘ {words}", Role.BAD)
    retries = sum(
        not each.is_redriven(number)
        for each in inside
        for number in range(2, len(each.attempts) + 1)
    )
    if retries:
        yield Part(f"  ⟳ {counted(retries, 'retry', 'retries')}", Role.WARN)
    calls = [m for m in fold.members if isinstance(m, ApiCall) and moment.shows_call(m)]
    if calls:
        yield Part(f"  {counted(len(calls), 'call')}", Role.DIM)
    denied = sum(call.error_code is not None for call in calls)
    if denied:
        yield Part(f"  ✘ {denied:,} denied or failed", Role.BAD)


def _visits_in(moment: Moment, fold: Fold) -> Iterator[StateVisit]:
    """Yield the visits behind a fold, without the one that it is, or is a branch of."""
    seen = {(fold.execution_arn, fold.visit_id)}
    for member in fold.members:
        if isinstance(member, HistoryEvent) and member.visit_id:
            key = member.execution_arn, member.visit_id
            execution = moment.executions.get(member.execution_arn)
            visit = execution.visit(member.visit_id) if execution else None
            if visit is not None and key not in seen:
                seen.add(key)
                yield visit


def _outcome(
    moment: Moment, fold: Fold, inside: Iterable[StateVisit]
) -> tuple[str, float | None]:
    """Say how a branch stands, and how long it took."""
    execution = moment.executions[fold.execution_arn]
    members = (m for m in fold.members if isinstance(m, HistoryEvent))
    events = [member for member in members if execution.event(member.id)]
    told = (e.type for e in reversed(events) if e.type.startswith("MapIteration"))
    status = next(told, "MapIterationStarted").removeprefix("MapIteration").lower()
    if status == "started":
        # Or anew, if the Map is retried: its states tell then.
        states = [each.status for each in inside if each.parent == fold.visit_id]
        status = "running" if "running" in states or not states else states[-1]
    ended = bool(events) and status != "running"
    return status, seconds_between(events[0].at, events[-1].at) if ended else None


# -- polls and waits -----------------------------------------------------------------


def poll_run_parts(coverage: Coverage, fold: Fold) -> tuple[Part, ...]:
    """Say how many polls are folded, how far apart they are and what became of them."""
    calls = [member for member in fold.members if isinstance(member, ApiCall)]
    whole = coverage.is_settled(fold.last) if fold.last else True
    more = "polls" if len(calls) > 1 else "poll"
    said = [Part(f"{len(calls)}{'' if whole else '+'} more {more}")]
    apart = seconds_apart(coverage, calls)
    if apart is not None:
        often = f"{apart:.0f} s" if apart < 2 * _MINUTE else duration(round(apart))
        said.append(Part(f", about every {often}", Role.DIM))
    error = calls[0].error_code if calls else None
    if error:
        word = "all denied" if "denied" in error.lower() else clean(error, _LIMIT)
        said.append(Part(f"  ✘ {word}", Role.BAD))
    return tuple(said)


def seconds_apart(coverage: Coverage, polls: Sequence[ApiCall]) -> float | None:
    """Say how far apart polls are, as far as CloudTrail was read.

    Beyond that, others may still come in between.
    """
    known = [call.event_time for call in coverage.settled(polls)]
    if len(known) <= 1:
        return None
    return (known[-1] - known[0]).total_seconds() / (len(known) - 1)


def backoff_parts(visit: StateVisit, number: int) -> tuple[Part, ...]:
    """Say how long a failed try was followed by nothing."""
    wait = visit.backoff_before(number)
    if wait is None:
        return ()
    seconds = round((wait[1] - wait[0]).total_seconds())
    words = f"{seconds} s" if seconds < _MINUTE else duration(seconds)
    return (Part(f"⟳ backing off {words}", Role.WARN),)
