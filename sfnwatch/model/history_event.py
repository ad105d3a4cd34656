"""An event of one execution, from its history or from its log.

The 62 types of events and their detail keys are in botocore's stepfunctions model. A
type that AWS adds later is decoded in the same way and becomes a row without special
meaning.

AWS keeps no history of an Express execution, only its log in CloudWatch Logs. The log
has the same events in another form: keys in snake case, and ids and times as strings.
The details are under one key for every type; inside them the keys are the history's.
The log of a Standard execution has the same form. The state machine's logging may leave
payloads out, and then the ids in them are missing too.
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
"""The most events of a history: an execution fails when it reaches them."""
STATUS_BY_END = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionTimedOut": "TIMED_OUT",
    "ExecutionAborted": "ABORTED",
}
"""The types of events that end an execution, with the status that each gives it."""

_TIME_IN_LOG = "event_timestamp"
LOG_KEYS = frozenset({"id", "type", _TIME_IN_LOG, "execution_arn"})
"""The keys that every event of an execution's log has."""
_COUNTS = frozenset(
    {"heartbeatInSeconds", "index", "length", "redriveCount", "timeoutInSeconds"}
)
_ID_TYPES = frozenset({int, str})
_COUNT = re.compile(r"[0-9]{1,9}")
_PAYLOADS = frozenset({"input", "output", "parameters"})
_DETAILS = "EventDetails"

Details = Mapping[str, Any]
"""The one `…EventDetails` object of an event; empty where the event has none."""


class HistoryEvent(Struct, gc=False):
    """One event of an execution, in AWS's words.

    Its details stay in the record: `Trace.details` returns them.
    """

    id: int
    type: str
    previous_event_id: int
    """0 for the first state, for ExecutionAborted and for EvaluationFailed."""
    at: datetime
    """When it happened, to the millisecond."""
    seen_at: datetime | None = None
    number: int = -1
    """The number of its record in the store."""
    visit_id: int = 0
    """The visit it belongs to, 0 for none; a MapIteration… event belongs to its Map."""
    attempt_id: int = 0
    """The `scheduled_id` of the attempt it belongs to, 0 for none."""
    iteration: int | None = None
    """The index of the iteration that a MapIteration… event is about; else None."""
    iteration_end: str | None = None
    """The status with which the event ends that iteration, as a visit's; else None."""
    execution_arn: str = ""

    @property
    def key(self) -> str:
        """The event's key, as a line and as evidence."""
        return f"{self.execution_arn}#{self.id}"


def decode_event(received: Received) -> tuple[HistoryEvent, Details]:
    """Return the event of a record from a history or a log, and its details.

    Times may be ISO strings or epoch numbers; ids may be numbers or strings. Raises
    DecodeError for a record that is no event.
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
    """Return an event's id as a number; AWS counts from 1, so 0 stands for no event."""
    if type(value) not in _ID_TYPES or int(value) < least:
        raise ValueError(f"not an event id: {value!r:.60}")
    return int(value)


def details_of(record: Record) -> Details:
    """Return the details in an event's record; those of a log in a history's form."""
    if _TIME_IN_LOG in record:
        logged = mapping_of(record.get("details"))
        return {name: _detail(name, value) for name, value in logged.items()}
    for key, value in record.items():
        if key.endswith(_DETAILS) and (details := mapping_of(value)):
            return details
    return {}


def _detail(name: str, value: Any) -> Any:
    """Return a detail of a log in the form that a history has it in.

    The recorded logs have payloads as JSON texts. None of them has a count. Since ids
    and times are strings in a log, counts may be strings too.
    """
    is_text = isinstance(value, str)
    if name in _COUNTS and is_text and _COUNT.fullmatch(value):
        return int(value)
    return canonical(value) if name in _PAYLOADS and not is_text else value
