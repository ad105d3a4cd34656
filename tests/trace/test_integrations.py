"""What Step Functions calls for an integration, from its two names alone.

The rows themselves are in `test_integration_table`, from the records to the links.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.integrations import (
    CallRole,
    Pattern,
    event_sources,
    integration,
    pattern_of,
    unversioned,
    usual_role,
)
from sfnwatch.trace.payload import values_at


def test_the_tasks_of_run_task_are_a_list() -> None:
    answer = {"Tasks": [{"TaskArn": "t-1"}, {"TaskArn": "t-2"}]}
    paths = integration("ecs", "runTask").id_paths
    assert [v for p in paths for v in values_at(answer, p)] == ["t-1", "t-2"]


@pytest.mark.parametrize(
    ("resource_type", "resource", "source", "event"),
    [
        ("aws-sdk:ecs", "runTask", "ecs", "RunTask"),
        ("aws-sdk:sfn", "startExecution", "states", "StartExecution"),
        ("aws-sdk:emr", "runJobFlow", "elasticmapreduce", "RunJobFlow"),
        ("aws-sdk:cloudwatchlogs", "createLogGroup", "logs", "CreateLogGroup"),
        ("aws-sdk:eventbridge", "putRule", "events", "PutRule"),
        (
            "aws-sdk:secretsmanager",
            "getSecretValue",
            "secretsmanager",
            "GetSecretValue",
        ),
        ("sns", "publish", "sns", "Publish"),
        ("quantum", "entangle", "quantum", "Entangle"),
    ],
)
def test_a_plain_call_is_named_by_its_service_and_action(
    resource_type: str, resource: str, source: str, event: str
) -> None:
    row = integration(resource_type, resource)
    assert row.event_source == f"{source}.amazonaws.com"
    assert row.action_event == event
    assert (row.poll_events, row.stop_events, row.managed_rule) == ((), (), None)


@pytest.mark.parametrize("action", ["runTask", "describeTasks", "stopTask"])
def test_an_sdk_call_about_a_job_finds_its_id_in_its_own_answer(action: str) -> None:
    row = integration("aws-sdk:ecs", action)
    one = {"Task": {"TaskArn": "t"}}
    several = {"Tasks": [{"TaskArn": "t"}]}
    answer = one if action == "stopTask" else several
    assert {v for p in row.id_paths for v in values_at(answer, p)} == {"t"}
    assert row.id_word == "task ARN"


@pytest.mark.parametrize(
    ("resource_type", "resource"),
    [
        ("lambda", "invoke"),
        ("lambda", "invoke.waitForTaskToken"),
        ("sqs", "sendMessage"),
        ("sqs", "sendMessage.waitForTaskToken"),
        ("sns", "publish"),
        ("dynamodb", "getItem"),
        ("dynamodb", "putItem"),
        ("dynamodb", "updateItem"),
        ("dynamodb", "deleteItem"),
        ("aws-sdk:dynamodb", "query"),
        ("aws-sdk:dynamodb", "scan"),
        ("aws-sdk:dynamodb", "batchWriteItem"),
        ("aws-sdk:dynamodb", "transactWriteItems"),
        ("aws-sdk:lambda", "invoke"),
        ("aws-sdk:s3", "getObject"),
        ("aws-sdk:s3", "putObject"),
        ("aws-sdk:s3", "headObject"),
        ("aws-sdk:s3", "copyObject"),
        ("aws-sdk:s3", "deleteObjects"),
        ("aws-sdk:s3", "listObjectsV2"),
        ("aws-sdk:s3", "listObjectVersions"),
        ("aws-sdk:s3", "createMultipartUpload"),
        ("http", "invoke"),
        ("events", "putEvents"),
    ],
)
def test_data_events_are_not_recorded_as_management_events(
    resource_type: str, resource: str
) -> None:
    assert not integration(resource_type, resource).recorded


@pytest.mark.parametrize(
    ("resource_type", "resource"),
    [
        ("aws-sdk:s3", "createBucket"),
        ("aws-sdk:s3", "putObjectLockConfiguration"),
        ("aws-sdk:lambda", "getFunction"),
        ("aws-sdk:dynamodb", "describeTable"),
        ("aws-sdk:sqs", "createQueue"),
        ("ecs", "runTask"),
    ],
)
def test_management_events_are(resource_type: str, resource: str) -> None:
    assert integration(resource_type, resource).recorded


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("GetFunction20150331v2", "GetFunction"),
        ("CreateFunction20150331", "CreateFunction"),
        ("RunTask", "RunTask"),
        ("Query2024", "Query2024"),
        ("", ""),
    ],
)
def test_some_services_append_their_version_to_the_event_s_name(
    name: str, bare: str
) -> None:
    assert unversioned(name) == bare


def test_a_versioned_event_has_the_role_of_its_bare_name() -> None:
    row = integration("aws-sdk:lambda", "getFunction")
    assert row.role_of("GetFunction20150331v2") is CallRole.ACTION
    assert row.role_of("DeleteFunction20150331") is CallRole.OTHER


@pytest.mark.parametrize(
    ("source", "name", "role"),
    [
        ("ecs", "RunTask", CallRole.ACTION),
        ("ecs", "DescribeTasks", CallRole.POLL),
        ("ecs", "StopTask", CallRole.STOP),
        ("ecs", "ListTasks", CallRole.OTHER),
        ("batch", "DescribeTasks", CallRole.OTHER),
        ("elasticmapreduce", "TerminateJobFlows", CallRole.ACTION),
    ],
)
def test_a_call_has_a_usual_role_by_its_name_alone(
    source: str, name: str, role: CallRole
) -> None:
    assert usual_role(f"{source}.amazonaws.com", name) is role


def test_only_recorded_services_are_asked_for_each_once() -> None:
    rows = [
        integration("ecs", "runTask.sync"),
        integration("lambda", "invoke"),
        integration("aws-sdk:ecs", "stopTask"),
        integration("batch", "submitJob"),
    ]
    assert event_sources(rows) == ("ecs.amazonaws.com", "batch.amazonaws.com")


@pytest.mark.parametrize(
    ("resource_type", "resource", "key"),
    [
        ("ecs", "runTask.sync", "StoppedAt"),
        ("states", "startExecution.sync", "StopDate"),
        ("states", "startExecution.sync:2", "StopDate"),
        ("batch", "submitJob.sync", None),
        ("aws-sdk:ecs", "runTask", None),
    ],
)
def test_only_recorded_answers_are_asked_when_the_job_stopped(
    resource_type: str, resource: str, key: str | None
) -> None:
    assert integration(resource_type, resource).stop_key == key


@pytest.mark.parametrize(
    ("resource_type", "resource", "word"),
    [
        ("ecs", "runTask", "task"),
        ("states", "startExecution", "execution"),
        ("codebuild", "startBuildBatch", "build batch"),
        ("sagemaker", "createTrainingJob", "job"),
        ("eks", "createCluster", "job"),
        ("lambda", "invoke", "job"),
    ],
)
def test_a_job_has_the_name_that_people_give_it(
    resource_type: str, resource: str, word: str
) -> None:
    assert integration(resource_type, resource).job_word == word


@pytest.mark.parametrize(
    ("resource_type", "resource", "starts"),
    [
        ("ecs", "runTask", True),
        ("aws-sdk:ecs", "runTask", True),
        ("aws-sdk:emr", "runJobFlow", True),
        ("aws-sdk:sfn", "startExecution", True),
        ("eks", "runJob", True),
        ("aws-sdk:ecs", "stopTask", False),
        ("aws-sdk:ecs", "describeTasks", False),
        ("aws-sdk:sfn", "startSyncExecution", False),
        ("lambda", "invoke", False),
        ("sns", "publish", False),
    ],
)
def test_what_starts_a_job_is_told_from_a_call_that_is_the_work(
    resource_type: str,
    resource: str,
    starts: bool,  # noqa: FBT001
) -> None:
    assert integration(resource_type, resource).starts_job is starts


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_two_names_make_a_row(resource_type: str, resource: str) -> None:
    row = integration(resource_type, resource)
    assert row.event_source.endswith(".amazonaws.com")
    assert row.role_of(row.action_event) is CallRole.ACTION or not resource
    assert pattern_of(resource_type, resource) in Pattern
