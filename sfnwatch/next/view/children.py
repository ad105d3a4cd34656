"""What runs inside a state: a child execution, or a Map Run with its executions.

Each has a place in the tree of visits, as a Parallel's branch has: it can be folded.
Most begin folded: what was asked for is the execution that started them.
"""

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from sfnwatch.next.model.arns import short_id
from sfnwatch.next.model.execution import ExecutionAsOf
from sfnwatch.next.model.lineage import Parent
from sfnwatch.next.model.map_run import (
    RUNNING,
    ExecutionCounts,
    MapRun,
    map_run_name,
)
from sfnwatch.next.model.moment import Moment
from sfnwatch.next.model.text import clean, duration
from sfnwatch.next.model.times import seconds_between
from sfnwatch.next.view.parts import Part, Role, status_glyph

_LIMIT = 200
_CELLS = 10
"""The cells of a Map Run's bar."""
_ENDS = {
    "MapRunSucceeded": "SUCCEEDED",
    "MapRunFailed": "FAILED",
    "MapRunAborted": "ABORTED",
}
_STARTS = frozenset({"MapRunStarted", "MapRunRedriven"})
_End = tuple[str, datetime]
"""AWS's word for how a Map Run ended, and when."""


def child_key(arn: str) -> str:
    """Key the fold of a child execution."""
    return f"{arn}~child"


def map_run_key(arn: str) -> str:
    """Key the fold of a Map Run."""
    return f"{arn}~children"


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
    map_run: MapRun | None = None
    """What was told of the Map Run; None for executions, and where nothing was."""
    histories: int = 0
    """How many of a Map Run's executions have their histories here."""

    @property
    def running(self) -> bool:
        return self.status in RUNNING


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
    told = moment.map_run(arn)
    begun_at, end = _course_of(around, parent, arn)
    status, stopped_at = end or ("RUNNING", None)
    if told is not None and _is_better(told, begun_at, end):
        status, stopped_at = told.status, told.stopped_at or stopped_at
    parents = moment.lineage.parents
    return Child(
        arn=arn,
        name=map_run_name(arn),
        machine=None,
        status=status,
        started_at=told.started_at if told else None,
        stopped_at=stopped_at,
        is_map_run=True,
        map_run=told,
        histories=sum(parents[each].map_run_arn == arn for each in moment.children),
    )


def _course_of(
    around: ExecutionAsOf, parent: Parent, arn: str
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
            end = _ENDS[event.type], event.at
    return begun_at, end


def _is_better(told: MapRun, begun_at: datetime | None, end: _End | None) -> bool:
    """True where what was told of a Map Run is newer than its parent's history.

    The end that was told may be the one before a redrive.
    """
    if told.stopped_at and begun_at and told.stopped_at < begun_at:
        return False
    return end is None or not told.running


# -- in words ------------------------------------------------------------------------


def child_parts(child: Child) -> Iterator[Part]:
    """Name what runs inside a state and say how it stands."""
    if child.is_map_run:
        yield Part(clean(f"Map Run {child.name}", _LIMIT), Role.NAME)
    else:
        machine = f"{child.machine} › " if child.machine else ""
        yield Part(clean(f"{machine}{short_id(child.name)}", _LIMIT), Role.NAME)
    status = child.status.lower()
    glyph = status_glyph(status)
    words = clean(status.replace("_", " "), _LIMIT)
    yield Part(f"  {glyph.text} {words}", glyph.role)
    if child.started_at is not None and child.stopped_at is not None:
        took = seconds_between(child.started_at, child.stopped_at)
        yield Part(f" {duration(max(0.0, took))}", Role.DIM)
    if not child.waits:
        yield Part("  not waited for", Role.DIM)


def map_run_parts(child: Child) -> Iterator[Part]:
    """Say how far a Map Run is, failures first; where it was never told, say that."""
    if child.map_run is None:
        yield Part("its executions are not in these records", Role.DIM)
        return
    counts = child.map_run.executions
    if counts.unsuccessful:
        yield Part(f"✘ {counts.unsuccessful:,} failed  ", Role.BAD)
    yield Part(f"{counts.done:,} of {counts.total:,} ")
    yield from bar_parts(counts)
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
