"""What executions start: Map Runs, their executions, and nested executions.

Map Runs are as DescribeMapRun counts, and executions as ListExecutions lists them. The
parent's history says that a Map Run began and how it ended, and nothing of the
executions it ran: those have histories of their own, up to 10,000 and more. They say
which Map Run's they are; a nested execution's ARN stands in the events of the attempt
that started it.

Strangers are the other executions of a watched execution's state machine, as
ListExecutions has them.

They run under the same role and make the same calls: a call that no id matches may be
theirs. One record is one asking: what runs, and then all, the newest first, as far back
as was read. Its data is `{"machine_arn", "asked_at", "running", "running_complete",
"newest", "newest_complete"}`: two lists of AWS's own items, and whether each was read
to its end.

How many ran in a time is said only where the lists prove it:

- ListExecutions sorts what runs by its start and what has ended by its end, the newest
  first; so it is documented. Whoever ran at some moment since `begin` either runs yet,
  and is in the list of those, or has ended since: so the lists hold all of them if the
  first is whole, and the second has come to an end before `begin`. When those started
  does not matter. Should the ends ever be out of order, it is not known how far back a
  list reaches that is not whole.
- What runs is asked for first: what ends meanwhile is in the list that comes later.
- Who starts, or ends, while it is asked may be missing, and the answers are documented
  to be eventually consistent: so they are believed up to a little before the asking.
- AWS forgets executions 90 days after their end, or 30 where that was asked for.
- Askings that overlap prove together what none proves alone.

One that was redriven counts from its start on: no list tells when it had ended before.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any, TypeGuard

from msgspec import Struct, field
from msgspec.structs import astuple

from sfnwatch.model.arns import last_segment, maybe_execution_arn, short_id
from sfnwatch.model.attempt_events import integration_of
from sfnwatch.model.history_event import Details
from sfnwatch.model.integrations import Integration
from sfnwatch.model.records import DecodeError, Received, Record
from sfnwatch.model.values import (
    duration,
    mapping_of,
    maybe_time,
    parse_json,
    read_fields,
    seconds_between,
    stamp,
    text_of,
)
from sfnwatch.model.visits import Attempt

RUNNING = frozenset({"RUNNING", "PENDING_REDRIVE"})
UNKNOWN = "UNKNOWN"
"""No word of AWS's: nobody saw whether it ended."""
UNSUCCESSFUL = ("FAILED", "TIMED_OUT", "ABORTED")
"""How an execution ends that did not do its work."""
RUNNING_LISTED = 100
"""Of a Map Run's executions that run so many are listed while it is watched."""
START = ("states.amazonaws.com", "StartExecution")
_ANSWERS = frozenset({"TaskSubmitted", "TaskSucceeded"})


class ExecutionCounts(Struct, frozen=True, rename="camel"):
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


class MapRun(Struct, frozen=True, rename="camel"):
    """What one answer of DescribeMapRun tells."""

    arn: str = field(default="", name="mapRunArn")
    execution_arn: str = ""
    """The execution whose Map state it runs for."""
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
        """Sort answers to one question, the newest last.

        Files do not say when they were answered: then it is the one that knows of one
        more redrive, of an end, or of more that was done.
        """
        rank = stamp(self.seen_at), self.redrive_count, not self.running
        times = stamp(self.stopped_at), stamp(self.started_at)
        counts = (*astuple(self.executions), *astuple(self.items))
        return (*rank, *times, self.executions.done, *counts)

    @property
    def since(self) -> datetime | None:
        """When the Map Run ended; while it has not, when it was asked for."""
        return self.stopped_at or self.seen_at or self.started_at


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


class MapRunChild(Struct, frozen=True, rename="camel"):
    """What one list tells of one execution of a Map Run."""

    listed: ListedExecution = ListedExecution()
    map_run_arn: str = ""
    item_count: int | None = None
    seen_at: datetime | None = None
    redrive_count: int = 0
    redriven_at: datetime | None = field(default=None, name="redriveDate")

    @property
    def order(self) -> tuple[float, ...]:
        """Sort what lists tell of one execution, as a Map Run's answers are."""
        listed = self.listed
        rank = stamp(self.seen_at), self.redrive_count, not listed.running
        times = stamp(listed.stopped_at), stamp(listed.started_at)
        return (*rank, *times, self.item_count or 0)

    @property
    def since(self) -> datetime | None:
        """Of what is known to have happened to the execution, when the last did."""
        again = self.redriven_at or (self.seen_at if self.redrive_count else None)
        return self.listed.stopped_at or again or self.listed.started_at

    @property
    def failed_first(self) -> tuple[int, float, str]:
        """Sort failures first, then what runs, and then the rest by their starts."""
        listed = self.listed
        rank = 0 if listed.failed else 1 if listed.running else 2
        return rank, stamp(listed.started_at), listed.arn


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
    return read_fields(
        ListedExecution,
        item,
        machine=parsed.state_machine_name if parsed else machine.rpartition(":")[2],
        name=text_of(item.get("name")) or (parsed.name if parsed else arn),
    )


def decode_map_run(received: Received) -> MapRun:
    """Read an answer of DescribeMapRun; raises DecodeError if it names none."""
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
    """Read a page of ListExecutions for a Map Run; raises DecodeError for no list.

    Items that name no execution or no Map Run are of no use here.
    """
    items = received.record.get("executions")
    if not isinstance(items, list):
        raise DecodeError("a page of executions without a list of them")
    for item in map(mapping_of, items):
        listed = decode_listed(item)
        if listed is not None and text_of(item.get("mapRunArn")):
            yield read_fields(MapRunChild, item, listed=listed, seen_at=received.at)


def _counts(value: Any) -> ExecutionCounts:
    told = read_fields(ExecutionCounts, mapping_of(value))
    return ExecutionCounts(*(max(0, count) for count in astuple(told)))


# -- executions to choose from ---------------------------------------------------------


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


# -- who started whom ------------------------------------------------------------------


class Parent(Struct, frozen=True):
    """What started an execution, or a Map Run."""

    execution_arn: str
    """The execution it was started by."""
    visit_id: int
    """The state of that; 0 where the history does not tell."""
    attempt_id: int | None = None
    """The attempt that started it; None for a Map Run."""
    map_run_arn: str | None = None
    """The Map Run it is an execution of."""
    waits: bool = True
    """False where the state completed as soon as it had started it."""


def started_by(attempt: Attempt) -> Iterator[str]:
    """Yield the ARNs of the executions that an attempt started, of whatever kind."""
    if _starts_executions(attempt.integration):
        yield from filter(maybe_execution_arn, attempt.resource_ids)


def started_in(event_type: str, details: Details) -> Iterator[str]:
    """Yield the ARNs of the executions that an event says were started."""
    row = integration_of(event_type, details) if event_type in _ANSWERS else None
    if _starts_executions(row):
        told = row.job_ids(parse_json(details.get("output")))
        yield from filter(maybe_execution_arn, told)


def _starts_executions(row: Integration | None) -> TypeGuard[Integration]:
    return row is not None and (row.event_source, row.action_event) == START


# -- strangers -------------------------------------------------------------------------

SETTLED = timedelta(seconds=5)
"""So long before an asking a list is believed complete: how late AWS's lists may be is
not documented [inferred]."""
_KEPT = timedelta(days=30)
_NEVER = datetime.min.replace(tzinfo=UTC)
_ALWAYS = datetime.max.replace(tzinfo=UTC)


class MachineExecutions(Struct, frozen=True):
    """What one asking told of a state machine's executions."""

    machine_arn: str
    asked_at: datetime
    executions: tuple[ListedExecution, ...]
    """Of both lists; one may be in both."""
    since: datetime | None
    """All are there that ran after this; None where that is not known."""

    @property
    def until(self) -> datetime:
        """Up to when all are there."""
        return self.asked_at - SETTLED


class _Ran(Struct, frozen=True, order=True):
    """What the newest list with an execution tells of when it ran."""

    asked_at: datetime
    ended: bool
    last: datetime
    """Its end; while it runs, when it was asked for."""
    first: datetime


class Strangers:
    """The executions of state machines, and from when to when all are known."""

    def __init__(self) -> None:
        self._answers: dict[str, list[MachineExecutions]] = {}
        """By the state machine's ARN."""
        self._ran: dict[str, dict[str, _Ran]] = {}
        """When each of a state machine's executions ran, by its ARN."""
        self._sorted: dict[str, tuple[list[datetime], list[datetime]]] = {}
        """Their starts and their ends, in order: there may be 50,000."""

    def add(self, answer: MachineExecutions) -> bool:
        """Take in what one asking told; False if it was known."""
        answers = self._answers.setdefault(answer.machine_arn, [])
        if answer in answers:
            return False
        answers.append(answer)
        known = self._ran.setdefault(answer.machine_arn, {})
        for each in answer.executions:
            ran = _ran(each, answer.asked_at)
            known[each.arn] = max(ran, known.get(each.arn, ran))
        self._sorted.pop(answer.machine_arn, None)
        return True

    def others(
        self,
        execution_arn: str,
        begin: datetime,
        end: datetime | None,
        watched: Iterable[str],
    ) -> int | None:
        """Count the others of an execution's machine that ran at any time in a span.

        Without an `end` it is up to the newest answer. None where it is not known; 0
        is a claim that nobody else ran.
        """
        parsed = maybe_execution_arn(execution_arn)
        machine = parsed.state_machine_arn if parsed else ""
        answers = self._answers.get(machine, [])
        told_to = max((each.until for each in answers), default=begin)
        if not _cover(answers, begin, end or told_to):
            return None
        known, last = self._ran[machine], end or _ALWAYS
        if machine not in self._sorted:
            starts = sorted(ran.first for ran in known.values())
            ends = sorted(ran.last for ran in known.values())
            self._sorted[machine] = starts, ends
        starts, ends = self._sorted[machine]
        ran_then = bisect_right(starts, last) - bisect_left(ends, begin)
        ours = (known[arn] for arn in watched if arn in known)
        return ran_then - sum(r.first <= last and r.last >= begin for r in ours)


def _cover(
    answers: Sequence[MachineExecutions], begin: datetime, end: datetime
) -> bool:
    """Tell if some answers have, one after the other, all that ran in a span."""
    while begin <= end:
        reach = (each.since for each in answers if each.until >= end)
        since = min((at for at in reach if at is not None), default=end)
        if since < begin:
            return True
        if since >= end:
            return False
        end = since
    return False


def _ran(listed: ListedExecution, asked_at: datetime) -> _Ran:
    ended = listed.stopped_at is not None and not listed.running
    last = listed.stopped_at if ended else None
    first = listed.started_at or _NEVER
    return _Ran(asked_at, ended, max(last or asked_at, first), first)


def decode_machine_executions(received: Received) -> MachineExecutions:
    """Read what one asking told; raises DecodeError for what does not say of what."""
    record = received.record
    machine = text_of(record.get("machine_arn"))
    asked_at = maybe_time(record.get("asked_at")) or received.at
    if machine is None or asked_at is None:
        raise DecodeError("executions of no state machine, or asked for at no time")
    running, newest = _items(record, "running"), _items(record, "newest")
    whole = record.get("newest_complete") is True
    since = asked_at - _KEPT if whole else _reach(newest, asked_at - _KEPT)
    if record.get("running_complete") is not True:
        since = None
    return MachineExecutions(machine, asked_at, (*running, *newest), since)


def _items(record: Record, key: str) -> list[ListedExecution]:
    items: Any = record.get(key)
    if not isinstance(items, list):
        raise DecodeError(f"executions of a state machine without a list `{key}`")
    found = (decode_listed(mapping_of(item)) for item in items)
    return [each for each in found if each is not None]


def _reach(newest: Iterable[ListedExecution], oldest: datetime) -> datetime | None:
    """Tell after when all that ended are in a list that was not read to its end."""
    ends = [each.stopped_at for each in newest if not each.running]
    known = [at for at in ends if at is not None]
    in_order = all(later >= earlier for later, earlier in pairwise(known))
    if not known or len(known) < len(ends) or not in_order:
        return None
    return max(known[-1], oldest)
