"""One try of a Task: from scheduled, over started and submitted, to its end.

A retry schedules anew without entering the state again, so a visit has one attempt
for each …Scheduled event. Ids are taken from the attempt's own events only: what a
state was given and what it passed on carry the ids of earlier states.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.integrations import Integration, Pattern, integration, pattern_of
from sfnwatch.trace.payload import mapping_of, parse_json, text_of, values_at
from sfnwatch.trace.times import maybe_time

FAMILIES = ("Task", "LambdaFunction", "Activity")
"""What the types of an attempt's events begin with."""

_ENDS = {"Succeeded": "succeeded", "TimedOut": "timed_out"}
_FAILURES = ("Failed", "ScheduleFailed", "StartFailed", "SubmitFailed")
_REQUEST_ID = re.compile(r"(?<!Extended )Request ID: ([^;,)\s]+)")
_REQUEST_ID_HEADER = "x-amzn-requestid"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try under Retry; `scheduled_id` is its key within the execution."""

    scheduled_id: int
    visit_id: int
    resource_type: str | None
    """None for activities and for Lambda functions named by their ARN."""
    resource: str | None
    pattern: Pattern
    integration: Integration | None
    """None for activities, which call nothing, and where the details are absent."""
    scheduled_at: datetime
    started_at: datetime | None = None
    submitted_at: datetime | None = None
    ended_at: datetime | None = None
    status: str = "running"
    """running, succeeded, failed, timed_out or aborted."""
    error: str | None = None
    cause: str | None = None
    request_ids: tuple[str, ...] = ()
    """Of the action call: in its answer's metadata, or in the cause it failed with."""
    resource_ids: tuple[str, ...] = ()
    """Task ARN, job id, …, as the integration's row says."""
    role_arn: str | None = None
    """The role of its own credentials, where the state has some."""
    region: str | None = None
    stopped_at: datetime | None = None
    """When the job itself ended, where its own answer says, or an event of ECS's."""
    told_by: str = ""
    """The key of what ECS told; empty where the answer itself says."""
    event_ids: tuple[int, ...] = ()

    @property
    def request_id(self) -> str | None:
        return self.request_ids[0] if self.request_ids else None


def belongs_to_attempt(event_type: str) -> bool:
    """True for Task…, LambdaFunction… and Activity… events that are no state's."""
    return event_type.startswith(FAMILIES) and "State" not in event_type


def opens(event: HistoryEvent) -> bool:
    """True for the event a try begins with."""
    return event.type.endswith("Scheduled")


def begins(event: HistoryEvent, before: Sequence[Attempt]) -> bool:
    """True for the first that is heard of a try, after those `before`.

    Mostly its …Scheduled; where scheduling failed there may be none.
    """
    if opens(event) or not before:
        return True
    return before[-1].status != "running" and event.type.endswith("ScheduleFailed")


def failed(event: HistoryEvent) -> bool:
    return event.type.endswith((*_FAILURES, "TimedOut"))


def first(event: HistoryEvent, visit_id: int) -> Attempt:
    """Begin an attempt with its …Scheduled event.

    A …ScheduleFailed without one before it begins and ends an attempt at once.
    """
    resource_type = event.detail("resourceType")
    resource = event.detail("resource")
    credentials = mapping_of(event.details.get("taskCredentials"))
    return Attempt(
        scheduled_id=event.id,
        visit_id=visit_id,
        resource_type=resource_type,
        resource=resource,
        pattern=_pattern(event, resource_type, resource),
        integration=_integration(event, resource_type, resource),
        scheduled_at=event.timestamp,
        role_arn=text_of(credentials.get("roleArn")),
        region=event.detail("region"),
        event_ids=(event.id,),
    )


def _pattern(
    event: HistoryEvent, resource_type: str | None, resource: str | None
) -> Pattern:
    if event.type.startswith("Activity"):
        return Pattern.ACTIVITY
    if event.type.startswith("LambdaFunction"):
        return Pattern.LAMBDA
    return pattern_of(resource_type or "", resource or "")


def _integration(
    event: HistoryEvent, resource_type: str | None, resource: str | None
) -> Integration | None:
    if event.type.startswith("Activity"):
        return None
    if event.type.startswith("LambdaFunction"):
        return integration("lambda", "invoke")
    return integration(resource_type, resource or "") if resource_type else None


def grow(attempt: Attempt, event: HistoryEvent) -> Attempt:
    """Take in one of the attempt's later events."""
    phase = event.type.removeprefix(
        next(family for family in FAMILIES if event.type.startswith(family))
    )
    return replace(
        attempt,
        event_ids=tuple(dict.fromkeys((*attempt.event_ids, event.id))),
        resource_type=attempt.resource_type or event.detail("resourceType"),
        resource=attempt.resource or event.detail("resource"),
        request_ids=_union(attempt.request_ids, _request_ids(event)),
        resource_ids=_union(attempt.resource_ids, _resource_ids(attempt, event)),
        **_progress(attempt, event, phase),
    )


def _progress(attempt: Attempt, event: HistoryEvent, phase: str) -> dict[str, Any]:
    """Say which fields a phase changes."""
    if phase == "Started":
        return {"started_at": event.timestamp}
    if phase == "Submitted":
        return {"submitted_at": event.timestamp}
    if phase not in _ENDS and phase not in _FAILURES:
        return {}
    return {
        "status": _ENDS.get(phase, "failed"),
        "ended_at": event.timestamp,
        "error": event.detail("error"),
        "cause": event.detail("cause"),
        "stopped_at": _stopped_at(attempt, event),
    }


def abort(attempt: Attempt, at: datetime) -> Attempt:
    """End a try that nothing will be heard of any more."""
    if attempt.status != "running":
        return attempt
    return replace(attempt, status="aborted", ended_at=at)


def succeed(attempt: Attempt) -> Attempt:
    """End a try whose state succeeded without its own end being known: nor is when."""
    if attempt.status != "running":
        return attempt
    return replace(attempt, status="succeeded")


def _union(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*old, *new))) if new else old


def _request_ids(event: HistoryEvent) -> tuple[str, ...]:
    """Find the id AWS gave the action call; SDK integrations hide it in success."""
    cause = event.detail("cause")
    if cause:
        return tuple(_REQUEST_ID.findall(cause))
    output = mapping_of(parse_json(event.details.get("output")))
    metadata = mapping_of(output.get("SdkResponseMetadata"))
    found = [text_of(metadata.get("RequestId"))]
    headers = mapping_of(mapping_of(output.get("SdkHttpMetadata")).get("HttpHeaders"))
    found += [
        text_of(value)
        for key, value in headers.items()
        if key.lower() == _REQUEST_ID_HEADER
    ]
    return tuple(dict.fromkeys(value for value in found if value))


def _resource_ids(attempt: Attempt, event: HistoryEvent) -> tuple[str, ...]:
    """Find the job's id, as the integration's row says where it lies.

    The cause of a failed job is often the job itself, as JSON.
    """
    row = attempt.integration
    if row is None or not row.id_paths:
        return ()
    body = parse_json(event.details.get("output")) or parse_json(event.detail("cause"))
    found = (value for path in row.id_paths for value in values_at(body, path))
    return tuple(dict.fromkeys(found))


def _stopped_at(attempt: Attempt, event: HistoryEvent) -> datetime | None:
    """When the job stopped by its own clock, as the integration's row says where."""
    row = attempt.integration
    if attempt.pattern is not Pattern.SYNC or row is None or row.stop_key is None:
        return None
    body = parse_json(event.details.get("output")) or parse_json(event.detail("cause"))
    stopped = mapping_of(body).get(row.stop_key)
    return maybe_time(stopped) if isinstance(stopped, int | float) else None
