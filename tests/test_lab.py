"""The template of `lab`: a sound one, and the experiment that it says it is."""

import json
from typing import Any

import boto3
import pytest
from moto import mock_aws

from sfnwatch.demo.server import CREDENTIALS
from sfnwatch.lab import SECONDS, WAYS, template, template_text
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.asl import parse_definition
from tests.test_setup_queue import lint

MADE = template()


def resources(kind: str) -> dict[str, dict[str, Any]]:
    return {
        name: each["Properties"]
        for name, each in MADE["Resources"].items()
        if each["Type"] == kind
    }


def actions(role: str) -> set[str]:
    (policy,) = resources("AWS::IAM::Role")[role]["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    return {action for each in statements for action in each["Action"]}


@pytest.mark.parametrize("queue", [False, True])
def test_a_linter_has_nothing_against_it(*, queue: bool) -> None:
    text = template_text(queue=queue)
    assert lint(text) == []
    assert lint(text.replace('"Essential": true', '"Essential": "x"')), "it sees"
    assert json.loads(text) == template(queue=queue)
    assert text.isascii()


def test_the_four_machines_are_those_of_the_experiment() -> None:
    machines = resources("AWS::StepFunctions::StateMachine")
    assert list(machines) == [f"{way}Machine" for way in WAYS]
    told = []
    for made in machines.values():
        (task,) = parse_definition(json.dumps(made["Definition"])).tasks
        assert task.integration is not None
        assert task.integration.event_sources == ("ecs.amazonaws.com",)
        told.append((task.resource, made["RoleArn"]["Fn::GetAtt"][0]))
    assert told == [
        ("arn:aws:states:::ecs:runTask.sync", "RunTaskRole"),
        ("arn:aws:states:::ecs:runTask", "RunTaskRole"),
        ("arn:aws:states:::aws-sdk:ecs:runTask", "RunTaskRole"),
        ("arn:aws:states:::ecs:runTask.sync", "DeniedRole"),
    ]


def test_the_roles_differ_in_nothing_but_the_polls() -> None:
    assert actions("RunTaskRole") - actions("DeniedRole") == {"ecs:DescribeTasks"}
    assert actions("DeniedRole") <= actions("RunTaskRole")
    assert "events:PutRule" in actions("DeniedRole"), "or no .sync machine is made"
    assert not [action for action in actions("RunTaskRole") if "*" in action]


def test_the_task_sleeps_and_nothing_can_reach_it() -> None:
    (task,) = resources("AWS::ECS::TaskDefinition").values()
    (container,) = task["ContainerDefinitions"]
    assert container["Command"] == ["sleep", str(SECONDS)]
    assert "TaskRoleArn" not in task
    (group,) = resources("AWS::EC2::SecurityGroup").values()
    assert "SecurityGroupIngress" not in group


def test_every_substitution_is_given_and_used() -> None:
    for made in resources("AWS::StepFunctions::StateMachine").values():
        text = json.dumps(made["Definition"])
        for name, value in made["DefinitionSubstitutions"].items():
            assert f"${{{name}}}" in text
            assert value["Ref"] in MADE["Resources"]
        assert text.count("${") == len(made["DefinitionSubstitutions"])


def test_its_cost_and_how_to_be_rid_of_it_are_said() -> None:
    told = MADE["Description"]
    assert len(told.encode()) <= 1024
    for words in ("Cost:", "Clean-up:", "cent", "delete the stack"):
        assert words in told


def test_a_queue_comes_only_when_it_is_wanted() -> None:
    more = template(queue=True)
    assert "AWS::SQS::Queue" not in json.dumps(MADE)
    assert set(more["Resources"]) - set(MADE["Resources"]) == {
        "Queue",
        "QueuePolicy",
        "CallsRule",
        "TasksRule",
    }
    assert more["Outputs"]["QueueUrl"]
    watch = MADE["Outputs"]["Watch"]["Value"]["Fn::Sub"]
    assert watch.startswith("sfnwatch ${SyncMachine} ")


@pytest.mark.filterwarnings("ignore")  # moto's
def test_a_stack_is_made_of_it_whose_machines_can_be_started(no_aws: None) -> None:
    where = {
        "region_name": "eu-west-1",
        "aws_access_key_id": CREDENTIALS[0],
        "aws_secret_access_key": CREDENTIALS[1],
    }
    with mock_aws():
        stacks: Any = boto3.client("cloudformation", **where)
        named = {"StackName": "lab", "Capabilities": ["CAPABILITY_IAM"]}
        stacks.create_stack(TemplateBody=template_text(queue=True), **named)
        (stack,) = stacks.describe_stacks(StackName="lab")["Stacks"]
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        states: Any = boto3.client("stepfunctions", **where)
        machines = states.list_state_machines()["stateMachines"]
        assert len(machines) == len(WAYS)
        for machine in machines:
            arn = machine["stateMachineArn"]
            given = states.describe_state_machine(stateMachineArn=arn)
            assert given["roleArn"].startswith("arn:aws:iam::")
            started = states.start_execution(stateMachineArn=arn, input="{}")
            execution = parse_execution_arn(started["executionArn"])
            assert execution.state_machine_name == machine["name"]
