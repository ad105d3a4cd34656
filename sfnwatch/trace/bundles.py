"""Records of which there are many, some of them put into one text together.

An event of a history takes 1.5 KB as Python's objects, and 40 to 100 bytes with those
that came with it. What came last is kept as it came: most of what is asked of an event
is asked then.
"""

from collections import deque
from functools import lru_cache
from threading import Lock
from typing import Any

from sfnwatch.trace.events import Record
from sfnwatch.trace.packed import Closed, read_anew, written

_TOGETHER = 32
_OPEN = 64
"""So many bundles of those that came last are not tied up yet, and so many of those
that were asked for last are at hand."""
_LEVEL = 1


class _Bundle:
    """Records that came one after the other."""

    __slots__ = ("_records", "_text")

    def __init__(self) -> None:
        self._records: list[dict[str, Any]] = []
        """As they came, until they are tied up."""
        self._text = b""

    def add(self, record: dict[str, Any]) -> int:
        """Take one in; give its place."""
        self._records.append(record)
        return len(self._records) - 1

    @property
    def is_full(self) -> bool:
        return len(self._records) == _TOGETHER

    def record(self, place: int) -> dict[str, Any]:
        records = self._records  # once: another thread may tie it up
        return records[place] if records else read_anew(_lines(self)[place])

    def lines(self) -> list[bytes]:
        import zstandard  # noqa: PLC0415 - 7 ms, and not without many records

        return zstandard.decompress(self._text).split(b"\n")

    def tie_up(self) -> None:
        """Make one text of them; if one can't be written they stay as they are."""
        import zstandard  # noqa: PLC0415

        lines = [written(record) for record in self._records]
        if None in lines:
            return
        text = b"\n".join(line for line in lines if line is not None)
        packed = zstandard.compress(text, level=_LEVEL)
        # A copy: what it gives holds as much memory as it might have needed.
        self._text = memoryview(packed).tobytes()
        self._records = []


@lru_cache(maxsize=_OPEN)
def _lines(bundle: _Bundle) -> list[bytes]:
    return bundle.lines()


class Bundled(Closed, frozen=True, gc=False, eq=False):
    """A record in a bundle."""

    bundle: _Bundle
    place: int

    def opened(self) -> dict[str, Any]:
        return self.bundle.record(self.place)


_LATEST: deque[_Bundle] = deque([_Bundle()])
_LOCK = Lock()


def bundled(record: Record) -> Record:
    """Put a record to those that came before it."""
    if not isinstance(record, dict):
        return record
    with _LOCK:
        bundle = _LATEST[-1]
        if bundle.is_full:
            bundle = _Bundle()
            _LATEST.append(bundle)
            if len(_LATEST) > _OPEN:
                _LATEST.popleft().tie_up()
        place = bundle.add(record)
    return Bundled(bundle, place)  # type: ignore[return-value]
