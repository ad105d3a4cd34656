"""Files that others wrote, recognized by what they say: never by their names.

What the AWS CLI, the console, a trail, EventBridge and CloudWatch Logs write about an
execution is JSON: one value, a list of them, or one after the other (JSON Lines). What
Athena writes is CSV: a row for each call, all of it text.
"""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from sfnwatch.next.errors import BadFileError
from sfnwatch.next.model.ecs_task import is_task_state
from sfnwatch.next.model.history import LOG_KEYS, decode_event
from sfnwatch.next.model.json_text import canonical, mapping_of, parse_json, text_of
from sfnwatch.next.model.records import (
    DecodeError,
    Received,
    Record,
    RecordKind,
    receive,
)
from sfnwatch.next.model.text import clean
from sfnwatch.next.recording.byte_stream import HEAD, ByteStream
from sfnwatch.next.recording.format import (
    NotJsonError,
    bad_file,
    check_record,
    scan_value,
    skip_space,
)

KNOWN = (
    "Open a recording, or what `aws stepfunctions get-execution-history` or `aws "
    "cloudtrail lookup-events` wrote; `sfnwatch replay --help` lists all it reads."
)
MAX_VALUE = 1 << 28
"""Characters of one JSON value, which is parsed as a whole."""
_NOT_KNOWN = "not a file sfnwatch knows"
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
    others: list[Received] = field(default_factory=list)
    """What belongs to no one execution: calls, and what ECS tells of tasks. And what
    names its own: an execution's log."""
    has_next: bool = False
    """True if it says that another page follows."""

    @property
    def notes(self) -> list[str]:
        held = self.events or self.described or self.defined or self.others
        return [] if held else [f"{clean(str(self.path))}: holds no records"]


def import_file(stream: ByteStream) -> Imported:
    """Read a file that is no recording; raises BadFileError with file and line."""
    is_json = stream.head.lstrip().startswith((b"{", b"["))
    try:
        return (import_json if is_json else import_table)(stream)
    finally:
        if stream.cut:
            raise bad_file(stream.path, stream.cut, hint="Fetch it again.")


# -- JSON ----------------------------------------------------------------------------

_BETWEEN = re.compile(r"[ \t\r\n,:]*")


def import_json(stream: ByteStream) -> Imported:
    """Sort what a JSON file holds."""
    imported = Imported(stream.path)
    for line, value, text in _values(stream):
        try:
            _take(imported, value, ())
        except _ItemError as error:
            inside = text.count("\n", 0, _position_of(text, error.place))
            raise _refused(stream.path, error, line + inside) from error
    return imported


def _refused(path: Path, error: "_ItemError", line: int) -> BadFileError:
    # The line of a file's only value says no more than its name.
    at = line if error.place or line > 1 else None
    if error.unknown:
        return bad_file(path, f"{_NOT_KNOWN}: {error}", line=at, hint=KNOWN)
    return bad_file(path, error, line=at)


def _position_of(text: str, place: "_Place") -> int:
    """Find where an item begins in the text of the value that it is in."""
    position = 0
    # Of a key that is there twice the last one counts, and is not found here.
    with suppress(NotJsonError):
        for step in place:
            position, index = _skip_separators(text, position + 1), 0
            while index != step:
                value, position = scan_value(text, position)
                position, index = _skip_separators(text, position), index + 1
                if value == step:
                    break
    return position


def _skip_separators(text: str, position: int) -> int:
    match = _BETWEEN.match(text, position)
    return match.end() if match else position


def _values(stream: ByteStream) -> Iterator[tuple[int, Any, str]]:
    """Yield each value, the line it begins on, and its text."""
    blocks: list[str] = []
    line, wanted = 1, 0
    for block in chain(_text_blocks(stream), ("",)):
        blocks.append(block)
        if block and sum(map(len, blocks)) < wanted:
            continue
        text, index = "".join(blocks), 0
        while (start := skip_space(text, index)) < len(text):
            line += text.count("\n", index, start)
            index = start
            found = _value_at(stream.path, text, start, line, goes_on=bool(block))
            if found is None:
                break
            value, index = found
            yield line, value, text[start:index]
            line += text.count("\n", start, index)
        blocks = [text[index:]]
        if len(blocks[0]) > MAX_VALUE:
            what = f"a JSON value longer than {MAX_VALUE >> 20} MiB"
            raise bad_file(stream.path, what, line=line)
        # A value that is begun is parsed again when there is twice as much of it.
        wanted = 2 * len(blocks[0])


def _text_blocks(stream: ByteStream) -> Iterator[str]:
    try:
        yield from filter(None, codecs.iterdecode(stream.blocks(), "utf-8"))
    except UnicodeDecodeError as error:
        raise bad_file(stream.path, error) from error


def _value_at(
    path: Path, text: str, start: int, line: int, *, goes_on: bool
) -> tuple[Any, int] | None:
    """Parse the value at `start`, and say where it ends; None where it goes on."""
    try:
        value, end = scan_value(text, start)
    except NotJsonError as error:
        if goes_on and error.cut:
            if len(text) - start >= HEAD:
                _check_beginning(path, text, start, line)
            return None
        line += text.count("\n", start, error.position)
        raise bad_file(path, error, line=line) from error
    if end == len(text) and goes_on and not isinstance(value, dict | list):
        return None
    return value, end


def _check_beginning(path: Path, text: str, start: int, line: int) -> None:
    """Refuse a long value that does not begin like anything known."""
    if not _MARKS.search(text, start):
        raise bad_file(path, _NOT_KNOWN, hint=KNOWN)
    if text[start] != "[":
        return
    with suppress(NotJsonError):
        first, _ = scan_value(text, skip_space(text, start + 1))
        if isinstance(first, dict) and _shape_of(first) is None:
            raise _refused(path, _ItemError((0,), _what(first), unknown=True), line)


# -- what a JSON value is ------------------------------------------------------------


_Place = tuple[str | int, ...]
"""The way to an item through a value: `("events", 17)`."""


class _ItemError(ValueError):
    """An item that is nothing we know, or lacks what its kind must have."""

    def __init__(self, place: _Place, what: str, *, unknown: bool = False) -> None:
        steps = (f"[{s}]" if isinstance(s, int) else f".{s}" for s in place)
        where = "".join(steps).lstrip(".")
        super().__init__(f"{where}: {what}" if where else what)
        self.place = place
        self.unknown = unknown


def _take(imported: Imported, value: Any, place: _Place) -> None:
    if isinstance(value, list):
        for number, item in enumerate(value):
            _take(imported, item, (*place, number))
        return
    take = _shape_of(value) if isinstance(value, dict) else None
    if take is None:
        raise _ItemError(place, _what(value), unknown=True)
    take(imported, value, place)
    tokens = (value.get("nextToken"), value.get("NextToken"))
    imported.has_next = imported.has_next or any(tokens)


def _shape_of(value: Record) -> "_Take | None":
    return next((take for keys, take in _SHAPES if keys <= value.keys()), None)


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


_Take = Callable[[Imported, Record, _Place], None]


def _each(key: str, take: _Take) -> _Take:
    """Take each item of the list under `key`."""

    def take_all(imported: Imported, value: Record, place: _Place) -> None:
        if not isinstance(value[key], list):
            raise _ItemError((*place, key), _what(value[key]), unknown=True)
        for number, item in enumerate(value[key]):
            inner = (*place, key, number)
            if not isinstance(item, dict):
                raise _ItemError(inner, f"not an object but {_what(item)}")
            take(imported, item, inner)

    return take_all


def _kept(
    imported: Imported, kind: str, value: Record, place: _Place, arn: str | None = None
) -> None:
    """Keep a record that needs no other to tell whose it is."""
    received = receive(None, kind, arn, value)
    try:
        check_record(received)
    except ValueError as error:
        raise _ItemError(place, f"{error}") from error
    imported.others.append(received)


def _of_kind(kind: str) -> _Take:
    return lambda imported, value, place: _kept(imported, kind, value, place)


_lookup, _record = _of_kind(RecordKind.LOOKUP), _of_kind(RecordKind.TRAIL)
_map_run, _task_state = _of_kind(RecordKind.MAP_RUN), _of_kind(RecordKind.TASK_STATE)


def _event(imported: Imported, value: Record, place: _Place) -> None:
    try:
        number = decode_event(value)[0].id
    except DecodeError as error:
        raise _ItemError(place, f"{error}") from error
    known = imported.events.setdefault(number, value)
    if known is not value and canonical(known) != canonical(value):
        msg = f"another event {number} than before: one file holds one execution"
        raise _ItemError(place, msg)


def _eventbridge(imported: Imported, value: Record, place: _Place) -> None:
    """Take the CloudTrail record out of `AWS API Call via CloudTrail` and its like.

    What ECS tells of a task is kept with its envelope.
    """
    detail = value["detail"]
    if is_task_state(value):
        _task_state(imported, value, place)
    elif {"eventName", "eventTime"} <= mapping_of(detail).keys():
        _record(imported, detail, place)
    else:
        what = f"an EventBridge event of type {value['detail-type']!s:.60}"
        raise _ItemError(place, what, unknown=True)


def _described(imported: Imported, value: Record, place: _Place) -> None:
    _check_text(value, "executionArn", place)
    imported.described.append(value)


def _defined(imported: Imported, value: Record, place: _Place) -> None:
    _check_text(value, "definition", place)
    imported.defined.append(value)


def _logged(imported: Imported, value: Record, place: _Place) -> None:
    """Take one event of an execution's log."""
    _check_text(value, "execution_arn", place)
    _kept(imported, RecordKind.EXPRESS, value, place, value["execution_arn"])


def _check_text(value: Record, key: str, place: _Place) -> None:
    if not text_of(value[key]):
        raise _ItemError(place, f"{key} is no text")


def _log_event(imported: Imported, value: Record, place: _Place) -> None:
    """Take what a log event of CloudWatch Logs holds, if it is any of ours.

    A log has other lines too: Step Functions begins one with a sentence.
    """
    message = value.get("message", value.get("@message"))
    record = mapping_of(parse_json(message) if isinstance(message, str) else message)
    if record.keys() >= LOG_KEYS:
        _logged(imported, record, place)
    elif record.keys() >= {"eventName", "eventTime"}:
        _record(imported, record, place)


def _event_of_either(imported: Imported, value: Record, place: _Place) -> None:
    """Take an item of `events`, as a history and a log have one."""
    (_log_event if "message" in value else _event)(imported, value, place)


def _children(imported: Imported, value: Record, place: _Place) -> None:
    """Take a list of executions, where it is a Map Run's."""
    executions = value["executions"]
    if not isinstance(executions, list):
        raise _ItemError(place, _what(executions), unknown=True)
    if not all(mapping_of(item).get("mapRunArn") for item in executions):
        msg = "a list of executions, but of no Map Run: it does not say what happened"
        raise _ItemError(place, msg)
    _kept(imported, RecordKind.CHILDREN, value, place)


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
_MARKS = re.compile("|".join({f'"{key}"' for keys, _ in _SHAPES for key in keys}))
"""Any of those keys."""


# -- CSV -----------------------------------------------------------------------------

_NEEDED = ("eventtime", "eventsource", "eventname")
_DELIMITERS = (",", ";", "\t")
"""Spreadsheets of some countries save CSV with semicolons."""
_NULLS = ("", "null")
_LONGEST_CELL = 1 << 26
"""The csv module's own limit, 128 KiB, is less than CloudTrail allows a request."""


def import_table(stream: ByteStream) -> Imported:
    """Read the rows of a CSV file, as Athena writes it.

    Queries give other columns than the trail's own, in any order and any case.
    """
    csv.field_size_limit(_LONGEST_CELL)
    title, newline, _ = stream.head.lower().partition(b"\n")
    endless = not newline and len(title) >= HEAD
    if endless or not any(name.encode() in title for name in _NEEDED):
        raise bad_file(stream.path, _NOT_KNOWN, hint=KNOWN)
    delimiter = next((d for d in _DELIMITERS if d.encode() in title), ",")
    lines = (line.decode() for line in stream.lines())
    reader = csv.reader(lines, delimiter=delimiter)
    imported = Imported(stream.path)
    seen: Counter[tuple[tuple[str, str], ...]] = Counter()
    try:
        columns = _columns(stream.path, next(reader, []))
        for row in _rows(reader, columns):
            _number_row(row, seen)
            _kept(imported, RecordKind.ATHENA, row, ())
    except UnicodeDecodeError as error:
        raise bad_file(stream.path, error, line=reader.line_num + 1) from error
    except (csv.Error, ValueError) as error:
        raise bad_file(stream.path, error, line=reader.line_num) from error
    return imported


def _columns(path: Path, cells: list[str]) -> list[str]:
    columns = [cell.strip().lower() for cell in cells]
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        what = f"a CSV file without the column {', '.join(missing)}"
        hint = f"Add {', '.join(missing)} to the query's SELECT."
        raise bad_file(path, what, line=1, hint=hint)
    return columns


def _rows(reader: Iterator[list[str]], columns: list[str]) -> Iterator[dict[str, str]]:
    """Yield each row's columns; null, which Athena writes as nothing, is left out."""
    for cells in reader:
        if not cells:
            continue
        if len(cells) > len(columns):
            msg = f"{len(cells)} cells in a row of {len(columns)} columns"
            raise DecodeError(msg)
        yield {
            name: cell
            for name, cell in zip(columns, cells, strict=False)
            if cell.strip().lower() not in _NULLS
        }


def _number_row(
    row: dict[str, str], seen: Counter[tuple[tuple[str, str], ...]]
) -> None:
    """Tell rows that say the same apart: without an event id they are two calls."""
    key = tuple(sorted(row.items()))
    seen[key] += 1
    if seen[key] > 1 and "eventid" not in row:
        row["occurrence"] = str(seen[key])
