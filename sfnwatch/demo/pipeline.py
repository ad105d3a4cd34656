"""The scenario with everything in it: an order on its way through a shop.

Nothing of it is recorded. The cadence of DescribeTasks is that of the recorded
scenarios; that of DescribeExecution is inferred to be the same.
"""

from typing import Any

from sfnwatch.demo.ids import arn
from sfnwatch.demo.plans import Invocation, NestedRun, Scenario, TaskRun, on_fargate

_SHIP_PARCEL = Scenario(
    name="ship-parcel",
    machine="ship-parcel",
    start_at="Pick a carrier",
    states={
        "Pick a carrier": {
            "Type": "Pass",
            "Parameters": {"order.$": "$.order", "carrier": "Northbound"},
            "Next": "On the road",
        },
        "On the road": {"Type": "Wait", "Seconds": 62, "Next": "Delivered"},
        "Delivered": {"Type": "Succeed"},
    },
)


def _task(resource: str, parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    whole = f"arn:aws:states:::{resource}"
    return {"Type": "Task", "Resource": whole, "Parameters": parameters} | more


def _invoke(function: str, payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    parameters = {"FunctionName": arn("lambda", f"function:{function}:$LATEST")}
    return _task("lambda:invoke", parameters | payload, **more)


def _branch(name: str, family: str) -> dict[str, Any]:
    task = _task("ecs:runTask.sync", on_fargate(family), End=True)
    return {"StartAt": name, "States": {name: task}}


_RETRY = {
    "ErrorEquals": ["OutOfPaper"],
    "IntervalSeconds": 8,
    "MaxAttempts": 2,
    "BackoffRate": 2,
}
_CHARGED = {
    "ResultSelector": {"receipt.$": "$.Payload.receipt"},
    "ResultPath": "$.payment",
    "Next": "Ship",
}
_STATES: dict[str, Any] = {
    "Big order?": {
        "Type": "Choice",
        "Choices": [
            {
                "Variable": "$.order.total",
                "NumericGreaterThan": 1000,
                "Next": "Prepare",
            }
        ],
        "Default": "Each parcel",
    },
    "Prepare": {
        "Type": "Parallel",
        "Branches": [
            _branch("Render invoice", "render-invoice"),
            _branch("Build index", "build-index"),
        ],
        "ResultSelector": {"invoice.$": "$[0].TaskArn", "index.$": "$[1].TaskArn"},
        "ResultPath": "$.documents",
        "Next": "Each parcel",
    },
    "Each parcel": {
        "Type": "Map",
        "ItemsPath": "$.parcels",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": "Label",
            "States": {
                "Label": _invoke(
                    "print-label",
                    {"Payload.$": "$"},
                    OutputPath="$.Payload",
                    Retry=[_RETRY],
                    End=True,
                )
            },
        },
        "ResultPath": "$.labels",
        "Next": "Charge card",
    },
    "Charge card": _invoke(
        "charge-card",
        {"Payload": {"order.$": "$.order.id", "amount.$": "$.order.total"}},
        Catch=[
            {
                "ErrorEquals": ["CardDeclined"],
                "ResultPath": "$.declined",
                "Next": "Ask for another card",
            }
        ],
        **_CHARGED,
    ),
    "Ask for another card": _invoke(
        "ask-for-another-card",
        {"Payload": {"order.$": "$.order.id", "reason.$": "$.declined.Error"}},
        **_CHARGED,
    ),
    "Ship": _task(
        "states:startExecution.sync:2",
        {
            "StateMachineArn": arn("states", f"stateMachine:{_SHIP_PARCEL.machine}"),
            "Input": {
                "order.$": "$.order.id",
                "labels.$": "$.labels",
                # What AWS recommends, so that its console can show the two together.
                "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$": "$$.Execution.Id",
            },
        },
        ResultSelector={"carrier.$": "$.Output.carrier"},
        ResultPath="$.shipment",
        Next="Done",
    ),
    "Done": {"Type": "Succeed"},
}


def _label(parcel: str, seconds: float) -> Invocation:
    return Invocation(seconds, {"parcel": parcel, "label": f"labels/{parcel}.pdf"})


PIPELINE = Scenario(
    name="pipeline",
    machine="order-pipeline",
    start_at="Big order?",
    states=_STATES,
    tries={
        "Render invoice": (TaskRun(68.7, 1.6, polls=(56,)),),
        "Build index": (TaskRun(121.2, 1.3, polls=(54, 113)),),
        "Label": (
            _label("P-1", 2.1),
            _label("P-2", 3.4),
            Invocation(1.9, error=("OutOfPaper", "Printer 2 is out of paper")),
            _label("P-3", 2.4),
            _label("P-4", 2.8),
        ),
        "Charge card": (
            Invocation(1.6, error=("CardDeclined", "The bank declined the card")),
        ),
        "Ask for another card": (Invocation(14.8, {"receipt": "R-20711"}),),
        "Ship": (NestedRun(_SHIP_PARCEL, 1.4, polls=(57,)),),
    },
    given={
        "order": {"id": "A-1042", "total": 1843, "currency": "EUR"},
        "parcels": [
            {"id": "P-1", "to": "Oslo"},
            {"id": "P-2", "to": "Lima"},
            {"id": "P-3", "to": "Kyoto"},
            {"id": "P-4", "to": "Accra"},
        ],
    },
)
