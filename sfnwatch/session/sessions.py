"""The three kinds of session: a live watch, the demo and a replay.

They differ in where their records come from and by which clock. What is costly to
import, the SDKs and the demo's server, is imported when it starts, in a thread: the
first frame is on the screen by then.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Iterable, Sequence
from datetime import UTC, datetime
from importlib import import_module
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from msgspec.structs import replace

from sfnwatch.clock import Clock, ServerClock, SpedClock, SystemClock
from sfnwatch.model.arns import ExecutionArn, parse_execution_arn
from sfnwatch.model.records import Batch, Received
from sfnwatch.model.times import seconds_between
from sfnwatch.model.trace import Mode, Trace
from sfnwatch.session.session import Session, Stream
from sfnwatch.sources.aws_settings import AwsSettings
from sfnwatch.sources.live_options import CallOptions, LiveOptions, features_of
from sfnwatch.sources.permissions import Feature, operations
from sfnwatch.sources.polling import TakesBatches

_LONGEST_SLEEP_SECONDS = 1.0
"""A change of speed takes effect after this at the latest, also in a long gap."""
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


def live(
    arns: Sequence[ExecutionArn],
    settings: AwsSettings,
    options: LiveOptions,
    *,
    asked: Batch = (),
    trace: Trace | None = None,
) -> Session:
    """Watch executions of an AWS account, or of whatever the endpoint URL names.

    `asked` has the requests that were sent to find them.
    """
    clock = ServerClock()
    settings = replace(settings, region=settings.region or arns[0].region)

    async def stream(take: TakesBatches) -> None:
        if asked:
            take(asked)
        await _load("sfnwatch.sources.live")
        from sfnwatch.sources.live import Live

        live = Live(arns, settings, clock, options, heed=clock.heed)
        await session.watch(live, take)

    session = _of_executions("live", stream, clock, arns)
    if trace is not None:
        session.trace = trace
    features = features_of(arns, options)
    if asked:
        features = [*features, Feature.START]
    session.allowed = operations(features)
    return session


def demo(
    scenarios: Sequence[str], *, speed: float, drain: float, queue: bool = False
) -> Session:
    """Watch the simulated account through the real client, over HTTP on loopback.

    With `queue` the ECS tasks' state changes come from the account's queue, too.
    """
    from sfnwatch.demo.account import Account
    from sfnwatch.demo.scenarios import PLANS

    clock = SpedClock(speed)
    account = Account(scenarios, clock=clock)
    arns = [parse_execution_arn(arn) for arn in account.executions.values()]

    async def stream(take: TakesBatches) -> None:
        await _load("sfnwatch.demo.http_server", "sfnwatch.sources.live")
        from sfnwatch.demo.http_server import CREDENTIALS, DemoServer
        from sfnwatch.demo.message_queue import QUEUE_PATH
        from sfnwatch.sources.live import Live

        # The account has stood still while its server and the SDKs were imported.
        clock.restart()
        async with DemoServer(account) as server:
            url = server.endpoint_url
            calls = CallOptions(queue=f"{url}{QUEUE_PATH}" if queue else None)
            # Nobody redrives the others: a watch of them would last 14 days.
            is_redriven = any(PLANS[name].redriven_after for name in scenarios)
            options = LiveOptions(
                calls, drain=drain, tries=None, follow_redrive=is_redriven
            )
            settings = AwsSettings(
                arns[0].region, None, url, *CREDENTIALS, simulated=True
            )
            await session.watch(Live(arns, settings, clock, options), take)

    session = _of_executions("demo", stream, clock, arns)
    return session


def _of_executions(
    mode: Mode, stream: Stream, clock: Clock, arns: Sequence[ExecutionArn]
) -> Session:
    executions = tuple(arn.arn for arn in arns)
    names = [f"{arn.state_machine_name} › {arn.name}" for arn in arns]
    return Session(mode, stream, clock, executions, title=", ".join(names))


def replay(
    paths: Sequence[Path], *, speed: float | None = None, whole: bool = False
) -> Session:
    """Read files again, in batches, in the order of their lines.

    With a `speed` records come at the times at which they were received, sped up by it;
    with `whole` they come in one batch. Raises BadFileError.
    """
    from sfnwatch.recording.batches import BATCH
    from sfnwatch.recording.format import STDIN
    from sfnwatch.recording.reader import open_files

    recording = open_files(paths)
    if speed or whole:
        recording.load()
    span = recording.span()
    clock: Clock = SystemClock()
    if span is not None:
        begin, end = span
        clock = SpedClock(speed or 1.0, begin if speed else end)

    async def stream(take: TakesBatches) -> None:
        if speed:
            async for batch in paced(recording.records(), clock):
                take(batch)
            return
        batch_size = sys.maxsize if whole else BATCH
        for batch in recording.batches(batch_size):
            take(batch)
            await clock.sleep(0)

    names = ["stdin" if path == STDIN else path.name for path in paths]
    created = recording.created
    if created is None and span is not None:
        created = span[0]
    return Session(
        "replay",
        stream,
        clock,
        recording.executions,
        title=", ".join(names),
        created=created,
        span=span,
        notes=lambda: recording.notes,
    )


async def paced(
    records: Iterable[Received], clock: Clock
) -> AsyncGenerator[Batch, None]:
    """Yield the records of each time together, when the clock reaches it.

    A record without an arrival time comes at the time it is about; one without any time
    comes first.
    """
    from sfnwatch.recording.reader import record_time

    timed = [(record_time(record) or _BEFORE_ALL, record) for record in records]
    # Sorting is stable: records of the same time stay in their order.
    timed.sort(key=itemgetter(0))
    for at, group in groupby(timed, key=itemgetter(0)):
        while (seconds := seconds_between(clock.now(), at)) > 0:
            await clock.sleep(min(seconds, _LONGEST_SLEEP_SECONDS))
        yield tuple(record for _, record in group)


async def _load(*modules: str) -> None:
    """Import modules off the loop: the SDKs take 200 ms, and a screen must not wait."""
    for module in modules:
        await asyncio.to_thread(import_module, module)
