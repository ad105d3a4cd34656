"""One HistoryEvent of GetExecutionHistory, decoded.

The 62 types and their detail keys are in botocore's stepfunctions model. A type
AWS adds later decodes just the same and becomes a row without special meaning.
"""

from collections.abc import Mapping
from datetime import datetime
from sys import intern
from typing import Any

import msgspec

from sfnwatch.trace.bundles import bundled
from sfnwatch.trace.events import Received, Record
from sfnwatch.trace.packed import Closed, opened
from sfnwatch.trace.payload import text_of
from sfnwatch.trace.times import parse_time
from sfnwatch.trace.values import replace

_DETAILS = "EventDetails"
_PLAIN = frozenset({str, int, float, bool, type(None)})
"""Types of values that hold no others."""


class DecodeError(ValueError):
    """A record that lacks what its kind must have; the text says what and where."""


class HistoryEvent(msgspec.Struct, frozen=True, gc=False):
    """What happened to one execution, in AWS's words.

    There are tens of thousands: this is made in a tenth of a dataclass's time, and the
    garbage collector need not look at it, since JSON holds no cycles.
    """

    id: int
    type: str
    previous_event_id: int
    """0 for the first state, for ExecutionAborted and for EvaluationFailed."""
    timestamp: datetime
    """Millisecond resolution."""
    details: Mapping[str, Any] = {}
    """The one `…EventDetails` object of its type; empty where AWS sends none."""
    seen_at: datetime | None = None
    raw: Record = {}
    """What was received, maybe bundled: see `record`."""

    def __repr__(self) -> str:
        return f"HistoryEvent({self.id}, {self.type!r}, {self.timestamp}, …)"

    @property
    def record(self) -> Record:
        """What was received, to be read in several places; maybe read anew for it."""
        return opened(self.raw)

    def detail(self, key: str) -> str | None:
        """Give one string of the details."""
        return text_of(self.details.get(key))


class _Details(Closed, frozen=True, gc=False, eq=False):
    """The details in a bundled record."""

    record: Closed

    def opened(self) -> Mapping[str, Any]:
        global _LAST  # noqa: PLW0603 - of one event several things are asked in turn
        record, last = self.record, _LAST
        if last[0] is not record:
            last = _LAST = record, _details(record.opened())
        return last[1]


def _closed(record: Closed) -> Mapping[str, Any]:
    return _Details(record)  # type: ignore[return-value]


_LAST: tuple[Closed | None, Mapping[str, Any]] = None, {}
"""The record that was asked last, and its details."""
_RECENT_MOST = 2560
"""A page and a bit, by two names each."""
_RECENT: dict[int, tuple[Record, HistoryEvent]] = {}
"""What was decoded last, by the identity of its record, which it keeps alive."""


def decode_history(data: Record, seen_at: datetime | None = None) -> HistoryEvent:
    """Decode one event; raises DecodeError for a record that is none.

    Times may be ISO strings or epoch numbers, ids numbers or, as in the log of an
    Express execution, strings. A page that comes in is looked at by several, one after
    the other: each record of it is decoded once.
    """
    known = _recent(data)
    if known is not None and known.seen_at is seen_at:
        return known
    event = _decoded(data, seen_at)
    _remember(data, event)
    return event


def _recent(data: Record) -> HistoryEvent | None:
    record, event = _RECENT.get(id(data), (None, None))
    return event if record is data else None


def _remember(data: Record, event: HistoryEvent) -> None:
    if len(_RECENT) >= _RECENT_MOST:
        _RECENT.clear()
    _RECENT[id(data)] = data, event


def in_a_bundle(received: Received) -> Received:
    """Bundle an event's record, for what keeps very many."""
    data = received.data
    if isinstance(data, Closed):
        return received
    kept, known = bundled(data), _recent(data)
    if known is not None and isinstance(kept, Closed):
        details = _closed(kept) if known.details else known.details
        known = msgspec.structs.replace(known, details=details, raw=kept)
        _remember(data, known)
        _remember(kept, known)
    return replace(received, data=kept)


def _decoded(record: Record, seen_at: datetime | None) -> HistoryEvent:
    data = opened(record)
    try:
        number, kind, before = data["id"], data["type"], data.get("previousEventId")
        return HistoryEvent(
            id=number if type(number) is int else _whole(number),
            type=intern(kind) if type(kind) is str and kind else _type(kind),
            previous_event_id=before if type(before) is int else _whole(before or 0),
            timestamp=parse_time(data["timestamp"]),
            details=_closed(record) if isinstance(record, Closed) else _details(data),
            seen_at=seen_at,
            raw=record,
        )
    except KeyError as error:
        msg = f"a history event without {error}"
        raise DecodeError(msg) from error
    except (ValueError, TypeError) as error:
        msg = f"not a history event: {error}"
        raise DecodeError(msg) from error


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        msg = f"not an event id: {value!r:.60}"
        raise ValueError(msg)  # noqa: TRY004 - becomes a DecodeError
    return int(value)


def _type(value: Any) -> str:
    if not isinstance(value, str) or not value:
        msg = f"not an event type: {value!r:.60}"
        raise ValueError(msg)
    return value


def _details(data: Record) -> Mapping[str, Any]:
    for key, value in data.items():
        # What is no object is most of it, and quickly told.
        if type(value) in _PLAIN:
            continue
        if key.endswith(_DETAILS) and (
            type(value) is dict or isinstance(value, Mapping)
        ):
            return value
    return {}
