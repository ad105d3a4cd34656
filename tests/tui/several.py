"""Several runs at once: the seed's three, with what no one of them made alone."""

import json
from typing import Any

from sfnwatch.trace.events import Received
from sfnwatch.trace.times import iso
from tests.builders import (
    ARN,
    REGION,
    ROLE,
    call,
    describe,
    event,
    health,
    in_order,
    sync_calls,
    sync_definition,
    sync_history,
)
from tests.tui.runs import seconds

SYNC = ARN.replace("run-7f3a", "sync-3b6962")
ASYNC = ARN.replace("run-7f3a", "async-ac879f")
SDK = ARN.replace("run-7f3a", "sdk-33a086")
THREE = (SYNC, ASYNC, SDK)


def _described(arn: str, begin: float, end: float) -> Received:
    """Build DescribeExecution's answer for a run that began and ended so."""
    data = dict(describe(arn=arn).data)
    data["startDate"] = iso(seconds(begin))
    data["stopDate"] = iso(seconds(end))
    return Received(seconds(end + 3), "describe", arn, data)


def _short_run(arn: str, begin: float, kind: str, key: str) -> list[Received]:
    """Build a run whose state is over once RunTask answered."""
    task: dict[str, Any] = {"resourceType": kind, "resource": "runTask"}
    answer = {"SdkResponseMetadata": {"RequestId": f"req-{key}"}}
    return [
        event(1, "ExecutionStarted", begin, arn=arn, input="{}", roleArn=ROLE),
        event(2, "TaskStateEntered", begin + 0.03, arn=arn, name="RunTask"),
        event(3, "TaskScheduled", begin + 0.03, arn=arn, region=REGION, **task),
        event(4, "TaskStarted", begin + 0.1, arn=arn, **task),
        event(
            5, "TaskSucceeded", begin + 0.7, arn=arn, output=json.dumps(answer), **task
        ),
        event(6, "TaskStateExited", begin + 0.72, arn=arn, name="RunTask"),
        event(7, "ExecutionSucceeded", begin + 0.75, arn=arn, output="{}"),
        call("RunTask", begin + 0.5, key=f"run-{key}", request_id=f"req-{key}"),
        _described(arn, begin, begin + 0.75),
    ]


def three_runs(*, denied: bool = False) -> list[Received]:
    """Build sync, async and sdk, begun 0, 2 and 62 s after the start, on one role."""
    records = [
        sync_definition(SYNC),
        *sync_history(SYNC),
        *sync_calls(denied=denied),
        _described(SYNC, 0, 309.05),
        *_short_run(ASYNC, 2, "ecs", "async"),
        *_short_run(SDK, 62, "aws-sdk:ecs", "sdk"),
        call("AssumeRole", 63, key="role", source="sts.amazonaws.com", lag=60),
        health("lookup", "ended", 600, complete_to=iso(seconds(420)), lag=131.0),
        health("history", "ended", 312),
    ]
    return in_order(records)


def three_live() -> list[Received]:
    """Build them as they stand after four and a half minutes: one still runs."""
    records = [r for r in three_runs() if r.at is not None and r.at <= seconds(270)]
    behind = {"lag": 134.0, "complete_to": iso(seconds(126))}
    return [
        *records,
        health("history", "live", 200),
        health("lookup", "live", 260, **behind),
    ]
