"""The CloudFormation template of an experiment to watch: nothing is made here.

One Fargate task that sleeps, and four state machines that run it: `.sync`,
request-response and the AWS SDK on one role, and `.sync` again on a role that may not
poll. Everything it needs is in the stack, a network too, so that deleting the stack
leaves nothing. The rule by which Step Functions hears of a task's end is none of the
stack's: Step Functions itself makes it when a `.sync` machine is made, one for the
account and Region, and both roles must be allowed to.
"""

import json
from typing import Any

from sfnwatch import setup_queue

SECONDS = 300
"""How long the task sleeps: long enough for five polls, a minute apart."""
_RULE = "StepFunctionsGetEventsForECSTaskRule"
_SYNC, _ASYNC = "ecs:runTask.sync", "ecs:runTask"
_SDK = "aws-sdk:ecs:runTask"
WAYS: dict[str, tuple[str, str, str]] = {
    "Sync": (_SYNC, "RunTaskRole", "waits for the task, and polls for it"),
    "Async": (_ASYNC, "RunTaskRole", "request-response: it does not wait"),
    "Sdk": (_SDK, "RunTaskRole", "through the AWS SDK: it does not wait"),
    "Denied": (_SYNC, "DeniedRole", "waits, and every poll is denied"),
}
"""Each state machine: what its state calls, on which role, and what that shows."""
DESCRIPTION = (
    "An experiment for sfnwatch: a Fargate task that sleeps for five minutes, run by"
    " four state machines: .sync, request-response, AWS SDK, and .sync on a role that"
    " may not poll. Cost: nothing while nothing runs; each execution runs a task of"
    " 0.25 vCPU and 0.5 GB with a public IPv4 address for about six minutes, far below"
    " one US cent. Clean-up: wait until no task runs, then delete the stack. The rule"
    f" {_RULE}, which Step Functions makes for itself, may stay behind; it costs"
    " nothing."
)


def template(*, queue: bool = False) -> dict[str, Any]:
    """Give the template; with `queue` also what --queue needs, for ECS's calls."""
    made: dict[str, Any] = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": DESCRIPTION,
        "Parameters": {
            "Image": {
                "Type": "String",
                "Default": "busybox:stable",
                "Description": "Any image that has sleep.",
            }
        },
        "Resources": {**_network(), **_tasks(), **_roles(), **_machines()},
        "Outputs": _outputs(),
    }
    if queue:
        more = setup_queue.template(["ecs"])
        made["Resources"] |= more["Resources"]
        made["Outputs"] |= more["Outputs"]
    return made


def template_text(*, queue: bool = False) -> str:
    """Write the template as JSON, which CloudFormation takes as it takes YAML."""
    return json.dumps(template(queue=queue), indent=2) + "\n"


def _ref(name: str) -> dict[str, Any]:
    return {"Ref": name}


def _sub(text: str) -> dict[str, Any]:
    return {"Fn::Sub": text}


def _network() -> dict[str, Any]:
    """Make a network whose tasks reach out, to fetch their image, and none reaches in.

    A public address for each task is cheaper than any gateway that hides them.
    """
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.77.0.0/24"}},
        "Gateway": {"Type": "AWS::EC2::InternetGateway"},
        "GatewayAttachment": {
            "Type": "AWS::EC2::VPCGatewayAttachment",
            "Properties": {
                "VpcId": _ref("Vpc"),
                "InternetGatewayId": _ref("Gateway"),
            },
        },
        "Routes": {
            "Type": "AWS::EC2::RouteTable",
            "Properties": {"VpcId": _ref("Vpc")},
        },
        "RouteOut": {
            "Type": "AWS::EC2::Route",
            "DependsOn": "GatewayAttachment",
            "Properties": {
                "RouteTableId": _ref("Routes"),
                "DestinationCidrBlock": "0.0.0.0/0",
                "GatewayId": _ref("Gateway"),
            },
        },
        "Subnet": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {"VpcId": _ref("Vpc"), "CidrBlock": "10.77.0.0/26"},
        },
        "SubnetRoutes": {
            "Type": "AWS::EC2::SubnetRouteTableAssociation",
            "Properties": {
                "SubnetId": _ref("Subnet"),
                "RouteTableId": _ref("Routes"),
            },
        },
        "OutwardOnly": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {
                "GroupDescription": "Tasks of the lab: nothing comes in.",
                "VpcId": _ref("Vpc"),
            },
        },
    }


def _tasks() -> dict[str, Any]:
    """Make a cluster, and a task that needs no role.

    AWS asks for one where an image is private or logs are kept; here neither is.
    """
    container = {
        "Name": "sleeper",
        "Image": _ref("Image"),
        "Command": ["sleep", str(SECONDS)],
        "Essential": True,
    }
    return {
        "Cluster": {"Type": "AWS::ECS::Cluster"},
        "Sleeper": {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {
                "Cpu": "256",
                "Memory": "512",
                "NetworkMode": "awsvpc",
                "RequiresCompatibilities": ["FARGATE"],
                "ContainerDefinitions": [container],
            },
        },
    }


def _roles() -> dict[str, Any]:
    return {"RunTaskRole": _role(polls=True), "DeniedRole": _role(polls=False)}


def _role(*, polls: bool) -> dict[str, Any]:
    tasks = _sub(
        "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:task/${Cluster}/*"
    )
    watched = ["ecs:StopTask", *(["ecs:DescribeTasks"] if polls else [])]
    statements = [
        _allow("Run", ["ecs:RunTask"], _ref("Sleeper")),
        _allow("Follow", watched, tasks),
        _allow(
            "HearOfItsEnd",
            ["events:DescribeRule", "events:PutRule", "events:PutTargets"],
            _sub(
                "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:"
                f"rule/{_RULE}"
            ),
        ),
    ]
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "states.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            },
            # With the role, and not after it: a machine is made when the role is.
            "Policies": [
                {
                    "PolicyName": "run-task",
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": statements,
                    },
                }
            ],
        },
    }


def _allow(sid: str, actions: list[str], resource: Any) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}


def _machines() -> dict[str, Any]:
    return {f"{way}Machine": _machine(*told) for way, told in WAYS.items()}


def _machine(call: str, role: str, shows: str) -> dict[str, Any]:
    network = {
        "AwsvpcConfiguration": {
            "AssignPublicIp": "ENABLED",
            "SecurityGroups": ["${OutwardOnly}"],
            "Subnets": ["${Subnet}"],
        }
    }
    state = {
        "Type": "Task",
        # As it is written outside China and GovCloud, and as linters alone know it.
        "Resource": f"arn:aws:states:::{call}",
        "Parameters": {
            "Cluster": "${Cluster}",
            "LaunchType": "FARGATE",
            "NetworkConfiguration": network,
            "TaskDefinition": "${Sleeper}",
        },
        "TimeoutSeconds": 3 * SECONDS,
        "End": True,
    }
    return {
        "Type": "AWS::StepFunctions::StateMachine",
        # The tasks need their way out, which nothing else here waits for.
        "DependsOn": ["RouteOut", "SubnetRoutes"],
        "Properties": {
            "RoleArn": {"Fn::GetAtt": [role, "Arn"]},
            "Definition": {
                "Comment": f"{call}: {shows}.",
                "StartAt": "ECS RunTask",
                "States": {"ECS RunTask": state},
            },
            "DefinitionSubstitutions": {
                "Cluster": _ref("Cluster"),
                "Sleeper": _ref("Sleeper"),
                "Subnet": _ref("Subnet"),
                "OutwardOnly": _ref("OutwardOnly"),
            },
        },
    }


def _outputs() -> dict[str, Any]:
    machines = {
        f"{way}Arn": {
            "Description": f"{call}: {shows}.",
            "Value": _ref(f"{way}Machine"),
        }
        for way, (call, _, shows) in WAYS.items()
    }
    watch = " ".join(f"${{{way}Machine}}" for way in WAYS)
    return {
        **machines,
        "Watch": {
            "Description": "Watches the newest execution of each, side by side.",
            "Value": _sub(f"sfnwatch {watch}"),
        },
    }
