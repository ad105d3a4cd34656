"""What every live source does alike: ask, say how it is doing, try again.

A source is a coroutine that reads to its end. What it asks for, one request or page by
page, it gets in the end: a failure becomes a health record, so that a recording shows
outages too, and after a pause the same is asked again. Nothing ends by itself because
of one, except what AWS will never answer.
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
"""Takes what a source handed over; must not block, and must not raise."""
P = TypeVar("P", bound=Page)
Pages = AsyncGenerator[AwsAnswer[P], None]
FORBIDDEN = frozenset({HealthState.DENIED, HealthState.REFUSED})
"""What may be refused of what a source can do without."""
_UNREACHABLE_TRIES = 2
"""An unattended run gives up after so many tries in which AWS could not be reached at
all: each is two of botocore's, and what is merely slow gets all of them."""
NAP_SECONDS = 1.0
"""Seconds slept at once: that a machine was suspended, that a time is over, or that
nobody wants to wait, is seen only then."""
_FIRST_WAIT = 1.0
"""Seconds to wait after the first failure, at most."""
_LONGEST_WAIT = 60.0
"""Seconds to wait after many failures, at most."""
_UNWANTED_WAIT = timedelta(minutes=15)
"""The time without an answer before which what nobody waits for is not given up: a
Region that is out comes back, and as long are calls awaited after an end."""
_AGAIN = 0.25
"""Seconds to wait, before pages are read again from the first one, for each that was
read in vain: where no token is good for long, others may ask as well."""
_RESTARTS = 100
"""How often pages are read again from the first one."""
_BUSY = frozenset({"429", "503", "ServiceUnavailable", "ServiceUnavailableException"})
"""Codes, or statuses without one, of a service that has too much to do."""
_LAST_WAIT = 1.0
"""Seconds for which an answer is awaited when nothing else is."""
_LOOK = 0.25
"""Seconds between looks whether anything else is awaited."""


class WatchContext(Struct):
    """What all sources of a watch share."""

    targets: Targets
    clock: Clock
    options: LiveOptions = LiveOptions()
    reached: bool = False
    """True once any source has had an answer: who is gone after that may come back."""
    uniform: Callable[[float, float], float] = random.uniform
    """Gives a random number between two."""


class GaveUpError(Exception):
    """AWS will never answer, which has been said: the source ends."""


class PollingSource:
    """A source that asks until it has read all; heirs write `read`."""

    verdicts: ClassVar[Sequence[Verdict]] = ()
    """What codes mean here, where it is something else than usual."""

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
        """What it asks about, for messages, and where: see `request`."""
        self.always: Mapping[str, Any] = {}
        """The parameters that all its requests have."""
        self.requests = RequestLog(context.clock, execution_arn)
        self.health = SourceHealth(lane, HealthState.CONNECTING, source=source)
        """What was said last."""
        self.coverage: datetime | None = None
        """How far what was read is believed complete."""
        self._consume: TakesBatches = lambda _: None
        self._answered = False
        """True once AWS has answered at all."""
        self.failures = 0
        """How many tries have failed since the last answer, with the one judged."""
        self._failed_at: datetime | None = None
        """When the first failure since the last answer was."""
        self.unfinished = ""
        """Why the last dense list that was read has no end; empty where it has one."""

    async def read(self) -> str:
        """Read to the end; gives the last words to be said, mostly none."""
        raise NotImplementedError

    async def close(self) -> None:
        """Give up what is open; called once, however the source ends."""

    def judge(self, failure: Failure) -> None:
        """Make a failure final, by its state, that there is no use in waiting out."""

    def waits_in_vain(self) -> bool:
        """True when a pause, made while there was a reason to wait, has lost it."""
        return False

    @property
    def until(self) -> datetime | None:
        """When its drain ends."""
        return None

    @property
    def bounded(self) -> bool:
        """True when there are only so many tries: nobody is there to help."""
        return self.context.options.tries is not None

    def request(
        self, operation: str, shape: type[T], note: str = "", **parameters: Any
    ) -> AwsRequest[T]:
        """Make a request about what the source is about; None leaves something out."""
        every = {**self.always, **parameters}
        asked = {name: value for name, value in every.items() if value is not None}
        return AwsRequest(operation, self.subject, self.region, shape, asked, note)

    async def ask(
        self, request: AwsRequest[T], tolerated: Collection[HealthState] = ()
    ) -> AwsAnswer[T]:
        """Ask until there is an answer.

        Raises StalePageError for a page's token that is too old, and of failures those
        that are tolerated.
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
        """Yield page by page; where a token has become too old, all over again.

        The parameters are those that there are when the first page is asked for.
        `next_key` is how the next one is; `most` is how many are wanted; `ceiling` is
        how many items there can be. A list that `is_dense` has no empty pages: where it
        does not end it is left, and `unfinished` says why; any other is begun again.
        Raises failures that are tolerated. Who has had enough just leaves: between two
        pages nothing is open.
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
                        # Whatever may have lost its reason meanwhile.
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
        assert self._aws is not None  # noqa: S101 - else it is made without
        self.hand_on()
        with self.requests.asking(request.note) as asked:
            answer = await self._aws.call(request)
            if isinstance(answer.value, Page):
                asked.brought(len(answer.value.listed()))
        return answer

    async def attempt(
        self, do: Callable[[], Awaitable[T]], tolerated: Collection[HealthState] = ()
    ) -> T:
        """Do something until it succeeds; raises failures that are tolerated."""
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
        """Note an answer; that it does well again is told."""
        recovered = self.failures > 0 or not self._answered
        self._answered = True
        self.failures = 0
        self._failed_at = None
        self.context.reached = True
        if recovered:
            self.say()

    async def wait_out(self, failure: Failure) -> None:
        """Say what has failed, and rest; raises GaveUpError where that is final."""
        # Random × min(cap, base·2ⁿ), and never none at all: it begins where botocore's
        # own retries, which count the same way, end.
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
        final = (hopeless and not is_awaited) or failure.state is HealthState.REFUSED
        if final:
            self._tell(self._doing(HealthState.REFUSED, failure.message))
            raise GaveUpError
        self._tell(self._doing(failure.state, failure.message, wait))
        await self.rest(wait)

    async def refuse(self, why: str) -> NoReturn:
        """End the source, saying why."""
        await self.wait_out(Failure(HealthState.REFUSED, why))
        raise GaveUpError

    def give_up(self, failure: Failure, tries: int | None = None) -> None:
        """Make a failure final of what nothing waits for any more.

        A missing permission at once, other trouble after so many tries, or by default a
        while: once what was watched has ended no longer than calls are awaited. But a
        login may yet be renewed by whoever watches.
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
        """Ask, but no longer than a moment after nothing else is awaited; None then.

        That moment is for an answer that is on its way: after a failure there is none.
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
        """Wait, in naps, unless something puts an end to the waiting."""
        self.hand_on()
        while seconds > 0 and not self.waits_in_vain():
            await self.clock.sleep(min(seconds, NAP_SECONDS))
            seconds -= NAP_SECONDS

    def received(self, kind: RecordKind, data: bytes) -> Received:
        """Make a record, received now, of the execution that the source is of."""
        return Received(self.clock.now(), kind, self.requests.execution_arn, data)

    def hand_on(self, *records: Received) -> None:
        """Hand over what was read, and the requests that were made, if there is any."""
        if batch := (*records, *self.requests.take()):
            self._consume(batch)

    def say(self, message: str = "", state: HealthState | None = None) -> None:
        """Say how it is doing from now on, if that is news: that time goes by is not.

        By default it does well: it is live, or draining.
        """
        usual = HealthState.DRAINING if self.until else HealthState.LIVE
        told = self._doing(state or usual, message)
        old = self.health
        if replace(told, lag=old.lag, requests=old.requests) != old:
            self._tell(told)

    def _doing(
        self, state: HealthState, message: str, retry_in: float | None = None
    ) -> SourceHealth:
        now = self.clock.now()
        reached = self.coverage
        lag = None if reached is None else round(seconds_between(reached, now), 1)
        told = replace(self.health, state=state, message=message, retry_in=retry_in)
        return replace(told, coverage=reached, lag=lag, until=self.until)

    async def run(self, consume: TakesBatches) -> None:
        """Hand over what is read, and every change of health, to the end.

        However it ends, each request that was sent has been told by then.
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
            self.say(await self.read(), HealthState.ENDED)
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
        told = receive(now, RecordKind.HEALTH, arn, record)
        self._consume((*self.requests.take(), told))
