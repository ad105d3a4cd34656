"""What the events of an attempt tell of it: its ids, its phases, its error."""

import re
from functools import lru_cache
from typing import Any

from sfnwatch.model.history_event import Details, HistoryEvent
from sfnwatch.model.integrations import Integration, Pattern, integration, pattern_of
from sfnwatch.model.times import maybe_time
from sfnwatch.model.values import mapping_of, parse_json, text_of
from sfnwatch.model.visits import Attempt

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
_QUOTED = re.compile(r"[{\[].*", re.DOTALL)
"""A document in a message, and what follows it: it may quote another error."""
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
    error = text_of(details.get("error"))
    cause = text_of(details.get("cause"))
    output = parse_json(details.get("output"))
    # The cause of a failed job is often the job itself, as JSON.
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
    """Give what a cause says of the attempt itself, without what it quotes.

    A failed job's cause is a document, which may hold the causes of others: a failed
    child execution's has the child's request ids and sessions. Once the token is out,
    the cause is whatever its holder sends.
    """
    if attempt.pattern is Pattern.TASK_TOKEN and attempt.submitted_by:
        return ""
    return _QUOTED.sub("", cause or "")


def _request_ids(message: str, answer: Any) -> list[str]:
    """Find the ids AWS gave the action call; SDK integrations hide it in success.

    They stand at the top of the answer, or of the cause that is one, or in the message
    the call failed with. What else holds such words quotes another call.
    """
    request_ids: list[str] = _REQUEST_ID.findall(message)
    if request_ids:
        # The SDK puts the attempt's own behind the service's words.
        return request_ids[-1:]
    metadata = mapping_of(mapping_of(answer).get("SdkResponseMetadata"))
    http = mapping_of(mapping_of(answer).get("SdkHttpMetadata"))
    headers = mapping_of(http.get("HttpHeaders")).items()
    named = (value for key, value in headers if key.lower() == _REQUEST_ID_HEADER)
    found = map(text_of, (metadata.get("RequestId"), *named))
    return [request_id for request_id in found if request_id]
