"""What all live sources have in common: they ask, report their health, and try again.

A source is a coroutine that reads to its end. It repeats each request, single or page
by page, until AWS answers. A failure becomes a health record, so that a recording shows
outages too; after a pause the source sends the same request again. A failure ends a
source only if AWS will never answer.
"""

import asyncio
import json
import logging
import random
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Mapping,
    Sequence,
)
from datetime import datetime, timedelta
from typing import Any, ClassVar, NoReturn, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.clock import Clock
from sfnwatch.model.records import Batch, Received, RecordKind, receive
from sfnwatch.model.source_health import HealthState, SourceHealth
from sfnwatch.model.times import seconds_between
from sfnwatch.sources.answers import (
    AwsAnswer,
    AwsRequest,
    CallsAws,
    Failure,
    Page,
    StalePageError,
    Verdict,
)
from sfnwatch.sources.live_options import LiveOptions
from sfnwatch.sources.page_walk import DensePageWalk, EndlessPagesError, PageWalk
from sfnwatch.sources.request_log import RequestLog
from sfnwatch.sources.targets import Targets

_LOG = logging.getLogger(__name__)
T = TypeVar("T")
TakesBatches = Callable[[Batch], None]
"""Takes a batch that a source hands over; must not block, and must not raise."""
P = TypeVar("P", bound=Page)
Pages = AsyncGenerator[AwsAnswer[P], None]
_FINAL = frozenset({HealthState.REFUSED, HealthState.UNSUPPORTED})
"""The states of a failure that end a source."""
FORBIDDEN = frozenset({HealthState.DENIED, HealthState.REFUSED})
"""The states of a refusal, for requests whose answers a source can do without."""
_UNREACHABLE_TRIES = 2
"""Tries without any connection to AWS after which an unattended run gives up. Each is
two tries of botocore. A service that is merely slow gets the usual number of tries."""
NAP_SECONDS = 1.0
"""Most seconds of one sleep. Only between two sleeps does a source see that the machine
was suspended, that a time is over, or that nobody wants to wait any more."""
_FIRST_WAIT = 1.0
"""Most seconds to wait after the first failure."""
_LONGEST_WAIT = 60.0
"""Most seconds to wait after many failures."""
_UNWANTED_WAIT = timedelta(minutes=15)
"""The time without an answer after which a request that nobody waits for is given up. A
Region that is out comes back, and calls are awaited for as long after an end."""
_AGAIN = 0.25
"""Seconds to wait before pages are read again from the first one, for each page read in
vain. If tokens expire soon, others may be asking as well."""
_RESTARTS = 100
"""How often pages are read again from the first one."""
_BUSY = frozenset({"429", "503", "ServiceUnavailable", "ServiceUnavailableException"})
"""Error codes of an overloaded service; an error without a code has its status."""
_LAST_WAIT = 1.0
"""Seconds to wait for an answer that is the last thing awaited."""
_LOOK = 0.25
"""Seconds between checks whether anything else is awaited."""


class WatchContext(Struct):
    """The values that all sources of a watch share."""

    targets: Targets
    clock: Clock
    options: LiveOptions = LiveOptions()
    reached: bool = False
    """True once any source has had an answer: an AWS that was reached may come back."""
    uniform: Callable[[float, float], float] = random.uniform
    """Returns a random number between two numbers."""


class GaveUpError(Exception):
    """AWS will never answer: the source ends, and has already reported why."""


class PollingSource:
    """A source that asks until it has read everything; subclasses write `read`."""

    verdicts: ClassVar[Sequence[Verdict]] = ()
    """The meanings of error codes that differ from the usual ones for this source."""

    def __init__(
        self,
        aws: CallsAws | None,
        context: WatchContext,
        lane: str,
        source: str = "",
        execution_arn: str | None = None,
    ) -> None:
        self._aws = aws
        self.context = context
        self.clock = context.clock
        self.targets = context.targets
        self.subject = self.region = ""
        """The subject of its requests, in messages, and their Region: see `request`."""
        self.always: Mapping[str, Any] = {}
        """The parameters of all its requests."""
        self.requests = RequestLog(context.clock, execution_arn)
        self.health = SourceHealth(lane, HealthState.CONNECTING, source=source)
        """The health that was reported last."""
        self.coverage: datetime | None = None
        """The time up to which the records are believed to be complete."""
        self.endpoint = ""
        """The host and port that answered last, if they are not AWS's."""
        self.final_state = HealthState.ENDED
        """The state to report when it has read to the end."""
        self._consume: TakesBatches = lambda _: None
        self._answered = False
        """True once AWS has answered."""
        self.failures = 0
        """The number of tries that have failed since the last answer; `judge` finds its
        own failure counted."""
        self._failed_at: datetime | None = None
        """When the first try since the last answer failed."""
        self.unfinished = ""
        """Why the last dense list that was read has no end; empty if it has one."""

    async def read(self) -> str:
        """Read to the end; return the source's last message, mostly empty."""
        raise NotImplementedError

    async def close(self) -> None:
        """Release what is still open; called once, however the source ends."""

    def judge(self, failure: Failure) -> None:
        """Make a failure final, by its state, if waiting is of no use."""

    def waits_in_vain(self) -> bool:
        """True if the reason for the present pause is gone."""
        return False

    @property
    def until(self) -> datetime | None:
        """When its drain ends; None if it does not drain."""
        return None

    @property
    def bounded(self) -> bool:
        """True if the number of tries is limited: nobody is there to help."""
        return self.context.options.tries is not None

    def request(
        self, operation: str, shape: type[T], note: str = "", **parameters: Any
    ) -> AwsRequest[T]:
        """Return a request about the source's subject, without parameters of None."""
        given = {**self.always, **parameters}
        present = {name: value for name, value in given.items() if value is not None}
        return AwsRequest(operation, self.subject, self.region, shape, present, note)

    async def ask(
        self, request: AwsRequest[T], tolerated: Collection[HealthState] = ()
    ) -> AwsAnswer[T]:
        """Ask until there is an answer, and return it.

        Raises StalePageError if a page's token is too old, and failures that are
        tolerated.
        """
        return await self.attempt(lambda: self.ask_once(request), tolerated)

    async def pages(
        self,
        request: AwsRequest[P],
        *,
        next_key: str = "nextToken",
        most: int | None = None,
        ceiling: int | None = None,
        is_dense: bool = False,
        tolerated: Collection[HealthState] = (),
    ) -> Pages[P]:
        """Yield page by page; if a token is too old, begin again with the first page.

        The parameters are read whenever the first page is asked for.
        `next_key` is the parameter that takes the next page's token; `most` is the
        number of pages wanted; `ceiling` is the largest possible number of items. A
        list that `is_dense` has no empty pages: if it does not end, the reading stops,
        and `unfinished` says why. Any other list that does not end is begun again.
        Raises failures that are tolerated. The caller may leave the loop at any page:
        between two pages nothing is open.
        """
        why = self.unfinished = ""
        for again in range(_RESTARTS):
            asked = dict(request.parameters)
            walk = DensePageWalk(ceiling) if is_dense else PageWalk(ceiling)
            note = request.note
            try:
                while True:
                    page = replace(request, parameters=asked, note=note)
                    answer = await self.ask(page, tolerated)
                    yield answer
                    token = answer.value.next_token
                    if not token or walk.pages_read + 1 == most:
                        return
                    if pause := walk.pause_after(answer.value, token):
                        # A plain sleep: `waits_in_vain` must not cut it short.
                        await self.clock.sleep(pause)
                    asked[next_key] = token
                    note = f"{request.note}, page {walk.pages_read + 1}"
            except StalePageError as error:
                why = str(error)
                await self.rest(_AGAIN * walk.pages_read)
            except EndlessPagesError as error:
                why = f"{request.operation} on {request.subject}: {error}."
                if is_dense:
                    self.unfinished = f"{why} What comes after them is not known."
                    return
                wait = min(_LONGEST_WAIT, 2.0**again)
                await self.wait_out(Failure(HealthState.RETRYING, why, at_least=wait))
        await self.refuse(why)

    async def ask_once(self, request: AwsRequest[T]) -> AwsAnswer[T]:
        """Send one request; raises Failure and StalePageError."""
        assert self._aws is not None  # noqa: S101 - a source without it asks nothing
        self.hand_on()
        with self.requests.asking(request.note) as asked:
            try:
                answer = await self._aws.call(request)
            except Failure as failure:
                self.endpoint = failure.endpoint
                raise
            self.endpoint = answer.endpoint
            if isinstance(answer.value, Page):
                asked.brought(len(answer.value.listed()))
        return answer

    async def attempt(
        self, do: Callable[[], Awaitable[T]], tolerated: Collection[HealthState] = ()
    ) -> T:
        """Repeat an action until it succeeds; raises failures that are tolerated."""
        while True:
            try:
                done = await do()
            except Failure as failure:
                any(verdict.apply(failure) for verdict in self.verdicts)
                if failure.state in tolerated:
                    raise
                await self.wait_out(failure)
            else:
                self.succeeded()
                return done

    def succeeded(self) -> None:
        """Note an answer; after failures, report that the source does well again."""
        recovered = self.failures > 0 or not self._answered
        self._answered = True
        self.failures = 0
        self._failed_at = None
        self.context.reached = True
        if recovered:
            self.say()

    async def wait_out(self, failure: Failure) -> None:
        """Report a failure, and rest; raises GaveUpError if the failure is final."""
        # Random × min(cap, base·2ⁿ), but never zero: it begins where botocore's own
        # retries, which wait by the same rule, end.
        ceiling = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(self.failures, 30))
        wait = max(failure.at_least, _FIRST_WAIT / 2, self.context.uniform(0, ceiling))
        self.failures += 1
        self._failed_at = self._failed_at or self.clock.now()
        self.judge(failure)
        tries = self.context.options.tries
        if tries is not None and failure.unreachable and not self.context.reached:
            tries = min(tries, _UNREACHABLE_TRIES)
        is_throttled = failure.state is HealthState.THROTTLED or failure.code in _BUSY
        is_awaited = is_throttled and self.context.options.outlasts_throttling
        hopeless = not self._answered and tries is not None and self.failures >= tries
        if hopeless and not is_awaited and failure.state not in _FINAL:
            failure.state = HealthState.REFUSED
        if failure.state in _FINAL:
            self._tell(self._doing(failure.state, failure.message))
            raise GaveUpError
        self._tell(self._doing(failure.state, failure.message, wait))
        await self.rest(wait)

    async def refuse(self, why: str) -> NoReturn:
        """End the source, and report why."""
        await self.wait_out(Failure(HealthState.REFUSED, why))
        raise GaveUpError

    def give_up(self, failure: Failure, tries: int | None = None) -> None:
        """Make a failure final if nothing waits for the answer any more.

        A missing permission is final at once. Other trouble is final after `tries` or,
        without that number, after a while: after the watched executions' end no longer
        than calls are awaited. An expired login is not final if somebody is there to
        renew it.
        """
        if failure.state is HealthState.EXPIRED and not self.bounded:
            return
        patience = _UNWANTED_WAIT
        if self.targets.roots_finished:
            drain = timedelta(seconds=self.context.options.drain)
            patience = min(patience, drain)
        now = self.clock.now()
        waited = now - (self._failed_at or now) >= patience
        tried = waited if tries is None else self.failures >= tries
        if failure.state is HealthState.DENIED or tried:
            failure.state = HealthState.REFUSED

    async def while_awaited(
        self, asking: Coroutine[Any, Any, T], is_over: Callable[[], bool]
    ) -> T | None:
        """Return the result of asking; None if nothing else is awaited before it comes.

        An answer that is on its way gets a little more time, but not after a failure.
        """
        has_given_up = False
        try:
            async with asyncio.TaskGroup() as group:
                asked = group.create_task(asking)
                ending = group.create_task(self._wait_for_end(is_over))
                asked.add_done_callback(lambda _: ending.cancel())
                ending.add_done_callback(lambda _: asked.cancel())
        except* GaveUpError:
            has_given_up = True
        if has_given_up:
            raise GaveUpError
        return None if asked.cancelled() else asked.result()

    async def _wait_for_end(self, is_over: Callable[[], bool]) -> None:
        while not is_over():
            await self.clock.sleep(_LOOK)
        if not self.failures:
            await self.clock.sleep(_LAST_WAIT)

    async def rest(self, seconds: float) -> None:
        """Wait, in naps, until the time is over or the wait has lost its reason."""
        self.hand_on()
        while seconds > 0 and not self.waits_in_vain():
            await self.clock.sleep(min(seconds, NAP_SECONDS))
            seconds -= NAP_SECONDS

    def received(self, kind: RecordKind, data: bytes) -> Received:
        """Return a record, received now, of the source's execution."""
        return Received(self.clock.now(), kind, self.requests.execution_arn, data)

    def hand_on(self, *records: Received) -> None:
        """Hand over records, and the requests that were made, if there are any."""
        if batch := (*records, *self.requests.take()):
            self._consume(batch)

    def say(self, message: str = "", state: HealthState | None = None) -> None:
        """Report the source's health if it has changed; passing time is no change.

        Without a state it does well: it is live, or draining.
        """
        usual = HealthState.DRAINING if self.until else HealthState.LIVE
        health = self._doing(state or usual, message)
        old = self.health
        if replace(health, lag=old.lag, requests=old.requests) != old:
            self._tell(health)

    def _doing(
        self, state: HealthState, message: str, retry_in: float | None = None
    ) -> SourceHealth:
        now = self.clock.now()
        reached = self.coverage
        lag = None if reached is None else round(seconds_between(reached, now), 1)
        return replace(
            self.health,
            state=state,
            message=message,
            retry_in=retry_in,
            coverage=reached,
            lag=lag,
            until=self.until,
            endpoint=self.endpoint,
        )

    async def run(self, consume: TakesBatches) -> None:
        """Hand over all records, and every change of health, to the end.

        However it ends, each request that was sent has been handed over by then.
        """
        self._consume = consume
        self._answered = False
        self.failures = 0
        self._failed_at = None
        self.coverage = None
        lane = self.health.lane
        source = self.health.source
        try:
            self._tell(SourceHealth(lane, HealthState.CONNECTING, source=source))
            self.final_state = HealthState.ENDED
            message = await self.read()
            self.say(message, self.final_state)
        except GaveUpError:
            return
        finally:
            try:
                await self.close()
            finally:
                self.hand_on()

    def _tell(self, health: SourceHealth) -> None:
        self.health = replace(health, requests=self.requests.count)
        record = self.health.as_record()
        _LOG.debug("source %s", json.dumps(record, ensure_ascii=False))
        now = self.clock.now()
        arn = self.requests.execution_arn
        received = receive(now, RecordKind.HEALTH, arn, record)
        self._consume((*self.requests.take(), received))
