"""What a definition says the machine can call, and where its branches start."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.asl import parse_definition, resource_integration


def machine(states: Any) -> str:
    return json.dumps({"StartAt": "A", "States": states})


def task(resource: Any, **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, **more}


ECS = "arn:aws:states:::ecs:runTask.sync"
LAMBDA = "arn:aws:lambda:eu-west-1:111111111111:function:f"


@pytest.mark.parametrize(
    ("resource", "source", "action"),
    [
        (ECS, "ecs", "RunTask"),
        ("arn:aws-cn:states:::batch:submitJob.sync", "batch", "SubmitJob"),
        ("arn:aws:states:::aws-sdk:ecs:runTask", "ecs", "RunTask"),
        ("arn:aws:states:::aws-sdk:sfn:startExecution", "states", "StartExecution"),
        ("arn:aws:states:::states:startExecution.sync:2", "states", "StartExecution"),
        ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", "sqs", "SendMessage"),
        ("arn:aws:states:::lambda:invoke", "lambda", "Invoke"),
        (LAMBDA, "lambda", "Invoke"),
    ],
)
def test_a_resource_names_an_integration(
    resource: str, source: str, action: str
) -> None:
    row = resource_integration(resource)
    assert row is not None
    assert row.event_source == f"{source}.amazonaws.com"
    assert row.action_event == action


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:states:eu-west-1:111111111111:activity:mine",
        "arn:aws:states:::",
        "arn:aws:sqs:::q",
        "ecs:runTask",
        "",
        "arn:aws:states:::ecs:run\nTask",
    ],
)
def test_other_resources_call_nothing(resource: str) -> None:
    assert resource_integration(resource) is None


def test_tasks_of_branches_and_iterations_count_too() -> None:
    inner = {"StartAt": "B", "States": {"B": task("arn:aws:states:::batch:submitJob")}}
    old = {"StartAt": "C", "States": {"C": task("arn:aws:states:::glue:startJobRun")}}
    states = {
        "A": task(ECS),
        "P": {"Type": "Parallel", "Branches": [inner, {"StartAt": "X"}]},
        "M": {"Type": "Map", "Iterator": old},
        "N": {"Type": "Map", "ItemProcessor": {"States": {"D": task(LAMBDA)}}},
    }
    definition = parse_definition(machine(states))
    assert [t.name for t in definition.tasks] == ["A", "B", "C", "D"]
    assert definition.event_sources == (
        "ecs.amazonaws.com",
        "batch.amazonaws.com",
        "glue.amazonaws.com",
    )
    assert definition.branches == {"P": ("B", "X")}


def test_an_activity_is_a_task_that_calls_nothing() -> None:
    activity = task("arn:aws:states:eu-west-1:111111111111:activity:mine")
    definition = parse_definition(machine({"A": activity, "B": task(ECS)}))
    assert [t.integration is None for t in definition.tasks] == [True, False]
    assert definition.event_sources == ("ecs.amazonaws.com",)


def test_a_machine_that_only_calls_lambda_asks_nothing_of_event_history() -> None:
    assert parse_definition(machine({"A": task(LAMBDA)})).event_sources == ()


def test_a_fixed_role_of_a_task_is_read_and_one_from_a_path_is_not() -> None:
    fixed = task(ECS, Credentials={"RoleArn": "arn:aws:iam::1:role/r"})
    dynamic = task(ECS, Credentials={"RoleArn.$": "$.role"})
    tasks = parse_definition(machine({"A": fixed, "B": dynamic})).tasks
    assert [t.role_arn for t in tasks] == ["arn:aws:iam::1:role/r", None]


@pytest.mark.parametrize(
    "text",
    [
        None,
        7,
        "",
        "not JSON",
        "[]",
        '"States"',
        '{"States": []}',
        '{"States": {"A": "Task"}}',
        machine({"A": task(None)}),
        machine({"A": {**task(ECS), "Type": "Wait"}}),
        machine({"A": task(["arn"])}),
        machine({"P": {"Type": "Parallel", "Branches": "all"}}),
        machine({"M": {"Type": "Map", "ItemProcessor": 7, "Iterator": None}}),
        "[" * 100_000,
        '{"States":{"A":' * 100_000,
    ],
    ids=lambda text: str(text)[:30],
)
def test_a_definition_that_is_none_has_no_tasks(text: Any) -> None:
    definition = parse_definition(text)
    assert definition.tasks == ()
    assert definition.event_sources == ()


def test_a_deeply_nested_definition_is_read_to_its_bottom() -> None:
    inner: dict[str, Any] = {"States": {"Bottom": task(ECS)}}
    for _ in range(100):
        inner = {"States": {"P": {"Type": "Parallel", "Branches": [inner]}}}
    (found,) = parse_definition(json.dumps(inner)).tasks
    assert found.name == "Bottom"


def test_a_state_that_leads_back_to_itself_is_read_once() -> None:
    states = {"A": task(ECS, Next="B"), "B": {"Type": "Choice", "Default": "A"}}
    assert len(parse_definition(machine(states)).tasks) == 1


json_values = st.recursive(
    st.none() | st.integers() | st.sampled_from(["Task", "Parallel", "Map", ECS]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["States", "Type", "Resource", "Branches", "Iterator"]),
            inner,
        )
    ),
)


@given(json_values)
def test_any_json_is_a_definition_of_something_or_nothing(value: Any) -> None:
    definition = parse_definition(json.dumps(value))
    assert all(task.resource == ECS or task.resource for task in definition.tasks)
