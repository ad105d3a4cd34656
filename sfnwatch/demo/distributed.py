"""The scenario with a Map Run: photos made smaller, each by an execution of its own.

The events of the parent are those of a recorded run; what its children look like among
executions is documented, and the rest is made up.
"""

from typing import Any

from sfnwatch.demo.ids import arn
from sfnwatch.demo.plans import Invocation, Scenario

_PHOTOS = ("P-101", "P-102", "P-103", "P-104", "P-105")
_SECONDS = (31.0, 12.4, 55.8, 17.2, 40.6)


def _states() -> dict[str, Any]:
    resize = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {
            "FunctionName": arn("lambda", "function:resize-photo:$LATEST"),
            "Payload.$": "$",
        },
        "OutputPath": "$.Payload",
        "End": True,
    }
    return {
        "Each photo": {
            "Type": "Map",
            "Label": "EachPhoto",
            "ItemsPath": "$.photos",
            "MaxConcurrency": 2,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Resize",
                "States": {"Resize": resize},
            },
            "End": True,
        }
    }


DISTRIBUTED = Scenario(
    name="distributed",
    machine="resize-photos",
    start_at="Each photo",
    states=_states(),
    items=tuple(
        {"Resize": (Invocation(seconds, {"photo": photo}),)}
        for photo, seconds in zip(_PHOTOS, _SECONDS, strict=True)
    ),
    given={"photos": [{"id": photo} for photo in _PHOTOS]},
)
