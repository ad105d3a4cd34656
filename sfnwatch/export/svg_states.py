"""The lane of states: a card for each outermost state, rails and phases in it."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from sfnwatch.export.svg_draw import (
    SMALL,
    cut,
    fit,
    group,
    line,
    pieces,
    rect,
    width_of,
    width_of_pieces,
    words,
)
from sfnwatch.export.svg_layout import Column
from sfnwatch.export.svg_rails import Rail, Rails
from sfnwatch.export.svg_scale import STEP, Scale
from sfnwatch.trace.lanes import Kind, Row
from sfnwatch.trace.notice import Notice
from sfnwatch.trace.spans import Part, Segment, segments
from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.times import iso
from sfnwatch.trace.values import replace
from sfnwatch.trace.words import (
    STATUS_GLYPHS,
    Piece,
    Tone,
    notice_words,
    plain,
    row_pieces,
)

Key = Callable[[Row], str]
"""Gives what a report knows a row by, or nothing."""

_RAIL = 8.0
_COLUMN = 13.0
_WIDEST = 200.0
"""What all columns of one state may take."""
_PARTS = {
    Part.WAITING: "waiting",
    Part.WORKING: "working",
    Part.NOTICING: "noticing",
    Part.BACKING_OFF: "backing",
    Part.AROUND: "around",
    Part.STOPPED: "hair",
}


class StatesLane:
    """Draws the states of one execution into its lane."""

    def __init__(
        self, column: Column, rails: Rails, scale: Scale, now: datetime
    ) -> None:
        self._column, self._rails, self._scale, self._now = column, rails, scale, now

    def grounds(self) -> Iterator[str]:
        """Draw what lies under everything: the cards, and the rails on them."""
        x, width = self._column.x, self._column.width
        for rail in self._rails.rails:
            if rail.visit.parent is None:
                top, bottom = rail.top - STEP / 2 - 3, rail.bottom + STEP / 2 + 3
                yield rect(x, top, width, bottom - top, "card", 7)
        for rail in self._rails.rails:
            yield self._rail(rail)

    def _x(self, rail: Rail) -> float:
        columns = max(1, self._rails.columns.get(rail.visit.id, 1))
        return self._column.x + 10 + rail.column * self._step(columns)

    @staticmethod
    def _step(columns: int) -> float:
        return min(_COLUMN, _WIDEST / columns)

    def _rail(self, rail: Rail) -> str:
        visit, x = rail.visit, self._x(rail)
        if rail.passed:
            return rect(x, rail.top - 4, _RAIL, 8, "waiting", 4)
        stretches = segments(visit, self._now)
        height = rail.bottom - rail.top
        parts = [rect(x, rail.top, _RAIL, height, "waiting", 4)]
        parts += [
            self._stretch(rail, segment, x)
            for segment in stretches
            if segment.part is not Part.WAITING
        ]
        tip = [visit.path, *(f"{s.part}: {duration(s.seconds)}" for s in stretches)]
        return group(parts, "rail", tip=tip)

    def _stretch(self, rail: Rail, segment: Segment, x: float) -> str:
        top = min(max(self._scale.y(segment.begin), rail.top), rail.bottom)
        bottom = min(max(self._scale.y(segment.end), top), rail.bottom)
        if segment.part is Part.NOTICING:
            # It is what one looks for: never so short that it can't be seen.
            top = max(rail.top, min(top, bottom - 4))
        lost = segment.part is Part.WORKING and segment.failed
        css = "lost" if lost else _PARTS[segment.part]
        return rect(x + 1.5, top, _RAIL - 3, bottom - top, css, 2)

    # -- rows --------------------------------------------------------------------

    def row(self, row: Row, y: float, key: Key) -> str:
        """Draw one row's text; a second line says who noticed."""
        x = self.text_x(row)
        parts = [
            rect(self._column.x, y - STEP / 2, self._column.width, STEP, "hit"),
            *self._head(row, y),
            pieces(x, y + 4, self.words(row)),
        ]
        if row.notice is not None:
            told = _noticed(row.notice, self._column.right - x - 10)
            parts.append(words(x, y + 20, told, "tiny t-warn"))
        return group(parts, "row", key=key(row), tip=_tip(row))

    def _head(self, row: Row, y: float) -> Iterator[str]:
        """Lead from a rail to the row that tells of it."""
        rail = self._rails.by_visit.get(row.visit.id) if row.visit else None
        if rail is not None and rail.column + 1 < self._columns(row):
            yield line(self._x(rail) + _RAIL, y, self.text_x(row) - 3, y, "lead")

    def edge_of(self, visit_id: int) -> float | None:
        """Say where a visit's rail ends at its right; None where it is not drawn."""
        rail = self._rails.by_visit.get(visit_id)
        return self._x(rail) + _RAIL if rail is not None else None

    def _columns(self, row: Row) -> int:
        return self._rails.columns.get(row.visit.id, 0) if row.visit else 0

    def text_x(self, row: Row) -> float:
        columns = self._columns(row)
        if not columns:
            return self._column.x + 10 + self._past(row)
        return self._column.x + 14 + columns * self._step(columns)

    def _past(self, row: Row) -> float:
        """Leave room for rails that run past a row: an end that was none has some."""
        if row.kind is not Kind.EXECUTION:
            return 0.0
        y = self._scale.y(row.at)
        past = [r for r in self._rails.rails if r.top + STEP / 2 < y < r.bottom]
        edges = (self._x(rail) + _RAIL - self._column.x for rail in past)
        return max(edges, default=0.0)

    def words(self, row: Row) -> Sequence[Piece]:
        room = self._column.right - self.text_x(row) - 10
        return fit(state_pieces(row), room)

    def end_of(self, row: Row) -> float:
        """Say where a row's text ends, so that an arrow can begin there."""
        return self.text_x(row) + width_of_pieces(self.words(row)) + 8


def _noticed(told: Notice, room: float) -> str:
    """Say who noticed; what stands in brackets goes first where there is no room."""
    whole = f"◂ {notice_words(told)}"
    if width_of(whole, SMALL) > room:
        whole = whole.partition(" (")[0]
    return cut(whole, room, SMALL)


def state_pieces(row: Row) -> tuple[Piece, ...]:
    """Put a row into words: its status as a glyph in front, and whose it is.

    Branches take turns line by line, so a phase inside of a state says of which.
    """
    told = row_pieces(replace(row, notice=None))
    visit = row.visit
    if visit is None:
        return told
    branch = "" if visit.index is None else f"[{visit.index}] "
    if row.kind in {Kind.ENTERED, Kind.PASSED}:
        return ((branch, Tone.DIM), *told) if branch else told
    if row.kind is Kind.EXITED:
        glyph, tone = STATUS_GLYPHS[visit.status]
        told = ((f"{glyph} ", tone), *told)
    elif row.kind is Kind.PHASE and told and told[0][1] is Tone.BAD:
        told = (("✘ ", Tone.BAD), *told)
    if visit.parent is None or row.kind is Kind.OTHER:
        return told
    return (*told, (f"  {branch}{clean(visit.name, 60)}", Tone.DIM))


def _tip(row: Row) -> list[str]:
    tip = [iso(row.at), plain(row_pieces(row))]
    if row.visit is not None:
        tip.append(row.visit.path)
    return tip + [f"#{event.id} {event.type}" for event in row.events]
