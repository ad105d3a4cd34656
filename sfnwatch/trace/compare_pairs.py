"""Which visit of one execution is which of another's.

Visits are lined up level by level: those that follow on each other inside the same
branch or iteration of two states that are a pair themselves. On a level the n-th visit
of a name is the n-th of that name, so a loop is lined up turn by turn; where the orders
differ, as many as possible keep theirs, and the rest has moved. Names that only one of
the two machines has may stand for the same: `alike` says of which states that is so.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from sfnwatch.trace.visits import StateVisit

Level = tuple[int | None, int | None]
"""The id of the visit around it, and the branch or iteration."""
Levels = Mapping[Level, Sequence[StateVisit]]
Alike = Callable[[StateVisit, StateVisit], bool]


class Match(Struct, frozen=True):
    """A visit of A, its counterpart in B, or one of them alone."""

    a: StateVisit | None
    b: StateVisit | None
    parent: int | None = None
    """The place of the match that it runs in."""
    index: int | None = None
    moved: bool = False

    @property
    def path(self) -> str:
        visit = self.a or self.b
        return visit.path if visit is not None else ""


def levels(visits: Iterable[StateVisit]) -> Levels:
    """Sort visits by what they run in, each level in the order of their ids."""
    found: dict[Level, list[StateVisit]] = defaultdict(list)
    for visit in sorted(visits, key=lambda visit: visit.id):
        found[visit.parent, visit.index].append(visit)
    return found


def pair_visits(
    a: Iterable[StateVisit], b: Iterable[StateVisit], alike: Alike = lambda *_: False
) -> tuple[Match, ...]:
    """Pair the visits of two executions, what is inside of a state right behind it.

    On a level A's order is kept; what B alone has follows on what it followed there.
    """
    inside_a, inside_b = _Inside(levels(a)), _Inside(levels(b))
    found: list[Match] = []
    # Not by recursion: a history may be nested as deep as it is long.
    waiting = list(_within(inside_a, inside_b, None, None, alike))[::-1]
    while waiting:
        match = waiting.pop()
        place = len(found)
        found.append(match)
        waiting.extend(list(_within(inside_a, inside_b, match, place, alike))[::-1])
    return tuple(found)


class _Inside:
    """The levels of one execution, found by what is around them."""

    def __init__(self, found: Levels) -> None:
        self._levels = found
        self._indices: dict[int | None, list[int | None]] = defaultdict(list)
        for parent, index in found:
            self._indices[parent].append(index)

    def indices(self, parent: int | None) -> Sequence[int | None]:
        return self._indices.get(parent, ())

    def level(self, parent: int | None, index: int | None) -> Sequence[StateVisit]:
        return self._levels.get((parent, index), ())


def _within(
    inside_a: _Inside,
    inside_b: _Inside,
    around: Match | None,
    place: int | None,
    alike: Alike,
) -> Iterator[Match]:
    """Pair what is inside of a match, or at the top."""
    has_a = around is None or around.a is not None
    has_b = around is None or around.b is not None
    id_a = around.a.id if around is not None and around.a is not None else None
    id_b = around.b.id if around is not None and around.b is not None else None
    indices = {
        *(inside_a.indices(id_a) if has_a else ()),
        *(inside_b.indices(id_b) if has_b else ()),
    }
    for index in sorted(indices, key=lambda i: -1 if i is None else i):
        in_a = inside_a.level(id_a, index) if has_a else ()
        in_b = inside_b.level(id_b, index) if has_b else ()
        for one, other, moved in align(in_a, in_b, alike):
            yield Match(one, other, place, index, moved)


def align(
    a: Sequence[StateVisit], b: Sequence[StateVisit], alike: Alike = lambda *_: False
) -> Iterator[tuple[StateVisit | None, StateVisit | None, bool]]:
    """Line up two sequences by name and turn; the third says whether one has moved."""
    places = {turn: place for place, turn in enumerate(_turns(b))}
    partners = [places.get(turn) for turn in _turns(a)]
    steady = _longest_rising(partners)
    taken = set(partners)
    lone: list[StateVisit] = []
    """What A alone has since the last that both have."""
    reached = 0
    for at, place in enumerate(partners):
        if place is None:
            lone.append(a[at])
            continue
        if at in steady:
            others = [b[n] for n in range(reached, place) if n not in taken]
            yield from _between(lone, others, alike)
            lone, reached = [], place + 1
        else:
            yield from _between(lone, [], alike)
            lone = []
        yield a[at], b[place], at not in steady
    others = [b[n] for n in range(reached, len(b)) if n not in taken]
    yield from _between(lone, others, alike)


def _between(
    a: Sequence[StateVisit], b: Sequence[StateVisit], alike: Alike
) -> Iterator[tuple[StateVisit | None, StateVisit | None, bool]]:
    """Pair what is alike by another name, in order; give the rest of A, then of B."""
    left = list(b)
    for visit in a:
        if left and alike(visit, left[0]):
            yield visit, left.pop(0), False
        else:
            yield visit, None, False
    yield from ((None, visit, False) for visit in left)


def _turns(visits: Iterable[StateVisit]) -> Iterator[tuple[str, int]]:
    """Name each visit by its state, and by which turn of that state it is."""
    counted: dict[str, int] = defaultdict(int)
    for visit in visits:
        counted[visit.name] += 1
        yield visit.name, counted[visit.name]


def _longest_rising(places: Sequence[int | None]) -> frozenset[int]:
    """Choose the most positions whose places rise; all places are different."""
    ends: list[int] = []
    """The least place that a rising run of each length ends with."""
    holders: list[int] = []
    """Where that place stands."""
    before: dict[int, int | None] = {}
    for at, place in enumerate(places):
        if place is None:
            continue
        length = bisect_left(ends, place)
        before[at] = holders[length - 1] if length else None
        ends[length : length + 1] = [place]
        holders[length : length + 1] = [at]
    found: set[int] = set()
    last = holders[-1] if holders else None
    while last is not None:
        found.add(last)
        last = before[last]
    return frozenset(found)
