"""Map Runs and executions, as DescribeMapRun counts and ListExecutions lists them.

The parent's history says that a Map Run began and how it ended, and nothing of the
executions it ran: those have histories of their own, up to 10,000 and more.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple, replace

from sfnwatch.next.model.arns import last_segment, maybe_execution_arn, short_id
from sfnwatch.next.model.clocks import Clock
from sfnwatch.next.model.json_text import float_of, int_of, mapping_of, text_of
from sfnwatch.next.model.records import DecodeError, Received, Record
from sfnwatch.next.model.times import maybe_time, seconds_between
from sfnwatch.next.model.told import agreed_fields

RUNNING = frozenset({"RUNNING", "PENDING_REDRIVE"})
UNSUCCESSFUL = ("FAILED", "TIMED_OUT", "ABORTED")
"""How an execution ends that did not do its work."""
RUNNING_LISTED = 100
"""Of a Map Run's executions that run so many are listed while it is watched."""


class ExecutionCounts(Struct, frozen=True):
    """How many of a Map Run's executions, or items, are in which state."""

    pending: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    timed_out: int = 0
    aborted: int = 0
    total: int = 0

    @property
    def unsuccessful(self) -> int:
        return self.failed + self.timed_out + self.aborted

    @property
    def done(self) -> int:
        return self.succeeded + self.unsuccessful


class MapRun(Struct, frozen=True):
    """What one answer of DescribeMapRun tells."""

    arn: str
    execution_arn: str
    """The execution whose Map state it runs for."""
    status: str
    """AWS's word: RUNNING, SUCCEEDED, FAILED or ABORTED."""
    started_at: datetime | None
    stopped_at: datetime | None
    executions: ExecutionCounts
    items: ExecutionCounts
    max_concurrency: int | None
    tolerated_failure_percentage: float | None
    tolerated_failure_count: int | None
    redrive_count: int
    seen_at: datetime | None

    @property
    def running(self) -> bool:
        return self.status == "RUNNING"

    @property
    def order(self) -> "_Order":
        counts = (*astuple(self.executions), *astuple(self.items))
        times = (self.stopped_at, self.started_at)
        progress = (self.executions.done, *counts)
        return _order(self.seen_at, self.redrive_count, self.running, times, progress)

    @property
    def value(self) -> "MapRun":
        return replace(self, seen_at=None)

    def agreed(self, other: "MapRun") -> "MapRun":
        return agreed_fields(self, other, _UNKNOWN_RUN)

    def at(self, clock: Clock) -> datetime | None:
        """Give when it was received, or when the Map Run ended, if it had."""
        if clock is Clock.ARRIVAL or self.stopped_at is None:
            return self.seen_at or self.stopped_at or self.started_at
        return self.stopped_at


class ListedExecution(Struct, frozen=True):
    """One execution of a list; what AWS did not tell is empty, or None."""

    arn: str
    machine: str
    """Its state machine's name; with the label after a slash for a Map Run's child."""
    name: str
    status: str
    started_at: datetime | None = None
    stopped_at: datetime | None = None

    @property
    def running(self) -> bool:
        return self.status in RUNNING

    @property
    def failed(self) -> bool:
        return self.status in UNSUCCESSFUL

    @property
    def running_first(self) -> tuple[bool, float, str]:
        """Sort what runs before what has ended, and then the newest start first."""
        started = self.started_at.timestamp() if self.started_at else 0.0
        return (not self.running, -started, self.arn)

    @property
    def failed_first(self) -> tuple[bool, bool, float, str]:
        """Sort what did not succeed before the rest, and that as by `running_first`."""
        return (not self.failed, *self.running_first)

    def seconds(self, now: datetime) -> float | None:
        """How long it took, or has taken by now; None where no time is known."""
        end = now if self.running else self.stopped_at
        if self.started_at is None or end is None:
            return None
        return max(0.0, seconds_between(self.started_at, end))


class MapRunChild(Struct, frozen=True):
    """What one list tells of one execution of a Map Run."""

    listed: ListedExecution
    map_run_arn: str
    item_count: int | None
    seen_at: datetime | None
    redrive_count: int = 0

    @property
    def order(self) -> "_Order":
        listed = self.listed
        times, items = (listed.stopped_at, listed.started_at), self.item_count or 0
        return _order(self.seen_at, self.redrive_count, listed.running, times, (items,))

    @property
    def value(self) -> "MapRunChild":
        return replace(self, seen_at=None)

    def agreed(self, other: "MapRunChild") -> "MapRunChild":
        unknown = ListedExecution(self.listed.arn, "", "", "")
        listed = agreed_fields(self.listed, other.listed, unknown)
        return agreed_fields(
            replace(self, listed=listed),
            replace(other, listed=listed),
            MapRunChild(listed, "", None, None),
        )

    def at(self, clock: Clock) -> datetime | None:
        """Give when it was received, or the last that had happened to the execution."""
        told = self.listed.stopped_at or self.listed.started_at
        return (self.seen_at if clock is Clock.ARRIVAL else None) or told

    @property
    def failed_first(self) -> tuple[int, float, str]:
        """Sort failures first, then what runs, and then the rest by their starts."""
        listed = self.listed
        rank = 0 if listed.failed else 1 if listed.running else 2
        started = listed.started_at.timestamp() if listed.started_at else 0.0
        return rank, started, listed.arn


_UNKNOWN_RUN = MapRun(
    arn="",
    execution_arn="",
    status="UNKNOWN",
    started_at=None,
    stopped_at=None,
    executions=ExecutionCounts(),
    items=ExecutionCounts(),
    max_concurrency=None,
    tolerated_failure_percentage=None,
    tolerated_failure_count=None,
    redrive_count=0,
    seen_at=None,
)
_Order = tuple[float, int, bool, tuple[float, ...], tuple[int, ...]]


def _order(
    seen_at: datetime | None,
    redrives: int,
    running: bool,  # noqa: FBT001
    times: Iterable[datetime | None],
    progress: tuple[int, ...],
) -> _Order:
    """Sort answers to one question, the newest last.

    Files do not say when they were answered: then it is the one that knows of one more
    redrive, of an end, or of more that was done.
    """
    moments = tuple(at.timestamp() if at else 0.0 for at in times)
    seen = seen_at.timestamp() if seen_at else 0.0
    return seen, redrives, not running, moments, progress


def map_run_name(arn: str) -> str:
    """Name a Map Run by its label and its id: `EachPhoto 276e5993`."""
    label, _, run = last_segment(arn).rpartition(":")
    return f"{label} {short_id(run)}" if label else short_id(run)


def decode_listed(item: Record) -> ListedExecution | None:
    """Read an item of ListExecutions; None for one without an ARN."""
    arn = text_of(item.get("executionArn"))
    if not arn:
        return None
    parsed = maybe_execution_arn(arn)
    machine = text_of(item.get("stateMachineArn")) or ""
    return ListedExecution(
        arn=arn,
        machine=parsed.state_machine_name if parsed else machine.rpartition(":")[2],
        name=text_of(item.get("name")) or (parsed.name if parsed else arn),
        status=text_of(item.get("status")) or "",
        started_at=maybe_time(item.get("startDate")),
        stopped_at=maybe_time(item.get("stopDate")),
    )


def decode_map_run(received: Received, record: Record) -> MapRun:
    """Read an answer of DescribeMapRun; raises DecodeError if it names none."""
    arn = text_of(record.get("mapRunArn"))
    if not arn:
        msg = "a Map Run without an ARN"
        raise DecodeError(msg)
    own = text_of(record.get("executionArn"))
    return MapRun(
        arn=arn,
        execution_arn=own or received.execution_arn or "",
        status=text_of(record.get("status")) or "UNKNOWN",
        started_at=maybe_time(record.get("startDate")),
        stopped_at=maybe_time(record.get("stopDate")),
        executions=_counts(record.get("executionCounts")),
        items=_counts(record.get("itemCounts")),
        max_concurrency=int_of(record.get("maxConcurrency")),
        tolerated_failure_percentage=float_of(record.get("toleratedFailurePercentage")),
        tolerated_failure_count=int_of(record.get("toleratedFailureCount")),
        redrive_count=int_of(record.get("redriveCount")) or 0,
        seen_at=received.at,
    )


def decode_children(received: Received, record: Record) -> Iterator[MapRunChild]:
    """Read a page of ListExecutions for a Map Run; raises DecodeError for no list.

    Items that name no execution or no Map Run are of no use here.
    """
    items = record.get("executions")
    if not isinstance(items, list):
        msg = "a page of executions without a list of them"
        raise DecodeError(msg)
    for item in map(mapping_of, items):
        listed = decode_listed(item)
        map_run_arn = text_of(item.get("mapRunArn"))
        if listed is not None and map_run_arn:
            yield MapRunChild(
                listed=listed,
                map_run_arn=map_run_arn,
                item_count=int_of(item.get("itemCount")),
                seen_at=received.at,
                redrive_count=int_of(item.get("redriveCount")) or 0,
            )


def _counts(value: Any) -> ExecutionCounts:
    counts = mapping_of(value)
    keys = ("pending", "running", "succeeded", "failed", "timedOut", "aborted", "total")
    return ExecutionCounts(*(max(0, int_of(counts.get(key)) or 0) for key in keys))
