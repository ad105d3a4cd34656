"""After which rows rails end, as more rows come in.

After a failure that nothing caught there is no StateExited, and a state ends no sooner
than what is inside it.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence

from sfnwatch.trace.lanes import Row
from sfnwatch.trace.shape import Fold, Sort

NESTS = frozenset({Sort.CHILD, Sort.MAP_RUN})
_STATES = NESTS | {Sort.VISIT, Sort.BACKOFF}
Key = tuple[str, int | str]
"""An execution's ARN and the id of a visit in it, 0 for all of what a state began; an
empty id is the head or the fold of a branch, on its one line."""


def of_states(row: Row | Fold) -> bool:
    return row.sort in _STATES if isinstance(row, Fold) else bool(row.events)


class Ends:
    """Knows where the rails of rows end that come and go at the end."""

    def __init__(self) -> None:
        self.running: set[Key] = set()
        """The rails of what still runs: they have no end."""
        self.at: dict[int, list[Key]] = defaultdict(list)
        """The rails that end after a row, by its place."""
        self._last: dict[Key, int] = {}
        """The last row of each rail itself."""
        self._ends: dict[Key, int] = {}
        """The same, or that of what is inside, if it comes later."""
        self._around: dict[Key, Key] = {}
        self._roots: dict[Key, str | None] = {}
        """Inside which execution each is drawn."""
        self._taken: list[tuple[int, Key, int | None]] = []
        """What was taken: at which place, of which rail, and its row before that."""

    def grow(self, rows: Sequence[Row | Fold], first: int) -> int:
        """Take other rows from a place on; say from which rails end elsewhere.

        From the `first` on they do in any case.
        """
        before = self._reaching(first)
        self._forget(first)
        for place in range(first, len(rows)):
            self._take(place, rows[place])
        found = self._reached(first)
        if any(key in self._last for key in before - found.keys()):
            found = self._reached(0)  # what it ended with is gone, so look for all
        moved = (self._move(key, end) for key, end in found.items())
        return min([first, *(place for place in moved if place is not None)])

    def _reaching(self, first: int) -> Collection[Key]:
        """Give the rails that end from a place on."""
        keys: set[Key] = set()
        for at, own, _ in reversed(self._taken):
            if at < first:
                break
            key: Key | None = own
            while key is not None and key not in keys and self._ends[key] >= first:
                keys.add(key)
                key = self._around_shown(key)
        return keys

    def _around_shown(self, key: Key) -> Key | None:
        around = self._around[key]
        # A Map Run that two executions claim is drawn with one of them.
        alike = self._roots.get(around) == self._roots[key]
        return around if around in self._last and alike else None

    def _forget(self, first: int) -> None:
        while self._taken and self._taken[-1][0] >= first:
            _, key, before = self._taken.pop()
            if before is not None:
                self._last[key] = before
                continue
            del self._last[key], self._around[key], self._roots[key]
            self._end_no_more(key, self._ends.pop(key))
            self.running.discard(key)

    def _take(self, place: int, row: Row | Fold) -> None:
        arn = row.execution_arn
        branch = isinstance(row, Fold) and row.sort is Sort.BRANCH
        if arn is None or not (branch or of_states(row)):
            return
        nest, visit = row.nest, row.visit
        if nest is not None:
            self._note(place, row, (nest.arn, 0), nest.parent, running=nest.running)
        if visit is not None:
            around = (arn, visit.parent or 0)
            running = visit.status == "running"
            self._note(place, row, (arn, visit.id), around, running=running)

    def _note(
        self, place: int, row: Row | Fold, key: Key, around: Key, *, running: bool
    ) -> None:
        before = self._last.get(key)
        self._taken.append((place, key, before))
        self._last[key] = place
        if before is None:
            self._around[key], self._roots[key] = around, row.root_arn
            if running:
                self.running.add(key)

    def _reached(self, first: int) -> dict[Key, int]:
        """Find where rails end, of those that reach a place: the last comes first."""
        found: dict[Key, int] = {}
        for at, own, _ in reversed(self._taken):
            if at < first:
                break
            key: Key | None = own
            while key is not None and key not in found:
                found[key] = at
                key = self._around_shown(key)
        return found

    def _move(self, key: Key, end: int) -> int | None:
        """Let a rail end elsewhere; say from where on others are drawn for that."""
        before = self._ends.get(key)
        if before == end:
            return None
        self._ends[key] = end
        if key in self.running:
            return None
        self.at[end].append(key)
        if before is None:
            return None
        self._end_no_more(key, before)
        return min(before, end)

    def _end_no_more(self, key: Key, place: int) -> None:
        if key not in self.running:
            self.at[place].remove(key)
            if not self.at[place]:
                del self.at[place]
