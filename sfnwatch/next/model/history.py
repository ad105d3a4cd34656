"""One HistoryEvent of GetExecutionHistory, decoded.

The 62 types and their detail keys are in botocore's stepfunctions model. A type
AWS adds later decodes just the same and becomes a row without special meaning.

AWS keeps no history of an Express execution but its log in CloudWatch Logs. That says
the same in other words: keys in snake case, ids and times as strings, and the details,
whose own keys are the history's, under one key for every type. The log of a Standard
execution is written alike. A payload is left out where the state machine's logging
says so, and then so are the ids in it.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from sys import intern
from typing import Any

from msgspec import Struct

from sfnwatch.next.model.json_text import canonical, mapping_of, text_of
from sfnwatch.next.model.records import DecodeError, Record
from sfnwatch.next.model.times import iso, maybe_time, parse_time

REDRIVEN = "ExecutionRedriven"
TERMINAL = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionTimedOut": "TIMED_OUT",
    "ExecutionAborted": "ABORTED",
}
"""The events that end an execution, and the status that each gives it."""

LOG_KEYS = frozenset({"id", "type", "event_timestamp", "execution_arn"})
"""What an event of an execution's log always has."""
_SHARED = ("StateEntered", "StateExited")
"""Types of all states that have one detail key between them."""
_COUNTS = frozenset(
    {"heartbeatInSeconds", "index", "length", "redriveCount", "timeoutInSeconds"}
)
_COUNT = re.compile(r"[0-9]{1,9}")
_PAYLOADS = frozenset({"input", "output", "parameters"})
_DETAILS = "EventDetails"

Details = Mapping[str, Any]
"""The one `…EventDetails` object of an event; empty where AWS sends none."""


class HistoryEvent(Struct, gc=False):
    """What happened to one execution, in AWS's words.

    Its details stay in the record: `Trace.details` gives them.
    """

    id: int
    type: str
    previous_event_id: int
    """0 for the first state, for ExecutionAborted and for EvaluationFailed."""
    at: datetime
    """Millisecond resolution."""
    seen_at: datetime | None = None
    number: int = -1
    """Of its record in the store."""
    visit_id: int = 0
    """The visit it belongs to, 0 for none; an iteration's own events are its Map's."""
    attempt_id: int = 0
    """The `scheduled_id` of the attempt it belongs to, 0 for none."""
    iteration: int | None = None
    """Which iteration of its Map it tells of, where it tells of one as a whole."""
    execution_arn: str = ""

    @property
    def key(self) -> str:
        """Its key for lines and as evidence."""
        return f"{self.execution_arn}#{self.id}"


def decode_event(
    record: Record, seen_at: datetime | None = None
) -> tuple[HistoryEvent, Details]:
    """Decode one event; raises DecodeError for a record that is none.

    Times may be ISO strings or epoch numbers, ids numbers or strings.
    """
    try:
        event = HistoryEvent(
            id=_whole(record["id"]),
            type=_type(record["type"]),
            previous_event_id=_whole(record.get("previousEventId") or 0),
            at=parse_time(record["timestamp"]),
            seen_at=seen_at,
        )
    except KeyError as error:
        msg = f"a history event without {error}"
        raise DecodeError(msg) from error
    except (ValueError, TypeError) as error:
        msg = f"not a history event: {error}"
        raise DecodeError(msg) from error
    return event, details_of(record)


def _whole(value: Any) -> int:
    if type(value) is int:
        return value
    if isinstance(value, bool) or not isinstance(value, int | str):
        msg = f"not an event id: {value!r:.60}"
        raise ValueError(msg)  # noqa: TRY004 - becomes a DecodeError
    return int(value)


def _type(value: Any) -> str:
    if not isinstance(value, str) or not value:
        msg = f"not an event type: {value!r:.60}"
        raise ValueError(msg)
    return intern(value)


def details_of(record: Record) -> Details:
    """Find the details in the record of an event."""
    for key, value in record.items():
        if isinstance(value, Mapping) and key.endswith(_DETAILS):
            return value
    return {}


# -- logs in CloudWatch Logs ---------------------------------------------------------


def as_history(record: Record) -> Record:
    """Write an event of an execution's log as GetExecutionHistory would have it.

    Raises DecodeError for a record that is none.
    """
    missing = sorted(LOG_KEYS - record.keys())
    if missing:
        msg = f"an event of an execution's log without {', '.join(missing)}"
        raise DecodeError(msg)
    at = maybe_time(record.get("event_timestamp"))
    event: dict[str, Any] = {
        "timestamp": record.get("event_timestamp") if at is None else iso(at),
        "type": record.get("type"),
        "id": _number(record.get("id")),
        "previousEventId": _number(record.get("previous_event_id")),
    }
    details = mapping_of(record.get("details"))
    if details:
        key = _details_key(text_of(record.get("type")) or "")
        event[key] = {name: _detail(name, value) for name, value in details.items()}
    return event


def _details_key(kind: str) -> str:
    shared = next((name for name in _SHARED if kind.endswith(name)), kind)
    return f"{shared[:1].lower()}{shared[1:]}{_DETAILS}"


def _detail(name: str, value: Any) -> Any:
    """Write a detail as a history has it.

    Recorded logs have payloads as JSON texts. Of counts none is recorded; ids and
    times being strings, they may be too.
    """
    if name in _COUNTS:
        return _number(value)
    if name in _PAYLOADS and not isinstance(value, str):
        return canonical(value)
    return value


def _number(value: Any) -> Any:
    digits = isinstance(value, str) and _COUNT.fullmatch(value)
    return int(value) if digits else value
