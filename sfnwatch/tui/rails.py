"""The rails left of the states: one for each visit that is open, as `git log --graph`.

What a state began, an execution or a Map Run, has a rail of its own beside the state's.

Branches of a Parallel and iterations of a Map run at once, so a visit keeps its
column from its first row to its last, and gives it back then.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sfnwatch.trace.lanes import Kind, Row, own_nest
from sfnwatch.trace.nests import Nest
from sfnwatch.trace.shape import Fold, Sort
from sfnwatch.trace.visits import StateVisit

COLUMNS = 6
"""Visits beyond these share one dotted rail: 40 iterations would leave no text."""
OPEN, CLOSED = "▾", "▸"
"""Before what can be folded, and before what is."""
_RAIL, _SHARED, _GAP, _LAST = "│ ", "┆ ", "  ", "╵ "
_HEAVY = str.maketrans("│┌├", "┃┏┣")
"""A rail is heavy while its state still runs: to be seen without colour, too."""

_FROM, _TO = frozenset("│┌├┃┏┣┆"), frozenset("│├└╵┃┣┆")
"""Glyphs that a rail goes on from, and those that it comes to."""
_NESTS = frozenset({Sort.CHILD, Sort.MAP_RUN})
_Key = tuple[str, int | str]
"""An execution's ARN and the id of a visit in it, 0 for all of what a state began; an
empty id is the head or the fold of a branch, on its one line."""


@dataclass(frozen=True, slots=True)
class Rails:
    """What is drawn left of a row's text, two cells a column."""

    before: str = ""
    own: str = ""
    """The glyph of the row's own visit; empty where the row has none."""
    after: str = ""
    open: int = 0
    """How many visits are open here."""


def between(above: Rails, below: Rails) -> Rails:
    """Draw the rails that run on from one row to the next, past what is put between."""
    pairs = zip(_whole(above), _whole(below), strict=False)
    runs = (_run(upper, lower) for upper, lower in pairs)
    return Rails(before="".join(runs), open=min(above.open, below.open))


def onward(rails: Rails) -> Rails:
    """Draw the rails of what still runs, below the last row there is."""
    glyphs = ("┃" if glyph in "┃┏┣" else " " for glyph in _whole(rails))
    return Rails(before="".join(glyphs))


def _whole(rails: Rails) -> str:
    return f"{rails.before}{rails.own} {rails.after}" if rails.own else rails.before


def _run(upper: str, lower: str) -> str:
    if upper not in _FROM or lower not in _TO:
        return " "
    if "┆" in {upper, lower}:
        return "┆"
    return "┃" if lower in "┃┣" else "│"


def rails_of(rows: Sequence[Row | Fold]) -> Iterator[Rails]:
    """Give each row the rails of its own execution; what is of none has none.

    What an execution began is drawn with it.
    """
    arns = {row.root_arn for row in rows if row.root_arn is not None}
    if len(arns) <= 1:
        yield from draw_rails(rows)
        return
    own: dict[str, list[Row | Fold]] = defaultdict(list)
    for row in rows:
        if row.root_arn is not None:
            own[row.root_arn].append(row)
    drawn = {arn: draw_rails(those) for arn, those in own.items()}
    for row in rows:
        yield next(drawn[row.root_arn]) if row.root_arn else Rails()


def draw_rails(rows: Sequence[Row | Fold]) -> Iterator[Rails]:
    """Give each row of one execution its rails."""
    running = _running(rows)
    ends = _ends(rows, running)
    tracks = _Tracks(running)
    for place, row in enumerate(rows):
        over = ends.get(place, ())
        key = _key(row)
        mark = _branch_mark(row)
        if mark and row.execution_arn is not None and row.visit is not None:
            yield tracks.beside((row.execution_arn, row.visit.id), mark, over)
        elif key is None:
            yield tracks.through(over)
        else:
            new = key not in tracks
            tracks.open(key, _parent(row, key))
            glyph = _glyph(row, new=new, ends=key in over)
            yield tracks.with_own(key, glyph, over)
        for ended in over:
            tracks.close(ended)


def _branch_mark(row: Row | Fold) -> str:
    """Give the glyph of a branch's one line: its head, or all of it folded."""
    if isinstance(row, Fold):
        return fold_mark(row) if row.sort is Sort.BRANCH else ""
    first = row.events[0].type if row.events else ""
    return OPEN if first == "MapIterationStarted" else ""


def fold_mark(fold: Fold) -> str:
    return OPEN if fold.open else CLOSED


def _glyph(row: Row | Fold, *, new: bool, ends: bool) -> str:
    if isinstance(row, Fold):
        return "│" if row.sort is Sort.BACKOFF else CLOSED
    if row.kind is Kind.PASSED:
        return "●"
    if new:
        return "╶" if ends else "┌"
    return "└" if ends else "│"


def _key(row: Row | Fold) -> _Key | None:
    if row.execution_arn is None or not _of_states(row):
        return None
    nest = _own_nest(row)
    if nest is not None:
        return nest.arn, 0
    return (row.execution_arn, row.visit.id) if row.visit is not None else None


def _own_nest(row: Row | Fold) -> Nest | None:
    """Give the nest whose own rail a row is on: its start, its end, its fold."""
    if isinstance(row, Row):
        return own_nest(row)
    return row.nest if row.sort in _NESTS else None


def _of_states(row: Row | Fold) -> bool:
    if isinstance(row, Fold):
        return row.sort in {Sort.VISIT, Sort.BACKOFF, *_NESTS}
    return bool(row.events)


def _parent(row: Row | Fold, key: _Key) -> _Key:
    nest = _own_nest(row)
    if nest is not None:
        return nest.parent
    parent = row.visit.parent if row.visit is not None else None
    return key[0], parent or 0


def _running(rows: Sequence[Row | Fold]) -> frozenset[_Key]:
    visits = {
        (row.execution_arn, row.visit.id)
        for row in rows
        if row.visit and row.execution_arn and row.visit.status == "running"
    }
    nests = {(r.nest.arn, 0) for r in rows if r.nest is not None and r.nest.running}
    return frozenset(visits | nests)


def _ends(
    rows: Sequence[Row | Fold], running: Collection[_Key]
) -> Mapping[int, list[_Key]]:
    """Find the rows after which rails end.

    After a failure that nothing caught there is no StateExited, and a state ends no
    sooner than what is inside it.
    """
    last: dict[_Key, int] = {}
    visits: dict[str, dict[int, StateVisit]] = defaultdict(dict)
    nests: dict[str, Nest] = {}
    for place, row in enumerate(rows):
        branch = isinstance(row, Fold) and row.sort is Sort.BRANCH
        if row.execution_arn is None or not (branch or _of_states(row)):
            continue
        if row.nest is not None:
            last[row.nest.arn, 0] = place
            nests[row.nest.arn] = row.nest
        if row.visit is not None:
            last[row.execution_arn, row.visit.id] = place
            visits[row.execution_arn][row.visit.id] = row.visit
    _stretch(last, visits, nests)
    ends: dict[int, list[_Key]] = defaultdict(list)
    for key, place in last.items():
        if key not in running:
            ends[place].append(key)
    return ends


def _stretch(
    last: dict[_Key, int],
    visits: Mapping[str, Mapping[int, StateVisit]],
    nests: Mapping[str, Nest],
) -> None:
    """Let what is around others end no sooner than they: the innermost come first."""
    inward = sorted(nests, key=lambda arn: (-nests[arn].level, arn))
    pairs: list[tuple[_Key, _Key]] = []
    for arn in (*inward, *(visits.keys() - nests.keys())):
        own = visits.get(arn, {})
        for number, visit in sorted(own.items(), reverse=True):
            pairs += [((arn, number), (arn, visit.parent or 0))]
        if arn in nests:
            pairs.append(((arn, 0), nests[arn].parent))
    for inner, outer in pairs:
        if inner in last and outer in last:
            last[outer] = max(last[outer], last[inner])


class _Tracks:
    """Which visit has which column."""

    def __init__(self, running: Collection[_Key]) -> None:
        self._running = running
        self._slots: list[_Key | None] = []
        self._crowd: set[_Key] = set()
        self._open = 0
        self._past_all: str | None = None
        """The rails past a row on which none ends, until one begins or ends."""

    def __contains__(self, key: _Key) -> bool:
        return key in self._crowd or key in self._slots

    def open(self, key: _Key, parent: _Key) -> None:
        """Give a visit the first free column right of its parent's."""
        if key in self:
            return
        first = self._slots.index(parent) + 1 if parent in self._slots else 0
        self._slots.extend([None] * (first + 1 - len(self._slots)))
        free = [n for n in range(first, len(self._slots)) if self._slots[n] is None]
        if free and free[0] < COLUMNS:
            self._slots[free[0]] = key
        elif len(self._slots) < COLUMNS:
            self._slots.append(key)
        else:
            self._crowd.add(key)
        self._trim()

    def close(self, key: _Key) -> None:
        self._crowd.discard(key)
        if key in self._slots:
            self._slots[self._slots.index(key)] = None
        self._trim()

    def _trim(self) -> None:
        while self._slots and self._slots[-1] is None:
            self._slots.pop()
        self._open = sum(slot is not None for slot in self._slots) + len(self._crowd)
        self._past_all = None

    def through(self, over: Collection[_Key] = ()) -> Rails:
        """Draw the rails past a row that is on none of them."""
        return Rails(before=self._text(over) + self._shared(), open=self._open)

    def with_own(self, key: _Key, glyph: str, over: Collection[_Key] = ()) -> Rails:
        """Draw the rails with a glyph on one of them."""
        own = "├" if glyph == "│" and self._open > 1 else glyph
        if key in self._running:
            own = own.translate(_HEAVY)
        if key in self._crowd:
            return Rails(self._text(over), own, open=self._open)
        column, text = 2 * self._slots.index(key), self._text(over)
        after = text[column + 2 :] + self._shared()
        return Rails(text[:column], own, after, self._open)

    def beside(self, home: _Key, glyph: str, over: Collection[_Key]) -> Rails:
        """Draw the rails with a glyph where a state inside `home` would have its."""
        key: _Key = (home[0], "")
        self.open(key, home)
        rails = self.with_own(key, glyph, over)
        self.close(key)
        return replace(rails, open=self._open)

    def _text(self, over: Collection[_Key]) -> str:
        if over:
            return "".join(self._past(slot, over) for slot in self._slots)
        if self._past_all is None:
            self._past_all = "".join(self._past(slot, ()) for slot in self._slots)
        return self._past_all

    def _past(self, slot: _Key | None, over: Collection[_Key]) -> str:
        if slot is None:
            return _GAP
        if slot in self._running:
            return _RAIL.translate(_HEAVY)
        return _LAST if slot in over else _RAIL

    def _shared(self) -> str:
        return _SHARED if self._crowd else ""
