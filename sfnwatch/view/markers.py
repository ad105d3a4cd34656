"""The marks of a recording: the moments that a user may want to jump to.

A mark is at the time at which its record comes in playback, by the clock in use.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import chain

from msgspec import Struct

from sfnwatch.analysis.attempt_calls import ENDED_OTHERWISE, AttemptCalls
from sfnwatch.analysis.denials import is_denied
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.coverage import Coverage
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.history_event import STATUS_BY_END, HistoryEvent
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.time_axis import TimeAxis, end_of_second
from sfnwatch.model.trace import Changed
from sfnwatch.model.visits import FAILED, Attempt, StateVisit
from sfnwatch.view.event_words import ordinal
from sfnwatch.view.trace_changes import links_in, visit_keys_in
from sfnwatch.view.trace_follower import TraceFollower

_LABEL_CHARACTERS = 80
MarkedRow = HistoryEvent | ApiCall | TaskState


class MarkerKind(StrEnum):
    """The kinds of marks, the most important first."""

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
    """When the marked thing happened."""
    arrived_at: datetime
    """When its record was received; the same as `at` where a file lacks that time."""
    kind: MarkerKind
    label: str
    """Cleaned words: `ECS RunTask entered`, `first poll`."""
    key: str
    """The key of the line that is marked."""
    status: str = ""
    """For `ended`: the execution's final status in AWS's words, in lower case."""

    def when(self, clock: TimeAxis) -> datetime:
        """Return the mark's time by a clock."""
        return self.arrived_at if clock is TimeAxis.ARRIVAL else self.at


class Markers(TraceFollower):
    """Keeps the marks of all that a trace holds."""

    def _clear(self) -> None:
        self._markers_of: dict[tuple[str, int], Sequence[Marker]] = {}
        """The marks by execution and visit id.

        An execution's own marks have visit id 0. The mark of a failed call is under the
        call's key and 0.
        """
        self._sorted: dict[TimeAxis, Sequence[Marker]] = {}

    def _add(self, changed: Changed) -> None:
        snapshot = self._trace.as_of()
        # Sets have another order in each process; marks of the same time must have the
        # same order in all.
        for arn in sorted(changed.executions & snapshot.executions.keys()):
            self._put((arn, 0), _of_execution(snapshot.executions[arn]))
        for arn, visit_id in sorted(_touched_visits(changed)):
            visit = snapshot.visit_of((arn, visit_id))
            if visit is not None:
                self._put((arn, visit_id), _of_visit(snapshot, arn, visit))
        for event_id in dict.fromkeys((*changed.calls, *changed.links)):
            call = self._trace.calls.get(event_id)
            if call and call.error_code is not None and snapshot.is_relevant(call):
                self._put((call.key, 0), [_of_failed_call(call)])

    def by(self, clock: TimeAxis) -> Sequence[Marker]:
        """Return all marks in the order of time, by a clock."""
        markers = self._sorted.get(clock)
        if markers is None:
            unsorted = chain.from_iterable(self._markers_of.values())
            markers = sorted(unsorted, key=lambda marker: marker.when(clock))
            self._sorted[clock] = markers
        return markers

    def _put(self, key: tuple[str, int], new_markers: Iterable[Marker]) -> None:
        """Replace the marks under a key; most often they have not changed."""
        markers = tuple(new_markers)
        if self._markers_of.get(key, ()) != markers:
            self._markers_of[key] = markers
            self._sorted.clear()
            self.version += 1


def _touched_visits(changed: Changed) -> set[tuple[str, int]]:
    """Return the keys of the visits that changed, or whose links did."""
    keys = set(visit_keys_in(changed))
    for link in links_in(changed):
        keys.add((link.execution_arn or "", link.visit_id or 0))
    return keys


def happened_at(row: MarkedRow) -> datetime:
    """Return the time of a row; for a call, the end of its second."""
    return end_of_second(row.event_time) if isinstance(row, ApiCall) else row.at


def _marker(
    row: HistoryEvent | ApiCall, kind: MarkerKind, words: str, status: str = ""
) -> Marker:
    at = happened_at(row)
    label = clean(words, _LABEL_CHARACTERS)
    return Marker(at, row.seen_at or at, kind, label, row.key, status)


def _of_failed_call(call: ApiCall) -> Marker:
    kind = MarkerKind.DENIED if is_denied(call) else MarkerKind.FAILED
    return _marker(call, kind, f"{call.event_name} {call.error_code}")


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
        status = STATUS_BY_END[ending.type].lower()
        words = f"execution {status.replace('_', ' ')}"
        yield _marker(ending, MarkerKind.ENDED, words, status)


def _of_visit(snapshot: Snapshot, arn: str, visit: StateVisit) -> Iterator[Marker]:
    for event_id, kind, words in _marked_events(visit):
        event = snapshot.executions[arn].event(event_id)
        if event is not None:
            yield _marker(event, kind, f"{visit.name} {words}")
    for attempt in visit.attempts:
        key = arn, attempt.scheduled_id
        if snapshot.calls_of(key):
            calls = AttemptCalls(snapshot, Coverage(snapshot), key, attempt)
            for poll in calls.polls.sure[:1]:
                yield _marker(poll, MarkerKind.FIRST_POLL, f"{visit.name} first poll")


def _marked_events(visit: StateVisit) -> Iterator[tuple[int, MarkerKind, str]]:
    """Yield a visit's marked events by their ids, with the kind and words of marks."""
    last_id = visit.ended_by or visit.id
    yield visit.id, MarkerKind.ENTERED, "entered"
    if visit.status == "caught":
        yield last_id, MarkerKind.CAUGHT, "caught"
    if visit.status in FAILED and not visit.attempts:
        yield last_id, MarkerKind.FAILED, visit.status.replace("_", " ")
    for number, attempt in enumerate(visit.attempts, start=1):
        if number > 1 and not visit.is_redriven(number):
            yield attempt.scheduled_id, MarkerKind.RETRIED, f"try {number}"
        if attempt.status in FAILED:
            words = attempt.status.replace("_", " ")
            if attempt.error:
                words = f"{words}: {attempt.error}"
            yield attempt.ended_by, MarkerKind.FAILED, words
        if _end_was_unknown(attempt):
            yield attempt.ended_by, MarkerKind.LEARNED, "completion detected"


def _end_was_unknown(attempt: Attempt) -> bool:
    """True where it is known when the job stopped, and when the attempt ended."""
    if not attempt.stopped_at or not attempt.ended_at:
        return False
    if attempt.status in ENDED_OTHERWISE:
        return False
    return attempt.stopped_at <= attempt.ended_at
