"""When a record came, and when what it tells of happened: two clocks, one file.

CloudTrail's records come minutes after the calls they tell of, so what was on the
screen at a moment and what had happened by then are different pictures.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from sfnwatch.trace.events import From, Received
from sfnwatch.trace.payload import mapping_of, parse_json
from sfnwatch.trace.times import maybe_time

WATCHING = frozenset({From.HEALTH, From.REQUEST})
"""Sources that tell of the watching itself, which is no part of what happened."""
_CALLS = frozenset({From.LOOKUP, From.TRAIL, From.ATHENA})
_REST_OF_SECOND = timedelta(milliseconds=999)
_TIMES: Mapping[str, tuple[str, ...]] = {
    From.HISTORY: ("timestamp",),
    From.EXPRESS: ("event_timestamp",),
    From.DESCRIBE: ("stopDate", "startDate"),
    From.LOOKUP: ("EventTime",),
    From.TRAIL: ("eventTime",),
    From.ATHENA: ("eventtime",),
    From.MAP_RUN: ("stopDate", "startDate"),
}
"""Where a record says when it was, the last moment it knows of first."""


class Reading(StrEnum):
    """By which of the two clocks a recording is read."""

    SEEN = "seen"
    """Each record at the moment it reached us."""
    HAPPENED = "happened"
    """Each record at the moment it tells of."""


def moment(received: Received) -> datetime | None:
    """Tell when a record came, or failing that when what it tells of was."""
    return received.at if received.at is not None else _inner_time(received)


def happened(received: Received) -> datetime | None:
    """Tell when what a record tells of happened; None for what was so all along.

    An answer of DescribeExecution tells of the stop, or else of the start: a watch
    may have begun long after both. What tells of the watching happened when it was
    told, and so did the counts of a Map Run that goes on. A list of its executions
    tells of the last that happened to any of them.
    """
    if received.source in WATCHING or _counts_on(received):
        return received.at
    at = _inner_time(received)
    return second_over(at) if at is not None and received.source in _CALLS else at


def _counts_on(received: Received) -> bool:
    """True for the counts of a Map Run that went on, if it is known of when."""
    ended = maybe_time(received.data.get("stopDate"))
    return received.source == From.MAP_RUN and received.at is not None and not ended


def second_over(at: datetime) -> datetime:
    """Give the end of a call's second, by when it had surely happened.

    At its beginning it had perhaps not: there it would stand before what caused it.
    """
    return at + _REST_OF_SECOND


def when(received: Received, reading: Reading) -> datetime | None:
    """Tell a record's moment by either clock."""
    return moment(received) if reading is Reading.SEEN else happened(received)


def span(records: Iterable[Received]) -> tuple[datetime, datetime] | None:
    """Give the first and the last moment; None if there is no moment at all."""
    moments = [at for at in map(moment, records) if at is not None]
    return (min(moments), max(moments)) if moments else None


def _inner_time(received: Received) -> datetime | None:
    if received.source == From.CHILDREN:
        return _last_listed(received)
    keys = _TIMES.get(received.source, ())
    times = (maybe_time(received.data.get(key)) for key in keys)
    at = next((at for at in times if at is not None), None) or _record_time(received)
    # A call has whole seconds, here as where it is decoded.
    whole = at is not None and received.source in _CALLS
    return at.replace(microsecond=0) if at is not None and whole else at


def _last_listed(received: Received) -> datetime | None:
    items = received.data.get("executions")
    listed = map(mapping_of, items if isinstance(items, list) else ())
    times = (
        maybe_time(item.get("stopDate")) or maybe_time(item.get("startDate"))
        for item in listed
    )
    return max((at for at in times if at is not None), default=None)


def _record_time(received: Received) -> datetime | None:
    """Look inside an Event of LookupEvents whose envelope has no time.

    A task's state says to the millisecond since when it is so; its event does not.
    """
    if received.source == From.TASK_STATE:
        detail = mapping_of(received.data.get("detail"))
        return maybe_time(detail.get("updatedAt")) or maybe_time(
            received.data.get("time")
        )
    if received.source != From.LOOKUP:
        return None
    record = mapping_of(parse_json(received.data.get("CloudTrailEvent")))
    return maybe_time(record.get("eventTime"))
