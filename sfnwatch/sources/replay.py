"""A recording as a source: whatever live does, replay does, and without AWS.

Records come at the moments at which they were received; those of files that don't
say, at the moments they are about. What has no time at all comes first.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from itertools import groupby

from sfnwatch.clock import Clock
from sfnwatch.recording.recording import Recording
from sfnwatch.trace import moments
from sfnwatch.trace.events import Batch
from sfnwatch.trace.moments import moment
from sfnwatch.trace.times import seconds_between

__all__ = ["Replay", "moment", "span", "steps"]

_NAP = 1.0
"""Seconds slept at once: whoever changes the speed shall not wait out a long gap."""


class Replay:
    """Plays a recording; with a clock, at the moments that the clock comes to them."""

    def __init__(self, recording: Recording, clock: Clock | None = None) -> None:
        self._recording, self._clock = recording, clock

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield the records of each moment together, in the order of the moments."""
        for at, batch in steps(self._recording):
            if self._clock is not None and at is not None:
                await _until(at, self._clock)
            yield batch


def steps(recording: Recording) -> Iterator[tuple[datetime | None, Batch]]:
    """Yield each moment of a recording, and what came then."""
    timed = [(moment(record), record) for record in recording.records]
    untimed = tuple(record for at, record in timed if at is None)
    if untimed:
        yield None, untimed
    known = [(at, record) for at, record in timed if at is not None]
    # Sorting is stable: what came at the same moment stays in its order.
    known.sort(key=lambda pair: pair[0])
    for at, group in groupby(known, key=lambda pair: pair[0]):
        yield at, tuple(record for _, record in group)


def span(recording: Recording) -> tuple[datetime, datetime] | None:
    """Give the first and the last moment; None if there is no moment at all."""
    return moments.span(recording.records)


async def _until(at: datetime, clock: Clock) -> None:
    while (wait := seconds_between(clock.now(), at)) > 0:
        await clock.sleep(min(wait, _NAP))
