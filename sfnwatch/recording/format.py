"""A recording's format: a header line, and then one line for each record.

The lines are JSON in printable ASCII, so that a recording can be shown in a terminal
whatever strings AWS sent. AWS's record is kept as it came, so that a later version can
read more out of it. Two halves of a surrogate pair in a string come back as the one
character: JSON can't tell the two apart. NaN is refused, since JSON has none.

The version number in the header changes only with the format. A reader of format n
has to convert a file of an older format m before `decode_line`, with one function for
each step from m to m + 1.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.errors import BadFileError
from sfnwatch.model.api_call import decode_call
from sfnwatch.model.ecs_task import decode_task_state
from sfnwatch.model.history_event import decode_event
from sfnwatch.model.json_stream import MAX_LINE
from sfnwatch.model.map_runs import decode_map_run
from sfnwatch.model.other_executions import decode_machine_executions
from sfnwatch.model.own_requests import decode_request
from sfnwatch.model.records import CALL_KINDS, EVENT_KINDS, Received, RecordKind
from sfnwatch.model.strict_json import decode_object, parse_value
from sfnwatch.model.texts import clean
from sfnwatch.model.times import iso, on_calendar, parse_time
from sfnwatch.model.values import ascii_json, encode_json, text_of

FORMAT_VERSION = 1
MARK = "sfnwatch"
"""The key that marks a first line as the header of a recording."""
SUFFIX = ".sfnwatch.jsonl"

_OF_AN_EXECUTION = EVENT_KINDS | {RecordKind.DESCRIBE, RecordKind.DEFINITION}
_PRINTABLE = bytes(range(0x20, 0x7F))
MOST_BLANK = 10_000
"""Blank lines allowed among the records: a packed file may hold a billion of them."""
_SENTENCE = 300
_MAX_DEPTH = 200
"""Levels of nesting that can surely be read back. Python's parser fails at about 1000,
less the depth of the calls around it."""

BEGINNING = re.compile(rb'\s*\{.*"' + MARK.encode() + rb'"\s*:')
STDIN = Path("-")
"""The path that stands for stdin."""
D = TypeVar("D")


class Header(Struct, frozen=True):
    """The first line of a recording."""

    created: Annotated[datetime, msgspec.Meta(tz=True)]
    """When the recording began, to the millisecond; each line's `at` counts from it."""
    tool: str = ""
    executions: tuple[str, ...] = ()
    """The ARNs of the executions that were asked for."""


class _RecordLine(Struct, Generic[D], frozen=True):
    source: str
    data: D
    at: float | None = None
    execution: str | None = None


_RAW_LINES = msgspec.json.Decoder(_RecordLine[msgspec.Raw])


def name_of(path: Path) -> str:
    """Return a file's name as messages show it."""
    if path == STDIN:
        return "stdin"
    return clean(str(path))


def bad_file(
    path: Path, what: str | Exception, *, line: int | None = None, hint: str = ""
) -> BadFileError:
    """Return an error with a message of one line: `run.jsonl:3: …`."""
    if isinstance(what, UnicodeDecodeError):
        what = f"not UTF-8 text: byte 0x{what.object[what.start]:02x}"
    elif isinstance(what, OSError):
        what = f"can't be read: {what.strerror or what}"
    place = f"{name_of(path)}:{line}" if line else name_of(path)
    return BadFileError(f"{place}: {clean(str(what), _SENTENCE)}", hint=hint)


def new_header(created: datetime, tool: str, executions: Iterable[str]) -> Header:
    """Return a header; its time is cut to whole milliseconds, as it is written."""
    milliseconds = created.microsecond // 1000
    created = created.replace(microsecond=milliseconds * 1000)
    return Header(created, tool, tuple(executions))


def encode_header(header: Header) -> bytes:
    """Return the header as the file's first line, with its line end."""
    fields = {
        MARK: FORMAT_VERSION,
        **msgspec.to_builtins(header),
        "created": iso(header.created),
    }
    return f"{ascii_json(fields)}\n".encode()


def read_header(path: Path, lines: Iterator[bytes]) -> Header:
    """Return the header from the first line; raises BadFileError."""
    version = None
    try:
        value = parse_value(next(lines).removesuffix(b"\n").decode())
        if isinstance(value, dict):
            version = value.get(MARK)
        if type(version) is int and 1 <= version <= FORMAT_VERSION:
            header = msgspec.convert(value, Header)
            return replace(header, created=parse_time(value["created"]))
    except ValueError as error:
        raise bad_file(path, error, line=1) from error
    if isinstance(version, int) and version > FORMAT_VERSION:
        known = f"this version reads up to {FORMAT_VERSION}"
        what = f"recorded in format {version!s:.40}, and {known}"
        raise bad_file(path, what, line=1, hint="Upgrade sfnwatch to open it.")
    what = f'not the header of a recording, {{"{MARK}": {FORMAT_VERSION}, …}}'
    raise bad_file(path, what, line=1)


def encode_line(received: Received, created: datetime) -> bytes:
    """Return one record as a line with its end.

    Raises ValueError for a record that is no JSON object, is nested too deep or is too
    long.
    """
    at = b"null"
    if received.at is not None:
        # Seconds since the header's time, to the microsecond.
        at = b"%.6f" % (received.at - created).total_seconds()
    line = b'{"at": %b, "source": %b, "execution": %b, "data": %b}\n' % (
        at,
        encode_json(str(received.kind)),
        encode_json(received.execution_arn),
        _printable_data(received),
    )
    if len(line) > MAX_LINE:
        raise ValueError(f"longer than {MAX_LINE >> 20} MiB")
    return line


def _printable_data(received: Received) -> bytes:
    """Return a record as it came, or written again where it is not printable ASCII."""
    data = received.data
    record = received.record or decode_object(data)
    # Counting is much faster than walking the record, and nearly all have fewer.
    brackets = data.count(b"{") + data.count(b"[")
    if brackets >= _MAX_DEPTH and _is_deeper(record, _MAX_DEPTH - 1):
        raise ValueError(f"nested deeper than {_MAX_DEPTH} levels")
    is_printable = not data.translate(None, _PRINTABLE)
    if is_printable and data.startswith(b"{"):
        return data
    return encode_json(record)


def _is_deeper(value: Any, limit: int) -> bool:
    """True if objects and lists are nested deeper than `limit`, without recursion."""
    level = [value]
    for _ in range(limit + 1):
        containers = [child for child in level if isinstance(child, dict | list)]
        if not containers:
            return False
        level = []
        for container in containers:
            if isinstance(container, dict):
                level.extend(container.values())
            else:
                level.extend(container)
    return True


def decode_line(line: bytes, created: datetime) -> Received:
    """Return the record of one line.

    Raises ValueError, and its subclass NotJsonError for a line that isn't JSON. A line
    that msgspec refuses goes to Python's parser, which may still read it, or else finds
    what is wrong with it.
    """
    try:
        raw = _RAW_LINES.decode(line)
        data = bytes(raw.data) if line.isascii() else b""
    except (ValueError, RecursionError):
        data = b""
    if data.startswith(b"{"):
        return _received(raw, data, created)
    text = line.removesuffix(b"\n").decode()
    parsed = msgspec.convert(parse_value(text), _RecordLine[dict[str, Any]])
    return _received(parsed, encode_json(parsed.data), created)


def _received(line: _RecordLine[Any], data: bytes, created: datetime) -> Received:
    at = None if line.at is None else _time_of(created, line.at)
    return Received(at, line.source, line.execution, data)


@lru_cache(maxsize=256)
def _time_of(created: datetime, seconds: float) -> datetime:
    """Return when a record came; cached, since all records of a page came together."""
    try:
        return on_calendar(created + timedelta(seconds=seconds))
    except OverflowError as error:
        raise ValueError(f"a time out of range: at is {seconds}") from error


_DECODERS: Mapping[str, Callable[[Received], object]] = {
    **dict.fromkeys(EVENT_KINDS, lambda received: received.once(decode_event)),
    **dict.fromkeys(CALL_KINDS, lambda received: received.once(decode_call)),
    RecordKind.TASK_STATE: decode_task_state,
    RecordKind.MAP_RUN: decode_map_run,
    RecordKind.MACHINE_EXECUTIONS: decode_machine_executions,
    RecordKind.REQUEST: decode_request,
}
"""The decoder of each kind; it raises ValueError for a record that lacks a field which
its kind must have."""


def check_record(received: Received) -> None:
    """Raise ValueError for a record that can't be decoded; accept any unknown kind."""
    record = received.record or decode_object(received.data)
    kind = received.kind
    decode = _DECODERS.get(kind)
    if decode is not None:
        decode(received)
    if kind in _OF_AN_EXECUTION:
        arn = received.execution_arn or text_of(record.get("executionArn"))
        if not arn:
            raise ValueError(f"a {kind} record that names no execution")
