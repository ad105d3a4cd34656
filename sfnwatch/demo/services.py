"""What one attempt of a Task does in its service, and what it comes to.

ECS, Lambda and Step Functions itself. Lambda's Invoke is a data event, which Event
history never has, so it makes no call here.

What ECS tells of the account's tasks goes to an SQS queue that EventBridge feeds. The
events have the documented shape. When a task was pending or running is as recorded of
one on Fargate; that an event comes a moment later is set.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from sfnwatch.demo.execution import (
    Call,
    DemoExecution,
    StartNested,
    StatesError,
    machine_arn,
)
from sfnwatch.demo.formats import (
    ACCOUNT_ID,
    REGION,
    Dice,
    Json,
    after,
    arn,
    camel,
    compact,
    epoch_ms,
    in_words,
    iso,
    iso_ms,
)
from sfnwatch.demo.scenarios import Attempt, Invocation, NestedExecution, TaskRun

CLUSTER_ARN = arn("ecs", "cluster/demo-cluster")
STARTED_BY = "AWS Step Functions"
"""What `.sync` tells ECS about who starts the task; the other forms say nothing."""

# Seconds after the creation of a Fargate task, and before its stop, as recorded.
_CONNECTED, _PULL_STARTED, _PULL_STOPPED, _RUNNING = 3.246, 18.768, 20.402, 20.943
_EXECUTION_STOPPED, _STOPPING = 33.036, 22.953

_ENDING = {"DEPROVISIONING", "STOPPED"}
_HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"


class EcsTask:
    """A Fargate task with one container, as RunTask answers it and once stopped.

    Of what ECS tells of a task it has what tells one from another, and what becomes of
    it; what is the same for all, or empty, is left out.
    """

    def __init__(
        self, dice: Dice, family: str, created_at: datetime, started_by: str | None
    ) -> None:
        self.family, self.started_by = family, started_by
        self.created_at = self.stopped_at = created_at
        self.exit_code = 0
        self.task_id, self._container_id = dice.hex(32), dice.uuid()

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
            "Cpu": "256",
            "CreatedAt": stamp(self.created_at),
            "Group": f"family:{self.family}",
            "LaunchType": "FARGATE",
            "Memory": "512",
            "PlatformVersion": "1.4.0",
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
        created, stopped = self.created_at, self.stopped_at
        return self.told("STOPPED") | {
            "ConnectivityAt": epoch_ms(after(created, _CONNECTED)),
            "PullStartedAt": epoch_ms(after(created, _PULL_STARTED)),
            "PullStoppedAt": epoch_ms(after(created, _PULL_STOPPED)),
            "StartedAt": epoch_ms(after(created, _RUNNING)),
            "ExecutionStoppedAt": epoch_ms(after(stopped, -_EXECUTION_STOPPED)),
            "StoppingAt": epoch_ms(after(stopped, -_STOPPING)),
        }


class AttemptResult(msgspec.Struct, frozen=True):
    """What an attempt came to."""

    ended_at: datetime
    output: Any = None
    failure: StatesError | None = None
    submitted: tuple[datetime, Any] | None = None
    """When a job was begun that is waited for, and the answer to that."""


class Services:
    """The services that an execution's Tasks call; they note the calls with it."""

    def __init__(
        self, execution: DemoExecution, dice: Dice, start: StartNested
    ) -> None:
        self._execution, self._dice, self._start = execution, dice, start

    def carry_out(
        self, attempt: Attempt, at: datetime, resource: str, parameters: Json
    ) -> AttemptResult:
        """Do what an attempt does that calls its service at a time."""
        match attempt:
            case TaskRun():
                return self._run_task(attempt, at, resource, parameters)
            case Invocation():
                return self._invoke(attempt, at, parameters["FunctionName"])
            case NestedExecution():
                return self._start_execution(attempt, at, parameters["Input"])

    def _call(
        self,
        at: datetime,
        action: str,
        job_arn: str,
        request: Json,
        response: Json | None = None,
    ) -> str:
        """Make a call; return its request ID."""
        request_id = self._dice.uuid()
        denied = response is None and self._execution.scenario.polls_denied
        call = Call(at, action, job_arn, request_id, request, response, denied)
        self._execution.calls.append(call)
        return request_id

    def _run_task(
        self, run: TaskRun, at: datetime, resource: str, parameters: Json
    ) -> AttemptResult:
        answered_at = after(at, self._dice.seconds(0.25, 0.45))
        family, started_by = parameters["TaskDefinition"], parameters.get("StartedBy")
        task = EcsTask(self._dice, family, after(at, 0.187), started_by)
        request, response = camel(parameters), camel(task.answer(in_words))
        request_id = self._call(at, "ecs:RunTask", task.arn, request, response)
        answer = task.answer(iso_ms)
        if not resource.startswith("aws-sdk:"):
            answer = _with_metadata(task.answer(), request_id)
        if not resource.endswith(".sync"):
            return AttemptResult(answered_at, answer)
        poll = {"cluster": CLUSTER_ARN, "tasks": [task.arn]}
        for seconds in run.polls:
            self._call(after(at, seconds), "ecs:DescribeTasks", task.arn, poll)
        self._execution.tasks.append(task)
        task.stopped_at, task.exit_code = after(at, run.stops_after), run.exit_code
        ended_at, output = after(task.stopped_at, run.completion_lag), task.stopped()
        failure = None
        if run.exit_code:
            failure = StatesError("States.TaskFailed", compact(output))
        return AttemptResult(ended_at, output, failure, (answered_at, answer))

    def _invoke(
        self, invocation: Invocation, at: datetime, function: str
    ) -> AttemptResult:
        ended_at, request_id = after(at, invocation.seconds), self._dice.uuid()
        if invocation.error:
            failure = _raised(function, *invocation.error, request_id)
            return AttemptResult(ended_at, failure=failure)
        payload = dict(invocation.payload)
        answer = {"ExecutedVersion": "$LATEST", "Payload": payload, "StatusCode": 200}
        return AttemptResult(ended_at, _with_metadata(answer, request_id))

    def _start_execution(
        self, nested: NestedExecution, at: datetime, data: Any
    ) -> AttemptResult:
        answered_at = after(at, self._dice.seconds(0.09, 0.18))
        child = self._start(nested.scenario, after(at, 0.041), data)
        self._execution.nested.append(child)
        started_at = child.started_at
        request = {"stateMachineArn": machine_arn(child.scenario), "input": _HIDDEN}
        response = {"executionArn": child.arn, "startDate": in_words(started_at)}
        action = "states:StartExecution"
        request_id = self._call(at, action, child.arn, request, response)
        poll = {"executionArn": child.arn}
        for seconds in nested.polls:
            self._call(after(at, seconds), "states:DescribeExecution", child.arn, poll)
        answer = {"ExecutionArn": child.arn, "StartDate": epoch_ms(started_at)}
        return AttemptResult(
            after(child.ends_at, nested.completion_lag),
            _passed_on(child),
            submitted=(answered_at, _with_metadata(answer, request_id)),
        )


def _raised(function: str, kind: str, message: str, request_id: str) -> StatesError:
    """Return an exception of a Python function, in the words of Lambda's runtime."""
    file = function.split(":")[6].replace("-", "_")
    line = f'  File "/var/task/{file}.py", line 27, in handler\n'
    cause = {
        "errorMessage": message,
        "errorType": kind,
        "requestId": request_id,
        "stackTrace": [f"{line}    raise {kind}({json.dumps(message)})\n"],
    }
    return StatesError(kind, compact(cause))


def _passed_on(child: DemoExecution) -> Json:
    """Return a nested execution as `.sync:2` passes it on: with its JSON parsed."""
    return {
        "ExecutionArn": child.arn,
        "Input": json.loads(child.input),
        "InputDetails": {"Included": True},
        "Name": child.name,
        "Output": json.loads(child.events[-1].details["output"]),
        "OutputDetails": {"Included": True},
        "StartDate": epoch_ms(child.started_at),
        "StateMachineArn": machine_arn(child.scenario),
        "Status": child.last_status,
        "StopDate": epoch_ms(child.ends_at),
    }


def _with_metadata(answer: Json, request_id: str) -> Json:
    """Return an answer with the metadata that optimized integrations add to it."""
    headers = {"x-amzn-RequestId": request_id}
    return answer | {
        "SdkHttpMetadata": {"HttpHeaders": headers, "HttpStatusCode": 200},
        "SdkResponseMetadata": {"RequestId": request_id},
    }


# -- what ECS tells of tasks, in a queue -----------------------------------------------

PATH = f"/{ACCOUNT_ID}/sfnwatch-demo"
"""The path of the queue's URL, at the account's endpoint."""


class DemoMessage(msgspec.Struct, frozen=True):
    """An EventBridge event on its way to the queue."""

    sent_at: datetime
    message_id: str
    event: Json

    def wire(self) -> Json:
        """Return what ReceiveMessage sends."""
        body = json.dumps(self.event, separators=(",", ":"))
        digest = hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
        return {
            "MessageId": self.message_id,
            "ReceiptHandle": self.message_id,
            "MD5OfBody": digest,
            "Body": body,
            "Attributes": {"SentTimestamp": str(epoch_ms(self.sent_at))},
        }


class DemoQueue:
    """Which messages are there, which are hidden for a while, and which are gone."""

    def __init__(self, messages: Iterable[DemoMessage]) -> None:
        self._messages = sorted(messages, key=lambda message: message.sent_at)
        self._hidden_until: dict[str, datetime] = {}

    def visible(self, now: datetime) -> list[DemoMessage]:
        """Return what can be received by now, the oldest first."""
        return [
            message
            for message in self._messages
            if message.sent_at <= now
            and self._hidden_until.get(message.message_id, now) <= now
        ]

    def receive(self, now: datetime, most: int, hidden: int) -> list[DemoMessage]:
        """Hand messages out, which hides them for so many seconds."""
        found = self.visible(now)[:most]
        for message in found:
            self._hidden_until[message.message_id] = after(now, hidden)
        return found

    def delete(self, message_id: str) -> None:
        kept = [each for each in self._messages if each.message_id != message_id]
        self._messages = kept


def state_changes(task: EcsTask) -> Iterator[DemoMessage]:
    """Yield a message for each change in a task's life."""
    dice = Dice(task.task_id, "events")
    for status, due in task.life.items():
        at = min(max(due, task.created_at), task.stopped_at)
        sent_at, message_id = after(at, dice.seconds(0.6, 2.4)), dice.uuid()
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
        yield DemoMessage(sent_at, message_id, event)
