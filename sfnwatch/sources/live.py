"""A live watch: a history source for each execution, and one look-up for all.

Importing this imports the SDKs, which takes 200 ms: the screen shows its first
frame before, and does so in a thread.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from sfnwatch.clock import Clock
from sfnwatch.sources.aws import Aws, AwsSettings, check_profile
from sfnwatch.sources.drive import Patience
from sfnwatch.sources.feed import Consumer, run
from sfnwatch.sources.history import History
from sfnwatch.sources.lookup import Lookup
from sfnwatch.sources.pacing import TokenBucket
from sfnwatch.sources.subjects import Subjects
from sfnwatch.trace.arns import ExecutionArn

_RATE, _BURST = 1.0, 2.0
"""LookupEvents a second: half the account's quota is left to its people."""


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
    ) -> None:
        self._arns, self._settings, self._clock = arns, settings, clock
        self._drain, self._patience = drain, patience
        self._heed = heed
        self._lookup: Lookup | None = None

    def end_drain(self) -> None:
        """Stop waiting for late records."""
        if self._lookup is not None:
            self._lookup.end_drain()

    async def watch(self, consume: Consumer) -> None:
        """Run to the end; raises RefusedError for a profile that is not there."""
        check_profile(self._settings)
        bucket = TokenBucket(_RATE, _BURST, self._clock)
        async with Aws(self._settings, self._heed) as aws:
            subjects, patience = Subjects(self._arns), self._patience
            histories = [
                History(aws, subject, self._clock, patience=patience)
                for subject in subjects.each
            ]
            self._lookup = Lookup(
                aws,
                subjects,
                self._clock,
                bucket,
                drain=self._drain,
                patience=patience,
            )
            await run([*histories, self._lookup], [consume])
