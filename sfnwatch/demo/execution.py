"""One execution from start to end: its history, calls, ECS tasks and Map Runs.

A Map Run never fails: no scenario's does, and no public recording shows one that did.

What ECS tells of its tasks goes to an SQS queue that EventBridge feeds. The events have
the documented shape. When a task was pending or running is as recorded of one on
Fargate; that an event comes a moment later is set.
"""

import json
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import msgspec

from sfnwatch.demo.formats import (
    ACCOUNT_ID,
    REGION,
    Dice,
    Json,
    after,
    arn,
    camel,
    epoch_ms,
    epoch_seconds,
    iso,
    iso_ms,
)
from sfnwatch.demo.scenarios import Scenario

REDRIVEN = "ExecutionRedriven"
_ENDS = ("ExecutionSucceeded", "ExecutionFailed")
# The two families whose details don't carry the event's own name.
_FAMILIES = ("StateEntered", "StateExited")
_READ_ONLY = ("Assume", "Describe", "Get", "List", "Lookup")


class DemoEvent(msgspec.Struct, eq=False):
    at: datetime
    kind: str
    details: Json
    follows: "DemoEvent | None" = None
    event_id: int = 0

    @property
    def previous(self) -> int:
        """Return the id of the event that it follows."""
        return self.follows.event_id if self.follows else 0

    def wire(self) -> Json:
        """Return what GetExecutionHistory sends."""
        family = next((f for f in _FAMILIES if self.kind.endswith(f)), self.kind)
        # Some types have no details at all: ParallelStateStarted, MapStateSucceeded.
        key = f"{family[:1].lower()}{family[1:]}EventDetails"
        return {
            "timestamp": epoch_seconds(self.at),
            "type": self.kind,
            "id": self.event_id,
            "previousEventId": self.previous,
        } | ({key: self.details} if self.details else {})


class CallerIdentity(msgspec.Struct, frozen=True):
    """Who made a call, and from where, as a record tells it."""

    identity: Json
    address: str
    user_agent: str

    @property
    def name(self) -> str:
        """Return the user's name, or a role's session; nothing for a service."""
        whole: str = self.identity.get("arn", "")
        return whole.rpartition("/")[2]


class TrailEvent(msgspec.Struct, eq=False, dict=True):
    """A call as CloudTrail notes it."""

    at: datetime
    action: str
    """As `ecs:RunTask`."""
    caller: CallerIdentity
    request_id: str
    event_id: str
    request: Json | None = None
    response: Json | None = None
    error_code: str = ""
    error_message: str = ""
    job_arn: str = ""
    """The task or execution that it starts or asks about."""
    delivered_at: datetime = datetime.max.replace(tzinfo=UTC)

    @property
    def event_time(self) -> datetime:
        """Return when it happened in whole seconds, as CloudTrail keeps it."""
        return self.at.replace(microsecond=0)

    @property
    def place(self) -> tuple[datetime, str]:
        """Where it stands in the order of time; the id settles ties."""
        return self.event_time, self.event_id

    @property
    def read_only(self) -> bool:
        return self.action.partition(":")[2].startswith(_READ_ONLY)

    @cached_property
    def attributes(self) -> Json:
        """Return what LookupEvents can find it by; not before all is known of it."""
        service, _, name = self.action.partition(":")
        return {
            "EventId": self.event_id,
            "EventName": name,
            "ReadOnly": "true" if self.read_only else "false",
            "EventSource": f"{service}.amazonaws.com",
            "AccessKeyId": self.caller.identity.get("accessKeyId"),
            "Username": self.caller.name,
        }

    def deny(self) -> None:
        """Have it denied, in AWS's words; such a record has no request and response."""
        on_resource = f" on resource: {self.job_arn}" if self.job_arn else ""
        self.error_code = "AccessDenied"
        self.request = None
        self.response = None
        self.error_message = (
            f"User: {self.caller.identity['arn']} is not authorized to perform:"
            f" {self.action}{on_resource} because no identity-based policy allows the"
            f" {self.action} action"
        )

    @property
    def record(self) -> Json:
        """Return the record, whole."""
        error = {"errorCode": self.error_code, "errorMessage": self.error_message}
        return {
            "eventVersion": "1.09",
            "userIdentity": self.caller.identity,
            "eventTime": iso(self.at),
            "eventSource": self.attributes["EventSource"],
            "eventName": self.attributes["EventName"],
            "awsRegion": REGION,
            "sourceIPAddress": self.caller.address,
            "userAgent": self.caller.user_agent,
            **(error if self.error_code else {}),
            "requestParameters": self.request,
            "responseElements": self.response,
            "requestID": self.request_id,
            "eventID": self.event_id,
            "readOnly": self.read_only,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": ACCOUNT_ID,
            "eventCategory": "Management",
        }

    @property
    def envelope(self) -> Json:
        """Return the record as LookupEvents wraps it."""
        return {key: value for key, value in self.attributes.items() if value} | {
            "EventTime": epoch_seconds(self.event_time),
            "Resources": [],
            "CloudTrailEvent": json.dumps(self.record, separators=(",", ":")),
        }


# -- ECS's tasks -----------------------------------------------------------------------

CLUSTER_ARN = arn("ecs", "cluster/demo-cluster")
STARTED_BY = "AWS Step Functions"
"""What `.sync` tells ECS about who starts the task; the other forms say nothing."""

# Seconds after the creation of a Fargate task, and before its stop, as recorded.
_CONNECTED = 3.246
_RUNNING = 20.943
_EXECUTION_STOPPED = 33.036
_STOPPING = 22.953

_ENDING = {"DEPROVISIONING", "STOPPED"}


class EcsTask:
    """A Fargate task with one container, as RunTask answers it and once stopped.

    Of what ECS tells of a task it has what tells one from another, and what becomes of
    it; what is the same for all, or empty, is left out.
    """

    def __init__(
        self, dice: Dice, family: str, created_at: datetime, started_by: str | None
    ) -> None:
        self.family = family
        self.started_by = started_by
        self.created_at = self.stopped_at = created_at
        self.exit_code = 0
        self.task_id = dice.hex(32)
        self._container_id = dice.uuid()

    @property
    def arn(self) -> str:
        return arn("ecs", f"task/demo-cluster/{self.task_id}")

    def answer(self, stamp: Callable[[datetime], object] = epoch_ms) -> Json:
        """Return RunTask's answer, its time in the form asked for."""
        return {"Tasks": [self.told("PROVISIONING", stamp)], "Failures": []}

    def told(self, status: str, stamp: Callable[[datetime], object] = epoch_ms) -> Json:
        """Return the task as ECS tells of it in one state of its life."""
        # Only `.sync` gives a StartedBy; elsewhere the key is left out, not null.
        started_by = {"StartedBy": self.started_by} if self.started_by else {}
        path = f"container/demo-cluster/{self.task_id}/{self._container_id}"
        container: Json = {
            "ContainerArn": arn("ecs", path),
            "Image": f"demo/{self.family}:latest",
            "Name": self.family,
            "TaskArn": self.arn,
            "LastStatus": "RUNNING" if status == "RUNNING" else "PENDING",
        }
        stopping: Json = {}
        if status in _ENDING:
            container |= {"ExitCode": self.exit_code, "LastStatus": "STOPPED"}
            stopping |= {
                "DesiredStatus": "STOPPED",
                "StopCode": "EssentialContainerExited",
                "StoppedReason": "Essential container in task exited",
            }
        if status == "STOPPED":
            stopping["StoppedAt"] = stamp(self.stopped_at)
        return {
            "ClusterArn": CLUSTER_ARN,
            "CreatedAt": stamp(self.created_at),
            "Group": f"family:{self.family}",
            "LaunchType": "FARGATE",
            "TaskArn": self.arn,
            "TaskDefinitionArn": arn("ecs", f"task-definition/{self.family}:7"),
            **started_by,
            "Containers": [container],
            "DesiredStatus": "RUNNING",
            "LastStatus": status,
            "Version": [*self.life].index(status) + 1,
            **stopping,
        }

    @property
    def life(self) -> dict[str, datetime]:
        """Return when it came into each of its states."""
        return {
            "PROVISIONING": self.created_at,
            "PENDING": after(self.created_at, _CONNECTED),
            "RUNNING": after(self.created_at, _RUNNING),
            "DEPROVISIONING": after(self.stopped_at, -_STOPPING),
            "STOPPED": self.stopped_at,
        }

    def stopped(self) -> Json:
        """Return the task as Step Functions passes it on at the end."""
        created = self.created_at
        stopped = self.stopped_at
        return self.told("STOPPED") | {
            "ConnectivityAt": epoch_ms(after(created, _CONNECTED)),
            "StartedAt": epoch_ms(after(created, _RUNNING)),
            "ExecutionStoppedAt": epoch_ms(after(stopped, -_EXECUTION_STOPPED)),
            "StoppingAt": epoch_ms(after(stopped, -_STOPPING)),
        }


# -- an execution ----------------------------------------------------------------------


class DemoExecution(msgspec.Struct):
    """An execution. What of it can be seen depends on the time alone."""

    scenario: Scenario
    name: str
    input: str
    map_run_arn: str | None = None
    """The Map Run that it is a child of."""
    events: list[DemoEvent] = []
    calls: list[TrailEvent] = []
    """Those that Step Functions makes for it, in the order of time."""
    nested: list["DemoExecution"] = []
    """Executions of other machines that it starts."""
    map_runs: list["DemoMapRun"] = []
    tasks: list[EcsTask] = []
    """The ECS tasks that it waits for."""

    @property
    def arn(self) -> str:
        return arn("states", f"execution:{self.scenario.machine}:{self.name}")

    @property
    def children(self) -> list["DemoExecution"]:
        """Return the executions of its Map Runs, one an item."""
        return [child for map_run in self.map_runs for child in map_run.children]

    def family(self) -> Iterator["DemoExecution"]:
        """Yield it, and all executions that it starts, theirs too."""
        yield self
        for each in (*self.nested, *self.children):
            yield from each.family()

    @property
    def started_at(self) -> datetime:
        return self.events[0].at

    @property
    def ends_at(self) -> datetime:
        return self.events[-1].at

    @property
    def last_status(self) -> str:
        return self.status(self.ends_at)

    def seen(self, now: datetime) -> list[DemoEvent]:
        """Return the events that have happened by `now`."""
        return self.events[: bisect(self.events, now, key=lambda event: event.at)]

    def end(self, now: datetime) -> DemoEvent | None:
        """Return the event that ended it by `now`, unless it was redriven since."""
        seen = self.seen(now)
        return seen[-1] if seen and seen[-1].kind in _ENDS else None

    def redrives(self, now: datetime) -> list[DemoEvent]:
        """Return the events with which it was redriven by `now`."""
        return [event for event in self.seen(now) if event.kind == REDRIVEN]

    def status(self, now: datetime) -> str:
        """Return DescribeExecution's word for its status."""
        end = self.end(now)
        return end.kind.removeprefix("Execution").upper() if end else "RUNNING"

    @property
    def result(self) -> Any:
        """Return its output as whoever began it has it: if it failed, inferred."""
        details = self.events[-1].details
        if "output" in details:
            return json.loads(details["output"])
        error = {"Error": details["error"], "Cause": details["cause"]}
        return {"Status": self.last_status} | error

    def listed_at(self, now: datetime) -> datetime:
        """Return where ListExecutions has it: at its start while it runs, else its end.

        So it is documented; that the two kinds are merged is inferred.
        """
        end = self.end(now)
        return end.at if end else self.started_at


# -- Map Runs: how they get through their items ----------------------------------------


class DemoMapRun(msgspec.Struct):
    """What a Distributed Map does with its items, each in a child execution."""

    arn: str
    execution_arn: str
    """Of the execution that started it."""
    machine: str
    """The name of its children's: the parent's, and the label after a slash."""
    state: Mapping[str, Any]
    """The Map state."""
    started_at: datetime
    ends_at: datetime
    children: list[DemoExecution] = []
    """In the order of the items."""

    def counts(self, now: datetime) -> Counter[str]:
        """Return how many children have which status; those not begun are PENDING."""
        begun = [each for each in self.children if each.started_at <= now]
        pending = len(self.children) - len(begun)
        return Counter(each.status(now) for each in begun) + Counter(PENDING=pending)


# -- what ECS tells of tasks, in a queue -----------------------------------------------

PATH = f"/{ACCOUNT_ID}/sfnwatch-demo"
"""The path of the queue's URL, at the account's endpoint."""


class DemoMessage(msgspec.Struct):
    """An EventBridge event in the queue."""

    sent_at: datetime
    visible_at: datetime
    """When it can be received: at once, and hidden for a while each time it is."""
    message_id: str
    event: Json

    def wire(self) -> Json:
        """Return what ReceiveMessage sends."""
        body = json.dumps(self.event, separators=(",", ":"))
        return {
            "MessageId": self.message_id,
            "ReceiptHandle": self.message_id,
            "Body": body,
            "Attributes": {"SentTimestamp": str(epoch_ms(self.sent_at))},
        }


def state_changes(task: EcsTask) -> Iterator[DemoMessage]:
    """Yield a message for each change in a task's life."""
    dice = Dice(task.task_id, "events")
    for status, due in task.life.items():
        at = min(max(due, task.created_at), task.stopped_at)
        sent_at = after(at, dice.uniform(0.6, 2.4))
        message_id = dice.uuid()
        event = {
            "version": "0",
            "id": dice.uuid(),
            "detail-type": "ECS Task State Change",
            "source": "aws.ecs",
            "account": ACCOUNT_ID,
            "time": iso(at),
            "region": REGION,
            "resources": [task.arn],
            "detail": camel(task.told(status, iso_ms)) | {"updatedAt": iso_ms(at)},
        }
        yield DemoMessage(sent_at, sent_at, message_id, event)
