"""Map Runs: how a Distributed Map gets through its items, and how far it is at a time.

No public recording shows a Map Run that fails: what becomes of its children is
documented with DescribeMapRun's counts (those that still run are aborted), the error is
one of Amazon States Language, and the rest is inferred.
"""

import json
from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from heapq import heapreplace
from typing import Any

import msgspec

from sfnwatch.next.demo.execution import Execution, HistoryEvent
from sfnwatch.next.demo.formats import Dice, after
from sfnwatch.next.demo.services import StatesError

_TOO_MANY_FAILED = (
    "States.ExceedToleratedFailureThreshold",
    "The specified tolerated failure threshold was exceeded",
)

StartChild = Callable[[int, datetime], Execution]
"""Runs the child execution of an item, by its index, from a time on."""


class MapRun(msgspec.Struct):
    """What a Distributed Map does with its items, each in a child execution."""

    arn: str
    execution_arn: str
    """Of the execution that started it."""
    machine: str
    """The name of its children's: the parent's, and the label after a slash."""
    state: Mapping[str, Any]
    """The Map state."""
    total: int
    """Its items, with those that are never begun because it fails before."""
    started_at: datetime
    ends_at: datetime
    children: list[Execution] = []
    """In the order of the items."""
    failure: StatesError | None = None
    """Set if more of its children failed than it tolerates."""

    def status(self, now: datetime) -> str:
        """Return DescribeMapRun's word for its status."""
        if now < self.ends_at:
            return "RUNNING"
        return "FAILED" if self.failure else "SUCCEEDED"

    def begun(self, now: datetime) -> list[Execution]:
        """Return the children started by `now`."""
        return [child for child in self.children if child.started_at <= now]

    def counts(self, now: datetime) -> Counter[str]:
        """Return how many children have which status; those not begun are PENDING."""
        counts = Counter(child.status(now) for child in self.begun(now))
        return counts + Counter(PENDING=self.total - counts.total())

    def run(self, start: StartChild, dice: Dice) -> None:
        """Start a child for each item as soon as there is a place for it."""
        tolerated = self._tolerated()
        failures: list[datetime] = []
        count = min(self.state["MaxConcurrency"], self.total)
        places = [(self.started_at, place) for place in range(count)]
        for index in range(self.total):
            free_at, place = places[0]
            if len(failures) > tolerated and free_at >= failures[tolerated]:
                break
            child = start(index, after(free_at, dice.seconds(0.1, 0.3)))
            self.children.append(child)
            heapreplace(places, (child.ends_at, place))
            if child.last_status == "FAILED":
                insort(failures, child.ends_at)
        if len(failures) > tolerated:
            self.failure = StatesError(*_TOO_MANY_FAILED)
            self.children = [*_aborted(self.children, failures[tolerated], dice)]
        self.ends_at = max([self.ends_at, *(child.ends_at for child in self.children)])

    def _tolerated(self) -> int:
        """Return how many children may fail. Of two limits the lower one counts."""
        limits = []
        if "ToleratedFailurePercentage" in self.state:
            percentage = self.state["ToleratedFailurePercentage"]
            limits.append(int(self.total * percentage // 100))
        if "ToleratedFailureCount" in self.state:
            limits.append(self.state["ToleratedFailureCount"])
        return min(limits, default=0)

    @property
    def result(self) -> list[Any]:
        """Return what the children add to the state's result: of failures, inferred."""
        return [_result(child) for child in self.children]


def _aborted(
    children: list[Execution], failed_at: datetime, dice: Dice
) -> Iterator[Execution]:
    """Yield what was begun before a Map Run failed, and abort what still runs."""
    for child in children:
        at = after(failed_at, dice.seconds(0.05, 0.3))
        if child.started_at < failed_at:
            yield child if child.ends_at <= at else _abort(child, at)


def _abort(child: Execution, at: datetime) -> Execution:
    """Return a child that is stopped; what it has begun elsewhere goes on."""
    events = child.seen(at)
    # It points at nothing, as in a recorded history of an execution that was stopped.
    end = HistoryEvent(at, "ExecutionAborted", {}, 0, len(events) + 1)
    return msgspec.structs.replace(
        child,
        events=[*events, end],
        calls=[call for call in child.calls if call.at <= at],
        nested=[each for each in child.nested if each.started_at <= at],
    )


def _result(child: Execution) -> Any:
    details = child.events[-1].details
    if "output" in details:
        return json.loads(details["output"])
    error = {"Error": details["error"], "Cause": details["cause"]}
    return {"Status": child.last_status} | error
