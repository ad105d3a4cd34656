"""How long to go on asking for calls after the end: CloudTrail is minutes late."""

from datetime import datetime, timedelta

from sfnwatch.clock import Clock
from sfnwatch.sources.drive import Driver, Failure
from sfnwatch.sources.subjects import Subjects
from sfnwatch.trace.events import HealthState

DRAIN = 15 * 60.0
"""Seconds to go on asking after the end, by default."""
_QUIET = timedelta(minutes=6)
"""The watermark must be so far past the end before the drain is cut short: it tells
of most records, and of 2,900 measured a tenth came later than 7 minutes."""

_LAST_TRIES = 3
"""Failures in a row after which, the drain over, nothing more is tried."""
_LAST_TRIES_THROTTLED = 10
"""The same where others take the quota: they will not for ever."""


class Drain:
    """Tells a source of calls when there is nothing left to wait for."""

    def __init__(self, subjects: Subjects, clock: Clock, seconds: float) -> None:
        self._subjects, self._clock = subjects, clock
        self._length = timedelta(seconds=seconds)
        self._hurry = False

    def end(self) -> None:
        """Stop waiting for late records."""
        self._hurry = True
        self._subjects.bell.ring()

    @property
    def has_begun(self) -> bool:
        """True when every execution is over, or will never be seen to be.

        Not before it is known what each of them can call: of several that are long
        over, the first one's calls may be read before the last one's definition.
        """
        subjects = self._subjects
        return subjects.over or (subjects.ready and subjects.stopped_at is not None)

    @property
    def until(self) -> datetime | None:
        """When it ends; None while an execution runs."""
        stopped = self._subjects.stopped_at
        return stopped + self._length if stopped else None

    def is_over(self, complete_to: datetime | None = None) -> bool:
        """True when one more look is to be the last.

        `complete_to` is how far what was read is believed complete.
        """
        stopped = self._subjects.stopped_at
        if stopped is None or not self.has_begun:
            # A history that is refused has no end to wait for.
            return self._subjects.over
        quick = complete_to is not None and complete_to >= stopped + _QUIET
        # Who waits for longer than by default waits for the records that the
        # watermark tells nothing of.
        quick = quick and self._length <= timedelta(seconds=DRAIN)
        return self._hurry or quick or self._clock.now() >= stopped + self._length

    def give_up_if_over(
        self, failure: Failure, driver: Driver, *, over: bool | None = None
    ) -> None:
        """Make a failure final that there is no use in waiting out.

        After the end that is a missing permission; once the drain is over, what fails
        again and again. But a login may yet be renewed by whoever watches. `over` is
        given by a source that knows how far it is complete.
        """
        over = self.is_over() if over is None else over
        forbidden = failure.state is HealthState.DENIED and self.has_begun
        awaited = failure.state is HealthState.EXPIRED and not driver.bounded
        throttled = failure.state is HealthState.THROTTLED
        tries = _LAST_TRIES_THROTTLED if throttled else _LAST_TRIES
        failing = driver.failures + 1 >= tries and over
        if forbidden or (failing and not awaited):
            failure.state = HealthState.REFUSED

    def has_no_wait(self, driver: Driver, *, over: bool) -> bool:
        """True when a pause, made while there was a reason to wait, has lost it."""
        match driver.health.state:
            case HealthState.DENIED:
                return self.has_begun
            case HealthState.EXPIRED:
                return False
            case _:
                return over
