"""The scenario with forty photos, and Map Runs of thousands of items."""

import itertools
import json
from collections import Counter
from dataclasses import replace  # noqa: TID251 - the demo has no Struct
from typing import Any

import boto3
import pytest

from sfnwatch.demo.account import Account
from sfnwatch.demo.distributed import DISTRIBUTED, distributed
from sfnwatch.demo.runs import Run
from sfnwatch.demo.world import LONGEST_LAG
from tests.demo.clients import Direct, ManualClock
from tests.demo.test_boto3 import check

MOST = 262_144
"""Bytes that AWS allows an input or an output."""


@pytest.fixture
def album(clock: ManualClock) -> Direct:
    return Direct(Account(["distributed"], clock=clock, seed=7), clock)


def watched(direct: Direct) -> Run:
    (run,) = direct.account.world.runs
    return run


def listed(direct: Direct, **more: Any) -> list[dict[str, Any]]:
    """Return a Map Run's children, all pages of them."""
    (map_run,) = watched(direct).map_runs
    asked = {"mapRunArn": map_run.arn} | more
    found: list[dict[str, Any]] = []
    token: dict[str, Any] = {}
    while True:
        page = direct("ListExecutions", **asked, **token)
        found += page["executions"]
        if "nextToken" not in page:
            return found
        token = {"nextToken": page["nextToken"]}


def ended(direct: Direct) -> None:
    """Wait until all has happened, and CloudTrail tells of it."""
    run = watched(direct)
    direct.clock.advance((run.ends_at - run.started_at).total_seconds() + LONGEST_LAG)


# -- forty photos ------------------------------------------------------------------


def test_three_of_forty_fail_and_are_tolerated_within_minutes(album: Direct) -> None:
    run = watched(album)
    assert 180 <= (run.ends_at - run.started_at).total_seconds() <= 360
    ended(album)
    assert Counter(each["status"] for each in listed(album)) == {
        "SUCCEEDED": 37,
        "FAILED": 3,
    }
    described = album("DescribeExecution", executionArn=run.arn)
    assert described["status"] == "SUCCEEDED"
    results = json.loads(described["output"])["resized"]
    assert [each.get("Error") for each in results].count("UnreadableImage") == 3


def test_a_photo_is_read_at_the_second_try(album: Direct) -> None:
    tries = Counter(
        tuple(e.kind for e in child.events if e.kind.startswith("TaskF"))
        for child in watched(album).children
    )
    assert (tries["TaskFailed",], tries["TaskFailed", "TaskFailed"]) == (1, 3)


def test_the_childrens_calls_are_in_cloudtrail_under_their_role(album: Direct) -> None:
    ended(album)
    run = watched(album)
    ours = {call.request_id: call for child in run.children for call in child.calls}
    names = Counter(call.name for call in ours.values())
    assert names == {"RunTask": 5, "DescribeTasks": 6, "StartExecution": 2}
    records = album.records() + album.records("states.amazonaws.com")
    found = [record for record in records if record["requestID"] in ours]
    assert len(found) == len(ours)
    role = run.events[0].details["roleArn"]
    for record in found:
        issuer = record["userIdentity"]["sessionContext"]["sessionIssuer"]
        assert issuer["arn"] == role
        assert record["eventName"] == ours[record["requestID"]].name
    sessions = [record["userIdentity"]["arn"] for record in found]
    assert len(set(sessions)) == len(sessions)


def test_a_childs_nested_execution_can_be_read(album: Direct) -> None:
    ended(album)
    nested = [each for child in watched(album).children for each in child.nested]
    assert len(nested) == 2
    for each in nested:
        described = album("DescribeExecution", executionArn=each.arn)
        assert described["status"] == "SUCCEEDED"
        assert "mapRunArn" not in described
        started_by = json.loads(described["input"])
        parent = started_by["AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"]
        asked = album("DescribeExecution", executionArn=parent)
        assert asked["mapRunArn"] == watched(album).map_runs[0].arn


def test_every_childs_answers_are_of_botocores_shape(album: Direct) -> None:
    client = boto3.Session(region_name="ap-northeast-1").client("stepfunctions")
    operations = (
        "DescribeExecution",
        "DescribeStateMachineForExecution",
        "GetExecutionHistory",
        "ListMapRuns",
    )
    shapes = {
        name: client.meta.service_model.operation_model(name).output_shape
        for name in operations
    }
    client.close()
    for seconds in (60, 400):
        album.clock.advance(seconds)
        for child in listed(album):
            arn = child["executionArn"]
            for name, shape in shapes.items():
                check(album(name, executionArn=arn), shape, name)
            machine = album("DescribeStateMachineForExecution", executionArn=arn)
            assert machine["mapRunArn"] == child["mapRunArn"]
            definition = json.loads(machine["definition"])
            assert definition["StartAt"] == "Big?"


def test_what_an_aborted_child_would_have_done_is_not_done(clock: ManualClock) -> None:
    state = DISTRIBUTED.states["Each photo"] | {"ToleratedFailurePercentage": 0}
    strict = replace(DISTRIBUTED, states={"Each photo": state})
    direct = Direct(Account([strict], clock=clock, seed=7), clock)
    ended(direct)
    run = watched(direct)
    assert run.events[-1].kind == "ExecutionFailed"
    (big,) = [child for child in run.children if child.calls]
    assert big.events[-1].kind == "ExecutionAborted"
    assert [call.name for call in big.calls] == ["RunTask"]
    assert direct.account.world.nested == run.nested == ()
    polls = [each for each in direct.records() if each["eventName"] == "DescribeTasks"]
    assert not any(big.calls[0].job_arn in json.dumps(each) for each in polls)


# -- as many as one likes ----------------------------------------------------------


@pytest.fixture(scope="module")
def many() -> Direct:
    """Three thousand items of which fifty fail."""
    clock = ManualClock()
    plan = distributed(3000, failing=50, concurrency=40)
    return Direct(Account([plan], clock=clock, seed=7), clock)


def test_pages_have_every_child_once(many: Direct) -> None:
    ended(many)
    children = listed(many, maxResults=1000)
    assert len({each["executionArn"] for each in children}) == 3000 == len(children)
    failed = listed(many, maxResults=20, statusFilter="FAILED")
    assert len(failed) == 50
    assert {each["status"] for each in failed} == {"FAILED"}
    whole = [each for each in children if each["status"] == "FAILED"]
    assert failed == whole


def test_inputs_and_outputs_of_ten_thousand_are_short_enough() -> None:
    plan = distributed(10_000)
    assert len(json.dumps(plan.given)) < MOST
    state = plan.states["Each photo"]
    assert state["ResultPath"] is None, "the result would be longer"


def test_failing_items_lie_among_the_others(many: Direct) -> None:
    plan = watched(many).scenario
    failing = [n for n, met in enumerate(plan.items) if len(met["Resize"]) > 1]
    assert len(failing) == 50
    gaps = {b - a for a, b in itertools.pairwise(failing)}
    assert gaps == {60}


def test_too_many_of_many_fail_the_map_run(clock: ManualClock) -> None:
    plan = distributed(400, failing=100, concurrency=20, tolerated=5)
    direct = Direct(Account([plan], clock=clock, seed=7), clock)
    ended(direct)
    (map_run,) = watched(direct).map_runs
    described = direct("DescribeMapRun", mapRunArn=map_run.arn)
    counts = described["executionCounts"]
    assert described["status"] == "FAILED"
    assert counts["failed"] >= 21
    assert 0 < counts["aborted"] < 20
    assert counts["pending"] == 400 - len(listed(direct, maxResults=1000)) > 0
    assert watched(direct).events[-1].kind == "ExecutionFailed"


def test_there_are_no_earlier_executions_of_many(many: Direct) -> None:
    assert len(many.account.world.every_run) == 1
