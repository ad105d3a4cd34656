"""A Map Run: its counts, and which executions it ran, from DescribeMapRun and lists.

Its executions may be ten thousand, and lists come 1000 at once: so counts are asked for
again and again, and a list only where the counts say that there is something new in it.
What went wrong comes first. When it is over everything is listed once.
"""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from sfnwatch.clock import Clock
from sfnwatch.sources.drive import Driver, Failure, Patience, Step, give_up
from sfnwatch.sources.ledger import Ledger
from sfnwatch.sources.paced import Asks
from sfnwatch.sources.pacing import Interval
from sfnwatch.sources.trouble import StalePageError
from sfnwatch.trace.events import Batch, From, HealthState, Received, SourceHealth
from sfnwatch.trace.map_runs import (
    RUNNING_LISTED,
    Counts,
    ListedChild,
    decode_children,
    decode_map_run,
)
from sfnwatch.trace.values import replace

_PAGE = 1000
"""The most that ListExecutions gives at once."""
_MOST = 20
"""Pages of one list at most: 20,000 executions."""
_LEAST, _SLOWEST = 5.0, 30.0
"""Seconds between counts while they change, and at most: DescribeMapRun refills one
request a second for the whole account."""
_STATUSES: Mapping[str, Callable[[Counts], int]] = {
    "FAILED": lambda counts: counts.failed,
    "TIMED_OUT": lambda counts: counts.timed_out,
    "ABORTED": lambda counts: counts.aborted,
}
"""The lists of what went wrong, with how many are in each."""


class List(Struct, frozen=True):
    """A list to be asked for, page by page."""

    status: str | None
    """None: all of them."""
    token: str | None = None
    page: int = 1
    size: int = _PAGE

    @property
    def note(self) -> str:
        """Say what it is for, in the call log's words."""
        what = f"{self.status.lower()} executions" if self.status else "all executions"
        return f"{what}, page {self.page}" if self.page > 1 else what


class MapRunSource:
    """A source: follows one Map Run until it is over and its executions are listed."""

    def __init__(
        self,
        aws: Asks,
        clock: Clock,
        map_run_arn: str,
        *,
        execution_arn: str,
        region: str,
        listed: Callable[[Sequence[ListedChild]], None],
        wanted: Callable[[], bool],
        patience: Patience | None = None,
    ) -> None:
        self._aws, self._clock, self._arn = aws, clock, map_run_arn
        self._execution_arn, self._region = execution_arn, region
        self._listed, self._wanted = listed, wanted
        ledger = Ledger(clock, execution_arn)
        self._driver = Driver(
            "children", clock, patience=patience, ledger=ledger, source="map-run"
        )
        self._interval = Interval(_LEAST, _SLOWEST)
        self._next: Callable[[], Awaitable[Step]] = self._describe
        self._counts: Counts | None = None
        """As of the last lists."""
        self._lists: deque[List] = deque()
        self._over = False

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield counts, lists, and every change of health."""
        async for batch in self._driver.run(self._step):
            yield batch

    async def _step(self) -> Step:
        try:
            return await self._next()
        except StalePageError:
            # A token lives 24 hours: begin that list again.
            first = self._lists.popleft()
            self._lists.appendleft(replace(first, token=None, page=1))
            return Step()
        except Failure as failure:
            if not self._wanted() or self._driver.bounded:
                give_up(failure, self._driver)
            raise

    async def _ask(self, operation: str, note: str, **kwargs: Any) -> dict[str, Any]:
        with self._driver.ledger.asking(note) as asked:
            answer = dict(
                await self._aws.call(
                    f"states:{operation}",
                    self._arn,
                    self._region,
                    mapRunArn=self._arn,
                    **kwargs,
                )
            )
            if "executions" in answer:
                asked.brought(len(answer["executions"]))
        answer.pop("ResponseMetadata", None)
        return answer

    def _received(self, source: From, data: Mapping[str, Any]) -> Received:
        return Received(self._clock.now(), source, self._execution_arn, data)

    async def _describe(self) -> Step:
        answer = await self._ask("DescribeMapRun", "how far it is")
        received = self._received(From.MAP_RUN, answer)
        run = decode_map_run(received)
        if not run.going_on:
            if self._over:
                return Step((received,), done=True, health=self._ends())
            # Counts and lists need not be of one moment: list all, and count again.
            self._over = True
            self._lists.append(List(None))
        elif run.executions != self._counts:
            self._lists.extend(self._news(run.executions))
        news = bool(self._lists)
        self._counts = run.executions
        if not news:
            return Step((received,), pause=self._interval.after(news=False))
        self._next = self._list
        return Step((received,))

    def _news(self, counts: Counts) -> list[List]:
        """Say which lists have something new in them, failures first."""
        before = self._counts or Counts()
        found = [
            List(status)
            for status, count in _STATUSES.items()
            if count(counts) > count(before)
        ]
        if counts.running:
            found.append(List("RUNNING", size=RUNNING_LISTED))
        return found

    async def _list(self) -> Step:
        asked = self._lists[0]
        named = {"statusFilter": asked.status, "nextToken": asked.token}
        answer = await self._ask(
            "ListExecutions",
            asked.note,
            maxResults=asked.size,
            **{key: value for key, value in named.items() if value},
        )
        token = answer.pop("nextToken", None)
        received = self._received(From.CHILDREN, answer)
        self._listed(tuple(decode_children(received)))
        self._lists.popleft()
        if token and asked.size == _PAGE and asked.page < _MOST:
            self._lists.appendleft(replace(asked, token=token, page=asked.page + 1))
        if self._lists:
            return Step((received,))
        self._next = self._describe
        pause = 0.0 if self._over else self._interval.after(news=True)
        return Step((received,), pause=pause)

    def _ends(self) -> SourceHealth:
        return replace(
            self._driver.health, state=HealthState.ENDED, message="", retry_in=None
        )
