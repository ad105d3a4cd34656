"""One try of a task: which ids are its own, and how it ended."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.history import decode_history
from sfnwatch.trace.integrations import Pattern
from sfnwatch.trace.visits import build_visits
from tests.builders import ARN, REGION, ROLE, START, TASK_ARN, event, sync_history
from tests.peers.fixtures import files, needs_fixtures

ECS = {"resourceType": "ecs", "resource": "runTask.sync"}
NESTED = {"resourceType": "states", "resource": "startExecution.sync:2"}


def attempt_of(*phases: tuple[str, dict[str, Any]]) -> Attempt:
    """Build the one attempt of a task that went through these phases."""
    records = [
        event(1, "ExecutionStarted", 0, roleArn=ROLE),
        event(2, "TaskStateEntered", 0, name="A", input=json.dumps({"TaskArn": "in"})),
        *(event(3 + n, kind, n, **more) for n, (kind, more) in enumerate(phases)),
    ]
    visits = build_visits(decode_history(record.data) for record in records)
    (attempt,) = visits.by_id[2].attempts
    return attempt


def test_the_seed_s_run_has_its_request_id_its_task_and_its_stop() -> None:
    visits = build_visits(decode_history(r.data) for r in sync_history())
    (attempt,) = visits.attempts
    assert (attempt.request_id, attempt.request_ids) == ("req-run", ("req-run",))
    assert attempt.resource_ids == (TASK_ARN,)
    assert attempt.stopped_at == START + timedelta(seconds=307.1)
    assert attempt.pattern is Pattern.SYNC


@pytest.mark.parametrize(
    "output",
    [
        {"SdkResponseMetadata": {"RequestId": "r-1"}},
        {"SdkHttpMetadata": {"HttpHeaders": {"x-amzn-RequestId": "r-1", "Date": "d"}}},
        {"SdkHttpMetadata": {"HttpHeaders": {"X-Amzn-Requestid": "r-1"}}},
    ],
)
def test_the_request_id_of_an_answer_is_in_its_metadata(output: Any) -> None:
    details = {**ECS, "output": json.dumps(output)}
    attempt = attempt_of(("TaskScheduled", ECS), ("TaskSubmitted", details))
    assert attempt.request_ids == ("r-1",)


@pytest.mark.parametrize(
    "cause",
    [
        "Gone (Service: Db; Status Code: 404; Request ID: r-1; Proxy: null)",
        "Not found (Service: S3, Status Code: 404, Request ID: r-1)",
        "Not found (Service: S3, Request ID: r-1, Extended Request ID: long/er=)",
    ],
)
@pytest.mark.parametrize(
    "kind", ["TaskFailed", "TaskSubmitFailed", "LambdaFunctionFailed"]
)
def test_the_request_id_of_a_failed_call_is_in_its_cause(kind: str, cause: str) -> None:
    family = "LambdaFunction" if kind.startswith("Lambda") else "Task"
    attempt = attempt_of((f"{family}Scheduled", ECS), (kind, {"cause": cause}))
    assert attempt.request_ids == ("r-1",)


@pytest.mark.parametrize(
    "details",
    [
        {"output": '{"SdkResponseMetadata": "none"}'},
        {"output": '{"SdkHttpMetadata": {"HttpHeaders": []}}'},
        {"output": '["r-1"]'},
        {"output": "{"},
        {"output": "[" * 10_000},
        {"output": 7},
        {"cause": "the function raised"},
    ],
)
def test_without_one_there_is_no_request_id(details: dict[str, Any]) -> None:
    attempt = attempt_of(("TaskScheduled", ECS), ("TaskSucceeded", details))
    assert (attempt.request_id, attempt.resource_ids) == (None, ())


def test_a_failed_job_s_own_json_is_the_cause_and_names_the_job() -> None:
    cause = {"TaskArn": TASK_ARN, "StoppedAt": 1700008411202, "StoppedReason": "exit 1"}
    details = {"error": "States.TaskFailed", "cause": json.dumps(cause)}
    attempt = attempt_of(("TaskScheduled", ECS), ("TaskFailed", details))
    assert attempt.resource_ids == (TASK_ARN,)
    assert attempt.stopped_at == START + timedelta(seconds=307.1)
    assert (attempt.status, attempt.error) == ("failed", "States.TaskFailed")


@pytest.mark.parametrize("suffix", ["sync", "sync:2"])
@pytest.mark.parametrize(
    ("kind", "key"), [("TaskSucceeded", "output"), ("TaskFailed", "cause")]
)
def test_a_nested_execution_says_when_it_stopped_however_it_ended(
    kind: str, key: str, suffix: str
) -> None:
    """Its description is the output of the task, or the cause of its failure."""
    arn = f"{ARN}-child"
    told = {"ExecutionArn": arn, "Status": "FAILED", "StopDate": 1700008411202}
    details = {**NESTED, "resource": f"startExecution.{suffix}"}
    attempt = attempt_of(
        ("TaskScheduled", details), (kind, {**details, key: json.dumps(told)})
    )
    assert attempt.stopped_at == START + timedelta(seconds=307.1)
    assert attempt.resource_ids == (arn,)


@needs_fixtures
@pytest.mark.parametrize("path", files("history-localstack/nested_*_sync*.json"))
def test_recorded_nested_executions_have_a_stop_at_that_place(path: Path) -> None:
    """The times in it were blanked before it was published: one is put back."""
    text = path.read_text().replace('"stop-date"', "1700008411202")
    (end,) = (
        details
        for event in json.loads(text)["events"]
        for key, details in event.items()
        if key in {"taskSucceededEventDetails", "taskFailedEventDetails"}
    )
    field = "output" if "output" in end else "cause"
    told = {**NESTED, field: json.dumps(end[field])}
    kind = "TaskSucceeded" if field == "output" else "TaskFailed"
    attempt = attempt_of(("TaskScheduled", NESTED), (kind, told))
    assert attempt.stopped_at == START + timedelta(seconds=307.1)


def test_ids_are_taken_from_the_attempt_s_own_events_only() -> None:
    """A state is given the ids of earlier states, and passes them on."""
    parameters = json.dumps({"TaskArn": "scheduled"})
    attempt = attempt_of(
        ("TaskScheduled", {**ECS, "parameters": parameters}),
        ("TaskSucceeded", {**ECS, "output": "{}"}),
        ("TaskStateExited", {"name": "A", "output": '{"TaskArn": "out"}'}),
    )
    assert attempt.resource_ids == ()


def test_an_sdk_call_names_the_job_where_the_optimised_one_does() -> None:
    sdk = {"resourceType": "aws-sdk:ecs", "resource": "runTask"}
    output = json.dumps({"Tasks": [{"TaskArn": "t-1"}, {"TaskArn": "t-2"}]})
    attempt = attempt_of(
        ("TaskScheduled", sdk), ("TaskSucceeded", {**sdk, "output": output})
    )
    assert attempt.resource_ids == ("t-1", "t-2")
    assert attempt.pattern is Pattern.AWS_SDK


@pytest.mark.parametrize(
    ("details", "stop"),
    [
        (ECS, '{"StoppedAt": "yesterday"}'),
        (ECS, '{"StoppedAt": 1e300}'),
        ({**ECS, "resource": "runTask"}, '{"StoppedAt": 1700008411202}'),
        ({**ECS, "resourceType": "batch"}, '{"StoppedAt": 1700008411202}'),
        (NESTED, '{"StopDate": true}'),
        (NESTED, '{"StopDate": "1700008411202"}'),
        (NESTED, '{"StoppedAt": 1700008411202}'),
        (NESTED, '["StopDate"]'),
        ({**NESTED, "resource": "startExecution"}, '{"StopDate": 1700008411202}'),
    ],
)
def test_a_stop_is_known_of_jobs_that_were_waited_for(
    details: dict[str, Any], stop: str
) -> None:
    attempt = attempt_of(
        ("TaskScheduled", details), ("TaskSucceeded", {**details, "output": stop})
    )
    assert attempt.stopped_at is None


def test_credentials_and_region_of_the_task_are_kept() -> None:
    role = "arn:aws:iam::111111111111:role/elsewhere"
    more = {**ECS, "region": REGION, "taskCredentials": {"roleArn": role}}
    attempt = attempt_of(("TaskScheduled", more))
    assert (attempt.role_arn, attempt.region) == (role, REGION)


@pytest.mark.parametrize(
    ("kind", "details", "pattern"),
    [
        ("TaskScheduled", ECS, Pattern.SYNC),
        ("TaskScheduled", {**ECS, "resource": "runTask.sync:2"}, Pattern.SYNC),
        ("TaskScheduled", {**ECS, "resource": "runTask"}, Pattern.REQUEST_RESPONSE),
        (
            "TaskScheduled",
            {**ECS, "resource": "runTask.waitForTaskToken"},
            Pattern.TASK_TOKEN,
        ),
        (
            "TaskScheduled",
            {"resourceType": "aws-sdk:ecs", "resource": "runTask"},
            Pattern.AWS_SDK,
        ),
        (
            "LambdaFunctionScheduled",
            {"resource": "arn:aws:lambda:eu-west-1:1:function:f"},
            Pattern.LAMBDA,
        ),
        (
            "ActivityScheduled",
            {"resource": "arn:aws:states:eu-west-1:1:activity:a"},
            Pattern.ACTIVITY,
        ),
    ],
)
def test_the_pattern_shows_in_what_was_scheduled(
    kind: str, details: dict[str, Any], pattern: Pattern
) -> None:
    attempt = attempt_of((kind, details))
    assert attempt.pattern is pattern
    assert (attempt.integration is None) is (pattern is Pattern.ACTIVITY)


def test_a_function_named_by_its_arn_is_an_invocation_of_lambda() -> None:
    details = {"resource": "arn:aws:lambda:eu-west-1:1:function:f"}
    row = attempt_of(("LambdaFunctionScheduled", details)).integration
    assert row is not None
    assert (row.event_source, row.action_event) == ("lambda.amazonaws.com", "Invoke")
    assert not row.recorded


def test_without_details_nothing_is_known_to_be_called() -> None:
    attempt = attempt_of(("TaskScheduled", {}), ("TaskSucceeded", {}))
    assert (attempt.integration, attempt.status) == (None, "succeeded")
