"""States as rails: each stay in a state a bar as long as it lasted, side by side.

Branches and iterations run at the same time, so a rail stands in the first column,
right of the state it runs in, that is free for as long as it lasts.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct, field

from sfnwatch.export.svg_rows import Lines
from sfnwatch.export.svg_scale import CARD, STEP, Scale
from sfnwatch.trace.lanes import Kind, Row
from sfnwatch.trace.spans import end_of
from sfnwatch.trace.timeline import Timeline
from sfnwatch.trace.visits import StateVisit

COLUMNS = 24
"""Beyond so many, rails share the last column."""


class Rail(Struct, frozen=True):
    """One visit's bar; heights in px, the column counted from 0."""

    visit: StateVisit
    column: int
    top: float
    bottom: float
    passed: bool = False
    """True for a state entered and left at once, on one line."""


class Rails(Struct, frozen=True):
    """The rails of one execution."""

    rails: tuple[Rail, ...] = ()
    columns: Mapping[int, int] = field(default_factory=dict)
    """A visit to how many columns its outermost state takes."""
    by_visit: Mapping[int, Rail] = field(default_factory=dict)


def rails_of(timeline: Timeline, lines: Lines, scale: Scale, now: datetime) -> Rails:
    """Lay out the visits of which at least one line is drawn."""
    spans = _spans(timeline.execution_arn, lines, scale)
    outermost: dict[int, int] = {}
    columns: dict[int, int] = {}
    widths: dict[int, int] = {}
    ends: dict[int, float] = {}
    rails: list[Rail] = []
    for visit in sorted(timeline.visits, key=lambda visit: visit.id):
        outer = outermost.get(visit.parent or 0, visit.id)
        outermost[visit.id] = outer
        if visit.id not in spans:
            columns[visit.id] = columns.get(visit.parent or 0, -1)
            continue
        top, bottom, passed = _reach(spans[visit.id], visit, scale, now)
        column = _free(columns.get(visit.parent or 0, -1) + 1, ends, top)
        ends[column] = max(ends.get(column, 0.0), bottom)
        columns[visit.id] = column
        widths[outer] = max(widths.get(outer, 0), column + 1)
        rails.append(Rail(visit, column, top, bottom, passed))
    return Rails(
        tuple(rails),
        {visit: widths.get(outer, 0) for visit, outer in outermost.items()},
        {rail.visit.id: rail for rail in rails},
    )


def _free(least: int, ends: Mapping[int, float], top: float) -> int:
    column = least
    while column < COLUMNS and ends.get(column, -1.0) > top - 1:
        column += 1
    return min(column, COLUMNS)


def _spans(arn: str, lines: Lines, scale: Scale) -> dict[int, list[tuple[Row, float]]]:
    """Give each visit its rows that are drawn, with their heights."""
    found: dict[int, list[tuple[Row, float]]] = {}
    for line, y in zip(lines.lines, scale.heights, strict=True):
        for row in line.rows:
            if row.visit is not None and row.execution_arn == arn:
                found.setdefault(row.visit.id, []).append((row, y))
    return found


def _reach(
    rows: Iterable[tuple[Row, float]],
    visit: StateVisit,
    scale: Scale,
    now: datetime,
) -> tuple[float, float, bool]:
    """Say from where to where a visit is drawn: by its rows, else by its times."""
    drawn = {row.kind: y for row, y in rows}
    if Kind.PASSED in drawn:
        return drawn[Kind.PASSED], drawn[Kind.PASSED], True
    top = drawn.get(Kind.ENTERED, scale.y(visit.entered_at))
    last, end = max(drawn.values()), scale.y(end_of(visit, now))
    if visit.ended_at is None:
        return top, max(end, last + STEP / 2), False
    # What has no exit ended with the line that says so: of something around it.
    bottom = drawn.get(Kind.EXITED, end - STEP - CARD)
    return top, max(bottom, last), False
