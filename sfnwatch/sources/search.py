"""The search for executions, from what the user named, with the user's settings."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

from msgspec import Struct, field

from sfnwatch.clock import ServerClock
from sfnwatch.errors import SfnwatchError, UsageError
from sfnwatch.model.arns import ExecutionArn, MapRunArn, Named, parse_execution_arn
from sfnwatch.model.execution_list import ListedExecution, ListFilter, Listing
from sfnwatch.model.records import Received
from sfnwatch.model.texts import clean
from sfnwatch.model.times import iso
from sfnwatch.sources.aws_client import AwsClient
from sfnwatch.sources.aws_settings import AwsSettings, check_profile, region_of
from sfnwatch.sources.discovery import LONGEST_NAME, Discovery, TellTrouble, name_in
from sfnwatch.sources.past_executions import PastExecutions
from sfnwatch.sources.permissions import Feature


class Search(Struct, eq=False):
    """Looks for executions, with given settings."""

    settings: AwsSettings
    clock: ServerClock = field(default_factory=ServerClock)
    asked: list[Received] = []
    """The requests made so far, for the recording and for the request log."""

    @asynccontextmanager
    async def _discovery(
        self, named: Named | None, only: ListFilter | None = None
    ) -> AsyncIterator[Discovery]:
        """Yield a discovery in the named resource's Region; raises SfnwatchError."""
        settings = self.settings
        region = region_of(settings, named)
        check_profile(settings)
        async with AwsClient(settings, self.clock.heed, [Feature.START]) as aws:
            discovery = Discovery(aws, self.clock, region, only=only)
            try:
                yield discovery
            finally:
                self.asked += discovery.take_requests()

    async def list_executions(
        self, named: Named | None, only: ListFilter | None = None
    ) -> AsyncGenerator[Listing, None]:
        """List the executions of a named resource, or the newest of all state machines.

        Raises SfnwatchError.
        """
        async with self._discovery(named, only) as discovery:
            if named is None:
                listings = discovery.list_recent()
            else:
                listings = discovery.list_named(named)
            async with aclosing(listings):
                async for listing in listings:
                    yield listing

    @asynccontextmanager
    async def past_executions(
        self, named: Named, only: ListFilter, tell: TellTrouble
    ) -> AsyncIterator[PastExecutions]:
        """Yield a reader of finished executions; raises SfnwatchError."""
        region = region_of(self.settings, named)
        check_profile(self.settings)
        async with AwsClient(self.settings, self.clock.heed, [Feature.START]) as aws:
            yield PastExecutions(aws, self.clock, region, only, tell)

    async def find(
        self, named: Sequence[Named], tell: TellTrouble, *, coming: bool = False
    ) -> list[ExecutionArn]:
        """Return an execution for each named resource, each once; raises SfnwatchError.

        For a state machine or a Map Run it is the execution started last, or with
        `coming` the next one to start.
        """
        for resource in named:
            if coming and isinstance(resource, ExecutionArn | MapRunArn):
                name = clean(resource.name, LONGEST_NAME)
                raise UsageError(
                    f"--next waits for an execution to start, and {name} has started.",
                    hint="Give the ARN or the name of a state machine.",
                )
        tasks: list[asyncio.Task[ExecutionArn]] = []
        try:
            async with asyncio.TaskGroup() as group:
                for resource in named:
                    finding = self._find(resource, tell, coming=coming)
                    tasks.append(group.create_task(finding))
        except* SfnwatchError as errors:
            # The user is shown the first error only.
            raise errors.exceptions[0] from errors
        by_arn: dict[str, ExecutionArn] = {}
        for task in tasks:
            execution = task.result()
            by_arn.setdefault(execution.arn, execution)
        return list(by_arn.values())

    async def _find(
        self, named: Named, tell: TellTrouble, *, coming: bool
    ) -> ExecutionArn:
        if isinstance(named, ExecutionArn):
            return named
        async with self._discovery(named) as discovery:
            arn = await discovery.arn_of(named)
            name = name_in(arn)
            if coming:
                tell(f"waiting for an execution of {name} to start; ctrl+c ends it")
                execution = await discovery.next_start(arn, tell)
                tell(f"started: {_outline(execution)}")
            else:
                execution = await discovery.latest(arn)
                tell(f"the newest execution of {name}: {_outline(execution)}")
        return parse_execution_arn(execution.arn)


def _outline(execution: ListedExecution) -> str:
    """Return one line that identifies an execution."""
    machine = clean(execution.machine, LONGEST_NAME)
    name = clean(execution.name, LONGEST_NAME)
    status = clean(execution.status, LONGEST_NAME) or "in no known state"
    parts = [f"{machine} › {name}", status]
    if execution.started_at is not None:
        parts.append(f"started {iso(execution.started_at)}")
    return ", ".join(parts)
