"""Bytes off the disk: unpacked, decoded, and every trouble named with its file."""

import codecs
import os
import stat
import zlib
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path

from msgspec import Struct

from sfnwatch.errors import BadFileError
from sfnwatch.trace.text import clean

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
MAX_UNPACKED = 1 << 30
"""A file of a few kilobytes may unpack to more than there is memory."""
_STEP = 1 << 16
_ZSTD_STEP = 1 << 12
"""zstandard unpacks all it is given in one go, at up to 32 KiB for each byte."""
_SENTENCE = 300


class Loaded(Struct, frozen=True):
    """A file's text, as UTF-8 bytes without a byte order mark."""

    path: Path
    content: bytes
    cut: str = ""
    """Why it ends too early, where a packed stream does."""


def bad_file(
    path: Path, what: str, *, line: int | None = None, hint: str = ""
) -> BadFileError:
    """Word an error in one line: `run.jsonl:3: …`."""
    place = f"{path}:{line}" if line else f"{path}"
    return BadFileError(f"{clean(place)}: {clean(what, _SENTENCE)}", hint=hint)


def load(path: Path) -> Loaded:
    """Read a file, packed or not; raises BadFileError."""
    raw = _read(path)
    cut = ""
    try:
        if raw.startswith(GZIP):
            raw, cut = _collect(_gunzip(raw), "gzip")
        elif raw.startswith(ZSTD):
            raw, cut = _collect(_unzstd(raw), "zstd")
        content = _utf8(raw)
    except (zlib.error, ValueError) as error:
        raise bad_file(path, f"damaged: {error}") from error
    if not content or content.isspace():
        raise bad_file(path, f"{cut} before its first line" if cut else "is empty")
    return Loaded(path, content, cut)


def text_of_file(loaded: Loaded) -> str:
    """Decode a whole file; the error names the line."""
    try:
        return loaded.content.decode()
    except UnicodeDecodeError as error:
        line = loaded.content.count(b"\n", 0, error.start) + 1
        raise bad_file(loaded.path, not_utf8(error), line=line) from error


def not_utf8(error: UnicodeDecodeError) -> str:
    return f"not UTF-8 text: byte 0x{error.object[error.start]:02x}"


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            # A regular file ends; a device or what somebody writes may not.
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return file.read()
            return _collect(iter(partial(file.read, _STEP), b""), "")[0]
    except IsADirectoryError as error:
        hint = "Name the files in it."
        raise bad_file(path, "is a directory", hint=hint) from error
    except OSError as error:
        what = f"can't be read: {error.strerror or error}"
        raise bad_file(path, what) from error
    except ValueError as error:
        # A NUL in a file's name; the operating system is not even asked.
        raise bad_file(path, f"can't be read: {error}") from error


def _utf8(raw: bytes) -> bytes:
    """Take off a byte order mark; PowerShell's `>` writes UTF-16 with one."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16").encode()
    return raw.removeprefix(codecs.BOM_UTF8)


def _collect(chunks: Iterator[bytes], kind: str) -> tuple[bytes, str]:
    unpacked = bytearray()
    try:
        for chunk in chunks:
            unpacked += chunk
            if len(unpacked) > MAX_UNPACKED:
                does = "unpacks to" if kind else "is"
                msg = f"it {does} more than {MAX_UNPACKED >> 20} MiB"
                raise ValueError(msg)
    except EOFError:
        return bytes(unpacked), f"the {kind} stream is cut short"
    return bytes(unpacked), ""


def _gunzip(raw: bytes) -> Iterator[bytes]:
    import gzip  # noqa: PLC0415 - few recordings are packed

    try:
        with gzip.GzipFile(fileobj=BytesIO(raw)) as stream:
            while chunk := stream.read1(_STEP):
                yield chunk
    except gzip.BadGzipFile as error:
        raise ValueError(str(error)) from error


def _unzstd(raw: bytes) -> Iterator[bytes]:
    """Unpack frame after frame; ZstdDecompressor's own reader hides a cut one."""
    import zstandard  # noqa: PLC0415 - the same

    rest = raw
    while rest:
        frame = zstandard.ZstdDecompressor().decompressobj()
        position = 0
        while position < len(rest) and not frame.eof:
            try:
                yield frame.decompress(rest[position : position + _ZSTD_STEP])
            except zstandard.ZstdError as error:
                raise ValueError(str(error)) from error
            position += _ZSTD_STEP
        if not frame.eof:
            raise EOFError
        rest = frame.unused_data + rest[position:]
