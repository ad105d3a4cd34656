"""The calls around the executions watched, from CloudTrail's LookupEvents.

Two requests a second for the whole account, one attribute a request, 50 records a
page, newest first, and minutes late without a bound. So: one query for each service
the definition can call, in turn; each cycle reads from before what is believed
complete, stops at ground already covered, and keeps what concerns the executions:
all of them by the same queries, since what is asked twice is twice off the quota.
Never by ReadOnly=false: it would hide DescribeTasks. Never by Username: Step
Functions takes a new session name for every call.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from sfnwatch.clock import Clock
from sfnwatch.sources.aws import Aws
from sfnwatch.sources.drain import DRAIN, Drain
from sfnwatch.sources.drive import Driver, Failure, Patience, Step
from sfnwatch.sources.ledger import Ledger
from sfnwatch.sources.pacing import Interval, TokenBucket
from sfnwatch.sources.span import BEFORE_START, span
from sfnwatch.sources.subject import Query
from sfnwatch.sources.subjects import Subjects
from sfnwatch.sources.trouble import StalePageError
from sfnwatch.sources.watermark import Watermark
from sfnwatch.trace.calls import decode_call
from sfnwatch.trace.events import Batch, From, HealthState, Received
from sfnwatch.trace.history import DecodeError
from sfnwatch.trace.times import maybe_time
from sfnwatch.trace.values import replace

_PAGE = 50
"""The most LookupEvents gives."""
_OVERLAP = timedelta(minutes=15)
"""How far back each cycle reads again: most records are there by then."""
_THOROUGH = 6
"""Every so many cycles read on to the end of the window, even over known ground."""
_MEASURE = 10
"""One request in so many asks for our own calls, for the watermark."""
_MEASURE_PAGES = 3
_LEAST, _MOST = 5.0, 10.0
"""Seconds between cycles. CloudTrail is minutes late: faster would find no more."""


class _Cursor(Struct):
    """One query of a cycle, as far as it has been read."""

    query: Query
    since: datetime
    until: datetime | None = None
    measuring: bool = False
    token: str | None = None
    pages: int = 0
    newest: datetime | None = None
    """The time of the newest new event on its pages."""
    oldest: datetime | None = None
    """The time down to which its pages have been read."""

    def note(self, events: list[Mapping[str, Any]]) -> None:
        """Know how far down a page goes."""
        times = (maybe_time(event.get("EventTime")) for event in events)
        known = [at for at in (self.oldest, *times) if at is not None]
        self.oldest = min(known, default=None)

    def begin_again(self) -> None:
        """Go on below what has been read: AWS gives the newest first.

        What is of the same second comes once more, and is known.
        """
        self.token = None
        self.until = self.oldest or self.until


class Lookup:
    """A source: reads the calls until all executions are over and the drain done."""

    def __init__(
        self,
        aws: Aws,
        subjects: Subjects,
        clock: Clock,
        bucket: TokenBucket,
        *,
        drain: float = DRAIN,
        patience: Patience | None = None,
        source: str = "",
    ) -> None:
        self._aws, self._subjects, self._clock = aws, subjects, clock
        self._bucket = bucket
        self._drain = Drain(subjects, clock, drain)
        self._driver = Driver(
            "lookup",
            clock,
            patience=patience,
            cut_short=self._is_done_waiting,
            bell=subjects.bell,
            ledger=Ledger(clock, subjects.only),
            source=source,
        )
        self._interval = Interval(_LEAST, _MOST)
        self._watermark = Watermark()
        self._seen: set[str] = set()
        """Every event id that came by, of whomever: known ground."""
        self._passed_over: set[str] = set()
        """Those of them that concerned none of the roles known then."""
        self._roles: frozenset[str] | None = None
        self._started_at: datetime | None = None
        self._covered: dict[Query, datetime] = {}
        self._cursors: list[_Cursor] = []
        self._cycles = 0
        self._since_measured = 0
        self._news = False
        self._last_round = False

    def end_drain(self) -> None:
        """Stop waiting for late records: one more cycle, and that is it."""
        self._drain.end()

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield the calls that concern the execution, and every change of health."""
        await self._subjects.known.wait()
        async for batch in self._driver.run(self._step):
            yield batch

    async def _step(self) -> Step:
        if not self._cursors:
            planned = self._plan()
            if planned is not None:
                return planned
        cursor = self._cursors[0]
        try:
            step = await self._read(cursor)
        except StalePageError:
            cursor.begin_again()
            return Step()
        except Failure as failure:
            self._drain.give_up_if_over(failure, self._driver, over=self._is_over())
            raise
        if cursor.token is None:
            self._finish(self._cursors.pop(0))
        return step if self._cursors else self._end_of_cycle(step)

    def _is_done_waiting(self) -> bool:
        """True when a pause, made while there was a reason to wait, has lost it."""
        over = self._is_over() and not self._last_round
        return self._drain.has_no_wait(self._driver, over=over)

    # -- the plan of a cycle -------------------------------------------------------

    def _plan(self) -> Step | None:
        """Lay out the next cycle; a step of its own where there is nothing to ask."""
        if not self._subjects.plan:
            return self._idle()
        self._cycles += 1
        self._news = False
        self._last_round = self._is_over()
        since = self._floor(afresh=self._look_again())
        until = self._until()
        first = since if until is None else min(since, until)
        self._cursors = [_Cursor(query, first, until) for query in self._subjects.plan]
        if self._since_measured >= _MEASURE or self._last_round:
            self._cursors.append(self._measuring(since))
        return None

    def _idle(self) -> Step:
        """Say why nothing is asked; look again later, a state may yet call something.

        Without the definition, what a machine calls is known only as it happens.
        """
        message = "Nothing to look up: no state of it makes a call that CloudTrail"
        message += " records as a management event."
        if self._subjects.started_at is None or not self._subjects.ready:
            message = ""  # there is no execution to speak of, or not yet
        done = self._drain.has_begun
        state = HealthState.ENDED if done else HealthState.LIVE
        health = replace(self._driver.health, state=state, message=message)
        changed = health != self._driver.health
        return Step(pause=_LEAST, done=done, health=health if changed else None)

    def _look_again(self) -> bool:
        """Forget what concerned nobody, if somebody has come who it may concern.

        A role that a state's input names is known only when its task is scheduled,
        and the calls of an execution long over may be read before that. Nor is it
        known at first how early the first of several executions started.
        """
        roles, started_at = frozenset(self._subjects.roles), self._subjects.started_at
        known = self._started_at
        earlier = started_at is not None and (known is None or started_at < known)
        if self._roles == roles and not earlier:
            return False
        self._roles, self._started_at = roles, started_at
        self._seen -= self._passed_over
        self._passed_over.clear()
        self._covered.clear()
        return True

    def _floor(self, *, afresh: bool) -> datetime:
        start = self._subjects.started_at or self._clock.now() - _OVERLAP
        begin = start - BEFORE_START
        if afresh or self._last_round:
            return begin
        contiguous = self._watermark.complete_to(self._clock.now()) or begin
        return max(begin, min(self._clock.now() - _OVERLAP, contiguous))

    def _until(self) -> datetime | None:
        """Leave out what was called since, where their time has been over for long."""
        _, last = span(self._subjects)
        return last if last is not None and last < self._clock.now() else None

    def _measuring(self, since: datetime) -> _Cursor:
        home = (self._subjects.region, "LookupEvents")
        oldest = self._watermark.oldest_missing or since
        return _Cursor(home, oldest - BEFORE_START, measuring=True)

    # -- one page --------------------------------------------------------------------

    async def _read(self, cursor: _Cursor) -> Step:
        answer = await self._ask(cursor)
        events: list[Mapping[str, Any]] = answer.get("Events", [])
        cursor.token, cursor.pages = answer.get("NextToken"), cursor.pages + 1
        if cursor.measuring:
            return self._measure(cursor, events)
        cursor.note(events)
        fresh = self._unseen(events)
        if not fresh and self._is_covered(cursor, events):
            cursor.token = None
        self._note(cursor, fresh)
        return Step(tuple(self._concerning(fresh)))

    async def _ask(self, cursor: _Cursor) -> Any:
        region, value = cursor.query
        key = "EventName" if cursor.measuring else "EventSource"
        more: dict[str, Any] = {"NextToken": cursor.token} if cursor.token else {}
        if cursor.until is not None:
            more["EndTime"] = cursor.until
        await self._bucket.take()
        self._since_measured += 1
        with self._driver.ledger.asking(_purpose(cursor)) as asked:
            answer = await self._aws.call(
                "cloudtrail:LookupEvents",
                value,
                region,
                LookupAttributes=[{"AttributeKey": key, "AttributeValue": value}],
                StartTime=cursor.since,
                MaxResults=_PAGE,
                **more,
            )
            asked.brought(len(answer.get("Events", ())))
        if region == self._subjects.region:
            request_id = answer.get("ResponseMetadata", {}).get("RequestId")
            self._watermark.made(str(request_id), self._clock.now())
        return answer

    def _is_covered(self, cursor: _Cursor, events: list[Mapping[str, Any]]) -> bool:
        """True when all on the page is known and lies before what the last cycle saw.

        Now and then even that is read through: a straggler may lie deeper.
        """
        if self._last_round or self._cycles % _THOROUGH == 0 or not events:
            return False
        covered = self._covered.get(cursor.query)
        oldest = maybe_time(events[-1].get("EventTime"))
        return covered is not None and oldest is not None and oldest < covered

    def _unseen(self, events: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Keep what has never come by; a page may hold a record twice."""
        by_id = {str(event.get("EventId")): event for event in events}
        fresh = {key: by_id[key] for key in by_id if key not in self._seen}
        self._seen.update(fresh)
        return list(fresh.values())

    def _note(self, cursor: _Cursor, fresh: list[Mapping[str, Any]]) -> None:
        for event in fresh:
            at = maybe_time(event.get("EventTime"))
            if at is not None:
                cursor.newest = max(cursor.newest or at, at)

    def _finish(self, cursor: _Cursor) -> None:
        """Count as covered what was read to the end, and nothing before it was."""
        if cursor.newest is not None:
            before = self._covered.get(cursor.query, cursor.newest)
            self._covered[cursor.query] = max(before, cursor.newest)

    def _concerning(self, fresh: list[Mapping[str, Any]]) -> list[Received]:
        """Keep what concerns the execution, oldest first, as it happened."""
        kept: list[Received] = []
        now = self._clock.now()
        for event in reversed(fresh):
            received = Received(now, From.LOOKUP, None, event)
            try:
                concerned = self._subjects.concerns(decode_call(received))
            except DecodeError:
                received, concerned = replace(received, source=From.UNREAD), True
            if concerned:
                kept.append(received)
            else:
                self._passed_over.add(str(event.get("EventId")))
        self._news = self._news or bool(kept)
        return kept

    def _measure(self, cursor: _Cursor, events: list[Mapping[str, Any]]) -> Step:
        found = []
        for event in events:
            received = Received(None, From.LOOKUP, None, event)
            try:
                found.append(decode_call(received).request_id)
            except DecodeError:
                continue
        self._watermark.seen(request_id for request_id in found if request_id)
        if cursor.pages >= _MEASURE_PAGES:
            cursor.token = None
        self._since_measured = 0
        return Step()

    # -- the end of a cycle ------------------------------------------------------------

    def _is_over(self) -> bool:
        """True when the next cycle is to be the last."""
        return self._drain.is_over(self._watermark.complete_to(self._clock.now()))

    def _end_of_cycle(self, step: Step) -> Step:
        now = self._clock.now()
        complete = self._watermark.complete_to(now)
        if self._last_round:
            complete = max(complete or now - _OVERLAP, now - _OVERLAP)
        stopped = self._subjects.stopped_at
        draining = HealthState.DRAINING if stopped else HealthState.LIVE
        health = replace(
            self._driver.health,
            state=HealthState.ENDED if self._last_round else draining,
            message="",
            retry_in=None,
            complete_to=complete,
            lag=round((now - complete).total_seconds(), 1) if complete else None,
            until=self._drain.until,
        )
        return Step(
            step.records,
            pause=self._interval.after(news=self._news),
            done=self._last_round,
            health=health if self._differs(health) else None,
        )

    def _differs(self, health: Any) -> bool:
        """True for news of the lane; that time goes by is none."""
        old = self._driver.health
        same_lag = replace(health, lag=old.lag, requests=old.requests)
        return bool(same_lag != old)


def _purpose(cursor: _Cursor) -> str:
    """Say what a page is for, in the call log's words."""
    what = f"calls to {cursor.query[1].removesuffix('.amazonaws.com')}"
    if cursor.measuring:
        what = "own calls, for the lag"
    return f"{what}, page {cursor.pages + 1}" if cursor.pages else what
