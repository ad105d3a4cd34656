"""Five state machines, and what an execution of each must come to."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

PASS = {"Type": "Pass", "End": True}
WAIT = {"Type": "Wait", "Seconds": 1, "End": True}
MISSING_QUEUE = {
    "Type": "Task",
    "Resource": "arn:aws:states:::aws-sdk:sqs:getQueueUrl",
    "Parameters": {"QueueName": "none"},
}
MISSING_SECRET = {
    "Type": "Task",
    "Resource": "arn:aws:states:::aws-sdk:secretsmanager:describeSecret",
    "Parameters": {"SecretId": "none"},
    "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Rescue"}],
    "End": True,
}
"""A call that CloudTrail records as a management event, unlike that of a queue."""
ONCE_MORE = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}


class Expected(Struct, frozen=True):
    """A state machine, and its states with the statuses that they must end with."""

    states: Mapping[str, Any]
    statuses: Mapping[str, str]
    """The status of each state outside Parallel and Map, by its name."""
    inside: Mapping[str, int] = {}
    """How often each state inside them is entered, where the emulator names those."""
    status: str = "SUCCEEDED"
    least: Mapping[str, float] = {}
    """The seconds that a state takes at least, by its name."""


def branch(name: str, state: Mapping[str, Any]) -> dict[str, Any]:
    return {"StartAt": name, "States": {name: state}}


def nested(child_arn: str, *, fails: bool) -> Expected:
    """Return a machine whose task runs an execution of another."""
    call = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": child_arn, "Input": "{}", "Name": "inner"},
        "End": True,
    }
    if fails:
        return Expected({"Call": call}, {"Call": "failed"}, status="FAILED")
    return Expected({"Call": call}, {"Call": "succeeded"})


MACHINES = {
    "parallel": Expected(
        {
            "Fan": {
                "Type": "Parallel",
                "Branches": [branch("A", WAIT), branch("B", PASS)],
                "End": True,
            }
        },
        {"Fan": "succeeded"},
        inside={"A": 1, "B": 1},
        least={"Fan": 1.0, "A": 1.0},
    ),
    "map": Expected(
        {
            "Each": {
                "Type": "Map",
                "ItemsPath": "$.items",
                "ItemProcessor": branch("One", PASS),
                "End": True,
            }
        },
        {"Each": "succeeded"},
        inside={"One": 3},
    ),
    "caught": Expected(
        {
            "Get": {
                **MISSING_QUEUE,
                "Retry": [ONCE_MORE],
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Rescue"}],
                "End": True,
            },
            "Rescue": PASS,
        },
        {"Get": "caught", "Rescue": "succeeded"},
        least={"Get": 1.0},
    ),
    "failed": Expected(
        {"Get": {**MISSING_QUEUE, "Retry": [ONCE_MORE], "End": True}},
        {"Get": "failed"},
        status="FAILED",
        least={"Get": 1.0},
    ),
    "wait": Expected(
        {"Rest": WAIT | {"Seconds": 2}}, {"Rest": "succeeded"}, least={"Rest": 2.0}
    ),
}
