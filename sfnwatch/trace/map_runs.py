"""Map Runs, and their executions, as the API tells of them.

DescribeMapRun counts, ListExecutions lists.

The parent's history says that a Map Run began and how it ended, and nothing of the
executions it ran: those have histories of their own, up to 10,000 and more.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec import Struct

from sfnwatch.trace.events import Received
from sfnwatch.trace.history import DecodeError
from sfnwatch.trace.listed import Listed, decode_listed
from sfnwatch.trace.payload import canonical, mapping_of, text_of
from sfnwatch.trace.times import maybe_time

FAILURES = ("FAILED", "TIMED_OUT", "ABORTED")
"""How an execution ends badly."""
RUNNING_LISTED = 100
"""So many of those that run are listed at once: which they are changes all the time."""


class Counts(Struct, frozen=True):
    """How many of a Map Run's executions, or items, are in which state."""

    pending: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    timed_out: int = 0
    aborted: int = 0
    total: int = 0

    @property
    def bad(self) -> int:
        return self.failed + self.timed_out + self.aborted

    @property
    def done(self) -> int:
        return self.succeeded + self.bad


@dataclass(frozen=True, slots=True)
class MapRun:
    """The newest that was told of a Map Run."""

    arn: str
    execution_arn: str
    """The execution whose Map state it runs for."""
    status: str
    """AWS's word: RUNNING, SUCCEEDED, FAILED or ABORTED."""
    started_at: datetime | None
    stopped_at: datetime | None
    executions: Counts
    items: Counts
    max_concurrency: int | None
    tolerated_failure_percentage: float | None
    tolerated_failure_count: int | None
    redrive_count: int
    seen_at: datetime | None
    raw: Mapping[str, Any] = field(compare=False, repr=False)

    @property
    def going_on(self) -> bool:
        return self.status == "RUNNING"


@dataclass(frozen=True, slots=True)
class ListedChild:
    """The newest that a list told of one execution of a Map Run."""

    listed: Listed
    map_run_arn: str
    item_count: int | None
    seen_at: datetime | None
    raw: Mapping[str, Any] = field(compare=False, repr=False)

    @property
    def going_on(self) -> bool:
        return self.listed.going_on

    @property
    def failed(self) -> bool:
        return self.listed.status in FAILURES

    @property
    def order(self) -> tuple[int, float, str]:
        """Sort failures first, then what goes on, and then the rest by their starts."""
        rank = 0 if self.failed else 1 if self.listed.going_on else 2
        started = self.listed.started_at
        return rank, started.timestamp() if started else 0.0, self.listed.arn


def decode_map_run(received: Received) -> MapRun:
    """Read an answer of DescribeMapRun; raises DecodeError if it names none."""
    data = received.data
    arn = text_of(data.get("mapRunArn"))
    if not arn:
        msg = "a Map Run without an ARN"
        raise DecodeError(msg)
    return MapRun(
        arn=arn,
        execution_arn=text_of(data.get("executionArn")) or received.execution_arn or "",
        status=text_of(data.get("status")) or "UNKNOWN",
        started_at=maybe_time(data.get("startDate")),
        stopped_at=maybe_time(data.get("stopDate")),
        executions=_counts(data.get("executionCounts")),
        items=_counts(data.get("itemCounts")),
        max_concurrency=_whole(data.get("maxConcurrency")),
        tolerated_failure_percentage=_number(data.get("toleratedFailurePercentage")),
        tolerated_failure_count=_whole(data.get("toleratedFailureCount")),
        redrive_count=_whole(data.get("redriveCount")) or 0,
        seen_at=received.at,
        raw=data,
    )


def decode_children(received: Received) -> Iterator[ListedChild]:
    """Read a page of ListExecutions for a Map Run; raises DecodeError for no list.

    Items that name no execution or no Map Run are of no use here.
    """
    items = received.data.get("executions")
    if not isinstance(items, list):
        msg = "a page of executions without a list of them"
        raise DecodeError(msg)
    for item in items:
        listed = decode_listed(mapping_of(item))
        map_run_arn = text_of(mapping_of(item).get("mapRunArn"))
        if listed is None or not map_run_arn:
            continue
        yield ListedChild(
            listed=listed,
            map_run_arn=map_run_arn,
            item_count=_whole(item.get("itemCount")),
            seen_at=received.at,
            raw=item,
        )


def newer(
    old: MapRun | ListedChild | None, new: MapRun | ListedChild
) -> MapRun | ListedChild:
    """Of two answers to one question keep the last.

    Files do not say when they were answered: then it is the one that knows of an end,
    or of one more redrive.
    """
    return new if old is None or _age(new) >= _age(old) else old


def _age(told: MapRun | ListedChild) -> tuple[float, int, bool, str]:
    at = told.seen_at.timestamp() if told.seen_at else 0.0
    redrives = _whole(told.raw.get("redriveCount")) or 0
    return at, redrives, not told.going_on, canonical(told.raw)


def _counts(data: Any) -> Counts:
    counts = mapping_of(data)
    keys = ("pending", "running", "succeeded", "failed", "timedOut", "aborted", "total")
    return Counts(*(max(0, _whole(counts.get(key)) or 0) for key in keys))


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if usable else None
