"""One event of an execution's log in CloudWatch Logs, decoded.

AWS keeps no history of an Express execution but this. The log says what a history
says, in other words: keys in snake case, ids and times as strings, and the details,
whose own keys are the history's, under one key for every type. The log of a Standard
execution is written alike. A payload is left out where the state machine's logging
says so, and then so are the ids in it.
"""

import re
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from sfnwatch.trace.events import Record
from sfnwatch.trace.history import DecodeError, HistoryEvent, decode_history
from sfnwatch.trace.payload import canonical, mapping_of, text_of
from sfnwatch.trace.times import iso, maybe_time

LOG_KEYS = frozenset({"id", "type", "event_timestamp", "execution_arn"})
"""What an event of such a log always has."""
_SHARED = ("StateEntered", "StateExited")
"""Types of all states that have one detail key between them."""
_COUNTS = frozenset(
    {"heartbeatInSeconds", "index", "length", "redriveCount", "timeoutInSeconds"}
)
_COUNT = re.compile(r"[0-9]{1,9}")
_PAYLOADS = frozenset({"input", "output", "parameters"})


def decode_express(data: Record, seen_at: datetime | None = None) -> HistoryEvent:
    """Decode one event of a log; raises DecodeError for a record that is none."""
    missing = sorted(LOG_KEYS - data.keys())
    if missing:
        msg = f"an event of an execution's log without {', '.join(missing)}"
        raise DecodeError(msg)
    return replace(decode_history(_renamed(data), seen_at), raw=data)


def as_history(data: Record) -> Record:
    """Write an event of a log as GetExecutionHistory would have it.

    What is not as it should be stays as it is.
    """
    at = maybe_time(data.get("event_timestamp"))
    event = _renamed(data)
    return event if at is None else {**event, "timestamp": iso(at)}


def _renamed(data: Record) -> Record:
    event: dict[str, Any] = {
        "timestamp": data.get("event_timestamp"),
        "type": data.get("type"),
        "id": _number(data.get("id")),
        "previousEventId": _number(data.get("previous_event_id")),
    }
    details = mapping_of(data.get("details"))
    if details:
        key = _details_key(text_of(data.get("type")) or "")
        event[key] = {name: _detail(name, value) for name, value in details.items()}
    return event


def execution_of(data: Record) -> str | None:
    """Name the execution that an event of a log is of."""
    return text_of(data.get("execution_arn"))


def _details_key(kind: str) -> str:
    shared = next((name for name in _SHARED if kind.endswith(name)), kind)
    return f"{shared[:1].lower()}{shared[1:]}EventDetails"


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
