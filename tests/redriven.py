"""An execution that failed, was redriven and succeeded, as far as documented.

No recording has a redrive. That the new TaskScheduled follows the StateEntered of old
is inferred, as is that ExecutionRedriven follows nothing.
"""

import json
from datetime import timedelta
from typing import Any

from sfnwatch.trace.events import From, Received
from sfnwatch.trace.times import iso
from tests.builders import ARN, START, TASK_ARN, call, event

WHICH: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask.sync"}
FAILED_AT, REDRIVEN_AT, ENDED_AT = 3.02, 723.02, 803.04
REFUSED = "11111111-2222-3333-4444-555555555555"
CAUSE = f"Cluster not found. (Service: AmazonECS; Request ID: {REFUSED}; Proxy: null)"
ERROR = "ECS.ClusterNotFoundException"


def failed_history(arn: str = ARN) -> list[Received]:
    """Build what there is until the redrive."""
    return [
        event(1, "ExecutionStarted", 0, arn=arn, input="{}"),
        event(2, "TaskStateEntered", 0.02, arn=arn, name="Import", input="{}"),
        event(3, "TaskScheduled", 0.05, arn=arn, **WHICH, parameters="{}"),
        event(4, "TaskStarted", 0.15, arn=arn, **WHICH),
        event(5, "TaskFailed", 3, arn=arn, **WHICH, error=ERROR, cause=CAUSE),
        event(6, "ExecutionFailed", FAILED_AT, arn=arn, error=ERROR, cause=CAUSE),
    ]


def redriven(number: int = 7, seconds: float = REDRIVEN_AT, count: int = 1) -> Received:
    return event(number, "ExecutionRedriven", seconds, previous=0, redriveCount=count)


def redriven_history() -> list[Received]:
    """Build the whole of it: the state is not entered again."""
    task = {"TaskArn": TASK_ARN}
    submitted = json.dumps({"Tasks": [task], "Failures": []})
    stopped = round((START + timedelta(seconds=801)).timestamp() * 1000)
    done = json.dumps(task | {"StoppedAt": stopped})
    return [
        *failed_history(),
        redriven(),
        event(8, "TaskScheduled", 723.1, previous=2, **WHICH, parameters="{}"),
        event(9, "TaskStarted", 723.2, **WHICH),
        event(10, "TaskSubmitted", 724.1, **WHICH, output=submitted),
        event(11, "TaskSucceeded", 803, **WHICH, output=done),
        event(12, "TaskStateExited", 803.02, name="Import", output="{}"),
        event(13, "ExecutionSucceeded", ENDED_AT, output="{}"),
    ]


def redriven_calls() -> list[Received]:
    """Build the calls of both tries: one was refused, the other's task was polled."""
    tasks: dict[str, Any] = {"tasks": [TASK_ARN]}
    refusal = ("ClusterNotFoundException", "Cluster not found.")
    return [
        call("RunTask", 1, key="run-1", request_id=REFUSED, error=refusal),
        call("RunTask", 723, key="run-2", response={"tasks": [{"taskArn": TASK_ARN}]}),
        call("DescribeTasks", 780, key="poll-1", parameters=tasks),
    ]


def redriven_run() -> list[Received]:
    return [*redriven_history(), *redriven_calls()]


def described(status: str, count: int, **more: Any) -> Received:
    """Build what DescribeExecution says of it."""
    data = {"executionArn": ARN, "status": status, "startDate": iso(START)}
    at = START + timedelta(seconds=900)
    return Received(at, From.DESCRIBE, ARN, data | {"redriveCount": count} | more)
