"""All that is known of one execution.

What is derived is worked out when it is first asked for, once for each value.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from sfnwatch.trace.arns import maybe_execution_arn
from sfnwatch.trace.asl import Definition, parse_definition
from sfnwatch.trace.events import Received
from sfnwatch.trace.family import Begun, began, began_map_runs
from sfnwatch.trace.growing import Growing
from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.payload import text_of
from sfnwatch.trace.redrives import REDRIVEN, Redrive, find_redrives
from sfnwatch.trace.task_stops import Stop
from sfnwatch.trace.times import maybe_time
from sfnwatch.trace.visits import Visits

TERMINAL = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionTimedOut": "TIMED_OUT",
    "ExecutionAborted": "ABORTED",
}
_TURNS = {*TERMINAL, REDRIVEN}
RUNNING = frozenset({"RUNNING", "PENDING_REDRIVE", "UNKNOWN"})


@dataclass(frozen=True)
class Timeline:
    """One execution: what happened, and what AWS says of it."""

    execution_arn: str
    events: Mapping[int, HistoryEvent] = field(default_factory=dict)
    described: Received | None = None
    """The newest answer of DescribeExecution."""
    defined: Received | None = None
    """The newest answer of DescribeStateMachineForExecution."""
    stops: Mapping[str, Stop] = field(default_factory=dict)
    """When ECS says that tasks ended, whoever began them, by their ARNs."""
    growing: Growing = field(default_factory=Growing, compare=False, repr=False)
    """What the visits of this history were worked out with so far."""

    @cached_property
    def definition(self) -> Definition:
        data = self.defined.data if self.defined else {}
        return parse_definition(data.get("definition"))

    @cached_property
    def ordered(self) -> tuple[HistoryEvent, ...]:
        """The events in the order of their ids, which is the order of their times."""
        return tuple(map(self.events.__getitem__, sorted(self.events)))

    @cached_property
    def _turns(self) -> tuple[HistoryEvent, ...]:
        """The events that end it or take it up again, in order."""
        return tuple([event for event in self.ordered if event.type in _TURNS])

    @cached_property
    def visits(self) -> Visits:
        branches = self.definition.branches or {}
        return self.growing.visits(self.ordered, branches, self._over, self.stops)

    @property
    def _over(self) -> tuple[str, datetime] | None:
        """How and when it ended, where no event says so, but DescribeExecution does."""
        if self.ending is not None or self.running or not self.events:
            return None
        return self.status, self.stopped_at or self.ordered[-1].timestamp

    @cached_property
    def began(self) -> Mapping[str, Begun]:
        """The executions that its attempts started, by their ARNs."""
        return began(self.execution_arn, self.visits)

    @cached_property
    def began_map_runs(self) -> Mapping[str, Begun]:
        """Its Map Runs, by their ARNs."""
        return began_map_runs(self.execution_arn, self.ordered, self.visits)

    @property
    def map_run_arn(self) -> str | None:
        """The Map Run it is an execution of, where it was described."""
        return self._described("mapRunArn") or self._defined("mapRunArn")

    @property
    def name(self) -> str:
        parsed = maybe_execution_arn(self.execution_arn)
        return parsed.name if parsed else self.execution_arn.rsplit(":", 1)[-1]

    @property
    def state_machine_arn(self) -> str | None:
        known = self._described("stateMachineArn") or self._defined("stateMachineArn")
        parsed = maybe_execution_arn(self.execution_arn)
        return known or (parsed.state_machine_arn if parsed else None)

    @property
    def state_machine_name(self) -> str | None:
        arn = self.state_machine_arn
        return arn.split(":", 6)[-1] if arn else None

    @cached_property
    def role_arn(self) -> str | None:
        """The role its calls are made with: of its start, or of its definition."""
        started = self._first("ExecutionStarted")
        return (started.detail("roleArn") if started else None) or self._defined(
            "roleArn"
        )

    @cached_property
    def ending(self) -> HistoryEvent | None:
        """The event that ended it; None while it runs, and again after a redrive."""
        last = self._turns[-1] if self._turns else None
        ended = last is not None and last.type != REDRIVEN
        return last if ended and not self._is_taken_up_again() else None

    @cached_property
    def redrives(self) -> tuple[Redrive, ...]:
        """The times it was taken up again after it had ended, in order."""
        return find_redrives(self._turns, TERMINAL)

    @property
    def status(self) -> str:
        """AWS's word: RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED or another.

        The history is the better witness: DescribeExecution is eventually consistent.
        """
        if self.ending is not None:
            return TERMINAL[self.ending.type]
        return self._described("status") or ("RUNNING" if self.events else "UNKNOWN")

    @property
    def running(self) -> bool:
        return self.status in RUNNING

    @property
    def started_at(self) -> datetime | None:
        started = self._first("ExecutionStarted")
        return started.timestamp if started else self._time("startDate")

    @property
    def stopped_at(self) -> datetime | None:
        if self.ending is not None:
            return self.ending.timestamp
        return self._time("stopDate") if not self.running else None

    def _is_taken_up_again(self) -> bool:
        """True where a redrive is told of that its history does not tell of yet.

        One that waits for its turn may not be counted yet; the documentation is
        silent on that.
        """
        known = self.redrives[-1].number if self.redrives else 0
        count = self.described.data.get("redriveCount") if self.described else None
        counted = count if isinstance(count, int) else known
        status = self._described("status")
        if status == "PENDING_REDRIVE":
            return counted >= known
        return status == "RUNNING" and counted > known

    def _first(self, event_type: str) -> HistoryEvent | None:
        event = self.events.get(1)
        return event if event is not None and event.type == event_type else None

    def _described(self, key: str) -> str | None:
        return text_of(self.described.data.get(key)) if self.described else None

    def _defined(self, key: str) -> str | None:
        return text_of(self.defined.data.get(key)) if self.defined else None

    def _time(self, key: str) -> datetime | None:
        return maybe_time(self.described.data.get(key)) if self.described else None
