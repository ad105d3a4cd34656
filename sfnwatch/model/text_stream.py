"""A file's text, unpacked and decoded, block by block.

A trail's files, and what the AWS CLI writes, may be longer than memory: no more than
one block is held.
"""

import codecs
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from zstandard import ZstdDecompressor, ZstdError

MAX_UNPACKED = 1 << 32
"""Bytes of a file: a few kilobytes may unpack to any amount."""
HEAD = 1 << 16
"""Bytes by which a file must show what it is."""

_BLOCK = 1 << 18
_STEP = 1 << 8
"""Packed bytes are unpacked so many at a time: zstd may make 32 KiB of each."""
_GZIP_ONLY = 31
"""Of zlib's formats, by its own number."""
_PACKINGS: dict[bytes, tuple[str, Callable[[], Any]]] = {
    b"\x1f\x8b": ("gzip", lambda: zlib.decompressobj(wbits=_GZIP_ONLY)),
    b"\x28\xb5\x2f\xfd": ("zstd", lambda: ZstdDecompressor().decompressobj()),
}
"""By what a packed file begins with."""
_LONGEST_MARK = 4
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class TextStream:
    """A file's text as UTF-8, block by block, read once, whatever it is packed in.

    What a file is, its content tells: its name says nothing. Iterating raises
    ValueError for what is damaged, or has no end.
    """

    def __init__(self, raw: Iterable[bytes]) -> None:
        self.packed = ""
        """By what it is packed: `gzip`, `zstd` or, mostly, nothing."""
        self.cut = ""
        """Why it ended too early, where a packed stream did: known at its end."""
        self._blocks = self._decoded(iter(raw))

    def __iter__(self) -> Iterator[bytes]:
        return self._blocks

    def _decoded(self, raw: Iterator[bytes]) -> Iterator[bytes]:
        """Unpack, and write as UTF-8 without a byte order mark."""
        first, raw = _peeked(filter(None, raw))
        for mark, (name, new) in _PACKINGS.items():
            if first.startswith(mark):
                self.packed = name
                raw = self._unpacked(raw, new)
        try:
            first, raw = _peeked(filter(None, self._bounded(raw)))
            if first.startswith(_UTF16):
                # PowerShell's `>` writes it so.
                yield from (t.encode() for t in codecs.iterdecode(raw, "utf-16") if t)
            else:
                first = next(raw).removeprefix(codecs.BOM_UTF8)
                yield from filter(None, chain((first,), raw))
        except (zlib.error, ZstdError, UnicodeError) as error:
            raise ValueError(f"damaged: {error}") from error

    def _bounded(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        total = 0
        for block in blocks:
            total += len(block)
            if total > MAX_UNPACKED:
                does = "unpacks to" if self.packed else "is"
                most = f"{MAX_UNPACKED >> 20:,} MiB"
                raise ValueError(f"can't be read: it {does} more than {most}")
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
    """Give the first bytes, of which there are enough for a mark, and all of them."""
    first = b""
    while len(first) < _LONGEST_MARK and (block := next(blocks, b"")):
        first += block
    return first, chain((first,), blocks)
