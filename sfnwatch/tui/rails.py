"""The rails left of the states: one for each visit that is open, as `git log --graph`.

What a state began, an execution or a Map Run, has a rail of its own beside the state's.

Branches of a Parallel and iterations of a Map run at once, so a visit keeps its
column from its first row to its last, and gives it back then.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

from sfnwatch.trace.lanes import Kind, Row, own_nest
from sfnwatch.trace.nests import Nest
from sfnwatch.trace.shape import Fold, Sort
from sfnwatch.trace.values import replace
from sfnwatch.tui.rail_ends import NESTS, Ends, Key, of_states

COLUMNS = 6
"""Visits beyond these share one dotted rail: 40 iterations would leave no text."""
OPEN, CLOSED = "▾", "▸"
"""Before what can be folded, and before what is."""
_RAIL, _SHARED, _GAP, _LAST = "│ ", "┆ ", "  ", "╵ "
_HEAVY = str.maketrans("│┌├", "┃┏┣")
"""A rail is heavy while its state still runs: to be seen without colour, too."""

_FROM, _TO = frozenset("│┌├┃┏┣┆"), frozenset("│├└╵┃┣┆")
"""Glyphs that a rail goes on from, and those that it comes to."""


class Rails(Struct, frozen=True):
    """What is drawn left of a row's text, two cells a column."""

    before: str = ""
    own: str = ""
    """The glyph of the row's own visit; empty where the row has none."""
    after: str = ""
    open: int = 0
    """How many visits are open here."""


_made = lru_cache(maxsize=4096)(Rails)
"""Rails are alike on line after line."""
_NONE = Rails()


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
    drawing = Drawing()
    drawing.grow(rows, 0)
    for place, row in enumerate(rows):
        yield drawing.draw(place, row)


State = Mapping[str, "tuple[Sequence[Key | None], Collection[Key]]"]
"""Which rails are open in which execution: those in columns, and the others."""


class Drawing:
    """Draws the rails of rows that come and go at the end, one row after the other."""

    def __init__(self) -> None:
        self._ends = Ends()
        self._roots: dict[str, int] = {}
        """The place of the first row of each execution that nothing began."""
        self._tracks: dict[str, _Tracks] = {}

    def grow(self, rows: Sequence[Row | Fold], first: int) -> int:
        """Know other rows from a place on; say from which on they are to be drawn."""
        one = len(self._roots) <= 1
        while self._roots and next(reversed(self._roots.values())) >= first:
            self._roots.popitem()
        for place in range(first, len(rows)):
            root = rows[place].root_arn
            if root is not None:
                self._roots.setdefault(root, place)
        place = self._ends.grow(rows, first)
        return place if one == (len(self._roots) <= 1) else 0

    @property
    def state(self) -> State:
        """What to go back to, to draw the next row again."""
        return {root: tracks.state for root, tracks in self._tracks.items()}

    def go_back(self, state: State) -> None:
        running = self._ends.running
        self._tracks = {root: _Tracks(running, *own) for root, own in state.items()}

    def draw(self, place: int, row: Row | Fold) -> Rails:
        """Draw the rails of the next row."""
        root = ""
        if len(self._roots) > 1:
            if row.root_arn is None:
                return _NONE
            root = row.root_arn
        tracks = self._tracks.get(root)
        if tracks is None:
            tracks = self._tracks[root] = _Tracks(self._ends.running)
        return _drawn(tracks, row, self._ends.at.get(place, ()))


def _drawn(tracks: "_Tracks", row: Row | Fold, over: Collection[Key]) -> Rails:
    if isinstance(row, Row) and not row.events:
        return tracks.through()
    key = _key(row)
    mark = _branch_mark(row)
    if mark and row.execution_arn is not None and row.visit is not None:
        rails = tracks.beside((row.execution_arn, row.visit.id), mark, over)
    elif key is None:
        rails = tracks.through(over)
    else:
        new = key not in tracks
        if new:
            tracks.open(key, _parent(row, key))
        glyph = _glyph(row, new=new, ends=key in over)
        rails = tracks.with_own(key, glyph, over)
    for ended in over:
        tracks.close(ended)
    return rails


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


def _key(row: Row | Fold) -> Key | None:
    if row.execution_arn is None or not of_states(row):
        return None
    nest = _own_nest(row)
    if nest is not None:
        return nest.arn, 0
    return (row.execution_arn, row.visit.id) if row.visit is not None else None


def _own_nest(row: Row | Fold) -> Nest | None:
    """Give the nest whose own rail a row is on: its start, its end, its fold."""
    if isinstance(row, Row):
        return own_nest(row)
    return row.nest if row.sort in NESTS else None


def _parent(row: Row | Fold, key: Key) -> Key:
    nest = _own_nest(row)
    if nest is not None:
        return nest.parent
    parent = row.visit.parent if row.visit is not None else None
    return key[0], parent or 0


class _Tracks:
    """Which visit has which column."""

    def __init__(
        self,
        running: Collection[Key],
        slots: Iterable[Key | None] = (),
        crowd: Iterable[Key] = (),
    ) -> None:
        self._running = running
        self._slots = list(slots)
        self._crowd = set(crowd)
        self._open = 0
        self._past_all: str | None = None
        """The rails past a row on which none ends, until one begins or ends."""
        self._through: Rails | None = None
        self._trim()

    @property
    def state(self) -> tuple[Sequence[Key | None], Collection[Key]]:
        return tuple(self._slots), frozenset(self._crowd)

    def __contains__(self, key: Key) -> bool:
        return key in self._crowd or key in self._slots

    def open(self, key: Key, parent: Key) -> None:
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

    def close(self, key: Key) -> None:
        self._crowd.discard(key)
        if key in self._slots:
            self._slots[self._slots.index(key)] = None
        self._trim()

    def _trim(self) -> None:
        while self._slots and self._slots[-1] is None:
            self._slots.pop()
        self._open = sum(slot is not None for slot in self._slots) + len(self._crowd)
        self._past_all = self._through = None

    def through(self, over: Collection[Key] = ()) -> Rails:
        """Draw the rails past a row that is on none of them."""
        if over:
            return _made(self._text(over) + self._shared(), "", "", self._open)
        if self._through is None:
            self._through = _made(self._text() + self._shared(), "", "", self._open)
        return self._through

    def with_own(self, key: Key, glyph: str, over: Collection[Key] = ()) -> Rails:
        """Draw the rails with a glyph on one of them."""
        own = "├" if glyph == "│" and self._open > 1 else glyph
        if key in self._running:
            own = own.translate(_HEAVY)
        if key in self._crowd:
            return _made(self._text(over), own, "", self._open)
        column, text = 2 * self._slots.index(key), self._text(over)
        after = text[column + 2 :] + self._shared()
        return _made(text[:column], own, after, self._open)

    def beside(self, home: Key, glyph: str, over: Collection[Key]) -> Rails:
        """Draw the rails with a glyph where a state inside `home` would have its."""
        key: Key = (home[0], "")
        self.open(key, home)
        rails = self.with_own(key, glyph, over)
        self.close(key)
        return replace(rails, open=self._open)

    def _text(self, over: Collection[Key] = ()) -> str:
        if over:
            return "".join(self._past(slot, over) for slot in self._slots)
        if self._past_all is None:
            self._past_all = "".join(self._past(slot, ()) for slot in self._slots)
        return self._past_all

    def _past(self, slot: Key | None, over: Collection[Key]) -> str:
        if slot is None:
            return _GAP
        if slot in self._running:
            return _RAIL.translate(_HEAVY)
        return _LAST if slot in over else _RAIL

    def _shared(self) -> str:
        return _SHARED if self._crowd else ""
