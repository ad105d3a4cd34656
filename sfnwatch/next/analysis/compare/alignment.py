"""Which visit of one execution is which of another's.

Visits are matched level by level: those that follow on each other inside the same
branch or iteration of two states that are a pair themselves. On a level the n-th visit
of a name is the n-th of that name, so a loop is matched turn by turn; where the orders
differ, as many as possible keep theirs, and the rest has moved. What is left between
two of those that keep their order may still do the same under another name.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from sfnwatch.next.model.visits import StateVisit

KindOf = Callable[[StateVisit], Hashable | None]
"""What two visits of different names must have in common; None: nothing would do."""
Aligned = tuple[StateVisit | None, StateVisit | None, bool]
"""A visit of A, its counterpart in B, and whether the two come in another order."""
_Levels = Mapping[int | None, Sequence[StateVisit]]
"""The visits inside of one, by the branch or iteration that they run in."""


class Match(Struct, kw_only=True):
    """A visit of A and its counterpart in B, or one that has none."""

    a: StateVisit | None
    b: StateVisit | None
    moved: bool
    """True where the two come in another order."""
    parent: int | None
    """The place of the match that it runs in."""
    depth: int
    stop: int
    """The place after the last match that runs in it; those in between all do."""
    occurrence: int
    """Which match of its path it is, from 1."""

    @property
    def visit(self) -> StateVisit:
        """A's visit or, where there is none, B's."""
        visit = self.a or self.b
        if visit is None:
            raise ValueError("a match of nothing")
        return visit


def match_visits(
    a: Iterable[StateVisit],
    b: Iterable[StateVisit],
    kind_of: KindOf = lambda _: None,
) -> list[Match]:
    """Match the visits of two executions; what is inside of a state follows on it.

    On a level A's order is kept; what B alone has follows on what it followed there.
    """
    inside_a, inside_b = _inside(a), _inside(b)
    found: list[Match] = []
    turns: Counter[str] = Counter()
    # Not by recursion: a history may be nested as deep as it is long.
    waiting = _matches(inside_a.get(None, {}), inside_b.get(None, {}), None, kind_of)
    while waiting:
        match = waiting.pop()
        turns[match.visit.path] += 1
        match.occurrence = turns[match.visit.path]
        match.depth = 0 if match.parent is None else found[match.parent].depth + 1
        match.stop = len(found) + 1
        in_a = inside_a.get(match.a.id, {}) if match.a is not None else {}
        in_b = inside_b.get(match.b.id, {}) if match.b is not None else {}
        waiting += _matches(in_a, in_b, len(found), kind_of)
        found.append(match)
    for match in reversed(found):
        if match.parent is not None:
            around = found[match.parent]
            around.stop = max(around.stop, match.stop)
    return found


def _inside(visits: Iterable[StateVisit]) -> Mapping[int | None, _Levels]:
    """Sort visits by the visit they run in, then by branch or iteration."""
    found: dict[int | None, dict[int | None, list[StateVisit]]] = {}
    for visit in sorted(visits, key=lambda visit: visit.id):
        found.setdefault(visit.parent, {}).setdefault(visit.index, []).append(visit)
    return found


def _matches(
    a: _Levels, b: _Levels, parent: int | None, kind_of: KindOf
) -> list[Match]:
    """Match what is inside of the match at a place, the last first."""
    return [
        Match(a=one, b=other, moved=moved, parent=parent, depth=0, stop=0, occurrence=0)
        for index in sorted({*a, *b}, key=lambda index: -1 if index is None else index)
        for one, other, moved in align(a.get(index, ()), b.get(index, ()), kind_of)
    ][::-1]


def align(
    a: Sequence[StateVisit],
    b: Sequence[StateVisit],
    kind_of: KindOf = lambda _: None,
) -> Iterator[Aligned]:
    """Match two sequences by name and turn, then by kind within each gap."""
    partners = _partners([v.name for v in a], [v.name for v in b])
    taken = set(partners)
    begin_a = begin_b = 0
    for at, place in (*_longest_rising(partners), (len(a), len(b))):
        lone_a = [n for n in range(begin_a, at) if partners[n] is None]
        lone_b = [n for n in range(begin_b, place) if n not in taken]
        kinds = _partners(
            [kind_of(a[n]) for n in lone_a], [kind_of(b[n]) for n in lone_b]
        )
        renamed = {lone_a[m]: lone_b[n] for m, n in _longest_rising(kinds)}
        for n in range(begin_a, at):
            partner = partners[n]
            other = renamed.get(n) if partner is None else partner
            yield a[n], b[other] if other is not None else None, partner is not None
        left = {*lone_b} - {*renamed.values()}
        yield from ((None, b[n], False) for n in sorted(left))
        if at < len(a):
            yield a[at], b[place], False
        begin_a, begin_b = at + 1, place + 1


def _partners(
    a: Sequence[Hashable | None], b: Sequence[Hashable | None]
) -> list[int | None]:
    """Give for each key of A the place in B of the same turn of it; None has none."""
    places = {turn: place for place, turn in enumerate(_turns(b))}
    return [places.get(t) if t[0] is not None else None for t in _turns(a)]


def _turns(keys: Iterable[Hashable | None]) -> Iterator[tuple[Hashable | None, int]]:
    counted: Counter[Hashable | None] = Counter()
    for key in keys:
        counted[key] += 1
        yield key, counted[key]


def _longest_rising(places: Sequence[int | None]) -> list[tuple[int, int]]:
    """Choose the most positions whose places rise, each with its place.

    No place stands at two positions.
    """
    ends: list[int] = []
    """The least place that a rising run of each length ends with."""
    runs: list[tuple[int, int, int]] = []
    """A position, its place, and where in this list the run before it ends."""
    last: list[int] = []
    """Where in `runs` the run of each length ends."""
    for at, place in enumerate(places):
        if place is None:
            continue
        length = bisect_left(ends, place)
        before = last[length - 1] if length else -1
        ends[length : length + 1] = [place]
        last[length : length + 1] = [len(runs)]
        runs.append((at, place, before))
    found: list[tuple[int, int]] = []
    step = last[-1] if last else -1
    while step >= 0:
        at, place, step = runs[step]
        found.append((at, place))
    return found[::-1]
