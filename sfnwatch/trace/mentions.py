"""Which of very many calls name an id: eight bytes for each id that each of them names.

By the hashes of the ids, so a call may be given that does not name it, once in a very
long while. The ids themselves would take a kilobyte a call.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator

_BITS = 24
"""Of each number those of the call; the others are the hash's."""
_MASK = (1 << 64 - _BITS) - 1
_FEW = 1 << 10
"""As many as this are looked through one by one."""


class Mentions:
    """Calls, by numbers from 0, and what they name."""

    def __init__(self) -> None:
        self._new = array("Q")
        self._runs: list[array[int]] = []
        """Each in order, and half as long as the one before at most."""

    def add(self, number: int, marks: bytes) -> None:
        """Note what a call names, by the hashes of its ids."""
        hashes = memoryview(marks).cast("q")
        self._new.extend([(each & _MASK) << _BITS | number for each in hashes])

    def note(self, number: int, hashed: int) -> None:
        """Note one more id that a call names, by its hash."""
        self._new.append((hashed & _MASK) << _BITS | number)

    def of(self, hashes: Iterable[int]) -> Iterator[int]:
        """Yield the calls that name any of them."""
        hashes = {each & _MASK for each in hashes}
        if len(self._new) > _FEW:
            self._sort()
        for entry in self._new:
            if entry >> _BITS in hashes:
                yield entry % (1 << _BITS)
        for run in self._runs:
            for key in hashes:
                yield from _at(run, key)

    def _sort(self) -> None:
        run = array("Q", sorted(self._new))
        while self._runs and len(self._runs[-1]) < 2 * len(run):
            # Of two that are in order, Python merges them.
            run = array("Q", sorted(self._runs.pop() + run))
        self._runs.append(run)
        self._new = array("Q")


def _at(run: "array[int]", key: int) -> Iterator[int]:
    place = bisect_left(run, key << _BITS)
    while place < len(run) and run[place] >> _BITS == key:
        yield run[place] % (1 << _BITS)
        place += 1
