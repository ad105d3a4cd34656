"""The calls around the executions, as a trail's log group takes them in: a live tail.

A session streams what the log group takes in, a second after it did. Of more than 500
records in a second it has a sample, and between two sessions nothing: so beside it
FilterLogEvents goes on, through the same sieve, and nothing is lost. The minutes until
CloudTrail has written a record into the log group are no fewer for it.

A session is over after three hours, and begun anew; or when a role has become known,
since what is asked for is written into it. It is paid for by the minute: so it ends
with the drain, and of what is long over none is begun.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from typing import Any

from sfnwatch.clock import Clock
from sfnwatch.sources.aws import Aws
from sfnwatch.sources.drain import DRAIN, Drain
from sfnwatch.sources.drive import Driver, Failure, Patience, Step
from sfnwatch.sources.ledger import Ledger
from sfnwatch.sources.log_events import judged
from sfnwatch.sources.log_group import trail_pattern
from sfnwatch.sources.sieve import Sieve
from sfnwatch.sources.subjects import Subjects
from sfnwatch.sources.trouble import code_of
from sfnwatch.trace.arns import ExecutionArn
from sfnwatch.trace.events import Batch, From, HealthState, Received, SourceHealth
from sfnwatch.trace.log_groups import LogGroupName
from sfnwatch.trace.payload import mapping_of, parse_json
from sfnwatch.trace.values import replace

_TIMEOUT = "SessionTimeoutException"
"""How a session says that it has been open for three hours, as documented."""
_BUSY = "LimitExceededException"
_NO_TAIL = "InvalidOperationException"
"""What a log group says that is not of the standard class [inferred]."""
_BUSY_PAUSE = 60.0
"""Seconds between tries while as many sessions are open as may be."""
_SAMPLED = (
    "More records came than a live tail gives, 500 a second: the rest comes by"
    " FilterLogEvents."
)


class LiveTail:
    """A source: follows a trail's log group until all executions are drained."""

    def __init__(
        self,
        aws: Aws,
        subjects: Subjects,
        clock: Clock,
        group: LogGroupName,
        sieve: Sieve,
        *,
        drain: float = DRAIN,
        patience: Patience | None = None,
    ) -> None:
        self._aws, self._subjects, self._clock = aws, subjects, clock
        self._sieve = sieve
        """The log group's own: what it hands on, this does not, nor the other way."""
        home = subjects.each[0].arn
        self._region, self._group = group.region or home.region, group_arn(group, home)
        self._drain = Drain(subjects, clock, drain)
        self._driver = Driver(
            "lookup",
            clock,
            patience=patience,
            cut_short=self._is_done_waiting,
            bell=subjects.bell,
            ledger=Ledger(clock, subjects.only),
            source="live-tail",
        )
        self._session: AsyncGenerator[Mapping[str, Any], None] | None = None
        self._pattern = ""
        self._is_new = True
        """True until the session has told of a second, with or without records."""

    def end_drain(self) -> None:
        """Stop waiting for late records."""
        self._drain.end()

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield the calls that concern the executions, and every change of health."""
        await self._subjects.known.wait()
        try:
            async for batch in self._driver.run(self._step):
                yield batch
        finally:
            await self._close()

    async def _step(self) -> Step:
        if self._drain.is_over():
            return await self._end()
        try:
            if self._session is None:
                return await self._begin()
            return await self._follow(self._session)
        except Failure as failure:
            await self._close()
            if code_of(failure.__cause__ or failure) == _TIMEOUT and not self._is_new:
                return Step()
            self._drain.give_up_if_over(failure, self._driver)
            raise _judged(failure) from failure.__cause__

    def _is_done_waiting(self) -> bool:
        """True when a pause, made while there was a reason to wait, has lost it."""
        return self._drain.is_over()

    # -- a session ---------------------------------------------------------------------

    async def _begin(self) -> Step:
        self._pattern, self._is_new = trail_pattern(self._subjects.roles), True
        self._session = self._aws.events(
            "logs:StartLiveTail",
            self._group,
            self._region,
            "responseStream",
            logGroupIdentifiers=[self._group],
            logEventFilterPattern=self._pattern,
        )
        with self._driver.ledger.asking("a live tail of the trail's log"):
            await self._next(self._session)
        return Step(health=self._health_if_changed())

    async def _follow(self, session: AsyncGenerator[Mapping[str, Any], None]) -> Step:
        """Read what came in the last second; that nothing did is told as well."""
        told = mapping_of((await self._next(session)).get("sessionUpdate"))
        self._is_new = False
        kept = self._sieve.take(self._records(told.get("sessionResults")))
        sampled = mapping_of(told.get("sessionMetadata")).get("sampled") is True
        if trail_pattern(self._subjects.roles) != self._pattern:
            await self._close()
        return Step(kept, health=self._health_if_changed(sampled=sampled))

    async def _next(
        self, session: AsyncGenerator[Mapping[str, Any], None]
    ) -> Mapping[str, Any]:
        try:
            return await anext(session)
        except StopAsyncIteration as error:
            msg = f"StartLiveTail on {self._group}: the session was ended."
            raise Failure(HealthState.RETRYING, msg) from error

    def _records(self, results: Any) -> Iterator[Received]:
        """Take CloudTrail's records out; of one that is cut the other way tells."""
        now = self._clock.now()
        for result in results if isinstance(results, list) else ():
            record = parse_json(mapping_of(result).get("message"))
            if isinstance(record, Mapping) and "eventName" in record:
                yield Received(now, From.TRAIL, None, record)

    async def _end(self) -> Step:
        await self._close()
        health = replace(
            self._driver.health, state=HealthState.ENDED, message="", retry_in=None
        )
        return Step(done=True, health=health)

    async def _close(self) -> None:
        """Close the session, which is paid for while it is open."""
        session, self._session = self._session, None
        if session is not None:
            await session.aclose()

    def _health_if_changed(self, *, sampled: bool = False) -> SourceHealth | None:
        """Say how it goes on; that a sample was had stays true for the while."""
        old = self._driver.health
        message = _SAMPLED if sampled or old.message == _SAMPLED else ""
        stopped = self._subjects.stopped_at
        health = replace(
            old,
            state=HealthState.DRAINING if stopped else HealthState.LIVE,
            message=message,
            retry_in=None,
            until=self._drain.until,
        )
        return health if replace(health, requests=old.requests) != old else None


def group_arn(group: LogGroupName, home: ExecutionArn) -> str:
    """Name a log group by its ARN: a live tail takes no other name."""
    if group.arn is not None:
        return group.arn
    where = f"{group.region or home.region}:{home.account}"
    return f"arn:{home.partition}:logs:{where}:log-group:{group.name}"


def _judged(failure: Failure) -> Failure:
    """Say for good what can't be followed; wait for others' sessions to end."""
    code = code_of(failure.__cause__) if failure.__cause__ is not None else ""
    if code == _BUSY:
        failure.at_least = _BUSY_PAUSE
    if code == _NO_TAIL:
        said = f"{failure.message} Leave out --live-tail: the log group is read anyway."
        return Failure(HealthState.REFUSED, said)
    return judged(failure)
