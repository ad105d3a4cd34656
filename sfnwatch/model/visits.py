"""The visits to states, and the attempts of a Task.

A visit's key is the id of its StateEntered event, never the state's name, since two
branches may hold states of the same name. Only the fold changes visits and attempts.
Both remember what they were before each event: `as_of` returns that.
"""

from bisect import bisect_right
from datetime import datetime
from typing import Any, Self

from msgspec import Struct, field
from msgspec.structs import replace

from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.integrations import Integration, Pattern

ROOT = "Main"
"""The beginning of every visit's path."""
Stretch = tuple[datetime, datetime]
VisitKey = tuple[str, int]
"""An execution's ARN, and the id of a visit in it."""


class VersionedRow(Struct):
    """A row that remembers its earlier values: each change is kept with its event."""

    changes: list[tuple[int, str, Any]] = field(default_factory=list)
    """Each change: the id of its event, the field, and the value before."""
    event_ids: list[int] = field(default_factory=list)
    """The ids of the events that belong to the row."""

    def change(self, by: int, **values: Any) -> None:
        """Change fields by an event; `by` is the event's id, or 0 for no event."""
        for name, value in values.items():
            before = getattr(self, name)
            if value != before:
                self.changes.append((by, name, before))
                setattr(self, name, value)

    def as_of(self, last: int) -> Self:
        """Return the row as it was after the event with the id `last`."""
        before = {name: old for by, name, old in reversed(self.changes) if by > last}
        ids = self.event_ids[: bisect_right(self.event_ids, last)]
        return replace(self, event_ids=ids, changes=[], **before)


class Attempt(VersionedRow, kw_only=True):
    """One try of a Task, which begins with a …Scheduled event, as each retry does.

    `scheduled_id`, the id of that event, is the attempt's key within the execution.
    """

    scheduled_id: int
    visit_id: int
    resource_type: str | None
    """None for activities and for Lambda functions named by their ARN."""
    resource: str | None
    pattern: Pattern
    integration: Integration | None
    """None for an activity, which calls nothing, and where the details are absent."""
    scheduled_at: datetime
    role_arn: str | None = None
    """The role in the state's `Credentials`; None without them."""
    region: str | None = None
    started_at: datetime | None = None
    started_by: int = 0
    """The id of its …Started event; 0 without one."""
    submitted_at: datetime | None = None
    submitted_by: int = 0
    ended_at: datetime | None = None
    ended_by: int = 0
    """The id of the event that ended it; 0 while it runs, and without such an event."""
    status: str = "running"
    """running, succeeded, failed, timed_out or aborted. An aborted attempt may still
    get an event for its own end."""
    error: str | None = None
    cause: str | None = None
    stopped_at: datetime | None = None
    """When the job itself ended, from its own answer or from an event of ECS; None
    where neither has it."""
    request_ids: tuple[str, ...] = ()
    """The ids of the action call's requests, from its answer or the cause it failed
    with."""
    resource_ids: tuple[str, ...] = ()
    """The job's ids: task ARN, job id, …, as the integration defines them."""
    told_by: TaskState | None = None
    """ECS's report of the job's end, where the job's own answer lacks it. It is set
    only on attempts that are returned as of a time."""

    @property
    def request_id(self) -> str | None:
        return next(iter(self.request_ids), None)

    @property
    def job_told_by(self) -> int:
        """The id of the event that first has an id of its job; 0 where none has."""
        changes = (by for by, name, _ in self.changes if name == "resource_ids")
        return next(changes, 0)

    @property
    def answered_at(self) -> datetime:
        """When the action call was answered: submitted or, for a plain call, ended.

        Without either, it is the time of its start or of its scheduling.
        """
        answered_at = self.submitted_at or self.ended_at
        return answered_at or self.started_at or self.scheduled_at


class StateVisit(VersionedRow, kw_only=True):
    """One visit to a state, from entering to leaving it."""

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
    """The number of the Parallel's branch, or the Map's iteration, that it runs in."""
    entered_at: datetime
    exited_at: datetime | None = None
    """None while it runs. It stays None after a failure that nothing caught: such a
    state has no StateExited event."""
    ended_at: datetime | None = None
    """When it ended, in whatever way; None while it runs."""
    ended_by: int = 0
    """The id of the event that ended it, which for a state that was left is its
    StateExited event; 0 without such an event."""
    status: str = "running"
    """running, succeeded, failed, caught, aborted or timed_out."""
    trouble: str | None = None
    """The status it would end with if its failure is not caught: `failed`, `timed_out`.
    None without a failure."""
    attempts: list[Attempt] = field(default_factory=list)
    starts: tuple[int, ...] = ()
    """The ids of the events that started a Map or Parallel: the first, and one for each
    retry. A start by a redrive is left out."""
    error: str | None = None
    """An error that no attempt carries, such as a failed evaluation."""
    cause: str | None = None
    pauses: tuple[Stretch, ...] = ()
    """When it stood still: from the execution's end to a redrive."""
    changed_by: int = 0
    """The id of the last event that changed it."""

    @property
    def running(self) -> bool:
        return self.ended_at is None

    def attempt(self, scheduled_id: int | None) -> Attempt | None:
        found = [a for a in self.attempts if a.scheduled_id == scheduled_id]
        return found[0] if found else None

    @property
    def troubled_by(self) -> int:
        """The id of the event that last changed its `trouble`; else `ended_by`."""
        changes = ((by, name) for by, name, _ in reversed(self.changes))
        return next((by for by, name in changes if name == "trouble"), self.ended_by)

    @property
    def backoffs(self) -> tuple[Stretch, ...]:
        """The waits between a try's end and the scheduling of the next try."""
        waits = map(self.backoff_before, range(2, len(self.attempts) + 1))
        return tuple(filter(None, waits))

    def backoff_before(self, number: int) -> Stretch | None:
        """Return the wait before a try, by its number from 1.

        None for the first try, for one that a redrive began, and where the end of the
        try before is not known.
        """
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
        """True if a redrive began the try, not a Retry; `number` counts from 1."""
        if not self.pauses or not 1 < number <= len(self.attempts):
            return False
        before, after = self.attempts[number - 2 : number]
        first = before.scheduled_at
        again = after.scheduled_at
        return any(first <= begin and end <= again for begin, end in self.pauses)

    def as_of(self, last: int) -> "StateVisit":
        """Return the visit and its attempts as they were after the event `last`."""
        if self.changed_by <= last:
            return self
        tries = [a.as_of(last) for a in self.attempts if a.scheduled_id <= last]
        return replace(VersionedRow.as_of(self, last), attempts=tries)

    def ended_as(self, status: str, at: datetime) -> "StateVisit":
        """Return a copy of the visit that has ended so, by no event of its history."""
        attempts = self.attempts
        if attempts and attempts[-1].status == "running":
            last = replace(attempts[-1], changes=[])
            attempts = [*attempts[:-1], end_attempt(last, status, at)]
        return replace(self, status=status, ended_at=at, attempts=attempts)


def end_attempt(attempt: Attempt, status: str, at: datetime, by: int = 0) -> Attempt:
    """End an attempt together with its state, if it still runs; return the attempt.

    If the state succeeded, so did the attempt, but the time of its end is not known.
    Otherwise the attempt was aborted at `at`.
    """
    if attempt.status == "running":
        succeeded = status == "succeeded"
        told, ended_at = ("succeeded", None) if succeeded else ("aborted", at)
        attempt.change(by, status=told, ended_at=ended_at, ended_by=by)
    return attempt


FAILED = frozenset({"failed", "timed_out"})
"""The statuses of attempts and visits that went wrong."""
