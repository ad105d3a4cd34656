"""The CloudFormation template that makes a queue for `--queue`: nothing is made here.

Two rules of the default event bus and an SQS queue. A rule needs the state ENABLED_
WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS to be given calls that only read: ENABLED leaves
out DescribeTasks, by which Step Functions polls. And whatever the rule says, there are
events of API calls only where a trail logs them.
"""

import json
from collections.abc import Sequence
from typing import Any

RETENTION = 60 * 60
"""Seconds a message is kept: longer than CloudTrail mostly takes, and no archive. What
is left by watches that don't consume is read again by every one of them."""
_ECS = "ecs.amazonaws.com"
_MOST = 2_000
"""Characters of the services' names: EventBridge takes a pattern of 4,096."""
_STATES = {"prefix": "states."}
"""How Step Functions calls itself. `states.amazonaws.com` is what recordings show;
whether China adds its own ending none does."""
_TRAIL = (
    "Needs a CloudTrail trail that logs management events, with logging turned on, in"
    " this Region: without one EventBridge is told of no API call."
)


def template(event_sources: Sequence[str] = ()) -> dict[str, Any]:
    """Give the template; with `event_sources` only for these services' calls.

    They are CloudTrail's names: `ecs.amazonaws.com`. Without ECS among them there is
    no rule for its tasks either. Raises ValueError for what is no such name.
    """
    sources = list(dict.fromkeys(map(_event_source, event_sources)))
    if len("".join(sources)) > _MOST:
        msg = "too many services for one rule: name fewer, or none to have all"
        raise ValueError(msg)
    rules = {"CallsRule": _calls_rule(sources)}
    if not sources or _ECS in sources:
        rules["TasksRule"] = _tasks_rule()
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": (
            "A queue for sfnwatch --queue: the API calls that Step Functions makes,"
            f" and the states of ECS tasks, as EventBridge tells of them. {_TRAIL}"
            " Deploy it in the Region of the state machine; calls to global services"
            " such as IAM come in us-east-1 only."
        ),
        "Resources": {**_queue(list(rules)), **rules},
        "Outputs": _outputs(),
    }


def template_text(event_sources: Sequence[str] = ()) -> str:
    """Write the template as JSON, which CloudFormation takes as it takes YAML."""
    return json.dumps(template(event_sources), indent=2) + "\n"


def _event_source(name: str) -> str:
    """Take a service's name, with or without its ending."""
    short = name.strip().lower().removesuffix(".amazonaws.com")
    if not short or not all(c.isascii() and (c.isalnum() or c in "-.") for c in short):
        msg = f"not the name of a service's events, such as {_ECS}: {name!r:.60}"
        raise ValueError(msg)
    return f"{short}.amazonaws.com"


def _calls_rule(sources: Sequence[str]) -> dict[str, Any]:
    """Match the calls; a record names Step Functions in either of two places."""
    detail: dict[str, Any] = {
        "$or": [
            {"userIdentity": {"invokedBy": [_STATES]}},
            {"sourceIPAddress": [_STATES]},
        ]
    }
    if sources:
        detail["eventSource"] = list(sources)
    return _rule(
        "API calls made by Step Functions, those that only read included.",
        "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
        {
            "detail-type": [
                "AWS API Call via CloudTrail",
                "AWS Service Event via CloudTrail",
            ],
            "detail": detail,
        },
    )


def _tasks_rule() -> dict[str, Any]:
    """Match all tasks: only those that `.sync` began say who began them."""
    return _rule(
        "The states of ECS tasks.",
        "ENABLED",
        {"source": ["aws.ecs"], "detail-type": ["ECS Task State Change"]},
    )


def _rule(description: str, state: str, pattern: dict[str, Any]) -> dict[str, Any]:
    return {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "Description": description,
            "State": state,
            "EventPattern": pattern,
            "Targets": [{"Id": "queue", "Arn": _arn("Queue")}],
        },
    }


def _queue(rules: Sequence[str]) -> dict[str, Any]:
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "EventsOfTheseRules",
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": _arn("Queue"),
                "Condition": {"ArnEquals": {"aws:SourceArn": list(map(_arn, rules))}},
            }
        ],
    }
    return {
        "Queue": {
            "Type": "AWS::SQS::Queue",
            # What is in it is in CloudTrail too.
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
            "Properties": {
                "MessageRetentionPeriod": RETENTION,
                "ReceiveMessageWaitTimeSeconds": 20,
                "SqsManagedSseEnabled": True,
            },
        },
        "QueuePolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": policy},
        },
    }


def _outputs() -> dict[str, Any]:
    return {
        "QueueUrl": {"Description": "For --queue.", "Value": {"Ref": "Queue"}},
        "QueueArn": {
            "Description": "For the IAM policy of whoever watches.",
            "Value": _arn("Queue"),
        },
        "Command": {
            "Description": "How to watch an execution with it.",
            "Value": {"Fn::Sub": "sfnwatch EXECUTION_ARN --queue ${Queue}"},
        },
    }


def _arn(name: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, "Arn"]}
