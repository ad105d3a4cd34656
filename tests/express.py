"""An execution's log as Step Functions writes it, made from its history.

By the mapping that recorded pairs of both show: snake case, strings, the details under
one key. Those of tests/peers hold it against the recorded ones.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sfnwatch.trace.events import From, Received
from sfnwatch.trace.times import parse_time
from tests.builders import ACCOUNT, REGION

EXPRESS = f"arn:aws:states:{REGION}:{ACCOUNT}:express:nightly-report:run-7f3a"
EXPRESS_ARN = f"{EXPRESS}:4135929f-8d60-4ea5-b3c3-b243bec43271"
MACHINE_ARN = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:nightly-report"
GROUP = "/aws/vendedlogs/states/nightly-report-Logs"
GROUP_ARN = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{GROUP}"
_DATA = frozenset(
    {"input", "output", "parameters", "inputDetails", "outputDetails"}
    | {"assignedVariables", "assignedVariablesDetails"}
)
_FAILURES = ("Failed", "TimedOut", "Aborted", "FailStateEntered")


def logged(
    event: Mapping[str, Any], arn: str = EXPRESS_ARN, *, with_data: bool = True
) -> dict[str, Any]:
    """Write an event of a history as the log of its execution has it."""
    details: Mapping[str, Any] = next(
        (v for k, v in event.items() if k.endswith("EventDetails")), {}
    )
    at = parse_time(event["timestamp"])
    return {
        "id": str(event["id"]),
        "type": event["type"],
        "details": {k: v for k, v in details.items() if with_data or k not in _DATA},
        "previous_event_id": str(event["previousEventId"]),
        "event_timestamp": str(round(at.timestamp() * 1000)),
        "execution_arn": arn,
        "redrive_count": "0",
    }


def express_log(
    history: Iterable[Received],
    arn: str = EXPRESS_ARN,
    *,
    level: str = "ALL",
    with_data: bool = True,
) -> list[Received]:
    """Write the log of an execution with this history."""
    return [
        Received(r.at, From.EXPRESS, arn, logged(r.data, arn, with_data=with_data))
        for r in history
        if level == "ALL" or str(r.data["type"]).endswith(_FAILURES)
    ]


def log_event(
    message: Any, *, number: int, at: int, stream: str = "states/nightly-report/0"
) -> dict[str, Any]:
    """Write a log event as FilterLogEvents gives it, `at` in milliseconds."""
    text = message if isinstance(message, str) else json.dumps(message)
    return {
        "logStreamName": stream,
        "timestamp": at,
        "message": text,
        "ingestionTime": at + 900,
        "eventId": f"{number:056d}",
    }


def machine(
    *,
    level: str = "ALL",
    with_data: bool = True,
    group_arn: str | None = GROUP_ARN,
    definition: str = '{"StartAt": "A", "States": {}}',
    role_arn: str = "arn:aws:iam::123456789012:role/StepFunctions-sync-role",
) -> dict[str, Any]:
    """Write DescribeStateMachine's answer, times aside."""
    logs = {"cloudWatchLogsLogGroup": {"logGroupArn": f"{group_arn}:*"}}
    return {
        "stateMachineArn": MACHINE_ARN,
        "name": "nightly-report",
        "status": "ACTIVE",
        "definition": definition,
        "roleArn": role_arn,
        "type": "EXPRESS",
        "creationDate": 1700000000.0,
        "loggingConfiguration": {
            "level": level,
            "includeExecutionData": with_data,
            "destinations": [logs] if group_arn else [],
        },
    }
