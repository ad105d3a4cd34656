"""Rows in their order, of which some go and others come."""

from bisect import bisect_left
from itertools import compress
from operator import itemgetter

from sfnwatch.trace.lane_order import Place
from sfnwatch.trace.lane_rows import Row

Placed = tuple[Place, Row]
_FEW = 500
"""More than these are not put in one by one."""


class Edits:
    """What goes, and what comes."""

    def __init__(self) -> None:
        self.others: list[Placed] = []
        """What comes where another goes: nothing else moves for it."""
        self.gone: list[Place] = []
        self.came: list[Placed] = []

    def note(self, old: Placed | None, new: Placed | None) -> None:
        """Note a row that is another, or elsewhere."""
        if old is not None and new is not None and old[0] == new[0]:
            self.others.append(new)
            return
        if old is not None:
            self.gone.append(old[0])
        if new is not None:
            self.came.append(new)


class Sheet:
    """All rows; a few that change cost no look at the others."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._places: list[Place] = []

    def take(self, edits: Edits) -> None:
        for place, row in edits.others:
            self.rows[bisect_left(self._places, place)] = row
        gone = [bisect_left(self._places, place) for place in sorted(edits.gone)]
        edits.came.sort(key=itemgetter(0))
        if len(gone) + len(edits.came) > _FEW:
            self._take_many(gone, edits.came)
            return
        for at in reversed(gone):
            del self._places[at], self.rows[at]
        for place, row in edits.came:
            at = bisect_left(self._places, place)
            self._places.insert(at, place)
            self.rows.insert(at, row)

    def _take_many(self, gone: list[int], came: list[Placed]) -> None:
        stays = [True] * len(self.rows)
        for at in gone:
            stays[at] = False
        placed = [*compress(zip(self._places, self.rows, strict=True), stays), *came]
        placed.sort(key=itemgetter(0))
        self._places = list(map(itemgetter(0), placed))
        self.rows = list(map(itemgetter(1), placed))
