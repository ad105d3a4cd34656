"""The recorder: one more consumer, without privileges, that must not disturb.

It never overwrites, and it never raises while watching: a full disk stops the
recording, loudly, and not the watch.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from io import FileIO
from pathlib import Path
from typing import Self

from sfnwatch.errors import UsageError
from sfnwatch.recording.format import (
    Header,
    encode_header,
    encode_line,
    whole_milliseconds,
)
from sfnwatch.recording.naming import default_path
from sfnwatch.trace.events import Batch
from sfnwatch.trace.text import clean

OnTrouble = Callable[[str], None]


class Recorder:
    """Appends every batch it is given to its file, and flushes it."""

    def __init__(
        self,
        file: FileIO,
        path: Path,
        header: Header,
        on_trouble: OnTrouble | None = None,
    ) -> None:
        self._file: FileIO | None = file
        self._created = header.created
        self._on_trouble = on_trouble
        self.path = path
        self.written = 0
        """Records in the file."""
        self.unwritten = 0
        """Records that are not, because of `trouble`."""
        self.trouble = ""
        """Why something is missing from the file; empty while all is well."""
        _write(file, f"{encode_header(header)}\n".encode())

    @classmethod
    def create(
        cls,
        path: Path,
        executions: Sequence[str],
        created: datetime,
        tool: str,
        on_trouble: OnTrouble | None = None,
    ) -> Self:
        """Begin a new file; raises UsageError if it exists or can't be made."""
        try:
            return cls._begin(path, executions, created, tool, on_trouble)
        except FileExistsError as error:
            msg = f"Can't record to {clean(str(path))}: the file exists."
            hint = "Recordings are never overwritten: name another file."
            raise UsageError(msg, hint=hint) from error

    @classmethod
    def create_in(
        cls,
        directory: Path,
        executions: Sequence[str],
        created: datetime,
        tool: str,
        on_trouble: OnTrouble | None = None,
    ) -> Self:
        """Begin a new file named after its first execution, whoever else does."""
        execution, more = next(iter(executions), ""), max(0, len(executions) - 1)
        while True:
            path = default_path(directory, execution, created, more=more)
            with suppress(FileExistsError):
                return cls._begin(path, executions, created, tool, on_trouble)

    @classmethod
    def _begin(
        cls,
        path: Path,
        executions: Sequence[str],
        created: datetime,
        tool: str,
        on_trouble: OnTrouble | None,
    ) -> Self:
        header = Header(whole_milliseconds(created), tool, tuple(executions))
        try:
            _make_directory(path.parent)
            file = open(path, "xb", buffering=0, opener=_private)  # noqa: SIM115
        except FileExistsError:
            raise
        except (OSError, ValueError) as error:
            raise _cannot_record(path, error) from error
        try:
            return cls(file, path, header, on_trouble)
        except OSError as error:
            file.close()
            path.unlink(missing_ok=True)
            raise _cannot_record(path, error) from error

    @property
    def created(self) -> datetime:
        """The moment the recording counts from, by which its view is found again."""
        return self._created

    def __call__(self, batch: Batch) -> None:
        lines = self._encode(batch)
        if self._file is None:
            self.unwritten += len(lines)
            return
        try:
            _check_there(self._file)
            _write(self._file, b"".join(lines))
        except OSError as error:
            self.unwritten += len(lines)
            self._stop(error)
        else:
            self.written += len(lines)

    def close(self) -> None:
        """Make sure that the file is on the disk; may be called twice."""
        if self._file is None:
            return
        try:
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            self._stop(error)
        self._file = None

    def _encode(self, batch: Batch) -> list[bytes]:
        lines = []
        for received in batch:
            try:
                lines.append(f"{encode_line(received, self._created)}\n".encode())
            except ValueError as error:
                self.unwritten += 1
                if not self.trouble:
                    self._say(f"A {received.source} record can't be recorded: {error}.")
        return lines

    def _stop(self, error: OSError) -> None:
        """Write no more: what follows a gap would read as if there were none."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()
        self._say(f"Recording to {self.path} stopped: {error.strerror or error}.")

    def _say(self, trouble: str) -> None:
        self.trouble = clean(trouble)
        if self._on_trouble is not None:
            self._on_trouble(self.trouble)


def _private(path: str, flags: int) -> int:
    """Open for the owner alone: a recording holds the payloads of an execution."""
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


def _check_there(file: FileIO) -> None:
    """Writing to a file that was deleted succeeds, and nobody will ever read it."""
    if os.fstat(file.fileno()).st_nlink == 0:
        msg = "the file was deleted"
        raise FileNotFoundError(msg)


def _cannot_record(path: Path, error: OSError | ValueError) -> UsageError:
    why = getattr(error, "strerror", None) or error
    return UsageError(
        f"Can't record to {clean(str(path))}: {clean(str(why))}.",
        hint="Name another file with --record, or watch with --no-record.",
    )
