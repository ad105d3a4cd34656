"""The marks on a recording's way: what one would want to jump to.

A mark stands at the moment at which its record comes by the clock in use.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.lanes import (
    call_key,
    calls_by_attempt,
    is_hidden,
    polls_of,
)
from sfnwatch.trace.moments import Reading, second_over
from sfnwatch.trace.notice import By, notice
from sfnwatch.trace.reach import reach
from sfnwatch.trace.redrives import ordinal
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import TERMINAL, Timeline, Trace
from sfnwatch.trace.values import replace
from sfnwatch.trace.visits import StateVisit

_LIMIT = 80
_DENIALS = ("denied", "unauthorized", "notauthorized")
"""What the error codes of a refused call hold, in lower case: services differ."""


class Mark(StrEnum):
    """What a chapter begins with."""

    STARTED = "started"
    ENTERED = "entered"
    FAILED = "failed"
    DENIED = "denied"
    FIRST_POLL = "first-poll"
    RETRIED = "retried"
    CAUGHT = "caught"
    NOTICED = "noticed"
    REDRIVEN = "redriven"
    ENDED = "ended"


class Chapter(Struct, frozen=True):
    """One mark."""

    at: datetime
    kind: Mark
    label: str
    """Cleaned words: `ECS RunTask entered`, `first poll`."""
    key: str
    """The key of its row in the lanes."""
    status: str = ""
    """For `ended`: how, as `STATUS_GLYPHS` names it."""
    happened: datetime | None = None
    """When it was by its own clock, where that is known to the millisecond."""


def chapters(trace: Trace, reading: Reading) -> tuple[Chapter, ...]:
    """List the marks of a trace in the order in which they come."""
    by_attempt = calls_by_attempt(trace)
    known = reach(trace)
    several = len(trace.timelines) > 1
    found: list[Chapter] = []
    for timeline in trace.timelines.values():
        marks = _Marks(timeline, reading)
        own = [*marks.of_execution()]
        for visit in timeline.visits:
            own += marks.of_visit(visit)
            for attempt in visit.attempts:
                key = timeline.execution_arn, attempt.scheduled_id
                calls = by_attempt.get(key, ())
                polls = polls_of(attempt, calls)
                complete = known.of(timeline.execution_arn, attempt, calls)
                own += marks.of_attempt(visit, attempt, polls, complete)
        found += (_named(mark, timeline.name) for mark in own) if several else own
    found += _refusals(trace, reading)
    return tuple(sorted(found, key=lambda chapter: chapter.at))


def _named(chapter: Chapter, execution: str) -> Chapter:
    """Say of several executions which one it was."""
    return replace(chapter, label=f"{chapter.label} · {clean(execution, _LIMIT)}")


class _Marks:
    """The marks of one execution."""

    def __init__(self, timeline: Timeline, reading: Reading) -> None:
        self._timeline = timeline
        self._reading = reading
        self._events: Mapping[int, HistoryEvent] = timeline.events

    def _mark(
        self, event_id: int, kind: Mark, label: str, status: str = ""
    ) -> Iterator[Chapter]:
        event = self._events.get(event_id)
        if event is None:
            return
        seen = event.seen_at if self._reading is Reading.SEEN else None
        key = f"{self._timeline.execution_arn}#{event_id}"
        at = seen or event.timestamp
        words = clean(label, _LIMIT)
        yield Chapter(at, kind, words, key, status, event.timestamp)

    def of_execution(self) -> Iterator[Chapter]:
        first = self._events.get(1)
        if first is not None and first.type == "ExecutionStarted":
            yield from self._mark(1, Mark.STARTED, "execution started")
        for redrive in self._timeline.redrives:
            yield from self._ended(redrive.ended)
            words = f"redriven ({ordinal(redrive.number)} time)"
            yield from self._mark(redrive.event.id, Mark.REDRIVEN, words)
        yield from self._ended(self._timeline.ending)

    def _ended(self, ending: HistoryEvent | None) -> Iterator[Chapter]:
        if ending is not None:
            status = TERMINAL[ending.type].lower()
            words = f"execution {status.replace('_', ' ')}"
            yield from self._mark(ending.id, Mark.ENDED, words, status)

    def of_visit(self, visit: StateVisit) -> Iterator[Chapter]:
        yield from self._mark(visit.id, Mark.ENTERED, f"{visit.name} entered")
        last = visit.event_ids[-1] if visit.event_ids else visit.id
        if visit.status == "caught":
            yield from self._mark(last, Mark.CAUGHT, f"{visit.name} caught")
        if visit.status in {"failed", "timed_out"} and not visit.attempts:
            words = _failure(visit.status, visit.error)
            yield from self._mark(last, Mark.FAILED, f"{visit.name} {words}")

    def of_attempt(
        self,
        visit: StateVisit,
        attempt: Attempt,
        polls: list[ApiCall],
        complete: datetime | None,
    ) -> Iterator[Chapter]:
        tries = [other.scheduled_id for other in visit.attempts]
        number = tries.index(attempt.scheduled_id) + 1
        if number > 1 and not visit.is_redriven(number):
            words = f"{visit.name} try {number}"
            yield from self._mark(attempt.scheduled_id, Mark.RETRIED, words)
        last = attempt.event_ids[-1] if attempt.event_ids else attempt.scheduled_id
        if attempt.status in {"failed", "timed_out"}:
            words = _failure(attempt.status, attempt.error)
            yield from self._mark(last, Mark.FAILED, f"{visit.name} {words}")
        if polls:
            yield _of_call(polls[0], Mark.FIRST_POLL, "first poll", self._reading)
        told = notice(attempt, polls, complete)
        if told is not None:
            how = "noticed" if told.by is By.UNKNOWN else f"noticed by {told.by}"
            yield from self._mark(last, Mark.NOTICED, how)


def _refusals(trace: Trace, reading: Reading) -> Iterator[Chapter]:
    """Mark the calls that AWS refused or failed, but for those not shown."""
    for call in trace.ordered_calls:
        code = call.error_code
        if code is None or is_hidden(trace, call, trace.links.get(call.event_id)):
            continue
        denied = any(word in code.lower() for word in _DENIALS)
        kind = Mark.DENIED if denied else Mark.FAILED
        yield _of_call(call, kind, f"{call.event_name} {code}", reading)


def _of_call(call: ApiCall, kind: Mark, label: str, reading: Reading) -> Chapter:
    at = second_over(call.event_time)
    if reading is Reading.SEEN:
        at = call.seen_at or call.event_time
    return Chapter(at, kind, clean(label, _LIMIT), call_key(call))


def _failure(status: str, error: str | None) -> str:
    word = status.replace("_", " ")
    return f"{word}: {error}" if error else word
