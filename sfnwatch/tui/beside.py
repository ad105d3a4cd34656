"""Executions beside each other: a column each, and what is of one second in one line.

Each column is laid out as a single execution is; then the columns are put together.
Idle is only when all of them are. Pure, and free of widths.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, zip_longest
from textwrap import wrap

from msgspec import Struct

from sfnwatch.trace.aligned import shifts
from sfnwatch.trace.heads import Head
from sfnwatch.trace.lanes import Lanes, Row
from sfnwatch.trace.shape import IDLE, Fold, Shape, Shaped, Sort, shape
from sfnwatch.trace.timeline import TERMINAL
from sfnwatch.trace.values import replace
from sfnwatch.tui.lane_connectors import passed
from sfnwatch.tui.lane_line import Line
from sfnwatch.tui.lane_services import Services
from sfnwatch.tui.layout import NO_MATCH, Hints, Layout, about, behind
from sfnwatch.tui.rails import onward
from sfnwatch.tui.stacking import Stacking

_HINT, _HINT_LINES = 38, 4
"""The narrowest column has room for words so long."""
_ALWAYS = datetime.min.replace(tzinfo=UTC)
"""Where lines stand that have no time, and none before them has."""
_BEFORE, _MARK, _AFTER = range(3)
_NOTHING = Line()
_Key = tuple[datetime, int]
"""A second, and whether it is before or beyond the watermark."""


class _Piece(Struct, frozen=True):
    """A line of one column, or of none, and where it goes."""

    key: _Key
    line: Line


def lay_out_beside(
    lanes: Lanes,
    *,
    hints: Hints | None = None,
    wanted: Shape | None = None,
    origin: datetime | None = None,
) -> Layout:
    """Lay out a column for each execution; with an `origin` their starts are one."""
    hints, wanted = hints or Hints(), wanted or Shape()
    own = _by_execution(lanes)
    bare = replace(wanted, gaps=False)
    moved = shifts(lanes.heads) if origin is not None else {}
    mark = hints.complete_to
    columns, shapes = [], []
    for head in lanes.heads:
        arn = head.execution_arn
        marked = _moved(hints, head, moved[arn]) if arn in moved else hints
        stacking = Stacking(bare)
        shapes.append(stacking.stack(own[arn], marked.complete_to))
        column = _column(head, own[arn], stacking.lines, marked)
        columns.append(list(_timed(column, origin, mark)))
    shapes.append(shape(own[""], bare))
    shared = (Line(right=row) for row in shapes[-1].rows if isinstance(row, Row))
    apart = list(_timed(shared, origin, mark))
    shaped = _together(shapes)
    if shaped.filtered and not shaped.rows:
        lines: tuple[Line, ...] = (Line(left=NO_MATCH),)
    else:
        lines = tuple(_grid(columns, apart, gaps=wanted.gaps))
    places, sides = _found(lines)
    return replace(
        about(Services().grow(lanes.rows), lanes, wanted),
        lines=lines,
        positions={**behind(shaped, places), **places},
        columns={**behind(shaped, sides), **sides},
        shaped=shaped,
        beside=True,
        origin=origin,
    )


def _by_execution(lanes: Lanes) -> Mapping[str, Lanes]:
    """Part the rows; what is of no one execution has an empty key."""
    rows: dict[str, list[Row]] = {head.execution_arn: [] for head in lanes.heads}
    rows[""] = []
    for row in lanes.rows:
        rows[row.root_arn if row.root_arn in rows else ""].append(row)
    return {arn: Lanes(tuple(those), nests=lanes.nests) for arn, those in rows.items()}


def _moved(hints: Hints, head: Head, by: timedelta) -> Hints:
    """Move the watermark along; an execution that is over and complete has none."""
    at, end = hints.complete_to, head.stopped_at
    if at is None or (end is not None and end < at):
        return replace(hints, complete_to=None)
    return replace(hints, complete_to=at - by)


def _column(
    head: Head, lanes: Lanes, lines: Iterable[Line], hints: Hints
) -> Iterator[Line]:
    for line in lines:
        yield line
        if head.left_behind and _ends(line, head):
            yield Line(left=f"  did not wait for the {head.left_behind}")
    if not any(row.events for row in lanes.rows) and hints.states:
        yield Line(left=hints.states)
    if not any(row.call for row in lanes.rows) and hints.calls:
        said = wrap(hints.calls, _HINT, max_lines=_HINT_LINES, placeholder=" …")
        yield from (Line(left=words) for words in said)


def _ends(line: Line, head: Head) -> bool:
    """True for the end; one that a redrive went on from was none."""
    row = line.left
    if not isinstance(row, Row) or row.nest is not None:
        return False
    last = row.events[-1]
    return last.type in TERMINAL and last.timestamp == head.stopped_at


def _timed(
    lines: Iterable[Line], origin: datetime | None, mark: datetime | None
) -> Iterator[_Piece]:
    """Say in which second each line is, as far as the lines before it allow."""
    latest: _Key = _ALWAYS, _BEFORE
    for line in lines:
        first = line.first
        if first is not None:
            part = _part(first, mark) if origin is None else _BEFORE
            latest = max(latest, (_second(first.at, origin), part))
        yield _Piece(latest, line)


def _part(first: Row | Fold, mark: datetime | None) -> int:
    if isinstance(first, Fold) and first.sort is Sort.WATERMARK:
        return _MARK
    return _AFTER if mark is not None and first.at > mark else _BEFORE


def _second(at: datetime, origin: datetime | None) -> datetime:
    if origin is None:
        return at.replace(microsecond=0)
    whole = (at - origin) // timedelta(seconds=1)
    return origin + timedelta(seconds=whole)


# -- columns → lines -----------------------------------------------------------------


def _grid(
    columns: Sequence[Sequence[_Piece]], apart: Sequence[_Piece], *, gaps: bool
) -> Iterator[Line]:
    """Put columns beside each other: what has one key shares lines, from the top."""
    lines: list[Line] = []
    held = [_by_key(pieces) for pieces in columns]
    alone = _by_key(apart)
    latest: datetime | None = None
    for key in sorted(set().union(alone, *held)):
        here = [those.get(key, []) for those in held]
        named = key[0] if key[0] != _ALWAYS else None
        every = [*chain.from_iterable(here), *alone.get(key, [])]
        if gaps and latest is not None:
            lines += _idle(latest, every)
        latest = max((at for at in map(_until, every) if at), default=latest)
        if key[1] == _MARK:
            lines.append(Line(left=every[0].left))
            continue
        for cells in zip_longest(*here, fillvalue=_NOTHING):
            lines.append(Line(cells=cells, moment=named))
            named = None
        for line in alone.get(key, []):
            lines.append(replace(line, moment=named))
            named = None
    yield from _filled(lines, len(columns))


def _by_key(pieces: Iterable[_Piece]) -> dict[_Key, list[Line]]:
    found: dict[_Key, list[Line]] = defaultdict(list)
    for piece in pieces:
        found[piece.key].append(piece.line)
    return found


def _idle(latest: datetime, lines: Sequence[Line]) -> Iterator[Line]:
    """Name the time in which nothing happened in any column."""
    firsts = (line.first for line in lines)
    found = [part for part in firsts if part is not None and not _is_mark(part)]
    if not found:
        return
    first = min(found, key=lambda part: part.at)
    if first.at - latest >= IDLE:
        seconds = (first.at - latest).total_seconds()
        key = f"{first.key}~idle"
        yield Line(left=Fold(at=latest, key=key, sort=Sort.IDLE, seconds=seconds))


def _is_mark(part: Row | Fold) -> bool:
    return isinstance(part, Fold) and part.sort is Sort.WATERMARK


def _until(line: Line) -> datetime | None:
    """Say up to when something is told: by a fold all that is behind it."""
    first = line.first
    if first is None or _is_mark(first):
        return None
    if isinstance(first, Fold) and first.sort is Sort.BACKOFF:
        return first.at + timedelta(seconds=first.seconds or 0)
    return max([first.at, *(row.at for row in line.all_rows)])


def _filled(lines: Sequence[Line], columns: int) -> Iterator[Line]:
    """Let rails and connectors run on where a column has nothing of its own."""
    filled = [list(line.cells or (_NOTHING,) * columns) for line in lines]
    for column in range(columns):
        above = Line()
        empty: list[list[Line]] = []
        for cells in filled:
            own = cells[column]
            if own is _NOTHING:
                empty.append(cells)
                continue
            if empty:
                between = passed(above, own)
                for skipped in empty:
                    skipped[column] = between
            above, empty = own, []
        for skipped in empty:
            skipped[column] = Line(rails=onward(above.rails))
    for line, cells in zip(lines, filled, strict=True):
        yield replace(line, cells=tuple(cells))


# -- what became of what ---------------------------------------------------------------


def _together(shapes: Iterable[Shaped]) -> Shaped:
    every = tuple(shapes)
    unlisted: Counter[str] = Counter()
    for one in every:
        unlisted.update(one.unlisted)
    return Shaped(
        rows=tuple(chain.from_iterable(one.rows for one in every)),
        stands=_merged(one.stands for one in every),
        heads=_merged(one.heads for one in every),
        around=_merged(one.around for one in every),
        filtered=sum(one.filtered for one in every),
        closed=frozenset().union(*(one.closed for one in every)),
        unlisted=unlisted,
    )


def _merged(maps: Iterable[Mapping[str, str]]) -> Mapping[str, str]:
    return {key: value for one in maps for key, value in one.items()}


def _found(lines: Sequence[Line]) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Find the line and the column of each key."""
    places: dict[str, int] = {}
    sides: dict[str, int] = {}
    for place, line in enumerate(lines):
        for column, cell in enumerate(line.cells or (line,)):
            for key in (*((cell.head,) if cell.head else ()), *cell.keys):
                places[key], sides[key] = place, column
        if line.right:
            places.update(dict.fromkeys(line.keys, place))
    return places, sides
