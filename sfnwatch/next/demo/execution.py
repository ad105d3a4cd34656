"""One execution from start to end: its history, the calls made for it, its Map Runs.

No public recording shows a Map Run that fails: what becomes of its children is
documented with DescribeMapRun's counts (those that still run are aborted), the error is
one of Amazon States Language, and the rest is inferred.
"""

import json
from bisect import bisect, insort
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from hashlib import blake2s
from heapq import heapreplace
from typing import TYPE_CHECKING, Any

import msgspec

from sfnwatch.next.demo.formats import Dice, Json, after, arn, epoch_seconds
from sfnwatch.next.demo.scenarios import Scenario

if TYPE_CHECKING:
    from sfnwatch.next.demo.services import EcsTask

REDRIVEN = "ExecutionRedriven"
_ENDS = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted")
# The two families whose details don't carry the event's own name.
_FAMILIES = ("StateEntered", "StateExited")
_DATA = ("input", "inputDetails", "output", "outputDetails")


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


# -- Map Runs: how they get through their items ----------------------------------------

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
