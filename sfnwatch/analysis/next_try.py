"""Which of its retrier's attempts a running state is at, and when the next one comes.

The history shows attempts and errors. Which retrier an error belongs to, how often it
tries and after how long, only the definition says.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from sfnwatch.analysis.quantities import spoken
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.retriers import Retrier, retriers_by_state
from sfnwatch.model.visits import FAILED, Attempt, StateVisit


class NextTry(Struct, frozen=True):
    """The attempt that runs or comes next, among those of its retrier."""

    number: int
    """Counts from 1: attempt 1 is the one after whose error this retrier was first
    used."""
    at_most: int
    delay_seconds: float | None = None
    """The back-off before it; None once it has begun."""
    due_at: datetime | None = None
    """When the back-off ends; None once the attempt has begun."""
    is_bound: bool = False
    """True with jitter: the attempt comes at `due_at` or earlier."""

    @property
    def which(self) -> str:
        """`attempt 2 of at most 4 of this retrier`."""
        return f"attempt {self.number} of at most {self.at_most} of this retrier"

    @property
    def words(self) -> str:
        """The attempt, and how long after the error it comes: `…, next within 12 s`."""
        if self.delay_seconds is None:
            return self.which
        preposition = "within" if self.is_bound else "in"
        return f"{self.which}, next {preposition} {spoken(self.delay_seconds)}"


def next_try(execution: ExecutionAsOf, visit: StateVisit) -> NextTry | None:
    """Return the try that a running state is at, or backs off for.

    None for a state's first attempt, and where the definition does not tell: it is not
    loaded, or no retrier is left that the error belongs to.
    """
    if not visit.running or not visit.attempts:
        return None
    retriers = retriers_by_state(execution.definition_text).get(visit.name, ())
    last = visit.attempts[-1]
    is_backing_off = last.status in FAILED
    tries = _tries_since_redrive(visit)
    failed = tries if is_backing_off else tries[:-1]
    counts: Counter[Retrier] = Counter()
    retrier = None
    for attempt in failed:
        retrier = _retrier_of(attempt, retriers)
        if retrier is None:
            return None
        counts[retrier] += 1
    if retrier is None:
        return None
    retry = counts[retrier]
    if retry > retrier.max_attempts:
        return None
    number = retry + 1
    at_most = retrier.max_attempts + 1
    if not is_backing_off or last.ended_at is None:
        return NextTry(number, at_most)
    seconds = retrier.delay(retry)
    due_at = last.ended_at + timedelta(seconds=seconds)
    return NextTry(number, at_most, seconds, due_at, retrier.has_jitter)


def _tries_since_redrive(visit: StateVisit) -> Sequence[Attempt]:
    """Return the attempts since the last redrive, which sets the counts back to 0."""
    for number in range(len(visit.attempts), 1, -1):
        if visit.is_redriven(number):
            return visit.attempts[number - 1 :]
    return visit.attempts


def _retrier_of(attempt: Attempt, retriers: Sequence[Retrier]) -> Retrier | None:
    """Return the first retrier that matches an attempt's error; None if unknown."""
    if attempt.error is None:
        return None
    for retrier in retriers:
        matches = retrier.matches(attempt.error)
        if matches is None:
            return None
        if matches:
            return retrier
    return None
