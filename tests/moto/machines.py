"""State machines' definitions, in ASL."""

from typing import Any

from tests.moto.account import CLUSTER

States = dict[str, Any]


def task(resource: str, parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    end = {} if "Next" in more else {"End": True}
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{resource}",
        "Parameters": parameters,
        **end,
        **more,
    }


def run_task(
    resource: str, *, cluster: str = CLUSTER, family: str = "works", **more: Any
) -> dict[str, Any]:
    parameters = {
        "Cluster": cluster,
        "TaskDefinition": family,
        "LaunchType": "FARGATE",
    }
    return task(resource, parameters, **more)


def rest(seconds: int, **more: Any) -> dict[str, Any]:
    end = {} if more else {"End": True}
    return {"Type": "Wait", "Seconds": seconds, **end, **more}


def nested(machine_arn: str, **more: Any) -> dict[str, Any]:
    """Start an execution that is named like the one that starts it."""
    parameters = {"StateMachineArn": machine_arn, "Input": {"n": 1}}
    named = {"Name.$": "$$.Execution.Name"}
    return task("states:startExecution.sync:2", {**parameters, **named}, **more)


def retry(times: int) -> list[dict[str, Any]]:
    every_second = {"IntervalSeconds": 1, "BackoffRate": 1, "MaxAttempts": times}
    return [{"ErrorEquals": ["States.ALL"], **every_second}]


def catch(state: str) -> list[dict[str, Any]]:
    return [{"ErrorEquals": ["States.ALL"], "Next": state, "ResultPath": None}]


def branch(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def parallel(*branches: dict[str, Any], **more: Any) -> dict[str, Any]:
    end = {} if "Next" in more else {"End": True}
    return {"Type": "Parallel", "Branches": list(branches), **end, **more}


def each(state: dict[str, Any], at_once: int) -> dict[str, Any]:
    return {
        "Type": "Map",
        "ItemsPath": "$.items",
        "MaxConcurrency": at_once,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"},
            **branch(Work=state),
        },
        "End": True,
    }
