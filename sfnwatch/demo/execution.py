"""One execution from start to end: its history, calls, ECS tasks and Map Runs."""

import json
from bisect import bisect
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from sfnwatch.demo.ecs_task import EcsTask
from sfnwatch.demo.formats import (
    arn,
)
from sfnwatch.demo.history_event import DemoEvent
from sfnwatch.demo.scenarios import Scenario
from sfnwatch.demo.trail_event import TrailEvent

if TYPE_CHECKING:
    from sfnwatch.demo.map_run import DemoMapRun

REDRIVEN = "ExecutionRedriven"
_ENDS = ("ExecutionSucceeded", "ExecutionFailed")


class DemoExecution(msgspec.Struct):
    """An execution. What of it can be seen depends on the time alone."""

    scenario: Scenario
    name: str
    input: str
    map_run_arn: str | None = None
    """The Map Run that it is a child of."""
    events: list[DemoEvent] = []
    calls: list[TrailEvent] = []
    """Those that Step Functions makes for it, in the order of time."""
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
        """Yield it, and all executions that it starts, theirs too."""
        yield self
        for each in (*self.nested, *self.children):
            yield from each.family()

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
        return seen[-1] if seen and seen[-1].kind in _ENDS else None

    def redrives(self, now: datetime) -> list[DemoEvent]:
        """Return the events with which it was redriven by `now`."""
        return [event for event in self.seen(now) if event.kind == REDRIVEN]

    def status(self, now: datetime) -> str:
        """Return DescribeExecution's word for its status."""
        end = self.end(now)
        return end.kind.removeprefix("Execution").upper() if end else "RUNNING"

    @property
    def result(self) -> Any:
        """Return its output as whoever began it has it: if it failed, inferred."""
        details = self.events[-1].details
        if "output" in details:
            return json.loads(details["output"])
        error = {"Error": details["error"], "Cause": details["cause"]}
        return {"Status": self.last_status} | error

    def listed_at(self, now: datetime) -> datetime:
        """Return where ListExecutions has it: at its start while it runs, else its end.

        So it is documented; that the two kinds are merged is inferred.
        """
        end = self.end(now)
        return end.at if end else self.started_at
