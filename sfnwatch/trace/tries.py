"""An attempt being built from its events, as the walk comes by them."""

from datetime import datetime
from functools import lru_cache

from msgspec import Struct, field

from sfnwatch.trace.attempt_ids import Told
from sfnwatch.trace.attempts import FAMILIES, Attempt
from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.integrations import Integration, Pattern, integration, pattern_of
from sfnwatch.trace.payload import mapping_of, text_of
from sfnwatch.trace.values import replace

_ENDS = {"Succeeded": "succeeded", "TimedOut": "timed_out"}
_FAILURES = ("Failed", "ScheduleFailed", "StartFailed", "SubmitFailed")


class Phase(Struct, frozen=True):
    """What a type of event means to an attempt."""

    word: str
    """Scheduled, Started, Submitted, Succeeded, …"""
    opens: bool
    """True for the event a try begins with."""
    end: str | None
    """How it ends the try, if it does."""
    trouble: str | None
    """How its state will have ended, if nothing catches what went wrong."""


@lru_cache(maxsize=256)
def phase_of(event_type: str) -> Phase:
    """Read the type of one of an attempt's events."""
    word = event_type.removeprefix(
        next(family for family in FAMILIES if event_type.startswith(family))
    )
    end = _ENDS.get(word, "failed" if word in _FAILURES else None)
    timed_out = "timed_out" if event_type.endswith("TimedOut") else None
    failed = "failed" if event_type.endswith(_FAILURES) else None
    return Phase(word, event_type.endswith("Scheduled"), end, timed_out or failed)


def belongs_to_attempt(event_type: str) -> bool:
    """True for Task…, LambdaFunction… and Activity… events that are no state's."""
    return event_type.startswith(FAMILIES) and "State" not in event_type


class Try(Struct, eq=False):
    """An attempt that grows: see `Attempt`, whose fields these are."""

    visit_id: int
    scheduled_id: int
    scheduled_at: datetime
    resource_type: str | None
    resource: str | None
    pattern: Pattern
    integration: Integration | None
    role_arn: str | None
    region: str | None
    started_at: datetime | None = None
    submitted_at: datetime | None = None
    ended_at: datetime | None = None
    status: str = "running"
    error: str | None = None
    cause: str | None = None
    request_ids: dict[str, None] = field(default_factory=dict)
    resource_ids: dict[str, None] = field(default_factory=dict)
    stopped_at: datetime | None = None
    event_ids: dict[int, None] = field(default_factory=dict)
    known: Attempt | None = None
    """What it was last frozen to, until it changes."""

    def take(self, event: HistoryEvent, phase: Phase) -> None:
        """Take in one of the attempt's later events."""
        self.known = None
        self.event_ids[event.id] = None
        details = event.details
        self.resource_type = self.resource_type or text_of(details.get("resourceType"))
        self.resource = self.resource or text_of(details.get("resource"))
        told = Told(event) if "output" in details or "cause" in details else None
        if told is not None:
            self.request_ids.update(dict.fromkeys(told.request_ids()))
            ids = told.resource_ids(self.integration)
            self.resource_ids.update(dict.fromkeys(ids))
        if phase.word == "Started":
            self.started_at = event.timestamp
        elif phase.word == "Submitted":
            self.submitted_at = event.timestamp
        elif phase.end is not None:
            self.status, self.ended_at = phase.end, event.timestamp
            self.error, self.cause = event.detail("error"), event.detail("cause")
            self.stopped_at = None
            if told is not None and self.pattern is Pattern.SYNC:
                self.stopped_at = told.stopped_at(self.integration)

    def end(self, status: str, at: datetime) -> None:
        """End with its state a try that nothing will be heard of any more.

        One whose state succeeded without its own end being known: nor is when.
        """
        if self.status == "running":
            self.known = None
            if status == "succeeded":
                self.status = "succeeded"
            else:
                self.status, self.ended_at = "aborted", at

    def frozen(self) -> Attempt:
        """Give the attempt as it is now; the same one until something changes."""
        if self.known is None:
            self.known = Attempt(
                scheduled_id=self.scheduled_id,
                visit_id=self.visit_id,
                resource_type=self.resource_type,
                resource=self.resource,
                pattern=self.pattern,
                integration=self.integration,
                scheduled_at=self.scheduled_at,
                started_at=self.started_at,
                submitted_at=self.submitted_at,
                ended_at=self.ended_at,
                status=self.status,
                error=self.error,
                cause=self.cause,
                request_ids=tuple(self.request_ids),
                resource_ids=tuple(self.resource_ids),
                role_arn=self.role_arn,
                region=self.region,
                stopped_at=self.stopped_at,
                event_ids=tuple(self.event_ids),
            )
        return self.known

    def ended(self, status: str, at: datetime) -> Attempt:
        """Give the attempt as it is if its state ends so; it goes on by itself."""
        other = replace(self)
        other.end(status, at)
        return other.frozen()


def first(event: HistoryEvent, visit_id: int) -> Try:
    """Begin an attempt with its …Scheduled event.

    A …ScheduleFailed without one before it begins and ends an attempt at once.
    """
    resource_type, resource = event.detail("resourceType"), event.detail("resource")
    credentials = mapping_of(event.details.get("taskCredentials"))
    return Try(
        visit_id=visit_id,
        scheduled_id=event.id,
        scheduled_at=event.timestamp,
        resource_type=resource_type,
        resource=resource,
        pattern=_pattern(event, resource_type, resource),
        integration=integration_of(event),
        role_arn=text_of(credentials.get("roleArn")),
        region=event.detail("region"),
        event_ids={event.id: None},
    )


def begins(phase: Phase, before: list[Try]) -> bool:
    """True for the first that is heard of a try, after those `before`.

    Mostly its …Scheduled; where scheduling failed there may be none.
    """
    if phase.opens or not before:
        return True
    return before[-1].status != "running" and phase.word.endswith("ScheduleFailed")


def _pattern(
    event: HistoryEvent, resource_type: str | None, resource: str | None
) -> Pattern:
    if event.type.startswith("Activity"):
        return Pattern.ACTIVITY
    if event.type.startswith("LambdaFunction"):
        return Pattern.LAMBDA
    return pattern_of(resource_type or "", resource or "")


def integration_of(event: HistoryEvent) -> Integration | None:
    """Give the row of what an attempt's …Scheduled event calls."""
    if event.type.startswith("Activity"):
        return None
    if event.type.startswith("LambdaFunction"):
        return integration("lambda", "invoke")
    kind = event.detail("resourceType")
    return integration(kind, event.detail("resource") or "") if kind else None
