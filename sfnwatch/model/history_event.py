"""What happened to one execution: an event of its history, or of its log.

The 62 types of events and their detail keys are in botocore's stepfunctions model. A
type AWS adds later decodes just the same and becomes a row without special meaning.

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

from sfnwatch.model.records import DecodeError, Received, Record
from sfnwatch.model.times import parse_time
from sfnwatch.model.values import canonical, mapping_of, required_text

REDRIVEN = "ExecutionRedriven"
MOST_EVENTS = 25_000
"""No history has more: at that an execution fails."""
TERMINAL = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionTimedOut": "TIMED_OUT",
    "ExecutionAborted": "ABORTED",
}
"""The events that end an execution, and the status that each gives it."""

_TIME_IN_LOG = "event_timestamp"
LOG_KEYS = frozenset({"id", "type", _TIME_IN_LOG, "execution_arn"})
"""What an event of an execution's log always has."""
_COUNTS = frozenset(
    {"heartbeatInSeconds", "index", "length", "redriveCount", "timeoutInSeconds"}
)
_ID_TYPES = frozenset({int, str})
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
    iteration_end: str | None = None
    """How that iteration ended, in the words of a visit's status, if it ended."""
    execution_arn: str = ""

    @property
    def key(self) -> str:
        """Its key for lines and as evidence."""
        return f"{self.execution_arn}#{self.id}"


def decode_event(received: Received) -> tuple[HistoryEvent, Details]:
    """Decode one event, of a history or a log; raises DecodeError for what is none.

    Times may be ISO strings or epoch numbers, ids numbers or strings.
    """
    record = received.record
    is_logged = _TIME_IN_LOG in record
    previous = "previous_event_id" if is_logged else "previousEventId"
    try:
        event = HistoryEvent(
            id=_whole(record["id"], least=1),
            type=intern(required_text(record, "type")),
            previous_event_id=_whole(record.get(previous) or 0),
            at=parse_time(record[_TIME_IN_LOG if is_logged else "timestamp"]),
            seen_at=received.at,
        )
    except KeyError as error:
        raise DecodeError(f"an event without {error}") from error
    except (ValueError, TypeError) as error:
        raise DecodeError(f"not a history event: {error}") from error
    return event, details_of(record)


def _whole(value: Any, least: int = 0) -> int:
    """Read an event's id; AWS counts from 1, so that 0 is none."""
    if type(value) not in _ID_TYPES or int(value) < least:
        raise ValueError(f"not an event id: {value!r:.60}")
    return int(value)


def details_of(record: Record) -> Details:
    """Find the details in the record of an event; a log's as a history has them."""
    if _TIME_IN_LOG in record:
        logged = mapping_of(record.get("details"))
        return {name: _detail(name, value) for name, value in logged.items()}
    for key, value in record.items():
        if key.endswith(_DETAILS) and (details := mapping_of(value)):
            return details
    return {}


def _detail(name: str, value: Any) -> Any:
    """Write a detail as a history has it.

    Recorded logs have payloads as JSON texts. Of counts none is recorded; ids and
    times being strings, they may be too.
    """
    is_text = isinstance(value, str)
    if name in _COUNTS and is_text and _COUNT.fullmatch(value):
        return int(value)
    return canonical(value) if name in _PAYLOADS and not is_text else value
