"""What one try of a Task does: the calls it makes, and what comes of it.

ECS, Lambda and nested executions. Lambda's Invoke is a data event, which Event
history never has, so it makes no call here.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sfnwatch.demo.ids import Dice
from sfnwatch.demo.plans import Invocation, NestedRun, Scenario, TaskRun, Try
from sfnwatch.demo.runs import Call, Run, compact, machine_arn
from sfnwatch.demo.task_events import Life
from sfnwatch.demo.tasks import Task, camel
from sfnwatch.demo.times import after, epoch_ms, http_date, in_words, iso_ms

STARTED_BY = "AWS Step Functions"
_HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
_JSON_1_0, _JSON_1_1 = "application/x-amz-json-1.0", "application/x-amz-json-1.1"

Start = Callable[[Scenario, datetime, Any], Run]
"""Plays a nested execution: of a plan, started at a time, with an input."""


class Failed(Exception):  # noqa: N818 - it is ASL's word, and no error of ours
    """A try, or a state, that ended with an error."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(error, cause)
        self.error, self.cause = error, cause

    @property
    def output(self) -> dict[str, str]:
        """What a Catch is given."""
        return {"Error": self.error, "Cause": self.cause}

    def meets(self, errors: list[str]) -> bool:
        """Tell whether a Retry or Catch for these errors is meant."""
        return bool({"States.ALL", "States.TaskFailed", self.error} & set(errors))


@dataclass(frozen=True, slots=True)
class Asked:
    """What a try asks of its service."""

    at: datetime
    resource_type: str
    resource: str
    parameters: dict[str, Any]
    polls_denied: bool
    dice: Dice
    start: Start

    @property
    def waits(self) -> bool:
        """Whether the state is over only when the job is."""
        return ".sync" in self.resource


@dataclass(frozen=True, slots=True)
class Job:
    """What came of a try."""

    ended_at: datetime
    output: Any = None
    failure: Failed | None = None
    submitted: tuple[datetime, Any] | None = None
    """When a job was begun that is waited for, and the answer to that."""
    calls: tuple[Call, ...] = ()
    nested: tuple[Run, ...] = ()
    tasks: tuple[Life, ...] = ()


def parameters_of(resource: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters as they are sent: `.sync` tells ECS who starts the task."""
    if resource == "runTask.sync":
        return parameters | {"StartedBy": STARTED_BY}
    return parameters


def carry_out(asked: Asked, one_try: Try) -> Job:
    """Do what a try does."""
    match one_try:
        case TaskRun():
            return _run_task(asked, one_try)
        case Invocation():
            return _invoke(asked, one_try)
        case NestedRun():
            return _start_execution(asked, one_try)


def _run_task(asked: Asked, one_try: TaskRun) -> Job:
    dice = asked.dice
    answered_at = after(asked.at, dice.seconds(0.25, 0.45))
    task = Task.drawn(
        dice,
        family=asked.parameters["TaskDefinition"],
        created_at=after(asked.at, 0.187),
        started_by=asked.parameters.get("StartedBy"),
    )
    call = Call(
        asked.at,
        "ecs",
        "RunTask",
        task.arn,
        dice.uuid(),
        camel(asked.parameters),
        camel({"Tasks": [task.provisioning(in_words)], "Failures": []}),
    )
    answer = _run_task_answer(asked, task, call.request_id, answered_at)
    if not asked.waits:
        return Job(answered_at, answer, calls=(call,))
    request = {"cluster": task.provisioning()["ClusterArn"], "tasks": [task.arn]}
    polls = _polls(asked, one_try.polls, call, ("DescribeTasks", request))
    stopped_at = after(asked.at, one_try.stops_after)
    output = task.stopped(stopped_at, one_try.exit_code)
    failed = Failed("States.TaskFailed", compact(output)) if one_try.exit_code else None
    return Job(
        ended_at=after(stopped_at, one_try.noticed_after),
        output=output,
        failure=failed,
        submitted=(answered_at, answer),
        calls=(call, *polls),
        tasks=(Life(task, stopped_at, one_try.exit_code),),
    )


def _run_task_answer(
    asked: Asked, task: Task, request_id: str, at: datetime
) -> dict[str, Any]:
    if asked.resource_type.startswith("aws-sdk:"):
        return {"Failures": [], "Tasks": [task.provisioning(iso_ms)]}
    answer = {"Failures": [], "Tasks": [task.provisioning()]}
    length = len(compact(camel(answer)))
    return answer | _metadata(request_id, _headers(_JSON_1_1, length, at))


def _polls(
    asked: Asked, times: tuple[int, ...], action: Call, poll: tuple[str, dict[str, Any]]
) -> Iterator[Call]:
    name, request = poll
    for seconds in times:
        yield Call(
            after(asked.at, seconds),
            action.service,
            name,
            action.job_arn,
            asked.dice.uuid(),
            request,
            denied=asked.polls_denied,
        )


def _invoke(asked: Asked, one_try: Invocation) -> Job:
    dice = asked.dice
    ended_at = after(asked.at, one_try.seconds)
    request_id = dice.uuid()
    if one_try.error:
        kind, message = one_try.error
        return Job(ended_at, failure=_raised(asked, kind, message, request_id))
    length = len(compact(one_try.payload))
    headers = _headers("application/json", length, ended_at) | {
        "Connection": "keep-alive",
        "X-Amz-Executed-Version": "$LATEST",
        "X-Amzn-Trace-Id": f"root=1-{dice.hex(8)}-{dice.hex(24)};sampled=0",
        "x-amzn-Remapped-Content-Length": "0",
    }
    answer = {
        "ExecutedVersion": "$LATEST",
        "Payload": dict(one_try.payload),
        "StatusCode": 200,
    }
    return Job(ended_at, answer | _metadata(request_id, headers))


def _raised(asked: Asked, kind: str, message: str, request_id: str) -> Failed:
    """Return an exception of a Python function, in the words of Lambda's runtime."""
    function = asked.parameters["FunctionName"].split(":")[6].replace("-", "_")
    line = f'  File "/var/task/{function}.py", line 27, in handler\n'
    said = {
        "errorMessage": message,
        "errorType": kind,
        "requestId": request_id,
        "stackTrace": [f"{line}    raise {kind}({json.dumps(message)})\n"],
    }
    return Failed(kind, compact(said))


def _start_execution(asked: Asked, one_try: NestedRun) -> Job:
    dice = asked.dice
    answered_at = after(asked.at, dice.seconds(0.09, 0.18))
    given = asked.parameters["Input"]
    child = asked.start(one_try.plan, after(asked.at, 0.041), given)
    call = Call(
        asked.at,
        "states",
        "StartExecution",
        child.arn,
        dice.uuid(),
        {"stateMachineArn": machine_arn(child.scenario), "input": _HIDDEN},
        {"executionArn": child.arn, "startDate": in_words(child.started_at)},
    )
    answer = {"ExecutionArn": child.arn, "StartDate": epoch_ms(child.started_at)}
    headers = _headers(_JSON_1_0, len(compact(camel(answer))), answered_at)
    headers["connection"] = "keep-alive"
    request = {"executionArn": child.arn}
    polls = _polls(asked, one_try.polls, call, ("DescribeExecution", request))
    return Job(
        ended_at=after(child.ends_at, one_try.noticed_after),
        output=_described(child),
        submitted=(answered_at, answer | _metadata(call.request_id, headers)),
        calls=(call, *polls),
        nested=(child,),
    )


def _described(child: Run) -> dict[str, Any]:
    """Return the nested execution as `.sync:2` passes it on: with its JSON parsed."""
    return {
        "ExecutionArn": child.arn,
        "Input": json.loads(child.input),
        "InputDetails": {"Included": True},
        "Name": child.name,
        "Output": json.loads(child.events[-1].details["output"]),
        "OutputDetails": {"Included": True},
        "StartDate": epoch_ms(child.started_at),
        "StateMachineArn": machine_arn(child.scenario),
        "Status": child.status(child.ends_at),
        "StopDate": epoch_ms(child.ends_at),
    }


def _headers(content_type: str, length: int, at: datetime) -> dict[str, str]:
    return {
        "Content-Length": str(length),
        "Content-Type": content_type,
        "Date": http_date(at),
    }


def _metadata(request_id: str, headers: dict[str, str]) -> dict[str, Any]:
    headers = headers | {"x-amzn-RequestId": request_id}
    return {
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": 200,
        },
        "SdkResponseMetadata": {"RequestId": request_id},
    }
