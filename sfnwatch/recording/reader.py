"""A recording, read back: line by line, so that its length is nobody's trouble.

A torn last line is the end: the tool was killed, or the disk was full. A bad line
anywhere else is an error with its number, since nobody knows what else is wrong.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import chain
from os import SEEK_END
from pathlib import Path

from msgspec.structs import replace

from sfnwatch.errors import UsageError
from sfnwatch.model.json_stream import NotJsonError
from sfnwatch.model.records import CALL_KINDS, Batch, Received
from sfnwatch.model.values import list_of, mapping_of, maybe_time, size, text_of
from sfnwatch.recording.format import (
    MARK,
    ByteStream,
    Header,
    NewerFormatError,
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
_BEGINNING = re.compile(rb'\s*\{.*"' + MARK.encode() + rb'"\s*:')


def is_recording(head: bytes) -> bool:
    """True if a file's first line is, or begins like, a recording's header."""
    return _BEGINNING.match(head) is not None


class RecordedFile:
    """One recording; its header is read, and its records when they are asked for."""

    def __init__(self, path: Path, stream: ByteStream | None = None) -> None:
        """Read the header; raises BadFileError.

        Of a pipe, which can be read but once, all is read and held.
        """
        stream = stream or ByteStream(path)
        lines = stream.lines()
        self.path = path
        self.header = _header(path, lines)
        self.notes: list[str] = []
        """What a reader should know, once the records were read: a torn end."""
        self._has_end = stream.regular and not stream.packed
        """True where its end can be looked at before what comes before it."""
        self._held = None if stream.regular else list(self._read(stream, lines))
        stream.close()

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

    def span(self) -> tuple[datetime, datetime] | None:
        """Tell when its first and its last record came, from its ends alone.

        None for what is packed or a pipe, and where the ends do not tell.
        """
        if not self._has_end:
            return None
        try:
            with self.path.open("rb") as file:
                first = file.read(_ENDS).split(b"\n")[1:-1]
                file.seek(max(0, file.seek(0, SEEK_END) - _ENDS))
                last = file.read(_ENDS).split(b"\n")[1:]
        except OSError as error:
            raise bad_file(self.path, error) from error
        times: list[datetime] = []
        for line in (*first, *last):
            # One that the end of a piece cuts tells nothing.
            with suppress(ValueError):
                if at := decode_line(line, self.header.created).at:
                    times.append(at)
        return (min(times), max(times)) if times else None


class Recording:
    """What a file, or several together, hold: all received, as it was received."""

    def __init__(
        self, files: Sequence[RecordedFile], imported: Sequence[Imported] = ()
    ) -> None:
        """Open recordings, and foreign files: whose these are, what is recorded tells.

        Raises BadFileError.
        """
        self._files = tuple(files)
        self._loaded: Batch | None = None
        self._more: Batch = ()
        self._notes: Sequence[str] = ()
        if imported:
            self._more, notes = match(imported, self.records())
            self._notes = (*(note for file in imported for note in file.notes), *notes)
        named = (arn for file in files for arn in file.header.executions)
        self.executions = tuple(dict.fromkeys((*named, *_executions_of(self._more))))
        """The ARNs it is about; `file:NAME` where a foreign file does not say."""
        created = (file.header.created for file in files)
        self.created: datetime | None = min(created, default=None)
        """When watching began; None where only foreign files are open."""

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


_TIMES = (
    *("timestamp", "event_timestamp", "eventTime", "EventTime", "eventtime"),
    *("updatedAt", "startDate", "stopDate"),
)
"""The keys by which records tell when what they tell of was."""


def moment(received: Received) -> datetime | None:
    """Tell when a record came, or failing that when the last it tells of was."""
    if received.at is not None:
        return received.at
    record = received.record
    parts = (record, record.get("detail"), *list_of(record.get("executions")))
    times = (maybe_time(mapping_of(p).get(key)) for p in parts for key in _TIMES)
    return max(filter(None, times), default=None)


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
    return Recording(recorded, imported)


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
