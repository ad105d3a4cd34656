"""A long recording, opened at its beginning: that is shown while the rest is read.

What is told of it beforehand is in the file's first line and its last ones: lines are
in the order in which they were received.
"""

from collections.abc import Iterator
from datetime import datetime
from os import SEEK_END
from pathlib import Path

from msgspec import Struct

from sfnwatch.recording.format import Header, decode_at_once
from sfnwatch.recording.loading import Loaded
from sfnwatch.recording.reader import header_of, is_recording, parse_recording
from sfnwatch.recording.recording import Recording
from sfnwatch.trace.events import Batch, Received

LONG = 4 << 20
"""Bytes that take longer to read than a screen to draw."""
_HEAD, _TAIL = 1 << 18, 1 << 17
"""Bytes with more rows in them than a screen has, and with a last record or two."""


class Beginning(Struct, frozen=True):
    """The first of a recording's records, and what is known of the others."""

    first: Batch
    """Of the last moment there may be more: a page of a history comes in one."""
    header: Header
    span: tuple[datetime, datetime]
    """When the first of all records came, and when the last."""


def begin_recording(path: Path) -> Beginning | None:
    """Read how a long recording begins; None where all is to be read at once.

    That is so for what is short, packed, no recording, or can't be read: whoever reads
    it says why. Raises BadFileError for a bad line.
    """
    ends = _ends(path)
    if ends is None:
        return None
    head, tail = ends
    loaded = Loaded(path, head)
    if not is_recording(loaded):
        return None
    first, header = parse_recording(loaded).records, header_of(loaded)
    last = tuple(_decoded(tail, header))
    times = [received.at for received in (*first, *last) if received.at is not None]
    dated = len(times) == len(first) + len(last)
    if not (first and last and dated and header.executions):
        return None
    begin, end = min(times), max(times)
    return Beginning(first, header, (begin, end)) if begin < end else None


def rest_of(beginning: Beginning, recording: Recording) -> Batch:
    """Give what a whole recording has beyond its beginning."""
    return recording.records[len(beginning.first) :]


def _ends(path: Path) -> tuple[bytes, bytes] | None:
    """Read the whole lines at both ends of a long file; None for any other."""
    try:
        # A pipe must not be opened: what is read of it is gone.
        if not path.is_file() or path.stat().st_size < LONG:
            return None
        with path.open("rb") as file:
            head = file.read(_HEAD)
            file.seek(-_TAIL, SEEK_END)
            tail = file.read(_TAIL)
    except (OSError, ValueError):
        return None
    return head[: head.rfind(b"\n") + 1], tail[tail.find(b"\n") + 1 :]


def _decoded(tail: bytes, header: Header) -> Iterator[Received]:
    """Yield the records of the last lines, of which one may be torn."""
    for line in tail.split(b"\n"):
        received = decode_at_once(line, header.created)
        if received is not None:
            yield received
