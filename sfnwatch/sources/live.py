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
        self.features: Sequence[Feature] = features_of(
            arns, self._calls, self._child_options
        )
        """What this watch must be allowed, beyond every watch's."""
        targets = Targets(arns)
        self._context = WatchContext(targets, clock, drain, tries, follow_redrive)
        self._call_sources: list[CallSource] = []
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
        """Run to the end; raises RefusedError for a profile that is not there."""
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
            self._call_sources = [*self._sources_of_calls(aws, elsewhere, logs)]
            if (url := self._calls.queue) is not None:
                from sfnwatch.sources import queue  # noqa: PLC0415

                # It is asked where its URL says it is.
                there = queue.queue_settings(self._settings, url)
                near = await enter(self._client(there))
                source = queue.Queue(near, self._context, self._calls)
                self._call_sources.append(source)
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
            await feed.run(sources)

    def _client(self, settings: AwsSettings) -> AwsClient:
        return self._new_client(settings, self._heed, self.features)

    def _history(self, aws: CallsAws, logs: CallsAws, target: Target) -> Source:
        """Make the source of an execution's history: AWS keeps none of Express ones."""
        if target.arn.is_express:
            return Express(logs, self._context, target, self._calls)
        return History(aws, self._context, target)

    def _sources_of_calls(
        self, aws: AwsClient, elsewhere: Sequence[AwsClient], logs: CallsAws
    ) -> Iterator[CallSource]:
        """Make all but a queue; what few use is imported for it."""
        options, context = self._calls, self._context
        if options.lookup:
            yield Lookup(aws, context)
        for number, other in enumerate(elsewhere, 1):
            yield Lookup(other, context, source=f"account-{number}")
        if options.log_group is not None:
            group = parse_log_group(options.log_group)
            # One for both: what one hands on, the other does not.
            relevance = Relevance(context.targets)
            yield LogGroup(logs, context, group, relevance)
            if options.live_tail:
                yield LiveTail(aws, context, group, relevance)
        if options.archive is not None and options.sql:
            from sfnwatch.sources.sql_trail import DuckTrail  # noqa: PLC0415

            yield DuckTrail(context, options.archive)
        elif options.archive is not None:
            from sfnwatch.sources.archive import Archive  # noqa: PLC0415

            yield Archive(aws, context, options.archive)
        if options.athena is not None:
            from sfnwatch.sources.sql_trail import AthenaTrail  # noqa: PLC0415

            yield AthenaTrail(aws, context, options)
        if options.lake is not None:
            from sfnwatch.sources.sql_trail import LakeTrail  # noqa: PLC0415

            yield LakeTrail(aws, context, options.lake)
