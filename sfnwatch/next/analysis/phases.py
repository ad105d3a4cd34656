"""A visit as the stretches of time it is made of.

What AWS's own timeline shows as one bar is told apart here: time in which nothing of
the state's own ran yet, time it worked, time from its job's stop until Step Functions
learned of it, time until the next try.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.next.model.integrations import Pattern
from sfnwatch.next.model.visits import Attempt, StateVisit


class Phase(StrEnum):
    """What a stretch of a visit was spent on; the value is the word for it."""

    WAITING = "waiting"
    """Scheduled but not begun, a Wait state, and what Step Functions took itself."""
    WORKING = "working"
    COMPLETION_LAG = "completion lag"
    """The job had stopped by its own clock; Step Functions did not know yet."""
    BACKING_OFF = "backing off"
    CONTAINER = "container"
    """A Parallel or Map: the work is that of the states inside."""
    STOPPED = "stopped"
    """The execution itself was over, until it was redriven."""


class Segment(Struct, frozen=True):
    """A stretch of a visit; the segments of a visit leave no gap and don't overlap."""

    phase: Phase
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


class _Step(NamedTuple):
    """A phase, and until when it lasts; None: it is not over."""

    phase: Phase
    until: datetime | None
    status: str
    attempt: int | None = None


_WITHOUT_ATTEMPTS = {
    "Task": Phase.WAITING,
    "Wait": Phase.WAITING,
    "Map": Phase.CONTAINER,
    "Parallel": Phase.CONTAINER,
}


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
    found: list[Segment] = []
    for phase, step_end, status, attempt in _steps(visit):
        until = end if step_end is None else min(max(step_end, at), end)
        if until > at:
            grows = visit.running and step_end is None
            found.append(Segment(phase, at, until, attempt, status, grows))
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
            yield Segment(Phase.STOPPED, first, last, None, visit.status)
            begin = last
        if begin < segment.end:
            yield replace(segment, begin=begin)


def _steps(visit: StateVisit) -> Iterator[_Step]:
    """Yield the phases of a visit in order; the last one is never over by itself."""
    if not visit.attempts:
        phase = _WITHOUT_ATTEMPTS.get(visit.type, Phase.WORKING)
        yield _Step(phase, None, visit.status)
        return
    for number, attempt in enumerate(visit.attempts, start=1):
        retried = number > 1 and not visit.is_redriven(number)
        phase = Phase.BACKING_OFF if retried else Phase.WAITING
        yield _Step(phase, attempt.scheduled_at, visit.status)
        yield from _attempt_steps(attempt, number)
    # A failure may not be the end of its state yet.
    failed = attempt.status in {"failed", "timed_out"}
    retries = failed and visit.status in {"running", "aborted"}
    yield _Step(Phase.BACKING_OFF if retries else Phase.WAITING, None, visit.status)


def _attempt_steps(attempt: Attempt, number: int) -> Iterator[_Step]:
    begun, ended, status = _begun(attempt), attempt.ended_at, attempt.status
    yield _Step(Phase.WAITING, begun or ended, status, number)
    if begun is not None and attempt.stopped_at is not None:
        stopped = min(attempt.stopped_at, ended or attempt.stopped_at)
        yield _Step(Phase.WORKING, stopped, status, number)
        yield _Step(Phase.COMPLETION_LAG, ended, status, number)
    elif begun is not None:
        yield _Step(Phase.WORKING, ended, status, number)


def _begun(attempt: Attempt) -> datetime | None:
    """Tell when an attempt began to work: a job, once its service had taken it on."""
    if attempt.pattern not in {Pattern.SYNC, Pattern.TASK_TOKEN}:
        return attempt.started_at
    ended = attempt.started_at if attempt.ended_at is not None else None
    return attempt.submitted_at or ended


def seconds_by_phase(visit: StateVisit, now: datetime) -> Mapping[Phase, float]:
    """Sum up a visit's seconds by phase; phases of none are left out."""
    found: dict[Phase, float] = {}
    for segment in segments(visit, now):
        found[segment.phase] = found.get(segment.phase, 0.0) + segment.seconds
    return found
