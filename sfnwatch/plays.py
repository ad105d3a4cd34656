"""The things that can be shown: an execution, the demo's, a recording.

What is costly to import (the SDKs, the demo's server) is imported when it starts,
in a thread: the first frame is on the screen by then.
"""

import asyncio
import gc
import importlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sfnwatch.clock import Clock, ServerClock, SpedClock, SystemClock
from sfnwatch.recording.beginning import Beginning, begin_recording, rest_of
from sfnwatch.recording.files import open_files
from sfnwatch.recording.reader import read_recording
from sfnwatch.recording.recording import Recording
from sfnwatch.recording.records import kept
from sfnwatch.running import Play
from sfnwatch.settings import AwsOptions
from sfnwatch.sources.allowed import Feature, operations
from sfnwatch.sources.drive import Patience
from sfnwatch.sources.feed import Consumer, Watch, run
from sfnwatch.sources.replay import Replay, span
from sfnwatch.sources.wanted import Following, TrailOptions, features_of
from sfnwatch.trace.arns import ExecutionArn, parse_execution_arn
from sfnwatch.trace.events import Batch
from sfnwatch.trace.values import replace

if TYPE_CHECKING:
    from sfnwatch.sources.live import Live


_HEAD_START = 0.1
"""Seconds in which a screen draws what it has, before the rest is read beside it."""


class _Reins:
    """What a screen may ask of a watch that begins later than its keys are there."""

    def __init__(self) -> None:
        self._live: Live | None = None
        self._asked = False

    def attach(self, live: "Live") -> None:
        self._live = live
        if self._asked:
            live.end_drain()

    def follow(self, execution_arn: str) -> bool:
        """Have an execution of a Map Run read; False if it can't be, or not yet."""
        return self._live is not None and self._live.follow(execution_arn)

    def end_drain(self) -> None:
        self._asked = True
        if self._live is not None:
            self._live.end_drain()


async def _load_live() -> None:
    """Import the SDKs off the loop: 200 ms that the screen does not stand still."""
    # What is imported stays: to look among it for what can go is time lost.
    gc.disable()
    try:
        await asyncio.to_thread(importlib.import_module, "sfnwatch.sources.live")
        from sfnwatch.sources.aws import warm_up

        await asyncio.to_thread(warm_up)
    finally:
        gc.freeze()
        gc.enable()


def live(
    arns: Sequence[ExecutionArn],
    options: AwsOptions,
    *,
    drain: float,
    tries: int | None,
    asked: Batch = (),
    follow_redrive: bool = False,
) -> Play:
    """Watch executions of a real account, or of whatever the endpoint URL names."""
    clock = ServerClock()
    reins = _Reins()

    async def watch(consume: Consumer) -> None:
        if asked:
            consume(asked)
        await _load_live()
        from sfnwatch.sources.aws import AwsSettings
        from sfnwatch.sources.live import Live

        settings = AwsSettings(
            region=options.region or arns[0].region,
            profile=options.profile,
            endpoint_url=options.endpoint_url,
        )
        patience = Patience(tries)
        started = Live(
            arns,
            settings,
            clock,
            drain=drain,
            patience=patience,
            heed=clock.heed,
            trail=options.trail,
            following=options.following,
            follow_redrive=follow_redrive,
        )
        reins.attach(started)
        await started.watch(consume)

    features = features_of(arns, options.trail, options.following)
    searched = [Feature.START] if asked else []
    allowed = operations([*features, *searched])
    return replace(_watched("live", watch, clock, arns, reins), allowed=allowed)


def demo(
    scenarios: Sequence[str], *, speed: float, drain: float, queue: bool = False
) -> Play:
    """Watch the simulated account through the real client, over HTTP on loopback.

    With its `queue` there is what ECS tells of the tasks, too.
    """
    # Imported here: the account is cheap, its server is not.
    from sfnwatch.demo.account import Account
    from sfnwatch.demo.scenarios import PLANS

    # Nobody redrives the others: a watch of them would go on for 14 days.
    again = any(PLANS[name].redriven_after for name in scenarios)
    clock = SpedClock(speed)
    account = Account(scenarios, clock=clock)
    arns = [parse_execution_arn(arn) for arn in account.executions.values()]
    reins = _Reins()

    async def watch(consume: Consumer) -> None:
        await asyncio.to_thread(importlib.import_module, "sfnwatch.demo.server")
        await _load_live()
        from sfnwatch.demo.queue import PATH
        from sfnwatch.demo.server import CREDENTIALS, DemoServer
        from sfnwatch.sources.aws import AwsSettings
        from sfnwatch.sources.live import Live

        # The account has stood still while its server and the SDKs were imported.
        clock.restart()
        async with DemoServer(account) as served:
            settings = AwsSettings(
                region=arns[0].region,
                endpoint_url=served.endpoint_url,
                access_key_id=CREDENTIALS[0],
                secret_access_key=CREDENTIALS[1],
            )
            url = f"{served.endpoint_url}{PATH}"
            trail = TrailOptions(queue=url if queue else None)
            started = Live(
                arns,
                settings,
                clock,
                drain=drain,
                trail=trail,
                following=Following(),
                follow_redrive=again,
            )
            reins.attach(started)
            await started.watch(consume)

    return _watched("demo", watch, clock, arns, reins)


def replay(paths: Sequence[Path], *, speed: float | None) -> Play:
    """Show files again; without a speed, all at once."""
    recording = open_files(paths)
    clock = _replay_clock(recording, speed)
    source = Replay(recording, clock)

    async def paced(consume: Consumer) -> None:
        await run([source], [consume])

    watch = paced if speed else _at_once(recording)
    return _replayed(paths, recording, watch, clock)


def played(paths: Sequence[Path], *, speed: float) -> Play:
    """Hand files over whole: the screen's player decides what of them is shown.

    A long recording's beginning comes first: to read the rest takes longer than to
    draw that.
    """
    beginning = begin_recording(paths[0]) if len(paths) == 1 else None
    if beginning is not None:
        return _begun(paths[0], beginning, speed)
    recording = open_files(paths)
    clock = _replay_clock(recording, None)
    return _replayed(paths, recording, _at_once(recording), clock, speed)


def _begun(path: Path, beginning: Beginning, speed: float) -> Play:
    """Hand over the beginning, and the rest once it is read; a bad line ends it."""
    later: list[str] = []

    async def watch(consume: Consumer) -> None:
        await SystemClock().sleep(_HEAD_START)
        recording = await asyncio.to_thread(read_recording, path, kept)
        later.extend(recording.notes)
        consume(rest_of(beginning, recording))

    return Play(
        watch=watch,
        clock=SpedClock(1.0, beginning.span[1]),
        mode="replay",
        executions=beginning.header.executions,
        first=beginning.first,
        title=path.name,
        created=beginning.header.created,
        later=later,
        speed=speed,
        span=beginning.span,
    )


def _at_once(recording: Recording) -> Watch:
    """Give it as one batch: what is not to be seen growing is laid out once."""

    async def watch(consume: Consumer) -> None:
        consume(recording.records)

    return watch


def _replayed(
    paths: Sequence[Path],
    recording: Recording,
    watch: Watch,
    clock: Clock,
    speed: float = 1.0,
) -> Play:
    return Play(
        watch=watch,
        clock=clock,
        mode="replay",
        executions=recording.executions,
        title=", ".join(path.name for path in paths),
        created=recording.created or _first(recording),
        notes=recording.notes,
        speed=speed,
    )


def _first(recording: Recording) -> datetime | None:
    moments = span(recording)
    return moments[0] if moments else None


def _replay_clock(recording: Recording, speed: float | None) -> Clock:
    moments = span(recording)
    if moments is None:
        return SystemClock()
    return SpedClock(speed or 1.0, moments[0] if speed else moments[1])


def _watched(
    mode: Literal["live", "demo"],
    watch: Watch,
    clock: Clock,
    arns: Sequence[ExecutionArn],
    reins: _Reins,
) -> Play:
    names = (f"{arn.state_machine_name} › {arn.name}" for arn in arns)
    return Play(
        watch=watch,
        clock=clock,
        mode=mode,
        executions=tuple(arn.arn for arn in arns),
        title=", ".join(names),
        end_drain=reins.end_drain,
        follow=reins.follow,
    )
