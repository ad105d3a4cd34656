"""A comparison as lines: a line a pair, what differs in it below, the rest folded.

Runs of states that are alike on both sides take one line, and so do the iterations of a
large Map, however many there are. What somebody toggles is known by its key, which
stays the same while more comes in.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import groupby

from msgspec import Struct, field

from sfnwatch.trace.compare_details import Detail, details
from sfnwatch.trace.compare_values import (
    Comparison,
    Group,
    Pair,
)

CROWD = 20
"""A Map of more iterations than these begins folded."""
MANY = 5
"""A Map of so many iterations is summed up, though they are shown as well."""
LEAST_ALIKE = 3
"""So many alike states in a row take one line."""
FEW = 30
"""Of no more lines than these, none is folded for being alike."""


class RowSort(StrEnum):
    PAIR = "pair"
    GROUP = "group"
    """The iterations of a Map, taken together."""
    DETAIL = "detail"
    """A try, like calls, or who noticed: of the pair above it."""
    ALIKE = "alike"
    """States that are alike on both sides."""


class CompareRow(Struct, frozen=True):
    """One line."""

    key: str
    sort: RowSort
    place: int
    """The place of its pair; of ALIKE that of the first one."""
    depth: int = 0
    open: bool | None = None
    """True for what can be folded, False for what can be opened; None: neither."""
    differs: bool = False
    """True if the two did something else here, or in what is folded behind it."""
    count: int = 0
    """Of ALIKE how many states; of GROUP how many iterations differ."""
    detail: Detail | None = None
    group: Group | None = None


class CompareShape(Struct, frozen=True):
    """What somebody wants to see of it."""

    toggled: frozenset[str] = field(default_factory=frozenset)
    """The keys of lines that are not as they begin."""
    alike_folded: bool | None = None
    """Whether alike states are folded; None: if there are many lines."""


def pair_key(comparison: Comparison, place: int) -> str:
    """Name a pair's line: the same whatever else comes in."""
    pair = comparison.pairs[place]
    return f"{pair.path}#{pair.occurrence}"


def compare_rows(
    comparison: Comparison, shape: CompareShape | None = None
) -> tuple[CompareRow, ...]:
    """Lay out a comparison as lines."""
    layout = _Layout(comparison, shape or CompareShape())
    return tuple(layout.folded(tuple(layout.rows())))


class _Layout:
    def __init__(self, comparison: Comparison, shape: CompareShape) -> None:
        self._of = comparison
        self._shape = shape
        self._differing = sorted(comparison.differing)

    def rows(self) -> Iterator[CompareRow]:
        place = 0
        while place < len(self._of.pairs):
            pair = self._of.pairs[place]
            group = self._of.groups.get(place)
            open_ = self._open(place, group)
            yield self._pair(place, pair, group, open_=open_)
            if group is not None and self._is_summed_up(pair, group, open_=open_):
                yield self._group(place, pair, group)
            if open_ and group is None:
                yield from self._details(place, pair)
            place = pair.stop if group is not None and not open_ else place + 1

    def _open(self, place: int, group: Group | None) -> bool | None:
        """Tell whether what is in a pair is shown; None if there is nothing in it."""
        if group is not None:
            begins = len(group.iterations) <= CROWD
        elif next(iter(details(self._of, place)), None) is None:
            return None
        else:
            begins = self._of.pairs[place].both and place in self._of.differing
        return begins != (pair_key(self._of, place) in self._shape.toggled)

    def _is_summed_up(self, pair: Pair, group: Group, *, open_: bool | None) -> bool:
        """True for a Map whose iterations are too many, or too far off, to be seen."""
        many = len(group.iterations) >= MANY or not open_
        return pair.visit.type == "Map" and len(group.iterations) > 1 and many

    def _pair(
        self, place: int, pair: Pair, group: Group | None, *, open_: bool | None
    ) -> CompareRow:
        behind = group is not None and not open_
        inside = self._count(place + 1, pair.stop) if behind else 0
        differs = place in self._of.differing or inside > 0
        key = pair_key(self._of, place)
        return CompareRow(
            key, RowSort.PAIR, place, pair.depth, open_, differs, group=group
        )

    def _group(self, place: int, pair: Pair, group: Group) -> CompareRow:
        count = sum(bool(self._count(i.start, i.stop)) for i in group.iterations)
        return CompareRow(
            key=f"{pair_key(self._of, place)}~group",
            sort=RowSort.GROUP,
            place=place,
            depth=pair.depth + 1,
            differs=count > 0,
            count=count,
            group=group,
        )

    def _details(self, place: int, pair: Pair) -> Iterator[CompareRow]:
        for number, detail in enumerate(details(self._of, place)):
            yield CompareRow(
                key=f"{pair_key(self._of, place)}~{number}",
                sort=RowSort.DETAIL,
                place=place,
                depth=pair.depth + 1,
                differs=detail.differs,
                detail=detail,
            )

    def _count(self, start: int, stop: int) -> int:
        """Count the differing pairs from a place to before another."""
        found = self._differing
        return bisect_left(found, stop) - bisect_left(found, start)

    # -- what is alike ---------------------------------------------------------------

    def folded(self, rows: Sequence[CompareRow]) -> Iterator[CompareRow]:
        """Put one line in the place of each long run of alike states."""
        folds = self._shape.alike_folded
        folds = len(rows) > FEW if folds is None else folds
        for (alike, *_), run in groupby(rows, self._likeness):
            found = list(run)
            if not alike or len(found) < LEAST_ALIKE or not folds:
                yield from found
                continue
            first = found[0]
            key = f"{first.key}~alike"
            open_ = key in self._shape.toggled
            yield CompareRow(
                key, RowSort.ALIKE, first.place, first.depth, open_, count=len(found)
            )
            if open_:
                yield from found

    def _likeness(self, row: CompareRow) -> tuple[bool, int | None]:
        """Give what lines of one run have in common: all are alike, in one Map."""
        return self._is_alike(row), self._of.pairs[row.place].parent

    def _is_alike(self, row: CompareRow) -> bool:
        pair = self._of.pairs[row.place]
        plain = row.sort is RowSort.PAIR and row.group is None and not row.open
        return plain and not row.differs and not pair.moved and pair.seconds.near
