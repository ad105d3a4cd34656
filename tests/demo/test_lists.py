"""ListExecutions and ListStateMachines: order, filters, Map Runs, as AWS has them."""

from datetime import timedelta
from typing import Any

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.demo.account import Account
from tests.demo.clients import Direct, ManualClock
from tests.demo.photos import FEW_PHOTOS
from tests.demo.test_boto3 import check

HEAD = "arn:aws:states:ap-northeast-1:123456789012"
MACHINE = f"{HEAD}:stateMachine:resize-photos"


@pytest.fixture
def photos(clock: ManualClock) -> Direct:
    """An account with a Map Run, just started."""
    return Direct(Account([FEW_PHOTOS], clock=clock, seed=7), clock)


def map_run_of(direct: Direct) -> str:
    arn = direct.account.executions["few-photos"]
    events = direct("GetExecutionHistory", executionArn=arn)["events"]
    (started,) = [e for e in events if e["type"] == "MapRunStarted"]
    map_run: str = started["mapRunStartedEventDetails"]["mapRunArn"]
    return map_run


def children(direct: Direct, **more: Any) -> list[dict[str, Any]]:
    listed = direct("ListExecutions", mapRunArn=map_run_of(direct), **more)
    executions: list[dict[str, Any]] = listed["executions"]
    return executions


def test_a_map_run_is_told_as_a_recorded_one_was(photos: Direct) -> None:
    photos.clock.advance(200)
    arn = photos.account.executions["few-photos"]
    events = photos("GetExecutionHistory", executionArn=arn)["events"]
    assert [(e["type"], e["previousEventId"]) for e in events] == [
        ("ExecutionStarted", 0),
        ("MapStateEntered", 0),
        ("MapStateStarted", 2),
        ("MapRunStarted", 3),
        ("MapRunSucceeded", 4),
        ("MapStateSucceeded", 5),
        ("MapStateExited", 5),
        ("ExecutionSucceeded", 7),
    ]
    assert map_run_of(photos).startswith(f"{HEAD}:mapRun:resize-photos/EachPhoto:")


def test_a_map_runs_children_are_listed_as_they_start(photos: Direct) -> None:
    photos.clock.advance(5)
    assert len(children(photos)) == 2, "so many at once"
    photos.clock.advance(200)
    listed = children(photos)
    assert len(listed) == 5
    assert {each["status"] for each in listed} == {"SUCCEEDED"}
    assert all(each["mapRunArn"] == map_run_of(photos) for each in listed)
    machines = {each["stateMachineArn"] for each in listed}
    assert machines == {f"{MACHINE}/EachPhoto"}


def test_a_child_is_an_execution_like_any_other(photos: Direct) -> None:
    photos.clock.advance(200)
    arn = children(photos)[0]["executionArn"]
    assert arn.startswith(f"{HEAD}:execution:resize-photos/EachPhoto:")
    described = photos("DescribeExecution", executionArn=arn)
    assert described["mapRunArn"] == map_run_of(photos)
    machine = photos("DescribeStateMachineForExecution", executionArn=arn)
    assert machine["label"] == "EachPhoto"
    history = photos("GetExecutionHistory", executionArn=arn)["events"]
    assert history[-1]["type"] == "ExecutionSucceeded"
    parent = photos(
        "DescribeExecution", executionArn=photos.account.executions["few-photos"]
    )
    assert described["startDate"] > parent["startDate"]
    assert described["stopDate"] < parent["stopDate"]


def test_an_executions_map_runs_are_listed_as_they_begin(photos: Direct) -> None:
    arn = photos.account.executions["few-photos"]
    assert photos("ListMapRuns", executionArn=arn) == {"mapRuns": []}
    photos.clock.advance(20)
    (run,) = photos("ListMapRuns", executionArn=arn)["mapRuns"]
    assert run["mapRunArn"] == map_run_of(photos)
    assert run["executionArn"] == arn
    assert "stopDate" not in run
    photos.clock.advance(200)
    (run,) = photos("ListMapRuns", executionArn=arn)["mapRuns"]
    assert run["startDate"] < run["stopDate"]
    child = children(photos)[0]["executionArn"]
    assert photos("ListMapRuns", executionArn=child) == {"mapRuns": []}


def test_children_are_no_executions_of_the_machine_itself(photos: Direct) -> None:
    photos.clock.advance(200)
    listed = photos("ListExecutions", stateMachineArn=MACHINE)["executions"]
    assert len(listed) == 3
    assert not any("mapRunArn" in each or "itemCount" in each for each in listed)
    names = [m["name"] for m in photos("ListStateMachines")["stateMachines"]]
    assert names == ["resize-photos"]


def test_children_come_in_pages_and_by_status(photos: Direct) -> None:
    photos.clock.advance(20)
    running = children(photos, statusFilter="RUNNING")
    done = children(photos, statusFilter="SUCCEEDED")
    assert len(running) == 2
    assert len(done) == 1
    assert children(photos, statusFilter="PENDING_REDRIVE") == []
    photos.clock.advance(200)
    asked = {"mapRunArn": map_run_of(photos), "maxResults": 2}
    names: list[str] = []
    token: dict[str, Any] = {}
    for expected in (2, 2, 1):
        page = photos("ListExecutions", **asked, **token)
        assert len(page["executions"]) == expected
        names += [each["name"] for each in page["executions"]]
        token = {"nextToken": page.get("nextToken")}
    assert token == {"nextToken": None}
    assert len(set(names)) == 5


def test_the_answers_are_of_botocores_shape(photos: Direct) -> None:
    photos.clock.advance(20)
    client = boto3.Session(region_name="ap-northeast-1").client("stepfunctions")
    model = client.meta.service_model
    arn = children(photos)[0]["executionArn"]
    asked: list[tuple[str, dict[str, Any]]] = [
        ("ListExecutions", {"mapRunArn": map_run_of(photos), "maxResults": 1}),
        ("DescribeExecution", {"executionArn": arn}),
        ("DescribeStateMachineForExecution", {"executionArn": arn}),
        ("GetExecutionHistory", {"executionArn": arn}),
    ]
    for operation, parameters in asked:
        shape = model.operation_model(operation).output_shape
        check(photos(operation, **parameters), shape, operation)
    client.close()


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"mapRunArn": f"{HEAD}:mapRun:resize-photos/EachPhoto:none"}, "ResourceNot"),
        ({"mapRunArn": MACHINE}, "InvalidArn"),
        ({"stateMachineArn": MACHINE, "mapRunArn": f"{MACHINE}:x"}, "Validation"),
        (
            {"stateMachineArn": MACHINE, "statusFilter": "PENDING_REDRIVE"},
            "Validation",
        ),
    ],
)
def test_what_can_not_be_listed_is_refused(
    photos: Direct, parameters: dict[str, str], code: str
) -> None:
    assert photos.refusal("ListExecutions", **parameters)[0].startswith(code)


@settings(max_examples=25, deadline=None)
@given(st.floats(-100_000, 1000), st.sampled_from(["sync", "failure", "async"]))
def test_what_runs_stands_at_its_start_and_the_rest_at_its_end(
    seconds: float, scenario: str
) -> None:
    clock = ManualClock()
    account = Account([scenario], clock=clock, seed=3)
    direct = Direct(account, clock)
    machine = account.executions[scenario].replace(":execution:", ":stateMachine:")
    clock.advance(seconds)
    listed = direct("ListExecutions", stateMachineArn=machine.rpartition(":")[0])
    places = [each.get("stopDate", each["startDate"]) for each in listed["executions"]]
    assert places == sorted(places, reverse=True)
    for each in listed["executions"]:
        assert ("stopDate" in each) == (each["status"] != "RUNNING")
        assert each["startDate"] <= (clock.now() + timedelta(seconds=1)).timestamp()
