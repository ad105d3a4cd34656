"""Executions as ListExecutions tells of them: enough to choose one by."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

from sfnwatch.trace.arns import maybe_execution_arn
from sfnwatch.trace.payload import text_of
from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.times import iso, maybe_time, seconds_between

GOING_ON = frozenset({"RUNNING", "PENDING_REDRIVE"})
UNSUCCESSFUL = ("FAILED", "TIMED_OUT", "ABORTED")
"""How an execution ends that did not do its work."""
_LIMIT = 200


class Listed(Struct, frozen=True):
    """One execution of a list; what AWS did not tell is empty, or None."""

    arn: str
    machine: str
    """Its state machine's name; with the label after a slash for a Map Run's child."""
    name: str
    status: str
    started_at: datetime | None = None
    stopped_at: datetime | None = None

    @property
    def going_on(self) -> bool:
        return self.status in GOING_ON

    @property
    def order(self) -> tuple[bool, float, str]:
        """Sort what goes on before what has ended, and then the newest start first."""
        started = self.started_at.timestamp() if self.started_at else 0.0
        return (not self.going_on, -started, self.arn)

    @property
    def trouble(self) -> tuple[bool, bool, float, str]:
        """Sort what did not succeed before the rest, and that as by `order`."""
        return (self.status not in UNSUCCESSFUL, *self.order)

    def seconds(self, now: datetime) -> float | None:
        """Say how long it took, or has taken by now; None where no time is known."""
        end = now if self.going_on else self.stopped_at
        if self.started_at is None or end is None:
            return None
        return max(0.0, seconds_between(self.started_at, end))


class Asked(StrEnum):
    """What executions are asked for by."""

    MACHINE = "state machine"
    MAP_RUN = "Map Run"


class LeftOut(Struct, frozen=True):
    """A state machine whose executions are not listed, and why."""

    machine: str
    words: str
    express: bool = False
    """True where it is nobody's fault: AWS lists none of an Express machine's."""


class Listing(Struct, frozen=True):
    """What one step of listing has brought, and how far it has come."""

    executions: tuple[Listed, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    asked: int = 0
    """State machines, or Map Runs, asked for so far."""
    machines: int = 0
    """State machines, or Map Runs, known of so far."""
    more: bool = False
    """True when there are more of them than are known of."""
    spent: bool = False
    """True when as much was asked as should be at once: go on only if it is wanted."""
    of: Asked = Asked.MACHINE


def decode_listed(item: Mapping[str, Any]) -> Listed | None:
    """Read an item of ListExecutions; None for one without an ARN."""
    arn = text_of(item.get("executionArn"))
    if not arn:
        return None
    parsed = maybe_execution_arn(arn)
    machine = text_of(item.get("stateMachineArn")) or ""
    return Listed(
        arn=arn,
        machine=parsed.state_machine_name if parsed else machine.rpartition(":")[2],
        name=text_of(item.get("name")) or (parsed.name if parsed else arn),
        status=text_of(item.get("status")) or "",
        started_at=maybe_time(item.get("startDate")),
        stopped_at=maybe_time(item.get("stopDate")),
    )


def newest(executions: Iterable[Listed]) -> Listed | None:
    """Give the one that was started last."""
    started = [each for each in executions if each.started_at is not None]
    return max(started, key=_started, default=None)


def _started(execution: Listed) -> tuple[float, str]:
    at = execution.started_at
    return (at.timestamp() if at else 0.0, execution.arn)


def listed_words(execution: Listed, now: datetime) -> str:
    """Say in a line which execution it is."""
    parts = [f"{clean(execution.machine, _LIMIT)} › {clean(execution.name, _LIMIT)}"]
    parts.append(clean(execution.status, _LIMIT) or "in no known state")
    if execution.started_at is not None:
        parts.append(f"started {iso(execution.started_at)}")
    seconds = execution.seconds(now)
    if seconds is not None:
        took = duration(seconds)
        parts.append(f"for {took} so far" if execution.going_on else f"took {took}")
    return ", ".join(parts)
