"""The rails left of the states in a text: a column for each visit that is open."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from msgspec import Struct

from sfnwatch.trace.lanes import Kind, Row, own_nest
from sfnwatch.trace.spans import Key

_COLUMNS = 8
"""Visits beyond these share one dotted rail: forty would leave no room for words."""
_RAIL, _GAP, _CROWD = "│ ", "  ", "┆ "


class Rails(Struct, frozen=True):
    """What stands left of a row's text."""

    before: str
    """With the row's own glyph, and a blank behind it."""
    after: str
    """The same columns on a line below that belongs to the same row."""
    open: int = 0
    """How many visits are open here."""


def draw_rails(rows: Sequence[Row]) -> Iterator[Rails]:
    """Give each row its rails; a visit keeps its column from first row to last."""
    ends = _ends(rows)
    columns: list[Key | None] = []
    for place, row in enumerate(rows):
        key = _key(row)
        new = key is not None and key not in columns
        if key is not None and new:
            _open(columns, key, row)
        over = [key for key in ends[place] if key in columns]
        glyph = _glyph(row, new=new, over=key in over)
        before = _text(columns, key, glyph)
        for ended in over:
            columns[columns.index(ended)] = None
        while columns and columns[-1] is None:
            columns.pop()
        opened = sum(column is not None for column in columns)
        yield Rails(before, _text(columns, None, ""), opened)


def _key(row: Row) -> Key | None:
    nest = own_nest(row)
    if nest is not None:
        return nest.arn, 0
    if row.visit is None or row.execution_arn is None:
        return None
    return row.execution_arn, row.visit.id


def _parent(row: Row, key: Key) -> Key:
    nest = own_nest(row)
    if nest is not None:
        return nest.parent
    return key[0], (row.visit.parent if row.visit else None) or 0


def _ends(rows: Sequence[Row]) -> dict[int, list[Key]]:
    """Find the rows after which rails end: no sooner than those inside theirs.

    What still runs has none: its rail goes on to the last line.
    """
    last: dict[Key, int] = {}
    parents: dict[Key, Key] = {}
    running: set[Key] = set()
    levels: dict[str, int] = {}
    for place, row in enumerate(rows):
        key = _key(row)
        if key is None:
            continue
        last[key], parents[key] = place, _parent(row, key)
        levels[key[0]] = row.nest.level if row.nest is not None else 0
        nest = own_nest(row)
        if nest.running if nest else row.visit and row.visit.status == "running":
            running.add(key)
    # Inner ones first: an execution inside others, and in it the visit entered last.
    for key in sorted(last, key=lambda key: (-levels[key[0]], key[0], -key[1])):
        parent = parents[key]
        if parent in last:
            last[parent] = max(last[parent], last[key])
    ends: dict[int, list[Key]] = defaultdict(list)
    for key, place in last.items():
        if key not in running:
            ends[place].append(key)
    return ends


def _open(columns: list[Key | None], key: Key, row: Row) -> None:
    """Give a visit the first free column right of the one around it."""
    parent = _parent(row, key)
    first = columns.index(parent) + 1 if parent in columns else 0
    free = (n for n in range(first, len(columns)) if columns[n] is None)
    place = next(free, None)
    if place is None:
        columns.append(key)
    else:
        columns[place] = key


def _glyph(row: Row, *, new: bool, over: bool) -> str:
    if row.kind is Kind.PASSED or (new and over):
        return "●"
    return "┌" if new else "└" if over else "├"


def _text(columns: Sequence[Key | None], own: Key | None, glyph: str) -> str:
    shown = [
        f"{glyph} " if key is not None and key == own else _RAIL if key else _GAP
        for key in columns[:_COLUMNS]
    ]
    return "".join(shown) + (_CROWD if any(columns[_COLUMNS:]) else "")
