"""Records as AWS would send them, for tests: the seed's runs and small parts.

Synthetic, in the shapes of recorded ones; the times are the experiment's.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sfnwatch.trace.events import From, Received
from sfnwatch.trace.times import iso

START = datetime(2023, 11, 15, 0, 28, 24, 102000, tzinfo=UTC)
ACCOUNT = "123456789012"
REGION = "ap-northeast-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/StepFunctions-sync-role"
ARN = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:nightly-report:run-7f3a"
MACHINE_ARN = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:nightly-report"
TASK_ID = "9f018ef6137048da851150c5c6670355"
TASK_ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/my-cluster/{TASK_ID}"
POLLS = (55, 114, 177, 232, 293)
"""Seconds from RunTask to each DescribeTasks."""


class ManualClock:
    """A clock that moves only when somebody sleeps, and then at once."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def event(
    number: int,
    kind: str,
    seconds: float,
    *,
    previous: int | None = None,
    arn: str = ARN,
    seen: float | None = None,
    **details: Any,
) -> Received:
    """Build a history event `seconds` after the start."""
    key = {
        "StateEntered": "stateEnteredEventDetails",
        "StateExited": "stateExitedEventDetails",
    }.get("State" + kind.rpartition("State")[2], "")
    if not key:
        key = f"{kind[0].lower()}{kind[1:]}EventDetails"
    before = number - 1 if previous is None else previous
    data: dict[str, Any] = {
        "timestamp": iso(START + timedelta(seconds=seconds)),
        "type": kind,
        "id": number,
        "previousEventId": 0 if number <= 2 and previous is None else before,
    }
    if details:
        data[key] = details
    at = START + timedelta(seconds=(seconds + 1) if seen is None else seen)
    return Received(at, From.HISTORY, arn, data)


def call(
    name: str,
    seconds: float,
    *,
    key: str,
    request_id: str | None = None,
    parameters: Any = None,
    response: Any = None,
    error: tuple[str, str] | None = None,
    role: str = ROLE,
    source: str = "ecs.amazonaws.com",
    invoked_by: str | None = "states.amazonaws.com",
    user_agent: str | None = None,
    lag: float = 130,
) -> Received:
    """Build an Event of LookupEvents, `seconds` after the start, seen `lag` later."""
    at = (START + timedelta(seconds=seconds)).replace(microsecond=0)
    session = "BmhovYkXBawuygrHoBxDrrpmDaQlMwtW"
    role_name = role.rsplit("/", 1)[-1]
    identity: dict[str, Any] = {
        "type": "AssumedRole",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role_name}/{session}",
        "accountId": ACCOUNT,
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": role}},
    }
    if invoked_by:
        identity["invokedBy"] = invoked_by
    record: dict[str, Any] = {
        "eventVersion": "1.09",
        "userIdentity": identity,
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": source,
        "eventName": name,
        "awsRegion": REGION,
        "sourceIPAddress": invoked_by or "198.51.100.7",
        "userAgent": user_agent or invoked_by or "aws-cli/2",
        "requestParameters": parameters,
        "responseElements": response,
        "requestID": request_id or f"request-{key}",
        "eventID": key,
        "readOnly": name.startswith(("Describe", "Get", "List", "Lookup")),
    }
    if error:
        record["errorCode"], record["errorMessage"] = error
    data = {
        "EventId": key,
        "EventName": name,
        "ReadOnly": str(record["readOnly"]).lower(),
        "EventTime": iso(at),
        "EventSource": source,
        "Username": session,
        "Resources": [],
        "CloudTrailEvent": json.dumps(record),
    }
    return Received(at + timedelta(seconds=lag), From.LOOKUP, None, data)


def describe(status: str = "SUCCEEDED", *, arn: str = ARN) -> Received:
    """Build DescribeExecution's answer for the seed's run."""
    data: dict[str, Any] = {
        "executionArn": arn,
        "stateMachineArn": MACHINE_ARN,
        "name": arn.rsplit(":", 1)[-1],
        "status": status,
        "startDate": iso(START),
        "input": "{}",
    }
    at = START + timedelta(seconds=1)
    if status != "RUNNING":
        data["stopDate"] = iso(START + timedelta(seconds=309))
        at = START + timedelta(seconds=312)
    return Received(at, From.DESCRIBE, arn, data)


def definition(states: Any, *, start_at: str, arn: str = ARN) -> Received:
    """Build DescribeStateMachineForExecution's answer."""
    text = json.dumps({"StartAt": start_at, "States": states})
    data = {
        "stateMachineArn": MACHINE_ARN,
        "name": "nightly-report",
        "definition": text,
        "roleArn": ROLE,
        "updateDate": iso(START - timedelta(days=3)),
    }
    return Received(START + timedelta(seconds=1), From.DEFINITION, arn, data)


def _metadata(request_id: str) -> dict[str, Any]:
    return {
        "SdkHttpMetadata": {"HttpHeaders": {"x-amzn-RequestId": request_id}},
        "SdkResponseMetadata": {"RequestId": request_id},
    }


def sync_history(arn: str = ARN) -> list[Received]:
    """Build the history of the seed's `ecs:runTask.sync` run."""
    task: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask.sync"}
    submitted = {"Tasks": [{"TaskArn": TASK_ARN}], **_metadata("req-run")}
    stopped = int((START.timestamp() + 307.1) * 1000)
    done = {"TaskArn": TASK_ARN, "StoppedAt": stopped, "LastStatus": "STOPPED"}
    return [
        event(1, "ExecutionStarted", 0, arn=arn, input="{}", roleArn=ROLE),
        event(2, "TaskStateEntered", 0.03, arn=arn, name="ECS RunTask", input="{}"),
        event(
            3, "TaskScheduled", 0.03, arn=arn, region=REGION, parameters="{}", **task
        ),
        event(4, "TaskStarted", 0.3, arn=arn, **task),
        event(5, "TaskSubmitted", 1.2, arn=arn, output=json.dumps(submitted), **task),
        event(6, "TaskSucceeded", 309, arn=arn, output=json.dumps(done), **task),
        event(7, "TaskStateExited", 309.02, arn=arn, name="ECS RunTask", output="{}"),
        event(8, "ExecutionSucceeded", 309.05, arn=arn, output="{}"),
    ]


def sync_calls(*, denied: bool = False) -> list[Received]:
    """Build the calls of that run: RunTask and five polls, if need be denied."""
    message = (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/StepFunctions-sync-role/"
        "BmhovYkXBawuygrHoBxDrrpmDaQlMwtW is not authorized to perform: "
        f"ecs:DescribeTasks on resource: {TASK_ARN} because no identity-based policy "
        "allows the ecs:DescribeTasks action"
    )
    refusal = ("AccessDenied", message)
    polls = [
        call(
            "DescribeTasks",
            1 + seconds,
            key=f"poll-{number}",
            lag=100 + 37 * number % 90,
            error=refusal if denied else None,
            parameters=None if denied else {"cluster": "c", "tasks": [TASK_ARN]},
        )
        for number, seconds in enumerate(POLLS)
    ]
    run = call(
        "RunTask",
        1,
        key="run",
        request_id="req-run",
        parameters={"cluster": "my-cluster", "startedBy": "AWS Step Functions"},
        response={"tasks": [{"taskArn": TASK_ARN}], "failures": []},
    )
    return [run, *polls]


def sync_definition(arn: str = ARN) -> Received:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::ecs:runTask.sync",
        "End": True,
    }
    return definition({"ECS RunTask": task}, start_at="ECS RunTask", arn=arn)


def health(lane: str, state: str, seconds: float, **more: Any) -> Received:
    at = START + timedelta(seconds=seconds)
    return Received(at, From.HEALTH, None, {"lane": lane, "state": state, **more})


def sync_run(*, denied: bool = False) -> list[Received]:
    """Build the whole run as it would be received, in order of arrival."""
    records = [
        describe("RUNNING"),
        sync_definition(),
        *sync_history(),
        *sync_calls(denied=denied),
        describe(),
        health(
            "lookup",
            "ended",
            600,
            complete_to=iso(START + timedelta(seconds=420)),
            lag=131.0,
        ),
        health("history", "ended", 312),
    ]
    return in_order(records)


def in_order(records: Iterable[Received]) -> list[Received]:
    return sorted(records, key=lambda r: r.at or START)
