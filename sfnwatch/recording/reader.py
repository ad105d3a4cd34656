"""A recording, read back.

A torn last line is the end: the tool was killed, or the disk was full. A bad line
anywhere else is an error with its number, since nobody knows what else is wrong.
"""

import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from sfnwatch.errors import BadFileError
from sfnwatch.recording.format import (
    MARK,
    Header,
    NewerFormatError,
    decode_at_once,
    decode_header,
    decode_line,
)
from sfnwatch.recording.loading import Loaded, bad_file, load, not_utf8
from sfnwatch.recording.parsing import NotJsonError, parse_value
from sfnwatch.recording.recording import Recording, executions_of
from sfnwatch.recording.records import check
from sfnwatch.trace.events import Received
from sfnwatch.trace.text import clean, size

Keep = Callable[[Received], Received]
_BEGINNING = re.compile(rb'\s*\{\s*"' + MARK.encode() + rb'"\s*:')


def _as_it_is(received: Received) -> Received:
    return received


def read_recording(path: Path, keep: Keep = _as_it_is) -> Recording:
    """Read one recording, of each record what is to be kept; raises BadFileError."""
    return parse_recording(load(path), keep)


def header_of(loaded: Loaded) -> Header:
    """Read the first line of a recording; raises BadFileError."""
    return _header(loaded.path, loaded.content.partition(b"\n")[0])


def is_recording(loaded: Loaded) -> bool:
    """True if the first line is, or begins like, a recording's header."""
    first = loaded.content.partition(b"\n")[0]
    if _BEGINNING.match(first):
        return True
    if f'"{MARK}"'.encode() not in first:
        return False
    try:
        value = parse_value(first.decode())
    except ValueError:
        return False
    return isinstance(value, dict) and MARK in value


def parse_recording(loaded: Loaded, keep: Keep = _as_it_is) -> Recording:
    """Read the lines of a recording; raises BadFileError."""
    path, lines = loaded.path, BytesIO(loaded.content)
    header = _header(path, lines.readline().removesuffix(b"\n"))
    records: list[Received] = []
    notes: tuple[str, ...] = ()
    for number, line in enumerate(lines, 2):
        if line.isspace():
            continue
        try:
            records.append(keep(_record(path, number, line, header)))
        except _TornError:
            if line.endswith(b"\n"):
                raise
            notes = (_torn(loaded, len(records), line),)
    if loaded.cut and not notes:
        notes = (_torn(loaded, len(records), b""),)
    named = dict.fromkeys((*header.executions, *executions_of(records)))
    return Recording(tuple(records), header.created, tuple(named), notes, (path,))


class _TornError(BadFileError):
    """A line that isn't even JSON: forgiven if it is the last and has no end."""


def _header(path: Path, line: bytes) -> Header:
    try:
        return decode_header(parse_value(line.decode()))
    except NewerFormatError as error:
        hint = "Upgrade sfnwatch to open it."
        raise bad_file(path, f"recorded in {error}", line=1, hint=hint) from error
    except UnicodeDecodeError as error:
        raise bad_file(path, not_utf8(error), line=1) from error
    except ValueError as error:
        raise bad_file(path, f"{error}", line=1) from error


def _record(path: Path, number: int, line: bytes, header: Header) -> Received:
    try:
        received = decode_at_once(line, header.created)
        if received is None:
            text = line.removesuffix(b"\n").decode()
            received = decode_line(parse_value(text), header.created)
        check(received)
    except UnicodeDecodeError as error:
        raise _torn_error(path, number, not_utf8(error)) from error
    except NotJsonError as error:
        raise _torn_error(path, number, f"{error}") from error
    except ValueError as error:
        raise bad_file(path, f"{error}", line=number) from error
    return received


def _torn_error(path: Path, number: int, what: str) -> _TornError:
    return _TornError(bad_file(path, what, line=number).message)


def _torn(loaded: Loaded, count: int, tail: bytes) -> str:
    why = loaded.cut or "the last line is cut short"
    return (
        f"{clean(str(loaded.path))}: {why}: {count} records loaded, "
        f"{size(len(tail))} left out"
    )
