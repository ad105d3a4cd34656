"""The calls around the executions, from a service that charges for each query.

Athena and Lake charge for the bytes that they scan. So while an execution runs they are
asked only every few minutes. Asking sooner would bring no more: a record takes minutes
to get into a trail's file.
"""

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Any, ClassVar

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.model.records import RecordKind, receive
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.texts import clean, size
from sfnwatch.model.values import text_of
from sfnwatch.sources.answers import AwsRequest, CallsAws, Failure
from sfnwatch.sources.call_source import CallSource
from sfnwatch.sources.polling import WatchContext
from sfnwatch.sources.rate_limits import Interval
from sfnwatch.sources.trail_sql import LATE_BY, Question, question_of

_QUERY_SECONDS = 300.0
"""Seconds between queries while an execution runs: each query costs money."""
_STOP_SECONDS = 5.0
"""Most seconds to stop a query when the watch ends."""
_SHORTEST_LOOK_SECONDS = 1.0
"""Seconds between checks of a running query, at first."""
_LONGEST_LOOK_SECONDS = 5.0
"""The same, at most."""
_FAILED_PAUSE_SECONDS = 180.0
"""Seconds before another query is tried: a failed one may have cost as much."""
_MOST_FAILED = 3
"""The number of failed queries in a row that is final once all is over."""
RESULTS_AT_ONCE = 1000
"""Most rows in an answer of either service's GetQueryResults."""
ROWS_NOTE = "the query's rows"
_NOTHING = "Nothing to ask for: no state of it makes a call that a trail could have."


class QueryState(Struct, frozen=True):
    """The state of a query, as its engine reports it."""

    word: str
    """`QUEUED`, `RUNNING` and `CANCELLED` are the same in both engines."""
    scanned: Any
    """The bytes scanned so far."""
    reason: Any
    """Why it has failed, in the engine's words."""
    advice: str = ""
    """What to do, if another query would fail as well; else empty."""


class SqlTrail(CallSource):
    """A source that queries a service; subclasses make its requests.

    A round is one query, read to its end.
    """

    engine: ClassVar[str]
    id_key: ClassVar[str]
    """The parameter that takes a query's id."""
    cancel: ClassVar[str]
    """The operation that stops a query."""

    def __init__(self, aws: CallsAws, context: WatchContext, source: str) -> None:
        super().__init__(aws, context, source)
        self._running = ""
        """The id of the running query; empty if none runs."""
        self._scanned: list[int] = []
        """The bytes that each query has scanned; the last one may still run."""
        self._asked_whole: Question | None = None
        """The last question that was answered for the whole time, without its end."""
        self._failed = 0
        """The number of failed queries in a row."""

    def start(self, question: Question) -> AwsRequest[Any]:
        """Return the request that starts a query; its answer has a `query_id`."""
        raise NotImplementedError

    async def look(self, query_id: str) -> QueryState:
        """Ask for a query's state, and return it."""
        raise NotImplementedError

    def results(self, query_id: str) -> AwsRequest[Any]:
        """Return the request for pages of rows; a page's `found()` returns its rows."""
        raise NotImplementedError

    async def read(self) -> str:
        self._asked_whole = None
        self._failed = 0
        words = await self.idle(self.targets.trail_queries, _NOTHING)
        if words is not None:
            return words
        while True:
            # A query that is made too early is made, and paid for, once more.
            await self.await_history()
            answered, now = await self.attempt(self._round)
            self.coverage = now - LATE_BY
            # End, unless more than the question's end has changed meanwhile.
            wanted = question_of(self.targets, self.clock.now())
            is_last = self.last_round
            self.last_round = False
            if is_last and replace(wanted, until=answered.until) == answered:
                return self._cost()
            self.say(self._cost())
            await self.rest(0.0 if is_last else _QUERY_SECONDS)

    async def _round(self) -> tuple[Question, datetime]:
        """Make one query, hand on its rows, and return the question and its time."""
        self.last_round = self.is_over()
        now = self.clock.now()
        whole = question_of(self.targets, now)
        asked = whole
        without_end = replace(whole, until=whole.since)
        if without_end == self._asked_whole:
            # Earlier runs have been queried, and paid for: ask only for the last one.
            begins = [span.first for span in self.targets.spans if span.first]
            asked = replace(whole, since=max([whole.since, *begins]))
        started = await self.ask(self.start(asked))
        query_id = self._running = started.value.query_id
        self._scanned.append(0)
        await self._wait_for(query_id)
        async for page in self.pages(self.results(query_id), next_key="NextToken"):
            received_at = self.clock.now()
            kind = RecordKind.ATHENA
            rows = page.value.found()
            self.select(receive(received_at, kind, None, row) for row in rows)
        self._failed = 0
        self._asked_whole = without_end
        return whole, now

    async def _wait_for(self, query_id: str) -> None:
        """Wait for a query's end, with growing pauses; raises Failure if it failed.

        The failure is final if another query would fail as well, or if somebody has
        cancelled this one. Else the next try is another query. Each costs money: once
        all is over, the last of a few failures in a row is final.
        """
        naps = Interval(_SHORTEST_LOOK_SECONDS, _LONGEST_LOOK_SECONDS)
        while True:
            state = await self.look(query_id)
            self._scanned[-1] = int(state.scanned or 0)
            if state.word not in {"QUEUED", "RUNNING"}:
                break
            self.say(self._cost())
            await self.rest(naps.after(news=False))
        self._running = ""
        if state.word in {"SUCCEEDED", "FINISHED"}:
            return
        self._failed += 1
        too_often = self._failed >= _MOST_FAILED and self.is_over()
        is_final = state.word == "CANCELLED" or bool(state.advice) or too_often
        message = f"{self.engine}'s query on {self.subject}: {state.word}."
        reason = clean(text_of(state.reason) or "", 400)
        if reason:
            message = f"{message} {reason}"
            if not reason.endswith((".", "!", "?")):
                message = f"{message}."
        health = HealthState.REFUSED if is_final else HealthState.RETRYING
        raise Failure(health, message + state.advice, at_least=_FAILED_PAUSE_SECONDS)

    def _cost(self) -> str:
        scanned = size(sum(self._scanned))
        count = len(self._scanned)
        queries = "1 query" if count == 1 else f"{count} queries"
        return f"{self.engine} scanned {scanned} in {queries}."

    def waits_in_vain(self) -> bool:
        """Wait on while a query runs, unless a permission is missing."""
        is_denied = self.health.state is HealthState.DENIED
        if self._running and not is_denied:
            return False
        return super().waits_in_vain()

    async def close(self) -> None:
        """Stop the running query, if that takes no longer than _STOP_SECONDS.

        It may be charged by the bytes that it scans.
        """
        if not self._running:
            return
        with suppress(Failure, TimeoutError):
            async with asyncio.timeout(_STOP_SECONDS):
                query = {self.id_key: self._running}
                note = "nobody waits for the query"
                await self.ask_once(self.request(self.cancel, dict, note, **query))
