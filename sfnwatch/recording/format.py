"""The file's lines: a header, then one line for each record.

JSON Lines in printable ASCII, so that a recording can be looked at in a terminal
whatever strings AWS sent. AWS's record is kept as it came: a later version can read
more out of it. A text of two halves of a surrogate pair, which JSON can't tell from
the character itself, comes back as that character. NaN is refused, being no JSON.

The number in the header moves with the format only. A reader of format n is to lift
a file of format m by one function for each step, m to m + 1, before `decode_line`.
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from sfnwatch.recording.parsing import MAX_DEPTH, deeper_than
from sfnwatch.trace.events import Received
from sfnwatch.trace.payload import ascii_json
from sfnwatch.trace.times import iso, parse_time

VERSION = 1
MARK = "sfnwatch"
"""The key that makes a first line the header of a recording."""
_MICROSECOND = timedelta(microseconds=1)


class NewerFormatError(ValueError):
    """A file that a later version of sfnwatch wrote."""


class Header(Struct, frozen=True):
    """The first line."""

    created: datetime
    """What every `at` counts from; whole milliseconds."""
    tool: str = ""
    executions: tuple[str, ...] = ()


class _HeaderLine(msgspec.Struct, frozen=True):
    created: str
    tool: str = ""
    executions: tuple[str, ...] = ()


class _Line(msgspec.Struct, frozen=True):
    source: str
    data: dict[str, Any]
    at: float | None = None
    execution: str | None = None


_LINES = msgspec.json.Decoder(_Line)


def whole_milliseconds(at: datetime) -> datetime:
    """Cut a time to what the header can say."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def encode_header(header: Header) -> str:
    return ascii_json(
        {
            MARK: VERSION,
            "created": iso(header.created),
            "tool": header.tool,
            "executions": list(header.executions),
        }
    )


def decode_header(value: Any) -> Header:
    """Read the first line's value; raises ValueError, or NewerFormatError."""
    if not isinstance(value, dict) or MARK not in value:
        msg = f'not the header of a recording, {{"{MARK}": {VERSION}, …}}'
        raise ValueError(msg)
    _check_version(value[MARK])
    line = msgspec.convert(value, _HeaderLine)
    return Header(parse_time(line.created), line.tool, line.executions)


def _check_version(version: Any) -> None:
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        msg = f"no format number of a recording: {version!r:.40}"
        raise ValueError(msg)
    if version > VERSION:
        msg = f"format {version!s:.40}, and this version reads up to {VERSION}"
        raise NewerFormatError(msg)


def encode_line(received: Received, created: datetime) -> str:
    """Write one record; raises ValueError for what JSON can't hold."""
    record = dict(received.data)
    if deeper_than(record, MAX_DEPTH - 1):
        msg = f"nested deeper than {MAX_DEPTH} levels"
        raise ValueError(msg)
    try:
        data = ascii_json(record)
    except TypeError as error:
        raise ValueError(str(error)) from error
    at = "null" if received.at is None else _seconds(received.at - created)
    return (
        f'{{"at": {at}, "source": {ascii_json(str(received.source))}, '
        f'"execution": {ascii_json(received.execution_arn)}, "data": {data}}}'
    )


def _seconds(since: timedelta) -> str:
    """Write a length with all its microseconds; a float would lose them in years."""
    count = since // _MICROSECOND
    sign, count = ("-", -count) if count < 0 else ("", count)
    return f"{sign}{count // 1_000_000}.{count % 1_000_000:06}"


def decode_line(value: Any, created: datetime) -> Received:
    """Read one record's value; raises ValueError."""
    line = msgspec.convert(value, _Line)
    return Received(_moment(line.at, created), line.source, line.execution, line.data)


def decode_at_once(line: bytes, created: datetime) -> Received | None:
    """Read one record's line in one step, or give None where `decode_line` is to.

    Four times as fast, and strict: it takes nothing that Python's parser would read
    otherwise. What it does not take may still be read, or be told what is wrong.
    """
    if line.count(b"{") + line.count(b"[") > MAX_DEPTH:
        return None
    try:
        read = _LINES.decode(line)
    except (ValueError, RecursionError):
        return None
    return Received(_moment(read.at, created), read.source, read.execution, read.data)


def _moment(at: float | None, created: datetime) -> datetime | None:
    if at is None:
        return None
    try:
        return created + timedelta(microseconds=round(at * 1_000_000))
    except OverflowError as error:
        msg = f"a time out of range: at is {at}"
        raise ValueError(msg) from error
