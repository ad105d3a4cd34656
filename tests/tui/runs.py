"""Runs for the screen's tests: the seed's, one with branches, and a hostile one."""

import json
from datetime import timedelta
from typing import Any

from sfnwatch.trace.events import Received
from sfnwatch.trace.times import iso
from tests.builders import (
    ARN,
    REGION,
    ROLE,
    START,
    TASK_ARN,
    call,
    definition,
    describe,
    event,
    health,
    in_order,
    sync_run,
)

HOSTILE = "\x1b]0;owned\x07\x1b[31mred\x1b[0m \u202egnp.exe \u200bzero [b]bold[/b]"
"""What a state's name may hold: a title, a colour, bidi, zero width, markup."""
WIDE = "夜間レポート 🚀 集計"
"""A name whose characters take two cells."""


def seconds(number: float) -> Any:
    return START + timedelta(seconds=number)


def live_run() -> list[Received]:
    """Build the seed's run as it stands after four and a half minutes."""
    records = [r for r in sync_run() if r.at is not None and r.at <= seconds(270)]
    behind = {"lag": 134.0, "complete_to": iso(seconds(126))}
    return [
        *records,
        health("history", "live", 200),
        health("lookup", "live", 260, **behind),
    ]


def _task(first: int, at: float, name: str) -> list[Received]:
    """Build the first events of a Task: entered, scheduled, started."""
    ecs: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask.sync"}
    return [
        event(first, "TaskStateEntered", at, name=name, input="{}"),
        event(first + 1, "TaskScheduled", at + 0.01, region=REGION, **ecs),
        event(first + 2, "TaskStarted", at + 0.2, **ecs),
    ]


def branching_run(name: str = "Thumbnails") -> list[Received]:
    """Build a Choice, a Parallel of two tasks, one tried twice, and a Map that runs."""
    ecs: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask.sync"}
    sdk: dict[str, Any] = {"resourceType": "aws-sdk:ecs", "resource": "runTask"}
    submitted = {
        "Tasks": [{"TaskArn": TASK_ARN}],
        "SdkResponseMetadata": {"RequestId": "req-1"},
    }
    records = [
        describe("RUNNING"),
        definition({}, start_at="Big?"),
        event(1, "ExecutionStarted", 0, input="{}", roleArn=ROLE),
        event(2, "ChoiceStateEntered", 0.1, name="Big?", input="{}"),
        event(3, "ChoiceStateExited", 0.1, name="Big?", output="{}"),
        event(4, "ParallelStateEntered", 0.2, name="Fan out", input="{}"),
        event(5, "ParallelStateStarted", 0.2),
        event(6, "TaskStateEntered", 0.3, previous=5, name=name, input="{}"),
        event(7, "TaskScheduled", 0.3, region=REGION, parameters="{}", **ecs),
        event(8, "TaskStateEntered", 0.4, previous=5, name="Index", input="{}"),
        event(9, "TaskScheduled", 0.4, region=REGION, parameters="{}", **sdk),
        event(10, "TaskStarted", 0.6, previous=7, **ecs),
        event(11, "TaskStarted", 0.7, previous=9, **sdk),
        event(
            12,
            "TaskSubmitted",
            2.1,
            previous=10,
            output=json.dumps(submitted),
            **ecs,
        ),
        event(13, "TaskSucceeded", 2.3, previous=11, output="{}", **sdk),
        event(14, "TaskStateExited", 2.4, previous=13, name="Index", output="{}"),
        event(
            15,
            "TaskFailed",
            62,
            previous=12,
            error="States.TaskFailed",
            cause="Essential container in task exited",
            **ecs,
        ),
        event(
            16,
            "TaskScheduled",
            65,
            previous=15,
            region=REGION,
            parameters="{}",
            **ecs,
        ),
        event(17, "TaskStarted", 65.2, previous=16, **ecs),
        event(18, "TaskSucceeded", 95, previous=17, output="{}", **ecs),
        event(19, "TaskStateExited", 95.1, previous=18, name=name, output="{}"),
        event(20, "ParallelStateSucceeded", 95.2, previous=19),
        event(21, "ParallelStateExited", 95.2, name="Fan out", output="[]"),
        event(22, "MapStateEntered", 95.3, name="Each order", input="[1,2,3]"),
        event(23, "MapStateStarted", 95.3, length=3),
    ]
    number = 24
    for index in range(3):
        at = 95.4 + index / 10
        each: dict[str, Any] = {"name": "Each order", "index": index}
        records.append(event(number, "MapIterationStarted", at, previous=23, **each))
        records += _task(number + 1, at + 0.01, "Ship")
        number += 4
    return in_order([*records, *_branching_calls()])


def _branching_calls() -> list[Received]:
    answer = {"tasks": [{"taskArn": TASK_ARN}], "failures": []}
    return [
        call("RunTask", 1, key="run-1", request_id="req-1", response=answer),
        call("RunTask", 2, key="run-2", parameters={"cluster": "c"}, lag=70),
        call("DescribeTasks", 50, key="poll-1", parameters={"tasks": [TASK_ARN]}),
        call("AssumeRole", 3, key="role", source="sts.amazonaws.com", lag=60),
        health("history", "live", 96),
        health("lookup", "live", 150, lag=75.0, complete_to=iso(seconds(80))),
    ]


def wide_map(count: int) -> list[Received]:
    """Build a Map whose `count` iterations all run at once."""
    records = [
        event(1, "ExecutionStarted", 0, input="{}", roleArn=ROLE),
        event(2, "MapStateEntered", 0.1, name="Each", input="[]"),
        event(3, "MapStateStarted", 0.1, length=count),
    ]
    for index in range(count):
        first, at = 4 + 2 * index, 0.2 + index / 100
        each: dict[str, Any] = {"name": "Each", "index": index}
        records.append(event(first, "MapIterationStarted", at, previous=3, **each))
        records.append(event(first + 1, "WaitStateEntered", at, name="Wait"))
    return records


def long_run(count: int) -> list[Received]:
    """Build a start and `count` states passed one after the other."""
    records = [event(1, "ExecutionStarted", 0, input="{}", roleArn=ROLE)]
    for number in range(count):
        first, at, name = 2 + 2 * number, number / 10, f"Step {number}"
        records.append(event(first, "PassStateEntered", at, name=name, input="{}"))
        records.append(event(first + 1, "PassStateExited", at, name=name))
    return records


def stormy_run() -> list[Received]:
    """Build the seed's run with its calls refused: the lane is in trouble."""
    message = (
        "Can't look up events in ap-northeast-1: AccessDeniedException. Allow "
        "cloudtrail:LookupEvents, or choose another --profile."
    )
    return [
        *sync_run()[:6],
        health("history", "live", 200),
        health("lookup", "denied", 201, message=message),
    ]


def own_requests() -> list[Received]:
    """Build what sfnwatch asked for that: one request throttled, one refused."""
    asked = [
        ("GetExecutionHistory", "states", 10, "ok", 6),
        ("DescribeExecution", "states", 11, "ok", 1),
        ("LookupEvents", "cloudtrail", 12, "ThrottlingException", None),
        ("LookupEvents", "cloudtrail", 14, "ok", 50),
        ("LookupEvents", "cloudtrail", 260, "ok", 3),
        ("GetExecutionHistory", "states", 265, "AccessDeniedException", None),
    ]
    return [
        Received(
            seconds(at + 0.2),
            "request",
            ARN,
            {
                "operation": operation,
                "service": service,
                "region": REGION,
                "sent_at": iso(seconds(at)),
                "seconds": 0.125,
                "outcome": outcome,
                "status": 200 if outcome == "ok" else 400,
                "request_id": f"request-{number}",
                "items": items,
                "note": "calls to ecs" if operation == "LookupEvents" else "",
            },
        )
        for number, (operation, service, at, outcome, items) in enumerate(asked)
    ]
