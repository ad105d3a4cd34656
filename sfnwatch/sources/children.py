"""What the executions watched start: nested executions, and Map Runs with theirs.

A parent's history tells the ARN of each; from then on it is followed like any other, at
the pace of CHILDREN_RATES and only so deep and so many as was asked for. No Map Run
is looked for by ListMapRuns: the history has named it before.

A Map Run's executions may be ten thousand, and lists come 1000 at once: so counts are
asked for again and again, and a list only where the counts say that there is something
new in it. What went wrong comes first. When it has ended everything is listed once.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Raw, Struct

from sfnwatch.model.arns import maybe_execution_arn
from sfnwatch.model.children import (
    RUNNING_LISTED,
    ExecutionCounts,
    MapRun,
    MapRunChild,
    decode_children,
    decode_map_run,
)
from sfnwatch.model.records import RecordKind
from sfnwatch.sources.answers import CallsAws, Failure, ListPage, Text
from sfnwatch.sources.history import History
from sfnwatch.sources.polling import Feed, Interval, PollingSource, Rates, WatchContext
from sfnwatch.sources.targets import ChildOptions, Target

CHILDREN_RATES: Rates = {
    "states:DescribeExecution": (2.0, 20.0),
    "states:DescribeStateMachineForExecution": (0.5, 20.0),
    "states:DescribeMapRun": (0.5, 10.0),
    "states:ListExecutions": (1.0, 20.0),
    "states:GetExecutionHistory": (4.0, 40.0),
}
"""What all children share, and what asks who else ran. Some quotas refill one a second
for the whole account and Region, shared with everybody: the account's own are 10, 1, 1,
2 and 20 a second at least, after 250, 200, 200, 100 and 400."""
_MOST_FOLLOWED = 500
"""Executions followed at most: each keeps its history in memory, and asks."""
_PAGE = 1000
"""The most that ListExecutions gives at once."""
_MOST_PAGES = 20
"""Pages of one list at most: 20,000 executions."""
_LEAST, _SLOWEST = 5.0, 30.0
"""Seconds between counts while they change, and at most: DescribeMapRun refills one
request a second for the whole account."""
_UNSUCCESSFUL: Mapping[str, Callable[[ExecutionCounts], int]] = {
    "FAILED": lambda counts: counts.failed,
    "TIMED_OUT": lambda counts: counts.timed_out,
    "ABORTED": lambda counts: counts.aborted,
}
"""The lists of what went wrong, with how many are in each."""


class _MapRunAnswer(Struct, rename="camel"):
    """What DescribeMapRun must tell."""

    map_run_arn: Text


class _ChildrenPage(ListPage):
    executions: list[Raw]


class MapRunSource(PollingSource):
    """A source: follows a Map Run until it has ended and its executions are listed."""

    def __init__(
        self,
        aws: CallsAws,
        context: WatchContext,
        parent: Target,
        map_run_arn: str,
        on_listed: Callable[[Iterable[MapRunChild]], None],
    ) -> None:
        super().__init__(aws, context, "children", "map-run", parent.arn.arn)
        self.subject, self.region = map_run_arn, parent.arn.region
        self.always = {"mapRunArn": map_run_arn}
        self._on_listed = on_listed
        self._counts = ExecutionCounts()
        """As of the last lists."""

    def judge(self, failure: Failure) -> None:
        if self.targets.roots_finished or self.bounded:
            self.give_up(failure)

    async def read(self) -> str:
        interval, listed_all = Interval(_LEAST, _SLOWEST), False
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
                # Counts and lists need not be of one moment: list all, and count again.
                await self._list(None)
                self._counts, listed_all = run.executions, True

    async def _describe(self) -> MapRun:
        name = "states:DescribeMapRun"
        answer = await self.ask(self.request(name, _MapRunAnswer, "how far it is"))
        received = self.received(RecordKind.MAP_RUN, answer.body)
        self.hand_on(received)
        return decode_map_run(received)

    async def _list_news(self, counts: ExecutionCounts) -> bool:
        """Ask for the lists that have something new in them, failures first."""
        if counts == self._counts:
            return False
        found = [
            status
            for status, count in _UNSUCCESSFUL.items()
            if count(counts) > count(self._counts)
        ]
        for status in [*found, "RUNNING"] if counts.running else found:
            await self._list(status)
        return bool(found or counts.running)

    async def _list(self, status: str | None) -> None:
        """Ask for the executions of a status, or for all; but few that run."""
        asked: dict[str, Any] = {"statusFilter": status} if status else {}
        few = status == "RUNNING"
        asked["maxResults"] = RUNNING_LISTED if few else _PAGE
        name, note = "states:ListExecutions", f"{(status or 'all').lower()} executions"
        request = self.request(name, _ChildrenPage, note, **asked)
        async for page in self.pages(request, most=1 if few else _MOST_PAGES):
            received = self.received(RecordKind.CHILDREN, page.body)
            self._on_listed(decode_children(received))
            self.hand_on(received)


class _FollowedMapRun(Struct):
    """A Map Run that is followed."""

    level: int
    """Of its executions."""
    left: dict[bool, int]
    """How many more of those that failed, and of the others, are read."""


class Children:
    """Has followed what targets start."""

    def __init__(
        self, aws: CallsAws, context: WatchContext, options: ChildOptions, feed: Feed
    ) -> None:
        """Make it; what is followed joins the feed, and asks at CHILDREN_RATES."""
        self._aws, self._context = aws, context
        self._options, self._feed = options, feed
        self._followed = {root.arn.arn for root in context.targets.roots}
        self._map_runs: dict[str, _FollowedMapRun] = {}
        self._listed: dict[str, MapRunChild] = {}
        context.targets.on_started = self._started

    def follow(self, execution_arn: str) -> bool:
        """Read an execution of a Map Run in full; True if it is, or will be."""
        if execution_arn in self._followed:
            return True
        child = self._listed.get(execution_arn)
        run = self._map_runs.get(child.map_run_arn) if child else None
        if run is None:
            return False
        return self._follow(execution_arn, run.level, listed=True)

    def _started(self, parent: Target, arn: str) -> None:
        if parent.level >= self._options.depth:
            return
        if ":mapRun:" not in arn:
            self._follow(arn, parent.level + 1)
        elif arn not in self._map_runs:
            most = self._options.children
            self._map_runs[arn] = _FollowedMapRun(
                parent.level + 1, {True: most, False: most}
            )
            source = MapRunSource(self._aws, self._context, parent, arn, self._choose)
            self._feed.join(source)

    def _follow(self, arn: str, level: int, *, listed: bool = False) -> bool:
        parsed = maybe_execution_arn(arn)
        if parsed is None or parsed.is_express or arn in self._followed:
            # AWS keeps no history of Express executions: their log may not be read.
            return arn in self._followed
        if len(self._followed) >= _MOST_FOLLOWED or self._feed.over:
            return False
        self._followed.add(arn)
        target = self._context.targets.add(parsed, level)
        self._feed.join(History(self._aws, self._context, target, listed=listed))
        return True

    def _choose(self, children: Iterable[MapRunChild]) -> None:
        """Follow the first few of what was listed: so many that failed, so many not."""
        for child in sorted(children, key=lambda child: child.failed_first):
            arn = child.listed.arn
            self._listed[arn] = child
            run = self._map_runs.get(child.map_run_arn)
            if run is None or not run.left[child.listed.failed]:
                continue
            if arn not in self._followed:
                run.left[child.listed.failed] -= 1
                self._follow(arn, run.level, listed=True)
