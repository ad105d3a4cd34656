"""Integrations that run no job: calls, tokens, HTTP tasks, activities, functions.

As in `test_integration_table`: records in, the trace as JSON out.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sfnwatch.export.json import trace_json
from sfnwatch.sources.subject import Subject
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.asl import parse_definition
from sfnwatch.trace.events import Received
from sfnwatch.trace.integration_names import Unrecorded
from sfnwatch.trace.integrations import integration
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, REGION, ROLE, call, event
from tests.trace.test_integration_table import (
    REQUEST,
    links,
    state,
    told,
    with_request,
)

FUNCTION = "arn:aws:lambda:ap-northeast-1:123456789012:function:f"
SECRETS = "secretsmanager.amazonaws.com"


def planned(records: Iterator[Received]) -> list[tuple[str, str]]:
    subject = Subject(parse_execution_arn(ARN))
    for record in records:
        subject.observe(record)
    return list(subject.plan)


# Every optimised integration that can hand out a task token, and some that a later
# day may bring.
CALLS = """
ecs:runTask | ecs | RunTask | recorded
batch:submitJob | batch | SubmitJob | recorded
glue:startJobRun | glue | StartJobRun | recorded
states:startExecution | states | StartExecution | recorded
bedrock:invokeModel | bedrock | InvokeModel | recorded
bedrock:createModelCustomizationJob | bedrock | CreateModelCustomizationJob | recorded
mediaconvert:createJob | mediaconvert | CreateJob | recorded
aws-sdk:ecs:runTask | ecs | RunTask | recorded
aws-sdk:sfn:startExecution | states | StartExecution | recorded
quantum:entangle | quantum | Entangle | recorded
lambda:invoke | lambda | Invoke | data-event
sqs:sendMessage | sqs | SendMessage | data-event
sns:publish | sns | Publish | data-event
dynamodb:putItem | dynamodb | PutItem | data-event
events:putEvents | events | PutEvents | data-event
aws-sdk:lambda:invoke | lambda | Invoke | data-event
apigateway:invoke | apigateway | Invoke | never
eks:runJob | eks | RunJob | kubernetes
eks:call | eks | Call | kubernetes
"""
call_rows = pytest.mark.parametrize(
    ("name", "service", "event_name", "seen"),
    [[cell.strip() for cell in line.split("|")] for line in CALLS.strip().split("\n")],
)


@call_rows
@pytest.mark.parametrize("suffix", ["", ".waitForTaskToken"])
def test_a_call_is_tied_wherever_its_record_comes_from(
    name: str, service: str, event_name: str, seen: str, suffix: str
) -> None:
    """A trail may have the record even of what Event history never shows."""
    resource_type, _, action = name.rpartition(":")
    source = f"{service}.amazonaws.com"
    submitted = with_request({}) if suffix else None
    output = {} if suffix else with_request({})
    records = list(
        state(resource_type, f"{action}{suffix}", submitted=submitted, output=output)
    )
    exact = call(event_name, 1.5, key="a", request_id=REQUEST, source=source)
    guess = call(event_name, 1.5, key="a", source=source)
    assert links([*records, exact]) == {"a": ("action", "request-id")}
    assert links([*records, guess]) == {"a": ("action", "unique-candidate")}
    row = integration(resource_type, f"{action}{suffix}")
    assert str(row.unrecorded or "recorded") == seen
    asked = [(REGION, source)] if seen == "recorded" else []
    assert planned(iter(records)) == asked


def test_a_token_that_comes_back_is_no_call_of_the_state() -> None:
    """SendTaskSuccess is the worker's, by a role of its own."""
    records = state("sqs", "sendMessage.waitForTaskToken", submitted={}, output={})
    sent = call(
        "SendTaskSuccess",
        299,
        key="sent",
        source="states.amazonaws.com",
        role="arn:aws:iam::123456789012:role/worker",
        invoked_by=None,
    )
    assert links([*records, sent]) == {"sent": ("other", None)}


def test_of_an_http_task_event_history_has_the_connection_s_secret_only() -> None:
    records = list(state("http", "invoke", output={"StatusCode": 200}))
    secret = call("GetSecretValue", 1.5, key="secret", source=SECRETS)
    later = call("GetSecretValue", 400, key="later", source=SECRETS)
    other = call("PutSecretValue", 1.5, key="put", source=SECRETS)
    assert links([*records, secret, later, other]) == {
        "secret": ("other", "unique-candidate"),
        "later": ("other", "role-only"),
        "put": ("other", "role-only"),
    }
    assert planned(iter(records)) == [(REGION, SECRETS)]
    row = integration("http", "invoke")
    assert row.unrecorded is Unrecorded.HTTP
    assert (row.event_source, row.action_event) == (
        "states.amazonaws.com",
        "InvokeHTTPEndpoint",
    )
    text = json.dumps(
        {"States": {"A": {"Type": "Task", "Resource": "arn:aws:states:::http:invoke"}}}
    )
    assert parse_definition(text).event_sources == (SECRETS,)


def test_a_secret_that_a_state_reads_itself_is_its_action() -> None:
    records = state("aws-sdk:secretsmanager", "getSecretValue", output={})
    secret = call("GetSecretValue", 1.5, key="secret", source=SECRETS)
    assert links([*records, secret]) == {"secret": ("action", "unique-candidate")}


def test_the_record_of_an_http_request_names_no_role_and_is_tied_to_none() -> None:
    records = state("http", "invoke", output={})
    made = call("InvokeHTTPEndpoint", 1.5, key="i", source="states.amazonaws.com")
    record = json.loads(made.data["CloudTrailEvent"])
    record["userIdentity"] = {
        "accountId": "123456789012",
        "invokedBy": "states.amazonaws.com",
    }
    bare = {**made.data, "CloudTrailEvent": json.dumps(record)}
    told_by = Received(made.at, made.source, None, bare)
    assert links([*records, told_by])["i"][1] is None


def function_events() -> Iterator[Received]:
    yield event(1, "ExecutionStarted", 0, input="{}", roleArn=ROLE)
    yield event(2, "TaskStateEntered", 1, name="Work", input="{}")
    yield event(3, "LambdaFunctionScheduled", 1, resource=FUNCTION, input="{}")
    yield event(4, "LambdaFunctionStarted", 1.2)
    yield event(5, "LambdaFunctionSucceeded", 3, output="{}")
    yield event(6, "TaskStateExited", 3, name="Work", output="{}")


def test_a_function_s_arn_is_an_invoke_that_event_history_has_not() -> None:
    invoked = call("Invoke", 2, key="i", source="lambda.amazonaws.com")
    later = call("Invoke", 60, key="later", source="lambda.amazonaws.com")
    assert links([*function_events(), invoked, later]) == {
        "i": ("action", "unique-candidate"),
        "later": ("other", "role-only"),
    }
    assert planned(function_events()) == []
    (visit,) = told(function_events())["executions"][0]["visits"]
    assert visit["attempts"][0]["pattern"] == "lambda"


def test_an_activity_calls_nothing() -> None:
    resource = "arn:aws:states:ap-northeast-1:123456789012:activity:mine"
    records = [
        event(1, "ExecutionStarted", 0, input="{}", roleArn=ROLE),
        event(2, "TaskStateEntered", 1, name="Work", input="{}"),
        event(3, "ActivityScheduled", 1, resource=resource, input="{}"),
        event(4, "ActivityStarted", 5, workerName="w"),
        event(5, "ActivitySucceeded", 9, output="{}"),
    ]
    asked = call(
        "GetActivityTask",
        5,
        key="asked",
        source="states.amazonaws.com",
        role="arn:aws:iam::123456789012:role/worker",
        invoked_by=None,
    )
    own = call("DescribeActivity", 5, key="own", source="states.amazonaws.com")
    assert links([*records, asked, own]) == {
        "asked": ("other", None),
        "own": ("other", "role-only"),
    }
    assert planned(iter(records)) == []


SDK = """
cloudwatchlogs:createLogGroup | logs | CreateLogGroup
cloudwatch:putMetricAlarm | monitoring | PutMetricAlarm
sesv2:createEmailIdentity | ses | CreateEmailIdentity
efs:createFileSystem | elasticfilesystem | CreateFileSystem
resourcegroupstaggingapi:getResources | tagging | GetResources
cognitoidentityprovider:adminGetUser | cognito-idp | AdminGetUser
bedrockruntime:converse | bedrock | Converse
docdb:createDBCluster | rds | CreateDBCluster
s3:putBucketLifecycleConfiguration | s3 | PutBucketLifecycle
s3control:putPublicAccessBlock | s3 | PutAccountPublicAccessBlock
lambda:createFunction | lambda | CreateFunction20150331
mq:createBroker | amazonmq | CreateBroker
quantum:entangle | quantum | Entangle
"""


@pytest.mark.parametrize(
    ("name", "service", "event_name"),
    [[cell.strip() for cell in line.split("|")] for line in SDK.strip().splitlines()],
)
def test_an_sdk_call_of_any_service_is_tied_by_cloudtrail_s_name_for_it(
    name: str, service: str, event_name: str
) -> None:
    sdk, action = name.split(":")
    source = f"{service}.amazonaws.com"
    records = list(state(f"aws-sdk:{sdk}", action, output={}))
    made = call(event_name, 1.5, key="a", source=source)
    late = call(event_name, 400, key="late", source=source)
    elsewhere = call(event_name, 1.5, key="b", source="elsewhere.amazonaws.com")
    found = links([*records, made, late, elsewhere])
    assert found["a"] == ("action", "unique-candidate")
    assert found["late"] == ("other", "role-only")
    assert found["b"] == ("other", "role-only")
    assert planned(iter(records)) == [(REGION, source)]
    # Step Functions Local has the service in the other word.
    local = list(state("aws-sdk", f"{sdk}:{action}", output={}))
    assert links([*local, made])["a"] == ("action", "unique-candidate")
    (visit,) = told(local)["executions"][0]["visits"]
    assert visit["attempts"][0]["pattern"] == "aws-sdk"


@pytest.mark.parametrize("suffix", ["sync", "sync:2", "sync:9"])
def test_a_job_of_an_unknown_service_is_a_call_and_nothing_is_made_up(
    suffix: str,
) -> None:
    source = "quantum.amazonaws.com"
    records = state(
        "quantum",
        f"startJob.{suffix}",
        submitted=with_request({"JobId": "q-1"}),
        output={"JobId": "q-1"},
    )
    calls = [
        call("StartJob", 1.5, key="start", request_id=REQUEST, source=source),
        call("GetJob", 60, key="get", parameters={"jobId": "q-1"}, source=source),
        call("StopJob", 301, key="stop", parameters={"jobId": "q-1"}, source=source),
    ]
    assert links([*records, *calls]) == {
        "start": ("action", "request-id"),
        "get": ("other", "role-only"),
        "stop": ("other", "role-only"),
    }
    row = integration("quantum", f"startJob.{suffix}")
    assert (row.starts_job, row.job_word, row.managed_rule) == (True, "job", None)


def test_another_account_s_role_ties_the_calls_made_with_it() -> None:
    role = "arn:aws:iam::210987654321:role/there"
    task: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask"}
    records = [
        event(1, "ExecutionStarted", 0, input="{}", roleArn=ROLE),
        event(2, "TaskStateEntered", 1, name="Work", input="{}"),
        event(3, "TaskScheduled", 1, taskCredentials={"roleArn": role}, **task),
        event(4, "TaskStarted", 1.2, **task),
        event(5, "TaskSucceeded", 3, output="{}", **task),
    ]
    there = call("RunTask", 2, key="there", role=role)
    here = call("RunTask", 2, key="here")
    found = {
        one["event_id"]: (one["role"], one["link"]["rule"])
        for one in trace_json(extend(Trace(), [*records, there, here]))["calls"]
    }
    assert found["there"] == ("action", "unique-candidate")
    assert found["here"][1] == "role-only"
