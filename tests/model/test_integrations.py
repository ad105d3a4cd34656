"""Every integration from its records to its links, and what its row says of it.

Raw events and records go in, links come out, for each row of the table. What a row
names is held against the models of AWS's services, which know nothing of the table.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.loaders import create_loader

from sfnwatch.model.arns import unversioned
from sfnwatch.model.integrations import (
    JOBS,
    CallRole,
    Integration,
    Pattern,
    Unrecorded,
    integration,
    usual_role,
)
from sfnwatch.model.linking.link import role_of_call
from sfnwatch.model.records import Received
from sfnwatch.model.state_language import parse_definition
from sfnwatch.model.task_resource import resource_of_arn
from tests import builders as aws
from tests.model.answers import attempt_of, trace_of

REQUEST = "request-of-the-start"
METADATA = {"SdkResponseMetadata": {"RequestId": REQUEST}}
AWS = "amazonaws.com"
SECRETS, STATES = f"secretsmanager.{AWS}", f"states.{AWS}"
TOKEN = {"resourceType": "sqs", "resource": "sendMessage.waitForTaskToken"}
UNIQUE, ROLE_ONLY = "unique-candidate", "role-only"
ID = "9f018ef6-1370-48da-8511-50c5c6670355"
ROWS = {f"{row.resource_type}:{row.action}": row for row in JOBS}
OF_ALL_RUNS = {"GetJobRuns", "ListJobRuns"}
"""Polls that name what the job is a run of."""
jobs = pytest.mark.parametrize("name", ROWS)


def put(path: str) -> dict[str, Any]:
    """Build a JSON object with the id at a path: dotted, `[]` is a list."""
    found: Any = ID
    for key in reversed(path.split(".")):
        found = {key.removesuffix("[]"): [found] if key.endswith("[]") else found}
    return dict(found)


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
    """Build an execution of one Task, which ends, or times out, after 298 seconds."""
    names = which.rsplit(":", 1) if which.startswith("aws-sdk") else which.split(":", 1)
    named: aws.Which = dict(zip(("resourceType", "resource"), names, strict=True))
    run = aws.History(pace=0.3).start().task("Work", named, lasts=298, **attempt)
    if not ended:
        run.records = run.records[:-2]
        run.add("TaskTimedOut", **named)
        run.end("Failed")
    return run.records


def calls_of(row: Integration, request_id: str | None = REQUEST) -> Iterator[Received]:
    """Build its calls: the start, each poll, and that refused, and the stops."""
    source = row.event_source
    told: dict[str, Any] = {"request_id": request_id, "response": {"job": [ID]}}
    yield aws.call(row.action_event, 0.5, key="start", source=source, **told)
    for poll in row.poll_events:
        asked = {"name": "of all its runs"} if poll in OF_ALL_RUNS else {"jobs": [ID]}
        yield aws.call(poll, 60, key=poll, parameters=asked, source=source)
        refused = ("AccessDenied", "not authorized to perform it")
        yield aws.call(poll, 120, key=f"{poll} refused", error=refused, source=source)
    for stop in row.stop_events:
        yield aws.call(stop, 299.5, key=stop, parameters={"job": ID}, source=source)


def submitted(row: Integration) -> dict[str, Any]:
    return {**put(row.id_paths[0]), **METADATA}


# -- jobs ------------------------------------------------------------------------------


@jobs
@pytest.mark.parametrize("suffix", ["sync", "sync:2"])
def test_a_jobs_calls_are_matched_to_the_state_that_waits_for_it(
    name: str, suffix: str
) -> None:
    row = ROWS[name]
    told: dict[str, Any] = {"submitted": submitted(row)}
    expected = {"start": ("action", "request-id")}
    for poll in row.poll_events:
        expected[poll] = ("poll", UNIQUE if poll in OF_ALL_RUNS else "resource-id")
        expected[f"{poll} refused"] = ("poll", UNIQUE)
    stops = dict.fromkeys(row.stop_events, ("stop", "resource-id"))
    stopped = links(*state(f"{name}.{suffix}", ended=False, **told), *calls_of(row))
    assert stopped == expected | stops
    # Nobody stops what has ended well: that was another, who may poll it as well.
    told["output"] = put(row.id_paths[-1])
    ended = links(*state(f"{name}.{suffix}", **told), *calls_of(row))
    assert {ended[stop][1] for stop in stops} <= {ROLE_ONLY}
    guessed = {ended[key][1] for key, (_, rule) in expected.items() if rule == UNIQUE}
    assert guessed == ({"ambiguous"} if stops else {UNIQUE})


@jobs
@pytest.mark.parametrize("key", ["submitted", "output"])
def test_a_state_that_does_not_wait_for_the_job_never_polls(
    name: str, key: str
) -> None:
    suffix = ".waitForTaskToken" if key == "submitted" else ""
    told: dict[str, Any] = {key: submitted(ROWS[name])}
    found = links(*state(name + suffix, **told), *calls_of(ROWS[name]))
    assert found.pop("start") == ("action", "request-id")
    matched = {role for role, rule in found.values() if rule not in {"none", ROLE_ONLY}}
    assert matched <= {"action", "other"}


@jobs
def test_the_sdks_form_is_matched_by_the_id_of_the_job_it_starts(name: str) -> None:
    row = ROWS[name]
    java = {"elasticmapreduce": "emr", "states": "sfn"}
    service = java.get(row.resource_type, row.resource_type.replace("-", ""))
    action = row.action_event[:1].lower() + row.action_event[1:]
    sdk = integration(f"aws-sdk:{service}", action)
    assert (sdk.event_source, sdk.action_event) == (row.event_source, row.action_event)
    assert (sdk.poll_events, sdk.stop_events, sdk.managed_rule) == ((), (), None)
    records = state(f"aws-sdk:{service}:{action}", output=put(row.id_paths[0]))
    found = links(*records, *calls_of(row, "hidden by the SDK"))
    # One that stops what was there may be another's who asks for the same.
    rule = "resource-id" if sdk.starts_job else "ambiguous"
    assert found["start"] == ("action", rule)
    assert {role for role, rule in found.values() if rule == UNIQUE} <= {"action"}


def test_no_row_takes_the_place_of_another_and_each_tells_what_its_id_is() -> None:
    names = [f"{row.resource_type}:{row.action}" for row in JOBS]
    twice = [name for name, count in Counter(names).items() if count > 1]
    assert not twice, f"two rows of JOBS in sfnwatch/model/integrations.py: {twice}"
    without = [name for name, row in ROWS.items() if not row.id_paths]
    assert not without, f"give `ids` in sfnwatch/model/integrations.py: {without}"
    without = [name for name, row in ROWS.items() if row.id_word == "id"]
    assert not without, f"give `word` in sfnwatch/model/integrations.py: {without}"


IN_OTHER_WORDS = {
    *("elasticmapreduce:createCluster", "elasticmapreduce:addStep"),
    "elasticmapreduce:terminateCluster",
}
"""Actions that are not called as the operation is."""


@jobs
def test_a_row_is_called_as_its_operation_is(name: str) -> None:
    event = ROWS[name].action_event
    alike = ROWS[name].action == event[:1].lower() + event[1:]
    assert alike or name in IN_OTHER_WORDS, f"{name} calls {event}"


# -- what the rows name ----------------------------------------------------------------

OF_THE_INTEGRATION = {
    *("ecs TaskArn", "ecs Task.TaskArn", "glue Id", "emr ClusterId", "emr StepId"),
    "emr-serverless ApplicationId",
}
"""Where a state's output has the id otherwise than any answer of the service."""


def is_text_at(model: dict[str, Any], shape_name: str, path: list[str]) -> bool:
    """Tell whether an answer's shape has a text at a path.

    Step Functions writes the first letter of a key as a capital, whatever the service
    does; the other letters are the service's.
    """
    shape = model["shapes"][shape_name]
    if not path:
        return bool(shape["type"] == "string")
    key = path[0].removesuffix("[]")
    for name, member in shape.get("members", {}).items():
        if name[:1].upper() + name[1:] == key:
            inner = member["shape"]
            if path[0].endswith("[]"):
                inner = model["shapes"][inner]["member"]["shape"]
            return is_text_at(model, inner, path[1:])
    return False


@jobs
def test_a_row_names_operations_and_where_their_answers_name_the_job(name: str) -> None:
    row = ROWS[name]
    named = {"elasticmapreduce": "emr", "states": "stepfunctions"}
    service = named.get(row.resource_type, row.resource_type)
    model = create_loader().load_service_model(service, "service-2")
    operations = model["operations"]
    calls = (row.action_event, *row.poll_events)
    assert {*calls, *row.stop_events} <= operations.keys()
    assert all(
        call.startswith(("Describe", "Get", "List", "Batch")) for call in calls[1:]
    )
    answers = [
        operations[call]["output"]["shape"]
        for call in calls
        if "output" in operations[call]
    ]
    for path in row.id_paths:
        known = any(is_text_at(model, answer, path.split(".")) for answer in answers)
        assert known or f"{service} {path}" in OF_THE_INTEGRATION, path
        attempt = attempt_of(*state(f"{name}.sync", output=put(path)))
        assert list(attempt.resource_ids) == [ID], path
    assert (row.starts_job, row.recorded) == (True, True)
    assert row.event_sources == row.trail_sources == (row.event_source,)


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
    other = aws.call(event_name, 0.5, key="a", source=source)
    own = aws.call(event_name, 0.5, key="a", request_id=REQUEST, source=source)
    assert links(*records, own) == {"a": ("action", "request-id")}
    # One of another request is not its own; where the history tells none, it may be.
    assert links(*records, other)["a"][1] == ROLE_ONLY
    assert links(*state(name), other) == {"a": ("action", UNIQUE)}
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
    late = aws.call("GetSecretValue", 700, key="late", source=SECRETS)
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
    calls = [aws.call(name, s, key=f"{s}", source=source) for s in (1, 400)]
    first = UNIQUE if role == "action" else ROLE_ONLY
    assert links(*records, *calls) == {"1": (role, first), "400": ("other", ROLE_ONLY)}


@pytest.mark.parametrize("suffix", ["sync", "sync:2", "sync:9"])
def test_a_job_of_an_unknown_service_is_a_call_and_nothing_is_made_up(
    suffix: str,
) -> None:
    told = {"JobId": "q-1"}
    records = state(f"quantum:startJob.{suffix}", submitted={**told, **METADATA})
    source, polls = f"quantum.{AWS}", ("GetJob",)
    job = Integration("quantum", "startJob", source, "StartJob", polls, ("StopJob",))
    assert links(*records, *calls_of(job)) == {
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


def test_a_call_has_a_usual_role_by_its_name_alone() -> None:
    for source, name, role in (
        ("ecs", "RunTask", CallRole.ACTION),
        ("ecs", "DescribeTasks", CallRole.POLL),
        ("ecs", "StopTask", CallRole.STOP),
        ("batch", "DescribeTasks", CallRole.OTHER),
        ("elasticmapreduce", "TerminateJobFlows", CallRole.ACTION),
    ):
        assert usual_role(f"{source}.{AWS}", name) is role


# -- what a definition says that a machine can call ------------------------------------


ECS = "arn:aws:states:::ecs:runTask.sync"
LAMBDA = "arn:aws:lambda:eu-west-1:111111111111:function:f"
ACTIVITY = "arn:aws:states:eu-west-1:111111111111:activity:mine"


def machine(**states: Any) -> str:
    return json.dumps({"StartAt": "A", "States": states})


def task(resource: Any, **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, **more}


@pytest.mark.parametrize(
    ("resource", "call"),
    [
        (ECS, "ecs RunTask"),
        ("arn:aws-cn:states:::batch:submitJob.sync", "batch SubmitJob"),
        ("arn:aws:states:::aws-sdk:ecs:runTask", "ecs RunTask"),
        ("arn:aws:states:::aws-sdk:sfn:startExecution", "states StartExecution"),
        ("arn:aws:states:::states:startExecution.sync:2", "states StartExecution"),
        ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", "sqs SendMessage"),
        ("arn:aws:states:::lambda:invoke", "lambda Invoke"),
        (LAMBDA, "lambda Invoke"),
        (ACTIVITY, None),
        ("arn:aws:states:::", None),
        ("arn:aws:sqs:::q", None),
        ("ecs:runTask", None),
        ("", None),
        ("arn:aws:states:::ecs:run\nTask", None),
    ],
)
def test_a_resource_names_an_integration_or_calls_nothing(
    resource: str, call: str | None
) -> None:
    row = resource_of_arn(resource).integration
    found = (
        row and f"{row.event_source.removesuffix('.amazonaws.com')} {row.action_event}"
    )
    assert found == call


def test_tasks_of_branches_and_iterations_count_too() -> None:
    inner = {"StartAt": "B", "States": {"B": task("arn:aws:states:::batch:submitJob")}}
    old = {"StartAt": "C", "States": {"C": task("arn:aws:states:::glue:startJobRun")}}
    definition = parse_definition(
        machine(
            A=task(ECS),
            P={"Type": "Parallel", "Branches": [inner, {"StartAt": "X"}, 7]},
            M={"Type": "Map", "Iterator": old},
            N={"Type": "Map", "ItemProcessor": {"States": {"D": task(LAMBDA)}}},
            E=task(ACTIVITY),
        )
    )
    rows = [task.integration for task in definition.tasks]
    actions = ["RunTask", None, "SubmitJob", "StartJobRun", "Invoke"]
    assert [row and row.action_event for row in rows] == actions
    assert definition.branches == {"P": ("B", "X", "")}


def test_a_fixed_role_of_a_task_is_read_and_one_from_a_path_is_not() -> None:
    fixed = task(ECS, Credentials={"RoleArn": "arn:aws:iam::1:role/r"})
    dynamic = task(ECS, Credentials={"RoleArn.$": "$.role"})
    tasks = parse_definition(machine(A=fixed, B=dynamic)).tasks
    assert [t.role_arn for t in tasks] == ["arn:aws:iam::1:role/r", None]
