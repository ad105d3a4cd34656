"""A live watch: a history source for each execution, and the sources of their calls.

LookupEvents is asked unless an option turns it off. Every other source of calls belongs
to an option and is imported only with it. A call that several sources return is one
call: it has one event id.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import datetime

from msgspec.structs import replace

from sfnwatch.clock import Clock
from sfnwatch.model.arns import ExecutionArn
from sfnwatch.sources.answers import CallsAws
from sfnwatch.sources.aws_client import AwsClient
from sfnwatch.sources.aws_settings import AwsSettings, check_profile
from sfnwatch.sources.call_source import CallSource
from sfnwatch.sources.express import Express
from sfnwatch.sources.history import History
from sfnwatch.sources.live_options import LiveOptions, features_of
from sfnwatch.sources.log_group import LiveTail, LogGroup
from sfnwatch.sources.lookup import Lookup
from sfnwatch.sources.other_executions import OtherExecutions
from sfnwatch.sources.polling import PollingSource, TakesBatches, WatchContext
from sfnwatch.sources.rate_limits import RateLimitedAws
from sfnwatch.sources.started_executions import Children
from sfnwatch.sources.targets import Targets


class Live:
    """Watches executions until each has ended and its late records are in."""

    def __init__(
        self,
        arns: Sequence[ExecutionArn],
        settings: AwsSettings,
        clock: Clock,
        options: LiveOptions,
        *,
        heed: Callable[[datetime], None] | None = None,
        client: type[AwsClient] = AwsClient,
    ) -> None:
        """Make a watch; `heed` gets AWS's time from each answer."""
        self._settings = settings
        self._heed = heed
        self._new_client = client
        self._context = WatchContext(Targets(arns), clock, options)
        self.features = features_of(arns, options)
        """The permissions that this watch needs, beyond those of every watch."""
        self._drained: list[CallSource | OtherExecutions] = []
        self._children: Children | None = None

    def end_drain(self) -> None:
        """Stop waiting for late records."""
        for source in self._drained:
            source.end_drain()

    def follow(self, execution_arn: str) -> bool:
        """Read an execution of a Map Run in full; False if it is not.

        It is not if it is not listed yet, if it is an Express execution, or if too many
        are followed already.
        """
        children = self._children
        return children is not None and children.follow_listed(execution_arn)

    async def watch(self, consume: TakesBatches) -> None:
        """Run to the end; raises RefusedError for a profile that does not exist."""
        context = self._context
        options = self._context.options.calls
        keyless = replace(self._settings, access_key_id=None, secret_access_key=None)
        others = [replace(keyless, profile=each) for each in options.profiles]
        for settings in (self._settings, *others):
            check_profile(settings)
        async with AsyncExitStack() as stack:
            enter = stack.enter_async_context
            aws = await enter(self._client(self._settings))
            slow = RateLimitedAws(aws, context.clock)
            calls: list[CallSource] = [*self._sources_of_calls(aws, slow)]
            for number, other in enumerate(others, 1):
                client = await enter(self._new_client(other))
                there = RateLimitedAws(client, context.clock)
                calls.append(Lookup(there, context, source=f"account-{number}"))
            if options.queue is not None:
                from sfnwatch.sources.queue import Queue  # noqa: PLC0415
                from sfnwatch.sources.queue_address import (  # noqa: PLC0415
                    queue_settings,
                )

                # It is asked in the Region that its URL names.
                settings = queue_settings(self._settings, options.queue)
                client = await enter(self._client(settings))
                calls.append(Queue(client, context))

            def join(source: PollingSource) -> None:
                group.create_task(source.run(consume))

            children = self._children = Children(slow, context, join)
            stack.callback(children.close)
            roots = [
                # AWS keeps no history of Express executions.
                Express(slow, context, target)
                if target.arn.is_express
                else History(aws, context, target, join)
                for target in context.targets.roots
            ]
            # Other executions explain calls, so without sources of calls nobody asks.
            strangers = OtherExecutions(slow, context)
            group = await enter(asyncio.TaskGroup())
            for source in roots:
                join(source)
            if calls:
                self._drained = [*calls, strangers]
                context.targets.calls_awaited = True
                group.create_task(self._run_calls(calls, strangers, consume))
                join(strangers)

    async def _run_calls(
        self,
        calls: Sequence[CallSource],
        strangers: OtherExecutions,
        consume: TakesBatches,
    ) -> None:
        """Run the sources of calls; after the last, end the requests beside them."""
        async with asyncio.TaskGroup() as running:
            for source in calls:
                running.create_task(source.run(consume))
        self._context.targets.calls_awaited = False
        # With no more calls to come, nobody waits to know who else ran.
        strangers.end_drain()

    def _client(self, settings: AwsSettings) -> AwsClient:
        return self._new_client(settings, self._heed, self.features)

    def _sources_of_calls(self, aws: AwsClient, slow: CallsAws) -> Iterator[CallSource]:
        """Make the sources that use this account's settings; most watches use one."""
        options = self._context.options.calls
        context = self._context
        if options.lookup:
            yield Lookup(slow, context)
        if options.log_group is not None:
            log_group = LogGroup(slow, context)
            yield log_group
            if options.live_tail:
                yield LiveTail(aws, log_group)
        if options.archive is not None and not options.sql:
            from sfnwatch.sources.archive import Archive  # noqa: PLC0415

            yield Archive(aws, context)
        if options.sql:
            from sfnwatch.sources.duck_trail import DuckTrail  # noqa: PLC0415

            yield DuckTrail(aws, context)
        if options.athena is not None:
            from sfnwatch.sources.athena import AthenaTrail  # noqa: PLC0415

            yield AthenaTrail(aws, context)
        if options.lake is not None:
            from sfnwatch.sources.lake import LakeTrail  # noqa: PLC0415

            yield LakeTrail(aws, context)
