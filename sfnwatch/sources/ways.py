"""The ways in which the calls of executions come: the same records, from anywhere.

LookupEvents is asked unless it is not wanted; every other way is for an option, and
imported for it. What comes in several ways is one call: it has one event id.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from sfnwatch.clock import Clock
from sfnwatch.sources.aws import Aws
from sfnwatch.sources.drive import Patience
from sfnwatch.sources.feed import Source
from sfnwatch.sources.lookup import Lookup
from sfnwatch.sources.pacing import TokenBucket
from sfnwatch.sources.queue import Queue
from sfnwatch.sources.sieve import Sieve
from sfnwatch.sources.subjects import Subjects
from sfnwatch.sources.wanted import TrailOptions
from sfnwatch.trace.log_groups import parse_log_group

_RATE, _BURST = 1.0, 2.0
"""LookupEvents a second: half the account's quota is left to its people."""


class Way(Source, Protocol):
    """A source of calls."""

    def end_drain(self) -> None:
        """Stop waiting for late records: one more look, and that is it."""
        ...


class Ways:
    """Makes the sources of calls that a watch is asked for."""

    def __init__(
        self,
        subjects: Subjects,
        clock: Clock,
        drain: float,
        patience: Patience | None = None,
        log_bucket: TokenBucket | None = None,
    ) -> None:
        self._subjects, self._clock = subjects, clock
        self._log_bucket = log_bucket
        self._brief = (subjects, clock)
        self._how: dict[str, Any] = {"drain": drain, "patience": patience}

    def all(self, trail: TrailOptions, aws: Aws, elsewhere: Sequence[Aws]) -> list[Way]:
        """Make all but the queue, which may be elsewhere.

        `elsewhere` are other accounts in which LookupEvents is asked.
        """
        accounts = [aws] if trail.lookup else []
        lookups = [
            self._lookup(one, f"account-{n}" if n else "")
            for n, one in enumerate([*accounts, *elsewhere], 0 if trail.lookup else 1)
        ]
        return [*lookups, *self._others(trail, aws)]

    def queue(self, trail: TrailOptions, aws: Aws) -> Queue:
        """Make the source of a queue; its URL says where `aws` must be."""
        url = trail.queue or ""
        return Queue(aws, *self._brief, url, consume=trail.consume, **self._how)

    def _lookup(self, aws: Aws, source: str) -> Lookup:
        # The two requests a second are an account's own.
        bucket = TokenBucket(_RATE, _BURST, self._clock)
        return Lookup(aws, *self._brief, bucket, source=source, **self._how)

    def _others(self, trail: TrailOptions, aws: Aws) -> Iterator[Way]:
        """Make those that LookupEvents is not."""
        if trail.log_group is not None:
            from sfnwatch.sources.log_group import LogGroup  # noqa: PLC0415

            group = parse_log_group(trail.log_group)
            sieve = Sieve(self._subjects)
            more = {"bucket": self._log_bucket, "sieve": sieve, **self._how}
            yield LogGroup(aws, *self._brief, group, **more)
            if trail.live_tail:
                from sfnwatch.sources.live_tail import LiveTail  # noqa: PLC0415

                yield LiveTail(aws, *self._brief, group, sieve, **self._how)
        if trail.archive is not None:
            yield self._archive(trail.archive, aws, sql=trail.sql)
        if trail.athena is not None:
            yield self._athena(trail.athena, trail, aws)
        if trail.lake is not None:
            from sfnwatch.sources.lake import Lake  # noqa: PLC0415

            yield Lake(aws, *self._brief, trail.lake, **self._how)

    def _archive(self, place: str, aws: Aws, *, sql: bool) -> Way:
        if sql:
            from sfnwatch.sources.duck import Duck  # noqa: PLC0415

            return Duck(*self._brief, place, **self._how)
        from sfnwatch.sources.archive import Archive  # noqa: PLC0415

        return Archive(aws, *self._brief, place, **self._how)

    def _athena(self, name: str, trail: TrailOptions, aws: Aws) -> Way:
        from sfnwatch.sources.athena import PARTITIONS, Athena  # noqa: PLC0415

        database, _, table = name.rpartition(".")
        return Athena(
            aws,
            *self._brief,
            database=database or "default",
            table=table,
            partitions=PARTITIONS
            if trail.athena_partitions is None
            else trail.athena_partitions,
            workgroup=trail.athena_workgroup,
            output=trail.athena_output,
            **self._how,
        )
