"""A file's text, unpacked and decoded, block by block.

A trail's files and the output of the AWS CLI may not fit into memory. So only one block
is held.
"""

import codecs
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from zstandard import ZstdDecompressor, ZstdError

MAX_UNPACKED = 1 << 32
"""Bytes of an unpacked file at most: a few kilobytes may unpack to any amount."""
HEAD = 1 << 16
"""The first bytes of a file, which must show what kind of file it is."""

_BLOCK = 1 << 18
_STEP = 1 << 8
"""Packed bytes that are unpacked at a time: zstd may make 32 KiB of each byte."""
_GZIP_ONLY = 31
"""zlib's number for the format gzip."""
_PACKINGS: dict[bytes, tuple[str, Callable[[], Any]]] = {
    b"\x1f\x8b": ("gzip", lambda: zlib.decompressobj(wbits=_GZIP_ONLY)),
    b"\x28\xb5\x2f\xfd": ("zstd", lambda: ZstdDecompressor().decompressobj()),
}
"""The name and the unpacker of each packing, by the first bytes of a packed file."""
_LONGEST_MARK = 4
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class TextStream:
    """A file's text as UTF-8, block by block, unpacked and read once.

    The packing is recognized by the content, not by the file's name. Iterating raises
    ValueError for a damaged file, and for one with more than `MAX_UNPACKED` bytes.
    """

    def __init__(self, raw: Iterable[bytes]) -> None:
        self.packed = ""
        """The packing: `gzip`, `zstd` or, mostly, empty."""
        self.cut = ""
        """Why a packed stream ended too early, else empty; known once all is read."""
        self._blocks = self._decoded(iter(raw))

    def __iter__(self) -> Iterator[bytes]:
        return self._blocks

    def _decoded(self, raw: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the unpacked text as UTF-8, without a byte order mark."""
        first, raw = _peeked(filter(None, raw))
        for mark, (name, new) in _PACKINGS.items():
            if first.startswith(mark):
                self.packed = name
                raw = self._unpacked(raw, new)
        try:
            first, raw = _peeked(filter(None, self._bounded(raw)))
            if first.startswith(_UTF16):
                # PowerShell's `>` writes UTF-16.
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
        """Yield the unpacked bytes of all members; `new` makes an unpacker for each.

        Zeros after a member are padding. The readers of zlib and zstandard are not
        used, since they would hide that the last member is cut short.
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
    """Return the first bytes, enough to recognize a mark, and all blocks with them."""
    first = b""
    while len(first) < _LONGEST_MARK and (block := next(blocks, b"")):
        first += block
    return first, chain((first,), blocks)
