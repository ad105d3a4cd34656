"""Bytes off the disk as UTF-8 text, a block at a time: unpacked, and never without end.

What a file is, its content tells: its name says nothing. Every trouble becomes a
sentence with the file's name. No more is held than a block, or the one line that is
read.
"""

import codecs
import os
import select
import stat
import zlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import zstandard

from sfnwatch.next.recording.format import MAX_LINE, bad_file

HEAD = 1 << 16
"""Bytes by which a file must show what it is."""
MAX_UNPACKED = 1 << 30
"""Bytes of what may have no end: a few kilobytes may unpack to any amount."""
_BLOCK = 1 << 18
_ZSTD_STEP = 1 << 12
"""zstandard unpacks all it is given in one go, up to 32 KiB for each byte."""
_PATIENCE = 30.0
"""Seconds without a byte from a pipe after which nothing more is expected."""
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_GZIP_ONLY = 31
"""Of zlib's formats, by its own number."""
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class TooLongLineError(ValueError):
    """A line past all reason; what was read of it is dropped."""

    def __init__(self, length: int, *, ended: bool) -> None:
        super().__init__(f"a line longer than {MAX_LINE >> 20} MiB")
        self.length = length
        self.ended = ended
        """False where the file ends before the line does."""


class ByteStream:
    """A file's text as UTF-8, read once from its beginning to its end."""

    def __init__(self, path: Path) -> None:
        """Open a file and read its head; raises BadFileError."""
        self.path = path
        self.cut = ""
        """Why it ended too early, where a packed stream did: known at its end."""
        self.packed = ""
        """By what it is packed: `gzip`, `zstd` or, mostly, nothing."""
        self._number = self._opened()
        mode = os.fstat(self._number).st_mode
        self.regular = stat.S_ISREG(mode)
        """False for a pipe or a device, which can't be read again."""
        self._text = self._sentences(self._decoded())
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
        """Yield its lines with their ends, which the last may lack.

        Raises BadFileError, and TooLongLineError.
        """
        begun: list[bytes] = []
        length = 0
        for block in self.blocks():
            first, *rest = block.split(b"\n")
            length += len(first)
            if length <= MAX_LINE:
                begun.append(first)
            else:
                begun.clear()
            if not rest:
                continue
            if length > MAX_LINE:
                raise TooLongLineError(length, ended=True)
            yield b"".join(begun) + b"\n"
            for line in rest[:-1]:
                yield line + b"\n"
            begun, length = [rest[-1]], len(rest[-1])
        if length > MAX_LINE:
            raise TooLongLineError(length, ended=False)
        if length:
            yield b"".join(begun)

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        if self._number >= 0:
            os.close(self._number)
            self._number = -1

    # -- from the disk to text -----------------------------------------------------

    def _opened(self) -> int:
        # Whoever opens a pipe that nobody writes to would wait for ever.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        try:
            number = os.open(self.path, flags)
        except OSError as error:
            raise bad_file(self.path, error) from error
        except ValueError as error:
            # A NUL in a file's name; the operating system is not even asked.
            raise bad_file(self.path, f"can't be read: {error}") from error
        if stat.S_ISDIR(os.fstat(number).st_mode):
            os.close(number)
            hint = "Name the files in it."
            raise bad_file(self.path, "is a directory", hint=hint)
        return number

    def _sentences(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
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
        raw = self._raw()
        first = next(raw, b"")
        raw = chain((first,), raw)
        if first.startswith(_GZIP):
            self.packed = "gzip"
            raw = self._bounded(filter(None, self._gunzipped(raw)))
        elif first.startswith(_ZSTD):
            self.packed = "zstd"
            raw = self._bounded(filter(None, self._unzstded(raw)))
        elif not self.regular:
            raw = self._bounded(raw)
        first = next(raw, b"")
        if first.startswith(_UTF16):
            # PowerShell's `>` writes it so.
            texts = codecs.iterdecode(chain((first,), raw), "utf-16")
            yield from (text.encode() for text in texts)
        else:
            yield first.removeprefix(codecs.BOM_UTF8)
            yield from raw

    def _raw(self) -> Iterator[bytes]:
        while True:
            try:
                block = os.read(self._number, _BLOCK)
                if not block:
                    return
                yield block
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

    def _gunzipped(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Unpack member after member; zeros behind the last are padding."""
        member = zlib.decompressobj(wbits=_GZIP_ONLY)
        for block in blocks:
            rest = block
            while rest:
                if member.eof:
                    rest = rest.lstrip(b"\0")
                    if not rest:
                        break
                    member = zlib.decompressobj(wbits=_GZIP_ONLY)
                yield member.decompress(rest, _BLOCK)
                rest = member.unused_data if member.eof else member.unconsumed_tail
        yield member.flush()
        if not member.eof:
            self.cut = "the gzip stream is cut short"

    def _unzstded(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Unpack frame after frame; ZstdDecompressor's own reader hides a cut one."""
        frame = zstandard.ZstdDecompressor().decompressobj()
        for block in blocks:
            rest = block
            while rest:
                if frame.eof:
                    frame = zstandard.ZstdDecompressor().decompressobj()
                yield frame.decompress(rest[:_ZSTD_STEP])
                rest = frame.unused_data + rest[_ZSTD_STEP:]
        if not frame.eof:
            self.cut = "the zstd stream is cut short"
