"""Every integration from its records to its links, and what its row says of it.

Raw events and records go in, links come out, and each row of `jobs` says what they must
be: so a wrong name, path or rule of any integration fails here.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.next.model.integrations import (
    JOBS as ROWS,
)
from sfnwatch.next.model.integrations import (
    CallRole,
    Pattern,
    event_sources,
    integration,
    pattern_of,
    unversioned,
    usual_role,
)
from sfnwatch.next.model.links import role_of_call
from sfnwatch.next.model.records import Received
from sfnwatch.next.model.unrecorded import Unrecorded, unrecorded
from tests.next import builders as aws
from tests.next.model.answers import attempt_of, trace_of
from tests.next.model.jobs import ID, JOBS, Job, put

REQUEST = "request-of-the-start"
METADATA = {"SdkResponseMetadata": {"RequestId": REQUEST}}
AWS = "amazonaws.com"
SECRETS, STATES = f"secretsmanager.{AWS}", f"states.{AWS}"
TOKEN = {"resourceType": "sqs", "resource": "sendMessage.waitForTaskToken"}
UNIQUE, ROLE_ONLY = "unique-candidate", "role-only"
jobs = pytest.mark.parametrize("name", JOBS)


def links(*records: Received) -> dict[str, tuple[str, str]]:
    """Give what each call was for, and by what it is matched: to the one attempt."""
    trace = trace_of(*records)
    found = {}
    for one in trace.ordered_calls:
        link = trace.links.get(one.event_id)
        assert link is None or link.key in {None, (aws.ARN, 3)}
        rule = str(link.rule) if link else "none"
        found[one.event_id] = str(role_of_call(one, link)), rule
    return found


def state(which: str, *, ended: bool = True, **attempt: Any) -> list[Received]:
    """Build an execution of one Task, which ends, or times out, after five minutes."""
    names = which.rsplit(":", 1) if which.startswith("aws-sdk") else which.split(":", 1)
    named: aws.Which = dict(zip(("resourceType", "resource"), names, strict=True))
    run = aws.History(pace=0.3).start().task("Work", named, lasts=298, **attempt)
    if not ended:
        run.records = run.records[:-2]
        run.add("TaskTimedOut", **named)
        run.end("Failed")
    return run.records


def calls_of(
    name: str, job: Job, request_id: str | None = REQUEST
) -> Iterator[Received]:
    """Build its calls: the start, each poll, and that refused, and the stops."""
    source = f"{name.partition(':')[0]}.amazonaws.com"
    told: dict[str, Any] = {"request_id": request_id, "response": put(job.answer)}
    yield aws.call(job.start, 0.5, key="start", source=source, **told)
    for poll, path in job.polls.items():
        asked = put(path) or {"name": "of all its runs"}
        yield aws.call(poll, 60, key=poll, parameters=asked, source=source)
        refused = ("AccessDenied", "not authorized to perform it")
        yield aws.call(poll, 120, key=f"{poll} refused", error=refused, source=source)
    for stop, path in job.stops.items():
        yield aws.call(stop, 299.5, key=stop, parameters=put(path), source=source)


def submitted(job: Job) -> dict[str, Any]:
    """Build the output of TaskSubmitted, which names the job where the API does."""
    return {**(put(job.told[0]) if job.answer else {}), **METADATA}


# -- jobs ------------------------------------------------------------------------------


@jobs
@pytest.mark.parametrize("suffix", ["sync", "sync:2"])
def test_a_jobs_calls_are_matched_to_the_state_that_waits_for_it(
    name: str, suffix: str
) -> None:
    job = JOBS[name]
    told: dict[str, Any] = {"submitted": submitted(job)}
    told["output"] = put(job.told[-1])
    expected = {"start": ("action", "request-id")}
    for poll, path in job.polls.items():
        expected[poll] = ("poll", "resource-id" if path else UNIQUE)
        expected[f"{poll} refused"] = ("poll", UNIQUE)
    # The end has told the id by now, even where the start's answer did not.
    expected |= dict.fromkeys(job.stops, ("stop", "resource-id"))
    assert links(*state(f"{name}.{suffix}", **told), *calls_of(name, job)) == expected


@jobs
def test_a_job_that_is_given_up_is_stopped_by_its_state(name: str) -> None:
    job = JOBS[name]
    records = state(f"{name}.sync", submitted=submitted(job), ended=False)
    found = links(*records, *calls_of(name, job))
    rule = "resource-id" if job.answer else UNIQUE
    assert [found[stop] for stop in job.stops] == [("stop", rule)] * len(job.stops)


@jobs
@pytest.mark.parametrize("key", ["submitted", "output"])
def test_a_state_that_does_not_wait_for_the_job_never_polls(
    name: str, key: str
) -> None:
    suffix = ".waitForTaskToken" if key == "submitted" else ""
    told: dict[str, Any] = {key: submitted(JOBS[name])}
    found = links(*state(name + suffix, **told), *calls_of(name, JOBS[name]))
    assert found.pop("start") == ("action", "request-id")
    matched = {role for role, rule in found.values() if rule not in {"none", ROLE_ONLY}}
    assert matched <= {"action", "other"}


@jobs
def test_a_start_is_guessed_where_no_id_tells(name: str) -> None:
    records = state(f"{name}.sync", submitted={})
    assert links(*records, *calls_of(name, JOBS[name]))["start"] == ("action", UNIQUE)


@jobs
def test_the_sdks_form_of_it_is_matched_by_the_id_in_its_answer(name: str) -> None:
    """Those whose answer is empty can only be guessed, as they are."""
    job = JOBS[name]
    records = state(f"aws-sdk:{job.sdk}", output=put(job.told[0]) if job.answer else {})
    found = links(*records, *calls_of(name, job, "hidden by the SDK"))
    assert found["start"] == ("action", "resource-id" if job.answer else UNIQUE)
    assert {role for role, rule in found.values() if rule == UNIQUE} <= {"action"}


@jobs
def test_its_row_says_what_its_page_says(name: str) -> None:
    job, (service, action) = JOBS[name], name.split(":")
    row = integration(service, f"{action}.sync")
    assert (row.managed_rule, row.id_word) == (job.rule, job.word)
    assert (row.starts_job, row.recorded) == (True, True)
    assert row.event_sources == row.trail_sources == (f"{service}.amazonaws.com",)
    assert (row.poll_events, row.stop_events) == (tuple(job.polls), tuple(job.stops))
    sdk_service, _, sdk_action = job.sdk.partition(":")
    sdk = integration(f"aws-sdk:{sdk_service}", sdk_action)
    assert (sdk.event_source, sdk.action_event) == (row.event_source, job.start)
    assert (sdk.poll_events, sdk.stop_events, sdk.managed_rule) == ((), (), None)
    for path in job.told:
        attempt = attempt_of(*state(f"{name}.sync", output=put(path)))
        assert list(attempt.resource_ids) == [ID], path


def test_the_table_has_the_jobs_that_awss_pages_have_and_no_others() -> None:
    assert {f"{row.resource_type}:{row.action}" for row in ROWS} == set(JOBS)
    stops = {row.resource_type: row.stop_key for row in ROWS if row.stop_key}
    assert stops == {"ecs": "StoppedAt", "states": "StopDate"}


# -- calls that run no job -----------------------------------------------------------

CALLS = """
bedrock:invokeModel bedrock InvokeModel recorded
aws-sdk:ecs:runTask ecs RunTask recorded
aws-sdk:sfn:startExecution states StartExecution recorded
aws-sdk:cloudwatchlogs:createLogGroup logs CreateLogGroup recorded
aws-sdk:cloudwatch:putMetricAlarm monitoring PutMetricAlarm recorded
aws-sdk:sesv2:createEmailIdentity ses CreateEmailIdentity recorded
aws-sdk:cognitoidentityprovider:adminGetUser cognito-idp AdminGetUser recorded
aws-sdk:docdb:createDBCluster rds CreateDBCluster recorded
aws-sdk:s3:putBucketLifecycleConfiguration s3 PutBucketLifecycle recorded
aws-sdk:s3control:putPublicAccessBlock s3 PutAccountPublicAccessBlock recorded
aws-sdk:lambda:createFunction lambda CreateFunction20150331 recorded
aws-sdk:quantum:entangle quantum Entangle recorded
quantum:entangle quantum Entangle recorded
lambda:invoke lambda Invoke data-event
sqs:sendMessage sqs SendMessage data-event
sns:publish sns Publish data-event
dynamodb:putItem dynamodb PutItem data-event
events:putEvents events PutEvents data-event
aws-sdk:lambda:invoke lambda Invoke data-event
apigateway:invoke apigateway Invoke never
eks:runJob eks RunJob kubernetes
eks:call eks Call kubernetes
"""


@pytest.mark.parametrize("line", CALLS.strip().splitlines())
@pytest.mark.parametrize("key", ["submitted", "output"])
def test_a_call_is_matched_wherever_its_record_comes_from(line: str, key: str) -> None:
    """A trail may have the record even of what Event history never shows."""
    name, service, event_name, seen = line.split()
    name, source = name + ".waitForTaskToken" * (key == "submitted"), f"{service}.{AWS}"
    told: dict[str, Any] = {key: METADATA}
    records = state(name, **told)
    for request_id, rule in ((REQUEST, "request-id"), (None, UNIQUE)):
        made = aws.call(event_name, 0.5, key="a", request_id=request_id, source=source)
        assert links(*records, made) == {"a": ("action", rule)}
    late = aws.call(event_name, 400, key="late", source=source)
    elsewhere = aws.call(event_name, 0.5, key="b", source=f"elsewhere.{AWS}")
    strays = links(*records, late, elsewhere).values()
    assert {rule for _, rule in strays} == {ROLE_ONLY}
    row = integration(*name.rsplit(":", 1))
    assert str(row.unrecorded or "recorded") == seen
    assert row.event_sources == ((source,) if seen == "recorded" else ())
    asked = (source,) if seen in {"recorded", "data-event"} else ()
    assert row.trail_sources == asked


def test_step_functions_local_has_the_service_in_the_other_word() -> None:
    run = aws.History().start()
    run.task("Work", {"resourceType": "aws-sdk", "resource": "ecs:stopTask"})
    assert links(*run.records, aws.call("StopTask", 0, key="a"))["a"] == (
        "action",
        UNIQUE,
    )
    assert attempt_of(*run.records).pattern is Pattern.AWS_SDK


def test_of_an_http_task_event_history_has_the_connections_secret_alone() -> None:
    """The record of the request itself names no role, and so nobody."""
    records = state("http:invoke", output={"StatusCode": 200})
    secret = aws.call("GetSecretValue", 0.5, key="secret", source=SECRETS)
    late = aws.call("GetSecretValue", 400, key="late", source=SECRETS)
    made = aws.api_call("InvokeHTTPEndpoint", 0.5, key="made", source=STATES)
    identity = {"accountId": aws.ACCOUNT, "invokedBy": STATES}
    nameless = aws.changed(aws.trail(made), userIdentity=identity)
    assert links(*records, secret, late, nameless) == {
        "secret": ("other", UNIQUE),
        "late": ("other", ROLE_ONLY),
        "made": ("other", "none"),
    }
    row = integration("http", "invoke")
    assert (row.unrecorded, row.event_sources) == (Unrecorded.HTTP, (SECRETS,))
    own = state("aws-sdk:secretsmanager:getSecretValue")
    assert links(*own, secret) == {"secret": ("action", UNIQUE)}


@pytest.mark.parametrize(
    ("which", "name", "source", "role"),
    [
        # A function's ARN is an invocation of it.
        (aws.LAMBDA, "Invoke", f"lambda.{AWS}", "action"),
        # An activity is asked for work, by its worker.
        (aws.ACTIVITY, "DescribeActivity", STATES, "other"),
        # A task token is sent back by whoever has it.
        (TOKEN, "SendTaskSuccess", STATES, "other"),
    ],
)
def test_some_tasks_are_not_named_by_a_service_and_an_action(
    which: aws.Which, name: str, source: str, role: str
) -> None:
    records = aws.History().start().task("Work", which).records
    calls = [aws.call(name, s, key=f"{s}", source=source) for s in (1, 60)]
    first = UNIQUE if role == "action" else ROLE_ONLY
    assert links(*records, *calls) == {
        "1": (role, first),
        "60": ("other", ROLE_ONLY),
    }


@pytest.mark.parametrize("suffix", ["sync", "sync:2", "sync:9"])
def test_a_job_of_an_unknown_service_is_a_call_and_nothing_is_made_up(
    suffix: str,
) -> None:
    told = {"JobId": "q-1"}
    records = state(f"quantum:startJob.{suffix}", submitted={**told, **METADATA})
    paths = {"GetJob": "jobId"}, {"StopJob": "jobId"}
    job = Job("", "StartJob", "", *paths, None, "", ("JobId",))
    assert links(*records, *calls_of("quantum:startJob", job)) == {
        "start": ("action", "request-id"),
        **dict.fromkeys(("GetJob", "GetJob refused", "StopJob"), ("other", ROLE_ONLY)),
    }
    row = integration("quantum", f"startJob.{suffix}")
    assert (row.starts_job, row.job_word, row.managed_rule) == (True, "job", None)


# -- names ---------------------------------------------------------------------------


def test_some_services_append_their_version_to_an_events_name() -> None:
    names = ("GetFunction20150331v2", "CreateFunction20150331", "RunTask", "Query2024")
    bare = ["GetFunction", "CreateFunction", "RunTask", "Query2024"]
    assert [unversioned(name) for name in names] == bare


@pytest.mark.parametrize(
    ("source", "name", "role"),
    [
        ("ecs", "RunTask", CallRole.ACTION),
        ("ecs", "DescribeTasks", CallRole.POLL),
        ("ecs", "StopTask", CallRole.STOP),
        ("batch", "DescribeTasks", CallRole.OTHER),
        ("elasticmapreduce", "TerminateJobFlows", CallRole.ACTION),
    ],
)
def test_a_call_has_a_usual_role_by_its_name_alone(
    source: str, name: str, role: CallRole
) -> None:
    assert usual_role(f"{source}.{AWS}", name) is role


def test_only_recorded_services_are_asked_for_each_once() -> None:
    rows = [integration("ecs", "runTask.sync"), integration("lambda", "invoke")]
    rows += [integration("aws-sdk:ecs", "stopTask"), integration("batch", "submitJob")]
    assert event_sources(rows) == (f"ecs.{AWS}", f"batch.{AWS}")


@pytest.mark.parametrize(
    ("name", "word", "starts"),
    [
        ("ecs runTask", "task", True),
        ("codebuild startBuildBatch", "build batch", True),
        ("sagemaker createTrainingJob", "job", True),
        ("aws-sdk:emr runJobFlow", "cluster", True),
        ("eks runJob", "job", True),
        ("aws-sdk:ecs stopTask", "task", False),
        ("aws-sdk:sfn startSyncExecution", "job", False),
        ("lambda invoke", "job", False),
    ],
)
def test_a_job_has_the_name_that_people_give_it_and_something_starts_it(
    name: str,
    word: str,
    starts: bool,  # noqa: FBT001
) -> None:
    row = integration(*name.split())
    assert (row.job_word, row.starts_job) == (word, starts)


def test_data_events_are_told_from_management_events() -> None:
    """A few of each service that has both."""
    for never, shown in (
        ("bedrock InvokeAgent", "bedrock CreateAgent"),
        ("states GetActivityTask", "states StartExecution"),
        ("s3 GetObject ListObjectsV2 HeadBucket", "s3 CreateBucket PutBucketLifecycle"),
        ("sqs SendMessage GetQueueUrl", "sqs CreateQueue"),
        ("lambda Invoke", "lambda GetFunction"),
        ("dynamodb GetItem TransactWriteItems", "dynamodb DescribeTable"),
        ("kinesis PutRecord GetRecords", "kinesis CreateStream"),
        ("monitoring PutMetricData GetMetricData", "monitoring PutMetricAlarm"),
        ("ses SendEmail", "ses CreateEmailIdentity"),
        ("sagemaker InvokeEndpoint", "sagemaker CreateTrainingJob"),
        ("xray PutTraceSegments", "xray PutEncryptionConfig"),
    ):
        for names, expected in ((never, Unrecorded.DATA_EVENT), (shown, None)):
            service, *calls = names.split()
            assert {unrecorded(service, name) for name in calls} == {expected}
    assert unrecorded("logs", "PutLogEvents") is Unrecorded.NEVER
    assert unrecorded("execute-api", "PostToConnection") is Unrecorded.NEVER


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_two_names_make_a_row(resource_type: str, resource: str) -> None:
    row = integration(resource_type, resource)
    assert row.event_source.endswith(f".{AWS}")
    assert row.role_of(row.action_event) is CallRole.ACTION or not resource
    assert pattern_of(resource_type, resource) in Pattern
