"""What every live source does alike: ask, say how it is doing, try again.

A source is a coroutine that reads to its end. What it asks for, one request or page by
page, it gets in the end: a failure becomes a health record, so that a recording shows
outages too, and after a pause the same is asked again. Nothing ends by itself because
of one, except what AWS will never answer.

A source of calls goes on after the end of what it watches, since CloudTrail is minutes
late: that is its drain.

What this tool itself sends to AWS, noted as it is sent and answered.

Botocore's hooks tell of each HTTP request, its own retries and those for credentials
too. Nothing but the fields written here is taken from them: no parameter, header or
body, so that neither payload nor credential can get into a recording this way.
"""

import asyncio
import json
import logging
import random
from collections import Counter
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any, ClassVar, NoReturn, TypeVar
from urllib.parse import urlsplit

from msgspec import Struct, field
from msgspec.structs import asdict, replace

from sfnwatch.clock import Clock
from sfnwatch.model.known_secrets import KNOWN_SECRETS
from sfnwatch.model.own_requests import OK
from sfnwatch.model.records import Batch, Received, RecordKind, receive
from sfnwatch.model.source_health import HealthState, SourceHealth
from sfnwatch.model.values import iso, seconds_between
from sfnwatch.sources.access import Feature, operations
from sfnwatch.sources.answers import (
    AwsAnswer,
    AwsRequest,
    CallsAws,
    Failure,
    Page,
    StalePageError,
    Verdict,
)
from sfnwatch.sources.page_walk import DensePageWalk, EndlessPagesError, PageWalk
from sfnwatch.sources.targets import LiveOptions, Query, Relevance, Targets

_LOG = logging.getLogger(__name__)

# -- our own requests ------------------------------------------------------------------

_PREFIXES = {"cloudwatch-logs": "logs", "sfn": "states"}
"""A service's name in botocore's hooks, where its IAM prefix is another."""
_OURS = operations(tuple(Feature))
"""Whatever else is asked, the session asks for its credentials."""
_MOST = 120
"""Characters of a code or an id: whoever answers at an endpoint writes them."""
_UNKNOWN = "unknown"


class _Noted(Struct):
    """What is told of a request: see `records.py`."""

    operation: str
    service: str
    region: str | None
    sent_at: str
    seconds: float | None = None
    outcome: str = _UNKNOWN
    status: int | None = None
    request_id: str | None = None
    items: int | None = None
    note: str = ""


class RequestLog(Struct, eq=False):
    """The requests made for one source, until they are handed over.

    A source asks for one thing at a time: the first request, and botocore's own further
    tries, are those of one call.
    """

    clock: Clock
    execution_arn: str | None = None
    """The one execution it is all for; None where it is for several."""
    count: int = 0
    """Requests sent so far."""
    _noted: list[_Noted] = []
    """Those that are over, and are not handed over."""
    _note: str = ""
    _tries: Counter[str] = field(default_factory=Counter)
    _under_way: _Noted | None = None
    _sent_at: datetime | None = None
    """When that was sent."""

    @contextmanager
    def asking(self, note: str = "") -> Iterator["RequestLog"]:
        """Note all that is sent until the block ends; `note` says what for."""
        self._note, self._tries = note, Counter()
        token = _ASKING.set(self)
        outcome = None
        try:
            yield self
        except BaseException as error:
            # An answer that could not be read, that came too late, or is not awaited.
            outcome = type(error.__cause__ or error).__name__
            raise
        finally:
            _ASKING.reset(token)
            self._finish(outcome)

    def take(self) -> Batch:
        """Hand over what was noted since the last time."""
        now, noted, self._noted = self.clock.now(), self._noted, []
        kind, arn = RecordKind.REQUEST, self.execution_arn
        return tuple(receive(now, kind, arn, asdict(each)) for each in noted)

    def sent(self, event_name: str, request: Any) -> None:
        """Note a request that is on its way: botocore's own, and its event's name."""
        self._finish()
        service, operation = event_name.split(".")[1:3]
        service = _PREFIXES.get(service, service)
        region = (getattr(request, "context", None) or {}).get("client_region")
        host = urlsplit(getattr(request, "url", "") or "").netloc.rpartition("@")[2]
        self._tries[operation] += 1
        again = f"try {number}" if (number := self._tries[operation]) > 1 else ""
        ours = (service, operation) in _OURS
        note = self._note if ours else "for the credentials"
        note = ", ".join(words for words in (note, again) if words)
        _LOG.debug(
            "asks %s:%s in %s, of %s: %s", service, operation, region, host, note
        )
        self._sent_at, self.count = self.clock.now(), self.count + 1
        told = operation, service, region, iso(self._sent_at)
        self._under_way = _Noted(*told, note=note)

    def answered(self, answer: Mapping[str, Any], error: BaseException | None) -> None:
        """Note what came of the request under way: an answer as botocore parsed it."""
        if (told := self._under_way) is None:
            return
        metadata = answer.get("ResponseMetadata", {})
        outcome = str(answer.get("Error", {}).get("Code", OK))
        outcome = outcome if error is None else type(error).__name__
        request_id, status = metadata.get("RequestId"), metadata.get("HTTPStatusCode")
        told.seconds, told.status = self._seconds(), status
        told.outcome = KNOWN_SECRETS.hide(outcome)[:_MOST] or _UNKNOWN
        if request_id:
            told.request_id = KNOWN_SECRETS.hide(str(request_id))[:_MOST]
        length = metadata.get("HTTPHeaders", {}).get("content-length")
        words = "{} to {service}:{operation} after {seconds:.3f} s: {outcome}, status"
        words += " {}, request ID {}, {} bytes"
        kind, *rest = "answer" if status else "no answer", status, request_id, length
        shown = (each or "-" for each in rest)
        _LOG.debug("%s", words.format(kind, *shown, **asdict(told)))

    def brought(self, items: int) -> None:
        """Note how many events or records the answer held."""
        if self._under_way is not None:
            self._under_way.items = items

    def _finish(self, outcome: str | None = None) -> None:
        """Have done with the request under way; `outcome` is what ended the call."""
        told, self._under_way = self._under_way, None
        if told is None:
            return
        if told.seconds is None:
            told.seconds = self._seconds()
        if outcome is not None and told.outcome in {OK, _UNKNOWN}:
            told.outcome, name, took = outcome, told.operation, told.seconds
            _LOG.debug("no answer of use to %s in %.3f s: %s", name, took, outcome)
        self._noted.append(told)

    def _seconds(self) -> float:
        now = self.clock.now()
        return round(max(0.0, seconds_between(self._sent_at or now, now)), 3)


_ASKING: ContextVar[RequestLog | None] = ContextVar("asking", default=None)
"""On whose behalf the task at work asks: the hooks are told nothing of it."""


def note_sent(request: Any, event_name: str, **_: Any) -> None:
    """Take botocore's `before-send`: once for each HTTP request."""
    if (log := _ASKING.get()) is not None:
        log.sent(event_name, request)


def note_answer(
    parsed_response: Mapping[str, Any] | None, exception: BaseException | None, **_: Any
) -> None:
    """Take botocore's `response-received`: once for each, unless none can be parsed."""
    if (log := _ASKING.get()) is not None:
        log.answered(parsed_response or {}, exception)


# -- asking again and again ------------------------------------------------------------

T = TypeVar("T")
TakesBatches = Callable[[Batch], None]
"""Takes what a source handed over; must not block, and must not raise."""
P = TypeVar("P", bound=Page)
Pages = AsyncGenerator[AwsAnswer[P], None]
FORBIDDEN = frozenset({HealthState.DENIED, HealthState.REFUSED})
"""What may be refused of what a source can do without."""

_USUAL_DRAIN = LiveOptions().drain
_QUIET = timedelta(minutes=6)
"""Coverage must be so far past the end before the drain is cut short: it tells of most
records, and of 2,900 measured a tenth came later than 7 minutes."""
OVERLAP = timedelta(minutes=15)
"""How far back each round reads again: most records are there by then. And so far back
the last one is believed complete."""
_UNREACHABLE_TRIES = 2
"""Where nobody waits to help, so often nobody may be there to answer: each try is two
of botocore's, and what is merely slow gets all of them."""
_NAP = 1.0
"""Seconds slept at once: that a machine was suspended, that a time is over, or that
nobody wants to wait, is seen only then."""
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
"""Seconds to wait after failures, at most: after the first, and after many."""
_DRAINED_TRIES = 3
"""Failures in a row after which, the drain over, nothing more is tried."""
_DRAINED_TRIES_THROTTLED = 10
"""The same where others take the quota: they will not for ever."""
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
_HISTORY, _HISTORY_NAP = timedelta(seconds=30), 0.5
"""How long the history of what has ended is waited for, and seconds between looks."""
_IDLE = 5.0
"""Seconds between looks for something to ask for."""


# -- how often to ask ------------------------------------------------------------------

_GROWTH = 1.5
"""How much longer each pause is than the one before."""
_LEAST = 0.001
"""Seconds to sleep at least: a clock tells no more than microseconds, so what is left
of a token by rounding might never be made up."""
RATES: Mapping[str, tuple[float, float]] = {
    # Half of an account's and Region's quota is left to its people.
    "cloudtrail:LookupEvents": (1.0, 2.0),
    # How many a second an account has differs by Region.
    "logs:FilterLogEvents": (1.0, 2.0),
    "states:DescribeExecution": (2.0, 20.0),
    "states:DescribeStateMachineForExecution": (0.5, 20.0),
    "states:DescribeMapRun": (0.5, 10.0),
    "states:ListExecutions": (1.0, 20.0),
    "states:ListMapRuns": (0.5, 20.0),
    "states:GetExecutionHistory": (4.0, 40.0),
}
"""How many requests a second, and at once, all sources of a watch send together, but
for the histories that somebody named. Some quotas of Step Functions' refill one a
second for the whole account and Region, shared with everybody: the account's own are
10, 1, 1, 2, 1 and 20 a second at least, after 250, 200, 200, 100, 100 and 400."""


class TokenBucket:
    """At most `rate` takes a second on average, `burst` at once, for all who share it.

    LookupEvents has 2 requests a second for an account and Region, shared with the
    console and every other tool.
    """

    def __init__(self, rate: float, burst: float, clock: Clock) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._tokens = burst
        self._refilled_at = clock.now()
        self._turn = asyncio.Lock()

    async def take(self) -> None:
        """Wait for a token; those who wait are served in turn."""
        async with self._turn:
            while (missing := 1 - self._refilled()) > 0:
                await self._clock.sleep(max(_LEAST, missing / self._rate))
            self._tokens -= 1

    def _refilled(self) -> float:
        """Give how many tokens there are by now."""
        now = self._clock.now()
        # A clock set back must not take tokens away.
        passed = max(0.0, seconds_between(self._refilled_at, now))
        self._tokens = min(self._burst, self._tokens + passed * self._rate)
        self._refilled_at = now
        return self._tokens


class RateLimitedAws:
    """Asks on behalf of several; in each Region an operation waits for its turn."""

    def __init__(self, aws: CallsAws, clock: Clock) -> None:
        self._aws, self._clock = aws, clock
        self._buckets: dict[tuple[str, str], TokenBucket] = {}

    async def call(self, request: AwsRequest[T]) -> AwsAnswer[T]:
        """Wait for a turn, and ask; raises what the client's own call raises."""
        if rate := RATES.get(request.operation):
            made = TokenBucket(*rate, self._clock)
            queue = (request.operation, request.region)
            await self._buckets.setdefault(queue, made).take()
        return await self._aws.call(request)


class Interval:
    """A pause that grows in silence and is short again as soon as something comes."""

    def __init__(self, least: float, most: float) -> None:
        self._least, self._most, self._current = least, most, least

    def after(self, *, news: bool) -> float:
        """Give the pause after a poll that brought news, or none."""
        grown = min(self._most, self._current * _GROWTH)
        self._current = self._least if news else grown
        return self._current


# -- a source --------------------------------------------------------------------------


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
        self.context, self.clock = context, context.clock
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

    # -- for heirs to write --------------------------------------------------------

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

    # -- for heirs to use ----------------------------------------------------------

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
        self._answered, self.failures, self._failed_at = True, 0, None
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
            await self.clock.sleep(min(seconds, _NAP))
            seconds -= _NAP

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
        told, old = self._doing(state or usual, message), self.health
        if replace(told, lag=old.lag, requests=old.requests) != old:
            self._tell(told)

    def _doing(
        self, state: HealthState, message: str, retry_in: float | None = None
    ) -> SourceHealth:
        now, reached = self.clock.now(), self.coverage
        lag = None if reached is None else round(seconds_between(reached, now), 1)
        told = replace(self.health, state=state, message=message, retry_in=retry_in)
        return replace(told, coverage=reached, lag=lag, until=self.until)

    # -- the run of it -------------------------------------------------------------

    async def run(self, consume: TakesBatches) -> None:
        """Hand over what is read, and every change of health, to the end.

        However it ends, each request that was sent has been told by then.
        """
        self._consume = consume
        self._answered, self.failures, self._failed_at = False, 0, None
        self.coverage = None
        lane, source = self.health.lane, self.health.source
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
        now, arn = self.clock.now(), self.requests.execution_arn
        told = receive(now, RecordKind.HEALTH, arn, record)
        self._consume((*self.requests.take(), told))


# -- a source of calls -----------------------------------------------------------------


class CallSource(PollingSource):
    """A source of calls: after the end it awaits those that are late."""

    def __init__(
        self, aws: CallsAws | None, context: WatchContext, source: str = ""
    ) -> None:
        super().__init__(aws, context, "lookup", source, context.targets.only)
        self.relevance = Relevance(self.targets)
        self._drain = timedelta(seconds=context.options.drain)
        self._cut_short = False
        self.last_round = False
        """To be set when a round begins which is to be the last."""

    @property
    def until(self) -> datetime | None:
        """When its drain ends; None while an execution runs."""
        stopped = self.targets.stopped_at
        return stopped + self._drain if stopped else None

    def end_drain(self) -> None:
        """Stop waiting for late records: one more look, and that is it."""
        self._cut_short = True

    def is_over(self) -> bool:
        """True when the next round is to be the last."""
        stopped = self.targets.stopped_at
        if stopped is None or not self.targets.have_ended:
            # A history that is refused has no end to wait for.
            return self.targets.finished
        quick = self.coverage is not None and self.coverage >= stopped + _QUIET
        # Who waits for longer than by default waits for the records that coverage
        # tells nothing of.
        quick = quick and self._drain <= timedelta(seconds=_USUAL_DRAIN)
        return self._cut_short or quick or self.clock.now() >= stopped + self._drain

    def select(self, records: Iterable[Received] = ()) -> bool:
        """Hand on what concerns the executions; True if there is any.

        What was held back may be among it, so it is worth asking with nothing new.
        """
        selected = self.relevance.select(records)
        self.hand_on(*selected)
        return bool(selected)

    async def idle(self, queries: Collection[Query], nothing: str) -> str | None:
        """Wait for something to ask for; gives the last words where there is nothing.

        A state may yet call something: `nothing` is said meanwhile. Without the
        definition, what is called is known only as it happens.
        """
        while not queries:
            known = self.targets.ready and self.targets.started_at is not None
            words = nothing if known else ""
            if self.targets.have_ended:
                return words
            self.say(words)
            await self.rest(_IDLE)
        return None

    async def await_history(self) -> None:
        """Let the history of an execution that has ended be read, if that is soon done.

        All its roles are known then: what is asked for too early is asked once more, or
        has to be held back as long as nobody can be told to be concerned.
        """
        end, targets = self.clock.now() + _HISTORY, self.targets
        while targets.stopped_at is not None and not targets.finished:
            if self.clock.now() >= end:
                return
            await self.clock.sleep(_HISTORY_NAP)

    def judge(self, failure: Failure) -> None:
        """Give up after the end what is not permitted, or fails again and again."""
        denied = failure.state is HealthState.DENIED
        hopeless = self.targets.have_ended if denied else self.is_over()
        if hopeless:
            throttled = failure.state is HealthState.THROTTLED
            tries = _DRAINED_TRIES_THROTTLED if throttled else _DRAINED_TRIES
            self.give_up(failure, tries)

    def waits_in_vain(self) -> bool:
        if self.health.state is HealthState.EXPIRED:
            return False
        if self.health.state is HealthState.DENIED:
            return self.targets.have_ended
        return self.is_over() and not self.last_round

    async def run(self, consume: TakesBatches) -> None:
        """Hand over calls, once something is known to ask for.

        Fourteen days may lie between an end and a redrive that is followed. In that
        time nothing is looked up. Then all is once more: what was late, or was refused
        at the time, is there now.
        """
        await self.targets.known.wait()
        while True:
            known = self.targets.redrives
            await super().run(consume)
            if self.targets.stopped_at is not None:
                known = self.targets.redrives  # that end has been drained
            if not self.context.options.follow_redrive:
                return
            while self.targets.redrives <= known:
                if self.targets.finished:
                    return
                await self.clock.sleep(_NAP)
            # What an heir keeps for one reading, `read` sets.
            self._cut_short = self.last_round = False
