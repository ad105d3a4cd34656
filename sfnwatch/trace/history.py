"""One HistoryEvent of GetExecutionHistory, decoded.

The 62 types and their detail keys are in botocore's stepfunctions model. A type
AWS adds later decodes just the same and becomes a row without special meaning.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from sfnwatch.trace.events import Record
from sfnwatch.trace.payload import text_of
from sfnwatch.trace.times import parse_time

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

    def __repr__(self) -> str:
        return f"HistoryEvent({self.id}, {self.type!r}, {self.timestamp}, …)"

    def detail(self, key: str) -> str | None:
        """Give one string of the details."""
        return text_of(self.details.get(key))


_RECENT_MOST = 1024
"""A page, and a bit."""
_RECENT: dict[int, HistoryEvent] = {}
"""What was decoded last, by the identity of its record, which it keeps alive."""


def decode_history(data: Record, seen_at: datetime | None = None) -> HistoryEvent:
    """Decode one event; raises DecodeError for a record that is none.

    Times may be ISO strings or epoch numbers, ids numbers or, as in the log of an
    Express execution, strings. A page that comes in is looked at by several, one after
    the other: each record of it is decoded once.
    """
    known = _RECENT.get(id(data))
    if known is not None and known.raw is data and known.seen_at is seen_at:
        return known
    event = _decoded(data, seen_at)
    if len(_RECENT) >= _RECENT_MOST:
        _RECENT.clear()
    _RECENT[id(data)] = event
    return event


def _decoded(data: Record, seen_at: datetime | None) -> HistoryEvent:
    try:
        number, kind, before = data["id"], data["type"], data.get("previousEventId")
        return HistoryEvent(
            id=number if type(number) is int else _whole(number),
            type=kind if type(kind) is str and kind else _type(kind),
            previous_event_id=before if type(before) is int else _whole(before or 0),
            timestamp=parse_time(data["timestamp"]),
            details=_details(data),
            seen_at=seen_at,
            raw=data,
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
