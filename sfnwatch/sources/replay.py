"""A recording as a source: whatever live does, replay does, and without AWS.

Records come at the moments at which they were received; those of files that don't
say, at the moments they are about. What has no time at all comes first.
"""

from collections.abc import AsyncGenerator, Iterable, Iterator
from datetime import datetime
from itertools import groupby

from sfnwatch.clock import Clock
from sfnwatch.model.records import CALL_KINDS, Batch, Received, Record, RecordKind
from sfnwatch.model.values import (
    list_of,
    mapping_of,
    maybe_time,
    parse_json,
    seconds_between,
)

_NAP = 1.0
"""Seconds slept at once: whoever changes the speed shall not wait out a long gap."""
_TIMES = (
    *("timestamp", "event_timestamp", "stopDate", "startDate"),
    *("EventTime", "eventTime", "eventtime"),
)
"""Where a record says when it was, the last moment it knows of first."""


async def replay(
    records: Iterable[Received], clock: Clock
) -> AsyncGenerator[Batch, None]:
    """Yield the records of each moment together, as the clock comes to it."""
    for at, batch in steps(records):
        if at is not None:
            await _until(at, clock)
        yield batch


async def _until(at: datetime, clock: Clock) -> None:
    while (wait := seconds_between(clock.now(), at)) > 0:
        await clock.sleep(min(wait, _NAP))


def steps(records: Iterable[Received]) -> Iterator[tuple[datetime | None, Batch]]:
    """Yield each moment of a recording, and what came then."""
    timed = [(moment(record), record) for record in records]
    untimed = tuple(record for at, record in timed if at is None)
    if untimed:
        yield None, untimed
    known = [(at, record) for at, record in timed if at is not None]
    # Sorting is stable: what came at the same moment stays in its order.
    known.sort(key=lambda pair: pair[0])
    for at, group in groupby(known, key=lambda pair: pair[0]):
        yield at, tuple(record for _, record in group)


def span(records: Iterable[Received]) -> tuple[datetime, datetime] | None:
    """Give the first and the last moment; None if there is no moment at all."""
    moments = [at for at in map(moment, records) if at is not None]
    return (min(moments), max(moments)) if moments else None


def moment(received: Received) -> datetime | None:
    """Tell when a record came, or failing that when what it tells of was."""
    if received.at is not None:
        return received.at
    record = received.record
    if received.kind == RecordKind.CHILDREN:
        return _last_listed(record)
    if received.kind == RecordKind.TASK_STATE:
        # The state says to the millisecond since when it is so; its event does not.
        detail = mapping_of(record.get("detail"))
        return maybe_time(detail.get("updatedAt")) or maybe_time(record.get("time"))
    times = (maybe_time(record.get(key)) for key in _TIMES)
    at = next((at for at in times if at is not None), None)
    if at is None and received.kind == RecordKind.LOOKUP:
        inner = mapping_of(parse_json(record.get("CloudTrailEvent")))
        at = maybe_time(inner.get("eventTime"))
    # A call has whole seconds, here as where it is decoded.
    whole = at is not None and received.kind in CALL_KINDS
    return at.replace(microsecond=0) if at is not None and whole else at


def _last_listed(record: Record) -> datetime | None:
    items = map(mapping_of, list_of(record.get("executions")))
    times = (
        maybe_time(item.get("stopDate")) or maybe_time(item.get("startDate"))
        for item in items
    )
    return max((at for at in times if at is not None), default=None)
