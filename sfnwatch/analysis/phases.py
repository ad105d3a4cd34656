"""What a visit's time was spent on.

AWS's own timeline shows a visit as one bar. Here it is divided: the time before
anything of the state's own ran, the time it worked, the time from its job's stop until
Step Functions learned of it, and the time until the next try.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.integrations import Pattern
from sfnwatch.model.state_language import states_of
from sfnwatch.model.times import seconds_between
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
        return seconds_between(self.begin, self.end)

    @property
    def failed(self) -> bool:
        return self.status in FAILED


class _PhaseStep(NamedTuple):
    """A phase of a visit before it is known how long it took."""

    phase: Phase
    end: datetime | None
    """None while it lasts."""
    status: str
    attempt: int | None = None
    """The number of its try, from 1; None outside of tries."""


_WITHOUT_ATTEMPTS = {
    "Task": Phase.WAITING,
    "Wait": Phase.WAITING,
    "Map": Phase.CONTAINER,
    "Parallel": Phase.CONTAINER,
}
"""The phase of a visit without attempts, by the type of its state."""


def end_of(visit: StateVisit, now: datetime) -> datetime:
    """Return when a visit ended, or how far it has come."""
    if visit.ended_at is not None:
        return max(visit.entered_at, visit.ended_at)
    reached = max(visit.entered_at, now)
    for attempt in visit.attempts:
        reached = max(reached, attempt.scheduled_at)
        if attempt.ended_at is not None:
            reached = max(reached, attempt.ended_at)
    return reached


def seconds_taken(visit: StateVisit, now: datetime) -> float:
    """Return the seconds a visit took, without the time when the execution was over.

    `now` is how far a visit has come that still runs; for others it does not matter.
    """
    return seconds_between(visit.entered_at, end_of(visit, now)) - visit.paused


@lru_cache(maxsize=256)
def _retrying_states(definition: str | None) -> frozenset[str]:
    """Return the names of states with a Retry; none if the definition is not known."""
    states = states_of(definition)
    return frozenset(name for name, state in states if state.get("Retry"))


def segments(
    execution: ExecutionAsOf, visit: StateVisit, now: datetime
) -> tuple[Segment, ...]:
    """Divide a visit from entered to ended, or to `now` while it runs.

    Clocks may disagree: a job's StoppedAt comes from the job's own clock. A phase whose
    end lies before its beginning takes no time.
    """
    at = visit.entered_at
    end = end_of(visit, now)
    parts: list[Segment] = []
    for step in _steps(execution, visit):
        until = end
        if step.end is not None:
            until = min(max(step.end, at), end)
        if until > at:
            grows = visit.running and step.end is None
            segment = Segment(step.phase, at, until, step.attempt, step.status, grows)
            parts.append(segment)
            at = until
    if visit.pauses:
        return tuple(_without_pauses(parts, visit))
    return tuple(parts)


def _without_pauses(parts: Iterable[Segment], visit: StateVisit) -> Iterator[Segment]:
    """Make the time in which the execution was over a segment of its own."""
    for segment in parts:
        begin = segment.begin
        for stopped_at, redriven_at in visit.pauses:
            pause_begin = max(stopped_at, begin)
            pause_end = min(redriven_at, segment.end)
            if pause_begin >= pause_end:
                continue
            if pause_begin > begin:
                yield replace(segment, begin=begin, end=pause_begin, open=False)
            yield Segment(Phase.STOPPED, pause_begin, pause_end, None, visit.status)
            begin = pause_end
        if begin < segment.end:
            yield replace(segment, begin=begin)


def _steps(execution: ExecutionAsOf, visit: StateVisit) -> Iterator[_PhaseStep]:
    """Yield the phases of a visit in order; the last one has no end of its own."""
    status = visit.status
    if not visit.attempts:
        phase = _WITHOUT_ATTEMPTS.get(visit.type, Phase.WORKING)
        yield _PhaseStep(phase, None, status)
        return
    for number, attempt in enumerate(visit.attempts, start=1):
        is_retry = number > 1 and not visit.is_redriven(number)
        phase = Phase.BACKING_OFF if is_retry else Phase.WAITING
        yield _PhaseStep(phase, attempt.scheduled_at, status)
        yield from _attempt_steps(attempt, number)
    # A failure need not be the end of its state: the definition may have it retried.
    may_go_on = attempt.status in FAILED and status in {"running", "aborted"}
    if may_go_on and visit.name in _retrying_states(execution.definition_text):
        yield _PhaseStep(Phase.BACKING_OFF, None, status)
    else:
        yield _PhaseStep(Phase.WAITING, None, status)


def _attempt_steps(attempt: Attempt, number: int) -> Iterator[_PhaseStep]:
    begun = _begun(attempt)
    ended = attempt.ended_at
    status = attempt.status
    yield _PhaseStep(Phase.WAITING, begun or ended, status, number)
    if begun is None:
        return
    stopped = attempt.stopped_at
    if stopped is None:
        yield _PhaseStep(Phase.WORKING, ended, status, number)
        return
    if ended is not None:
        stopped = min(stopped, ended)
    yield _PhaseStep(Phase.WORKING, stopped, status, number)
    yield _PhaseStep(Phase.COMPLETION_LAG, ended, status, number)


def _begun(attempt: Attempt) -> datetime | None:
    """Return when an attempt began to work; None if that is not known.

    A job begins to work once its service has accepted it.
    """
    if attempt.pattern not in {Pattern.SYNC, Pattern.TASK_TOKEN}:
        return attempt.started_at
    if attempt.submitted_at is None and attempt.ended_at is not None:
        return attempt.started_at
    return attempt.submitted_at


def seconds_by_phase(
    execution: ExecutionAsOf, visit: StateVisit, now: datetime
) -> Mapping[Phase, float]:
    """Return a visit's seconds by phase; phases that took no time are left out."""
    spent: dict[Phase, float] = {}
    for segment in segments(execution, visit, now):
        spent[segment.phase] = spent.get(segment.phase, 0.0) + segment.seconds
    return spent
