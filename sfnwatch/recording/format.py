"""A recording: its format, how one is written, and how it is read back.

A header, and then one line for each record: JSON Lines in printable ASCII, so that a
recording can be looked at in a terminal whatever strings AWS sent. AWS's record is kept
as it came: a later version can read more out of it. A text of two halves of a surrogate
pair, which JSON can't tell from the character itself, comes back as that character. NaN
is refused: JSON has none.

The number in the header moves with the format only. A reader of format n is to lift
a file of format m by one function for each step, m to m + 1, before `decode_line`.

A torn last line is the end: the tool was killed, or the disk was full. A bad line
anywhere else is an error with its number, since nobody knows what else is wrong.

The recorder is one more consumer, without privileges, that must not disturb. It never
overwrites, and it never raises while watching: a full disk stops the recording,
loudly, and not the watch. All files are for their owner's eyes alone: a recording
holds the payloads of an execution.
"""

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from io import FileIO
from itertools import chain
from pathlib import Path
from tempfile import mkstemp
from typing import Annotated, Any, Generic, Self, TextIO, TypeVar
from unicodedata import category

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.config import NOWHERE
from sfnwatch.errors import BadFileError, UsageError
from sfnwatch.model.api_call import decode_call
from sfnwatch.model.arns import maybe_execution_arn
from sfnwatch.model.ecs_task import decode_task_state
from sfnwatch.model.history_event import decode_event
from sfnwatch.model.json_stream import HEAD, MAX_LINE, TextStream
from sfnwatch.model.map_runs import decode_map_run
from sfnwatch.model.other_executions import decode_machine_executions
from sfnwatch.model.own_requests import decode_request
from sfnwatch.model.records import CALL_KINDS, EVENT_KINDS, Batch, Received, RecordKind
from sfnwatch.model.values import (
    NotJsonError,
    ascii_json,
    clean,
    decode_object,
    encode_json,
    iso,
    parse_time,
    parse_value,
    size,
    text_of,
    within,
)

VERSION = 1
MARK = "sfnwatch"
"""The key that makes a first line the header of a recording."""
SUFFIX = ".sfnwatch.jsonl"

_OF_AN_EXECUTION = EVENT_KINDS | {RecordKind.DESCRIBE, RecordKind.DEFINITION}
_PRINTABLE = bytes(range(0x20, 0x7F))
_MOST_BLANK = 10_000
"""Empty lines among records: of packed ones there may be a billion."""
_SENTENCE = 300
_MAX_DEPTH = 200
"""Levels of nesting that surely can be read back: Python's parser ends at about 1000,
less what it is called in."""


_BEGINNING = re.compile(rb'\s*\{.*"' + MARK.encode() + rb'"\s*:')
STDIN = Path("-")
"""What stands for stdin where a file is named."""


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
        self.text = TextStream(iter(read, b""))
        self._blocks = self._readable()
        head = bytearray()
        while len(head) < HEAD and (block := next(self._blocks, b"")):
            head += block
        self.head = bytes(head)
        """Its first 64 KiB, or a little more; all of a shorter one."""
        if not self.head or (self.head.isspace() and len(self.head) < HEAD):
            self.close()
            cut = self.text.cut
            what = f"{cut} before its first line" if cut else "is empty"
            raise bad_file(path, what)

    def blocks(self) -> Iterator[bytes]:
        """Yield all of it, block by block; raises BadFileError."""
        return chain((self.head,), self._blocks)

    def lines(self) -> Iterator[bytes]:
        """Yield its lines with their ends, which the last may lack."""
        rest, number = b"", 1
        for block in self.blocks():
            *whole, rest = (rest + block).split(b"\n")
            yield from [line + b"\n" for line in whole]
            number += len(whole)
            if len(rest) > MAX_LINE:
                what = f"a line longer than {MAX_LINE >> 20} MiB"
                raise bad_file(self.path, what, line=number)
        if rest:
            yield rest

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        if self._number >= 0:
            os.close(self._number)
            self._number = -1

    def _readable(self) -> Iterator[bytes]:
        """Pass blocks on, and put errors into words."""
        try:
            yield from self.text
        except (OSError, ValueError) as error:
            raise bad_file(self.path, error) from error
        finally:
            self.close()


def _opened(path: Path) -> int:
    if path == STDIN:
        if os.isatty(0):
            hint = "Pipe a file into it, or name one."
            raise bad_file(path, "is a terminal", hint=hint)
        return os.dup(0)
    return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))


# -- the header --------------------------------------------------------------------


def new_header(created: datetime, tool: str, executions: Iterable[str]) -> Header:
    """Make a header; its time is cut to the milliseconds that it can say."""
    at = created.replace(microsecond=created.microsecond // 1000 * 1000)
    return Header(at, tool, tuple(executions))


def encode_header(header: Header) -> bytes:
    """Write the first line, with its end."""
    told = {**msgspec.to_builtins(header), "created": iso(header.created)}
    return f"{ascii_json({MARK: VERSION, **told})}\n".encode()


def _read_header(path: Path, lines: Iterator[bytes]) -> Header:
    """Read the first line; raises BadFileError."""
    try:
        value = parse_value(next(lines).removesuffix(b"\n").decode())
        version = value.get(MARK) if isinstance(value, dict) else None
        if type(version) is int and 1 <= version <= VERSION:
            header = msgspec.convert(value, Header)
            return replace(header, created=parse_time(value["created"]))
    except ValueError as error:
        raise bad_file(path, error, line=1) from error
    what, hint = f'not the header of a recording, {{"{MARK}": {VERSION}, …}}', ""
    if isinstance(version, int) and version > VERSION:
        known = f"this version reads up to {VERSION}"
        what = f"recorded in format {version!s:.40}, and {known}"
        hint = "Upgrade sfnwatch to open it."
    raise bad_file(path, what, line=1, hint=hint)


# -- records -----------------------------------------------------------------------


def encode_line(received: Received, created: datetime) -> bytes:
    """Write one record, with the line's end; raises ValueError for no JSON object."""
    at = received.at
    line = b'{"at": %b, "source": %b, "execution": %b, "data": %b}\n' % (
        # A length with all its microseconds.
        b"%.6f" % (at - created).total_seconds() if at is not None else b"null",
        encode_json(str(received.kind)),
        encode_json(received.execution_arn),
        _one_line(received),
    )
    if len(line) > MAX_LINE:
        raise ValueError(f"longer than {MAX_LINE >> 20} MiB")
    return line


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
    at = None if line.at is None else _moment(created, line.at)
    return Received(at, line.source, line.execution, data)


@lru_cache(maxsize=256)
def _moment(created: datetime, seconds: float) -> datetime:
    """Give when a record came: all those of a page came at one moment."""
    try:
        return within(created + timedelta(seconds=seconds))
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


# -- reading ---------------------------------------------------------------------------


def is_recording(head: bytes) -> bool:
    """True if a file's first line is, or begins like, a recording's header."""
    return _BEGINNING.match(head) is not None


class RecordedFile:
    """One recording; its header is read, and its records when they are asked for."""

    def __init__(self, path: Path, stream: ByteStream | None = None) -> None:
        """Read the header; raises BadFileError.

        Of a pipe, which can be read but once, all is read and held.
        """
        self.path = path
        self.notes: list[str] = []
        """What a reader should know, once the records were read: a torn end."""
        with closing(stream or ByteStream(path)) as opened:
            lines = opened.lines()
            self.header = _read_header(path, lines)
            self._held = None if opened.regular else list(self._read(opened, lines))

    def hold(self) -> None:
        """Keep the records, for as often as they are asked for."""
        self._held = list(self.records())

    def records(self) -> Iterator[Received]:
        """Yield the records as they were received; raises BadFileError."""
        if self._held is not None:
            return iter(self._held)
        stream = ByteStream(self.path)
        lines = stream.lines()
        next(lines, b"")
        return self._read(stream, lines)

    def _read(self, stream: ByteStream, lines: Iterator[bytes]) -> Iterator[Received]:
        self.notes.clear()
        count, left_out, blank = 0, 0, 0
        with closing(stream):
            for number, line in enumerate(lines, 2):
                if line.isspace() and blank < _MOST_BLANK:
                    blank += 1
                    continue
                try:
                    received = decode_line(line, self.header.created)
                    check_record(received)
                except ValueError as error:
                    torn = isinstance(error, NotJsonError | UnicodeDecodeError)
                    if not torn or line.endswith(b"\n"):
                        raise bad_file(self.path, error, line=number) from error
                    left_out = len(line)
                else:
                    count += 1
                    yield received
        if left_out or stream.text.cut:
            why = stream.text.cut or "the last line is cut short"
            told = f"{count} records loaded, {size(left_out)} left out"
            self.notes.append(f"{name_of(self.path)}: {why}: {told}")


# -- writing ---------------------------------------------------------------------------

_SAFE, _NAME_BYTES = "-_.+=@", 180
"""Of 255 that file systems allow, less the time, a number and the suffix."""


class Recorder:
    """Appends every batch it is given to its file, and flushes it."""

    def __init__(self, path: Path, header: Header) -> None:
        """Begin a new file; raises UsageError if it exists or can't be made."""
        self.path = path
        self.header = header
        self.trouble = ""
        """Why something is missing from the file; empty while all is well."""
        first_line = encode_header(header)
        self._file = _begin(path, first_line)
        self._size = len(first_line)
        """Bytes that were written: the file is never shorter, unless another cut it."""
        begun = os.fstat(self._file.fileno())
        self._identity = begun.st_dev, begun.st_ino

    @classmethod
    def create_in(cls, directory: Path, header: Header) -> Self:
        """Begin a new file named after its first execution, whoever else does."""
        if directory.is_relative_to(NOWHERE):
            msg = "There is no home directory to record in."
            hint = "Set HOME, or XDG_STATE_HOME; or name a file with --record."
            raise UsageError(msg, hint=hint)
        stem, number = file_stem(header), 1
        while True:
            name = f"{stem}-{number}" if number > 1 else stem
            try:
                return cls(directory / f"{name}{SUFFIX}", header)
            except UsageError as error:
                if not isinstance(error.__cause__, FileExistsError):
                    raise
            number += 1

    def __call__(self, batch: Batch) -> None:
        lines = b"".join(self._encode(batch))
        if self._file.closed:
            return
        try:
            now = os.fstat(self._file.fileno())
            if now.st_nlink == 0:
                # Writing succeeds, and nobody will ever read it.
                raise FileNotFoundError("the file was deleted")
            if now.st_size < self._size:
                self._stop(OSError("the file was cut short"))
                return
            _write(self._file, lines)
            self._size += len(lines)
        except OSError as error:
            self._stop(error)

    def close(self) -> None:
        """Make sure that the file is on the disk; may be called twice."""
        if self._file.closed:
            return
        try:
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            self._stop(error)

    def loss(self) -> str:
        """Say why the recording can't be read where it was begun; empty if it can."""
        try:
            there = self.path.stat()
        except OSError:
            return "the file was moved or deleted"
        if (there.st_dev, there.st_ino) != self._identity:
            return "another file is in its place"
        return "the file was cut short" if there.st_size < self._size else ""

    def _encode(self, batch: Batch) -> Iterator[bytes]:
        for received in batch:
            try:
                yield encode_line(received, self.header.created)
            except ValueError as error:
                self.trouble = self.trouble or _unwritable(received, error)

    def _stop(self, error: OSError) -> None:
        """Write no more: what follows a gap would read as if there were none."""
        with suppress(OSError):
            self._file.close()
        trouble = f"Recording to {self.path} stopped: {error.strerror or error}."
        self.trouble = clean(trouble)


def write_recording(out: TextIO, header: Header, records: Iterable[Received]) -> None:
    """Write a whole recording; raises OSError, and UsageError for no JSON object."""
    out.write(encode_header(header).decode())
    for received in records:
        try:
            line = encode_line(received, header.created)
        except ValueError as error:
            raise UsageError(_unwritable(received, error)) from error
        out.write(line.decode())


def _unwritable(received: Received, error: ValueError) -> str:
    return clean(f"A {received.kind} record can't be recorded: {error}.")


@contextmanager
def atomic_write(path: Path) -> Iterator[TextIO]:
    """Open a file for UTF-8 text; it takes its place when all is written.

    Whoever reads meanwhile gets the old one. A pipe or a device, which can't be
    replaced, is written to as it is. Raises OSError.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8", newline="") as out:
            yield out
        return
    # The file is made with mode 0600.
    descriptor, temporary = mkstemp(prefix=f".{path.name[:80]}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as out:
            yield out
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _begin(path: Path, header: bytes) -> FileIO:
    """Make a new file, unbuffered, that begins with a header; raises UsageError."""
    try:
        _make_directory(path.parent)
        file = open(path, "xb", buffering=0, opener=private)  # noqa: SIM115
        try:
            _write(file, header)
        except OSError:
            file.close()
            path.unlink(missing_ok=True)
            raise
    except FileExistsError as error:
        msg = f"Can't record to {clean(str(path))}: the file exists."
        hint = "Recordings are never overwritten: name another file."
        raise UsageError(msg, hint=hint) from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        msg = f"Can't record to {clean(str(path))}: {clean(str(why))}."
        hint = "Name another file with --record, or watch with --no-record."
        raise UsageError(msg, hint=hint) from error
    return file


def private(path: str, flags: int) -> int:
    """Open for the owner alone."""
    return os.open(path, flags | os.O_APPEND, 0o600)


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(error.errno, "its folder is a file") from error


def _write(file: FileIO, data: bytes) -> None:
    """Write all of it: an unbuffered file may take less than it was given."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


# -- names of files ------------------------------------------------------------------


def file_stem(header: Header) -> str:
    """Name a recording: `nightly-report.run-7f3a.20231115T002824Z`."""
    execution, *others = header.executions or ("",)
    more = f".and-{len(others)}-more" if others else ""
    begun = f"{header.created.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    return f"{_file_name(execution)}{more}.{begun}"


def _file_name(execution: str) -> str:
    parsed = maybe_execution_arn(execution)
    if parsed:
        execution = f"{parsed.state_machine_name}.{parsed.name}"
    # It begins with nothing that hides the file.
    return safe_name(execution, _NAME_BYTES).lstrip(".-") or "execution"


def safe_name(name: str, most: int) -> str:
    """Keep letters, marks and numbers of any script, and what no file system minds.

    It is cut between characters, to so many bytes.
    """
    kept = [c if c in _SAFE or category(c)[0] in "LMN" else "-" for c in name]
    return "".join(kept).encode()[:most].decode(errors="ignore")
