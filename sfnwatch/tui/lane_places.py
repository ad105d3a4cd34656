"""Which line to go to: the cursor passes over gaps, and finds again what it was on."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from rich.cells import cell_len

from sfnwatch.trace.lanes import Lanes, Row
from sfnwatch.trace.words import Piece
from sfnwatch.tui.lane_line import Line
from sfnwatch.tui.lane_words import MARKERS
from sfnwatch.tui.layout import Layout


def stop(lines: Sequence[Line], place: int, direction: int) -> int:
    """Find the nearest line that can be selected, in a direction if there is one."""
    if not lines:
        return 0
    place = max(0, min(place, len(lines) - 1))
    ahead = range(place, len(lines)) if direction > 0 else range(place, -1, -1)
    behind = range(place, -1, -1) if direction > 0 else range(place, len(lines))
    for way in (ahead, behind):
        for at in way:
            if lines[at].keys:
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


def _outward(place: int, count: int) -> Iterator[tuple[int, int]]:
    for step in range(1, count):
        yield max(0, place - step), min(count - 1, place + step)


def next_found(
    lines: Sequence[Line], cursor: int, found: Callable[[Row], bool], direction: int
) -> int | None:
    """Find the next line with a row that is wanted, once round from the cursor."""
    count = len(lines)
    step = direction or 1
    first = cursor + direction
    for number in range(count):
        place = (first + number * step) % count
        if lines[place].keys and any(map(found, lines[place].all_rows)):
            return place
    return None


def marker_at(pieces: Iterable[Piece], x: int) -> bool:
    """True where a click meets what opens and closes a fold, or is next to it."""
    at = 0
    for text, _ in pieces:
        if text in MARKERS and at - 1 <= x <= at + 1:
            return True
        at += cell_len(text)
    return False
