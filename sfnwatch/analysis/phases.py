"""What a visit's time was spent on.

AWS's own timeline shows a visit as one bar. Here it is divided: the time before
anything of the state's own ran, the time it worked, the time from its job's stop until
Step Functions learned of it, and the time until the next try.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.integrations import Pattern
from sfnwatch.model.state_language import states_of
from sfnwatch.model.visits import FAILED, Attempt, StateVisit


class Phase(StrEnum):
    """What a part of a visit was spent on; the value is the word for it."""

    WAITING = "waiting"
    """Scheduled but not begun, a Wait state, or time that Step Functions took."""
    WORKING = "working"
    COMPLETION_LAG = "completion lag"
    """The job had stopped by its own clock; Step Functions did not know yet."""
    BACKING_OFF = "backing off"
    CONTAINER = "container"
    """A Parallel or Map: the states inside do the work."""
    STOPPED = "stopped"
    """The execution had ended, and was not redriven yet."""


PHASE_KEYS = {
    Phase.WORKING: "working",
    Phase.WAITING: "waiting",
    Phase.BACKING_OFF: "backing_off",
    Phase.COMPLETION_LAG: "noticing",
    Phase.CONTAINER: "around",
    Phase.STOPPED: "stopped",
}
"""The keys of the phases in data, in the order in which they are reported."""


class Segment(Struct, frozen=True):
    """A part of a visit; the segments of a visit leave no gap and don't overlap."""

    phase: Phase
    begin: datetime
    end: datetime
    attempt: int | None = None
    """The number of its try, from 1; None outside of tries."""
    status: str = "running"
    """How the try ended; outside of tries, how the visit ended."""
    open: bool = False
    """True for the last segment of a visit that still runs: it grows."""

    @property
    def seconds(self) -> float:
        return (self.end - self.begin).total_seconds()

    @property
    def failed(self) -> bool:
        return self.status in FAILED


_PhaseStep = tuple[Phase, datetime | None, str, int | None]
"""A phase, its end (None while it lasts), a status, and the number of the try."""
_WITHOUT_ATTEMPTS = {
    "Task": Phase.WAITING,
    "Wait": Phase.WAITING,
    "Map": Phase.CONTAINER,
    "Parallel": Phase.CONTAINER,
}


def end_of(visit: StateVisit, now: datetime) -> datetime:
    """Return when a visit ended, or how far it has come."""
    if visit.ended_at is not None:
        return max(visit.entered_at, visit.ended_at)
    known = (t for a in visit.attempts for t in (a.scheduled_at, a.ended_at) if t)
    return max(visit.entered_at, now, *known)


def length_of(visit: StateVisit, now: datetime) -> float:
    """Return the seconds a visit took, without the time when the execution was over."""
    return (end_of(visit, now) - visit.entered_at).total_seconds() - visit.paused


@lru_cache(maxsize=256)
def _retrying_states(definition: str | None) -> frozenset[str]:
    """Return the names of states with a Retry; none if the definition is not known."""
    return frozenset(name for name, s in states_of(definition) if s.get("Retry"))


def segments(
    execution: ExecutionAsOf, visit: StateVisit, now: datetime
) -> tuple[Segment, ...]:
    """Divide a visit from entered to ended, or to `now` while it runs.

    Clocks may disagree: a job's StoppedAt comes from the job's own clock. A phase whose
    end lies before its beginning takes no time.
    """
    at = visit.entered_at
    end = end_of(visit, now)
    found: list[Segment] = []
    for phase, step_end, status, attempt in _steps(execution, visit):
        until = end if step_end is None else min(max(step_end, at), end)
        if until > at:
            grows = visit.running and step_end is None
            found.append(Segment(phase, at, until, attempt, status, grows))
            at = until
    return tuple(_without_pauses(found, visit)) if visit.pauses else tuple(found)


def _without_pauses(found: Iterable[Segment], visit: StateVisit) -> Iterator[Segment]:
    """Make the time in which the execution was over a segment of its own."""
    for segment in found:
        begin = segment.begin
        for pause in visit.pauses:
            first = max(pause[0], begin)
            last = min(pause[1], segment.end)
            if first >= last:
                continue
            if first > begin:
                yield replace(segment, begin=begin, end=first, open=False)
            yield Segment(Phase.STOPPED, first, last, None, visit.status)
            begin = last
        if begin < segment.end:
            yield replace(segment, begin=begin)


def _steps(execution: ExecutionAsOf, visit: StateVisit) -> Iterator[_PhaseStep]:
    """Yield the phases of a visit in order; the last one has no end of its own."""
    status = visit.status
    if not visit.attempts:
        phase = _WITHOUT_ATTEMPTS.get(visit.type, Phase.WORKING)
        yield phase, None, status, None
        return
    for number, attempt in enumerate(visit.attempts, start=1):
        retried = number > 1 and not visit.is_redriven(number)
        phase = Phase.BACKING_OFF if retried else Phase.WAITING
        yield phase, attempt.scheduled_at, status, None
        yield from _attempt_steps(attempt, number)
    # A failure need not be the end of its state: the definition may have it retried.
    retries = attempt.status in FAILED and status in {"running", "aborted"}
    retries = retries and visit.name in _retrying_states(execution.definition_text)
    yield Phase.BACKING_OFF if retries else Phase.WAITING, None, status, None


def _attempt_steps(attempt: Attempt, number: int) -> Iterator[_PhaseStep]:
    begun = _begun(attempt)
    ended = attempt.ended_at
    status = attempt.status
    yield Phase.WAITING, begun or ended, status, number
    if begun is not None and attempt.stopped_at is not None:
        stopped = min(attempt.stopped_at, ended or attempt.stopped_at)
        yield Phase.WORKING, stopped, status, number
        yield Phase.COMPLETION_LAG, ended, status, number
    elif begun is not None:
        yield Phase.WORKING, ended, status, number


def _begun(attempt: Attempt) -> datetime | None:
    """Return when an attempt began to work; None if that is not known.

    A job begins to work once its service has accepted it.
    """
    if attempt.pattern not in {Pattern.SYNC, Pattern.TASK_TOKEN}:
        return attempt.started_at
    ended = attempt.started_at if attempt.ended_at is not None else None
    return attempt.submitted_at or ended


def seconds_by_phase(
    execution: ExecutionAsOf, visit: StateVisit, now: datetime
) -> Mapping[Phase, float]:
    """Return a visit's seconds by phase; phases that took no time are left out."""
    found: dict[Phase, float] = {}
    for segment in segments(execution, visit, now):
        found[segment.phase] = found.get(segment.phase, 0.0) + segment.seconds
    return found
