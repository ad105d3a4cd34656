"""The lines of a recording: a header, then one line for each record.

JSON Lines in printable ASCII, so that a recording can be looked at in a terminal
whatever strings AWS sent. AWS's record is kept as it came: a later version can read
more out of it. A text of two halves of a surrogate pair, which JSON can't tell from
the character itself, comes back as that character. NaN is refused: JSON has none.

The number in the header moves with the format only. A reader of format n is to lift
a file of format m by one function for each step, m to m + 1, before `decode_line`.
"""

import json
import os
import re
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from sfnwatch.next.errors import BadFileError
from sfnwatch.next.model.api_call import decode_call
from sfnwatch.next.model.arns import maybe_execution_arn
from sfnwatch.next.model.ecs_task import decode_task_state
from sfnwatch.next.model.history import as_history, decode_event
from sfnwatch.next.model.json_text import (
    ascii_json,
    encode_json,
    parse_json,
    text_of,
)
from sfnwatch.next.model.map_run import decode_map_run
from sfnwatch.next.model.records import EVENT_KINDS, Received, Record, RecordKind
from sfnwatch.next.model.requests import decode_request
from sfnwatch.next.model.text import clean
from sfnwatch.next.model.times import iso

VERSION = 1
MARK = "sfnwatch"
"""The key that makes a first line the header of a recording."""
SUFFIX = ".sfnwatch.jsonl"
MAX_DEPTH = 200
"""Levels of nesting; Python's parser ends at about 1000, less what it is called in."""
MAX_LINE = 1 << 26
"""Bytes of a line: no answer of AWS's is longer, and no more is kept to read one."""

_OF_AN_EXECUTION = EVENT_KINDS | {RecordKind.DESCRIBE, RecordKind.DEFINITION}
_MICROSECOND = timedelta(microseconds=1)
_PRINTABLE = bytes(range(0x20, 0x7F))
_NAME_BYTES = 180
"""Of 255 that file systems allow, less the time, a number and the suffix."""
_SENTENCE = 300


class NotJsonError(ValueError):
    """A text that isn't JSON, and the character where that shows."""

    def __init__(self, message: str, position: int, *, cut: bool = False) -> None:
        super().__init__(message)
        self.position = position
        self.cut = cut
        """True where more text might make it JSON."""


class NewerFormatError(ValueError):
    """A file that a later version of sfnwatch wrote."""


D = TypeVar("D")


class Header(Struct, frozen=True):
    """The first line."""

    created: Annotated[datetime, msgspec.Meta(tz=True)]
    """What every `at` counts from; whole milliseconds."""
    tool: str = ""
    executions: tuple[str, ...] = ()
    """The ARNs of the executions that were asked for."""


class _RecordLine(Struct, Generic[D], frozen=True):
    source: str
    data: D
    at: float | None = None
    execution: str | None = None


_RAW_LINES = msgspec.json.Decoder(_RecordLine[msgspec.Raw])
_OBJECTS = msgspec.json.Decoder(dict[str, Any])


def bad_file(
    path: Path, what: str | Exception, *, line: int | None = None, hint: str = ""
) -> BadFileError:
    """Word an error in one line: `run.jsonl:3: …`."""
    if isinstance(what, UnicodeDecodeError):
        what = f"not UTF-8 text: byte 0x{what.object[what.start]:02x}"
    elif isinstance(what, OSError):
        what = f"can't be read: {what.strerror or what}"
    place = f"{path}:{line}" if line else f"{path}"
    return BadFileError(f"{clean(place)}: {clean(str(what), _SENTENCE)}", hint=hint)


# -- the header --------------------------------------------------------------------


def new_header(created: datetime, tool: str, executions: Iterable[str]) -> Header:
    """Make a header; its time is cut to the milliseconds that it can say."""
    at = created.replace(microsecond=created.microsecond // 1000 * 1000)
    return Header(at, tool, tuple(executions))


def encode_header(header: Header) -> bytes:
    """Write the first line, with its end."""
    text = ascii_json(
        {
            MARK: VERSION,
            "created": iso(header.created),
            "tool": header.tool,
            "executions": list(header.executions),
        }
    )
    return f"{text}\n".encode()


def decode_header(line: bytes) -> Header:
    """Read the first line; raises ValueError, or NewerFormatError."""
    value = parse_value(line.decode())
    if not isinstance(value, dict) or MARK not in value:
        msg = f'not the header of a recording, {{"{MARK}": {VERSION}, …}}'
        raise ValueError(msg)
    _check_version(value[MARK])
    return msgspec.convert(value, Header)


def _check_version(version: Any) -> None:
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        msg = f"not the format number of a recording: {version!r:.40}"
        raise ValueError(msg)
    if version > VERSION:
        msg = f"format {version!s:.40}, and this version reads up to {VERSION}"
        raise NewerFormatError(msg)


# -- records -----------------------------------------------------------------------


def encode_line(received: Received, created: datetime) -> bytes:
    """Write one record, with the line's end; raises ValueError for no JSON object."""
    line = b'{"at": %b, "source": %b, "execution": %b, "data": %b}\n' % (
        b"null" if received.at is None else _seconds(received.at - created),
        encode_json(str(received.kind)),
        encode_json(received.execution_arn),
        _one_line(received.data),
    )
    if len(line) > MAX_LINE:
        msg = f"longer than {MAX_LINE >> 20} MiB"
        raise ValueError(msg)
    return line


def _one_line(data: bytes) -> bytes:
    """Give a record as it came, or written anew where that is no line of ASCII."""
    printable = not data.translate(None, _PRINTABLE)
    if printable and data.startswith(b"{") and not _is_deep(data):
        with suppress(ValueError, RecursionError):
            _OBJECTS.decode(data)
            return data
    record = parse_value(data.decode(), MAX_DEPTH - 1)
    if not isinstance(record, dict):
        msg = "it is no JSON object"
        raise ValueError(msg)  # noqa: TRY004 - told like all that can't be written
    return encode_json(record)


def _is_deep(data: bytes) -> bool:
    """True for a record that might be nested past all reason: for few are so long."""
    many = data.count(b"{") + data.count(b"[") >= MAX_DEPTH
    return many and is_deeper(parse_json(data), MAX_DEPTH - 1)


def _seconds(since: timedelta) -> bytes:
    """Write a length with all its microseconds; a float would lose them in years."""
    number = since // _MICROSECOND
    sign, number = (b"-", -number) if number < 0 else (b"", number)
    return b"%b%d.%06d" % (sign, number // 1_000_000, number % 1_000_000)


def decode_line(line: bytes, created: datetime) -> Received:
    """Read one record's line; raises ValueError, NotJsonError for what isn't JSON.

    What the strict parser refuses may still be read by Python's, or is told what is
    wrong with it.
    """
    if line.isascii():
        with suppress(ValueError, RecursionError):
            raw = _RAW_LINES.decode(line)
            data = bytes(raw.data)
            if data.startswith(b"{") and not _is_deep(data):
                return _received(raw, data, created)
    text = line.removesuffix(b"\n").decode()
    parsed = msgspec.convert(parse_value(text), _RecordLine[dict[str, Any]])
    return _received(parsed, encode_json(parsed.data), created)


def _received(line: _RecordLine[Any], data: bytes, created: datetime) -> Received:
    return Received(_moment(line.at, created), line.source, line.execution, data)


def _moment(at: float | None, created: datetime) -> datetime | None:
    if at is None:
        return None
    try:
        return created + timedelta(microseconds=round(at * 1_000_000))
    except OverflowError as error:
        msg = f"a time out of range: at is {at}"
        raise ValueError(msg) from error


def check_record(received: Received) -> None:
    """Raise ValueError for a record that can't be decoded; unknown kinds pass."""
    record = _object(received.data)
    match received.kind:
        case RecordKind.HISTORY:
            decode_event(record)
        case RecordKind.EXPRESS:
            decode_event(as_history(record))
        case RecordKind.LOOKUP | RecordKind.TRAIL | RecordKind.ATHENA:
            decode_call(received.kind, record)
        case RecordKind.TASK_STATE:
            decode_task_state(record)
        case RecordKind.MAP_RUN:
            decode_map_run(received, record)
        case RecordKind.REQUEST:
            decode_request(received, record)
    if received.kind in _OF_AN_EXECUTION and not (
        received.execution_arn or text_of(record.get("executionArn"))
    ):
        msg = f"a {received.kind} record that names no execution"
        raise ValueError(msg)


def _object(data: bytes) -> Record:
    """Parse a record strictly: a number past all bounds is not read as infinity."""
    try:
        return _OBJECTS.decode(data)
    except (ValueError, RecursionError):
        parsed: Record = parse_value(data.decode())
        return parsed


# -- JSON, strictly ----------------------------------------------------------------


def _refuse_constant(name: str) -> Any:
    msg = f"{name} is not a JSON number"
    raise ValueError(msg)


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        msg = f"the number {text:.40} is too large"
        raise ValueError(msg)
    return number


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
"""Python's parser without what is lax in it: what it takes can be written again."""
_SPACE = re.compile(r"[ \t\r\n]*")
_NEAR_END = 12
"""Characters: a word or an escape that is cut is told of at its beginning."""


def skip_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def scan_value(text: str, start: int, depth: int = MAX_DEPTH) -> tuple[Any, int]:
    """Read the JSON value that begins at `start`, and tell where it ends.

    Raises NotJsonError, for what is nested too deep as well.
    """
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        what = f"not JSON: {error.msg} at column {error.colno}"
        in_string = error.msg.startswith("Unterminated string")
        cut = in_string or error.pos > len(text) - _NEAR_END
        raise NotJsonError(what, error.pos, cut=cut) from error
    except RecursionError as error:
        msg = "nested too deep to be read"
        raise NotJsonError(msg, start) from error
    except ValueError as error:
        what = str(error).partition(":")[0]
        raise NotJsonError(f"not JSON: {what}", start) from error
    many = text.count("{", start, end) + text.count("[", start, end) > depth
    if many and is_deeper(value, depth):
        msg = f"nested deeper than {MAX_DEPTH} levels"
        raise NotJsonError(msg, start)
    return value, end


def parse_value(text: str, depth: int = MAX_DEPTH) -> Any:
    """Read the one JSON value of a text; raises NotJsonError."""
    value, end = scan_value(text, skip_space(text, 0), depth)
    end = skip_space(text, end)
    if end < len(text):
        msg = f"not JSON: Extra data at column {end + 1}"
        raise NotJsonError(msg, end)
    return value


def is_deeper(value: Any, limit: int) -> bool:
    """Tell if objects and lists are nested deeper than `limit`, without recursion."""
    level = [value]
    for _ in range(limit + 1):
        level = [v for v in level if isinstance(v, dict | list)]
        if not level:
            return False
        level = [
            child for v in level for child in (v.values() if isinstance(v, dict) else v)
        ]
    return True


# -- names of files ----------------------------------------------------------------


def default_path(
    directory: Path, execution: str, created: datetime, *, more: int = 0
) -> Path:
    """Give a path that is not taken: `nightly-report.run-7f3a.20231115T002824Z…`.

    `execution` is an ARN or any name, `more` how many are recorded with it. Another
    watcher may take the path before it is created: only creating it exclusively tells.
    """
    others = f".and-{more}-more" if more else ""
    stem = f"{_file_name(execution)}{others}.{created.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    path, number = directory / f"{stem}{SUFFIX}", 1
    while os.path.lexists(path):
        number += 1
        path = directory / f"{stem}-{number}{SUFFIX}"
    return path


def _file_name(execution: str) -> str:
    parsed = maybe_execution_arn(execution)
    if parsed:
        execution = f"{parsed.state_machine_name}.{parsed.name}"
    safe = "".join(c if _is_safe(c) else "-" for c in execution)
    # Cut between characters, and begin with none that hides the file.
    kept = safe.encode()[:_NAME_BYTES].decode(errors="ignore").lstrip(".-")
    return kept or "execution"


def _is_safe(character: str) -> bool:
    """Letters, marks and numbers of any script, and what no file system minds."""
    return character in "-_.+=@" or unicodedata.category(character)[0] in "LMN"
