"""A recording as a source: whatever live does, replay does, and without AWS.

Records come at the moments at which they were received; those of files that don't
say, at the moments they are about. What has no time at all comes first.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from itertools import groupby

from sfnwatch.clock import Clock
from sfnwatch.recording.recording import Recording
from sfnwatch.trace.events import Batch, From, Received
from sfnwatch.trace.payload import mapping_of, parse_json
from sfnwatch.trace.times import maybe_time, seconds_between

_TIMES: Mapping[str, tuple[str, ...]] = {
    From.HISTORY: ("timestamp",),
    From.DESCRIBE: ("stopDate", "startDate"),
    From.LOOKUP: ("EventTime",),
    From.TRAIL: ("eventTime",),
    From.ATHENA: ("eventtime",),
}
"""Where a record says when it was, the last moment it knows of first."""
_NAP = 1.0
"""Seconds slept at once: whoever changes the speed shall not wait out a long gap."""


class Replay:
    """Plays a recording; with a clock, at the moments that the clock comes to them."""

    def __init__(self, recording: Recording, clock: Clock | None = None) -> None:
        self._recording, self._clock = recording, clock

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield the records of each moment together, in the order of the moments."""
        for moment, batch in steps(self._recording):
            if self._clock is not None and moment is not None:
                await _until(moment, self._clock)
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
    moments = [at for at in map(moment, recording.records) if at is not None]
    return (min(moments), max(moments)) if moments else None


def moment(received: Received) -> datetime | None:
    """Tell when a record came, or failing that when what it tells of was."""
    if received.at is not None:
        return received.at
    keys = _TIMES.get(received.source, ())
    times = (maybe_time(received.data.get(key)) for key in keys)
    return next((at for at in times if at is not None), _inner_time(received))


def _inner_time(received: Received) -> datetime | None:
    """Look inside an Event of LookupEvents whose envelope has no time."""
    if received.source != From.LOOKUP:
        return None
    record = mapping_of(parse_json(received.data.get("CloudTrailEvent")))
    return maybe_time(record.get("eventTime"))


async def _until(at: datetime, clock: Clock) -> None:
    while (wait := seconds_between(clock.now(), at)) > 0:
        await clock.sleep(min(wait, _NAP))
