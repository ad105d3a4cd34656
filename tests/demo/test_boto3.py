"""boto3 against the server, and every answer against botocore's own model."""

import json
from datetime import datetime
from typing import Any

import boto3
import pytest
from aiohttp import ClientPayloadError, ClientSession
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    HTTPClientError,
)

from sfnwatch.demo.api import OPERATIONS
from sfnwatch.demo.queue import PATH
from sfnwatch.demo.scenarios import SCENARIOS
from sfnwatch.demo.server import DemoServer
from tests.demo.clients import EPOCH, Clients, Direct

MACHINE = "arn:aws:states:ap-northeast-1:123456789012:stateMachine:nightly-report"
SERVICES = {"states": "stepfunctions", "cloudtrail": "cloudtrail", "sqs": "sqs"}
WITHOUT_DETAILS = {
    "MapRunSucceeded",
    "MapStateSucceeded",
    "ParallelStateStarted",
    "ParallelStateSucceeded",
}


async def test_boto3_reads_a_history_page_by_page(
    clients: Clients, direct: Direct
) -> None:
    direct.clock.advance(400)
    asked: dict[str, Any] = {
        "executionArn": direct.account.executions["sync"],
        "maxResults": 3,
        "reverseOrder": True,
    }
    ids: list[int] = []
    token: dict[str, Any] = {}
    while True:
        page = await clients.call(
            "stepfunctions", "get_execution_history", **asked, **token
        )
        ids += [event["id"] for event in page["events"]]
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert ids == list(range(8, 0, -1))


async def test_boto3_reads_times_with_milliseconds(
    clients: Clients, direct: Direct
) -> None:
    asked = direct.account.executions["failure"]
    described = await clients.call(
        "stepfunctions", "describe_execution", executionArn=asked
    )
    assert described["startDate"] == EPOCH


async def test_boto3_lists(clients: Clients) -> None:
    machines = await clients.call("stepfunctions", "list_state_machines")
    listed = await clients.call(
        "stepfunctions", "list_executions", stateMachineArn=MACHINE, maxResults=2
    )
    assert MACHINE in {each["stateMachineArn"] for each in machines["stateMachines"]}
    assert len(listed["executions"]) == 2
    assert listed["nextToken"]


async def test_boto3_looks_events_up(clients: Clients, direct: Direct) -> None:
    direct.clock.advance(900)
    attribute = {"AttributeKey": "EventName", "AttributeValue": "RunTask"}
    page = await clients.call(
        "cloudtrail", "lookup_events", LookupAttributes=[attribute], StartTime=EPOCH
    )
    assert all(isinstance(each["EventTime"], datetime) for each in page["Events"])
    assert {each["EventName"] for each in page["Events"]} == {"RunTask"}


async def test_boto3_learns_who_it_is(clients: Clients) -> None:
    identity = await clients.call("sts", "get_caller_identity")
    assert identity["Account"] == "123456789012"
    assert identity["Arn"] == "arn:aws:iam::123456789012:user/demo"


@pytest.mark.parametrize(
    ("service", "method", "code"),
    [
        ("stepfunctions", "list_state_machines", "ExpiredTokenException"),
        ("cloudtrail", "lookup_events", "ExpiredTokenException"),
        ("sts", "get_caller_identity", "ExpiredToken"),
    ],
)
async def test_boto3_is_told_of_an_expired_token(
    clients: Clients, service: str, method: str, code: str
) -> None:
    with pytest.raises(ClientError) as caught:
        await clients.call(service, method, token="EXPIRED")
    assert caught.value.response["Error"]["Code"] == code


async def test_boto3_raises_the_operations_own_exceptions(clients: Clients) -> None:
    states = clients.client("stepfunctions")
    with pytest.raises(states.exceptions.InvalidArn) as caught:
        await clients.call("stepfunctions", "describe_execution", executionArn="x")
    error = caught.value.response
    assert error["Error"]["Message"] == "Invalid Arn: 'Invalid ARN prefix: x'"
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400
    headers = error["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-errortype"] == "InvalidArn"
    assert headers["date"] == "Wed, 15 Nov 2023 00:28:24 GMT"
    assert error["ResponseMetadata"]["RequestId"] == headers["x-amzn-requestid"]
    trail = clients.client("cloudtrail")
    with pytest.raises(trail.exceptions.InvalidMaxResultsException):
        await clients.call("cloudtrail", "lookup_events", MaxResults=51)


async def test_operations_can_be_denied(clients: Clients, direct: Direct) -> None:
    direct.account.faults.deny = {"LookupEvents", "GetCallerIdentity"}
    for service, method, code in (
        ("cloudtrail", "lookup_events", "AccessDeniedException"),
        ("sts", "get_caller_identity", "AccessDenied"),
    ):
        with pytest.raises(ClientError, match="is not authorized to perform") as caught:
            await clients.call(service, method)
        assert caught.value.response["Error"]["Code"] == code
    assert await clients.call("stepfunctions", "list_state_machines")


@pytest.mark.parametrize(
    ("status", "code"), [(500, "InternalFailure"), (503, "ServiceUnavailable")]
)
async def test_the_service_can_break(
    clients: Clients, direct: Direct, status: int, code: str
) -> None:
    direct.account.faults.status_next = [status]
    with pytest.raises(ClientError) as caught:
        await clients.call("stepfunctions", "list_state_machines")
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert await clients.call("stepfunctions", "list_state_machines")


async def test_any_operation_can_be_throttled(clients: Clients, direct: Direct) -> None:
    direct.account.faults.throttle_next = 1
    with pytest.raises(ClientError, match="Rate exceeded") as caught:
        await clients.call("stepfunctions", "list_state_machines")
    assert caught.value.response["Error"]["Code"] == "ThrottlingException"
    assert await clients.call("stepfunctions", "list_state_machines")


async def test_connections_can_be_closed_without_an_answer(
    clients: Clients, direct: Direct
) -> None:
    direct.account.faults.reset_next = 1
    with pytest.raises((ConnectionClosedError, HTTPClientError)):
        await clients.call("stepfunctions", "list_state_machines")
    assert await clients.call("stepfunctions", "list_state_machines")


async def test_answers_can_be_cut(server: DemoServer, direct: Direct) -> None:
    # Not boto3: it does not compare lengths, and takes half an answer for an empty one.
    direct.account.faults.truncate_next = 1
    headers = direct.headers | {"X-Amz-Target": "AWSStepFunctions.ListStateMachines"}
    async with ClientSession(server.endpoint_url, headers=headers) as session:
        async with session.post("/", data=b"{}") as response:
            assert response.status == 200
            with pytest.raises(ClientPayloadError):
                await response.read()
        async with session.post("/", data=b"{}") as response:
            assert (await response.json(content_type=None))["stateMachines"]


async def test_answers_can_be_slow_in_the_accounts_time(
    clients: Clients, direct: Direct
) -> None:
    direct.account.faults.delay = 30
    before = direct.clock.now()
    await clients.call("stepfunctions", "list_state_machines")
    assert (direct.clock.now() - before).total_seconds() == 30


async def test_records_can_come_twice(clients: Clients, direct: Direct) -> None:
    direct.clock.advance(900)
    direct.account.faults.duplicate = True
    page = await clients.call("cloudtrail", "lookup_events", MaxResults=5)
    ids = [each["EventId"] for each in page["Events"]]
    assert (len(ids), len(set(ids))) == (10, 5)


async def test_the_server_is_on_loopback_only(server: DemoServer) -> None:
    assert server.endpoint_url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("seconds", [0, 60, 900])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_answers_are_of_botocores_shape(
    direct: Direct, operation: str, seconds: float
) -> None:
    direct.clock.advance(seconds)
    session = boto3.Session(region_name="ap-northeast-1")
    service = SERVICES[OPERATIONS[operation][0]]
    model = session.client(service).meta.service_model.operation_model(operation)
    for parameters in requests(direct, operation):
        check(direct(operation, **parameters), model.output_shape, operation)


def requests(direct: Direct, operation: str) -> list[dict[str, Any]]:
    """Return requests whose answers have all members that we ever send."""
    arns = [{"executionArn": direct.account.executions[name]} for name in SCENARIOS]
    runs = direct.account.runs()
    begun = [each for run in runs for each in run.map_runs]
    map_runs = [each.arn for each in begun if direct.account.map_run(each.arn)]
    by_operation: dict[str, list[dict[str, Any]]] = {
        "LookupEvents": [{}],
        "ListStateMachines": [{}, {"maxResults": 1}],
        "ListExecutions": [{"stateMachineArn": MACHINE, "maxResults": 1}],
        "DescribeMapRun": [{"mapRunArn": each} for each in map_runs],
        "DescribeStateMachine": [{"stateMachineArn": MACHINE}],
        "GetExecutionHistory": [
            *arns,
            *(each | {"includeExecutionData": False} for each in arns),
            arns[0] | {"maxResults": 1},
        ],
    }
    url = {"QueueUrl": f"http://127.0.0.1:1{PATH}"}
    entry = {"Id": "0", "ReceiptHandle": "x"}
    by_operation |= {
        "GetQueueAttributes": [url | {"AttributeNames": ["All"]}],
        "ReceiveMessage": [url, url | {"MaxNumberOfMessages": 10}],
        "DeleteMessageBatch": [url | {"Entries": [entry]}],
    }
    return by_operation.get(operation, arns)


def check(value: Any, shape: Any, where: str) -> None:
    """Fail on members that are unknown, missing or of another type."""
    match shape.type_name:
        case "structure":
            assert value.keys() <= shape.members.keys(), where
            assert set(shape.required_members) <= value.keys(), where
            for key, member in value.items():
                check(member, shape.members[key], f"{where}.{key}")
        case "list":
            for member in value:
                check(member, shape.member, where)
        case "string":
            assert isinstance(value, str), where
            assert not shape.enum or value in shape.enum, where
            assert len(value) <= shape.metadata.get("max", len(value)), where
        case "map":
            assert isinstance(value, dict), where
        case "timestamp":
            assert isinstance(value, float), where
        case "float":
            assert isinstance(value, float), where
        case "boolean":
            assert isinstance(value, bool), where
        case _:
            assert isinstance(value, int), where


def test_payloads_in_histories_are_json(direct: Direct) -> None:
    direct.clock.advance(900)
    for arn in direct.account.executions.values():
        for event in direct("GetExecutionHistory", executionArn=arn)["events"]:
            parts = [part for part in event.values() if isinstance(part, dict)]
            assert len(parts) == (event["type"] not in WITHOUT_DETAILS)
            for part in parts:
                for key in part.keys() & {"input", "output", "parameters", "cause"}:
                    assert isinstance(json.loads(part[key]), dict)
