"""Dates between the lines: times of day say nothing of which day, beyond midnight.

They depend on where somebody is, so they are put in where the lines are shown.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime

from sfnwatch.trace.shape import Fold, Sort
from sfnwatch.tui.lane_connectors import passed
from sfnwatch.tui.lane_frame import Look
from sfnwatch.tui.lane_line import Line
from sfnwatch.tui.layout import Layout


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
    return _with(bare, tuple(_marked(lines, places)), places)


def _undated(layout: Layout) -> Layout:
    """Take the dates of another zone out again."""
    lines = layout.lines
    places = [place for place, line in enumerate(lines) if _is_date(line)]
    if not places:
        return layout
    kept = tuple(line for line in lines if not _is_date(line))
    positions = {
        key: place - bisect_right(places, place)
        for key, place in layout.positions.items()
    }
    return replace(layout, lines=kept, positions=positions)


def _with(layout: Layout, lines: tuple[Line, ...], places: Sequence[int]) -> Layout:
    positions = {
        key: place + bisect_right(places, place)
        for key, place in layout.positions.items()
    }
    return replace(layout, lines=lines, positions=positions)


def _is_date(line: Line) -> bool:
    return isinstance(line.left, Fold) and line.left.sort is Sort.DATE


def _at(line: Line) -> datetime | None:
    cell = line.first
    if cell is None or (isinstance(cell, Fold) and cell.sort is Sort.WATERMARK):
        return None
    return cell.at


def _day(at: datetime, look: Look) -> date:
    return look.local(at).date()


def _midnights(lines: Sequence[Line], look: Look) -> Iterator[int]:
    """Find the lines that begin a day; a call may be a second behind its phase."""
    latest: date | None = None
    for place, line in enumerate(lines):
        at = _at(line)
        if at is not None and (latest is None or _day(at, look) > latest):
            latest = _day(at, look)
            yield place


def _marked(lines: Sequence[Line], places: Sequence[int]) -> Iterator[Line]:
    wanted = frozenset(places)
    above = Line()
    for place, line in enumerate(lines):
        at = _at(line)
        if place in wanted and at is not None:
            mark = Fold(at=at, key=f"{at.isoformat()}~date", sort=Sort.DATE)
            yield replace(passed(above, line), left=mark)
        yield line
        above = line
