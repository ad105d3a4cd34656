"""From what was named, or from nothing, to the executions that shall be watched.

Importing this costs nothing: what asks AWS is imported when it is needed, and for the
picker in a thread, since its first frame waits for nobody.
"""

import asyncio
import importlib
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from msgspec import Struct

from sfnwatch.clock import ServerClock
from sfnwatch.errors import SfnwatchError, UsageError
from sfnwatch.naming_executions import MachineName, Named
from sfnwatch.settings import AwsOptions
from sfnwatch.trace.arns import (
    ExecutionArn,
    MapRunArn,
    StateMachineArn,
    parse_execution_arn,
)
from sfnwatch.trace.events import Batch
from sfnwatch.trace.listed import Listing, listed_words
from sfnwatch.trace.text import clean

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sfnwatch.sources.starts import Starts

_LIMIT = 200

Tell = Callable[[str], None]
"""Takes what a person should know meanwhile, a line at a time."""
Note = Callable[[Batch], None]
"""Takes the requests made, for the recording and for the call log."""
Fetch = Callable[[], AsyncGenerator[Listing, None]]


class Found(Struct, frozen=True):
    """The executions to watch, and what was asked of AWS to find them."""

    arns: tuple[ExecutionArn, ...]
    asked: Batch = ()
    """For the recording, and for the call log."""


def region_of(options: AwsOptions) -> str:
    """Give the Region to look in where nothing named has one; raises SfnwatchError."""
    from sfnwatch.sources.starts import configured_region  # noqa: PLC0415

    return configured_region(options.region, options.profile)


def region_to_ask(options: AwsOptions, named: Named) -> str:
    """Give the Region to look in for what is named; raises SfnwatchError."""
    own = None if isinstance(named, MachineName) else named.region
    return options.region or own or region_of(options)


def to_pick_from(
    named: Sequence[Named],
    options: AwsOptions,
    clock: ServerClock,
    note: Note,
    *,
    beside: bool,
) -> tuple[Fetch, str]:
    """Say how the picker gets the executions of what was named, or all, and where from.

    Where no Region is set, or the profile is not there, nothing can be asked: the list
    says so where there is something `beside` it. Else it raises SfnwatchError.
    """
    try:
        return _to_pick_from(named, options, clock, note)
    except SfnwatchError:
        if not beside:
            raise

    async def fetch() -> AsyncGenerator[Listing, None]:
        again, _ = _to_pick_from(named, options, clock, note)
        async with aclosing(again()) as listings:
            async for listing in listings:
                yield listing

    return fetch, ""


def _to_pick_from(
    named: Sequence[Named], options: AwsOptions, clock: ServerClock, note: Note
) -> tuple[Fetch, str]:
    if named:
        region = region_to_ask(options, named[0])
        return those_of(options, named[0], clock, note), region
    region = region_of(options)
    return recent(options, region, clock, note), region


async def find(
    named: Sequence[Named],
    options: AwsOptions,
    clock: ServerClock,
    *,
    coming: bool = False,
    tell: Tell,
) -> Found:
    """Find an execution for all that was named, each once; raises SfnwatchError.

    That of a state machine, or of a Map Run, is the one that was started last; or, if
    it is `coming`, the next one to start.
    """
    search = _Search(options, clock, tell, coming=coming)
    for each in named:
        search.check(each)
    with _one_error():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(search.one(each)) for each in named]
    arns = {arn.arn: arn for arn in (task.result() for task in tasks)}
    return Found(tuple(arns.values()), search.asked)


class _Search:
    """Finds executions, one for each thing named, and keeps what that took."""

    def __init__(
        self, options: AwsOptions, clock: ServerClock, tell: Tell, *, coming: bool
    ) -> None:
        self._options, self._clock, self._tell = options, clock, tell
        self._coming = coming
        self.asked: Batch = ()

    def check(self, named: Named) -> None:
        """Raise UsageError for what has started long ago, and is yet to come."""
        if self._coming and isinstance(named, ExecutionArn | MapRunArn):
            started = clean(named.name, _LIMIT)
            msg = f"--next waits for an execution to start, and {started} has started."
            raise UsageError(msg, hint="Give the ARN or the name of a state machine.")

    async def one(self, named: Named) -> ExecutionArn:
        if isinstance(named, ExecutionArn):
            return named
        region = region_to_ask(self._options, named)
        async with _asking(self._options, region, self._clock) as starts:
            try:
                arn = await self._arn(starts, named)
                name = clean(":".join(arn.split(":")[6:]), _LIMIT)
                return await self._execution(starts, arn, name)
            finally:
                self.asked = (*self.asked, *starts.take())

    async def _arn(
        self, starts: "Starts", named: MachineName | MapRunArn | StateMachineArn
    ) -> str:
        if not isinstance(named, MachineName):
            return named.arn
        machine = await starts.machine_named(named.name)
        machine.refuse_express()
        return machine.arn

    async def _execution(self, starts: "Starts", arn: str, name: str) -> ExecutionArn:
        if self._coming:
            self._tell(f"waiting for an execution of {name} to start; ctrl+c ends it")
            found = await starts.next_start(arn, tell=self._tell)
            said = "started"
        else:
            found = await starts.latest(arn)
            said = f"the newest execution of {name}"
        self._tell(f"{said}: {listed_words(found, self._clock.now())}")
        return parse_execution_arn(found.arn)


def recent(
    options: AwsOptions, region: str, clock: ServerClock, note: Note | None = None
) -> Fetch:
    """Say how the picker gets the newest executions of all state machines."""
    return _fetch(options, region, clock, note, lambda starts: starts.recent())


def those_of(
    options: AwsOptions, named: Named, clock: ServerClock, note: Note | None = None
) -> Fetch:
    """Say how the picker gets the executions of what is named.

    Those of a state machine, or of a Map Run; of an execution the children of its Map
    Runs. Raises UsageError where no Region is set, and the name needs one.
    """
    region = region_to_ask(options, named)
    return _fetch(options, region, clock, note, lambda starts: _listed(starts, named))


def children_of(
    options: AwsOptions, clock: ServerClock, note: Note | None = None
) -> Callable[[str], Fetch]:
    """Say how the picker gets the children of any execution that it shows."""

    def fetch(arn: str) -> Fetch:
        return those_of(options, parse_execution_arn(arn), clock, note)

    return fetch


async def _listed(starts: "Starts", named: Named) -> AsyncGenerator[Listing, None]:
    match named:
        case ExecutionArn():
            listings = starts.children(named.arn)
        case MapRunArn():
            listings = starts.of_map_runs([named.arn])
        case MachineName():
            machine = await starts.machine_named(named.name)
            machine.refuse_express()
            listings = starts.executions(machine.arn)
        case StateMachineArn():
            listings = starts.executions(named.arn)
    async with aclosing(listings):
        async for listing in listings:
            yield listing


def _fetch(
    options: AwsOptions,
    region: str,
    clock: ServerClock,
    note: Note | None,
    listed: "Callable[[Starts], AsyncGenerator[Listing, None]]",
) -> Fetch:
    async def fetch() -> AsyncGenerator[Listing, None]:
        async with (
            _in_thread(options, region, clock) as starts,
            aclosing(listed(starts)) as listings,
        ):
            try:
                async for listing in listings:
                    yield listing
            finally:
                if note is not None:
                    note(starts.take())

    return fetch


@asynccontextmanager
async def _in_thread(
    options: AwsOptions, region: str, clock: ServerClock
) -> "AsyncIterator[Starts]":
    """Import the SDKs off the loop: 200 ms that the screen does not stand still."""
    await asyncio.to_thread(importlib.import_module, "sfnwatch.sources.starts")
    from sfnwatch.sources.aws import warm_up  # noqa: PLC0415

    await asyncio.to_thread(warm_up)
    async with _asking(options, region, clock) as starts:
        yield starts


@asynccontextmanager
async def _asking(
    options: AwsOptions, region: str, clock: ServerClock
) -> "AsyncIterator[Starts]":
    from sfnwatch.sources.allowed import Feature  # noqa: PLC0415
    from sfnwatch.sources.aws import Aws, AwsSettings, check_profile  # noqa: PLC0415
    from sfnwatch.sources.starts import Starts  # noqa: PLC0415

    settings = AwsSettings(region, options.profile, options.endpoint_url)
    check_profile(settings)
    async with Aws(settings, clock.heed, [Feature.START]) as aws:
        yield Starts(aws, clock, region)


@contextmanager
def _one_error() -> Iterator[None]:
    """Raise the first of several errors that a person may meet, by itself."""
    try:
        yield
    except* SfnwatchError as errors:
        raise _first(errors) from errors


def _first(errors: BaseExceptionGroup[SfnwatchError]) -> SfnwatchError:
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
