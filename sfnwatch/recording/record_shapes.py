"""Find the kind of record that a JSON object of a foreign file is, by its keys."""

from typing import Any

from sfnwatch.model.ecs_task import is_task_state
from sfnwatch.model.history_event import (
    LOG_KEYS,
)
from sfnwatch.model.records import (
    Record,
    RecordKind,
)
from sfnwatch.model.texts import clean
from sfnwatch.model.values import mapping_of, parse_json

_SHOWN = 60
"""Characters of an unknown object's keys that an error shows."""


class UnknownItemError(ValueError):
    """A value that is no record of a known kind."""


def recognize(value: Any) -> tuple[str, Record] | None:
    """Return the record in a JSON value, and its kind.

    None for a log line that is neither an execution's event nor a call: Step Functions
    begins a log with a sentence. Raises ValueError for any other value without a record
    of a known kind.
    """
    told = mapping_of(value)
    if is_task_state(told):
        return RecordKind.TASK_STATE, told
    if told.keys() >= {"detail-type", "detail"}:
        if told["detail-type"] == "Step Functions Execution Status Change":
            return RecordKind.DESCRIBE, mapping_of(told["detail"])
        # `AWS API Call via CloudTrail` and similar detail types.
        if (call := mapping_of(told["detail"])).keys() >= _CALL:
            return RecordKind.TRAIL, call
        what = f"an EventBridge event of type {told['detail-type']!s:.60}"
        raise UnknownItemError(what)
    is_logged = "@message" in told or told.keys() >= {"message", "timestamp"}
    if is_logged:
        message = told.get("message", told.get("@message"))
        is_text = isinstance(message, str)
        told = mapping_of(parse_json(message) if is_text else message)
    kind = next((kind for keys, kind in _SHAPES if keys <= told.keys()), None)
    if is_logged:
        return (kind, told) if kind in {RecordKind.EXPRESS, RecordKind.TRAIL} else None
    listed = told.get("executions") if kind == RecordKind.CHILDREN else []
    if kind is None or not isinstance(listed, list):
        raise UnknownItemError(_what(value))
    if not all(mapping_of(item).get("mapRunArn") for item in listed):
        what = "a list of executions, but of no Map Run: it does not say what happened"
        raise ValueError(what)
    return kind, told


def _what(value: Any) -> str:
    if not isinstance(value, dict):
        return "no JSON object"
    if "sfnwatch_trace" in value:
        return "an exported trace; open the recording that it was made from"
    return f"a JSON object {{{clean(', '.join(value), _SHOWN)}}}"


_CALL = {"eventName", "eventTime"}
_SHAPES: tuple[tuple[set[str] | frozenset[str], RecordKind], ...] = (
    ({"EventId", "EventTime"}, RecordKind.LOOKUP),
    ({"mapRunArn", "executionCounts"}, RecordKind.MAP_RUN),
    ({"executions"}, RecordKind.CHILDREN),
    ({"executionArn", "stateMachineArn", "status"}, RecordKind.DESCRIBE),
    ({"definition", "stateMachineArn"}, RecordKind.DEFINITION),
    (LOG_KEYS, RecordKind.EXPRESS),
    (_CALL, RecordKind.TRAIL),
    ({"id", "type", "timestamp"}, RecordKind.HISTORY),
)
"""The keys that each kind of object has; the first row that fits counts."""
