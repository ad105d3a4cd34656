"""A visit as the stretches of time it is made of, and the calls that fell into it.

What AWS's own timeline shows as one bar is told apart here: time in which nothing of
the state's own ran yet, time it worked, time after its job was over and nobody had
noticed, time until the next try.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.integrations import CallRole, Pattern
from sfnwatch.trace.lane_ranks import causing_phase
from sfnwatch.trace.lanes import (
    ANSWERED,
    call_key,
    calls_by_attempt,
    polls_of,
)
from sfnwatch.trace.links import Link, linked
from sfnwatch.trace.notice import Notice, notice
from sfnwatch.trace.reach import reach
from sfnwatch.trace.timeline import Trace
from sfnwatch.trace.values import replace
from sfnwatch.trace.visits import StateVisit
from sfnwatch.trace.words import id_word, rule_words

Key = tuple[str, int]
"""An execution's ARN and the id of one of its visits or attempts."""


class Part(StrEnum):
    """What a stretch of a visit was spent on; the value is the word for it."""

    WAITING = "waiting"
    """Scheduled but not begun, a Wait state, and what Step Functions took itself."""
    WORKING = "working"
    NOTICING = "noticing"
    """The job had stopped by its own clock; Step Functions did not know yet."""
    BACKING_OFF = "backing off"
    AROUND = "around"
    """A Parallel or Map: the work is that of the states inside."""
    STOPPED = "stopped"
    """The execution itself was over, until it was redriven."""


class Segment(Struct, frozen=True):
    """A stretch of a visit; the segments of a visit leave no gap and don't overlap."""

    part: Part
    begin: datetime
    end: datetime
    attempt: int | None = None
    """Which try it belongs to, from 1; None for what lies outside of tries."""
    status: str = "running"
    """How that try, or else the visit, ended."""
    open: bool = False
    """True for the last segment of a visit that still runs: it grows."""

    @property
    def seconds(self) -> float:
        return (self.end - self.begin).total_seconds()

    @property
    def failed(self) -> bool:
        return self.status in {"failed", "timed_out"}


class _Step(Struct, frozen=True):
    """A part, and until when it lasts; None: it is not over."""

    part: Part
    until: datetime | None
    attempt: int | None
    status: str


def end_of(visit: StateVisit, now: datetime) -> datetime:
    """Give when a visit was over, or how far it has come."""
    if visit.ended_at is not None:
        return max(visit.entered_at, visit.ended_at)
    known = (t for a in visit.attempts for t in (a.scheduled_at, a.ended_at) if t)
    return max(visit.entered_at, now, *known)


def length_of(visit: StateVisit, now: datetime) -> float:
    """Give the seconds a visit took, without those in which it stood still."""
    return (end_of(visit, now) - visit.entered_at).total_seconds() - visit.paused


def segments(visit: StateVisit, now: datetime) -> tuple[Segment, ...]:
    """Divide a visit from entered to ended, or to `now` while it runs.

    Clocks may disagree (a job's StoppedAt is its own clock's): a point before the
    one before it takes no time.
    """
    at, end = visit.entered_at, end_of(visit, now)
    running = visit.ended_at is None
    found: list[Segment] = []
    for step in _steps(visit):
        until = end if step.until is None else min(max(step.until, at), end)
        if until > at:
            open_ = running and step.until is None
            found.append(
                Segment(step.part, at, until, step.attempt, step.status, open_)
            )
            at = until
    return tuple(_without_pauses(found, visit)) if visit.pauses else tuple(found)


def _without_pauses(found: Iterable[Segment], visit: StateVisit) -> Iterator[Segment]:
    """Take out of each segment the time in which nothing of the execution ran."""
    for segment in found:
        begin = segment.begin
        for pause in visit.pauses:
            first, last = max(pause[0], begin), min(pause[1], segment.end)
            if first >= last:
                continue
            if first > begin:
                yield replace(segment, begin=begin, end=first, open=False)
            yield Segment(Part.STOPPED, first, last, None, visit.status)
            begin = last
        if begin < segment.end:
            yield replace(segment, begin=begin)


def _steps(visit: StateVisit) -> Iterator[_Step]:
    """Yield the parts of a visit in order; the last one is never over by itself."""
    if not visit.attempts:
        yield _Step(_LONE.get(visit.type, Part.WORKING), None, None, visit.status)
        return
    yield _Step(Part.WAITING, visit.attempts[0].scheduled_at, None, visit.status)
    for number, attempt in enumerate(visit.attempts, start=1):
        if number > 1:
            redriven = visit.is_redriven(number)
            part = Part.WAITING if redriven else Part.BACKING_OFF
            yield _Step(part, attempt.scheduled_at, None, visit.status)
        yield from _of_attempt(attempt, number)
    tail = Part.BACKING_OFF if is_to_be_tried_again(visit) else Part.WAITING
    yield _Step(tail, None, None, visit.status)


_LONE = {
    "Task": Part.WAITING,
    "Wait": Part.WAITING,
    "Map": Part.AROUND,
    "Parallel": Part.AROUND,
}
_UNSETTLED = {"running", "aborted"}


def is_to_be_tried_again(visit: StateVisit) -> bool:
    """True after a failure that is not the end of its state yet."""
    failed = visit.attempts and visit.attempts[-1].status in {"failed", "timed_out"}
    return bool(failed) and visit.status in _UNSETTLED


def _of_attempt(attempt: Attempt, number: int) -> Iterator[_Step]:
    begun, ended, status = _begun(attempt), attempt.ended_at, attempt.status
    if begun is None:
        yield _Step(Part.WAITING, ended, number, status)
        return
    yield _Step(Part.WAITING, begun, number, status)
    if attempt.stopped_at is not None:
        stopped = min(attempt.stopped_at, ended or attempt.stopped_at)
        yield _Step(Part.WORKING, stopped, number, status)
        yield _Step(Part.NOTICING, ended, number, status)
    else:
        yield _Step(Part.WORKING, ended, number, status)


def _begun(attempt: Attempt) -> datetime | None:
    """Tell when a try began to work: a job, once its service had taken it on."""
    if attempt.pattern not in {Pattern.SYNC, Pattern.TASK_TOKEN}:
        return attempt.started_at
    if attempt.submitted_at is None and attempt.ended_at is None:
        return None
    return attempt.submitted_at or attempt.started_at


def totals(visit: StateVisit, now: datetime) -> Mapping[Part, float]:
    """Sum up a visit's seconds by what they were spent on; parts of none left out."""
    found: dict[Part, float] = {}
    for segment in segments(visit, now):
        found[segment.part] = found.get(segment.part, 0.0) + segment.seconds
    return found


# -- calls -----------------------------------------------------------------------


class Tick(Struct, frozen=True):
    """A call, as a point of its visit's time."""

    at: datetime
    key: str
    """The key of its row in the lanes."""
    name: str
    role: CallRole
    error_code: str | None = None
    exact: bool = True
    """False where the link is a guess."""
    rule: str = ""
    """By what it is tied, in words."""

    @property
    def failed(self) -> bool:
        """True for a call that AWS refused or that went wrong."""
        return self.error_code is not None


def ticks(trace: Trace) -> Mapping[Key, tuple[Tick, ...]]:
    """Give each visit the calls tied to it, in order."""
    attempts = {
        (arn, attempt.scheduled_id): attempt
        for arn, timeline in trace.histories.items()
        for attempt in timeline.visits.attempts
    }
    found: dict[Key, list[Tick]] = defaultdict(list)
    for call, link in linked(trace.links, trace.calls):
        attempt = attempts.get((link.execution_arn or "", link.attempt_id or 0))
        if attempt is not None:
            key = (link.execution_arn or "", attempt.visit_id)
            found[key].append(_tick(call, link, attempt))
    return {
        key: tuple(sorted(those, key=lambda tick: (tick.at, tick.key)))
        for key, those in found.items()
    }


def _tick(call: ApiCall, link: Link, attempt: Attempt) -> Tick:
    return Tick(
        at=_shown_at(call, link, attempt),
        key=call_key(call),
        name=call.event_name,
        role=link.role,
        error_code=call.error_code,
        exact=link.rule.exact,
        rule=rule_words(link, id_word(attempt)),
    )


def _shown_at(call: ApiCall, link: Link, attempt: Attempt) -> datetime:
    """Place a call: an action where its answer is known of, as in the lanes.

    Its own time is a whole second, mostly the one before its state was entered: no
    action is made for a try before there is one.
    """
    if link.role is not CallRole.ACTION:
        return call.event_time
    phase = causing_phase(attempt)
    told = timedelta(0) <= phase - call.event_time < ANSWERED
    return phase if told else max(call.event_time, attempt.scheduled_at)


def notices(trace: Trace) -> Mapping[Key, Notice]:
    """Tell for each attempt how its end was noticed, where that is known."""
    known = reach(trace)
    found: dict[Key, Notice] = {}
    by_attempt: Mapping[Key, list[ApiCall]] | None = None
    for arn, attempt in _stopped(trace):
        # Dear, and only a job that says when it stopped asks for it.
        by_attempt = calls_by_attempt(trace) if by_attempt is None else by_attempt
        calls = by_attempt.get((arn, attempt.scheduled_id), [])
        complete = known.of(arn, attempt, calls)
        told = notice(attempt, polls_of(attempt, calls), complete)
        if told is not None:
            found[arn, attempt.scheduled_id] = told
    return found


def _stopped(trace: Trace) -> Iterable[tuple[str, Attempt]]:
    for arn, timeline in trace.histories.items():
        for attempt in timeline.visits.attempts:
            if attempt.stopped_at is not None:
                yield arn, attempt
