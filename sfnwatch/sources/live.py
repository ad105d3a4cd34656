"""A live watch: a history source for each execution, and what brings their calls.

Importing this imports the SDKs, which takes 200 ms: the screen shows its first
frame before, and does so in a thread.
"""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime

from sfnwatch.clock import Clock
from sfnwatch.sources.aws import Aws, AwsSettings, check_profile
from sfnwatch.sources.drive import Patience
from sfnwatch.sources.feed import Consumer, run
from sfnwatch.sources.history import History
from sfnwatch.sources.subjects import Subjects
from sfnwatch.sources.wanted import TrailOptions
from sfnwatch.sources.ways import Way, Ways, features
from sfnwatch.trace.arns import ExecutionArn


class Live:
    """Watches executions until each is over and its late records are in."""

    def __init__(
        self,
        arns: Sequence[ExecutionArn],
        settings: AwsSettings,
        clock: Clock,
        *,
        drain: float,
        patience: Patience | None = None,
        heed: Callable[[datetime], None] | None = None,
        trail: TrailOptions | None = None,
    ) -> None:
        self._arns, self._settings, self._clock = arns, settings, clock
        self._drain, self._patience = drain, patience
        self._heed = heed
        self._trail = trail or TrailOptions()
        self._ways: Sequence[Way] = ()

    def end_drain(self) -> None:
        """Stop waiting for late records."""
        for way in self._ways:
            way.end_drain()

    async def watch(self, consume: Consumer) -> None:
        """Run to the end; raises RefusedError for a profile that is not there."""
        others = [self._of(profile) for profile in self._trail.profiles]
        for settings in (self._settings, *others):
            check_profile(settings)
        async with AsyncExitStack() as stack:
            allowed = features(self._trail)
            aws = await stack.enter_async_context(
                Aws(self._settings, self._heed, allowed)
            )
            elsewhere = [await stack.enter_async_context(Aws(each)) for each in others]
            subjects, patience = Subjects(self._arns), self._patience
            histories = [
                History(aws, subject, self._clock, patience=patience)
                for subject in subjects.each
            ]
            ways = Ways(subjects, self._clock, self._drain, patience)
            self._ways = ways.all(self._trail, aws, elsewhere)
            await run([*histories, *self._ways], [consume])

    def _of(self, profile: str) -> AwsSettings:
        return replace(
            self._settings, profile=profile, access_key_id=None, secret_access_key=None
        )
