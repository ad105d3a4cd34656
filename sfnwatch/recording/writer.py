"""Files that are written: the recorder's, and those that are there whole or not at all.

The recorder is one more consumer, without privileges, that must not disturb. It never
overwrites, and it never raises while watching: a full disk stops the recording,
loudly, and not the watch. All files are for their owner's eyes alone: a recording
holds the payloads of an execution.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC
from io import FileIO
from pathlib import Path
from tempfile import mkstemp
from typing import BinaryIO, Self, TextIO
from unicodedata import category

from sfnwatch.config import NOWHERE
from sfnwatch.errors import UsageError
from sfnwatch.model.arns import maybe_execution_arn
from sfnwatch.model.records import Batch
from sfnwatch.model.values import clean
from sfnwatch.recording.format import (
    SUFFIX,
    Header,
    encode_header,
    encode_line,
)

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
        self._file: FileIO | None = _begin(path, encode_header(header))

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
        if self._file is None:
            return
        try:
            _check_there(self._file)
            _write(self._file, lines)
        except OSError as error:
            self._stop(error)

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

    def _encode(self, batch: Batch) -> Iterator[bytes]:
        for received in batch:
            try:
                yield encode_line(received, self.header.created)
            except ValueError as error:
                trouble = f"A {received.kind} record can't be recorded: {error}."
                self.trouble = self.trouble or clean(trouble)

    def _stop(self, error: OSError) -> None:
        """Write no more: what follows a gap would read as if there were none."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()
        trouble = f"Recording to {self.path} stopped: {error.strerror or error}."
        self.trouble = clean(trouble)


def write_recording(out: BinaryIO, header: Header, batches: Iterable[Batch]) -> None:
    """Write a whole recording to a file that is open; raises OSError."""
    out.write(encode_header(header))
    for batch in batches:
        out.writelines(encode_line(received, header.created) for received in batch)


def save_recording(path: Path, header: Header, batches: Iterable[Batch]) -> None:
    """Write a whole recording to a new file; raises UsageError.

    One that could not be finished is taken away again.
    """
    recorder = Recorder(path, header)
    try:
        for batch in batches:
            recorder(batch)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        recorder.close()
    if recorder.trouble:
        path.unlink(missing_ok=True)
        raise UsageError(recorder.trouble, hint="Name another file.")


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


def _check_there(file: FileIO) -> None:
    """Writing to a file that was deleted succeeds, and nobody will ever read it."""
    if os.fstat(file.fileno()).st_nlink == 0:
        raise FileNotFoundError("the file was deleted")


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
