"""A source of calls that puts one question, again and again: as SQL, to some engine.

A round is one query, read to its end. What an engine charges for is what it scans, so
while an execution runs it is asked every few minutes at most, and a trail's files, of
which a record takes minutes to get into one, have no more to tell sooner.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct

from sfnwatch.clock import Clock
from sfnwatch.sources.drain import DRAIN, Drain
from sfnwatch.sources.drive import Driver, Failure, Patience, Step
from sfnwatch.sources.ledger import Ledger
from sfnwatch.sources.sieve import Sieve
from sfnwatch.sources.span import AFTER_END, BEFORE_START
from sfnwatch.sources.subjects import Subjects
from sfnwatch.sources.trail_sql import Question
from sfnwatch.trace.events import (
    Batch,
    From,
    HealthState,
    Received,
    SourceHealth,
)
from sfnwatch.trace.values import replace

Row = Mapping[str, str | None]
"""A row by its columns' names, small; null is None."""

LATE = timedelta(minutes=15)
"""A record so old is taken to be in a file: of 2,900 none took longer than 10 minutes.
That is an estimate: nothing says how late the latest is."""
_LOOK_AGAIN = 5.0
"""Seconds between looks for something to ask for."""
_NAP = 1.0
_HISTORY = timedelta(seconds=30)
"""How long a finished execution's history is waited for: it may name more roles."""
_TOLD_EVERY = timedelta(seconds=1)
_STOPPING = 5.0
"""Seconds that stopping a query may take when the watch ends."""


class QueryOverError(Failure):
    """A query that came to nothing: the next try is another query."""


class Look(Struct, frozen=True):
    """What a look at the query under way brought."""

    rows: Sequence[Row] = ()
    pause: float = 0.0
    """Seconds until the next look makes sense."""
    done: bool = False


class Engine(Protocol):
    """Runs one query at a time; fails with Failure, or with QueryOverError."""

    async def start(self, question: Question) -> None:
        """Begin a query. After a failure it is called again with the same question."""
        ...

    async def look(self) -> Look:
        """See how it does, or read on."""
        ...

    async def stop(self) -> None:
        """Stop the query under way, which nobody waits for any more."""
        ...

    def reached(self, asked_at: datetime) -> datetime | None:
        """Infer up to when the answer of a query asked then is complete."""
        ...

    def told(self, *, ended: bool = False) -> str:
        """Say what it did so far, and what that may cost; empty for nothing to say.

        `ended`: there will be no other query.
        """
        ...


class Rounds:
    """A source: asks until all executions are over and the drain done."""

    def __init__(
        self,
        engine: Engine,
        subjects: Subjects,
        clock: Clock,
        ledger: Ledger,
        *,
        source: str,
        every: float,
        drain: float = DRAIN,
        patience: Patience | None = None,
    ) -> None:
        self._engine, self._subjects, self._clock = engine, subjects, clock
        self._every = every
        self._drain = Drain(subjects, clock, drain)
        self._sieve = Sieve(subjects)
        self._driver = Driver(
            "lookup",
            clock,
            patience=patience,
            cut_short=self._is_done_waiting,
            bell=subjects.bell,
            ledger=ledger,
            source=source,
        )
        self._question: Question | None = None
        """What the round under way asks; kept until it is answered."""
        self._asked_at = clock.now()
        self._running = False
        """True while the engine has a query of ours."""
        self._last_round = False
        self._told_at: datetime | None = None

    def end_drain(self) -> None:
        """Stop waiting for late records: one more round, and that is it."""
        self._drain.end()

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield the calls that concern the executions, and every change of health."""
        await self._subjects.known.wait()
        try:
            async for batch in self._driver.run(self._step):
                yield batch
        finally:
            if self._running:
                await self._stop()

    async def _stop(self) -> None:
        """Stop the query, if that can be done soon: it may be paid for by its size."""
        try:
            async with asyncio.timeout(_STOPPING):
                await self._engine.stop()
        except (Failure, TimeoutError):
            return

    async def _step(self) -> Step:
        if self._question is None:
            await self._await_history()
            pause = self._too_soon()
            if pause or not self._subjects.trail_plan:
                return self._idle(pause)
            self._begin()
        try:
            return await self._go_on()
        except Failure as failure:
            if isinstance(failure, QueryOverError):
                self._running, self._question = False, None
            self._drain.give_up_if_over(failure, self._driver)
            raise

    # -- when to ask, and what ---------------------------------------------------------

    async def _await_history(self) -> None:
        """Let a finished execution's history be read, if that does not take long.

        What is asked too early is asked, and paid for, once more.
        """
        end = self._clock.now() + _HISTORY
        subjects = self._subjects
        while subjects.stopped_at is not None and not subjects.over:
            if self._clock.now() >= end:
                return
            await self._clock.sleep(_NAP)

    def _too_soon(self) -> float:
        """Tell how long to wait: of an execution just begun no file tells yet."""
        started = self._subjects.started_at
        if started is None or self._drain.has_begun:
            return 0.0
        due = started + timedelta(seconds=self._every)
        return max(0.0, (due - self._clock.now()).total_seconds())

    def _begin(self) -> None:
        self._last_round = self._drain.is_over()
        self._asked_at = self._clock.now()
        self._question = self._asking()

    def _asking(self) -> Question:
        subjects, now = self._subjects, self._clock.now()
        stopped = subjects.stopped_at
        started = subjects.started_at or now - LATE
        return Question(
            queries=subjects.trail_plan,
            roles=subjects.roles,
            accounts=tuple(sorted({one.arn.account for one in subjects.each})),
            since=started - BEFORE_START,
            until=max(started, now if stopped is None else stopped + AFTER_END),
        )

    def _idle(self, pause: float) -> Step:
        """Say why nothing is asked; a state may yet call something."""
        subjects = self._subjects
        planless = not subjects.trail_plan and subjects.started_at is not None
        done = not pause and self._drain.has_begun
        message = ""
        if planless and not pause:
            message = "Nothing to ask for: no state of it makes a call that a trail"
            message += " could have."
        state = HealthState.ENDED if done else HealthState.LIVE
        health = replace(self._driver.health, state=state, message=message)
        changed = health != self._driver.health
        pause = min(pause, _LOOK_AGAIN) or _LOOK_AGAIN
        return Step(pause=pause, done=done, health=health if changed else None)

    def _is_done_waiting(self) -> bool:
        """True when a pause, made while there was a reason to wait, has lost it."""
        busy = self._running or self._last_round
        over = self._drain.is_over() and not busy
        return self._drain.has_no_wait(self._driver, over=over)

    # -- one round ---------------------------------------------------------------------

    async def _go_on(self) -> Step:
        assert self._question is not None  # noqa: S101 - a round is under way
        if not self._running:
            await self._engine.start(self._question)
            self._running = True
            return Step()
        look = await self._engine.look()
        now = self._clock.now()
        records = self._sieve.take(
            Received(now, From.ATHENA, None, row) for row in look.rows
        )
        if not look.done:
            return Step(records, pause=look.pause, health=self._progress())
        return self._end_of_round(records, self._question)

    def _progress(self) -> SourceHealth | None:
        """Say how far a long query is, not too often."""
        now = self._clock.now()
        early = self._told_at is not None and now < self._told_at + _TOLD_EVERY
        if early or self._driver.health.message == self._engine.told():
            return None
        self._told_at = now
        return self._health(HealthState.LIVE)

    def _end_of_round(self, records: Batch, asked: Question) -> Step:
        self._running, self._question = False, None
        last, self._last_round = self._last_round, False
        # That time goes by is no news; that more is wanted than was asked for, is.
        done = last and replace(self._asking(), until=asked.until) == asked
        health = replace(
            self._health(HealthState.ENDED if done else HealthState.LIVE),
            complete_to=self._engine.reached(self._asked_at),
        )
        pause = 0.0 if last else self._every
        return Step(records, pause=pause, done=done, health=health)

    def _health(self, state: HealthState) -> SourceHealth:
        draining = state is HealthState.LIVE and self._subjects.stopped_at is not None
        return replace(
            self._driver.health,
            state=HealthState.DRAINING if draining else state,
            message=self._engine.told(ended=state is HealthState.ENDED),
            retry_in=None,
            until=self._drain.until,
        )
