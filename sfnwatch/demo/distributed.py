"""The scenario with a Map Run: photos made smaller, each by an execution of its own.

The events of the parent are those of a recorded run; what its children look like among
executions is documented, and the rest is made up.
"""

from collections.abc import Iterator, Mapping
from itertools import cycle, islice
from typing import Any

from sfnwatch.demo.ids import arn
from sfnwatch.demo.plans import (
    Invocation,
    NestedRun,
    Scenario,
    TaskRun,
    Try,
    on_fargate,
)

_PHOTOS = 40
_SECONDS = (31.0, 12.4, 55.8, 17.2, 40.6, 22.9, 28.3, 9.7, 36.5)
_BIG = {
    3: TaskRun(76.2, 1.4, polls=(56,)),
    11: TaskRun(118.9, 1.7, polls=(54, 113)),
    19: TaskRun(71.5, 1.2, polls=(55,)),
    24: TaskRun(97.3, 1.6, polls=(57,)),
    33: TaskRun(68.8, 1.5, polls=(55,)),
}
_UNREADABLE = (7, 20, 34)
_READ_AT_THE_SECOND_TRY = 13
_COVERS = (5, 26)
_RETRY = {
    "ErrorEquals": ["UnreadableImage"],
    "IntervalSeconds": 6,
    "MaxAttempts": 1,
    "BackoffRate": 2,
}

_CHECK_RIGHTS = Scenario(
    name="check-rights",
    machine="check-rights",
    start_at="Ask the agency",
    states={
        "Ask the agency": {"Type": "Wait", "Seconds": 24, "Next": "Granted"},
        "Granted": {"Type": "Succeed"},
    },
)


def _resize(**more: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {
            "FunctionName": arn("lambda", "function:resize-photo:$LATEST"),
            "Payload.$": "$",
        },
        "Retry": [_RETRY],
    } | more


def _big_or_small() -> dict[str, Any]:
    """Return what is done with a photo: by ECS if it is big, and more for a cover."""
    resize_on_fargate = {
        "Type": "Task",
        "Resource": "arn:aws:states:::ecs:runTask.sync",
        "Parameters": on_fargate("resize-photo"),
        "ResultSelector": {"by.$": "$.TaskArn"},
        "ResultPath": "$.small",
        "Next": "Cover?",
    }
    check_rights = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {
            "StateMachineArn": arn("states", f"stateMachine:{_CHECK_RIGHTS.machine}"),
            "Input": {
                "photo.$": "$.id",
                "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$": "$$.Execution.Id",
            },
        },
        "ResultSelector": {"status.$": "$.Status"},
        "ResultPath": "$.rights",
        "Next": "Resized",
    }
    return {
        "Big?": _choice("megapixels", {"NumericGreaterThan": 60}, "Resize on Fargate")
        | {"Default": "Resize"},
        "Resize": _resize(
            ResultSelector={"by.$": "$.Payload.by"},
            ResultPath="$.small",
            Next="Cover?",
        ),
        "Resize on Fargate": resize_on_fargate,
        "Cover?": _choice("cover", {"BooleanEquals": True}, "Check rights")
        | {"Default": "Resized"},
        "Check rights": check_rights,
        "Resized": {"Type": "Succeed"},
    }


def _choice(member: str, test: dict[str, Any], following: str) -> dict[str, Any]:
    rule = {"Variable": f"$.{member}", "Next": following} | test
    return {"Type": "Choice", "Choices": [rule]}


def _each_photo(states: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    each_photo = {
        "Type": "Map",
        "Label": "EachPhoto",
        "ItemsPath": "$.photos",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": next(iter(states)),
            "States": states,
        },
        "End": True,
    }
    return {"Each photo": each_photo | more}


def _photos() -> Iterator[tuple[dict[str, Any], dict[str, tuple[Try, ...]]]]:
    """Yield the photos, and what becomes of each."""
    unreadable = Invocation(3.1, error=("UnreadableImage", "Not a photo: no header"))
    for index, seconds in enumerate(islice(cycle(_SECONDS), _PHOTOS)):
        tries: tuple[Try, ...] = (Invocation(seconds, {"by": "resize-photo"}),)
        if index in _UNREADABLE:
            tries = (unreadable, unreadable)
        elif index == _READ_AT_THE_SECOND_TRY:
            tries = (unreadable, *tries)
        photo = {
            "id": f"P-{101 + index}",
            "megapixels": 102 if index in _BIG else 24,
            "cover": index in _COVERS,
        }
        met = {"Resize": tries, "Check rights": (NestedRun(_CHECK_RIGHTS, 1.3),)}
        yield (
            photo,
            met | ({"Resize on Fargate": (_BIG[index],)} if index in _BIG else {}),
        )


DISTRIBUTED = Scenario(
    name="distributed",
    machine="resize-photos",
    start_at="Each photo",
    states=_each_photo(
        _big_or_small(),
        MaxConcurrency=8,
        ToleratedFailurePercentage=10,
        ResultPath="$.resized",
    ),
    given={"photos": [photo for photo, _ in _photos()]},
    items=tuple(met for _, met in _photos()),
)


def distributed(
    items: int, *, failing: int = 0, concurrency: int = 40, tolerated: float = 100
) -> Scenario:
    """Return a Map Run of any size, whose failing items lie evenly among the others.

    Its result is thrown away: that of thousands would be longer than AWS allows.
    """
    unreadable = Invocation(0.7, error=("UnreadableImage", "Not a photo: no header"))
    ways = [{"Resize": (Invocation(1 + n * 0.3, {"by": "me"}),)} for n in range(9)]
    failure = {"Resize": (unreadable, unreadable)}
    fails = [(n + 1) * failing // items > n * failing // items for n in range(items)]
    return Scenario(
        name="distributed",
        machine="resize-photos",
        start_at="Each photo",
        states=_each_photo(
            {"Resize": _resize(End=True)},
            MaxConcurrency=concurrency,
            ToleratedFailurePercentage=tolerated,
            ResultPath=None,
        ),
        given={"photos": [f"P-{n:05}" for n in range(items)]},
        items=[failure if fails[n] else ways[n * 7 % len(ways)] for n in range(items)],
        days_before=(),
    )
