"""A recording's format: from the bytes on a disk to lines, and from lines to records.

A header, and then one line for each record: JSON Lines in printable ASCII, so that a
recording can be looked at in a terminal whatever strings AWS sent. AWS's record is kept
as it came: a later version can read more out of it. A text of two halves of a surrogate
pair, which JSON can't tell from the character itself, comes back as that character. NaN
is refused: JSON has none.

The number in the header moves with the format only. A reader of format n is to lift
a file of format m by one function for each step, m to m + 1, before `decode_line`.
"""

import codecs
import json
import os
import re
import select
import stat
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import msgspec
import zstandard
from msgspec import Struct

from sfnwatch.errors import BadFileError
from sfnwatch.model.api_call import decode_call
from sfnwatch.model.children import decode_map_run
from sfnwatch.model.ecs_task import decode_task_state
from sfnwatch.model.history import decode_event
from sfnwatch.model.records import (
    EVENT_KINDS,
    Received,
    Record,
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
MAX_DEPTH = 200
"""Levels of nesting; Python's parser ends at about 1000, less what it is called in."""
MAX_LINE = 1 << 24
"""Bytes of a line, and characters of one item of a foreign file: no record of AWS's is
longer, and Python makes up to 24 bytes of each to read it."""

_OF_AN_EXECUTION = EVENT_KINDS | {RecordKind.DESCRIBE, RecordKind.DEFINITION}
_MICROSECOND = timedelta(microseconds=1)
_PRINTABLE = bytes(range(0x20, 0x7F))
_SENTENCE = 300


STDIN = Path("-")
"""What stands for stdin where a file is named."""


class NotJsonError(ValueError):
    """A text that isn't JSON, and the character where that shows."""

    def __init__(self, message: str, position: int, column: int = 0) -> None:
        super().__init__(message)
        self.position = position
        self.column = column
        """In its line, from 1; 0 where that says nothing."""

    def __str__(self) -> str:
        where = f" at column {self.column}" if self.column else ""
        return f"{self.args[0]}{where}"


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
_OBJECTS = msgspec.json.Decoder(dict[str, Any])


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

HEAD = 1 << 16
"""Bytes by which a file must show what it is."""
MAX_UNPACKED = 1 << 30
"""Bytes of what may have no end: a few kilobytes may unpack to any amount."""
_BLOCK = 1 << 18
_STEP = 1 << 8
"""Packed bytes are unpacked so many at a time: zstd may make 32 KiB of each."""
_PATIENCE = 30.0
"""Seconds without a byte from a pipe after which nothing more is expected."""
WRITER_WAIT, _NAP = 2.0, 0.02
"""Seconds for which a named pipe may lack its first writer, and between two looks: of
`gunzip -c x > p & sfnwatch replay p` either may come first."""
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_GZIP_ONLY = 31
"""Of zlib's formats, by its own number."""
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class ByteStream:
    """A file's text as UTF-8, read once from its beginning to its end.

    What a file is, its content tells: its name says nothing. Every trouble becomes a
    BadFileError. No more is held than a block, or the one line that is read.
    """

    def __init__(self, path: Path) -> None:
        """Open a file and read its head; raises BadFileError."""
        self.path = path
        self.cut = ""
        """Why it ended too early, where a packed stream did: known at its end."""
        self.packed = ""
        """By what it is packed: `gzip`, `zstd` or, mostly, nothing."""
        self._number = self._opened()
        mode = os.fstat(self._number).st_mode
        self.regular = path != STDIN and stat.S_ISREG(mode)
        """False for a pipe or a device, which can't be read again."""
        self._text = self._readable(self._decoded())
        head = bytearray()
        while len(head) < HEAD and (block := next(self._text, b"")):
            head += block
        self.head = bytes(head)
        """Its first 64 KiB, or a little more; all of a shorter one."""
        if not self.head or (self.head.isspace() and len(self.head) < HEAD):
            self.close()
            empty = f"{self.cut} before its first line" if self.cut else "is empty"
            raise bad_file(path, empty)

    def blocks(self) -> Iterator[bytes]:
        """Yield all of it, block by block; raises BadFileError."""
        return chain((self.head,), self._text)

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

    def texts(self) -> Iterator[str]:
        """Yield all of it as text, piece by piece; raises BadFileError."""
        try:
            yield from codecs.iterdecode(self.blocks(), "utf-8")
        except UnicodeDecodeError as error:
            raise bad_file(self.path, error) from error

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        if self._number >= 0:
            os.close(self._number)
            self._number = -1

    def _opened(self) -> int:
        # Whoever opens a pipe that nobody writes to would wait for ever.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        try:
            if self.path == STDIN:
                return self._standard_input()
            number = os.open(self.path, flags)
        except OSError as error:
            raise bad_file(self.path, error) from error
        except ValueError as error:
            # A NUL in a file's name; the operating system is not even asked.
            raise bad_file(self.path, f"can't be read: {error}") from error
        if stat.S_ISDIR(os.fstat(number).st_mode):
            os.close(number)
            raise bad_file(self.path, "is a directory", hint="Name the files in it.")
        return number

    def _standard_input(self) -> int:
        if os.isatty(0):
            hint = "Pipe a file into it, or name one."
            raise bad_file(self.path, "is a terminal", hint=hint)
        return os.dup(0)

    def _readable(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Pass blocks on, and put errors into words."""
        try:
            yield from filter(None, blocks)
        except OSError as error:
            raise bad_file(self.path, error) from error
        except (zlib.error, zstandard.ZstdError, ValueError) as error:
            raise bad_file(self.path, f"damaged: {error}") from error
        finally:
            self.close()

    def _decoded(self) -> Iterator[bytes]:
        """Unpack, and write as UTF-8 without a byte order mark."""
        first, raw = _peeked(self._raw())
        if first.startswith(_GZIP):
            self.packed = "gzip"
            raw = self._unpacked(raw, lambda: zlib.decompressobj(wbits=_GZIP_ONLY))
        elif first.startswith(_ZSTD):
            self.packed = "zstd"
            new = zstandard.ZstdDecompressor().decompressobj
            raw = self._unpacked(raw, new)
        if self.packed or not self.regular:
            raw = self._bounded(raw)
        first, raw = _peeked(filter(None, raw))
        if first.startswith(_UTF16):
            # PowerShell's `>` writes it so.
            yield from (text.encode() for text in codecs.iterdecode(raw, "utf-16"))
        else:
            yield next(raw, b"").removeprefix(codecs.BOM_UTF8)
            yield from raw

    def _raw(self) -> Iterator[bytes]:
        named = self.path != STDIN and stat.S_ISFIFO(os.fstat(self._number).st_mode)
        until = time.monotonic() + (WRITER_WAIT if named else 0.0)
        while True:
            try:
                if block := os.read(self._number, _BLOCK):
                    until = 0.0
                    yield block
                elif time.monotonic() < until:
                    # What is written before the next look stays in the pipe: no system
                    # needs to tell when a writer comes.
                    time.sleep(_NAP)  # noqa: TID251 - no loop runs yet
                else:
                    return
            except BlockingIOError:
                # A pipe that somebody may yet write to.
                ready, _, _ = select.select([self._number], [], [], _PATIENCE)
                if not ready:
                    what = f"can't be read: nothing came for {_PATIENCE:.0f} seconds"
                    raise bad_file(self.path, what) from None

    def _bounded(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        total = 0
        for block in blocks:
            total += len(block)
            if total > MAX_UNPACKED:
                does = "unpacks to" if self.packed else "is"
                what = f"can't be read: it {does} more than {MAX_UNPACKED >> 20} MiB"
                raise bad_file(self.path, what)
            yield block

    def _unpacked(
        self, blocks: Iterator[bytes], new: Callable[[], Any]
    ) -> Iterator[bytes]:
        """Unpack member after member, as `new` does; zeros behind the last are padding.

        The readers of zlib and zstandard would hide that the last one is cut.
        """
        member = new()
        for block in blocks:
            at = 0
            while at < len(block):
                step = block[at : at + _STEP]
                if member.eof:
                    padding = len(step) - len(step.lstrip(b"\0"))
                    if padding:
                        at += padding
                        continue
                    member = new()
                made = member.decompress(step)
                yield from (made[n : n + _BLOCK] for n in range(0, len(made), _BLOCK))
                at += len(step) - len(member.unused_data)
        yield member.flush()
        if not member.eof:
            self.cut = f"the {self.packed} stream is cut short"


def _peeked(blocks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    first = next(blocks, b"")
    return first, chain((first,), blocks)


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


def encode_line(received: Received, created: datetime) -> bytes:
    """Write one record, with the line's end; raises ValueError for no JSON object."""
    line = b'{"at": %b, "source": %b, "execution": %b, "data": %b}\n' % (
        b"null" if received.at is None else _seconds(received.at - created),
        encode_json(str(received.kind)),
        encode_json(received.execution_arn),
        _one_line(received.data),
    )
    if len(line) > MAX_LINE:
        raise ValueError(f"longer than {MAX_LINE >> 20} MiB")
    return line


def _one_line(data: bytes) -> bytes:
    """Give a record as it came, or written anew where that is no line of ASCII."""
    record = _object(data)
    printable = not data.translate(None, _PRINTABLE)
    return data if printable and data.startswith(b"{") else encode_json(record)


def _seconds(since: timedelta) -> bytes:
    """Write a length with all its microseconds; a float would lose them in years."""
    number = since // _MICROSECOND
    sign, number = (b"-", -number) if number < 0 else (b"", number)
    return b"%b%d.%06d" % (sign, number // 1_000_000, number % 1_000_000)


def decode_line(line: bytes, created: datetime) -> Received:
    """Read one record's line; raises ValueError, NotJsonError for what isn't JSON.

    What the strict parser refuses may still be read by Python's, or is told what is
    wrong with it. How deep its record is nested `check_record` tells.
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
    return Received(_moment(line.at, created), line.source, line.execution, data)


def _moment(at: float | None, created: datetime) -> datetime | None:
    if at is None:
        return None
    try:
        return parse_time(created + timedelta(microseconds=round(at * 1_000_000)))
    except OverflowError as error:
        raise ValueError(f"a time out of range: at is {at}") from error


def check_record(received: Received) -> None:
    """Raise ValueError for a record that can't be decoded; unknown kinds pass."""
    record = _object(received.data)
    received.leave(record)
    match received.kind:
        case RecordKind.HISTORY | RecordKind.EXPRESS:
            decode_event(record)
        case RecordKind.LOOKUP | RecordKind.TRAIL | RecordKind.ATHENA:
            received.once(decode_call)
        case RecordKind.TASK_STATE:
            decode_task_state(record)
        case RecordKind.MAP_RUN:
            decode_map_run(received, record)
        case RecordKind.MACHINE_EXECUTIONS:
            decode_machine_executions(received, record)
        case RecordKind.REQUEST:
            decode_request(received, record)
    if received.kind in _OF_AN_EXECUTION and not (
        received.execution_arn or text_of(record.get("executionArn"))
    ):
        raise ValueError(f"a {received.kind} record that names no execution")


def _object(data: bytes) -> Record:
    """Parse a record strictly: a number past all bounds is not read as infinity."""
    try:
        record: Any = _OBJECTS.decode(data)
    except (ValueError, RecursionError):
        record = parse_value(data.decode())
    if not isinstance(record, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - told like all that can't be written
    many = data.count(b"{") + data.count(b"[") >= MAX_DEPTH
    if many and is_deeper(record, MAX_DEPTH - 1):
        raise NotJsonError(f"nested deeper than {MAX_DEPTH} levels", 0)
    return record


# -- JSON, strictly ----------------------------------------------------------------


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text:.40} is too large")
    return number


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
"""Python's parser without what is lax in it: what it takes can be written again."""
_SPACE = re.compile(r"[ \t\r\n]*")


def skip_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def scan_value(text: str, start: int) -> tuple[Any, int]:
    """Read the JSON value that begins at `start`, and tell where it ends.

    Raises NotJsonError, for what is nested too deep as well.
    """
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        what = f"not JSON: {error.msg}"
        raise NotJsonError(what, error.pos, error.colno) from error
    except RecursionError as error:
        raise NotJsonError("nested too deep to be read", start) from error
    except ValueError as error:
        what = str(error).partition(":")[0]
        raise NotJsonError(f"not JSON: {what}", start) from error
    many = text.count("{", start, end) + text.count("[", start, end) > MAX_DEPTH
    if many and is_deeper(value, MAX_DEPTH):
        raise NotJsonError(f"nested deeper than {MAX_DEPTH} levels", start)
    return value, end


def parse_value(text: str) -> Any:
    """Read the one JSON value of a text; raises NotJsonError."""
    value, end = scan_value(text, skip_space(text, 0))
    end = skip_space(text, end)
    if end < len(text):
        raise NotJsonError("not JSON: Extra data", end, end + 1)
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
