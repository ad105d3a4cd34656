"""Dates between the lines: times of day say nothing of which day, beyond midnight.

They depend on where somebody is, so they are put in where the lines are shown.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from sfnwatch.trace.shape import Fold, Sort
from sfnwatch.trace.values import replace
from sfnwatch.tui.lane_connectors import passed
from sfnwatch.tui.lane_frame import Look
from sfnwatch.tui.lane_line import Line
from sfnwatch.tui.layout import Layout

_BACK = timedelta(minutes=1)
"""No line is so much earlier than one before it: a call may be some seconds behind."""


class Moved(Mapping[str, int]):
    """Where keys are when lines have been put in before some of theirs."""

    def __init__(self, bare: Mapping[str, int], places: Sequence[int]) -> None:
        self.bare = bare
        self.places = places
        """The lines that others were put in before, by their places without them."""

    def __getitem__(self, key: str) -> int:
        place = self.bare[key]
        return place + bisect_right(self.places, place)

    def __contains__(self, key: object) -> bool:
        return key in self.bare

    def __iter__(self) -> Iterator[str]:
        return iter(self.bare)

    def __len__(self) -> int:
        return len(self.bare)


def dated(layout: Layout, look: Look) -> Layout:
    """Put a line with the date before each day's first, if there are several days."""
    bare = _undated(layout)
    if layout.origin is not None:
        # Times since a start are of no day.
        return bare
    lines = bare.lines
    times = (at for line in lines if (at := _at(line)) is not None)
    last = (at for line in reversed(lines) if (at := _at(line)) is not None)
    first_at, last_at = next(times, None), next(last, None)
    if (
        first_at is None
        or last_at is None
        or _day(first_at, look) == _day(last_at, look)
    ):
        return bare
    places = tuple(_midnights(lines, look))
    return replace(
        bare,
        lines=_marked(lines, places),
        positions=Moved(bare.positions, places),
    )


def _undated(layout: Layout) -> Layout:
    """Take the dates of another zone out again."""
    moved = layout.positions
    if not isinstance(moved, Moved):
        return layout
    lines = list(layout.lines)
    for place in reversed([at + count for count, at in enumerate(moved.places)]):
        del lines[place]
    return replace(layout, lines=tuple(lines), positions=moved.bare)


def _at(line: Line) -> datetime | None:
    cell = line.first
    if cell is None or (isinstance(cell, Fold) and cell.sort is Sort.WATERMARK):
        return None
    return cell.at


def _day(at: datetime, look: Look) -> date:
    return look.local(at).date()


def _midnights(lines: Sequence[Line], look: Look) -> Iterator[int]:
    """Find the lines that begin a day."""
    latest: date | None = None
    midnight: datetime | None = None
    place = 0
    while (found := _begin(lines, place, latest, midnight, look)) is not None:
        place, latest = found
        yield place
        following = datetime.combine(latest + timedelta(days=1), time())
        midnight = following.replace(tzinfo=look.zone or UTC)


def _begin(
    lines: Sequence[Line],
    place: int,
    latest: date | None,
    midnight: datetime | None,
    look: Look,
) -> tuple[int, date] | None:
    """Find the first line after a midnight, from a place on, and its day."""
    if midnight is not None:
        place = _near(lines, place, midnight - _BACK)
    for number in range(place, len(lines)):
        at = _at(lines[number])
        if at is None or (midnight is not None and at < midnight):
            continue
        day = _day(at, look)
        if latest is None or day > latest:
            return number, day
    return None


def _near(lines: Sequence[Line], place: int, at: datetime) -> int:
    """Find a line, from a place on, before which all are earlier than a while after.

    The times of lines rise, but for some that go back a little.
    """
    low, high = place, len(lines)
    while low < high:
        middle = (low + high) // 2
        own = middle
        while own > low and _at(lines[own]) is None:
            own -= 1
        own_at = _at(lines[own])
        if own_at is None or own_at < at:
            low = middle + 1
        else:
            high = own
    return low


def _marked(lines: Sequence[Line], places: Sequence[int]) -> tuple[Line, ...]:
    marked: list[Line] = []
    begin = 0
    for place in places:
        marked += lines[begin:place]
        line, begin = lines[place], place
        at = _at(line)
        if at is not None:
            above = lines[place - 1] if place else Line()
            mark = Fold(at=at, key=f"{at.isoformat()}~date", sort=Sort.DATE)
            marked.append(replace(passed(above, line), left=mark))
    marked += lines[begin:]
    return tuple(marked)
