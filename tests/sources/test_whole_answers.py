"""What comes with status 200 and is no answer is never read as one."""

from typing import Any

import pytest
from botocore.loaders import create_loader
from botocore.model import ServiceModel
from botocore.parsers import ResponseParserError

from sfnwatch.sources.whole_answers import StrictParsers

MODELS = {
    "DescribeExecution": "stepfunctions",
    "DescribeMapRun": "stepfunctions",
    "ListExecutions": "stepfunctions",
    "GetExecutionHistory": "stepfunctions",
    "LookupEvents": "cloudtrail",
    "ReceiveMessage": "sqs",
}
EVENT = b'{"id": 1, "type": "TaskScheduled", "timestamp": 1.5}'
TYPE = b'"TaskScheduled"'
EVENTS_AT = b'{"events": [{"id": 1, "type": "TaskScheduled", "timestamp": %s}]}'


async def parsed(operation: str, body: bytes, **headers: str) -> Any:
    data = create_loader().load_service_model(MODELS[operation], "service-2")
    shape = ServiceModel(data).operation_model(operation).output_shape
    response = {
        "status_code": 200,
        "headers": headers,
        "body": body,
        "context": {"operation_name": operation},
    }
    return await StrictParsers().create_parser("json").parse(response, shape)


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("GetExecutionHistory", b"{}"),
        ("GetExecutionHistory", b'{"events": [{"id": 1}]}'),
        ("GetExecutionHistory", b'{"events": [' + EVENT),
        ("GetExecutionHistory", b'{"events": "x"}'),
        ("GetExecutionHistory", b'{"events": [null]}'),
        (
            "GetExecutionHistory",
            b'{"events": [' + EVENT.replace(b"1,", b'"x",') + b"]}",
        ),
        ("GetExecutionHistory", b'{"events": [' + EVENT.replace(TYPE, b"7") + b"]}"),
        ("GetExecutionHistory", b'{"events": [' + EVENT + b'], "nextToken": {}}'),
        ("GetExecutionHistory", EVENTS_AT % b'"1e400"'),
        ("GetExecutionHistory", EVENTS_AT % b'"yesterday"'),
        ("DescribeExecution", b'{"executionArn": "a", "status": ["RUNNING"]}'),
        ("DescribeMapRun", b'{"itemCounts": {}}'),
        ("DescribeMapRun", b'{"mapRunArn": ""}'),
        ("ListExecutions", b"{}"),
        ("ListExecutions", b'{"executions": [1]}'),
        ("LookupEvents", b"{}"),
        ("LookupEvents", b'{"error": "log in first"}'),
        ("LookupEvents", b'{"Events": null}'),
        ("ReceiveMessage", b"<html>log in first</html>"),
        ("ReceiveMessage", b""),
        ("ReceiveMessage", b"[]"),
    ],
)
async def test_what_aws_did_not_write_is_no_answer(operation: str, body: bytes) -> None:
    with pytest.raises(ResponseParserError):
        await parsed(operation, body)


async def test_an_answer_is_read_as_botocore_reads_it() -> None:
    answer = await parsed("GetExecutionHistory", b'{"events": [' + EVENT + b"]}")
    assert answer["events"][0]["id"] == 1
    empty = {"x-amzn-RequestId": "r"}
    assert "Events" not in await parsed("LookupEvents", b"{}", **empty)
    assert "Messages" not in await parsed("ReceiveMessage", b"{}")
