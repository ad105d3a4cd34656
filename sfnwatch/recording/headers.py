"""A recording's first line alone: what it is about, without reading the rest."""

import gzip
from contextlib import suppress
from pathlib import Path

import zstandard

from sfnwatch.recording.format import Header, decode_header
from sfnwatch.recording.loading import GZIP, ZSTD
from sfnwatch.recording.parsing import parse_value

_MOST = 1 << 16
"""Bytes in which the first line must end: it names a few executions."""


def read_header(path: Path) -> Header | None:
    """Read a recording's header, packed or not; None where there is none to read."""
    with suppress(OSError, EOFError, ValueError, zstandard.ZstdError):
        line, newline, _ = _beginning(path).partition(b"\n")
        if newline:
            return decode_header(parse_value(line.decode()))
    return None


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        raw = file.read(_MOST)
        if raw.startswith(GZIP):
            file.seek(0)
            with gzip.GzipFile(fileobj=file) as unpacked:
                return unpacked.read(_MOST)
        if raw.startswith(ZSTD):
            file.seek(0)
            with zstandard.ZstdDecompressor().stream_reader(file) as stream:
                return stream.read(_MOST)
    return raw
