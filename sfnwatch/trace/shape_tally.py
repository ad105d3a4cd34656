"""What is in a fold, counted: enough to know whether to open it."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from sfnwatch.trace.lanes import Kind, Row
from sfnwatch.trace.values import replace
from sfnwatch.trace.visits import StateVisit

_FAILED = frozenset({"failed", "timed_out"})
_NAMES = 2
"""A branch of so few states is told by their names."""


class Tally(Struct, frozen=True):
    """The numbers of a fold."""

    states: int = 0
    branches: int = 0
    calls: int = 0
    denied: int = 0
    """Calls that ended in an error."""
    failed: int = 0
    """Tries that did."""
    retries: int = 0
    status: str = ""
    seconds: float | None = None
    names: tuple[str, ...] = ()
    """The states of a branch in order, where they are few."""


def tally(rows: Sequence[Row], home: StateVisit, index: int | None) -> Tally:
    """Count what is behind the fold of a visit, or of one branch of it.

    The first row is of the visit's execution; others may be of one that it began.
    """
    every = _visits(rows)
    arn = rows[0].execution_arn
    every.pop((arn, home.id), None)
    own = [visit for (whose, _), visit in every.items() if whose == arn]
    children = [visit for visit in own if visit.parent == home.id]
    counted = _counted(rows, every.values())
    names = tuple(visit.name for visit in children)
    begun, ended, status = home.entered_at, home.ended_at, home.status
    if index is not None:
        status = _status(rows, children)
        begun, ended = _begin(rows) or rows[0].at, _end(rows)
    paused = home.paused if index is None else 0.0
    done = status != "running" and ended is not None
    return replace(
        counted,
        branches=len({visit.index for visit in children} - {None}),
        status=status,
        seconds=(ended - begun).total_seconds() - paused if done and ended else None,
        names=names if len(names) <= _NAMES else (),
    )


def tally_nest(rows: Sequence[Row]) -> Tally:
    """Count what is behind the fold of an execution, or of a Map Run."""
    return _counted(rows, _visits(rows).values())


def _visits(rows: Sequence[Row]) -> dict[tuple[str | None, int], StateVisit]:
    # The Map state is around its Map Run, not in it.
    return {
        (row.execution_arn, row.visit.id): row.visit
        for row in rows
        if row.visit and row.kind is not Kind.MAP_RUN
    }


def _counted(rows: Sequence[Row], visits: Collection[StateVisit]) -> Tally:
    tries = [attempt for visit in visits for attempt in visit.attempts]
    calls = [row.call for row in rows if row.call]
    return Tally(
        states=len(visits),
        calls=len(calls),
        denied=sum(call.error_code is not None for call in calls),
        failed=sum(attempt.status in _FAILED for attempt in tries),
        retries=sum(map(_retries, visits)),
    )


def _retries(visit: StateVisit) -> int:
    numbers = range(2, len(visit.attempts) + 1)
    return sum(not visit.is_redriven(number) for number in numbers)


def _status(rows: Sequence[Row], children: Iterable[StateVisit]) -> str:
    """Say how a branch stands: a Map's own events tell, else its last state."""
    for row in reversed(rows):
        kind = row.events[0].type if row.events else ""
        if kind == "MapIterationStarted":
            break  # anew, if the Map is retried
        if kind.startswith("MapIteration"):
            return kind.removeprefix("MapIteration").lower()
    last = ""
    for visit in sorted(children, key=lambda visit: visit.id):
        if visit.status == "running":
            return "running"
        last = visit.status
    return last or "running"


def _begin(rows: Iterable[Row]) -> datetime | None:
    return next((row.events[0].timestamp for row in rows if row.events), None)


def _end(rows: Iterable[Row]) -> datetime | None:
    states = (row.events[-1].timestamp for row in rows if row.events)
    return max(states, default=None)
