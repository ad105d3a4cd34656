"""Other executions of a watched state machine, as ListExecutions has them: strangers.

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
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from msgspec import Struct

from sfnwatch.model.arns import maybe_execution_arn
from sfnwatch.model.execution_list import ListedExecution, decode_listed
from sfnwatch.model.records import DecodeError, Received, Record
from sfnwatch.model.times import maybe_time
from sfnwatch.model.values import mapping_of, text_of

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


class ExecutionLists:
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

    def count_others(
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
        known = self._ran[machine]
        last = end or _ALWAYS
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
    running = _items(record, "running")
    newest = _items(record, "newest")
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
