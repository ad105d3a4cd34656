"""Step Functions' operations, asked without HTTP."""

import json

import pytest

from sfnwatch.demo.account import Account
from tests.demo.clients import Direct, ManualClock

NOWHERE = "arn:aws:states:ap-northeast-1:123456789012:execution:nightly-report:none"
EXPRESS = "arn:aws:states:ap-northeast-1:123456789012:express:web:run:0000"
MACHINE = "arn:aws:states:ap-northeast-1:123456789012:stateMachine:"


def test_a_running_execution_has_no_stop_and_no_output(direct: Direct) -> None:
    described = direct("DescribeExecution", executionArn=arn(direct, "sync"))
    assert described["status"] == "RUNNING"
    assert described["redriveStatus"] == "NOT_REDRIVABLE"
    assert not {"stopDate", "output", "outputDetails", "error"} & described.keys()


def test_an_ended_execution_has_both(direct: Direct) -> None:
    direct.clock.advance(400)
    described = direct("DescribeExecution", executionArn=arn(direct, "sync"))
    assert described["status"] == "SUCCEEDED"
    reason = "Execution is SUCCEEDED and cannot be redriven"
    assert described["redriveStatusReason"] == reason
    assert described["outputDetails"] == {"included": True}
    assert json.loads(described["output"])["LastStatus"] == "STOPPED"
    assert described["stopDate"] > described["startDate"]


def test_a_failed_execution_tells_its_error_and_can_be_redriven(direct: Direct) -> None:
    direct.clock.advance(400)
    described = direct("DescribeExecution", executionArn=arn(direct, "failure"))
    assert described["status"] == "FAILED"
    assert described["error"] == "States.TaskFailed"
    assert described["redriveStatus"] == "REDRIVABLE"
    assert "output" not in described


def test_data_can_be_left_out(direct: Direct) -> None:
    direct.clock.advance(400)
    asked = {"executionArn": arn(direct, "sync"), "includedData": "METADATA_ONLY"}
    described = direct("DescribeExecution", **asked)
    assert not {"input", "output"} & described.keys()
    assert described["inputDetails"] == {"included": False}
    machine = direct("DescribeStateMachineForExecution", **asked)
    assert machine["definition"] == "{}"


def test_the_machine_of_an_execution_is_the_one_described(direct: Direct) -> None:
    asked = arn(direct, "sdk")
    machine = direct("DescribeStateMachineForExecution", executionArn=asked)
    same = direct("DescribeStateMachine", stateMachineArn=machine["stateMachineArn"])
    for key in ("definition", "name", "roleArn", "loggingConfiguration"):
        assert machine[key] == same[key]


def test_history_grows_with_time(direct: Direct) -> None:
    asked = arn(direct, "failure")
    kinds = []
    for seconds in (0.0, 1.5, 80.0, 400.0):
        direct.clock.advance(seconds)
        events = direct("GetExecutionHistory", executionArn=asked)["events"]
        kinds.append(events[-1]["type"])
    expected = ["ExecutionStarted", "TaskSubmitted", "TaskFailed", "ExecutionFailed"]
    assert kinds == expected


@pytest.mark.parametrize("size", [1, 3, 7, 8])
@pytest.mark.parametrize("reverse", [False, True])
def test_history_comes_in_pages(direct: Direct, size: int, reverse: bool) -> None:  # noqa: FBT001
    direct.clock.advance(400)
    asked: dict[str, object] = {
        "executionArn": arn(direct, "sync"),
        "maxResults": size,
        "reverseOrder": reverse,
    }
    ids: list[int] = []
    token: dict[str, object] = {}
    while True:
        page = direct("GetExecutionHistory", **asked, **token)
        assert len(page["events"]) <= size
        ids += [event["id"] for event in page["events"]]
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert ids == (list(range(8, 0, -1)) if reverse else list(range(1, 9)))


def test_a_page_goes_on_where_it_stopped_though_the_history_grew(
    direct: Direct,
) -> None:
    asked = {"executionArn": arn(direct, "sync"), "maxResults": 2}
    down = direct("GetExecutionHistory", reverseOrder=True, **asked)
    up = direct("GetExecutionHistory", **asked)
    direct.clock.advance(400)
    again = direct(
        "GetExecutionHistory", reverseOrder=True, nextToken=down["nextToken"], **asked
    )
    assert [event["id"] for event in down["events"]] == [5, 4]
    assert [event["id"] for event in again["events"]] == [3, 2]
    on = direct("GetExecutionHistory", nextToken=up["nextToken"], **asked)
    assert [event["id"] for event in on["events"]] == [3, 4]


def test_no_page_size_is_the_usual_size(direct: Direct) -> None:
    asked = arn(direct, "sync")
    usual = direct("GetExecutionHistory", executionArn=asked, maxResults=0)
    assert len(usual["events"]) == 5


def test_history_without_data_keeps_the_rest(direct: Direct) -> None:
    asked = arn(direct, "sync")
    whole = direct("GetExecutionHistory", executionArn=asked)
    light = direct(
        "GetExecutionHistory", executionArn=asked, includeExecutionData=False
    )
    assert [e["id"] for e in light["events"]] == [e["id"] for e in whole["events"]]
    assert '"output"' in json.dumps(whole)
    assert '"output"' not in json.dumps(light)
    assert '"input"' not in json.dumps(light)


def test_a_token_dies_after_a_day(direct: Direct) -> None:
    asked = {"executionArn": arn(direct, "sync"), "maxResults": 2}
    token = direct("GetExecutionHistory", **asked)["nextToken"]
    direct.clock.advance(86_300)
    assert direct("GetExecutionHistory", nextToken=token, **asked)["events"]
    direct.clock.advance(200)
    refusal = direct.refusal("GetExecutionHistory", nextToken=token, **asked)
    assert refusal == ("InvalidToken", "Invalid Token: 'Invalid token'")


def test_a_token_is_good_for_its_own_request_only(direct: Direct) -> None:
    asked = {"executionArn": arn(direct, "sync"), "maxResults": 2}
    token = direct("GetExecutionHistory", **asked)["nextToken"]
    other = asked | {"executionArn": arn(direct, "sync-denied")}
    for request in (other, asked | {"reverseOrder": True}):
        code, _ = direct.refusal("GetExecutionHistory", nextToken=token, **request)
        assert code == "InvalidToken"


@pytest.mark.parametrize("token", ["x", "!!!", "é", "AAAA" * 20, "a"])
def test_a_made_up_token_is_refused(direct: Direct, token: str) -> None:
    asked = arn(direct, "sync")
    code, _ = direct.refusal("GetExecutionHistory", executionArn=asked, nextToken=token)
    assert code == "InvalidToken"


def test_a_token_outlives_the_server(direct: Direct) -> None:
    asked = {"executionArn": arn(direct, "sync"), "maxResults": 2}
    token = direct("GetExecutionHistory", **asked)["nextToken"]
    names = tuple(direct.account.executions)
    again = Account(names, clock=direct.clock, epoch=direct.account.epoch, seed=7)
    page = Direct(again, direct.clock)("GetExecutionHistory", nextToken=token, **asked)
    assert [event["id"] for event in page["events"]] == [3, 4]


@pytest.mark.parametrize(
    "operation",
    ["DescribeExecution", "DescribeStateMachineForExecution", "GetExecutionHistory"],
)
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (NOWHERE, ("ExecutionDoesNotExist", f"Execution Does Not Exist: '{NOWHERE}'")),
        ("nonsense", ("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: nonsense'")),
        (
            EXPRESS,
            (
                "InvalidArn",
                "Invalid Arn: 'Resource type not valid in this context: express'",
            ),
        ),
        (
            "arn:aws:s3:::bucket",
            ("InvalidArn", "Invalid Arn: 'Invalid ARN: arn:aws:s3:::bucket'"),
        ),
    ],
)
def test_a_wrong_arn_is_refused(
    direct: Direct, operation: str, given: str, expected: tuple[str, str]
) -> None:
    assert direct.refusal(operation, executionArn=given) == expected


@pytest.mark.parametrize(
    ("operation", "parameters", "words"),
    [
        ("GetExecutionHistory", {}, "null at 'executionArn'"),
        (
            "DescribeExecution",
            {"executionArn": ""},
            "length greater than or equal to 1",
        ),
        ("ListExecutions", {}, "null at 'stateMachineArn'"),
        ("ListStateMachines", {"maxResults": 1001}, "less than or equal to 1000"),
        ("ListStateMachines", {"maxResults": -1}, "greater than or equal to 0"),
        (
            "ListExecutions",
            {"stateMachineArn": "x", "statusFilter": "succeeded"},
            "[SUCCEEDED, TIMED_OUT, PENDING_REDRIVE, ABORTED, FAILED, RUNNING]",
        ),
    ],
)
def test_a_bad_parameter_is_refused(
    direct: Direct, operation: str, parameters: dict[str, object], words: str
) -> None:
    code, message = direct.refusal(operation, **parameters)
    assert code == "ValidationException"
    assert message.startswith("1 validation error detected: Value ")
    assert words in message


def test_a_parameter_of_the_wrong_type_is_refused(direct: Direct) -> None:
    code, _ = direct.refusal("ListStateMachines", maxResults="many")
    assert code == "SerializationException"


def test_machines_come_in_pages_by_name(direct: Direct) -> None:
    names: list[str] = []
    token: dict[str, object] = {}
    while True:
        page = direct("ListStateMachines", maxResults=2, **token)
        names += [machine["name"] for machine in page["stateMachines"]]
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert names == sorted(names)
    assert len(names) == 10


def test_executions_of_a_machine_come_newest_first(direct: Direct) -> None:
    asked = MACHINE + "nightly-report"
    listed = direct("ListExecutions", stateMachineArn=asked)["executions"]
    assert listed[0]["executionArn"] == arn(direct, "sync")
    starts = [execution["startDate"] for execution in listed]
    assert starts == sorted(starts, reverse=True)
    first = direct("ListExecutions", stateMachineArn=asked, maxResults=1)
    rest = direct("ListExecutions", stateMachineArn=asked, nextToken=first["nextToken"])
    assert first["executions"] + rest["executions"] == listed


def test_executions_can_be_asked_for_by_status(direct: Direct) -> None:
    asked = MACHINE + "import-orders"
    by_status = {
        status: len(
            direct("ListExecutions", stateMachineArn=asked, statusFilter=status)[
                "executions"
            ]
        )
        for status in ("RUNNING", "FAILED", "SUCCEEDED")
    }
    assert by_status == {"RUNNING": 1, "FAILED": 2, "SUCCEEDED": 0}


def test_an_earlier_execution_can_be_read_to_its_end(direct: Direct) -> None:
    asked = MACHINE + "nightly-report"
    earlier = direct("ListExecutions", stateMachineArn=asked)["executions"][-1]
    history = direct("GetExecutionHistory", executionArn=earlier["executionArn"])
    assert history["events"][-1]["type"] == "ExecutionSucceeded"


@pytest.mark.parametrize("operation", ["ListExecutions", "DescribeStateMachine"])
def test_an_unknown_machine_is_refused(direct: Direct, operation: str) -> None:
    asked = MACHINE + "none"
    expected = ("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{asked}'")
    assert direct.refusal(operation, stateMachineArn=asked) == expected


def test_an_unknown_map_run_is_refused(direct: Direct) -> None:
    code, _ = direct.refusal(
        "ListExecutions", mapRunArn="arn:aws:states:::mapRun:x/y:z"
    )
    assert code == "ResourceNotFound"


def test_an_execution_does_not_exist_before_its_start(clock: ManualClock) -> None:
    account = Account(["sync"], clock=clock)
    early = Direct(account, clock)
    clock.advance(-60)
    code, _ = early.refusal(
        "DescribeExecution", executionArn=account.executions["sync"]
    )
    assert code == "ExecutionDoesNotExist"


@pytest.mark.parametrize("names", [[], ["nothing"]])
def test_an_unknown_scenario_is_an_error(names: list[str], clock: ManualClock) -> None:
    with pytest.raises(ValueError, match="choose from sync, sync-denied"):
        Account(names, clock=clock)


def arn(direct: Direct, scenario: str) -> str:
    return direct.account.executions[scenario]


def test_a_redriven_execution_runs_again_under_its_own_arn(direct: Direct) -> None:
    asked = arn(direct, "redrive")
    told = []
    for seconds in (90.0, 370.0, 200.0):
        direct.clock.advance(seconds)
        described = direct("DescribeExecution", executionArn=asked)
        keys = ("status", "redriveCount", "redriveStatus")
        dates = ("stopDate" in described, "redriveDate" in described)
        told.append((*(described[key] for key in keys), *dates))
    assert told == [
        ("FAILED", 0, "REDRIVABLE", True, False),
        ("RUNNING", 1, "NOT_REDRIVABLE", False, True),
        ("SUCCEEDED", 1, "NOT_REDRIVABLE", True, True),
    ]


def test_what_had_succeeded_is_not_run_again(direct: Direct) -> None:
    direct.clock.advance(3600)
    asked = arn(direct, "redrive")
    events = direct("GetExecutionHistory", executionArn=asked)["events"]
    kinds = [event["type"] for event in events]
    seam = kinds.index("ExecutionRedriven")
    assert kinds[seam - 1 : seam + 2] == [
        "ExecutionFailed",
        "ExecutionRedriven",
        "TaskScheduled",
    ]
    entered = next(e["id"] for e in events if e["type"] == "TaskStateEntered")
    assert events[seam + 1]["previousEventId"] == entered
    assert kinds.count("TaskStateEntered") == 1
    assert kinds.count("PassStateEntered") == 2


def test_the_call_that_redrove_it_is_recorded(direct: Direct) -> None:
    found = [
        json.loads(each.envelope["CloudTrailEvent"])
        for each in direct.account.world.trail
        if each.envelope["EventName"] == "RedriveExecution"
    ]
    arns = {record["requestParameters"]["executionArn"] for record in found}
    assert arn(direct, "redrive") in arns
    assert {record["userIdentity"]["userName"] for record in found} == {"alice"}
