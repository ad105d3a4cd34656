"""What there is to look up for an execution, as far as its records tell."""

from datetime import timedelta
from typing import Any

import pytest

from sfnwatch.sources.subject import Subject
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.calls import ApiCall, decode_call
from sfnwatch.trace.events import From, Received
from tests.builders import (
    ARN,
    REGION,
    ROLE,
    START,
    call,
    definition,
    describe,
    event,
    sync_calls,
    sync_definition,
    sync_history,
)

ECS = (REGION, "ecs.amazonaws.com")


def subject_of(*records: Received) -> Subject:
    subject = Subject(parse_execution_arn(ARN))
    for record in records:
        subject.observe(record)
    return subject


def task(resource: str, **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, **more}


def scheduled(resource_type: str, resource: str, **more: Any) -> Received:
    details = {"resourceType": resource_type, "resource": resource, **more}
    return event(3, "TaskScheduled", 1, **details)


def made(**more: Any) -> ApiCall:
    return decode_call(call("RunTask", 1, key="x", **more))


def test_nothing_is_planned_before_anything_is_known() -> None:
    subject = subject_of()
    assert (subject.plan, subject.roles) == ({}, set())
    assert (subject.started_at, subject.stopped_at) == (None, None)
    assert not subject.known.is_set()


def test_the_definition_says_which_services_to_ask_for() -> None:
    states = {
        "A": task("arn:aws:states:::ecs:runTask.sync"),
        "B": task("arn:aws:states:::lambda:invoke"),
        "C": task("arn:aws:states:::aws-sdk:ecs:stopTask"),
        "D": task("arn:aws:states:::batch:submitJob.sync"),
    }
    subject = subject_of(definition(states, start_at="A"))
    assert list(subject.plan) == [ECS, (REGION, "batch.amazonaws.com")]


def test_a_machine_that_only_calls_lambda_asks_for_nothing() -> None:
    states = {"A": task("arn:aws:lambda:eu-west-1:1:function:f")}
    assert not subject_of(definition(states, start_at="A")).plan


def test_a_trail_is_asked_for_data_events_too() -> None:
    states = {
        "A": task("arn:aws:states:::lambda:invoke"),
        "B": task("arn:aws:states:::sqs:sendMessage.waitForTaskToken"),
        "C": task("arn:aws:states:::ecs:runTask.sync"),
        "D": task("arn:aws:states:::dynamodb:getItem"),
        "E": task("arn:aws:lambda:eu-west-1:1:function:f"),
        # Nothing of these is anywhere, or names a role: but a secret is read.
        "F": task("arn:aws:states:::eks:call"),
        "G": task("arn:aws:states:::apigateway:invoke"),
        "H": task("arn:aws:states:::http:invoke"),
    }
    subject = subject_of(definition(states, start_at="A"))
    asked = [source.partition(".")[0] for _, source in subject.trail_plan]
    assert asked == ["lambda", "sqs", "ecs", "dynamodb", "secretsmanager"]
    asked = [source.partition(".")[0] for _, source in subject.plan]
    assert asked == ["ecs", "secretsmanager"]
    assert subject_of(scheduled("sqs", "sendMessage", region="us-west-2")).trail_plan


def test_tasks_say_so_where_the_definition_may_not_be_read() -> None:
    subject = subject_of(*sync_history())
    assert list(subject.plan) == [ECS]
    again = subject_of(sync_definition(), *sync_history())
    assert list(again.plan) == [ECS]


def test_a_task_elsewhere_is_looked_up_there() -> None:
    subject = subject_of(scheduled("aws-sdk:ecs", "runTask", region="eu-west-1"))
    assert list(subject.plan) == [("eu-west-1", "ecs.amazonaws.com")]


@pytest.mark.parametrize("service", ["iam", "organizations", "cloudfront"])
def test_global_services_are_looked_up_where_they_are_recorded(service: str) -> None:
    subject = subject_of(scheduled(f"aws-sdk:{service}", "listX", region="eu-west-1"))
    assert list(subject.plan) == [("us-east-1", f"{service}.amazonaws.com")]


@pytest.mark.parametrize(
    "record",
    [
        event(3, "TaskScheduled", 1),
        event(3, "ActivityScheduled", 1, resource="arn:aws:states:r:1:activity:a"),
        event(3, "LambdaFunctionScheduled", 1, resource="arn:aws:lambda:r:1:f"),
        scheduled("sqs", "sendMessage"),
        Received(START, From.HISTORY, ARN, {"id": "x"}),
        Received(START, From.DEFINITION, ARN, {"definition": "["}),
        Received(START, "queue", ARN, {}),
        sync_calls()[0],
    ],
)
def test_there_is_nothing_to_look_up_for_these(record: Received) -> None:
    assert not subject_of(record).plan


def test_the_roles_are_those_of_the_start_the_definition_and_the_tasks() -> None:
    credentials = {"roleArn": "arn:aws:iam::1:role/of/the/task"}
    fixed = {"RoleArn": "arn:aws:iam::1:role/fixed"}
    states = {"A": task("arn:aws:states:::ecs:runTask", Credentials=fixed)}
    subject = subject_of(
        event(1, "ExecutionStarted", 0, roleArn="arn:aws:iam::1:role/of-start"),
        definition(states, start_at="A"),
        scheduled("ecs", "runTask", taskCredentials=credentials),
    )
    assert subject.roles == {"of-start", "StepFunctions-sync-role", "fixed", "task"}


def test_it_knows_from_when_to_when_there_is_something_to_look_up() -> None:
    subject = subject_of(*sync_history())
    assert subject.started_at == START
    assert subject.stopped_at == START + timedelta(seconds=309.05)


def test_a_description_says_so_too_but_the_history_is_more_exact() -> None:
    told = subject_of(describe())
    assert told.started_at == START
    assert told.stopped_at == START + timedelta(seconds=309)
    assert subject_of(describe("RUNNING")).stopped_at is None
    both = subject_of(*sync_history(), describe())
    assert both.stopped_at == START + timedelta(seconds=309.05)


def test_the_start_of_the_history_is_kept_when_a_description_rounds_it() -> None:
    answer = describe()
    rounded = {**answer.data, "startDate": "2023-11-15T00:28:24Z"}
    told = Received(answer.at, answer.source, ARN, rounded)
    assert subject_of(*sync_history(), told).started_at == START
    assert subject_of(told, *sync_history()).started_at == START


def test_a_redrive_opens_the_end_again() -> None:
    redriven = event(9, "ExecutionRedriven", 400)
    assert subject_of(*sync_history(), redriven).stopped_at is None


def test_calls_of_its_roles_concern_it_and_those_of_others_do_not() -> None:
    subject = subject_of(*sync_history())
    assert subject.concerns(made())
    assert subject.concerns(made(invoked_by=None))
    assert not subject.concerns(made(role="arn:aws:iam::1:role/other"))


def test_while_no_role_is_known_every_call_of_step_functions_may_be_it() -> None:
    subject = subject_of()
    assert subject.concerns(made(role="arn:aws:iam::1:role/any"))
    assert not subject.concerns(made(invoked_by=None))


def test_its_own_calls_are_kept_since_they_measure_the_lag() -> None:
    own = made(
        role="arn:aws:iam::1:role/me", invoked_by=None, user_agent="sfnwatch/1.0"
    )
    assert subject_of(*sync_history()).concerns(own)


def test_a_label_names_the_machine_and_the_execution() -> None:
    assert subject_of().label == "nightly-report:run-7f3a"
    assert ROLE.endswith("StepFunctions-sync-role")


def test_a_record_that_cannot_be_decoded_is_kept_as_unread() -> None:
    subject = subject_of()
    broken = Received(START, From.HISTORY, ARN, {"id": 9, "type": "TaskScheduled"})
    marked = subject.observe(broken)
    assert (marked.source, marked.data) == (From.UNREAD, broken.data)
    whole = event(1, "ExecutionStarted", 0)
    assert subject.observe(whole) is whole
