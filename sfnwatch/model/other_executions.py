"""Other executions of a watched state machine, as ListExecutions lists them.

They run under the same role and make the same calls: a call that no id matches may be
theirs. One record holds two lists: the running executions, and then all executions, the
newest first, as far back as was read. Its data is `{"machine_arn", "asked_at",
"running", "running_complete", "newest", "newest_complete"}`: AWS's own items, and
whether each list was read to its end.

The number of executions in a time is known only where the lists prove it:

- ListExecutions sorts running executions by their start and ended ones by their end,
  the newest first [documented]. An execution that ran at any time since `begin` either
  still runs and is in the first list, or has ended since. So the lists contain all of
  these executions if the first list is complete and the second reaches back to an end
  before `begin`. Their starts do not matter. If the ends are out of order, it is not
  known how far back an incomplete list reaches.
- The running executions are asked for first: an execution that ends meanwhile is in the
  second list.
- An execution that starts or ends during the requests may be missing, and the answers
  are eventually consistent [documented]. So the lists are believed complete only up to
  a little before they were asked for.
- AWS deletes executions 90 days after their end, or after 30 where that was requested.
- Records that overlap may prove together what none of them proves alone.

A redriven execution counts as running from its start on: no list has its earlier ends.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

from sfnwatch.model.arns import maybe_execution_arn
from sfnwatch.model.execution_list import ListedExecution, decode_listed
from sfnwatch.model.records import DecodeError, Received, Record
from sfnwatch.model.times import maybe_time
from sfnwatch.model.values import mapping_of, text_of

SETTLED = timedelta(seconds=5)
"""A list is believed complete up to this long before it was asked for: how late AWS's
lists may be is not documented [inferred]."""
_KEPT_BY_AWS = timedelta(days=30)
"""The shortest time for which AWS keeps an execution that has ended."""
_NEVER = datetime.min.replace(tzinfo=UTC)
_ALWAYS = datetime.max.replace(tzinfo=UTC)


class MachineExecutions(Struct, frozen=True):
    """A state machine's executions, as one record lists them."""

    machine_arn: str
    asked_at: datetime
    executions: tuple[ListedExecution, ...]
    """The executions of both lists; one execution may be in both."""
    since: datetime | None
    """All executions that ran after this time are listed; None where unknown."""

    @property
    def until(self) -> datetime:
        """The time up to which all executions are listed."""
        return self.asked_at - SETTLED


class _Run(Struct, frozen=True, order=True):
    """When an execution ran, according to the newest list that has it."""

    asked_at: datetime
    ended: bool
    last: datetime
    """Its end; while it runs, the time the list was asked for."""
    first: datetime


class ExecutionLists:
    """The executions of state machines, and the times for which all are known."""

    def __init__(self) -> None:
        self._lists: dict[str, list[MachineExecutions]] = {}
        """The lists by the state machine's ARN."""
        self._runs: dict[str, dict[str, _Run]] = {}
        """By the state machine's ARN: when each execution ran, by the execution's."""
        self._sorted: dict[str, tuple[list[datetime], list[datetime]]] = {}
        """By the state machine's ARN: all starts and all ends, sorted for a quick
        search, since there may be 50,000 executions."""

    def add(self, new: MachineExecutions) -> bool:
        """Add the lists of one record; False if they were there already."""
        machine = new.machine_arn
        lists = self._lists.setdefault(machine, [])
        if new in lists:
            return False
        lists.append(new)
        runs = self._runs.setdefault(machine, {})
        for execution in new.executions:
            run = _run_of(execution, new.asked_at)
            runs[execution.arn] = max(run, runs.get(execution.arn, run))
        self._sorted.pop(machine, None)
        return True

    def count_others(
        self,
        execution_arn: str,
        begin: datetime,
        end: datetime | None,
        watched: Iterable[str],
    ) -> int | None:
        """Count the machine's executions from `begin` to `end` that are not watched.

        Without `end` the time reaches up to the newest list. The result is None where
        the number is not known. 0 means that it is known that no other execution ran.
        """
        parsed = maybe_execution_arn(execution_arn)
        machine = parsed.state_machine_arn if parsed else ""
        lists = self._lists.get(machine, [])
        listed_until = max((listed.until for listed in lists), default=begin)
        if not _cover(lists, begin, end or listed_until):
            return None
        last = end or _ALWAYS
        starts, ends = self._starts_and_ends(machine)
        count = bisect_right(starts, last) - bisect_left(ends, begin)
        for arn in watched:
            run = self._runs[machine].get(arn)
            if run is not None and run.first <= last and run.last >= begin:
                count -= 1
        return count

    def _starts_and_ends(self, machine: str) -> tuple[list[datetime], list[datetime]]:
        if machine not in self._sorted:
            runs = self._runs[machine].values()
            starts = sorted(run.first for run in runs)
            ends = sorted(run.last for run in runs)
            self._sorted[machine] = (starts, ends)
        return self._sorted[machine]


def _cover(lists: Sequence[MachineExecutions], begin: datetime, end: datetime) -> bool:
    """True if the lists together contain all executions that ran in a time."""
    while begin <= end:
        since = end
        for listed in lists:
            if listed.until >= end and listed.since is not None:
                since = min(since, listed.since)
        if since < begin:
            return True
        if since >= end:
            return False
        end = since
    return False


def _run_of(listed: ListedExecution, asked_at: datetime) -> _Run:
    stopped_at = None if listed.running else listed.stopped_at
    first = listed.started_at or _NEVER
    last = max(stopped_at or asked_at, first)
    return _Run(asked_at, stopped_at is not None, last, first)


def decode_machine_executions(received: Received) -> MachineExecutions:
    """Read a record of lists; raises DecodeError if its machine or time is missing."""
    record = received.record
    machine = text_of(record.get("machine_arn"))
    asked_at = maybe_time(record.get("asked_at")) or received.at
    if machine is None or asked_at is None:
        raise DecodeError("executions of no state machine, or asked for at no time")
    running = _items(record, "running")
    newest = _items(record, "newest")
    since: datetime | None = None
    if record.get("running_complete") is True:
        since = asked_at - _KEPT_BY_AWS
        if record.get("newest_complete") is not True:
            since = _reach(newest, since)
    return MachineExecutions(machine, asked_at, (*running, *newest), since)


def _items(record: Record, key: str) -> list[ListedExecution]:
    items: Any = record.get(key)
    if not isinstance(items, list):
        raise DecodeError(f"executions of a state machine without a list `{key}`")
    executions = []
    for item in items:
        listed = decode_listed(mapping_of(item))
        if listed is not None:
            executions.append(listed)
    return executions


def _reach(newest: Iterable[ListedExecution], oldest: datetime) -> datetime | None:
    """Return the time after which an incomplete list has all ended executions.

    None where an end is missing or out of order.
    """
    reach: datetime | None = None
    for listed in newest:
        if listed.running:
            continue
        end = listed.stopped_at
        if end is None or (reach is not None and end > reach):
            return None
        reach = end
    if reach is None:
        return None
    return max(reach, oldest)
