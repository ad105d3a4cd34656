"""Which bar lies on which track, so that bars on one track only ever nest.

States that follow each other share a track, and lie on that of the Parallel or Map
around them. Branches and iterations that run at once get tracks of their own, and
hand them on when they are over: 10,000 iterations, 40 at a time, take 40 tracks.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import pairwise

from msgspec import Struct, field

from sfnwatch.trace.visits import StateVisit

Span = tuple[datetime, datetime]
_MICROSECOND = timedelta(microseconds=1)
_WORDS = {"Parallel": "branch", "Map": "item"}


class Tracks(Struct, frozen=True):
    """The tracks of one execution's states, from top to bottom."""

    names: tuple[str, ...] = ()
    of_visit: Mapping[int, int] = field(default_factory=dict)
    """A visit's id to the place of its track."""
    spans: Mapping[int, Span] = field(default_factory=dict)
    """A visit's id to its time, never beyond that of the bar it lies in."""


class _Strand(Struct, frozen=True):
    """States that follow each other in one branch or iteration."""

    visits: tuple[StateVisit, ...]
    begin: datetime
    end: datetime

    @property
    def index(self) -> int | None:
        return self.visits[0].index


def lay_tracks(
    visits: Sequence[StateVisit], end_of: Callable[[StateVisit], datetime], main: str
) -> Tracks:
    """Give each visit a track; `main` names that of the states in no other.

    Visits come in the order of their ids: those around others before them.
    """
    by_id = {visit.id: visit for visit in visits}
    spans = {visit.id: (visit.entered_at, end_of(visit)) for visit in visits}
    pools: dict[str, list[_Strand]] = defaultdict(list)
    for parent, strands in _strands(visits, spans):
        if parent is None or not _follow(strands):
            pools[_pattern(by_id, parent)].extend(strands)
    names: list[str] = []
    of_visit: dict[int, int] = {}
    for strands in pools.values():
        for number, lane in enumerate(_lanes(strands)):
            of_visit.update((v.id, len(names)) for s in lane for v in s.visits)
            names.append(_name(by_id, lane, number) or _numbered(main, number))
    for visit in visits:
        if visit.id not in of_visit and visit.parent is not None:
            of_visit[visit.id] = of_visit[visit.parent]
            spans[visit.id] = inside(spans[visit.id], spans[visit.parent])
    return Tracks(tuple(names), of_visit, spans)


def pack(spans: Iterable[Span]) -> list[int]:
    """Number lanes for bars in the order they begin; none overlaps on its lane."""
    lanes = _Lanes()
    return [lanes.take(begin, end) for begin, end in spans]


def _strands(
    visits: Iterable[StateVisit], spans: dict[int, Span]
) -> Iterator[tuple[int | None, list[_Strand]]]:
    """Yield each Parallel's and Map's strands; those of none first."""
    inside: dict[int | None, dict[int | None, list[StateVisit]]] = {None: {}}
    for visit in visits:
        scope = inside.setdefault(visit.parent, {})
        scope.setdefault(visit.index, []).append(visit)
    for parent, scopes in inside.items():
        yield parent, [s for scope in scopes.values() for s in _cut(scope, spans)]


def _cut(visits: list[StateVisit], spans: dict[int, Span]) -> Iterator[_Strand]:
    """Cut where states overlap: what a history lacks makes them seem to."""
    strand: list[StateVisit] = []
    for visit in sorted(visits, key=lambda v: (spans[v.id][0], v.id)):
        if strand:
            spans[visit.id] = _behind(spans[visit.id], spans[strand[-1].id])
        if strand and spans[visit.id][0] < spans[strand[-1].id][1]:
            yield _strand(strand, spans)
            strand = []
        strand.append(visit)
    if strand:
        yield _strand(strand, spans)


def _behind(span: Span, before: Span) -> Span:
    """Put a bar behind one that takes no time and begins with it: not around it."""
    if before[0] < before[1] or span[0] > before[0]:
        return span
    begin = before[0] + _MICROSECOND
    return begin, max(begin, span[1])


def _strand(visits: list[StateVisit], spans: Mapping[int, Span]) -> _Strand:
    return _Strand(tuple(visits), spans[visits[0].id][0], spans[visits[-1].id][1])


def _order(strand: _Strand) -> tuple[datetime, int]:
    return strand.begin, strand.visits[0].id


def _follow(strands: Iterable[_Strand]) -> bool:
    """True if one only begins when the one before is over."""
    return all(
        before.end <= after.begin
        for before, after in pairwise(sorted(strands, key=_order))
    )


def _pattern(by_id: Mapping[int, StateVisit], number: int | None) -> str:
    """Name what is one state of the definition, in whichever iteration it runs."""
    names: list[str] = []
    visit = by_id.get(number or 0)
    while visit is not None:
        names.append(visit.name)
        visit = by_id.get(visit.parent or 0)
    return "\0".join(names)


def _lanes(strands: Iterable[_Strand]) -> list[list[_Strand]]:
    lanes, found = _Lanes(), defaultdict[int, list[_Strand]](list)
    for strand in sorted(strands, key=_order):
        found[lanes.take(strand.begin, strand.end)].append(strand)
    return [found[number] for number in sorted(found)]


class _Lanes:
    """Lanes, taken for a while: the first that is free."""

    def __init__(self) -> None:
        self._busy: list[tuple[datetime, int]] = []
        self._free: list[int] = []

    def take(self, begin: datetime, end: datetime) -> int:
        """Take a lane; calls come in the order of their beginnings."""
        while self._busy and self._busy[0][0] <= begin:
            heappush(self._free, heappop(self._busy)[1])
        lane = heappop(self._free) if self._free else len(self._busy)
        heappush(self._busy, (end, lane))
        return lane


def _name(by_id: Mapping[int, StateVisit], lane: list[_Strand], number: int) -> str:
    """Name a lane after its branch if it has but one; empty for the main line."""
    parent = by_id.get(lane[0].visits[0].parent or 0)
    if parent is None:
        return ""
    indexes = {strand.index for strand in lane}
    if len(indexes) == 1 and None not in indexes:
        word = _WORDS.get(parent.type, "branch")
        return f"{parent.name} · {word} {lane[0].index}"
    return f"{parent.name} · lane {number + 1}"


def _numbered(name: str, number: int) -> str:
    return f"{name} · {number + 1}" if number else name


def inside(span: Span, around: Span) -> Span:
    """Cut a time to what lies within another."""
    begin = min(max(span[0], around[0]), around[1])
    return begin, min(max(span[1], begin), around[1])
