"""The marks on a recording's way: what one would want to jump to.

A mark stands at the moment at which its record comes, by the clock that is asked for.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from sfnwatch.analysis.phases import ENDED_OTHERWISE, is_denied, polls_of
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.clocks import Clock, dated, end_of_second
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.history import TERMINAL, HistoryEvent
from sfnwatch.model.moment import Moment
from sfnwatch.model.text import clean
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.model.visits import Attempt, StateVisit
from sfnwatch.view.wording import ordinal

_LIMIT = 80
_FAILED = frozenset({"failed", "timed_out"})


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
    seen_at: datetime | None
    kind: MarkerKind
    label: str
    """Cleaned words: `ECS RunTask entered`, `first poll`."""
    key: str
    """The key of its line."""
    status: str = ""
    """For `ended`: how, in AWS's words, in lower case."""

    def when(self, clock: Clock) -> datetime:
        """Give its moment by a clock."""
        return dated(clock, self.seen_at, self.at)


class Markers:
    """Keeps the marks of all there is; what a batch touched is marked anew."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self.version = 0
        """Grows with each change of the marks."""
        self.build()

    def build(self) -> None:
        """Mark all that the trace holds."""
        self._of: dict[tuple[str, int], Sequence[Marker]] = {}
        """By execution and visit; an execution's own by 0, a call's by its id."""
        self._sorted: dict[Clock, Sequence[Marker]] = {}
        moment = self._trace.as_of()
        for arn, execution in moment.executions.items():
            self._mark_execution(execution)
            for visit in execution.visits:
                self._mark_visit(moment, arn, visit)
        self._mark_calls(moment, self._trace.calls)

    def update(self, changed: Changed) -> None:
        """Mark anew what a batch touched."""
        if changed.folded_anew or changed.dropped_calls:
            self.build()
            return
        moment = self._trace.as_of()
        visits = {(arn, each) for arn, ids in changed.visits.items() for each in ids}
        for pair in changed.links.values():
            links = (link for link in pair if link is not None)
            visits |= {(e.execution_arn or "", e.visit_id or 0) for e in links}
        for arn in changed.executions:
            if arn in moment.executions:
                self._mark_execution(moment.executions[arn])
        for arn, visit_id in visits:
            execution = moment.executions.get(arn)
            visit = execution.visit(visit_id) if execution else None
            if visit is not None:
                self._mark_visit(moment, arn, visit)
        self._mark_calls(moment, [*changed.calls, *changed.links])

    def by(self, clock: Clock) -> Sequence[Marker]:
        """Give all marks in the order in which they come by a clock."""
        found = self._sorted.get(clock)
        if found is None:
            each = (marker for markers in self._of.values() for marker in markers)
            found = sorted(each, key=lambda marker: marker.when(clock))
            self._sorted[clock] = found
        return found

    # -- marking -------------------------------------------------------------------

    def _put(self, key: tuple[str, int], markers: Iterable[Marker]) -> None:
        """Take marks up; most of the time they are those that were there."""
        found = tuple(markers)
        if self._of.get(key, ()) != found:
            self._of[key] = found
            self._sorted.clear()
            self.version += 1

    def _mark_execution(self, execution: ExecutionAsOf) -> None:
        self._put((execution.arn, 0), _of_execution(execution))

    def _mark_visit(self, moment: Moment, arn: str, visit: StateVisit) -> None:
        self._put((arn, visit.id), _of_visit(moment, arn, visit))

    def _mark_calls(self, moment: Moment, event_ids: Iterable[str]) -> None:
        """Mark the calls that AWS refused or failed, but for those not shown."""
        for event_id in event_ids:
            call = self._trace.calls.get(event_id)
            if call is None or call.error_code is None or not moment.is_relevant(call):
                continue
            denied = is_denied(call)
            kind = MarkerKind.DENIED if denied else MarkerKind.FAILED
            words = f"{call.event_name} {call.error_code}"
            self._put((call.key, 0), (_call_marker(call, kind, words),))


def _marker(
    event: HistoryEvent, kind: MarkerKind, words: str, status: str = ""
) -> Marker:
    label = clean(words, _LIMIT)
    return Marker(event.at, event.seen_at, kind, label, event.key, status)


def _call_marker(call: ApiCall, kind: MarkerKind, words: str) -> Marker:
    at = end_of_second(call.event_time)
    return Marker(at, call.seen_at, kind, clean(words, _LIMIT), call.key)


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


def _of_visit(moment: Moment, arn: str, visit: StateVisit) -> Iterator[Marker]:
    last = visit.turns[-1].by if visit.turns else visit.id
    told = [(visit.id, MarkerKind.ENTERED, "entered")]
    if visit.status == "caught":
        told.append((last, MarkerKind.CAUGHT, "caught"))
    if visit.status in _FAILED and not visit.attempts:
        told.append((last, MarkerKind.FAILED, visit.status.replace("_", " ")))
    for number, attempt in enumerate(visit.attempts, start=1):
        told += _of_attempt(visit, number, attempt)
    for event_id, kind, words in told:
        event = moment.executions[arn].event(event_id)
        if event is not None:
            yield _marker(event, kind, f"{visit.name} {words}")
    for attempt in visit.attempts:
        key = arn, attempt.scheduled_id
        for poll in polls_of(attempt, moment.calls_of(key))[:1]:
            words = f"{visit.name} first poll"
            yield _call_marker(poll, MarkerKind.FIRST_POLL, words)


def _of_attempt(
    visit: StateVisit, number: int, attempt: Attempt
) -> Iterator[tuple[int, MarkerKind, str]]:
    if number > 1 and not visit.is_redriven(number):
        yield attempt.scheduled_id, MarkerKind.RETRIED, f"try {number}"
    if attempt.status in _FAILED:
        words = attempt.status.replace("_", " ")
        words += f": {attempt.error}" if attempt.error else ""
        yield attempt.ended_by, MarkerKind.FAILED, words
    if _is_learned(attempt):
        yield attempt.ended_by, MarkerKind.LEARNED, "completion detected"


def _is_learned(attempt: Attempt) -> bool:
    """True where it is known how long the end of a job went unknown."""
    stopped, learned = attempt.stopped_at, attempt.ended_at
    if stopped is None or learned is None or stopped > learned:
        return False
    return attempt.status not in ENDED_OTHERWISE
