"""The history of one execution, from GetExecutionHistory.

There is no "since" parameter, and the last page of a running execution carries no
token: a follower that reads forward reads everything again each time. So it is read
forward once; from then on newest first, down to the last event held: a poll costs
what is new.

After the end it is over, but for one thing: a redrive appends to the same history.
Whoever follows that has it looked for once a minute, for as long as it may come.
"""

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Mapping,
)
from typing import Any

from msgspec import Struct

from sfnwatch.clock import Clock
from sfnwatch.sources.ahead import Ahead
from sfnwatch.sources.drive import Driver, Failure, Patience, Step, give_up
from sfnwatch.sources.ledger import Ledger
from sfnwatch.sources.paced import Asks
from sfnwatch.sources.pacing import Interval
from sfnwatch.sources.redriving import (
    EVERY,
    count_of,
    is_under_way,
    redrivable_until,
    same,
    why_not,
)
from sfnwatch.sources.subject import Subject
from sfnwatch.sources.trouble import StalePageError
from sfnwatch.trace.events import Batch, From, HealthState, Received, SourceHealth
from sfnwatch.trace.redrives import REDRIVEN
from sfnwatch.trace.timeline import RUNNING, TERMINAL
from sfnwatch.trace.values import replace

_PAGE = 1000
"""The most AWS gives at once; it is an upper limit only."""
_TAIL = 100
"""Newest events to ask for when polling; more pages follow if that is not enough."""
_LEAST, _MOST = 1.0, 5.0
"""Seconds between polls while events come, and at most. GetExecutionHistory refills
20 requests a second for the whole account."""
_AGAIN = 0.25
"""Seconds to wait, before a read is begun again, for each page of it that was in vain:
where no token is good for long, others may ask as well."""
_DESCRIBE_TRIES = 5
"""DescribeExecution is eventually consistent: it may say RUNNING for a while yet."""


class Begun(Struct, frozen=True):
    """How an execution is followed that another one began."""

    wanted: Callable[[], bool]
    """False once nothing waits for it any more."""
    listed: bool = False
    """True for a Map Run's: its list describes it, and its parent defines it."""
    slowest: float = 15.0
    """Seconds between polls in silence: there may be many."""


class History:
    """A source: reads an execution's history to its end."""

    def __init__(
        self,
        aws: Asks,
        subject: Subject,
        clock: Clock,
        *,
        patience: Patience | None = None,
        begun: Begun | None = None,
        follow_redrive: bool = False,
    ) -> None:
        self._aws, self._subject, self._clock = aws, subject, clock
        self._begun, self._follow_redrive = begun, follow_redrive
        ledger = Ledger(clock, subject.arn.arn)
        lane = "children" if begun else "history"
        self._driver = Driver(lane, clock, patience=patience, ledger=ledger)
        self._interval = Interval(_LEAST, begun.slowest if begun else _MOST)
        self._is_listed = begun is not None and begun.listed
        self._next: Callable[[], Awaitable[Step]] = (
            self._forward if self._is_listed else self._describe
        )
        self._token: str | None = None
        self._ahead = Ahead()
        """The next page of the first reading."""
        self._pages = 0
        """Pages of the read in progress."""
        self._held = 0
        """The id up to which every event has been handed over."""
        self._news: dict[int, Mapping[str, Any]] = {}
        """Events of a poll in progress, newest first, not yet joined to those held."""
        self._ended = False
        self._looked_again = False
        self._describes = 0
        self._redrives = 0
        """How many redrives the events held tell of."""
        self._outcome_told: Mapping[str, Any] = {}

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield the describing answers, the events, and every change of health."""
        try:
            async for batch in self._driver.run(self._step):
                yield tuple(self._subject.observe(received) for received in batch)
        finally:
            await self._ahead.close()
            self._subject.over = True
            self._subject.learned()

    async def _step(self) -> Step:
        try:
            return await self._next()
        except StalePageError:
            # A token lives 24 hours: begin this read again, what is held stays held.
            pause = _AGAIN * self._pages
            self._token, self._pages, self._news = None, 0, {}
            return Step(pause=pause)
        except Failure as failure:
            if failure.state is HealthState.DENIED and self._is_hopeless():
                failure.state = HealthState.REFUSED
            if self._begun is not None and not self._begun.wanted():
                give_up(failure, self._driver)
            raise

    def _is_hopeless(self) -> bool:
        """True when nothing is held and nobody watches who could grant it."""
        return self._driver.bounded and not self._held

    async def _ask(
        self, operation: str, note: str = "", **kwargs: Any
    ) -> dict[str, Any]:
        arn = self._subject.arn
        with self._driver.ledger.asking(note) as asked:
            answer = dict(
                await self._aws.call(
                    f"states:{operation}",
                    arn.arn,
                    arn.region,
                    executionArn=arn.arn,
                    **kwargs,
                )
            )
            if "events" in answer:
                asked.brought(len(answer["events"]))
        answer.pop("ResponseMetadata", None)
        return answer

    def _received(self, source: From, data: Mapping[str, Any]) -> Received:
        return Received(self._clock.now(), source, self._subject.arn.arn, data)

    async def _describe(self) -> Step:
        answer = await self._ask("DescribeExecution")
        self._next = self._define
        return Step((self._received(From.DESCRIBE, answer),))

    async def _define(self) -> Step:
        """Read the definition; the history is worth reading without it."""
        self._next = self._forward
        try:
            answer = await self._ask("DescribeStateMachineForExecution")
        except Failure as failure:
            if failure.state not in {HealthState.DENIED, HealthState.REFUSED}:
                self._next = self._define
                raise
            health = replace(
                self._driver.health, state=HealthState.LIVE, message=failure.message
            )
            return Step(health=health)
        self._subject.observe(received := self._received(From.DEFINITION, answer))
        # The plan, the role and the start are known: the other lane can begin.
        self._subject.learned()
        return Step((received,))

    def _ask_page(
        self, limit: int, *, newest_first: bool
    ) -> Coroutine[Any, Any, dict[str, Any]]:
        more = {"nextToken": self._token} if self._token else {}
        return self._ask(
            "GetExecutionHistory",
            self._reading(newest_first=newest_first),
            maxResults=limit,
            reverseOrder=newest_first,
            includeExecutionData=True,
            **more,
        )

    async def _page(self, limit: int, *, newest_first: bool) -> list[dict[str, Any]]:
        answer = await self._ahead.take()
        if answer is None:
            answer = await self._ask_page(limit, newest_first=newest_first)
        self._token = answer.get("nextToken")
        self._pages = self._pages + 1 if self._token else 0
        if self._token is not None and not newest_first:
            await self._ahead.begin(self._ask_page(limit, newest_first=False))
        # A page may hold an event twice.
        return list({event["id"]: event for event in answer["events"]}.values())

    def _reading(self, *, newest_first: bool) -> str:
        """Say what a page is for, in the call log's words."""
        what = "newest events" if newest_first else "first reading"
        if newest_first and self._ended:
            what = "one more look after the end"
        return f"{what}, page {self._pages + 1}" if self._pages else what

    async def _forward(self) -> Step:
        events = await self._page(_PAGE, newest_first=False)
        fresh = [event for event in events if event["id"] > self._held]
        self._hold(fresh)
        if self._token is None:
            self._subject.learned()
            if self._ended and self._is_listed:
                return Step(
                    self._batch(fresh),
                    done=True,
                    health=self._health(HealthState.ENDED),
                )
            self._next, self._looked_again = self._tail, self._ended
        return Step(self._batch(fresh))

    async def _tail(self) -> Step:
        """Read newest first until an event that is held, then hand over what is new.

        Only then: with a gap below them the newest events are not yet held. After
        the last event comes one more look, then the outcome.
        """
        events = await self._page(_TAIL, newest_first=True)
        fresh = [event for event in events if event["id"] > self._held]
        self._news.update({event["id"]: event for event in fresh})
        if self._token is not None and len(fresh) == len(events):
            return Step()
        self._token, self._pages = None, 0
        news = [self._news[key] for key in sorted(self._news)]
        self._news = {}
        self._hold(news)
        if self._ended and self._is_listed:
            return Step(
                self._batch(news), done=True, health=self._health(HealthState.ENDED)
            )
        if self._ended and self._looked_again:
            self._next = self._outcome
        elif self._ended:
            self._looked_again = True
        elif self._begun is not None and not self._begun.wanted():
            message = "It goes on; what began it is over, and did not wait."
            health = self._health(HealthState.ENDED, message)
            return Step(self._batch(news), done=True, health=health)
        else:
            pause = self._interval.after(news=bool(news))
            return Step(self._batch(news), pause=pause)
        return Step(self._batch(news))

    async def _outcome(self) -> Step:
        self._describes += 1
        answer = await self._ask("DescribeExecution", "the outcome")
        records = (self._received(From.DESCRIBE, answer),)
        self._outcome_told = answer
        if is_under_way(answer, self._redrives):
            return self._take_up(records)
        if answer.get("status") in RUNNING and self._describes < _DESCRIBE_TRIES:
            return Step(records, pause=_LEAST)
        if count_of(answer) > self._redrives and self._describes < _DESCRIBE_TRIES:
            # It was redriven and has ended again: the history is behind.
            self._next = self._tail
            return Step(records, pause=_LEAST)
        if self._follow_redrive:
            return self._follow(records, answer)
        return self._end(records)

    def _end(self, records: Batch, message: str = "") -> Step:
        return Step(records, done=True, health=self._health(HealthState.ENDED, message))

    def _health(self, state: HealthState, message: str = "") -> SourceHealth:
        return replace(self._driver.health, state=state, message=message, retry_in=None)

    # -- redrives ----------------------------------------------------------------------

    def _take_up(self, records: Batch) -> Step:
        """Go on with the history: what a redrive runs is appended to it."""
        self._ended = self._looked_again = False
        self._describes = 0
        self._next = self._tail
        self._interval = Interval(_LEAST, _MOST)
        waits = self._outcome_told.get("status") == "PENDING_REDRIVE"
        message = "A redrive waits for its turn." if waits else "Redriven: going on."
        return Step(records, health=self._health(HealthState.LIVE, message))

    def _follow(self, records: Batch, answer: Mapping[str, Any]) -> Step:
        """Wait for a redrive as long as one may come."""
        until = redrivable_until(answer, self._clock.now())
        if until is None:
            return self._end(records, why_not(answer))
        self._next = self._look_for_redrive
        message = (
            "It is over, and watched for a redrive once a minute; that may come until"
            f" {until:%Y-%m-%d %H:%M} UTC."
        )
        health = self._health(HealthState.WAITING, message)
        changed = health if health != self._driver.health else None
        return Step(records, pause=EVERY, health=changed)

    async def _look_for_redrive(self) -> Step:
        """Ask whether it was redriven; only what has changed is handed on."""
        answer = await self._ask("DescribeExecution", "was it redriven?")
        before, self._outcome_told = self._outcome_told, answer
        told = () if same(answer, before) else (self._received(From.DESCRIBE, answer),)
        if is_under_way(answer, self._redrives) or count_of(answer) > self._redrives:
            return self._take_up(told)
        return self._follow(told, answer)

    def _hold(self, events: Iterable[Mapping[str, Any]]) -> None:
        for event in events:
            self._held = max(self._held, event["id"])
            if event["type"] in TERMINAL:
                self._ended = True
            elif event["type"] == REDRIVEN:
                self._ended = self._looked_again = False
                self._redrives += 1
                self._describes = 0

    def _batch(self, events: list[Any]) -> Batch:
        now, arn = self._clock.now(), self._subject.arn.arn
        return tuple(Received(now, From.HISTORY, arn, event) for event in events)
