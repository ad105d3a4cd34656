"""Who is let in, how answers and refusals look on the wire, and injected faults."""

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from botocore.exceptions import ClientError
from botocore.session import get_session
from botocore.validate import ParamValidator

from sfnwatch.next.demo.cloudtrail import LONGEST_LAG
from sfnwatch.next.demo.operations import OPERATIONS
from sfnwatch.next.demo.scenarios import SCENARIOS
from tests.next.demo.conftest import Serve
from tests.next.demo.serving import AUTHORIZATION, HEAD, Served, refusal

STS = "{https://sts.amazonaws.com/doc/2011-06-15/}"
MACHINE = f"{HEAD}:stateMachine:nightly-report"
_BOTOCORE = get_session()


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        ("", "MissingAuthenticationTokenException"),
        ("Bearer abc", "IncompleteSignatureException"),
        ("AWS4-HMAC-SHA256 Credential=x", "IncompleteSignatureException"),
        (AUTHORIZATION.replace("AKIA", "akia-"), "UnrecognizedClientException"),
        (AUTHORIZATION.replace("0" * 64, "0" * 63), "InvalidSignatureException"),
        (AUTHORIZATION.replace("aws4_request", "aws5"), "InvalidSignatureException"),
    ],
)
async def test_a_request_without_a_proper_signature_is_refused(
    demo: Served, authorization: str, expected: str
) -> None:
    asked = demo.post("x.ListStateMachines", Authorization=authorization)
    status, headers, told = await asked
    assert (status, headers["x-amzn-ErrorType"]) == (400, expected)
    assert told["__type"] == f"com.amazon.coral.service#{expected}"
    assert told["message"]


async def test_an_expired_token_is_refused(serve: Serve) -> None:
    demo = await serve("sync", token="EXPIRED")
    message = "The security token included in the request is expired"
    refused = ("ExpiredTokenException", message)
    assert await refusal(demo.states.list_state_machines()) == refused
    assert await refusal(demo.trail.lookup_events()) == refused
    asked = demo.identity.get_caller_identity()
    assert await refusal(asked) == ("ExpiredToken", message)


async def test_a_caller_is_the_user_or_with_a_session_token_in_a_role(
    demo: Served, serve: Serve
) -> None:
    told = await demo.identity.get_caller_identity()
    assert told["Arn"] == "arn:aws:iam::123456789012:user/demo"
    assert told["Account"] == "123456789012"
    other = await serve("sync", token="fresh")
    told = await other.identity.get_caller_identity()
    assert told["Arn"] == "arn:aws:sts::123456789012:assumed-role/demo/demo"
    other.clock.advance(LONGEST_LAG)
    record = (await other.own_records("sts"))[-1]
    assert record["userIdentity"]["type"] == "AssumedRole"
    assert record["userIdentity"]["accessKeyId"] == "AKIAIOSFODNN7EXAMPLE"


async def test_each_service_answers_in_its_own_version(demo: Served) -> None:
    for operation, version in (("ListStateMachines", "1.0"), ("LookupEvents", "1.1")):
        _, headers, _ = await demo.post(f"x.{operation}")
        assert headers["Content-Type"] == f"application/x-amz-json-{version}"
    for target in ("AWSStepFunctions.StartExecution", "x", "", None):
        status, headers, _ = await demo.post(target)
        expected = (400, "UnknownOperationException")
        assert (status, headers["x-amzn-ErrorType"]) == expected


async def test_a_body_that_is_no_object_of_the_right_types_is_refused(
    demo: Served,
) -> None:
    for body in (b"{", b"[]", b"\xff", b'"text"', b'{"maxResults": "many"}'):
        _, headers, _ = await demo.post("x.ListStateMachines", body)
        assert headers["x-amzn-ErrorType"] == "SerializationException"
    status, _, _ = await demo.post("x.ListStateMachines", b"")
    assert status == 200, "an empty body is an empty request"


async def test_an_operations_own_errors_are_exceptions_of_botocore(
    demo: Served,
) -> None:
    with pytest.raises(demo.states.exceptions.InvalidArn) as caught:
        await demo.states.describe_execution(executionArn="x")
    metadata = caught.value.response["ResponseMetadata"]
    headers = metadata["HTTPHeaders"]
    assert headers["date"] == "Wed, 15 Nov 2023 00:28:24 GMT"
    assert metadata["RequestId"] == headers["x-amzn-requestid"]
    with pytest.raises(demo.trail.exceptions.InvalidMaxResultsException):
        await demo.trail.lookup_events(MaxResults=51)
    with pytest.raises(demo.states.exceptions.ResourceNotFound):
        await demo.states.describe_map_run(mapRunArn=f"{HEAD}:mapRun:a/b:c")
    _, _, told = await demo.post("x.DescribeExecution", b'{"executionArn": "x"}')
    assert told["__type"] == "com.amazonaws.swf.service.v2.model#InvalidArn"
    again = await demo.states.list_state_machines()
    assert again["ResponseMetadata"]["RequestId"] != metadata["RequestId"]


async def test_sts_answers_and_refuses_in_xml(demo: Served) -> None:
    form = {"Content_Type": "application/x-www-form-urlencoded; charset=utf-8"}
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    _, headers, xml = await demo.post(None, body, **form)
    root = ET.fromstring(xml)  # noqa: S314 - our own server's
    assert root.findtext(f".//{STS}Arn") == "arn:aws:iam::123456789012:user/demo"
    assert root.findtext(f".//{STS}RequestId") == headers["x-amzn-RequestId"]
    demo.account.faults.expired = True
    status, _, xml = await demo.post(None, body, **form)
    root = ET.fromstring(xml)  # noqa: S314 - our own server's
    assert (status, root.findtext(f".//{STS}Code")) == (403, "ExpiredToken")


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_answers_are_of_botocores_shape(serve: Serve, operation: str) -> None:
    demo = await serve(*SCENARIOS)
    service = OPERATIONS[operation][0]
    name = {"states": "stepfunctions"}.get(service, service)
    model: Any = _BOTOCORE.get_service_model(name).operation_model(operation)
    for seconds in (0, 60, 900):
        demo.clock.advance(seconds)
        for parameters in await requests(demo, operation):
            answer = await demo.raw(operation, **parameters)
            wrong = ParamValidator().validate(answer, model.output_shape)
            assert not wrong.has_errors(), wrong.generate_report()


async def requests(demo: Served, operation: str) -> list[dict[str, Any]]:
    """Return requests whose answers have all members that we ever send."""
    arns = [{"executionArn": arn} for arn in demo.account.executions.values()]
    listed = await demo.raw("ListMapRuns", **arns[SCENARIOS.index("distributed")])
    map_runs = [{"mapRunArn": each["mapRunArn"]} for each in listed["mapRuns"]]
    for map_run in map_runs:
        children = (await demo.raw("ListExecutions", **map_run))["executions"]
        arns += [{"executionArn": each["executionArn"]} for each in children[::9]]
    machine, url = {"stateMachineArn": MACHINE}, {"QueueUrl": demo.queue_url}
    others: dict[str, list[dict[str, Any]]] = {
        "LookupEvents": [{}],
        "ListStateMachines": [{}],
        "ListExecutions": [machine | {"maxResults": 1}, *map_runs],
        "DescribeMapRun": map_runs,
        "DescribeStateMachine": [machine],
        "GetQueueAttributes": [url],
        "ReceiveMessage": [url],
        "DeleteMessageBatch": [url | {"Entries": []}],
    }
    return others.get(operation, arns)


async def test_payloads_in_histories_are_json(serve: Serve) -> None:
    demo = await serve(*SCENARIOS)
    demo.clock.advance(900)
    model: Any = _BOTOCORE.get_service_model("stepfunctions")
    kinds = model.shape_for("HistoryEventType").enum
    for scenario in demo.account.executions:
        for event in await demo.history(scenario):
            assert event["type"] in kinds
            for part in [part for part in event.values() if isinstance(part, dict)]:
                for key in part.keys() & {"input", "output", "parameters", "cause"}:
                    assert isinstance(json.loads(part[key]), dict)


async def test_operations_can_be_denied(demo: Served) -> None:
    demo.account.faults.deny = {"LookupEvents", "GetCallerIdentity"}
    for asked, code in (
        (demo.trail.lookup_events(), "AccessDeniedException"),
        (demo.identity.get_caller_identity(), "AccessDenied"),
    ):
        found, message = await refusal(asked)
        assert found == code
        assert "user/demo is not authorized to perform" in message
    assert await demo.states.list_state_machines()


async def test_the_service_can_break_and_throttle(demo: Served) -> None:
    demo.account.faults.status_next = [500, 503]
    for status, code in ((500, "InternalFailure"), (503, "ServiceUnavailable")):
        with pytest.raises(ClientError) as caught:
            await demo.states.list_state_machines()
        assert caught.value.response["Error"]["Code"] == code
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    demo.account.faults.throttle_next = 1
    throttled = ("ThrottlingException", "Rate exceeded")
    assert await refusal(demo.states.list_state_machines()) == throttled
    assert await demo.states.list_state_machines()
