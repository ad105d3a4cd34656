"""Which iterations of a Map are too many to be read one by one, as rows come and go."""

from collections import Counter, defaultdict
from collections.abc import Mapping

from sfnwatch.trace.visits import StateVisit

MANY = 10
"""The iterations of a Map that has more than these begin folded."""
Key = tuple[str | None, int]
"""An execution's ARN and the id of a visit in it."""


def branch_key(execution_arn: str | None, visit_id: int, index: int) -> str:
    """Key the fold of a branch, or an iteration, of a visit."""
    return f"{execution_arn}#{visit_id}~branch{index}"


class Crowds:
    """Counts what tells of each iteration."""

    def __init__(self) -> None:
        self._indices: dict[Key, Counter[int]] = defaultdict(Counter)
        self._crowded: set[Key] = set()
        self._unsettled: set[Key] = set()
        self.keys: set[str] = set()
        """The keys of the iterations of Maps that have many."""

    def add(self, key: Key, index: int) -> None:
        counted = self._indices[key]
        counted[index] += 1
        if counted[index] == 1:
            self._unsettled.add(key)
            if key in self._crowded:
                self.keys.add(branch_key(*key, index))

    def remove(self, key: Key, index: int) -> None:
        counted = self._indices[key]
        counted[index] -= 1
        if not counted[index]:
            del counted[index]
            self._unsettled.add(key)
            if key in self._crowded:
                self.keys.discard(branch_key(*key, index))

    def touch(self, key: Key) -> None:
        """Note that a visit has come or gone: it may have been no Map before."""
        if key in self._indices:
            self._unsettled.add(key)

    def settle(self, visits: Mapping[Key, StateVisit]) -> bool:
        """Know which Maps have many; True if those are others than before."""
        before = frozenset(self._crowded)
        for key in self._unsettled:
            visit, found = visits.get(key), self._indices[key]
            many = len(found) > MANY and visit is not None and visit.type == "Map"
            if many != (key in self._crowded):
                own = {branch_key(*key, index) for index in found}
                self._crowded ^= {key}
                self.keys = self.keys | own if many else self.keys - own
        self._unsettled.clear()
        return self._crowded != before
