"""A watch whose calls come from an archive, by the simulation's clock."""

import asyncio
from pathlib import Path
from typing import Any

from sfnwatch.clock import Clock
from sfnwatch.sources.archive import Archive
from sfnwatch.sources.aws import Aws
from sfnwatch.sources.drive import Step
from sfnwatch.sources.feed import run
from sfnwatch.sources.history import History
from sfnwatch.sources.subjects import Subjects
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.events import From, Received
from tests.builders import ARN, ManualClock, sync_history
from tests.sources.simulation import SteppedClock, Watched

NO_AWS: Any = None
LATER = 2 * 3600.0
"""Seconds after the start at which all is over and drained."""


class Counted(Archive):
    """Holds the clock while a file is read."""

    clock: SteppedClock

    async def _step(self) -> Step:
        with self.clock.request():
            return await super()._step()


async def watch(
    aws: Aws,
    clock: SteppedClock,
    place: str | Path,
    *arns: str,
    archive_aws: Aws | None = None,
    drain: float = 900,
) -> Watched:
    """Watch with the history from AWS and the calls from an archive."""
    watched = Watched()
    subjects = Subjects([parse_execution_arn(arn) for arn in arns])
    archive = Counted(archive_aws or aws, subjects, clock, str(place), drain=drain)
    archive.clock = clock
    histories = [History(aws, each, clock) for each in subjects.each]
    await run([*histories, archive], [watched])
    return watched


def known(
    *arns: str, history: list[Received] | None = None, over: bool = True
) -> Subjects:
    """Tell of executions whose history has been read."""
    subjects = Subjects([parse_execution_arn(arn) for arn in arns or (ARN,)])
    for each in subjects.each:
        for received in sync_history() if history is None else history:
            each.observe(received)
        each.over = over
    subjects.known.set()
    return subjects


async def search(
    place: str | Path,
    *,
    subjects: Subjects | None = None,
    clock: Clock | None = None,
    aws: Aws = NO_AWS,
    drain: float = 0,
    **more: Any,
) -> Watched:
    """Search an archive, by default for the seed's run, when all is long over."""
    if clock is None:
        clock = ManualClock()
        clock.advance(LATER)
    watched = Watched()
    subjects = subjects or known()
    archive = Archive(aws, subjects, clock, str(place), drain=drain, **more)
    async with asyncio.timeout(30):
        async for batch in archive.batches():
            watched(batch)
    return watched


def found(watched: Watched) -> list[str]:
    """Name the calls that came, by their event ids."""
    return [str(r.data["eventID"]) for r in watched.records if r.source == From.TRAIL]
