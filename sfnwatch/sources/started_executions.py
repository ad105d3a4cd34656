"""Map Runs and nested executions that executions start, followed like any other.

A history has the ARN of each execution and Map Run that its execution starts. From then
on they are followed, at the pace of RATES, up to the depth and number of the options.
ListMapRuns is not needed: the history names a Map Run earlier. A Map Run may have ten
thousand executions, and a page lists 1000. So its counts are asked for again and again,
and a list only if the counts show that it has something new. Failures come first. When
the Map Run has ended, all its executions are listed once.
"""

from collections.abc import Iterable

from msgspec import Struct

from sfnwatch.model.arns import maybe_execution_arn
from sfnwatch.model.execution_list import UNSUCCESSFUL
from sfnwatch.model.map_runs import (
    RUNNING_LISTED,
    ExecutionCounts,
    MapRun,
    MapRunChild,
    decode_children,
    decode_map_run,
)
from sfnwatch.model.records import RecordKind
from sfnwatch.sources.answers import CallsAws, ExecutionsPage, Failure, Text
from sfnwatch.sources.history import History, Join
from sfnwatch.sources.polling import PollingSource, WatchContext
from sfnwatch.sources.rate_limits import Interval
from sfnwatch.sources.targets import Target

_PAGE = 1000
"""Most executions in a page of ListExecutions; a page may have fewer."""
_MOST_FOLLOWED = 500
"""Most executions that are followed: each keeps its history in memory, and asks."""
_MOST_PAGES = 20
"""Most pages of one list: 20,000 executions."""
_SHORTEST_COUNT_SECONDS = 5.0
"""Seconds between counts while they change. DescribeMapRun refills one request a second
for the whole account."""
_LONGEST_COUNT_SECONDS = 30.0


class _MapRunAnswer(Struct, rename="camel"):
    """The part of DescribeMapRun's answer that must be there."""

    map_run_arn: Text


class MapRunSource(PollingSource):
    """A source: follows a Map Run until it has ended and its executions are listed."""

    def __init__(self, children: "Children", parent: Target, map_run_arn: str) -> None:
        aws = children.aws
        context = children.context
        super().__init__(aws, context, "children", "map-run", parent.arn.arn)
        self.subject = map_run_arn
        self.region = parent.arn.region
        self.always = {"mapRunArn": map_run_arn}
        self._children = children
        self.level = parent.level + 1
        self._counts = ExecutionCounts()
        """The counts at the time of the last lists."""
        self.listed: set[str] = set()
        """The ARNs of its executions that were listed so far."""
        limit = context.options.children.children
        self._left = {True: limit, False: limit}
        """The number of failed executions (True), and of others, still to be read."""

    def judge(self, failure: Failure) -> None:
        if self.targets.roots_finished or self.bounded:
            self.give_up(failure)

    async def read(self) -> str:
        interval = Interval(_SHORTEST_COUNT_SECONDS, _LONGEST_COUNT_SECONDS)
        listed_all = False
        while True:
            run = await self._describe()
            if run.running:
                listed_all = False  # it may have been redriven
                news = await self._list_news(run.executions)
                self._counts = run.executions
                await self.rest(interval.after(news=news))
            elif listed_all:
                return ""
            else:
                # Counts and lists may be of different times: list all, and count again.
                await self._list(None)
                self._counts = run.executions
                listed_all = True

    async def _describe(self) -> MapRun:
        name = "states:DescribeMapRun"
        answer = await self.ask(self.request(name, _MapRunAnswer, "how far it is"))
        received = self.received(RecordKind.MAP_RUN, answer.body)
        self.hand_on(received)
        return decode_map_run(received)

    async def _list_news(self, counts: ExecutionCounts) -> bool:
        """Read the lists that have something new, failures first; True if any has."""
        if counts == self._counts:
            return False
        statuses: list[str] = []
        for status in UNSUCCESSFUL:
            field = status.lower()
            if getattr(counts, field) > getattr(self._counts, field):
                statuses.append(status)
        if counts.running:
            statuses.append("RUNNING")
        for status in statuses:
            await self._list(status)
        return bool(statuses)

    async def _list(self, status: str | None) -> None:
        """List the executions of a status, or all; of the running ones only a few."""
        pages = _MOST_PAGES
        size = _PAGE
        if status == "RUNNING":
            pages = 1
            size = RUNNING_LISTED
        request = self.request(
            "states:ListExecutions",
            ExecutionsPage,
            f"{(status or 'all').lower()} executions",
            statusFilter=status,
            maxResults=size,
        )
        async for page in self.pages(request, most=pages, is_dense=True):
            received = self.received(RecordKind.CHILDREN, page.body)
            self._choose(decode_children(received))
            self.hand_on(received)
        if self.unfinished:
            self.say(self.unfinished)

    def _choose(self, children: Iterable[MapRunChild]) -> None:
        """Follow listed executions: a limited number of failed ones, and of others."""
        for child in sorted(children, key=lambda child: child.failed_first):
            arn = child.listed.arn
            failed = child.listed.failed
            self.listed.add(arn)
            if self._left[failed] and arn not in self._children.followed:
                self._left[failed] -= 1
                self._children.follow(arn, self.level)


class Children:
    """Adds sources for the executions and Map Runs that targets start."""

    def __init__(self, aws: CallsAws, context: WatchContext, join: Join) -> None:
        self.aws = aws
        self.context = context
        self._join = join
        self._over = False
        self.followed = {root.arn.arn for root in context.targets.roots}
        self._map_runs: dict[str, MapRunSource] = {}
        context.targets.on_started = self._started

    def close(self) -> None:
        """Follow no more executions: every source has ended."""
        self._over = True

    def _started(self, parent: Target, arn: str) -> None:
        if parent.level >= self.context.options.children.depth:
            return
        if ":mapRun:" not in arn:
            self.follow(arn, parent.level + 1)
        elif arn not in self._map_runs and not self._over:
            self._map_runs[arn] = MapRunSource(self, parent, arn)
            self._join(self._map_runs[arn])

    def follow_listed(self, arn: str) -> bool:
        """Read an execution of a Map Run in full; True if it is followed now."""
        for map_run in self._map_runs.values():
            if arn in map_run.listed:
                return self.follow(arn, map_run.level)
        return arn in self.followed

    def follow(self, arn: str, level: int) -> bool:
        """Follow an execution at a level; True if it is followed now."""
        parsed = maybe_execution_arn(arn)
        if parsed is None or parsed.is_express or arn in self.followed:
            # AWS keeps no history of Express executions, and permission to read their
            # log may be missing.
            return arn in self.followed
        if len(self.followed) >= _MOST_FOLLOWED or self._over:
            return False
        self.followed.add(arn)
        target = self.context.targets.add(parsed, level)
        self._join(History(self.aws, self.context, target, self._join))
        return True
