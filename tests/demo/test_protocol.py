"""Who is let in, how answers and refusals look on the wire, and injected faults."""

from itertools import product
from typing import Any

import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator

from sfnwatch.demo.operations import OPERATIONS
from sfnwatch.demo.scenarios import SCENARIOS
from tests.builders import HEAD
from tests.demo.conftest import Serve, Served

MACHINE = f"{HEAD}:stateMachine:nightly-report"
_BOTOCORE = get_session()


async def test_another_operation_is_not_here(demo: Served) -> None:
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
    with pytest.raises(demo.trail.exceptions.InvalidNextTokenException):
        await demo.trail.lookup_events(NextToken="x")
    with pytest.raises(demo.states.exceptions.ResourceNotFound):
        await demo.states.describe_map_run(mapRunArn=f"{HEAD}:mapRun:a/b:c")
    again = await demo.states.list_state_machines()
    assert again["ResponseMetadata"]["RequestId"] != metadata["RequestId"]


async def test_answers_are_of_botocores_shape(serve: Serve) -> None:
    demo = await serve(*SCENARIOS)
    for seconds, name in product((0, 60, 900), OPERATIONS):
        demo.clock.advance(seconds / len(OPERATIONS))
        service = OPERATIONS[name].service
        botocore_name = {"states": "stepfunctions"}.get(service, service)
        model: Any = _BOTOCORE.get_service_model(botocore_name).operation_model(name)
        for parameters in await requests(demo, name):
            answer = await demo.raw(name, **parameters)
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
        "GetQueueAttributes": [url],
        "ReceiveMessage": [url],
        "DeleteMessageBatch": [url | {"Entries": []}],
    }
    return others.get(operation, arns)
