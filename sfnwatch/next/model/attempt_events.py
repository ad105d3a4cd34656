"""What the events of an attempt tell of it: its phases, its ids, when its job stopped.

Ids are taken from the attempt's own events only: what a state was given and what it
passed on carry the ids of earlier states.
"""

import re
from datetime import datetime
from functools import lru_cache
from typing import Any

from msgspec import Struct

from sfnwatch.next.model.history import Details, HistoryEvent
from sfnwatch.next.model.integrations import (
    Integration,
    Pattern,
    integration,
    pattern_of,
)
from sfnwatch.next.model.json_text import mapping_of, parse_json, text_of, values_at
from sfnwatch.next.model.times import maybe_time
from sfnwatch.next.model.visits import Attempt, AttemptEnd

FAMILIES = ("Task", "LambdaFunction", "Activity")
"""What the types of an attempt's events begin with."""
_ENDS = {"Succeeded": "succeeded", "TimedOut": "timed_out"}
_FAILURES = ("Failed", "ScheduleFailed", "StartFailed", "SubmitFailed")
_REQUEST_ID = re.compile(r"(?<!Extended )Request ID: ([^;,)\s]+)")
_REQUEST_ID_HEADER = "x-amzn-requestid"


class AttemptPhase(Struct, frozen=True):
    """What a type of event means to an attempt."""

    word: str
    """Scheduled, Started, Submitted, Succeeded, …"""
    opens: bool
    """True for the event an attempt begins with."""
    end: str | None
    """How it ends the attempt, if it does."""
    trouble: str | None
    """How its state will have ended, if nothing catches what went wrong."""


@lru_cache(maxsize=256)
def phase_of(event_type: str) -> AttemptPhase:
    """Read the type of one of an attempt's events."""
    word = event_type.removeprefix(
        next(family for family in FAMILIES if event_type.startswith(family))
    )
    end = _ENDS.get(word, "failed" if word in _FAILURES else None)
    timed_out = "timed_out" if event_type.endswith("TimedOut") else None
    failed = "failed" if event_type.endswith(_FAILURES) else None
    return AttemptPhase(
        word, event_type.endswith("Scheduled"), end, timed_out or failed
    )


def belongs_to_attempt(event_type: str) -> bool:
    """True for Task…, LambdaFunction… and Activity… events that are no state's."""
    return event_type.startswith(FAMILIES) and "State" not in event_type


def begins_attempt(phase: AttemptPhase, before: list[Attempt]) -> bool:
    """True for the first that is heard of an attempt, after those `before`.

    Mostly its …Scheduled; where scheduling failed there may be none.
    """
    if phase.opens or not before:
        return True
    return before[-1].status != "running" and phase.word.endswith("ScheduleFailed")


def new_attempt(event: HistoryEvent, details: Details, visit_id: int) -> Attempt:
    """Begin an attempt with its …Scheduled event.

    A …ScheduleFailed without one before it begins and ends an attempt at once.
    """
    resource_type = text_of(details.get("resourceType"))
    resource = text_of(details.get("resource"))
    credentials = mapping_of(details.get("taskCredentials"))
    return Attempt(
        visit_id=visit_id,
        scheduled_id=event.id,
        scheduled_at=event.at,
        resource_type=resource_type,
        resource=resource,
        pattern=_pattern(event.type, resource_type or "", resource or ""),
        integration=integration_of(event.type, details),
        role_arn=text_of(credentials.get("roleArn")),
        region=text_of(details.get("region")),
        event_ids=[event.id],
    )


def _pattern(event_type: str, resource_type: str, resource: str) -> Pattern:
    if event_type.startswith("Activity"):
        return Pattern.ACTIVITY
    if event_type.startswith("LambdaFunction"):
        return Pattern.LAMBDA
    return pattern_of(resource_type, resource)


def integration_of(event_type: str, details: Details) -> Integration | None:
    """Give the row of what an attempt's …Scheduled event calls."""
    if event_type.startswith("Activity"):
        return None
    if event_type.startswith("LambdaFunction"):
        return integration("lambda", "invoke")
    kind = text_of(details.get("resourceType"))
    return integration(kind, text_of(details.get("resource")) or "") if kind else None


def take_attempt_event(
    attempt: Attempt, event: HistoryEvent, details: Details, phase: AttemptPhase
) -> None:
    """Take in one of the attempt's later events."""
    attempt.event_ids.append(event.id)
    payload = _Payload(details)
    for request_id in payload.request_ids():
        attempt.request_ids.setdefault(request_id, event.id)
    for resource_id in payload.resource_ids(attempt.integration):
        attempt.resource_ids.setdefault(resource_id, event.id)
    if phase.word == "Started" and not attempt.started_by:
        attempt.started_at, attempt.started_by = event.at, event.id
    elif phase.word == "Submitted" and not attempt.submitted_by:
        attempt.submitted_at, attempt.submitted_by = event.at, event.id
    elif phase.end is not None:
        error, cause = text_of(details.get("error")), text_of(details.get("cause"))
        waits = attempt.pattern is Pattern.SYNC
        stopped_at = payload.stopped_at(attempt.integration) if waits else None
        told = phase.end, event.at, error, cause, stopped_at
        attempt.ends.append(AttemptEnd(event.id, *told))


class _Payload:
    """The output or the cause of one event."""

    def __init__(self, details: Details) -> None:
        self._cause = text_of(details.get("cause"))
        self._output = parse_json(details.get("output"))

    def request_ids(self) -> list[str]:
        """Find the id AWS gave the action call; SDK integrations hide it in success."""
        if self._cause:
            return _REQUEST_ID.findall(self._cause)
        output = mapping_of(self._output)
        metadata = mapping_of(output.get("SdkResponseMetadata"))
        http = mapping_of(output.get("SdkHttpMetadata"))
        found = [metadata.get("RequestId")] if metadata else []
        if http:
            headers = mapping_of(http.get("HttpHeaders")).items()
            found += [v for key, v in headers if key.lower() == _REQUEST_ID_HEADER]
        return [value for value in map(text_of, found) if value]

    def resource_ids(self, row: Integration | None) -> list[str]:
        """Find the job's id, as the integration's row says where it lies."""
        if row is None or not row.id_paths:
            return []
        body = self._body()
        return [value for path in row.id_paths for value in values_at(body, path)]

    def stopped_at(self, row: Integration | None) -> datetime | None:
        """When the job stopped by its own clock, as the row says where."""
        if row is None or row.stop_key is None:
            return None
        stopped = mapping_of(self._body()).get(row.stop_key)
        return maybe_time(stopped) if isinstance(stopped, int | float) else None

    def _body(self) -> Any:
        """The cause of a failed job is often the job itself, as JSON."""
        return self._output or parse_json(self._cause)
