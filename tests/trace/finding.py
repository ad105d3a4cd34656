"""Traces for the tests of findings: what is found in them, by kind."""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sfnwatch.trace.events import From, Received
from sfnwatch.trace.findings import Finding, all_findings, findings
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, ROLE, START, call, event

SYNC: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask.sync"}
LAMBDA: dict[str, Any] = {"resourceType": "lambda", "resource": "invoke"}


def task_arn(number: int) -> str:
    return f"arn:aws:ecs:ap-northeast-1:123456789012:task/my-cluster/{number:032x}"


def trace_of(*records: Received) -> Trace:
    return extend(Trace(), records)


def every(*records: Received, arn: str = ARN) -> dict[str, list[Finding]]:
    """Find all of one execution, by kind."""
    trace = trace_of(*records)
    return by_kind(findings(trace, trace.timelines[arn]))


def of_trace(*records: Received) -> dict[str, list[Finding]]:
    """Find what is of no execution in particular, by kind."""
    told = all_findings(trace_of(*records))
    return by_kind(found for found in told if found.execution_arn is None)


def by_kind(told: Iterable[Finding]) -> dict[str, list[Finding]]:
    kinds: dict[str, list[Finding]] = defaultdict(list)
    for found in told:
        kinds[found.kind].append(found)
    return dict(kinds)


def begun(*, role: str = ROLE, arn: str = ARN) -> Received:
    return event(1, "ExecutionStarted", 0, arn=arn, input="{}", roleArn=role)


def iterations(count: int, *, waits: float = 61) -> list[Received]:
    """Build a Map whose iterations each run a task, one after the other's start."""
    records = [
        begun(),
        event(2, "MapStateEntered", 0.1, name="Each"),
        event(3, "MapStateStarted", 0.1, length=count),
    ]
    for index in range(count):
        first, at = 4 + index * 8, 0.2 + index * 0.01
        end = at + waits + index % 7
        records += [
            event(
                first, "MapIterationStarted", at, previous=3, name="Each", index=index
            ),
            event(first + 1, "TaskStateEntered", at, name="Work"),
            event(first + 2, "TaskScheduled", at, **SYNC),
            event(first + 3, "TaskStarted", at + 0.1, **SYNC),
            event(first + 4, "TaskSubmitted", at + 1, **SYNC, output=submitted(index)),
            event(
                first + 5, "TaskSucceeded", end, **SYNC, output=done(index, end - 0.8)
            ),
            event(first + 6, "TaskStateExited", end, name="Work"),
            event(first + 7, "MapIterationSucceeded", end, name="Each", index=index),
        ]
    return records


def submitted(number: int) -> str:
    return json.dumps({"Tasks": [{"TaskArn": task_arn(number)}]})


def done(number: int, seconds: float) -> str:
    """Give the answer of a task that stopped so many seconds after the start."""
    stopped = round((START.timestamp() + seconds) * 1000)
    return json.dumps({"TaskArn": task_arn(number), "StoppedAt": stopped})


def run_task(number: int, seconds: float, **more: Any) -> Received:
    response = {"tasks": [{"taskArn": task_arn(number)}], "failures": []}
    more.setdefault("response", response)
    more.setdefault("key", f"run-{number}-{seconds}")
    return call("RunTask", seconds, **more)


def describe_task(number: int, seconds: float, **more: Any) -> Received:
    more.setdefault("parameters", {"cluster": "c", "tasks": [task_arn(number)]})
    more.setdefault("key", f"poll-{number}-{seconds}")
    return call("DescribeTasks", seconds, **more)


def row(name: str, seconds: float, **more: Any) -> Received:
    """Build a row of the seed's columns, which have no ids."""
    whole = json.loads(call(name, seconds, key="x").data["CloudTrailEvent"])
    data = {
        "eventtime": whole["eventTime"],
        "eventsource": whole["eventSource"],
        "eventname": name,
        "arn": whole["userIdentity"]["arn"],
        **more,
    }
    return Received(None, From.ATHENA, None, data)
