"""Find the kind of record that a JSON object of a foreign file is, by its keys."""

from typing import Any

from sfnwatch.model.ecs_task import is_task_state
from sfnwatch.model.history_event import LOG_KEYS
from sfnwatch.model.records import Record, RecordKind
from sfnwatch.model.texts import clean
from sfnwatch.model.values import mapping_of, parse_json

_SHOWN = 60
"""Characters of an unknown object's keys that an error shows."""

_CALL_KEYS = {"eventName", "eventTime"}
_KINDS_BY_KEYS: tuple[tuple[set[str] | frozenset[str], RecordKind], ...] = (
    ({"EventId", "EventTime"}, RecordKind.LOOKUP),
    ({"mapRunArn", "executionCounts"}, RecordKind.MAP_RUN),
    ({"executions"}, RecordKind.CHILDREN),
    ({"executionArn", "stateMachineArn", "status"}, RecordKind.DESCRIBE),
    ({"definition", "stateMachineArn"}, RecordKind.DEFINITION),
    (LOG_KEYS, RecordKind.EXPRESS),
    (_CALL_KEYS, RecordKind.TRAIL),
    ({"id", "type", "timestamp"}, RecordKind.HISTORY),
)
"""The keys that each kind of object has; the first row that fits counts."""


class UnknownItemError(ValueError):
    """A value that is no record of a known kind."""


def recognize(value: Any) -> tuple[str, Record] | None:
    """Return the kind of the record in a JSON value, and the record.

    None for a log line that is neither an execution's event nor a call: Step Functions
    begins a log with a sentence. Raises ValueError for any other value without a record
    of a known kind.
    """
    record = mapping_of(value)
    if is_task_state(record):
        return RecordKind.TASK_STATE, record
    if "detail-type" in record and "detail" in record:
        return _in_eventbridge_event(record)
    if "@message" in record or ("message" in record and "timestamp" in record):
        return _in_log_line(record)
    kind = _kind_by_keys(record)
    if kind is None:
        raise UnknownItemError(_describe_unknown(value))
    if kind == RecordKind.CHILDREN:
        listed = record["executions"]
        if not isinstance(listed, list):
            raise UnknownItemError(_describe_unknown(value))
        if not all(mapping_of(execution).get("mapRunArn") for execution in listed):
            what = "a list of executions, but of no Map Run"
            raise ValueError(f"{what}: it does not say what happened")
    return kind, record


def _in_eventbridge_event(event: Record) -> tuple[str, Record]:
    """Return the record in an event's detail; raises UnknownItemError."""
    detail = mapping_of(event["detail"])
    if event["detail-type"] == "Step Functions Execution Status Change":
        return RecordKind.DESCRIBE, detail
    # `AWS API Call via CloudTrail` and similar detail types.
    if detail.keys() >= _CALL_KEYS:
        return RecordKind.TRAIL, detail
    what = f"an EventBridge event of type {event['detail-type']!s:.60}"
    raise UnknownItemError(what)


def _in_log_line(line: Record) -> tuple[str, Record] | None:
    """Return the event or call in a line's message; None where it has neither."""
    message = line.get("message", line.get("@message"))
    if isinstance(message, str):
        message = parse_json(message)
    record = mapping_of(message)
    kind = _kind_by_keys(record)
    if kind in {RecordKind.EXPRESS, RecordKind.TRAIL}:
        return kind, record
    return None


def _kind_by_keys(record: Record) -> RecordKind | None:
    for keys, kind in _KINDS_BY_KEYS:
        if keys <= record.keys():
            return kind
    return None


def _describe_unknown(value: Any) -> str:
    if not isinstance(value, dict):
        return "no JSON object"
    if "sfnwatch_trace" in value:
        return "an exported trace; open the recording that it was made from"
    keys = clean(", ".join(value), _SHOWN)
    return f"a JSON object {{{keys}}}"
