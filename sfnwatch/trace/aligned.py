"""The lanes of several executions with their starts put together.

Only the rows' times move; what they refer to still tells when it really was.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from sfnwatch.trace.heads import Head
from sfnwatch.trace.lanes import Lanes, Row
from sfnwatch.trace.values import replace

_SECOND = timedelta(seconds=1)


def origin(heads: Iterable[Head]) -> datetime | None:
    """Give the moment that all starts are put at: the first of them."""
    return min((h.started_at for h in heads if h.started_at is not None), default=None)


def shifts(heads: Iterable[Head]) -> Mapping[str, timedelta]:
    """Say how much earlier each execution's times become; not known: not at all."""
    known = [(head.execution_arn, head.started_at) for head in heads]
    first = min((at for _, at in known if at is not None), default=None)
    if first is None:
        return {}
    return {arn: at - first for arn, at in known if at is not None}


def aligned(lanes: Lanes) -> Lanes:
    """Time all rows as if all executions had started together.

    What is of no one execution keeps its time, and so stands where the first
    execution had it.
    """
    moved = shifts(lanes.heads)
    first = origin(lanes.heads)
    if first is None:
        return lanes
    rows = [_moved(row, moved.get(row.root_arn or ""), first) for row in lanes.rows]
    order = tuple(_order(rows))
    rows = [rows[place] for _, place in sorted(order)]
    return replace(lanes, rows=tuple(rows))


def _order(rows: Iterable[Row]) -> Iterator[tuple[datetime, int]]:
    """Say when each row comes: no execution's rows change their order."""
    latest: dict[str | None, datetime] = {}
    for place, row in enumerate(rows):
        at = max(row.at, latest.get(row.root_arn, row.at))
        latest[row.root_arn] = at
        yield at, place


def _moved(row: Row, by: timedelta | None, first: datetime) -> Row:
    if not by:
        return row
    at = row.at - by
    # A call has whole seconds: it may seem to be before the start that it came after.
    return replace(row, at=first if -_SECOND < at - first < timedelta(0) else at)
