"""States that call, and calls in other coats, for the tests of what ties them."""

import json
from collections.abc import Iterable
from typing import Any

from sfnwatch.trace.events import From, Received
from sfnwatch.trace.links import Link
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, ROLE, TASK_ARN, call, event

OTHER_ARN = ARN.replace("run-7f3a", "run-0002")
RUN: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask"}
DESCRIBE = {"resourceType": "aws-sdk:ecs", "resource": "describeTasks"}
NAMES_TASK = {"cluster": "c", "tasks": [TASK_ARN]}


def trace_of(*records: Iterable[Received]) -> Trace:
    return extend(Trace(), [record for group in records for record in group])


def links_of(*records: Iterable[Received]) -> dict[str, Link]:
    return dict(trace_of(*records).links)


def state(
    first: int,
    seconds: float,
    task: dict[str, Any],
    *,
    arn: str = ARN,
    output: Any = None,
    lasts: float = 0.5,
    **scheduled: Any,
) -> list[Received]:
    """Build a state of one request-response task: five events from `first` on."""
    text = json.dumps(output or {})
    end = seconds + lasts
    return [
        event(first, "TaskStateEntered", seconds, arn=arn, name=f"S{first}"),
        event(first + 1, "TaskScheduled", seconds, arn=arn, **task, **scheduled),
        event(first + 2, "TaskStarted", seconds + 0.1, arn=arn, **task),
        event(first + 3, "TaskSucceeded", end, arn=arn, output=text, **task),
        event(first + 4, "TaskStateExited", end, arn=arn, name=f"S{first}"),
    ]


def started(arn: str = ARN, role: str = ROLE) -> list[Received]:
    return [event(1, "ExecutionStarted", 0, arn=arn, roleArn=role)]


def row(name: str, seconds: float, **more: Any) -> Received:
    """Build a row of the seed's columns, which have no ids."""
    plain = call(name, seconds, key="x")
    record = json.loads(plain.data["CloudTrailEvent"])
    data = {
        "eventtime": record["eventTime"],
        "eventsource": record["eventSource"],
        "eventname": name,
        "arn": record["userIdentity"]["arn"],
        **more,
    }
    return Received(plain.at, From.ATHENA, None, data)
