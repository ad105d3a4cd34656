"""How a Map Run gets through its items: so many at once, until too many failed.

How a Map Run is told of that fails, no public recording has: what becomes of its
children is documented of DescribeMapRun's counts (those that run are aborted), the
error is in the list of ASL's, and the rest is inferred.
"""

import json
from bisect import insort
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace  # noqa: TID251 - the demo has no Struct
from datetime import datetime
from heapq import heapify, heapreplace
from typing import Any

from sfnwatch.demo.history import HistoryEvent
from sfnwatch.demo.ids import Dice
from sfnwatch.demo.jobs import Failed
from sfnwatch.demo.runs import Run
from sfnwatch.demo.times import after

TOO_MANY = "States.ExceedToleratedFailureThreshold"
_CAUSE = "The specified tolerated failure threshold was exceeded"


@dataclass(frozen=True, slots=True)
class Items:
    """The items of a Map Run, and what starts an execution for one of them."""

    total: int
    state: Mapping[str, Any]
    start: Callable[[int, datetime], Run]
    dice: Dice

    @property
    def bearable(self) -> int:
        """Return how many may fail. Of two limits the lower one counts."""
        limits = []
        if "ToleratedFailurePercentage" in self.state:
            percentage = self.state["ToleratedFailurePercentage"]
            limits.append(int(self.total * percentage // 100))
        if "ToleratedFailureCount" in self.state:
            limits.append(self.state["ToleratedFailureCount"])
        return min(limits, default=0)


@dataclass(frozen=True, slots=True)
class Done:
    """What became of the items."""

    children: tuple[Run, ...]
    """In the order of the items."""
    ended_at: datetime
    failure: Failed | None = None


def carry_through(items: Items, at: datetime) -> Done:
    """Give every item an execution as soon as there is a place for it."""
    children, too_many_at = _played(items, at)
    if too_many_at is None:
        ends = (child.ends_at for child in children)
        return Done(tuple(children), max(ends, default=at))
    kept = tuple(_kept(children, too_many_at, items.dice))
    ended_at = max(too_many_at, *(child.ends_at for child in kept))
    return Done(kept, ended_at, Failed(TOO_MANY, _CAUSE))


def outcome(child: Run) -> Any:
    """Return what a child adds to the result: of one that failed, inferred."""
    end = child.events[-1]
    if "output" in end.details:
        return json.loads(end.details["output"])
    status = child.status(end.at)
    told = {"Error": end.details["error"], "Cause": end.details["cause"]}
    return {"Status": status} | told


def _played(items: Items, at: datetime) -> tuple[list[Run], datetime | None]:
    """Play children until none can start before too many have failed.

    Return them, and when it was that too many had.
    """
    children: list[Run] = []
    failures: list[datetime] = []
    bearable, too_many_at = items.bearable, None
    places = [(at, n) for n in range(min(items.state["MaxConcurrency"], items.total))]
    heapify(places)
    for index in range(items.total):
        free_at, place = places[0]
        if too_many_at and free_at >= too_many_at:
            break
        child = items.start(index, after(free_at, items.dice.seconds(0.1, 0.3)))
        children.append(child)
        heapreplace(places, (child.ends_at, place))
        if child.status(child.ends_at) == "FAILED":
            insort(failures, child.ends_at)
            too_many_at = failures[bearable] if len(failures) > bearable else None
    return children, too_many_at


def _kept(children: list[Run], until: datetime, dice: Dice) -> Iterator[Run]:
    """Yield what was begun by then, and abort what still runs."""
    for child in children:
        aborted_at = after(until, dice.seconds(0.05, 0.3))
        if child.started_at >= until:
            continue
        yield child if child.ends_at <= aborted_at else _aborted(child, aborted_at)


def _aborted(child: Run, at: datetime) -> Run:
    """Return a child that is stopped; what it has begun elsewhere goes on."""
    events = child.seen(at)
    # It points at nothing, as in a recorded history of an execution that was stopped.
    end = HistoryEvent(at, len(events) + 1, "ExecutionAborted", 0, {})
    calls = tuple(call for call in child.calls if call.at <= at)
    nested = tuple(run for run in child.nested if run.started_at <= at)
    return replace(child, events=(*events, end), calls=calls, nested=nested)
