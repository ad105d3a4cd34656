"""Which line to go to: the cursor passes over gaps, and finds again what it was on."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from rich.cells import cell_len

from sfnwatch.trace.lanes import Lanes, Row
from sfnwatch.trace.words import Piece
from sfnwatch.tui.lane_line import Line
from sfnwatch.tui.lane_words import MARKERS
from sfnwatch.tui.layout import Layout


def stop(
    lines: Sequence[Line], place: int, direction: int, column: int | None = None
) -> int:
    """Find the nearest line that can be selected, in a direction if there is one.

    With a `column` only what can be selected in it counts.
    """
    if not lines:
        return 0
    place = max(0, min(place, len(lines) - 1))
    ahead = range(place, len(lines)) if direction > 0 else range(place, -1, -1)
    behind = range(place, -1, -1) if direction > 0 else range(place, len(lines))
    for way in (ahead, behind):
        for at in way:
            line = lines[at]
            if (line if column is None else line.cell(column)).keys:
                return at
    return place


def nearest(page: Layout, lanes: Lanes, key: str | None) -> int | None:
    """Find the line of a key; of a row that is left out, that of its neighbour."""
    if key is None or key in page.positions:
        return page.positions.get(key or "")
    place = lanes.positions.get(key)
    if place is None:
        return None
    for before, after in _outward(place, len(lanes.rows)):
        for at in (before, after):
            found = page.positions.get(lanes.rows[at].key)
            if found is not None:
                return found
    return None


def nearest_of(lines: Sequence[Line], place: int, execution_arn: str) -> int | None:
    """Find the nearest line of an execution, where all share a lane."""
    for before, after in _outward(place, len(lines)):
        for at in (before, after):
            if lines[at].keys and lines[at].execution_arn == execution_arn:
                return at
    return None


def side_of(line: Line) -> int | None:
    """Give the first column that has something to select; None if none has."""
    return next((n for n, cell in enumerate(line.cells) if cell.keys), None)


def _outward(place: int, count: int) -> Iterator[tuple[int, int]]:
    for step in range(count):
        yield max(0, place - step), min(count - 1, place + step)


def next_found(
    page: Layout,
    cursor: tuple[int, int],
    found: Callable[[Row], bool],
    direction: int,
) -> tuple[int, int] | None:
    """Find the next line with a row that is wanted, once round from the cursor.

    Gives its place and its column, as `cursor` does.
    """
    columns = page.column_count
    count = len(page.lines) * columns
    step = direction or 1
    first = cursor[0] * columns + min(cursor[1], columns - 1) + direction
    for number in range(count):
        place, column = divmod((first + number * step) % count, columns)
        line = page.lines[place].cell(column)
        if line.keys and any(map(found, line.all_rows)):
            return place, column
    return None


def beside(lines: Sequence[Line], place: int, column: int) -> int | None:
    """Find the line of another column that is nearest; None if it has none."""
    for before, after in _outward(place, len(lines)):
        for at in (before, after):
            if lines[at].cell(column).keys and not lines[at].right:
                return at
    return None


def marker_at(pieces: Iterable[Piece], x: int) -> bool:
    """True where a click meets what opens and closes a fold, or is next to it."""
    at = 0
    for text, _ in pieces:
        if text in MARKERS and at - 1 <= x <= at + 1:
            return True
        at += cell_len(text)
    return False
