"""What every live source does alike: take a step, tell its health, try again.

A source is a function that makes one request and says what came of it. Failures
become health records, so a recording shows outages too; nothing ends by itself
because of one, except what AWS will never answer.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from sfnwatch.clock import Clock
from sfnwatch.sources.bell import Bell
from sfnwatch.sources.ledger import Ledger
from sfnwatch.sources.pacing import Backoff
from sfnwatch.trace.events import Batch, From, HealthState, Received, SourceHealth
from sfnwatch.trace.times import iso
from sfnwatch.trace.values import replace

_NAP = 5.0
"""Seconds slept at once where a wait may be cut short: that a machine was suspended,
or that a time is over, nobody rings for."""


class Failure(Exception):  # noqa: N818 - it is not an error of ours
    """A request that failed, in plain words."""

    def __init__(
        self, state: HealthState, message: str, *, at_least: float = 0.0
    ) -> None:
        super().__init__(message)
        self.state = state
        """REFUSED is for good; all others are worth another try."""
        self.message = message
        self.at_least = at_least
        """Seconds that must pass before another try makes sense."""


class Step(Struct, frozen=True):
    """What came of one request."""

    records: Batch = ()
    pause: float = 0.0
    """Seconds to wait before the next."""
    done: bool = False
    health: SourceHealth | None = None
    """What to say of the lane from now on, if that has changed."""


class Patience(Struct, frozen=True):
    """How often a source that was never answered tries to reach AWS."""

    tries: int | None = None
    """None: for ever, as a screen does that somebody watches."""


def health_record(
    health: SourceHealth, clock: Clock, execution_arn: str | None = None
) -> Received:
    """Write a source's health as the record that is shown and recorded.

    With an ARN it is that of a source which one execution has for itself.
    """
    data: dict[str, Any] = {
        "lane": health.lane,
        "state": str(health.state),
        "message": health.message,
        "retry_in": health.retry_in,
        "complete_to": health.complete_to and iso(health.complete_to),
        "lag": health.lag,
        "until": health.until and iso(health.until),
        "requests": health.requests,
        "source": health.source,
    }
    kept = {key: value for key, value in data.items() if value not in (None, "")}
    return Received(clock.now(), From.HEALTH, execution_arn, kept)


_LAST_TRIES = 5
"""Failures in a row before which what nobody waits for is not given up."""
_LAST_WAIT = timedelta(minutes=15)
"""Nor before so much time without an answer: a Region that is out comes back, and as
long are calls awaited after an end."""


def give_up(failure: Failure, driver: "Driver") -> None:
    """Make a failure final of what nothing waits for any more.

    A missing permission at once, other trouble after some time; but a login may yet be
    renewed by whoever watches.
    """
    if failure.state is HealthState.EXPIRED and not driver.bounded:
        return
    tried = driver.failures + 1 >= _LAST_TRIES and driver.failing_for >= _LAST_WAIT
    if failure.state is HealthState.DENIED or tried:
        failure.state = HealthState.REFUSED


class Driver:
    """Drives one source's steps and keeps its health."""

    def __init__(
        self,
        lane: str,
        clock: Clock,
        *,
        backoff: Backoff | None = None,
        patience: Patience | None = None,
        cut_short: Callable[[], bool] | None = None,
        bell: Bell | None = None,
        ledger: Ledger | None = None,
        source: str = "",
    ) -> None:
        self._clock = clock
        self.ledger = ledger or Ledger(clock)
        """The requests this source makes."""
        self._cut_short = cut_short
        """Tells that there is nothing left to wait for."""
        self._bell = bell or Bell()
        """Rung when that may have become so."""
        self._backoff = backoff or Backoff(1.0, 60.0)
        self._patience = patience or Patience()
        self.health = SourceHealth(lane, HealthState.CONNECTING, source=source)
        self.answered = False
        """True once AWS has answered at all."""
        self._failed_at: datetime | None = None
        """When the first failure since the last answer was."""

    @property
    def bounded(self) -> bool:
        """True when there are only so many tries: nobody is there to help."""
        return self._patience.tries is not None

    @property
    def failures(self) -> int:
        """How many tries have failed since the last answer."""
        return self._backoff.failures

    @property
    def failing_for(self) -> timedelta:
        """How long there has been no answer but failures."""
        since = self._failed_at
        return self._clock.now() - since if since is not None else timedelta(0)

    async def run(self, step: Callable[[], Awaitable[Step]]) -> AsyncIterator[Batch]:
        """Yield what the steps bring, and every change of health."""
        yield self._say(self.health)
        while True:
            try:
                result = await step()
            except Failure as failure:
                health = self._failed(failure)
                yield self._say(health)
                if health.state is HealthState.REFUSED:
                    return
                await self._rest(health.retry_in or 0.0)
                continue
            for batch in self._succeeded(result):
                yield batch
            if result.done:
                return
            if result.pause:
                await self._rest(result.pause)

    async def _rest(self, seconds: float) -> None:
        """Wait, in naps if something may put an end to the waiting."""
        if self._cut_short is None:
            await self._clock.sleep(seconds)
            return
        while seconds > 0 and not self._cut_short():
            nap = min(seconds, _NAP)
            await self._bell.sleep(self._clock, nap, self._cut_short)
            seconds -= nap

    def _succeeded(self, result: Step) -> list[Batch]:
        batches: list[Batch] = []
        recovered = self._backoff.reset() or not self.answered
        self.answered, self._failed_at = True, None
        if result.records:
            batches.append((*result.records, *self.ledger.take()))
        if result.health is not None:
            batches.append(self._say(result.health))
        elif recovered:
            live = replace(
                self.health, state=HealthState.LIVE, message="", retry_in=None
            )
            batches.append(self._say(live))
        if result.done or self.ledger.is_due(result.pause):
            batches.append(self.ledger.take())
        return [batch for batch in batches if batch]

    def _failed(self, failure: Failure) -> SourceHealth:
        wait = max(failure.at_least, self._backoff.next())
        if self._failed_at is None:
            self._failed_at = self._clock.now()
        hopeless = (
            not self.answered
            and self._patience.tries is not None
            and self._backoff.failures >= self._patience.tries
        )
        final = failure.state is HealthState.REFUSED or hopeless
        return replace(
            self.health,
            state=HealthState.REFUSED if final else failure.state,
            message=failure.message,
            retry_in=None if final else wait,
        )

    def _say(self, health: SourceHealth) -> Batch:
        self.health = replace(health, requests=self.ledger.count)
        told = health_record(self.health, self._clock, self.ledger.execution_arn)
        return (*self.ledger.take(), told)
