"""One execution from start to end: its history, the calls made for it, its Map Runs.

A Map Run never fails: no scenario's does, and no public recording shows one that did.
"""

import json
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import blake2s
from heapq import heapreplace
from typing import TYPE_CHECKING, Any

import msgspec

from sfnwatch.demo.formats import Dice, Json, after, arn, epoch_seconds
from sfnwatch.demo.scenarios import Scenario

if TYPE_CHECKING:
    from sfnwatch.demo.services import EcsTask

REDRIVEN = "ExecutionRedriven"
_ENDS = ("ExecutionSucceeded", "ExecutionFailed")
# The two families whose details don't carry the event's own name.
_FAMILIES = ("StateEntered", "StateExited")


class StatesError(Exception):
    """An error of Amazon States Language, which an attempt or a state ended with."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(error, cause)
        self.error, self.cause = error, cause

    @property
    def details(self) -> dict[str, str]:
        """Return it as history events tell it."""
        return {"error": self.error, "cause": self.cause}

    @property
    def output(self) -> dict[str, str]:
        """Return it as a Catch is given it."""
        return {"Error": self.error, "Cause": self.cause}

    def is_among(self, errors: list[str]) -> bool:
        """Tell whether a Retry or Catch for these errors applies."""
        return bool({"States.ALL", "States.TaskFailed", self.error} & set(errors))


class DemoEvent(msgspec.Struct):
    at: datetime
    kind: str
    details: Json
    previous: int = 0
    event_id: int = 0

    def wire(self) -> Json:
        """Return what GetExecutionHistory sends."""
        family = next((f for f in _FAMILIES if self.kind.endswith(f)), self.kind)
        # Some types have no details at all: ParallelStateStarted, MapStateSucceeded.
        key = f"{family[:1].lower()}{family[1:]}EventDetails"
        return {
            "timestamp": epoch_seconds(self.at),
            "type": self.kind,
            "id": self.event_id,
            "previousEventId": self.previous,
        } | ({key: self.details} if self.details else {})


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


class DemoExecution(msgspec.Struct):
    """An execution. What of it can be seen depends on the time alone."""

    scenario: Scenario
    name: str
    input: str
    map_run_arn: str | None = None
    """The Map Run that it is a child of."""
    events: list[DemoEvent] = []
    calls: list[Call] = []
    """In the order of time."""
    nested: list["DemoExecution"] = []
    """Executions of other machines that it starts."""
    map_runs: list["DemoMapRun"] = []
    tasks: list["EcsTask"] = []
    """The ECS tasks that it waits for."""

    @property
    def arn(self) -> str:
        return arn("states", f"execution:{self.scenario.machine}:{self.name}")

    @property
    def children(self) -> list["DemoExecution"]:
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

    def listed_at(self, now: datetime) -> datetime:
        """Return where ListExecutions has it: at its start while it runs, else its end.

        So it is documented; that the two kinds are merged is inferred.
        """
        end = self.end(now)
        return end.at if end else self.started_at


StartNested = Callable[[Scenario, datetime, Any], DemoExecution]
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


# -- Map Runs: how they get through their items ----------------------------------------

StartChild = Callable[[int, datetime], DemoExecution]
"""Runs the child execution of an item, by its index, from a time on."""


class DemoMapRun(msgspec.Struct):
    """What a Distributed Map does with its items, each in a child execution."""

    arn: str
    execution_arn: str
    """Of the execution that started it."""
    machine: str
    """The name of its children's: the parent's, and the label after a slash."""
    state: Mapping[str, Any]
    """The Map state."""
    total: int
    """Its items."""
    started_at: datetime
    ends_at: datetime
    children: list[DemoExecution] = []
    """In the order of the items."""

    def status(self, now: datetime) -> str:
        """Return DescribeMapRun's word for its status."""
        return "RUNNING" if now < self.ends_at else "SUCCEEDED"

    def begun(self, now: datetime) -> list[DemoExecution]:
        """Return the children started by `now`."""
        return [child for child in self.children if child.started_at <= now]

    def counts(self, now: datetime) -> Counter[str]:
        """Return how many children have which status; those not begun are PENDING."""
        counts = Counter(child.status(now) for child in self.begun(now))
        return counts + Counter(PENDING=self.total - counts.total())

    def run(self, start: StartChild, dice: Dice) -> None:
        """Start a child for each item as soon as there is a place for it."""
        count = min(self.state["MaxConcurrency"], self.total)
        places = [(self.started_at, place) for place in range(count)]
        for index in range(self.total):
            free_at, place = places[0]
            child = start(index, after(free_at, dice.seconds(0.1, 0.3)))
            self.children.append(child)
            heapreplace(places, (child.ends_at, place))
        self.ends_at = max([self.ends_at, *(child.ends_at for child in self.children)])

    @property
    def result(self) -> list[Any]:
        """Return what the children add to the state's result: of failures, inferred."""
        return [_result(child) for child in self.children]


def _result(child: DemoExecution) -> Any:
    details = child.events[-1].details
    if "output" in details:
        return json.loads(details["output"])
    error = {"Error": details["error"], "Cause": details["cause"]}
    return {"Status": child.last_status} | error
