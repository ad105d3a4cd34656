"""One execution from start to end: its history, and the calls made for it."""

import json
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2s
from typing import Any

from sfnwatch.demo.history import HistoryEvent
from sfnwatch.demo.ids import arn
from sfnwatch.demo.plans import Scenario
from sfnwatch.demo.task_events import Life

REDRIVEN = "ExecutionRedriven"
_ENDS = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted")


@dataclass(frozen=True, slots=True)
class Call:
    """A call Step Functions makes for an execution."""

    at: datetime
    service: str
    """As in the service's domain: `ecs`, `states`."""
    name: str
    job_arn: str
    """The task or execution that it starts or asks about."""
    request_id: str
    request: dict[str, Any]
    response: dict[str, Any] | None = None
    denied: bool = False

    @property
    def is_poll(self) -> bool:
        return self.name.startswith("Describe")


@dataclass(frozen=True, slots=True)
class Run:
    """An execution. What of it can be seen depends on the time alone."""

    scenario: Scenario
    name: str
    input: str
    events: tuple[HistoryEvent, ...]
    calls: tuple[Call, ...]
    nested: tuple["Run", ...] = ()
    """Executions it starts, of other machines."""
    map_runs: tuple["MapRun", ...] = ()
    map_run_arn: str | None = None
    """The Map Run that it is a child of."""
    tasks: tuple[Life, ...] = ()
    """The ECS tasks whose end it waits for."""

    @property
    def arn(self) -> str:
        return execution_arn(self.scenario, self.name)

    @property
    def children(self) -> tuple["Run", ...]:
        """Return the executions of its Map Runs, an item each."""
        return tuple(child for each in self.map_runs for child in each.children)

    @property
    def started_at(self) -> datetime:
        return self.events[0].at

    @property
    def ends_at(self) -> datetime:
        return self.events[-1].at

    def seen(self, now: datetime) -> tuple[HistoryEvent, ...]:
        """Return the events that have happened by `now`."""
        return tuple(event for event in self.events if event.at <= now)

    def end(self, now: datetime) -> HistoryEvent | None:
        """Return the event that ended it, if it has ended by `now`.

        One that is redriven runs again.
        """
        seen = self.seen(now)
        return seen[-1] if seen and seen[-1].kind in _ENDS else None

    def redrives(self, now: datetime) -> tuple[HistoryEvent, ...]:
        """Return the events with which it was taken up again by `now`."""
        return tuple(event for event in self.seen(now) if event.kind == REDRIVEN)

    def status(self, now: datetime) -> str:
        """Return DescribeExecution's word for how it stands."""
        end = self.end(now)
        return end.kind.removeprefix("Execution").upper() if end else "RUNNING"


@dataclass(frozen=True, slots=True)
class MapRun:
    """What a Distributed Map does with its items."""

    arn: str
    execution_arn: str
    """Of the execution that started it."""
    machine: str
    """The name of its children's: the parent's, and the label after a slash."""
    started_at: datetime
    ends_at: datetime
    failed: bool
    """Whether more of its children failed than it tolerates."""
    total: int
    """Its items, those included that are never begun because it fails before."""
    max_concurrency: int
    tolerated_percentage: float
    tolerated_count: int
    children: tuple[Run, ...]

    def status(self, now: datetime) -> str:
        """Return DescribeMapRun's word for how it stands."""
        if now < self.ends_at:
            return "RUNNING"
        return "FAILED" if self.failed else "SUCCEEDED"


def role_arn(scenario: Scenario) -> str:
    """Return the role of its machine, on the path where the console puts it."""
    return arn("iam", f"role/service-role/{role_name(scenario)}")


def role_name(scenario: Scenario) -> str:
    """Return the role's name, which is all that CloudTrail's ARN keeps of it."""
    owner = scenario.role or scenario.machine
    suffix = blake2s(owner.encode(), digest_size=4).hexdigest()
    return f"StepFunctions-{owner}-role-{suffix}"


def machine_arn(scenario: Scenario) -> str:
    """Return the ARN of the scenario's state machine."""
    return arn("states", f"stateMachine:{scenario.machine}")


def execution_arn(scenario: Scenario, name: str) -> str:
    """Return the ARN of an execution of the scenario's state machine."""
    return arn("states", f"execution:{scenario.machine}:{name}")


def compact(value: object) -> str:
    """Return JSON as Step Functions puts it into outputs: keys in order, no spaces."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
