"""Runs for the chart's tests: states that were tried more than once."""

import json
from typing import Any

from sfnwatch.trace.events import Received
from tests.builders import REGION, ROLE, START, TASK_ARN, event

ECS: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask.sync"}


def noticed_twice() -> list[Received]:
    """Build a Task that failed twice, each time 1 or 2 s after its job had stopped."""
    return [
        event(1, "ExecutionStarted", 0, input="{}", roleArn=ROLE),
        event(2, "TaskStateEntered", 0, name="Import", input="{}"),
        *_failed_try(3, 0.1, stopped=58, noticed=60),
        *_failed_try(7, 70, stopped=130, noticed=131),
        event(11, "ExecutionFailed", 131, error="States.TaskFailed", cause="c"),
    ]


def _failed_try(
    first: int, at: float, *, stopped: float, noticed: float
) -> list[Received]:
    job = {"Tasks": [{"TaskArn": TASK_ARN}]}
    milliseconds = int((START.timestamp() + stopped) * 1000)
    cause = json.dumps({"TaskArn": TASK_ARN, "StoppedAt": milliseconds})
    return [
        event(first, "TaskScheduled", at, region=REGION, parameters="{}", **ECS),
        event(first + 1, "TaskStarted", at + 0.2, **ECS),
        event(first + 2, "TaskSubmitted", at + 1, output=json.dumps(job), **ECS),
        event(
            first + 3,
            "TaskFailed",
            noticed,
            error="States.TaskFailed",
            cause=cause,
            **ECS,
        ),
    ]


def tried_again(*, begun: float = 40, again: float = 46) -> list[Received]:
    """Build a second that is tried twice, between long waits."""
    fn: dict[str, Any] = {"resourceType": "lambda", "resource": "invoke"}
    return [
        event(1, "ExecutionStarted", 0, input="{}", roleArn=ROLE),
        event(2, "WaitStateEntered", 0, name="Before", input="{}"),
        event(3, "WaitStateExited", begun, name="Before"),
        event(4, "TaskStateEntered", begun, name="Label", input="{}"),
        event(5, "TaskScheduled", begun, region=REGION, parameters="{}", **fn),
        event(6, "TaskStarted", begun + 0.1, **fn),
        event(7, "TaskFailed", begun + 1, error="E", cause="c", **fn),
        event(8, "TaskScheduled", again, region=REGION, parameters="{}", **fn),
        event(9, "TaskStarted", again + 0.1, **fn),
        event(10, "TaskSucceeded", again + 2, output="{}", **fn),
        event(11, "TaskStateExited", again + 2, name="Label"),
        event(12, "WaitStateEntered", again + 2, name="After", input="{}"),
        event(13, "WaitStateExited", 220, name="After"),
        event(14, "ExecutionSucceeded", 220),
    ]
