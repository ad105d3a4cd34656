"""A recording, read back: line by line, so that its length is nobody's trouble.

A torn last line is the end: the tool was killed, or the disk was full. A bad line
anywhere else is an error with its number, since nobody knows what else is wrong.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import chain
from os import SEEK_END
from pathlib import Path

from msgspec.structs import replace

from sfnwatch.errors import UsageError
from sfnwatch.model.api_call import decode_call
from sfnwatch.model.ecs_task import decode_task_state
from sfnwatch.model.history import decode_event
from sfnwatch.model.records import (
    CALL_KINDS,
    Batch,
    DecodeError,
    Received,
    Record,
    RecordKind,
)
from sfnwatch.model.values import list_of, mapping_of, maybe_time, size, text_of
from sfnwatch.recording.format import (
    MARK,
    ByteStream,
    Header,
    NewerFormatError,
    NotJsonError,
    bad_file,
    check_record,
    decode_header,
    decode_line,
    name_of,
)
from sfnwatch.recording.importers import (
    BATCH,
    Imported,
    import_file,
    in_batches,
    match,
)

_MOST_BLANK = 10_000
"""Empty lines among records: of packed ones there may be a billion."""
_ENDS = 1 << 17
"""Bytes at either end of a file that have a record or two in them."""
_BEGINNING = re.compile(rb'\s*\{\s*"' + MARK.encode() + rb'"\s*:')


def is_recording(head: bytes) -> bool:
    """True if a file's first line is, or begins like, a recording's header."""
    first = head.partition(b"\n")[0]
    try:
        decode_header(first)
    except NewerFormatError:
        return True
    except ValueError:
        return _BEGINNING.match(first) is not None
    return True


class RecordedFile:
    """One recording; its header is read, and its records when they are asked for."""

    def __init__(self, path: Path, stream: ByteStream | None = None) -> None:
        """Read the header; raises BadFileError."""
        stream = stream or ByteStream(path)
        lines = stream.lines()
        self.path = path
        self.header = _header(path, lines)
        self.notes: list[str] = []
        """What a reader should know, once the records were read: a torn end."""
        self.regular = stream.regular
        """False for a pipe, of which the records can be asked for but once."""
        self._packed = bool(stream.packed)
        self._begun = None if stream.regular else (stream, lines)
        """What can be read but once, behind its header."""
        if stream.regular:
            stream.close()

    def records(self) -> Iterator[Received]:
        """Yield the records as they were received; raises BadFileError."""
        stream, lines = self._begun or self._opened()
        self._begun = None
        self.notes.clear()
        count, left_out, blank = 0, 0, 0
        try:
            for number, line in enumerate(lines, 2):
                if line.isspace():
                    blank += 1
                    if blank > _MOST_BLANK:
                        why = f"more than {_MOST_BLANK:,} empty lines"
                        raise bad_file(self.path, ValueError(why), line=number)
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
        finally:
            stream.close()
        if left_out or stream.cut:
            why = stream.cut or "the last line is cut short"
            told = f"{count} records loaded, {size(left_out)} left out"
            self.notes.append(f"{name_of(self.path)}: {why}: {told}")

    def _opened(self) -> tuple[ByteStream, Iterator[bytes]]:
        stream = ByteStream(self.path)
        lines = stream.lines()
        next(lines, b"")
        return stream, lines

    def span(self) -> tuple[datetime, datetime] | None:
        """Tell when its first and its last record came, from its ends alone.

        None for what is packed or a pipe, and where the ends do not tell.
        """
        if self._packed or not self.regular:
            return None
        try:
            with self.path.open("rb") as file:
                head = file.read(_ENDS)
                file.seek(max(0, file.seek(0, SEEK_END) - _ENDS))
                tail = file.read(_ENDS)
        except OSError as error:
            raise bad_file(self.path, error) from error
        lines = (*head.split(b"\n")[1:-1], *tail.split(b"\n")[1:])
        times = list(self._moments(lines))
        return (min(times), max(times)) if times else None

    def _moments(self, lines: Iterable[bytes]) -> Iterator[datetime]:
        """Tell when the records of lines came, of which some may be torn."""
        for line in lines:
            with suppress(ValueError):
                if at := decode_line(line, self.header.created).at:
                    yield at


class Recording:
    """What a file, or several together, hold: all received, as it was received."""

    def __init__(self, files: Sequence[RecordedFile]) -> None:
        self._files = tuple(files)
        self._loaded: Batch | None = None
        self._more: Batch = ()
        self._notes: Sequence[str] = ()
        named = (arn for file in files for arn in file.header.executions)
        self.executions = tuple(dict.fromkeys(named))
        """The ARNs it is about; `file:NAME` where a foreign file does not say."""
        created = (file.header.created for file in files)
        self.created: datetime | None = min(created, default=None)
        """When watching began; None where only foreign files are open."""

    def add(self, imported: Sequence[Imported]) -> None:
        """Add foreign files: to tell whose they are takes what is recorded."""
        if not all(file.regular for file in self._files):
            self.load()
        self._more, notes = match(imported, self.records())
        self._notes = (*(note for file in imported for note in file.notes), *notes)
        named = _executions_of(self._more)
        self.executions = tuple(dict.fromkeys((*self.executions, *named)))

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know: all of it is there once the records were read."""
        return (*(note for file in self._files for note in file.notes), *self._notes)

    def load(self) -> None:
        """Hold what is recorded, for as often as it is asked for."""
        self._loaded = tuple(self._recorded())

    def records(self) -> Iterator[Received]:
        """Yield all records, those of foreign files last; raises BadFileError."""
        yield from self._recorded()
        # Copies: what is decoded of one is left behind in it.
        yield from map(replace, self._more)

    def _recorded(self) -> Iterator[Received]:
        if self._loaded is not None:
            return iter(self._loaded)
        return chain.from_iterable(file.records() for file in self._files)

    def batches(self, size: int = BATCH) -> Iterator[Batch]:
        """Yield the same, so many at once; raises BadFileError."""
        return in_batches(self.records(), size)

    def span(self) -> tuple[datetime, datetime] | None:
        """Tell when the first and the last record came, or failing that were made.

        None for recordings of which that can only be told by reading all; and for what
        tells of no time.
        """
        if self._files and self._loaded is None:
            alone = len(self._files) == 1 and not self._more
            return self._files[0].span() if alone else None
        times = [at for at in map(moment, self.records()) if at is not None]
        return (min(times), max(times)) if times else None


def moment(received: Received) -> datetime | None:
    """Tell when a record came, or failing that when what it tells of was."""
    if received.at is not None:
        return received.at
    record = received.record
    with suppress(DecodeError):
        match received.kind:
            case RecordKind.HISTORY | RecordKind.EXPRESS:
                return decode_event(record)[0].at
            case RecordKind.LOOKUP | RecordKind.TRAIL | RecordKind.ATHENA:
                return received.once(decode_call)[0].event_time
            case RecordKind.TASK_STATE:
                return decode_task_state(record).at
            case RecordKind.CHILDREN:
                items = map(mapping_of, list_of(record.get("executions")))
                return max(filter(None, map(_last_date, items)), default=None)
    return _last_date(record)


def _last_date(record: Record) -> datetime | None:
    return maybe_time(record.get("stopDate")) or maybe_time(record.get("startDate"))


def open_files(paths: Sequence[Path]) -> Recording:
    """Open files of any kind as one recording; raises BadFileError."""
    if not paths:
        raise UsageError("There is no file to open.", hint="Name at least one.")
    recorded: list[RecordedFile] = []
    imported: list[Imported] = []
    for path in dict.fromkeys(paths):
        stream = ByteStream(path)
        if is_recording(stream.head):
            recorded.append(RecordedFile(path, stream))
        else:
            imported.append(import_file(stream))
    recording = Recording(recorded)
    if imported:
        recording.add(imported)
    return recording


def _executions_of(records: Batch) -> Iterator[str]:
    """Name the executions that records are of, in the order they first appear."""
    for record in records:
        if record.kind not in CALL_KINDS:
            arn = record.execution_arn or text_of(record.record.get("executionArn"))
            yield from (arn,) if arn else ()


def _header(path: Path, lines: Iterator[bytes]) -> Header:
    try:
        return decode_header(next(lines).removesuffix(b"\n"))
    except NewerFormatError as error:
        hint = "Upgrade sfnwatch to open it."
        raise bad_file(path, f"recorded in {error}", line=1, hint=hint) from error
    except ValueError as error:
        raise bad_file(path, error, line=1) from error
