"""The marks on a recording's way: what one would want to jump to.

A mark stands at the moment at which its record comes, by the clock that is asked for.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import chain

from msgspec import Struct

from sfnwatch.analysis import phases
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.coverage import Coverage
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.history_event import TERMINAL, HistoryEvent
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.time_axis import TimeAxis, end_of_second
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.model.visits import FAILED, StateVisit
from sfnwatch.view.trace_changes import everything, links_in
from sfnwatch.view.wording import ordinal

_LIMIT = 80
MarkedRow = HistoryEvent | ApiCall | TaskState


class MarkerKind(StrEnum):
    """What a mark tells of; the one that is worth more comes first."""

    FAILED = "failed"
    DENIED = "denied"
    ENDED = "ended"
    REDRIVEN = "redriven"
    RETRIED = "retried"
    CAUGHT = "caught"
    FIRST_POLL = "first poll"
    LEARNED = "learned"
    """Step Functions learned that a job had stopped."""
    STARTED = "started"
    ENTERED = "entered"


class Marker(Struct, frozen=True):
    """One mark."""

    at: datetime
    """When what it tells of happened."""
    arrived_at: datetime
    """When it was received; files do not say, and then it is the same."""
    kind: MarkerKind
    label: str
    """Cleaned words: `ECS RunTask entered`, `first poll`."""
    key: str
    """The key of its line."""
    status: str = ""
    """For `ended`: how, in AWS's words, in lower case."""

    def when(self, clock: TimeAxis) -> datetime:
        """Give its moment by a clock."""
        return self.arrived_at if clock is TimeAxis.ARRIVAL else self.at


class Markers:
    """Keeps the marks of all there is; what a batch touched is marked anew."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self.version = 0
        """Grows with each change of the marks."""
        self._of: dict[tuple[str, int], Sequence[Marker]] = {}
        """By execution and visit; an execution's own by 0, a call's by its id."""
        self._sorted: dict[TimeAxis, Sequence[Marker]] = {}
        self.update(everything(trace))

    def update(self, changed: Changed) -> None:
        """Mark anew what a batch touched."""
        snapshot = self._trace.as_of()
        if changed.folded_anew or changed.dropped_calls:
            changed = everything(self._trace)
            self._of.clear()
            self._sorted.clear()
            self.version += 1
        visits = {(arn, each) for arn, ids in changed.visits.items() for each in ids}
        visits |= {(e.execution_arn or "", e.visit_id or 0) for e in links_in(changed)}
        # Sets have another order in each process, and marks of one moment keep theirs.
        for arn in sorted(changed.executions & snapshot.executions.keys()):
            self._put((arn, 0), _of_execution(snapshot.executions[arn]))
        for arn, visit_id in sorted(visits):
            visit = snapshot.visit_of((arn, visit_id))
            if visit is not None:
                self._put((arn, visit_id), _of_visit(snapshot, arn, visit))
        for call in map(self._trace.calls.get, chain(changed.calls, changed.links)):
            if call and call.error_code is not None and snapshot.is_relevant(call):
                denied = phases.is_denied(call)
                kind = MarkerKind.DENIED if denied else MarkerKind.FAILED
                marker = _marker(call, kind, f"{call.event_name} {call.error_code}")
                self._put((call.key, 0), [marker])

    def by(self, clock: TimeAxis) -> Sequence[Marker]:
        """Give all marks in the order in which they come by a clock."""
        found = self._sorted.get(clock)
        if found is None:
            each = chain.from_iterable(self._of.values())
            found = sorted(each, key=lambda marker: marker.when(clock))
            self._sorted[clock] = found
        return found

    def _put(self, key: tuple[str, int], markers: Iterable[Marker]) -> None:
        """Take marks up; most of the time they are those that were there."""
        found = tuple(markers)
        if self._of.get(key, ()) != found:
            self._of[key] = found
            self._sorted.clear()
            self.version += 1


def happened_at(row: MarkedRow) -> datetime:
    """Say by when something had surely happened."""
    return end_of_second(row.event_time) if isinstance(row, ApiCall) else row.at


def _marker(
    row: HistoryEvent | ApiCall, kind: MarkerKind, words: str, status: str = ""
) -> Marker:
    at = happened_at(row)
    return Marker(at, row.seen_at or at, kind, clean(words, _LIMIT), row.key, status)


def _of_execution(execution: ExecutionAsOf) -> Iterator[Marker]:
    first = execution.event(1)
    if first is not None and first.type == "ExecutionStarted":
        yield _marker(first, MarkerKind.STARTED, "execution started")
    for redrive in execution.redrives:
        yield from _of_ending(redrive.ended)
        words = f"redriven ({ordinal(redrive.number)} time)"
        yield _marker(redrive.event, MarkerKind.REDRIVEN, words)
    yield from _of_ending(execution.ending)


def _of_ending(ending: HistoryEvent | None) -> Iterator[Marker]:
    if ending is not None:
        status = TERMINAL[ending.type].lower()
        words = f"execution {status.replace('_', ' ')}"
        yield _marker(ending, MarkerKind.ENDED, words, status)


def _of_visit(snapshot: Snapshot, arn: str, visit: StateVisit) -> Iterator[Marker]:
    for event_id, kind, words in _telling(visit):
        event = snapshot.executions[arn].event(event_id)
        if event is not None:
            yield _marker(event, kind, f"{visit.name} {words}")
    for attempt in visit.attempts:
        key = arn, attempt.scheduled_id
        if snapshot.calls_of(key):
            calls = phases.AttemptCalls(snapshot, Coverage(snapshot), key, attempt)
            for poll in calls.polls.sure[:1]:
                yield _marker(poll, MarkerKind.FIRST_POLL, f"{visit.name} first poll")


def _telling(visit: StateVisit) -> Iterator[tuple[int, MarkerKind, str]]:
    """Yield the events of a visit that have a mark, and what each of them tells."""
    last = visit.ended_by or visit.id
    yield visit.id, MarkerKind.ENTERED, "entered"
    if visit.status == "caught":
        yield last, MarkerKind.CAUGHT, "caught"
    if visit.status in FAILED and not visit.attempts:
        yield last, MarkerKind.FAILED, visit.status.replace("_", " ")
    for number, attempt in enumerate(visit.attempts, start=1):
        if number > 1 and not visit.is_redriven(number):
            yield attempt.scheduled_id, MarkerKind.RETRIED, f"try {number}"
        if attempt.status in FAILED:
            words = attempt.status.replace("_", " ")
            words += f": {attempt.error}" if attempt.error else ""
            yield attempt.ended_by, MarkerKind.FAILED, words
        # Where it is known how long the end of the job went unknown.
        stopped = attempt.stopped_at
        learned = attempt.ended_at
        otherwise = attempt.status in phases.ENDED_OTHERWISE
        if stopped and learned and stopped <= learned and not otherwise:
            yield attempt.ended_by, MarkerKind.LEARNED, "completion detected"
