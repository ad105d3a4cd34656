"""Reads a recording back from its file.

A torn last line ends the recording: the program was killed, or the disk was full. A bad
line anywhere else is an error with the line's number, since more of the file may be
wrong.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from itertools import chain
from pathlib import Path

from sfnwatch.model.json_stream import MAX_LINE
from sfnwatch.model.records import Received
from sfnwatch.model.strict_json import NotJsonError
from sfnwatch.model.text_stream import HEAD, TextStream
from sfnwatch.model.texts import size
from sfnwatch.recording.format import (
    BEGINNING,
    MOST_BLANK,
    STDIN,
    bad_file,
    check_record,
    decode_line,
    name_of,
    read_header,
)

_BLOCK = 1 << 18
"""Bytes that are read at once."""


class ByteStream:
    """A file's text as UTF-8, read once from its beginning to its end.

    Every error becomes a BadFileError. Only one block, or the line that is being read,
    is held in memory.
    """

    def __init__(self, path: Path) -> None:
        """Open a file and read its head; raises BadFileError."""
        self.path = path
        try:
            self._descriptor = _open_file(path)
        except (OSError, ValueError) as error:
            raise bad_file(path, error) from error
        mode = os.fstat(self._descriptor).st_mode
        self.regular = path != STDIN and stat.S_ISREG(mode)
        """True for a file that can be read again: not a pipe or a device."""
        read_block = partial(os.read, self._descriptor, _BLOCK)
        self.text = TextStream(iter(read_block, b""))
        self._blocks = self._readable()
        head = bytearray()
        while len(head) < HEAD and (block := next(self._blocks, b"")):
            head += block
        self.head = bytes(head)
        """The file's first 64 KiB, or a little more; the whole of a shorter file."""
        is_blank = self.head.isspace() and len(self.head) < HEAD
        if is_blank or not self.head:
            self.close()
            cut = self.text.cut
            what = f"{cut} before its first line" if cut else "is empty"
            raise bad_file(path, what)

    def blocks(self) -> Iterator[bytes]:
        """Yield the whole text, block by block; raises BadFileError."""
        return chain((self.head,), self._blocks)

    def lines(self) -> Iterator[bytes]:
        """Yield the lines with their ends, which the last may lack.

        Raises BadFileError, also for a line that is too long.
        """
        rest = b""
        number = 1
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
        """Close the file; may be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _readable(self) -> Iterator[bytes]:
        """Yield the file's blocks, and turn errors into BadFileError."""
        try:
            yield from self.text
        except (OSError, ValueError) as error:
            raise bad_file(self.path, error) from error
        finally:
            self.close()


def _open_file(path: Path) -> int:
    """Return the descriptor of an open file; raises OSError and BadFileError."""
    if path == STDIN:
        if os.isatty(0):
            hint = "Pipe a file into it, or name one."
            raise bad_file(path, "is a terminal", hint=hint)
        return os.dup(0)
    return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))


def is_recording(head: bytes) -> bool:
    """True if a file's first line is, or begins like, a recording's header."""
    return BEGINNING.match(head) is not None


class RecordedFile:
    """One recording: the header is read at once, the records when asked for."""

    def __init__(self, path: Path, stream: ByteStream | None = None) -> None:
        """Read the header; raises BadFileError.

        A pipe can be read only once, so all of its records are read and held.
        """
        self.path = path
        self.notes: list[str] = []
        """Tells of a torn end, once the records have been read; empty without one."""
        with closing(stream or ByteStream(path)) as opened:
            lines = opened.lines()
            self.header = read_header(path, lines)
            self._held = None if opened.regular else list(self._read(opened, lines))

    def hold(self) -> None:
        """Hold the records in memory, so that they can be read repeatedly."""
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
        count = 0
        left_out = 0
        blank = 0
        with closing(stream):
            for number, line in enumerate(lines, 2):
                if line.isspace() and blank < MOST_BLANK:
                    blank += 1
                    continue
                try:
                    received = decode_line(line, self.header.created)
                    check_record(received)
                except ValueError as error:
                    is_partial = isinstance(error, NotJsonError | UnicodeDecodeError)
                    is_torn = is_partial and not line.endswith(b"\n")
                    if not is_torn:
                        raise bad_file(self.path, error, line=number) from error
                    left_out = len(line)
                else:
                    count += 1
                    yield received
        if left_out or stream.text.cut:
            why = stream.text.cut or "the last line is cut short"
            loaded = f"{count} records loaded, {size(left_out)} left out"
            self.notes.append(f"{name_of(self.path)}: {why}: {loaded}")
