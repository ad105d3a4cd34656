"""The stays in states and the tries of a Task.

A visit is keyed by the id of its StateEntered event, never by the state's name: two
branches may hold states of the same name. Both rows are changed by the fold alone, and
both know what they were before each event: `as_of` gives that.
"""

from bisect import bisect_right
from datetime import datetime
from typing import Any, Self

from msgspec import Struct, field
from msgspec.structs import replace

from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.integrations import Integration, Pattern

ROOT = "Main"
"""What every path begins with."""
Stretch = tuple[datetime, datetime]
VisitKey = tuple[str, int]
"""An execution's ARN and the id of a visit in it."""


class VersionedRow(Struct):
    """A row that knows what it was: each change is noted, with the event it came by."""

    changes: list[tuple[int, str, Any]] = field(default_factory=list)
    """Each change: the id of its event, the field, and the value before."""
    event_ids: list[int] = field(default_factory=list)

    def change(self, by: int, **values: Any) -> None:
        """Change fields as an event tells; 0 stands for no event."""
        for name, value in values.items():
            before = getattr(self, name)
            if value != before:
                self.changes.append((by, name, before))
                setattr(self, name, value)

    def as_of(self, last: int) -> Self:
        """Give the row as it was after the event of id `last`."""
        before = {name: old for by, name, old in reversed(self.changes) if by > last}
        ids = self.event_ids[: bisect_right(self.event_ids, last)]
        return replace(self, event_ids=ids, changes=[], **before)


class Attempt(VersionedRow, kw_only=True):
    """One try of a Task, from its …Scheduled event; a retry schedules anew.

    `scheduled_id`, the id of that event, is its key within the execution.
    """

    scheduled_id: int
    visit_id: int
    resource_type: str | None
    """None for activities and for Lambda functions named by their ARN."""
    resource: str | None
    pattern: Pattern
    integration: Integration | None
    """None for activities, which call nothing, and where the details are absent."""
    scheduled_at: datetime
    role_arn: str | None = None
    """The role of its own credentials, where the state has some."""
    region: str | None = None
    started_at: datetime | None = None
    started_by: int = 0
    """The event that started it; so with the next ones."""
    submitted_at: datetime | None = None
    submitted_by: int = 0
    ended_at: datetime | None = None
    ended_by: int = 0
    """0 where no event tells of its end, too."""
    status: str = "running"
    """running, succeeded, failed, timed_out or aborted; of one that was given up its
    own end may be heard yet."""
    error: str | None = None
    cause: str | None = None
    stopped_at: datetime | None = None
    """When the job itself ended, where its own answer says or an event of ECS's."""
    request_ids: tuple[str, ...] = ()
    """Of the action call: in its answer's metadata, or in the cause it failed with."""
    resource_ids: tuple[str, ...] = ()
    """Task ARN, job id, …, as the integration's row says."""
    told_by: TaskState | None = None
    """What ECS told of its job's end, where its answer does not: of a moment alone."""

    @property
    def request_id(self) -> str | None:
        return next(iter(self.request_ids), None)

    @property
    def job_told_by(self) -> int:
        """The event that first tells of its job's id; 0 where none does."""
        changes = (by for by, name, _ in self.changes if name == "resource_ids")
        return next(changes, 0)

    @property
    def answered_at(self) -> datetime:
        """When the action call had been answered: submitted, or for a plain call ended.

        While neither is there yet, the call still belongs to the start.
        """
        answered_at = self.submitted_at or self.ended_at
        return answered_at or self.started_at or self.scheduled_at


class StateVisit(VersionedRow, kw_only=True):
    """One entered-to-exited stay in a state."""

    id: int
    """The id of its …StateEntered event."""
    name: str
    type: str
    """Task, Map, Parallel, Choice, Wait, Pass, Succeed or Fail."""
    parent: int | None
    """The visit of the Parallel or Map state it runs in."""
    path: str
    """`Main / Parallel[1] / Each[3] / Work`."""
    index: int | None
    """Which branch of the Parallel, or iteration of the Map, it runs in."""
    entered_at: datetime
    exited_at: datetime | None = None
    """None while it runs, and for good after a failure that nothing caught: such a
    state has no StateExited event."""
    ended_at: datetime | None = None
    """When it was over, however it ended."""
    ended_by: int = 0
    """The event that ended it; 0 where none tells of it."""
    status: str = "running"
    """running, succeeded, failed, caught, aborted or timed_out."""
    trouble: str | None = None
    """How it would end if nothing caught what went wrong: `failed`, `timed_out`."""
    attempts: list[Attempt] = field(default_factory=list)
    starts: tuple[int, ...] = ()
    """The events that began a Map or Parallel, the first time and with each retry."""
    error: str | None = None
    """An error that no attempt carries, such as a failed evaluation."""
    cause: str | None = None
    pauses: tuple[Stretch, ...] = ()
    """When it stood still: the execution was over, until a redrive."""
    changed_by: int = 0
    """The last event that changed it."""

    @property
    def running(self) -> bool:
        return self.ended_at is None

    def attempt(self, scheduled_id: int | None) -> Attempt | None:
        found = [a for a in self.attempts if a.scheduled_id == scheduled_id]
        return found[0] if found else None

    @property
    def troubled_by(self) -> int:
        """The event by which it came into its last trouble, as far as one is known."""
        changes = ((by, name) for by, name, _ in reversed(self.changes))
        return next((by for by, name in changes if name == "trouble"), self.ended_by)

    @property
    def backoffs(self) -> tuple[Stretch, ...]:
        """The waits between one try's failure and the next try's scheduling."""
        waits = map(self.backoff_before, range(2, len(self.attempts) + 1))
        return tuple(filter(None, waits))

    def backoff_before(self, number: int) -> Stretch | None:
        """Give the wait before a try, by its number from 1; a redrive is no retry."""
        if not 1 < number <= len(self.attempts) or self.is_redriven(number):
            return None
        ended = self.attempts[number - 2].ended_at
        after = self.attempts[number - 1]
        return (ended, after.scheduled_at) if ended is not None else None

    @property
    def paused(self) -> float:
        """The seconds in which it stood still."""
        return sum((end - begin).total_seconds() for begin, end in self.pauses)

    def is_redriven(self, number: int) -> bool:
        """True if a redrive, and no Retry, began a try."""
        if not self.pauses or not 1 < number <= len(self.attempts):
            return False
        before, after = self.attempts[number - 2 : number]
        first = before.scheduled_at
        again = after.scheduled_at
        return any(first <= begin and end <= again for begin, end in self.pauses)

    def as_of(self, last: int) -> "StateVisit":
        """Give the visit, with its attempts, as it was after the event of id `last`."""
        if self.changed_by <= last:
            return self
        tries = [a.as_of(last) for a in self.attempts if a.scheduled_id <= last]
        return replace(VersionedRow.as_of(self, last), attempts=tries)

    def ended_as(self, status: str, at: datetime) -> "StateVisit":
        """Give the visit as it is if it ends so, by no event of its history."""
        attempts = self.attempts
        if attempts and attempts[-1].status == "running":
            last = replace(attempts[-1], changes=[])
            attempts = [*attempts[:-1], end_attempt(last, status, at)]
        return replace(self, status=status, ended_at=at, attempts=attempts)


def end_attempt(attempt: Attempt, status: str, at: datetime, by: int = 0) -> Attempt:
    """End with its state a try that nothing will be heard of any more.

    One whose state succeeded without its own end being known: nor is when.
    """
    if attempt.status == "running":
        succeeded = status == "succeeded"
        told, ended_at = ("succeeded", None) if succeeded else ("aborted", at)
        attempt.change(by, status=told, ended_at=ended_at, ended_by=by)
    return attempt


FAILED = frozenset({"failed", "timed_out"})
"""The statuses of attempts and visits that went wrong."""
