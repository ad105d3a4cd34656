"""The ways in which the calls of executions come: the same records, from anywhere.

LookupEvents is asked unless it is not wanted; every other way is for an option. What
comes in several ways is one call: it has one event id.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from sfnwatch.clock import Clock
from sfnwatch.sources.allowed import Feature
from sfnwatch.sources.aws import Aws
from sfnwatch.sources.drive import Patience
from sfnwatch.sources.feed import Source
from sfnwatch.sources.lookup import Lookup
from sfnwatch.sources.pacing import TokenBucket
from sfnwatch.sources.subjects import Subjects
from sfnwatch.sources.wanted import TrailOptions

_RATE, _BURST = 1.0, 2.0
"""LookupEvents a second: half the account's quota is left to its people."""


class Way(Source, Protocol):
    """A source of calls."""

    def end_drain(self) -> None:
        """Stop waiting for late records: one more look, and that is it."""
        ...


def features(trail: TrailOptions) -> tuple[Feature, ...]:
    """Say what must be allowed for these ways, beyond every watch's."""
    del trail
    return ()


class Ways:
    """Makes the sources of calls that a watch is asked for."""

    def __init__(
        self,
        subjects: Subjects,
        clock: Clock,
        drain: float,
        patience: Patience | None = None,
    ) -> None:
        self._subjects, self._clock = subjects, clock
        self._drain, self._patience = drain, patience

    def all(self, trail: TrailOptions, aws: Aws, elsewhere: Sequence[Aws]) -> list[Way]:
        """Make them; `elsewhere` are other accounts in which LookupEvents is asked."""
        accounts = [aws] if trail.lookup else []
        lookups = [
            self._lookup(one, f"account-{n}" if n else "")
            for n, one in enumerate([*accounts, *elsewhere], 0 if trail.lookup else 1)
        ]
        return [*lookups, *self._others(trail, aws)]

    def _lookup(self, aws: Aws, source: str) -> Lookup:
        # The two requests a second are an account's own.
        bucket = TokenBucket(_RATE, _BURST, self._clock)
        return Lookup(
            aws,
            self._subjects,
            self._clock,
            bucket,
            drain=self._drain,
            patience=self._patience,
            source=source,
        )

    def _others(self, trail: TrailOptions, aws: Aws) -> Iterator[Way]:
        del trail, aws
        yield from ()
