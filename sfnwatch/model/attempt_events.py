"""Reads an attempt's events: its ids, its phases, its error.

Ids are taken from the attempt's own events only. A state's input and output carry the
ids of earlier states too.
"""

import re
from functools import lru_cache
from typing import Any

from sfnwatch.model.history_event import Details, HistoryEvent
from sfnwatch.model.integrations import Pattern
from sfnwatch.model.task_resource import resource_of_event
from sfnwatch.model.times import maybe_time
from sfnwatch.model.values import mapping_of, parse_json, text_of
from sfnwatch.model.visits import Attempt

_FAMILIES = ("Task", "LambdaFunction", "Activity")
"""The beginnings of the types of an attempt's events."""
ATTEMPT_ENDS = {
    "Succeeded": "succeeded",
    "TimedOut": "timed_out",
    "Failed": "failed",
    "ScheduleFailed": "failed",
    "StartFailed": "failed",
    "SubmitFailed": "failed",
}
"""The status that an attempt ends with, by the phase of the event that ends it."""
_REQUEST_ID = re.compile(r"(?<!Extended )Request ID: ([^;,)\s]+)")
_QUOTED = re.compile(r"[{\[].*", re.DOTALL)
"""Matches a JSON document in a message and all after it: it may quote another error."""
_REQUEST_ID_HEADER = "x-amzn-requestid"


@lru_cache(maxsize=256)
def phase_of(event_type: str) -> str:
    """Return an event type's phase of its attempt: `Scheduled`, `Started`, `Failed`."""
    family = next(each for each in _FAMILIES if event_type.startswith(each))
    return event_type.removeprefix(family)


def belongs_to_attempt(event_type: str) -> bool:
    """True for Task…, LambdaFunction… and Activity… events, but not TaskState… ones."""
    return event_type.startswith(_FAMILIES) and "State" not in event_type


def begins_attempt(phase: str, before: list[Attempt]) -> bool:
    """True for the first event of a new attempt; `before` are the earlier attempts.

    It is mostly …Scheduled. Where scheduling failed, …ScheduleFailed may come without.
    """
    if phase == "Scheduled" or not before:
        return True
    return before[-1].status != "running" and phase == "ScheduleFailed"


def new_attempt(event: HistoryEvent, details: Details, visit_id: int) -> Attempt:
    """Return a new attempt, made from its …Scheduled event.

    A …ScheduleFailed event without …Scheduled begins and ends an attempt at once.
    """
    credentials = mapping_of(details.get("taskCredentials"))
    task_resource = resource_of_event(event.type, details)
    return Attempt(
        visit_id=visit_id,
        scheduled_id=event.id,
        scheduled_at=event.at,
        resource_type=task_resource.resource_type,
        resource=task_resource.resource,
        pattern=task_resource.pattern,
        integration=task_resource.integration,
        role_arn=text_of(credentials.get("roleArn")),
        region=text_of(details.get("region")),
    )


def take_attempt_event(
    attempt: Attempt, event: HistoryEvent, details: Details, phase: str
) -> None:
    """Change the attempt by one of its later events."""
    error = text_of(details.get("error"))
    cause = text_of(details.get("cause"))
    output = parse_json(details.get("output"))
    # A failed job's cause is often the description of the job itself, as JSON.
    job = output or parse_json(cause)
    row = attempt.integration
    if calls := _request_ids(own_message(attempt, cause), job):
        known = tuple(dict.fromkeys((*attempt.request_ids, *calls)))
        attempt.change(event.id, request_ids=known)
    if row and job and (jobs := [*row.job_ids(job)]):
        known = tuple(dict.fromkeys((*attempt.resource_ids, *jobs)))
        attempt.change(event.id, resource_ids=known)
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


def own_message(attempt: Attempt, cause: str | None) -> str:
    """Return the part of a cause that is about the attempt itself, without documents.

    A failed job's cause is a document, which may quote other causes: a failed child
    execution's cause has the child's request ids and sessions. Once a task token has
    been handed out, its holder can send any cause, so nothing of it counts.
    """
    if attempt.pattern is Pattern.TASK_TOKEN and attempt.submitted_by:
        return ""
    return _QUOTED.sub("", cause or "")


def _request_ids(message: str, answer: Any) -> list[str]:
    """Return the request ids of the action call; SDK integrations omit them in success.

    They stand at the top level of the answer, or of a cause that is an answer, or in
    the message the call failed with. Anywhere else they are quoted from another call.
    """
    request_ids: list[str] = _REQUEST_ID.findall(message)
    if request_ids:
        # The SDK appends the attempt's own request id to the service's message.
        return request_ids[-1:]
    metadata = mapping_of(mapping_of(answer).get("SdkResponseMetadata"))
    http = mapping_of(mapping_of(answer).get("SdkHttpMetadata"))
    headers = mapping_of(http.get("HttpHeaders")).items()
    named = (value for key, value in headers if key.lower() == _REQUEST_ID_HEADER)
    found = map(text_of, (metadata.get("RequestId"), *named))
    return [request_id for request_id in found if request_id]
