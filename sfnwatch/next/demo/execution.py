"""One execution from start to end: its history, and the calls made for it."""

from bisect import bisect
from collections.abc import Callable
from datetime import datetime
from hashlib import blake2s
from typing import TYPE_CHECKING, Any

import msgspec

from sfnwatch.next.demo.formats import Json, arn, epoch_seconds
from sfnwatch.next.demo.scenarios import Scenario

if TYPE_CHECKING:
    from sfnwatch.next.demo.map_runs import MapRun
    from sfnwatch.next.demo.services import EcsTask

REDRIVEN = "ExecutionRedriven"
_ENDS = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted")
# The two families whose details don't carry the event's own name.
_FAMILIES = ("StateEntered", "StateExited")
_DATA = ("input", "inputDetails", "output", "outputDetails")


class HistoryEvent(msgspec.Struct):
    at: datetime
    kind: str
    details: Json
    previous: int = 0
    event_id: int = 0

    def wire(self, *, data: bool = True) -> Json:
        """Return what GetExecutionHistory sends; on request without data."""
        kept = self.details.items()
        details = {key: value for key, value in kept if data or key not in _DATA}
        family = next(
            (each for each in _FAMILIES if self.kind.endswith(each)), self.kind
        )
        # Some types have no details at all: ParallelStateStarted, MapStateSucceeded.
        key = f"{family[:1].lower()}{family[1:]}EventDetails"
        return {
            "timestamp": epoch_seconds(self.at),
            "type": self.kind,
            "id": self.event_id,
            "previousEventId": self.previous,
        } | ({key: details} if self.details else {})


class Call(msgspec.Struct, frozen=True):
    """A call that Step Functions makes for an execution."""

    at: datetime
    action: str
    """As `ecs:RunTask`."""
    job_arn: str
    """The task or execution that it starts or asks about."""
    request_id: str
    request: Json
    response: Json | None = None
    denied: bool = False

    @property
    def is_poll(self) -> bool:
        return ":Describe" in self.action


class Execution(msgspec.Struct):
    """An execution. What of it can be seen depends on the time alone."""

    scenario: Scenario
    name: str
    input: str
    map_run_arn: str | None = None
    """The Map Run that it is a child of."""
    events: list[HistoryEvent] = []
    calls: list[Call] = []
    """In the order of time."""
    nested: list["Execution"] = []
    """Executions of other machines that it starts."""
    map_runs: list["MapRun"] = []
    tasks: list["EcsTask"] = []
    """The ECS tasks that it waits for."""

    @property
    def arn(self) -> str:
        return arn("states", f"execution:{self.scenario.machine}:{self.name}")

    @property
    def children(self) -> list["Execution"]:
        """Return the executions of its Map Runs, one an item."""
        return [child for map_run in self.map_runs for child in map_run.children]

    @property
    def started_at(self) -> datetime:
        return self.events[0].at

    @property
    def ends_at(self) -> datetime:
        return self.events[-1].at

    @property
    def last_status(self) -> str:
        return self.status(self.ends_at)

    def seen(self, now: datetime) -> list[HistoryEvent]:
        """Return the events that have happened by `now`."""
        return self.events[: bisect(self.events, now, key=lambda event: event.at)]

    def end(self, now: datetime) -> HistoryEvent | None:
        """Return the event that ended it by `now`, unless it was redriven since."""
        seen = self.seen(now)
        return seen[-1] if seen and seen[-1].kind in _ENDS else None

    def redrives(self, now: datetime) -> list[HistoryEvent]:
        """Return the events with which it was redriven by `now`."""
        return [event for event in self.seen(now) if event.kind == REDRIVEN]

    def status(self, now: datetime) -> str:
        """Return DescribeExecution's word for its status."""
        end = self.end(now)
        return end.kind.removeprefix("Execution").upper() if end else "RUNNING"

    def listed_at(self, now: datetime) -> datetime:
        """Return where ListExecutions has it: at its start while it runs, else its end.

        So it is documented; that the two kinds are merged is inferred.
        """
        end = self.end(now)
        return end.at if end else self.started_at


StartNested = Callable[[Scenario, datetime, Any], Execution]
"""Runs an execution of a scenario, from a time on, with an input."""


def role_arn(scenario: Scenario) -> str:
    """Return the role of the machine, on the path where the console puts it.

    CloudTrail keeps only its name in the ARN of a session.
    """
    owner = scenario.role or scenario.machine
    suffix = blake2s(owner.encode(), digest_size=4).hexdigest()
    return arn("iam", f"role/service-role/StepFunctions-{owner}-role-{suffix}")


def machine_arn(scenario: Scenario) -> str:
    return arn("states", f"stateMachine:{scenario.machine}")
