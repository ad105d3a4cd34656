"""One try of a Task: from scheduled, over started and submitted, to its end.

A retry schedules anew without entering the state again, so a visit has one attempt
for each …Scheduled event.
"""

from datetime import datetime

from msgspec import Struct

from sfnwatch.trace.integrations import Integration, Pattern

FAMILIES = ("Task", "LambdaFunction", "Activity")
"""What the types of an attempt's events begin with."""


class Attempt(Struct, frozen=True):
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
