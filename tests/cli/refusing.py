"""A service that shows an execution under way, and then refuses for good."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.builders import ARN, HEAD, REGION
from tests.reliability.servers import answering

_AT = 1_700_008_104
_MACHINE = f"{HEAD}:stateMachine:nightly-report"
_STARTED = {
    "timestamp": _AT,
    "type": "ExecutionStarted",
    "id": 1,
    "previousEventId": 0,
    "executionStartedEventDetails": {"input": "{}", "roleArn": f"{HEAD}:role/x"},
}
RUNNING: Mapping[str, Any] = {
    "DescribeExecution": {
        "executionArn": ARN,
        "stateMachineArn": _MACHINE,
        "name": "run-7f3a",
        "status": "RUNNING",
        "startDate": _AT,
    },
    "DescribeStateMachineForExecution": {
        "stateMachineArn": _MACHINE,
        "name": "nightly-report",
        "definition": json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass"}}}),
        "roleArn": "arn:aws:iam::123456789012:role/x",
        "updateDate": _AT,
    },
    "GetExecutionHistory": {"events": [_STARTED]},
    "ListExecutions": {"executions": []},
    "LookupEvents": {"Events": []},
}
"""What a service says of an execution under way, by operation."""


@contextmanager
def refusing(code: str | None, shown: int = 1) -> Iterator[str]:
    """Serve it on loopback; gives the URL.

    So many times its history is `shown`, then the code is what all of it is refused
    with. Without a code it goes on for ever.
    """
    asked: list[str] = []

    def answer(headers: Any) -> tuple[int, Any]:
        operation = headers["X-Amz-Target"].rpartition(".")[2]
        asked.append(operation)
        is_over = asked.count("GetExecutionHistory") > shown
        if code is not None and is_over and operation != "LookupEvents":
            return 400, {"__type": code, "message": "No more."}
        return 200, RUNNING[operation]

    with answering(answer) as url:
        yield url


@contextmanager
def throttling(status: int, code: str | None, tries: int) -> Iterator[str]:
    """Serve on loopback an execution that has ended; gives the URL.

    So many requests are answered first with the status, and the code if there is one.
    """
    ended = {
        "timestamp": _AT + 1,
        "type": "ExecutionSucceeded",
        "id": 2,
        "previousEventId": 1,
        "executionSucceededEventDetails": {"output": "{}"},
    }
    described = {**RUNNING["DescribeExecution"], "status": "SUCCEEDED"}
    answers = {
        **RUNNING,
        "DescribeExecution": {**described, "stopDate": _AT + 1},
        "GetExecutionHistory": {"events": [_STARTED, ended]},
    }
    asked: list[str] = []

    def answer(headers: Any) -> tuple[int, Any]:
        operation = headers["X-Amz-Target"].rpartition(".")[2]
        asked.append(operation)
        if len(asked) <= tries:
            return status, {"__type": code} if code else {}
        return 200, answers[operation]

    with answering(answer) as url:
        yield url


def words(url: str, *command: str) -> tuple[str, ...]:
    """Give a command line that asks there for the execution."""
    return (*command, ARN, "--endpoint-url", url, "--region", REGION)
