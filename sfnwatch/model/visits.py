"""The stays in states and the tries of a Task, as one execution's history tells them.

A visit is keyed by the id of its StateEntered event, never by the state's name: two
branches may hold states of the same name. Both rows are changed by the fold alone, and
both know what they were before each event: `as_of` gives that.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Self

from msgspec import Struct, field
from msgspec.structs import replace

from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.history import Details, HistoryEvent
from sfnwatch.model.integrations import Integration, Pattern, integration, pattern_of
from sfnwatch.model.values import mapping_of, maybe_time, parse_json, text_of, values_at

ROOT = "Main"
"""What every path begins with."""
Span = tuple[datetime, datetime]


class Changing(Struct):
    """A row that knows what it was: each change is noted, with the event it came by."""

    changes: list[tuple[int, str, Any]] = field(default_factory=list)
    """By which event, of which field, and what stood there before."""
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


class Attempt(Changing, kw_only=True):
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
    def answered_at(self) -> datetime:
        """When the action call had been answered: submitted, or for a plain call ended.

        While neither is there yet, the call still belongs to the start.
        """
        return (
            self.submitted_at or self.ended_at or self.started_at or self.scheduled_at
        )


class StateVisit(Changing, kw_only=True):
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
    error: str | None = None
    """An error that no attempt carries, such as a failed evaluation."""
    cause: str | None = None
    pauses: tuple[Span, ...] = ()
    """When it stood still: the execution was over, until a redrive."""
    changed_by: int = 0
    """The last event that changed it."""

    @property
    def running(self) -> bool:
        return self.ended_at is None

    @property
    def backoffs(self) -> tuple[Span, ...]:
        """The waits between one try's failure and the next try's scheduling."""
        waits = map(self.backoff_before, range(2, len(self.attempts) + 1))
        return tuple(wait for wait in waits if wait is not None)

    def backoff_before(self, number: int) -> Span | None:
        """Give the wait before a try, by its number from 1; a redrive is no retry."""
        if not 1 < number <= len(self.attempts) or self.is_redriven(number):
            return None
        ended, after = self.attempts[number - 2].ended_at, self.attempts[number - 1]
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
        return any(
            before.scheduled_at <= begin and end <= after.scheduled_at
            for begin, end in self.pauses
        )

    def as_of(self, last: int) -> "StateVisit":
        """Give the visit, with its attempts, as it was after the event of id `last`."""
        if self.changed_by <= last:
            return self
        tries = [a.as_of(last) for a in self.attempts if a.scheduled_id <= last]
        return replace(Changing.as_of(self, last), attempts=tries)

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


# -- what the events of an attempt tell of it ------------------------------------------
#
# Ids are taken from the attempt's own events only: what a state was given and what it
# passed on carry the ids of earlier states.

_FAMILIES = ("Task", "LambdaFunction", "Activity")
"""What the types of an attempt's events begin with."""
ATTEMPT_ENDS = {
    "Succeeded": "succeeded",
    "TimedOut": "timed_out",
    "Failed": "failed",
    "ScheduleFailed": "failed",
    "StartFailed": "failed",
    "SubmitFailed": "failed",
}
"""How an attempt ends, by the phase that an event tells of."""
_REQUEST_ID = re.compile(r"(?<!Extended )Request ID: ([^;,)\s]+)")
_REQUEST_ID_HEADER = "x-amzn-requestid"


@lru_cache(maxsize=256)
def phase_of(event_type: str) -> str:
    """Give an event's word for its attempt: `Scheduled`, `Started`, `Failed`."""
    family = next(each for each in _FAMILIES if event_type.startswith(each))
    return event_type.removeprefix(family)


def belongs_to_attempt(event_type: str) -> bool:
    """True for Task…, LambdaFunction… and Activity… events that are no state's."""
    return event_type.startswith(_FAMILIES) and "State" not in event_type


def begins_attempt(phase: str, before: list[Attempt]) -> bool:
    """True for the first that is heard of an attempt, after those `before`.

    Mostly its …Scheduled; where scheduling failed there may be none.
    """
    if phase == "Scheduled" or not before:
        return True
    return before[-1].status != "running" and phase == "ScheduleFailed"


def new_attempt(event: HistoryEvent, details: Details, visit_id: int) -> Attempt:
    """Begin an attempt with its …Scheduled event.

    A …ScheduleFailed without one before it begins and ends an attempt at once.
    """
    credentials = mapping_of(details.get("taskCredentials"))
    pattern, row = _integrated(event.type, details)
    return Attempt(
        visit_id=visit_id,
        scheduled_id=event.id,
        scheduled_at=event.at,
        resource_type=text_of(details.get("resourceType")),
        resource=text_of(details.get("resource")),
        pattern=pattern,
        integration=row,
        role_arn=text_of(credentials.get("roleArn")),
        region=text_of(details.get("region")),
        event_ids=[event.id],
    )


def integration_of(event_type: str, details: Details) -> Integration | None:
    """Give the row of what an attempt's …Scheduled event calls."""
    return _integrated(event_type, details)[1]


def _integrated(
    event_type: str, details: Details
) -> tuple[Pattern, Integration | None]:
    if event_type.startswith("Activity"):
        return Pattern.ACTIVITY, None
    if event_type.startswith("LambdaFunction"):
        return Pattern.LAMBDA, integration("lambda", "invoke")
    kind = text_of(details.get("resourceType")) or ""
    resource = text_of(details.get("resource")) or ""
    row = integration(kind, resource) if kind else None
    return pattern_of(kind, resource), row


def take_attempt_event(
    attempt: Attempt, event: HistoryEvent, details: Details, phase: str
) -> None:
    """Take in one of the attempt's later events."""
    attempt.event_ids.append(event.id)
    error, cause = text_of(details.get("error")), text_of(details.get("cause"))
    output = parse_json(details.get("output"))
    # The cause of a failed job is often the job itself, as JSON.
    job, row = output or parse_json(cause), attempt.integration
    paths = row.id_paths if row else ()
    jobs = (each for path in paths for each in values_at(job, path))
    calls = _request_ids(cause, output)
    attempt.change(
        event.id,
        request_ids=tuple(dict.fromkeys((*attempt.request_ids, *calls))),
        resource_ids=tuple(dict.fromkeys((*attempt.resource_ids, *jobs))),
    )
    if phase == "Started" and not attempt.started_by:
        attempt.change(event.id, started_at=event.at, started_by=event.id)
    elif phase == "Submitted" and not attempt.submitted_by:
        attempt.change(event.id, submitted_at=event.at, submitted_by=event.id)
    elif phase in ATTEMPT_ENDS:
        key = row.stop_key if row and attempt.pattern is Pattern.SYNC else None
        stopped = mapping_of(job).get(key) if key else None
        stopped_at = maybe_time(stopped) if isinstance(stopped, int | float) else None
        attempt.change(
            event.id,
            status=ATTEMPT_ENDS[phase],
            ended_at=event.at,
            ended_by=event.id,
            error=error,
            cause=cause,
            stopped_at=stopped_at,
        )


def _request_ids(cause: str | None, output: Any) -> list[str]:
    """Find the ids AWS gave the action call; SDK integrations hide it in success."""
    if cause:
        return _REQUEST_ID.findall(cause)
    metadata = mapping_of(mapping_of(output).get("SdkResponseMetadata"))
    http = mapping_of(mapping_of(output).get("SdkHttpMetadata"))
    headers = mapping_of(http.get("HttpHeaders")).items()
    named = (value for key, value in headers if key.lower() == _REQUEST_ID_HEADER)
    found = map(text_of, (metadata.get("RequestId"), *named))
    return [request_id for request_id in found if request_id]


# -- ends that no event tells ----------------------------------------------------------

ENDED_AS = {"Failed": "aborted", "Aborted": "aborted", "TimedOut": "timed_out"}
"""How an execution's end ends what still ran, unless it is what failed."""


def ends_with_execution(
    running: Sequence[StateVisit],
    ending: str,
    failing: Sequence[StateVisit],
    lineage: Mapping[int, StateVisit],
) -> dict[int, str]:
    """Say how what runs ended with the execution: Succeeded, Failed, Aborted, TimedOut.

    Of one that succeeded nothing runs by then: the ends of what is open are not among
    the records. What failed is known from the event before; else it is what is in
    trouble. `lineage` has the visits by their ids, to find what is around one.
    """
    if ending == "Succeeded":
        return {visit.id: _unseen_end(visit, lineage) for visit in running}
    if ending not in ENDED_AS:
        return {}
    if ending != "Failed":
        # It came from outside: nothing in the execution failed.
        return dict.fromkeys((visit.id for visit in running), ENDED_AS[ending])
    failing = failing or [visit for visit in running if visit.trouble]
    return ends_around(running, failing)


def ends_around(
    visits: Sequence[StateVisit], failing: Sequence[StateVisit]
) -> dict[int, str]:
    """Have those around the failing event fail, and all else be aborted.

    The trouble of others does not count: a Task that waits to be tried again is
    aborted, not failed.
    """
    blamed = {visit.id: visit.trouble or "failed" for visit in failing}
    return {visit.id: blamed.get(visit.id, "aborted") for visit in visits}


def _unseen_end(visit: StateVisit, lineage: Mapping[int, StateVisit]) -> str:
    """Say how a visit ended whose end is missing, the execution having succeeded.

    Its failure was caught, or else that of what is around it, which aborts the rest.
    """
    lost, outer = False, lineage.get(visit.parent or 0)
    while outer is not None:
        lost = lost or bool(outer.trouble)
        outer = lineage.get(outer.parent or 0)
    if visit.type == "Fail":
        return "failed"
    if visit.trouble:
        return visit.trouble if lost else "caught"
    return "aborted" if lost else "succeeded"
