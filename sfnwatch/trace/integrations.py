"""What Step Functions calls for each of its integrations.

History names one by `resourceType` and `resource`: `ecs` and `runTask.sync`, or
`aws-sdk:ecs` and `runTask`. A Lambda function named by its own ARN is an Invoke like
the optimised one; an activity is asked for work and calls nothing.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache

from msgspec import Struct

from sfnwatch.trace.integration_names import (
    EVENT_NAMES,
    SOURCES,
    Unrecorded,
    unrecorded,
)
from sfnwatch.trace.integration_rows import ROWS, Row


class Pattern(StrEnum):
    """How a Task state uses the service it calls."""

    SYNC = "sync"
    """`.sync`, `.sync:2`: run a job and wait for its end."""
    TASK_TOKEN = "waitForTaskToken"  # noqa: S105 - AWS's name of the pattern
    REQUEST_RESPONSE = "request-response"
    AWS_SDK = "aws-sdk"
    LAMBDA = "lambda"
    """A Lambda function's ARN as the resource, the oldest form."""
    ACTIVITY = "activity"


class CallRole(StrEnum):
    """What a call was for."""

    ACTION = "action"
    POLL = "poll"
    STOP = "stop"
    OTHER = "other"


class Integration(Struct, frozen=True):
    """One row: an action of a service, and what CloudTrail shows of it."""

    resource_type: str
    action: str
    event_source: str
    action_event: str
    poll_events: tuple[str, ...] = ()
    stop_events: tuple[str, ...] = ()
    beside: tuple[tuple[str, str], ...] = ()
    """Other calls that go with the action, each an event source and a name."""
    managed_rule: str | None = None
    """The EventBridge rule that tells Step Functions of the end, if there is one."""
    id_paths: tuple[str, ...] = ()
    """Where the job's id lies in the output of the task's own events."""
    id_word: str = "id"
    """What people call that id: `task ARN`, `job id`."""
    stop_key: str | None = None
    """Where the job's own answer says when it stopped, in epoch milliseconds; None
    where no recording shows that it does."""
    starts_job: bool = False
    """True if its action begins something that goes on after the answer."""
    unrecorded: Unrecorded | None = None
    """Why LookupEvents can't show its action; None where it can."""

    @property
    def recorded(self) -> bool:
        """False for data events and calls that are none of AWS's."""
        return self.unrecorded is None

    @property
    def event_sources(self) -> tuple[str, ...]:
        """The services to ask LookupEvents for on its account."""
        return self._sources(own=self.recorded)

    @property
    def trail_sources(self) -> tuple[str, ...]:
        """The services to ask a trail for: it may be set to log data events too.

        The one of an HTTP task names no role, and so nobody whose it could be.
        """
        return self._sources(own=self.unrecorded in {None, Unrecorded.DATA_EVENT})

    def _sources(self, *, own: bool) -> tuple[str, ...]:
        beside = (source for source, _ in self.beside)
        return (self.event_source, *beside) if own else tuple(beside)

    @property
    def job_word(self) -> str:
        """Say what the job is to people: a task, a build, an execution."""
        return self.id_word.rpartition(" ")[0] or "job"

    def role_of(self, event_name: str) -> CallRole:
        name = unversioned(event_name)
        if name == self.action_event:
            return CallRole.ACTION
        if name in self.poll_events:
            return CallRole.POLL
        return CallRole.STOP if name in self.stop_events else CallRole.OTHER


def _from_row(row: Row) -> Integration:
    event, polls, stops = (part.split() for part in row.names.split("/"))
    return Integration(
        resource_type=row.service,
        action=row.action,
        event_source=_domain(row.service),
        action_event=event[0],
        poll_events=tuple(polls),
        stop_events=tuple(stops),
        managed_rule=f"StepFunctionsGetEvent{row.rule}" if row.rule else None,
        id_paths=tuple(row.ids.split()),
        id_word=row.word,
        stop_key=row.stop,
        starts_job=True,
    )


def _domain(service: str) -> str:
    return f"{service}.amazonaws.com"


TABLE: tuple[Integration, ...] = tuple(map(_from_row, ROWS))
_BY_ACTION = {(row.resource_type, row.action): row for row in TABLE}
_BY_SOURCE = {
    (row.event_source, name): row
    for row in reversed(TABLE)
    for name in (*row.stop_events, *row.poll_events, row.action_event)
}

_HTTP = Integration(
    resource_type="http",
    action="invoke",
    event_source=_domain("states"),
    action_event="InvokeHTTPEndpoint",
    # What authorises the request lies in the EventBridge connection's secret, and the
    # role reads that: all that Event history has of an HTTP task.
    beside=((_domain("secretsmanager"), "GetSecretValue"),),
    unrecorded=Unrecorded.HTTP,
)
_RUN_JOB = ("eks", "runJob")
"""A job too, though Kubernetes runs it: no API of AWS's tells of it."""
_SDK = "aws-sdk"
_VERSION = re.compile(r"\d{8}(v\d+)?$")


@lru_cache(maxsize=1024)
def unversioned(event_name: str) -> str:
    """Drop the API version some services append: `GetFunction20150331v2`."""
    return _VERSION.sub("", event_name)


def pattern_of(resource_type: str, resource: str) -> Pattern:
    """Tell the pattern of a Task from its own event's two names."""
    suffix = _suffix(resource)
    if suffix == "waitForTaskToken":
        return Pattern.TASK_TOKEN
    if suffix.startswith("sync"):
        return Pattern.SYNC
    if resource_type.partition(":")[0] == _SDK:
        return Pattern.AWS_SDK
    return Pattern.REQUEST_RESPONSE


def _suffix(resource: str) -> str:
    return resource.partition(".")[2]


@lru_cache(maxsize=1024)
def integration(resource_type: str, resource: str) -> Integration:
    """Find the row of `resourceType` and `resource`, or make one for a plain call.

    An action outside the table is called and no more: its event has its name with
    a capital, and there is nothing to poll; a `.sync` that is not in it runs some job
    all the same. An `aws-sdk:` call borrows the ids of the optimised row, but neither
    its polls nor its rule; so does one that asks for the job, or stops it.
    """
    sdk, service, action = _names(resource_type, resource)
    optimised = None if sdk else _BY_ACTION.get((service, action))
    if optimised is not None:
        return optimised
    if not sdk and (service, action) == (_HTTP.resource_type, _HTTP.action):
        return _HTTP
    source = SOURCES.get(service, service) if sdk else service
    event = action[:1].upper() + action[1:]
    event = EVENT_NAMES.get((service, event), event) if sdk else event
    twin = _BY_SOURCE.get((_domain(source), event))
    return Integration(
        resource_type=resource_type,
        action=action,
        event_source=_domain(source),
        action_event=event,
        id_paths=twin.id_paths if twin else (),
        id_word=twin.id_word if twin else "id",
        starts_job=(service, action) == _RUN_JOB
        or _suffix(resource).startswith("sync")
        or (twin is not None and twin.action_event == event),
        unrecorded=unrecorded(source, event),
    )


def _names(resource_type: str, resource: str) -> tuple[bool, str, str]:
    """Take the two names apart: whether it is the SDK's, the service, the action.

    Step Functions Local says `aws-sdk` and `dynamodb:createTable`.
    """
    action = resource.partition(".")[0]
    kind, _, service = resource_type.partition(":")
    if kind != _SDK:
        return False, resource_type, action
    if not service:
        service, _, action = action.rpartition(":")
    return True, service, action


def usual_role(event_source: str, event_name: str) -> CallRole:
    """Tell what a call usually is for, with nothing known but its name."""
    roles = {
        row.role_of(event_name) for row in TABLE if row.event_source == event_source
    }
    for role in (CallRole.ACTION, CallRole.POLL, CallRole.STOP):
        if role in roles:
            return role
    return CallRole.OTHER


def event_sources(rows: Iterable[Integration]) -> tuple[str, ...]:
    """Name the services whose calls LookupEvents can show, each once, in order."""
    return tuple(dict.fromkeys(source for row in rows for source in row.event_sources))
