"""One execution from start to end: its history, its calls, ECS tasks and Map Runs.

A Map Run never fails: no scenario's does, and no public recording shows one that did.
"""

import json
from bisect import bisect
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from sfnwatch.demo.ecs_task import EcsTask
from sfnwatch.demo.formats import (
    Json,
    arn,
    epoch_seconds,
)
from sfnwatch.demo.scenarios import Scenario
from sfnwatch.demo.trail_event import TrailEvent

REDRIVEN = "ExecutionRedriven"
_ENDS = ("ExecutionSucceeded", "ExecutionFailed")

_DATA = frozenset({"input", "inputDetails", "output", "outputDetails"})
# The two families whose details don't carry the event's own name.
_FAMILIES = ("StateEntered", "StateExited")


class DemoEvent(msgspec.Struct, eq=False):
    at: datetime
    kind: str
    details: Json
    follows: "DemoEvent | None" = None
    event_id: int = 0

    @property
    def previous(self) -> int:
        """Return the id of the event that it follows; 0 if it follows none."""
        return self.follows.event_id if self.follows else 0

    def wire(self, *, with_data: bool) -> Json:
        """Return what GetExecutionHistory sends, with the execution's data or without.

        Without them, inputs and outputs are left out [documented]; whether anything
        else is, no recording shows.
        """
        wire = {
            "timestamp": epoch_seconds(self.at),
            "type": self.kind,
            "id": self.event_id,
            "previousEventId": self.previous,
        }
        # Some types have no details at all: ParallelStateStarted, MapStateSucceeded.
        details = self.details
        if not with_data:
            details = {key: details[key] for key in details if key not in _DATA}
        if details:
            wire[self._details_key()] = details
        return wire

    def _details_key(self) -> str:
        family = self.kind
        for suffix in _FAMILIES:
            if self.kind.endswith(suffix):
                family = suffix
        return f"{family[:1].lower()}{family[1:]}EventDetails"


class DemoExecution(msgspec.Struct):
    """An execution. The time alone decides how much of it can be seen."""

    scenario: Scenario
    name: str
    input: str
    map_run_arn: str | None = None
    """The Map Run that it is a child of."""
    events: list[DemoEvent] = []
    calls: list[TrailEvent] = []
    """The calls that Step Functions makes for it, in the order of time."""
    nested: list["DemoExecution"] = []
    """Executions of other machines that it starts."""
    map_runs: list["DemoMapRun"] = []
    tasks: list[EcsTask] = []
    """The ECS tasks that it waits for."""

    @property
    def arn(self) -> str:
        return arn("states", f"execution:{self.scenario.machine}:{self.name}")

    @property
    def children(self) -> list["DemoExecution"]:
        """Return the executions of its Map Runs, one an item."""
        return [child for map_run in self.map_runs for child in map_run.children]

    def family(self) -> Iterator["DemoExecution"]:
        """Yield it and all executions that it starts, directly or not."""
        yield self
        for child in (*self.nested, *self.children):
            yield from child.family()

    @property
    def started_at(self) -> datetime:
        return self.events[0].at

    @property
    def ends_at(self) -> datetime:
        return self.events[-1].at

    @property
    def last_status(self) -> str:
        return self.status(self.ends_at)

    def seen(self, now: datetime) -> list[DemoEvent]:
        """Return the events that have happened by `now`."""
        return self.events[: bisect(self.events, now, key=lambda event: event.at)]

    def end(self, now: datetime) -> DemoEvent | None:
        """Return the event that ended it by `now`, unless it was redriven since."""
        seen = self.seen(now)
        if seen and seen[-1].kind in _ENDS:
            return seen[-1]
        return None

    def redrives(self, now: datetime) -> list[DemoEvent]:
        """Return the events with which it was redriven by `now`."""
        return [event for event in self.seen(now) if event.kind == REDRIVEN]

    def status(self, now: datetime) -> str:
        """Return DescribeExecution's word for its status."""
        end = self.end(now)
        if end is None:
            return "RUNNING"
        return end.kind.removeprefix("Execution").upper()

    @property
    def result(self) -> Any:
        """Return its output as its parent has it; inferred for one that failed."""
        details = self.events[-1].details
        if "output" in details:
            return json.loads(details["output"])
        return {
            "Status": self.last_status,
            "Error": details["error"],
            "Cause": details["cause"],
        }

    def listed_at(self, now: datetime) -> datetime:
        """Return its time in ListExecutions: its start while it runs, else its end.

        So it is documented; that the two kinds are merged is inferred.
        """
        end = self.end(now)
        if end is None:
            return self.started_at
        return end.at


class DemoMapRun(msgspec.Struct):
    """What a Distributed Map does with its items, each in a child execution."""

    arn: str
    execution_arn: str
    """The execution that started it."""
    machine: str
    """The name of its children's machine: the parent's, and the label after a slash."""
    state: Mapping[str, Any]
    """The Map state."""
    started_at: datetime
    ends_at: datetime
    children: list[DemoExecution] = []
    """In the order of the items."""

    def counts(self, now: datetime) -> Counter[str]:
        """Return the number of children by status; one that waits is PENDING."""
        counts = Counter[str]()
        for child in self.children:
            has_started = child.started_at <= now
            counts[child.status(now) if has_started else "PENDING"] += 1
        return counts
