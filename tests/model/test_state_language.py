"""What a definition says the machine can call, and where its branches start."""

import json
from typing import Any

import pytest

from sfnwatch.model.integrations import parse_definition, resource_integration

ECS = "arn:aws:states:::ecs:runTask.sync"
LAMBDA = "arn:aws:lambda:eu-west-1:111111111111:function:f"
ACTIVITY = "arn:aws:states:eu-west-1:111111111111:activity:mine"


def machine(**states: Any) -> str:
    return json.dumps({"StartAt": "A", "States": states})


def task(resource: Any, **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, **more}


@pytest.mark.parametrize(
    ("resource", "call"),
    [
        (ECS, "ecs RunTask"),
        ("arn:aws-cn:states:::batch:submitJob.sync", "batch SubmitJob"),
        ("arn:aws:states:::aws-sdk:ecs:runTask", "ecs RunTask"),
        ("arn:aws:states:::aws-sdk:sfn:startExecution", "states StartExecution"),
        ("arn:aws:states:::states:startExecution.sync:2", "states StartExecution"),
        ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", "sqs SendMessage"),
        ("arn:aws:states:::lambda:invoke", "lambda Invoke"),
        (LAMBDA, "lambda Invoke"),
        (ACTIVITY, None),
        ("arn:aws:states:::", None),
        ("arn:aws:sqs:::q", None),
        ("ecs:runTask", None),
        ("", None),
        ("arn:aws:states:::ecs:run\nTask", None),
    ],
)
def test_a_resource_names_an_integration_or_calls_nothing(
    resource: str, call: str | None
) -> None:
    row = resource_integration(resource)
    found = (
        row and f"{row.event_source.removesuffix('.amazonaws.com')} {row.action_event}"
    )
    assert found == call


def test_tasks_of_branches_and_iterations_count_too() -> None:
    inner = {"StartAt": "B", "States": {"B": task("arn:aws:states:::batch:submitJob")}}
    old = {"StartAt": "C", "States": {"C": task("arn:aws:states:::glue:startJobRun")}}
    definition = parse_definition(
        machine(
            A=task(ECS),
            P={"Type": "Parallel", "Branches": [inner, {"StartAt": "X"}, 7]},
            M={"Type": "Map", "Iterator": old},
            N={"Type": "Map", "ItemProcessor": {"States": {"D": task(LAMBDA)}}},
            E=task(ACTIVITY),
        )
    )
    rows = [task.integration for task in definition.tasks]
    actions = ["RunTask", None, "SubmitJob", "StartJobRun", "Invoke"]
    assert [row and row.action_event for row in rows] == actions
    assert definition.branches == {"P": ("B", "X", "")}


def test_a_fixed_role_of_a_task_is_read_and_one_from_a_path_is_not() -> None:
    fixed = task(ECS, Credentials={"RoleArn": "arn:aws:iam::1:role/r"})
    dynamic = task(ECS, Credentials={"RoleArn.$": "$.role"})
    tasks = parse_definition(machine(A=fixed, B=dynamic)).tasks
    assert [t.role_arn for t in tasks] == ["arn:aws:iam::1:role/r", None]
