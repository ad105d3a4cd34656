"""A live watch: a history source for each execution, and what brings their calls.

LookupEvents is asked unless it is not wanted; every other source of calls is for an
option, and imported for it. What comes from several sources is one call: it has one
event id.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import datetime

from msgspec.structs import replace

from sfnwatch.clock import Clock
from sfnwatch.model.arns import ExecutionArn, parse_log_group
from sfnwatch.sources.answers import CallsAws
from sfnwatch.sources.aws_client import AwsClient
from sfnwatch.sources.children import CHILDREN_RATES, Children
from sfnwatch.sources.express import Express
from sfnwatch.sources.history import History
from sfnwatch.sources.log_group import LOG_RATES, LiveTail, LogGroup
from sfnwatch.sources.lookup import Lookup
from sfnwatch.sources.permissions import Feature
from sfnwatch.sources.polling import (
    DRAIN,
    CallSource,
    Feed,
    RateLimitedAws,
    RestartedSource,
    Source,
    TakesBatches,
    WatchContext,
)
from sfnwatch.sources.profiles import AwsSettings, check_profile
from sfnwatch.sources.strangers import OtherExecutions
from sfnwatch.sources.targets import (
    CallOptions,
    ChildOptions,
    Relevance,
    Target,
    Targets,
    features_of,
)

_Make = Callable[[], CallSource]


class _Calls:
    """A source: those of calls; after them nobody waits to know who else made some."""

    def __init__(self, sources: Sequence[Source], others: OtherExecutions) -> None:
        self._sources, self._others = sources, others

    async def run(self, consume: TakesBatches) -> None:
        """Hand over calls, from all sources at once, until each has ended."""
        await Feed(consume).run(self._sources)
        self._others.end_drain()


class Live:
    """Watches executions until each has ended and its late records are in."""

    def __init__(
        self,
        arns: Sequence[ExecutionArn],
        settings: AwsSettings,
        clock: Clock,
        *,
        drain: float = DRAIN,
        tries: int | None = None,
        heed: Callable[[datetime], None] | None = None,
        calls: CallOptions | None = None,
        children: ChildOptions | None = None,
        follow_redrive: bool = False,
        client: type[AwsClient] = AwsClient,
    ) -> None:
        """Make a watch; see `WatchContext` for `drain` and `tries`.

        `heed` is told AWS's time by each answer. Without `children` nothing is
        followed of what the executions start.
        """
        self._settings, self._heed, self._new_client = settings, heed, client
        self._calls = calls or CallOptions()
        self._child_options = children or ChildOptions(depth=0)
        self._follow_redrive = follow_redrive
        self.features: Sequence[Feature] = features_of(
            arns, self._calls, self._child_options
        )
        """What this watch must be allowed, beyond every watch's."""
        self._context = WatchContext(Targets(arns), clock, drain, tries)
        self._call_sources: list[CallSource | RestartedSource] = []
        self._strangers: OtherExecutions | None = None
        self._children: Children | None = None

    def end_drain(self) -> None:
        """Stop waiting for late records."""
        for source in self._call_sources:
            source.end_drain()
        if self._strangers is not None:
            self._strangers.end_drain()

    def follow(self, execution_arn: str) -> bool:
        """Read an execution of a Map Run in full; False if it can't be, or not yet."""
        return self._children is not None and self._children.follow(execution_arn)

    async def watch(self, consume: TakesBatches) -> None:
        """Run to the end; raises RefusedError for a profile that is not there.

        However it ends, each request that was sent has been told by then.
        """
        own = {"access_key_id": None, "secret_access_key": None}
        profiles = self._calls.profiles
        others = [replace(self._settings, profile=each, **own) for each in profiles]
        for settings in (self._settings, *others):
            check_profile(settings)
        async with AsyncExitStack() as stack:
            enter = stack.enter_async_context
            aws = await enter(self._client(self._settings))
            elsewhere = [await enter(self._new_client(each)) for each in others]
            # CloudWatch Logs is asked slowly, whatever for.
            logs = RateLimitedAws(aws, self._context.clock, LOG_RATES)
            makers = [*self._lookups(aws, elsewhere), *self._others(aws, logs)]
            if self._calls.queue is not None:
                makers.append(await self._queue(self._calls.queue, stack))
            # Followed, they begin anew after a redrive.
            self._call_sources = [
                RestartedSource(make, self._context) if self._follow_redrive else make()
                for make in makers
            ]
            feed, context = Feed(consume), self._context
            slow = RateLimitedAws(aws, context.clock, CHILDREN_RATES)
            self._children = Children(slow, context, self._child_options, feed)
            roots = context.targets.roots
            histories = [self._history(aws, logs, target) for target in roots]
            sources: list[Source] = histories
            if self._call_sources:
                # Whose calls they are: without any nobody asks.
                self._strangers = OtherExecutions(slow, context)
                calls = _Calls(self._call_sources, self._strangers)
                sources = [*histories, calls, self._strangers]
            try:
                await feed.run(sources)
            finally:
                if untold := self._context.untold():
                    consume(untold)

    def _client(self, settings: AwsSettings) -> AwsClient:
        return self._new_client(settings, self._heed, self.features)

    def _history(self, aws: CallsAws, logs: CallsAws, target: Target) -> Source:
        """Make the source of an execution's history: AWS keeps none of Express ones."""
        if not target.arn.is_express:
            follow = self._follow_redrive
            return History(aws, self._context, target, follow_redrive=follow)
        name, look_back = self._calls.express_log_group, self._calls.look_back
        group = parse_log_group(name) if name else None
        return Express(logs, self._context, target, group=group, look_back=look_back)

    # -- sources of calls ----------------------------------------------------------

    def _lookups(
        self, aws: AwsClient, elsewhere: Sequence[AwsClient]
    ) -> Iterator[_Make]:
        """Ask LookupEvents here, and in other accounts."""

        def asking(aws: AwsClient, source: str) -> _Make:
            return lambda: Lookup(aws, self._context, source=source)

        if self._calls.lookup:
            yield asking(aws, "")
        for number, other in enumerate(elsewhere, 1):
            yield asking(other, f"account-{number}")

    def _others(self, aws: AwsClient, logs: CallsAws) -> Iterator[_Make]:
        """Ask what an option names; what few use is imported for it."""
        options, context = self._calls, self._context
        if options.log_group is not None:
            group = parse_log_group(options.log_group)
            # One for both: what one hands on, the other does not.
            relevance = Relevance(context.targets)
            yield lambda: LogGroup(logs, context, group, relevance)
            if options.live_tail:
                yield lambda: LiveTail(aws, context, group, relevance)
        if (place := options.archive) is not None:
            yield self._archive(aws, place)
        if options.athena is not None:
            from sfnwatch.sources.sql_trail import AthenaTrail  # noqa: PLC0415

            yield lambda: AthenaTrail(aws, context, options)
        if (store := options.lake) is not None:
            from sfnwatch.sources.sql_trail import LakeTrail  # noqa: PLC0415

            yield lambda: LakeTrail(aws, context, store)

    def _archive(self, aws: AwsClient, place: str) -> _Make:
        if self._calls.sql:
            from sfnwatch.sources.sql_trail import DuckTrail  # noqa: PLC0415

            return lambda: DuckTrail(self._context, place)
        from sfnwatch.sources.archive import Archive  # noqa: PLC0415

        return lambda: Archive(aws, self._context, place)

    async def _queue(self, url: str, stack: AsyncExitStack) -> _Make:
        """Ask the queue where its URL says it is."""
        from sfnwatch.sources.queue import Queue, queue_settings  # noqa: PLC0415

        near = self._client(queue_settings(self._settings, url))
        aws = await stack.enter_async_context(near)
        consume = self._calls.consume
        return lambda: Queue(aws, self._context, url, consume=consume)
