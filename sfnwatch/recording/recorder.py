"""Writes a recording as records come.

The recorder is a consumer of records like any other, and must not disturb the watch. It
never overwrites a file, and it never raises while watching: a full disk stops the
recording with a message, but not the watch. Only their owner can read the files, since
a recording holds the payloads of an execution.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from tempfile import mkstemp
from typing import Self, TextIO

from sfnwatch.config.user_folders import NO_HOME
from sfnwatch.errors import UsageError
from sfnwatch.model.records import Batch, Received
from sfnwatch.model.texts import clean
from sfnwatch.recording.file_names import file_stem
from sfnwatch.recording.format import SUFFIX, Header, encode_header, encode_line


class Recorder:
    """Appends every batch to its file, unbuffered."""

    def __init__(self, path: Path, header: Header) -> None:
        """Begin a new file; raises UsageError if it exists or can't be made."""
        self.path = path
        self.header = header
        self.trouble = ""
        """Why records are missing from the file; empty while none are."""
        first_line = encode_header(header)
        self._file = _begin(path, first_line)
        self._size = len(first_line)
        """Bytes written: the file is shorter only if another program cut it."""
        status = os.fstat(self._file.fileno())
        self._identity = (status.st_dev, status.st_ino)

    @classmethod
    def create_in(cls, directory: Path, header: Header) -> Self:
        """Begin a new file named after the header's first execution.

        If the name is taken, a number is added: several processes may record at once.
        Raises UsageError if the file can't be made.
        """
        if directory.is_relative_to(NO_HOME):
            msg = "There is no home directory to record in."
            hint = "Set HOME, or XDG_STATE_HOME; or name a file with --record."
            raise UsageError(msg, hint=hint)
        stem = file_stem(header)
        number = 1
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
            status = os.fstat(self._file.fileno())
            if status.st_nlink == 0:
                # Writing would succeed, but nobody could ever read it.
                raise FileNotFoundError("the file was deleted")
            if status.st_size < self._size:
                self._stop(OSError("the file was cut short"))
                return
            _write(self._file, lines)
            self._size += len(lines)
        except OSError as error:
            self._stop(error)

    def close(self) -> None:
        """Write the file through to the disk and close it; may be called twice."""
        if self._file.closed:
            return
        try:
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            self._stop(error)

    def loss(self) -> str:
        """Return why the recording can't be read at its path; empty if it can."""
        try:
            status = self.path.stat()
        except OSError:
            return "the file was moved or deleted"
        if (status.st_dev, status.st_ino) != self._identity:
            return "another file is in its place"
        if status.st_size < self._size:
            return "the file was cut short"
        return ""

    def _encode(self, batch: Batch) -> Iterator[bytes]:
        for received in batch:
            try:
                yield encode_line(received, self.header.created)
            except ValueError as error:
                self.trouble = self.trouble or _unwritable(received, error)

    def _stop(self, error: OSError) -> None:
        """Stop recording: records after a gap would read as if there were no gap."""
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
    """Open a file for UTF-8 text; it replaces the old file once all is written.

    Readers get the old file until then. A pipe or a device can't be replaced, so it is
    written to directly. Raises OSError.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8", newline="") as out:
            yield out
        return
    # mkstemp makes the file with mode 0600.
    descriptor, temporary = mkstemp(prefix=f".{path.name[:80]}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as out:
            yield out
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _begin(path: Path, header: bytes) -> FileIO:
    """Return a new unbuffered file that begins with the header; raises UsageError."""
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
    """Open a file for appending, with mode 0600: only its owner can read it."""
    return os.open(path, flags | os.O_APPEND, 0o600)


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(error.errno, "its folder is a file") from error


def _write(file: FileIO, data: bytes) -> None:
    """Write all the data: one write to an unbuffered file may take only a part."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
