"""What a Task runs is read from the form that stands there, and from nothing else."""

import pytest

from sfnwatch.analysis.integration_words import integration_text, resource_words
from sfnwatch.model.history_event import Details
from sfnwatch.model.integrations import Pattern
from sfnwatch.model.task_resource import TaskResource, resource_of_event
from tests import builders as aws
from tests.model.test_attempts import tried

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:f"
ACTIVITY = "arn:aws:states:eu-west-1:123456789012:activity:a"
# ministack writes "lambda" where the text has it, and "states" everywhere else.
EMULATED = {
    "arn:aws:states:::aws-sdk:sqs:getQueueUrl": (Pattern.AWS_SDK, "GetQueueUrl"),
    "arn:aws:states:::sqs:sendMessage": (Pattern.REQUEST_RESPONSE, "SendMessage"),
    "arn:aws:states:::ecs:runTask.sync": (Pattern.SYNC, "RunTask"),
    "arn:aws:states:::states:startExecution.sync:2": (Pattern.SYNC, "StartExecution"),
    "arn:aws:states:::lambda:invoke.waitForTaskToken": (Pattern.TASK_TOKEN, "Invoke"),
    "arn:aws-cn:states:::dynamodb:getItem": (Pattern.REQUEST_RESPONSE, "GetItem"),
    FUNCTION: (Pattern.LAMBDA, "Invoke"),
    ACTIVITY: (Pattern.ACTIVITY, None),
    "arn:aws:sqs:eu-west-1:123456789012:q": (Pattern.UNKNOWN, None),
    "arn:aws:states": (Pattern.UNKNOWN, None),
}


@pytest.mark.parametrize("resource_type", ["states", "lambda", ""])
@pytest.mark.parametrize("arn", EMULATED)
def test_an_arn_as_resource_says_itself_what_it_is(
    arn: str, resource_type: str
) -> None:
    details = {"resourceType": resource_type, "resource": arn}
    found = resource_of_event("TaskScheduled", details)
    call = found.integration and found.integration.action_event
    assert (found.pattern, call) == EMULATED[arn]


def test_the_names_are_those_that_aws_writes() -> None:
    named = {"resourceType": "aws-sdk:sqs", "resource": "getQueueUrl"}
    arn = "arn:aws:states:::aws-sdk:sqs:getQueueUrl"
    emulated = {"resourceType": "states", "resource": arn}
    assert resource_of_event("TaskScheduled", emulated) == (
        resource_of_event("TaskScheduled", named)
    )
    assert resource_words(tried(("TaskScheduled", emulated))) == (
        "aws-sdk:sqs:getQueueUrl"
    )


@pytest.mark.parametrize(
    "details",
    [
        {},
        {"resourceType": "ecs"},
        {"resource": "runTask.sync"},
        {"resourceType": 1, "resource": ["x"]},
        {"resourceType": "states", "resource": "arn:x"},
    ],
)
def test_what_is_not_known_is_said_to_be_unknown(details: Details) -> None:
    attempt = tried(("TaskScheduled", details))
    assert (attempt.pattern, attempt.integration) == (Pattern.UNKNOWN, None)
    sentence = integration_text(["Main / A"], attempt)
    assert "not known" in sentence or "does not name" in sentence
    assert "optimized" not in sentence
    assert "continues" not in sentence


def test_a_form_that_aws_writes_is_as_before() -> None:
    found = resource_of_event("TaskScheduled", aws.SYNC)
    assert isinstance(found, TaskResource)
    assert (found.pattern, found.resource_type) == (Pattern.SYNC, "ecs")
