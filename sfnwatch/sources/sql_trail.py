"""The calls around the executions, from a service that is paid for each query.

What Athena and Lake charge for is what they scan. So while an execution runs they are
asked every few minutes at most, and a trail's files, of which a record takes minutes to
get into one, have no more to tell sooner.
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

_EVERY = 300.0
"""Seconds between queries while an execution runs: each is paid for."""
_STOPPING = 5.0
"""Seconds that stopping a query may take when the watch ends."""
_SHORTEST_LOOK_SECONDS = 1.0
"""Seconds between looks at a query that runs, at first."""
_LONGEST_LOOK_SECONDS = 5.0
"""The same at most."""
_FAILED_PAUSE = 180.0
"""Seconds before another query is tried: whatever failed may have cost as much."""
_QUERIES = 3
"""Queries that may fail in a row, once all is over."""
RESULTS_AT_ONCE = 1000
"""The most rows that either GetQueryResults gives."""
ROWS_NOTE = "the query's rows"
_NOTHING = "Nothing to ask for: no state of it makes a call that a trail could have."


class QueryState(Struct, frozen=True):
    """How a query does, as its engine tells it."""

    word: str
    """`QUEUED`, `RUNNING` and `CANCELLED` are the same for both."""
    scanned: Any
    """Bytes, so far."""
    said: Any
    """Why it has failed."""
    advice: str = ""
    """What to do where another query would fail as well."""


class SqlTrail(CallSource):
    """A source that puts the question to a service; heirs say how.

    A round is one query, read to its end.
    """

    engine: ClassVar[str]
    id_key: ClassVar[str]
    """By which parameter it is told which query."""
    cancel: ClassVar[str]
    """The operation that stops a query."""

    def __init__(self, aws: CallsAws, context: WatchContext, source: str) -> None:
        super().__init__(aws, context, source)
        self._running = ""
        """The id of the query under way, until it has run."""
        self._scanned: list[int] = []
        """Bytes that each query has scanned, the last perhaps not to its end."""
        self._asked_whole: Question | None = None
        """What was last answered of all times, but for the end of them."""
        self._failed = 0
        """How many in a row have failed."""

    def start(self, question: Question) -> AwsRequest[Any]:
        """Ask for a query to be started: the answer's shape has its `query_id`."""
        raise NotImplementedError

    async def look(self, query_id: str) -> QueryState:
        """Ask how a query does."""
        raise NotImplementedError

    def results(self, query_id: str) -> AwsRequest[Any]:
        """Ask for pages of rows: their shape says what was `found`."""
        raise NotImplementedError

    async def read(self) -> str:
        self._asked_whole = None
        self._failed = 0
        words = await self.idle(self.targets.trail_queries, _NOTHING)
        if words is not None:
            return words
        while True:
            # What is asked too early is asked, and paid for, once more.
            await self.await_history()
            asked, now = await self.attempt(self._round)
            self.coverage = now - LATE_BY
            # That time goes by is no news; that more is wanted than was asked for, is.
            wanted = question_of(self.targets, self.clock.now())
            last = self.last_round
            self.last_round = False
            if last and replace(wanted, until=asked.until) == asked:
                return self._cost()
            self.say(self._cost())
            await self.rest(0.0 if last else _EVERY)

    async def _round(self) -> tuple[Question, datetime]:
        """Put one query, and hand on what it finds; gives what was asked, and when."""
        self.last_round = self.is_over()
        now = self.clock.now()
        asked = put = question_of(self.targets, now)
        whole = replace(asked, until=asked.since)
        if whole == self._asked_whole:
            # No more of what ran before: all of that is paid for once.
            firsts = [span.first for span in self.targets.spans if span.first]
            put = replace(asked, since=max([asked.since, *firsts]))
        started = await self.ask(self.start(put))
        query_id = self._running = started.value.query_id
        self._scanned.append(0)
        await self._wait_for(query_id)
        async for page in self.pages(self.results(query_id), next_key="NextToken"):
            came = self.clock.now()
            rows = page.value.found()
            self.select(receive(came, RecordKind.ATHENA, None, row) for row in rows)
        self._failed = 0
        self._asked_whole = whole
        return asked, now

    async def _wait_for(self, query_id: str) -> None:
        """Wait ever longer while it runs; raises Failure where it came to nothing.

        The next try is another query, but where that would fail as well, or somebody
        has cancelled it. Each is paid for: after the end there are only so many in a
        row.
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
        too_often = self._failed >= _QUERIES and self.is_over()
        final = state.word == "CANCELLED" or bool(state.advice) or too_often
        words = f"{self.engine}'s query on {self.subject}: {state.word}."
        if text := clean(text_of(state.said) or "", 400):
            words += f" {text if text.endswith(('.', '!', '?')) else f'{text}.'}"
        health = HealthState.REFUSED if final else HealthState.RETRYING
        raise Failure(health, words + state.advice, at_least=_FAILED_PAUSE)

    def _cost(self) -> str:
        count = len(self._scanned)
        word = "query" if count == 1 else "queries"
        return f"{self.engine} scanned {size(sum(self._scanned))} in {count} {word}."

    def waits_in_vain(self) -> bool:
        """Let a query that runs be awaited."""
        denied = self.health.state is HealthState.DENIED
        return (denied or not self._running) and super().waits_in_vain()

    async def close(self) -> None:
        """Stop the query, if that can be done soon: it may be paid for by its size."""
        if not self._running:
            return
        with suppress(Failure, TimeoutError):
            async with asyncio.timeout(_STOPPING):
                asked = {self.id_key: self._running}
                note = "nobody waits for the query"
                await self.ask_once(self.request(self.cancel, dict, note, **asked))
