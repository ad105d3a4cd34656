"""A recording's format: from the bytes on a disk to lines, and from lines to records.

A header, and then one line for each record: JSON Lines in printable ASCII, so that a
recording can be looked at in a terminal whatever strings AWS sent. AWS's record is kept
as it came: a later version can read more out of it. A text of two halves of a surrogate
pair, which JSON can't tell from the character itself, comes back as that character. NaN
is refused: JSON has none.

The number in the header moves with the format only. A reader of format n is to lift
a file of format m by one function for each step, m to m + 1, before `decode_line`.
"""

import os
import select
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from sfnwatch.errors import BadFileError
from sfnwatch.model.api_call import decode_call
from sfnwatch.model.children import decode_map_run
from sfnwatch.model.ecs_task import decode_task_state
from sfnwatch.model.history import decode_event
from sfnwatch.model.json_stream import (
    HEAD,
    MAX_LINE,
    TextStream,
    decode_object,
    parse_value,
)
from sfnwatch.model.records import (
    CALL_KINDS,
    EVENT_KINDS,
    Received,
    RecordKind,
    decode_request,
)
from sfnwatch.model.strangers import decode_machine_executions
from sfnwatch.model.values import (
    ascii_json,
    clean,
    encode_json,
    iso,
    parse_time,
    text_of,
)

VERSION = 1
MARK = "sfnwatch"
"""The key that makes a first line the header of a recording."""
SUFFIX = ".sfnwatch.jsonl"

_OF_AN_EXECUTION = EVENT_KINDS | {RecordKind.DESCRIBE, RecordKind.DEFINITION}
_PRINTABLE = bytes(range(0x20, 0x7F))
_SENTENCE = 300
_MAX_DEPTH = 200
"""Levels of nesting that surely can be read back: Python's parser ends at about 1000,
less what it is called in."""


STDIN = Path("-")
"""What stands for stdin where a file is named."""


class NewerFormatError(Exception):
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


def name_of(path: Path) -> str:
    """Name a file as it is named wherever it is spoken of."""
    return "stdin" if path == STDIN else clean(str(path))


def bad_file(
    path: Path, what: str | Exception, *, line: int | None = None, hint: str = ""
) -> BadFileError:
    """Word an error in one line: `run.jsonl:3: …`."""
    if isinstance(what, UnicodeDecodeError):
        what = f"not UTF-8 text: byte 0x{what.object[what.start]:02x}"
    elif isinstance(what, OSError):
        what = f"can't be read: {what.strerror or what}"
    place = f"{name_of(path)}:{line}" if line else name_of(path)
    return BadFileError(f"{place}: {clean(str(what), _SENTENCE)}", hint=hint)


# -- bytes off the disk ------------------------------------------------------------

_BLOCK = 1 << 18
PIPE_WAIT = 10.0
"""Seconds to wait for the first byte of a named pipe, which may have no writer."""


class ByteStream:
    """A file's text as UTF-8, read once from its beginning to its end.

    Every trouble becomes a BadFileError. No more is held than a block, or the one line
    that is read.
    """

    def __init__(self, path: Path) -> None:
        """Open a file and read its head; raises BadFileError."""
        self.path = path
        try:
            self._number = _opened(path)
        except (OSError, ValueError) as error:
            raise bad_file(path, error) from error
        mode = os.fstat(self._number).st_mode
        self.regular = path != STDIN and stat.S_ISREG(mode)
        """False for a pipe or a device, which can't be read again."""
        read = partial(os.read, self._number, _BLOCK)
        self._text = TextStream(iter(read, b""))
        self._blocks = self._readable()
        head = bytearray()
        while len(head) < HEAD and (block := next(self._blocks, b"")):
            head += block
        self.head = bytes(head)
        """Its first 64 KiB, or a little more; all of a shorter one."""
        if not self.head or (self.head.isspace() and len(self.head) < HEAD):
            self.close()
            empty = f"{self.cut} before its first line" if self.cut else "is empty"
            raise bad_file(path, empty)

    @property
    def packed(self) -> bool:
        return bool(self._text.packed)

    @property
    def cut(self) -> str:
        """Why it ended too early, where a packed stream did: known at its end."""
        return self._text.cut

    def blocks(self) -> Iterator[bytes]:
        """Yield all of it, block by block; raises BadFileError."""
        return chain((self.head,), self._blocks)

    def lines(self) -> Iterator[bytes]:
        """Yield its lines with their ends, which the last may lack."""
        line, number = bytearray(), 1
        for block in self.blocks():
            for is_next, part in enumerate(block.split(b"\n")):
                if is_next:
                    line += b"\n"
                    yield bytes(line)
                    line.clear()
                    number += 1
                line += part
                if len(line) > MAX_LINE:
                    what = f"a line longer than {MAX_LINE >> 20} MiB"
                    raise bad_file(self.path, what, line=number)
        if line:
            yield bytes(line)

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        if self._number >= 0:
            os.close(self._number)
            self._number = -1

    def _readable(self) -> Iterator[bytes]:
        """Pass blocks on, and put errors into words."""
        try:
            yield from self._text
        except (OSError, ValueError) as error:
            raise bad_file(self.path, error) from error
        finally:
            self.close()


def _opened(path: Path) -> int:
    if path.is_dir():
        raise bad_file(path, "is a directory", hint="Name the files in it.")
    if path == STDIN:
        if os.isatty(0):
            hint = "Pipe a file into it, or name one."
            raise bad_file(path, "is a terminal", hint=hint)
        return os.dup(0)
    # Whoever opens a named pipe otherwise waits for its writer for ever.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    number = os.open(path, flags)
    if stat.S_ISFIFO(os.fstat(number).st_mode):
        if not any(select.select([number], [], [], PIPE_WAIT)):
            os.close(number)
            raise bad_file(path, f"nothing came from it in {PIPE_WAIT:g} seconds")
        os.set_blocking(number, True)
    return number


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
        raise ValueError(f'not the header of a recording, {{"{MARK}": {VERSION}, …}}')
    version = value[MARK]
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ValueError(f"not the format number of a recording: {version!r:.40}")
    if version > VERSION:
        known = f"this version reads up to {VERSION}"
        raise NewerFormatError(f"format {version!s:.40}, and {known}")
    return msgspec.convert(value, Header)


# -- records -----------------------------------------------------------------------

_encoded = lru_cache(maxsize=1024)(encode_json)
"""Writes kinds and ARNs, of which there are few."""


def encode_line(received: Received, created: datetime) -> bytes:
    """Write one record, with the line's end; raises ValueError for no JSON object."""
    line = b'{"at": %b, "source": %b, "execution": %b, "data": %b}\n' % (
        _since(created, received.at),
        _encoded(str(received.kind)),
        _encoded(received.execution_arn),
        _one_line(received),
    )
    if len(line) > MAX_LINE:
        raise ValueError(f"longer than {MAX_LINE >> 20} MiB")
    return line


def _since(created: datetime, at: datetime | None) -> bytes:
    """Write a length with all its microseconds."""
    return b"null" if at is None else b"%.6f" % (at - created).total_seconds()


def _one_line(received: Received) -> bytes:
    """Give a record as it came, or written anew where that is no line of ASCII."""
    data = received.data
    record = received.record or decode_object(data)
    many = data.count(b"{") + data.count(b"[") >= _MAX_DEPTH
    if many and _is_deeper(record, _MAX_DEPTH - 1):
        raise ValueError(f"nested deeper than {_MAX_DEPTH} levels")
    printable = not data.translate(None, _PRINTABLE)
    return data if printable and data.startswith(b"{") else encode_json(record)


def _is_deeper(value: Any, limit: int) -> bool:
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


def decode_line(line: bytes, created: datetime) -> Received:
    """Read one record's line; raises ValueError, NotJsonError for what isn't JSON.

    What the strict parser refuses may still be read by Python's, or is told what is
    wrong with it.
    """
    if line.isascii():
        with suppress(ValueError, RecursionError):
            raw = _RAW_LINES.decode(line)
            if (data := bytes(raw.data)).startswith(b"{"):
                return _received(raw, data, created)
    text = line.removesuffix(b"\n").decode()
    parsed = msgspec.convert(parse_value(text), _RecordLine[dict[str, Any]])
    return _received(parsed, encode_json(parsed.data), created)


def _received(line: _RecordLine[Any], data: bytes, created: datetime) -> Received:
    at = None
    if line.at is not None:
        try:
            at = parse_time(created + timedelta(seconds=line.at))
        except OverflowError as error:
            raise ValueError(f"a time out of range: at is {line.at}") from error
    return Received(at, line.source, line.execution, data)


_DECODERS: Mapping[str, Callable[[Received], object]] = {
    **dict.fromkeys(EVENT_KINDS, lambda received: decode_event(received.record)),
    **dict.fromkeys(CALL_KINDS, lambda received: received.once(decode_call)),
    RecordKind.TASK_STATE: decode_task_state,
    RecordKind.MAP_RUN: decode_map_run,
    RecordKind.MACHINE_EXECUTIONS: decode_machine_executions,
    RecordKind.REQUEST: decode_request,
}
"""What raises ValueError for a record that lacks what its kind must have."""


def check_record(received: Received) -> None:
    """Raise ValueError for a record that can't be decoded; unknown kinds pass."""
    record = received.record or decode_object(received.data)
    if received.kind in _DECODERS:
        _DECODERS[received.kind](received)
    if received.kind in _OF_AN_EXECUTION and not (
        received.execution_arn or text_of(record.get("executionArn"))
    ):
        raise ValueError(f"a {received.kind} record that names no execution")
