"""Which rows of the lanes are drawn, which only as a tick, and what is left out.

A history has up to 25,000 events; no one looks at a picture of 600,000 px. What is
left out is a line of its own that says how much.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct, field

from sfnwatch.trace.lanes import Kind, Row
from sfnwatch.trace.shape_polls import Run, poll_runs
from sfnwatch.trace.task_words import went_wrong

LIMIT = 500
"""So many rows are drawn; of them at most a third only because they failed."""
_TICK_ROWS = 24
"""The ticks of one run stand in no more rows."""
_TOGETHER = timedelta(seconds=3)


class Line(Struct, frozen=True):
    """What stands on one height: a row, with the call it made; or what is left out."""

    at: datetime
    rows: tuple[Row, ...] = ()
    skipped: tuple[Row, ...] = ()
    run: Run | None = None
    """The like polls that this line, a tick, is one of."""
    number: int = 0
    """Which of those it is, from 0."""

    @property
    def beside(self) -> int:
        """How many ticks of its run stand beside each other."""
        return -(-len(self.run.between) // _TICK_ROWS) if self.run else 1


class Lines(Struct, frozen=True):
    """The lines of a picture in order, and how many rows are left out."""

    lines: tuple[Line, ...] = ()
    skipped: int = 0
    places: Mapping[str, int] = field(default_factory=dict)
    """A row's key to its line."""


def lines_of(
    rows: Sequence[Row], limit: int = LIMIT, watermark: datetime | None = None
) -> Lines:
    """Choose the lines; `rows` are in the order of time.

    A watermark that lies between them has a line of its own, of no rows.
    """
    kept = _kept(rows, limit)
    runs = {
        row.key: (run, number)
        for run in poll_runs(rows)
        for number, row in enumerate(run.between)
    }
    lines: list[Line] = []
    skipped: list[Row] = []

    def flush() -> None:
        if skipped:
            lines.append(Line(skipped[0].at, skipped=tuple(skipped)))
            skipped.clear()

    for row in rows:
        if watermark is not None and row.at > watermark:
            flush()
            lines.append(Line(watermark))
            watermark = None
        if row.key not in kept:
            skipped.append(row)
            continue
        flush()
        if lines and _belongs(lines[-1], row):
            lines[-1] = Line(lines[-1].at, (*lines[-1].rows, row))
        else:
            run, number = runs.get(row.key, (None, 0))
            lines.append(Line(row.at, (row,), run=run, number=number))
    flush()
    places = {row.key: i for i, line in enumerate(lines) for row in line.rows}
    return Lines(tuple(lines), sum(len(line.skipped) for line in lines), places)


def _belongs(line: Line, row: Row) -> bool:
    """True for the call that the phase before it made: one height, one arrow."""
    if len(line.rows) != 1 or row.call is None:
        return False
    return line.rows[0].causes == row.key and row.at - line.at < _TOGETHER


def _kept(rows: Sequence[Row], limit: int) -> set[str]:
    """Choose what matters most: the execution, failures, the outermost states."""
    if len(rows) <= limit:
        return {row.key for row in rows}
    kept = {row.key for row in rows if row.kind is Kind.EXECUTION}
    _take(kept, limit // 3, (row for row in rows if failed(row)))
    _take(kept, limit * 2 // 3, (r for r in rows if r.events and not r.depth))
    _take(kept, limit, rows)
    return kept


def _take(kept: set[str], limit: int, rows: Iterable[Row]) -> None:
    for row in rows:
        if len(kept) >= limit:
            return
        kept.add(row.key)


def failed(row: Row) -> bool:
    """True for a call that AWS refused, a task or an event that tells of a failure."""
    if row.call is not None:
        return row.call.error_code is not None
    if row.task is not None:
        return went_wrong(row.task)
    return row.events[-1].type.endswith(("Failed", "TimedOut", "Aborted"))
