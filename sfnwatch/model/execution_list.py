"""Executions as ListExecutions returns them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct, field

from sfnwatch.model.arns import maybe_execution_arn
from sfnwatch.model.records import Record
from sfnwatch.model.times import duration, seconds_between, stamp
from sfnwatch.model.values import read_fields, text_of

RUNNING = frozenset({"RUNNING", "PENDING_REDRIVE"})
UNKNOWN = "UNKNOWN"
"""The status where nobody saw whether the execution ended; not one of AWS's words."""
UNSUCCESSFUL = ("FAILED", "TIMED_OUT", "ABORTED")
"""The statuses of executions that ended without success."""


class ListedExecution(Struct, frozen=True, rename="camel"):
    """One execution of a list; fields that AWS did not give are empty or None."""

    arn: str = field(default="", name="executionArn")
    machine: str = ""
    """The state machine's name; a Map Run's child has the label after a slash."""
    name: str = ""
    status: str = ""
    started_at: datetime | None = field(default=None, name="startDate")
    stopped_at: datetime | None = field(default=None, name="stopDate")

    @property
    def key(self) -> str:
        return self.arn

    @property
    def running(self) -> bool:
        return self.status in RUNNING

    @property
    def failed(self) -> bool:
        return self.status in UNSUCCESSFUL

    @property
    def running_first(self) -> tuple[bool, float, str]:
        """A sort key: running executions first, then the newest start first."""
        return (not self.running, -stamp(self.started_at), self.arn)

    @property
    def failed_first(self) -> tuple[bool, bool, float, str]:
        """A sort key: unsuccessful executions first, then as by `running_first`."""
        return (not self.failed, *self.running_first)

    @property
    def to_choose_from(self) -> tuple[bool, bool, bool, float, str]:
        """A sort key: running, unsuccessful, then others; each the newest first."""
        return (not self.running, *self.failed_first)

    def seconds(self, now: datetime) -> float | None:
        """How long it took, or has taken until `now`; None without its start or end."""
        end = now if self.running else self.stopped_at
        if self.started_at is None or end is None:
            return None
        return max(0.0, seconds_between(self.started_at, end))


def decode_listed(item: Record) -> ListedExecution | None:
    """Return the execution of an item of ListExecutions; None without an ARN."""
    arn = text_of(item.get("executionArn"))
    if not arn:
        return None
    parsed = maybe_execution_arn(arn)
    machine = text_of(item.get("stateMachineArn")) or ""
    return read_fields(
        ListedExecution,
        item,
        machine=parsed.state_machine_name if parsed else machine.rpartition(":")[2],
        name=text_of(item.get("name")) or (parsed.name if parsed else arn),
    )


class ListedBy(StrEnum):
    """What the executions of a list have in common."""

    MACHINE = "state machine"
    MAP_RUN = "Map Run"


class ListFilter(Struct, frozen=True):
    """Which executions are listed."""

    statuses: tuple[str, ...] = ()
    """AWS's words; AWS is asked for each separately. Empty for all statuses."""
    since: datetime | timedelta | None = None
    """The earliest start, as a time or as a length before now by AWS's clock."""

    def begin(self, now: datetime) -> datetime | None:
        """Return the earliest start; None for no limit."""
        return now - self.since if isinstance(self.since, timedelta) else self.since

    @property
    def words(self) -> str:
        """The filter in words; empty where it lets all executions pass."""
        names = (each.lower().replace("_", " ") for each in self.statuses)
        since = ""
        if isinstance(self.since, timedelta):
            since = f"since {duration(self.since.total_seconds())} ago"
        elif self.since is not None:
            since = f"since {self.since:%Y-%m-%d %H:%M} UTC"
        return ", ".join(filter(None, (" or ".join(names), since)))


class LeftOut(Struct, frozen=True):
    """A state machine whose executions are not listed, and why."""

    machine: str
    reason: str
    express: bool = False
    """True for an Express state machine: AWS never lists its executions."""


class Listing(Struct, frozen=True):
    """The executions found by the steps of listing so far, and how far they came."""

    executions: tuple[ListedExecution, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    asked: int = 0
    """The number of state machines, or Map Runs, whose lists were requested."""
    known: int = 0
    """The number of state machines, or Map Runs, that are known."""
    more: bool = False
    """True when there are more of them than are known."""
    spent: bool = False
    """True when enough requests were sent for one go: go on only if the user wants."""
    by: ListedBy = ListedBy.MACHINE


def newest(executions: Iterable[ListedExecution]) -> ListedExecution | None:
    """Return the execution that was started last; None where no start is known."""
    started = [each for each in executions if each.started_at is not None]
    return max(started, key=lambda e: (stamp(e.started_at), e.arn), default=None)
