"""Executions as ListExecutions lists them."""

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
"""No word of AWS's: nobody saw whether it ended."""
UNSUCCESSFUL = ("FAILED", "TIMED_OUT", "ABORTED")
"""How an execution ends that did not do its work."""


class ListedExecution(Struct, frozen=True, rename="camel"):
    """One execution of a list; what AWS did not tell is empty, or None."""

    arn: str = field(default="", name="executionArn")
    machine: str = ""
    """Its state machine's name; with the label after a slash for a Map Run's child."""
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
        """Sort what runs before what has ended, and then the newest start first."""
        return (not self.running, -stamp(self.started_at), self.arn)

    @property
    def failed_first(self) -> tuple[bool, bool, float, str]:
        """Sort what did not succeed before the rest, and that as by `running_first`."""
        return (not self.failed, *self.running_first)

    @property
    def to_choose_from(self) -> tuple[bool, bool, bool, float, str]:
        """Sort what runs first, then what did not succeed, the newest start first."""
        return (not self.running, *self.failed_first)

    def seconds(self, now: datetime) -> float | None:
        """How long it took, or has taken by now; None where no time is known."""
        end = now if self.running else self.stopped_at
        if self.started_at is None or end is None:
            return None
        return max(0.0, seconds_between(self.started_at, end))


def decode_listed(item: Record) -> ListedExecution | None:
    """Read an item of ListExecutions; None for one without an ARN."""
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
    """What executions are listed by."""

    MACHINE = "state machine"
    MAP_RUN = "Map Run"


class ListFilter(Struct, frozen=True):
    """Which executions are listed."""

    statuses: tuple[str, ...] = ()
    """AWS's words, each asked for by itself; any, where none is named."""
    since: datetime | timedelta | None = None
    """When they were started at the earliest, or how long before now by AWS's clock."""

    def begin(self, now: datetime) -> datetime | None:
        """Give when they were started at the earliest."""
        return now - self.since if isinstance(self.since, timedelta) else self.since

    @property
    def words(self) -> str:
        """Say which those are; nothing where they are all."""
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
    """True where it is nobody's fault: AWS lists none of an Express machine's."""


class Listing(Struct, frozen=True):
    """What one step of listing has brought, and how far it has come."""

    executions: tuple[ListedExecution, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    asked: int = 0
    """State machines, or Map Runs, asked for so far."""
    known: int = 0
    """State machines, or Map Runs, known of so far."""
    more: bool = False
    """True when there are more of them than are known of."""
    spent: bool = False
    """True when as much was asked as should be at once: go on only if it is wanted."""
    by: ListedBy = ListedBy.MACHINE


def newest(executions: Iterable[ListedExecution]) -> ListedExecution | None:
    """Give the one that was started last."""
    started = [each for each in executions if each.started_at is not None]
    return max(started, key=lambda e: (stamp(e.started_at), e.arn), default=None)
