"""Foreign JSON, recognised by what it says: never by its name.

What the AWS CLI, the console, a trail and EventBridge write about an execution. A
file may hold one value, a list of them, or one after the other (JSON Lines).
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from sfnwatch.recording.loading import bad_file
from sfnwatch.recording.parsing import NotJsonError, line_of, parse_values
from sfnwatch.trace.calls import decode_call
from sfnwatch.trace.events import From, Received, Record
from sfnwatch.trace.express import LOG_KEYS, decode_express, execution_of
from sfnwatch.trace.history import DecodeError, decode_history
from sfnwatch.trace.map_runs import decode_map_run
from sfnwatch.trace.payload import canonical, mapping_of, parse_json
from sfnwatch.trace.task_states import decode_task_state, is_task_state
from sfnwatch.trace.text import clean

KNOWN = (
    "Open a recording, or what `aws stepfunctions get-execution-history` or `aws "
    "cloudtrail lookup-events` wrote; `sfnwatch replay --help` lists all it reads."
)
_SHOWN_KEYS = 6
_SHOWN = 30
"""Characters of a key."""
_KINDS = {
    list: "a JSON array",
    str: "a JSON string",
    bool: "a JSON boolean",
    type(None): "a JSON null",
}


class Imported(Struct):
    """What a foreign file holds; of which execution, it often doesn't say."""

    path: Path
    events: dict[int, Record] = field(default_factory=dict)
    """History events by id: those of one execution."""
    described: list[Record] = field(default_factory=list)
    defined: list[Record] = field(default_factory=list)
    calls: list[Received] = field(default_factory=list)
    """What belongs to no one execution: calls, and what ECS tells of tasks. And what
    names its own: an execution's log."""
    more: bool = False
    """True if it says that another page follows."""

    @property
    def empty(self) -> bool:
        return not (self.events or self.described or self.defined or self.calls)


def import_json(path: Path, text: str) -> Imported:
    """Sort what a JSON file holds; raises BadFileError with file, line and place."""
    imported = Imported(path)
    try:
        values = list(parse_values(text))
    except NotJsonError as error:
        raise bad_file(path, f"{error}", line=error.line) from error
    for line, value in values:
        try:
            _take(imported, value, "")
        except _UnknownError as error:
            what = f"not a file sfnwatch knows: {error}"
            place = _line(text, line, error.where, values)
            raise bad_file(path, what, line=place, hint=KNOWN) from error
        except _BadItemError as error:
            place = _line(text, line, error.where, values)
            raise bad_file(path, f"{error}", line=place) from error
    return imported


class _PlacedError(ValueError):
    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}" if where else what)
        self.where = where


class _UnknownError(_PlacedError):
    """A JSON value that is nothing we know."""


class _BadItemError(_PlacedError):
    """An item that lacks what its kind must have."""


def _line(text: str, line: int, where: str, values: Sequence[object]) -> int | None:
    """Name the line where it says more than that the file is one value."""
    if where:
        return line_of(text, line, where)
    return line if len(values) > 1 else None


def _take(imported: Imported, value: Any, where: str) -> None:
    if isinstance(value, list):
        for number, item in enumerate(value):
            _take(imported, item, f"{where}[{number}]")
        return
    if isinstance(value, dict):
        for keys, take in _SHAPES:
            if keys <= value.keys():
                take(imported, value, where)
                imported.more = imported.more or any(map(value.get, _TOKENS))
                return
    raise _UnknownError(where, _what(value))


def _what(value: Any) -> str:
    if not isinstance(value, dict):
        return _KINDS.get(type(value), "a JSON number")
    if "sfnwatch_trace" in value:
        return "an exported trace; open the recording that it was made from"
    if not value:
        return "a JSON object with no keys"
    keys = [clean(key, _SHOWN) for key in list(value)[:_SHOWN_KEYS]]
    more = ", …" if len(value) > _SHOWN_KEYS else ""
    word = "key" if len(value) == 1 else "keys"
    return f"a JSON object with the {word} {', '.join(keys)}{more}"


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise _UnknownError(where, _what(value))
    return value


def _object(value: Any, where: str) -> Record:
    if not isinstance(value, dict):
        raise _BadItemError(where, f"no object but {_what(value)}")
    return value


def _each(key: str, take: "_Take") -> "_Take":
    """Take each item of the list under `key`."""

    def take_all(imported: Imported, value: Record, where: str) -> None:
        prefix = f"{where}.{key}" if where else key
        for number, item in enumerate(_list(value[key], prefix)):
            place = f"{prefix}[{number}]"
            take(imported, _object(item, place), place)

    return take_all


def _event(imported: Imported, value: Record, where: str) -> None:
    try:
        number = decode_history(value).id
    except DecodeError as error:
        raise _BadItemError(where, f"{error}") from error
    known = imported.events.setdefault(number, value)
    if known is not value and canonical(known) != canonical(value):
        msg = f"another event {number} than before: one file holds one execution"
        raise _BadItemError(where, msg)


def _loose(source: From, decode: Callable[[Received], object]) -> "_Take":
    def take(imported: Imported, value: Record, where: str) -> None:
        received = Received(None, source, None, value)
        try:
            decode(received)
        except DecodeError as error:
            raise _BadItemError(where, f"{error}") from error
        imported.calls.append(received)

    return take


def _eventbridge(imported: Imported, value: Record, where: str) -> None:
    """Take the CloudTrail record out of `AWS API Call via CloudTrail` and its like.

    What ECS tells of a task is kept with its envelope.
    """
    if is_task_state(value):
        _task_state(imported, value, where)
        return
    detail = value["detail"]
    if not isinstance(detail, Mapping) or not {"eventName", "eventTime"} <= set(detail):
        what = f"an EventBridge event of type {value['detail-type']!s:.60}"
        raise _UnknownError(where, what)
    _record(imported, detail, where)


def _described(imported: Imported, value: Record, where: str) -> None:
    if not isinstance(value["executionArn"], str):
        raise _BadItemError(where, "executionArn is no text")
    imported.described.append(value)


def _defined(imported: Imported, value: Record, where: str) -> None:
    if not isinstance(value["definition"], str):
        raise _BadItemError(where, "definition is no text")
    imported.defined.append(value)


_TOKENS = ("nextToken", "NextToken")
"""Under which of these an answer says that it is one page of several."""
_Take = Callable[[Imported, Record, str], None]
_lookup = _loose(From.LOOKUP, decode_call)
_record = _loose(From.TRAIL, decode_call)
_map_run = _loose(From.MAP_RUN, decode_map_run)
_task_state = _loose(From.TASK_STATE, decode_task_state)


def _logged(imported: Imported, value: Record, where: str) -> None:
    """Take one event of an execution's log."""
    try:
        decode_express(value)
    except DecodeError as error:
        raise _BadItemError(where, f"{error}") from error
    arn = execution_of(value)
    if arn is None:
        raise _BadItemError(where, "execution_arn is no text")
    imported.calls.append(Received(None, From.EXPRESS, arn, value))


def _log_event(imported: Imported, value: Record, where: str) -> None:
    """Take what a log event of CloudWatch Logs holds, if it is any of ours.

    A log has other lines too: Step Functions begins one with a sentence.
    """
    message = value.get("message", value.get("@message"))
    record = mapping_of(parse_json(message) if isinstance(message, str) else message)
    if record.keys() >= LOG_KEYS:
        _logged(imported, record, where)
    elif record.keys() >= {"eventName", "eventTime"}:
        _record(imported, record, where)


def _event_of_either(imported: Imported, value: Record, where: str) -> None:
    """Take an item of `events`, as a history and a log have one."""
    (_log_event if "message" in value else _event)(imported, value, where)


def _children(imported: Imported, value: Record, where: str) -> None:
    """Take a list of executions, where it is a Map Run's."""
    if _list(value["executions"], where) and not all(
        mapping_of(item).get("mapRunArn") for item in value["executions"]
    ):
        msg = "a list of executions, but of no Map Run: it does not say what happened"
        raise _BadItemError(where, msg)
    imported.calls.append(Received(None, From.CHILDREN, None, value))


_SHAPES: tuple[tuple[set[str], _Take], ...] = (
    ({"events"}, _each("events", _event_of_either)),
    ({"logEvents"}, _each("logEvents", _log_event)),
    ({"Events"}, _each("Events", _lookup)),
    ({"Records"}, _each("Records", _record)),
    ({"EventId", "CloudTrailEvent"}, _lookup),
    ({"detail-type", "detail"}, _eventbridge),
    ({"mapRunArn", "executionCounts"}, _map_run),
    ({"executions"}, _children),
    ({"executionArn", "stateMachineArn", "status"}, _described),
    ({"definition", "stateMachineArn"}, _defined),
    (set(LOG_KEYS), _logged),
    ({"message", "timestamp"}, _log_event),
    ({"@message"}, _log_event),
    ({"eventName", "eventTime"}, _record),
    ({"id", "type", "timestamp"}, _event),
)
"""The keys that tell what an object is, the first that fit."""
