"""Map Runs: the counts of DescribeMapRun, and the lists of their executions.

The parent's history shows that a Map Run began and how it ended. It shows nothing of
the executions of the Map Run, which have histories of their own; there may be 10,000
and more. ListExecutions lists them.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from msgspec import Struct, field
from msgspec.structs import astuple

from sfnwatch.model.arns import last_segment, short_id
from sfnwatch.model.execution_list import UNKNOWN, ListedExecution, decode_listed
from sfnwatch.model.records import DecodeError, Received
from sfnwatch.model.times import stamp
from sfnwatch.model.values import mapping_of, read_fields, text_of

RUNNING_LISTED = 100
"""While a Map Run is watched, this many of its running executions are listed."""


class ExecutionCounts(Struct, frozen=True, rename="camel"):
    """The numbers of a Map Run's executions, or items, by their status."""

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


class MapRun(Struct, frozen=True, rename="camel"):
    """One answer of DescribeMapRun."""

    arn: str = field(default="", name="mapRunArn")
    execution_arn: str = ""
    """The ARN of the execution whose Map state it runs for."""
    status: str = UNKNOWN
    """AWS's word: RUNNING, SUCCEEDED, FAILED or ABORTED."""
    started_at: datetime | None = field(default=None, name="startDate")
    stopped_at: datetime | None = field(default=None, name="stopDate")
    executions: ExecutionCounts = ExecutionCounts()
    items: ExecutionCounts = ExecutionCounts()
    max_concurrency: int | None = None
    redrive_count: int = 0
    seen_at: datetime | None = None

    @property
    def running(self) -> bool:
        return self.status == "RUNNING"

    @property
    def order(self) -> tuple[float, ...]:
        """Key by which the answers about one Map Run are sorted, the newest last.

        Files do not have the time of an answer. Then the newer answer is the one with
        more redrives, with an end, or with more executions done.
        """
        rank = stamp(self.seen_at), self.redrive_count, not self.running
        times = stamp(self.stopped_at), stamp(self.started_at)
        counts = (*astuple(self.executions), *astuple(self.items))
        return (*rank, *times, self.executions.done, *counts)

    @property
    def since(self) -> datetime | None:
        """When the Map Run ended; while it runs, when it was described."""
        return self.stopped_at or self.seen_at or self.started_at


class MapRunChild(Struct, frozen=True, rename="camel"):
    """One execution of a Map Run, as one list has it."""

    listed: ListedExecution = ListedExecution()
    map_run_arn: str = ""
    item_count: int | None = None
    seen_at: datetime | None = None
    redrive_count: int = 0
    redriven_at: datetime | None = field(default=None, name="redriveDate")

    @property
    def order(self) -> tuple[float, ...]:
        """Key by which the list items of one execution are sorted, the newest last."""
        listed = self.listed
        rank = stamp(self.seen_at), self.redrive_count, not listed.running
        times = stamp(listed.stopped_at), stamp(listed.started_at)
        return (*rank, *times, self.item_count or 0)

    @property
    def since(self) -> datetime | None:
        """The time of the execution's last known change: its end, redrive or start."""
        again = self.redriven_at or (self.seen_at if self.redrive_count else None)
        return self.listed.stopped_at or again or self.listed.started_at

    @property
    def failed_first(self) -> tuple[int, float, str]:
        """Sort key: failed executions, then running, then others; each by start."""
        listed = self.listed
        rank = 0 if listed.failed else 1 if listed.running else 2
        return rank, stamp(listed.started_at), listed.arn


def map_run_name(arn: str) -> str:
    """Return a Map Run's name from its label and short id: `EachPhoto 276e5993`."""
    label, _, run = last_segment(arn).rpartition(":")
    return f"{label} {short_id(run)}" if label else short_id(run)


def decode_map_run(received: Received) -> MapRun:
    """Read an answer of DescribeMapRun; raises DecodeError if it has no ARN."""
    record = received.record
    if not text_of(record.get("mapRunArn")):
        raise DecodeError("a Map Run without an ARN")
    own = text_of(record.get("executionArn"))
    return read_fields(
        MapRun,
        record,
        execution_arn=own or received.execution_arn or "",
        executions=_counts(record.get("executionCounts")),
        items=_counts(record.get("itemCounts")),
        seen_at=received.at,
    )


def decode_children(received: Received) -> Iterator[MapRunChild]:
    """Yield the executions in a page of ListExecutions for a Map Run.

    It skips items that name no execution or no Map Run. It raises DecodeError if the
    page has no list.
    """
    items = received.record.get("executions")
    if not isinstance(items, list):
        raise DecodeError("a page of executions without a list of them")
    for item in map(mapping_of, items):
        listed = decode_listed(item)
        if listed is not None and text_of(item.get("mapRunArn")):
            yield read_fields(MapRunChild, item, listed=listed, seen_at=received.at)


def _counts(value: Any) -> ExecutionCounts:
    counts = read_fields(ExecutionCounts, mapping_of(value))
    return ExecutionCounts(*(max(0, count) for count in astuple(counts)))
