"""DescribeMapRun, ListMapRuns, and what Map Runs do whose children fail."""

import json
from collections import Counter
from dataclasses import replace  # noqa: TID251 - the demo has no Struct
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.demo.account import Account
from sfnwatch.demo.ids import Dice
from sfnwatch.demo.map_items import Items
from sfnwatch.demo.plans import Scenario
from sfnwatch.demo.play import run
from sfnwatch.demo.progress import Progress
from sfnwatch.demo.runs import MapRun, Run
from sfnwatch.demo.times import after
from tests.demo.clients import EPOCH, Clients, Direct, ManualClock
from tests.demo.photos import photos

HEAD = "arn:aws:states:ap-northeast-1:123456789012"
TOO_MANY = "States.ExceedToleratedFailureThreshold"


def played(plan: Scenario) -> tuple[Run, MapRun]:
    one = run(plan, started_at=EPOCH, key="7")
    (map_run,) = one.map_runs
    return one, map_run


def ends(map_run: MapRun) -> list[str]:
    return [child.status(child.ends_at) for child in map_run.children]


def tail(one: Run, count: int) -> list[tuple[str, int]]:
    return [(event.kind, event.previous) for event in one.events[-count:]]


# -- what happens ------------------------------------------------------------------


def test_a_few_failures_are_tolerated_and_told_in_the_result() -> None:
    one, map_run = played(photos(4, 9, 0, 9, ToleratedFailurePercentage=25))
    assert ends(map_run) == ["SUCCEEDED", "SUCCEEDED", "FAILED", "SUCCEEDED"]
    assert not map_run.failed
    assert one.status(one.ends_at) == "SUCCEEDED"
    failed = json.loads(one.events[-1].details["output"])[2]
    assert (failed["Status"], failed["Error"]) == ("FAILED", "UnreadableImage")
    assert json.loads(failed["Cause"])["errorMessage"] == "Not a photo"


def test_a_child_fails_after_its_retry() -> None:
    child = played(photos(0, ToleratedFailureCount=1))[1].children[0]
    once = ["TaskScheduled", "TaskStarted", "TaskFailed"]
    kinds = [event.kind for event in child.events]
    expected = ["ExecutionStarted", "TaskStateEntered", *once, *once, "ExecutionFailed"]
    assert kinds == expected


def test_one_failure_too_many_ends_the_map_run_and_the_execution() -> None:
    one, map_run = played(photos(40, 0, 40, 40, 40, 40))
    assert tail(one, 3) == [
        ("MapRunFailed", 4),
        ("MapStateFailed", 5),
        ("ExecutionFailed", 6),
    ]
    assert {each.details["error"] for each in one.events[-3::2]} == {TOO_MANY}
    assert map_run.failed
    assert ends(map_run) == ["ABORTED", "FAILED", "ABORTED"]
    assert map_run.total == 6
    failed_at = map_run.children[1].ends_at
    for child in (map_run.children[0], map_run.children[2]):
        assert 0 < (child.ends_at - failed_at).total_seconds() < 0.5
        assert tail(child, 1) == [("ExecutionAborted", 0)]
        assert [event.event_id for event in child.events] == [1, 2, 3, 4, 5]
    assert max(c.ends_at for c in map_run.children) < map_run.ends_at


def test_a_map_run_that_failed_can_be_caught() -> None:
    caught = {"ErrorEquals": [TOO_MANY], "Next": "Give up", "ResultPath": "$.error"}
    plan = photos(0, Catch=[caught])
    states = dict(plan.states) | {"Give up": {"Type": "Succeed"}}
    one, _ = played(replace(plan, states=states))
    assert one.status(one.ends_at) == "SUCCEEDED"
    assert json.loads(one.events[-1].details["output"])["error"]["Error"] == TOO_MANY


def test_no_more_are_begun_than_there_are_places() -> None:
    _, map_run = played(photos(*[1, 2, 3, 4, 5] * 8, places=4))
    edges = [(c.started_at, 1) for c in map_run.children]
    edges += [(c.ends_at, -1) for c in map_run.children]
    running = most = 0
    for _, step in sorted(edges):
        running += step
        most = max(most, running)
    assert most == 4


def test_a_result_can_be_thrown_away() -> None:
    plan = photos(2, 3, ResultPath=None)
    one, _ = played(plan)
    assert json.loads(one.events[-1].details["output"]) == plan.given


@pytest.mark.parametrize(
    ("limits", "bearable"),
    [
        ({}, 0),
        ({"ToleratedFailurePercentage": 29}, 29),
        ({"ToleratedFailurePercentage": 7.5}, 7),
        ({"ToleratedFailureCount": 4}, 4),
        ({"ToleratedFailureCount": 4, "ToleratedFailurePercentage": 3}, 3),
        ({"ToleratedFailurePercentage": 100}, 100),
    ],
)
def test_how_many_failures_are_borne(limits: dict[str, Any], bearable: int) -> None:
    def never(index: int, at: datetime) -> Run:
        raise AssertionError

    assert Items(100, limits, never, Dice(1)).bearable == bearable


# -- what is told of it ------------------------------------------------------------

MIXED, MIXED_RUN = played(
    photos(*[2, 3, 0, 3, 9, 4, 0] * 6, places=5, ToleratedFailurePercentage=60)
)
BROKEN, BROKEN_RUN = played(photos(9, 3, 0, 9, 4, 0, 9, 9, 9, ToleratedFailureCount=1))
assert BROKEN_RUN.failed > MIXED_RUN.failed


@given(st.sampled_from([MIXED_RUN, BROKEN_RUN]), st.floats(-5, 150))
def test_progress_is_what_a_look_at_every_child_finds(
    map_run: MapRun, seconds: float
) -> None:
    now, progress = after(EPOCH, seconds), Progress(map_run)
    begun = [child for child in map_run.children if child.started_at <= now]
    found = Counter(child.status(now) for child in begun)
    counts = Counter(progress.counts(now))
    assert counts["PENDING"] == map_run.total - len(begun)
    assert counts == found + Counter(PENDING=counts["PENDING"])
    assert {child.arn for child in progress.children(now)} == {c.arn for c in begun}
    for status in (None, "RUNNING", "SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT"):
        listed = progress.listed(now, status)
        assert len(set(listed)) == len(listed)
        of_status = [c for c in begun if status in {None, c.status(now)}]
        assert set(listed) == {child.arn for child in of_status}
        places = {c.arn: c.ends_at if c.ends_at <= now else c.started_at for c in begun}
        assert listed == sorted(listed, key=places.__getitem__, reverse=True)


@pytest.fixture
def account(clock: ManualClock) -> Account:
    """A Map Run of which a third fails, and one that fails itself."""
    mixed = replace(photos(9, 9, 0, 9, ToleratedFailurePercentage=30), name="mixed")
    broken = replace(photos(40, 0, 4, 40, places=2), name="broken", machine="albums")
    return Account([mixed, broken], clock=clock, seed=7)


def map_run_of(direct: Direct, name: str) -> str:
    listed = direct("ListMapRuns", executionArn=direct.account.executions[name])
    (only,) = listed["mapRuns"]
    arn: str = only["mapRunArn"]
    return arn


def test_a_map_run_is_listed_from_its_start_to_its_end(direct: Direct) -> None:
    execution = direct.account.executions["broken"]
    assert direct("ListMapRuns", executionArn=execution) == {"mapRuns": []}
    direct.clock.advance(1)
    (listed,) = direct("ListMapRuns", executionArn=execution)["mapRuns"]
    assert listed["executionArn"] == execution
    assert listed["stateMachineArn"] == f"{HEAD}:stateMachine:albums/EachPhoto"
    assert listed["mapRunArn"].startswith(f"{HEAD}:mapRun:albums/EachPhoto:")
    assert "stopDate" not in listed
    direct.clock.advance(100)
    (listed,) = direct("ListMapRuns", executionArn=execution)["mapRuns"]
    described = direct("DescribeMapRun", mapRunArn=listed["mapRunArn"])
    shared = {key: listed[key] for key in listed.keys() & described.keys()}
    assert shared.items() <= described.items()
    assert "stopDate" in shared


def test_a_map_run_is_described_while_it_runs_and_after(direct: Direct) -> None:
    direct.clock.advance(3)
    arn = map_run_of(direct, "mixed")
    first = direct("DescribeMapRun", mapRunArn=arn)
    assert (first["status"], first["maxConcurrency"]) == ("RUNNING", 3)
    counts = first["executionCounts"]
    stand = ("pending", "running", "succeeded", "failed")
    assert sum(counts[key] for key in stand) == counts["total"] == 4
    assert counts["running"] > 0
    assert counts["resultsWritten"] == 0
    direct.clock.advance(100)
    last = direct("DescribeMapRun", mapRunArn=arn)
    assert last["status"] == "SUCCEEDED"
    assert last["toleratedFailurePercentage"] == 30.0
    assert last["itemCounts"] == last["executionCounts"]
    assert last["itemCounts"] == {
        "succeeded": 3,
        "failed": 1,
        "timedOut": 0,
        "aborted": 0,
        "pending": 0,
        "running": 0,
        "total": 4,
        "resultsWritten": 3,
        "failuresNotRedrivable": 0,
        "pendingRedrive": 0,
    }


def test_a_failed_map_run_counts_what_it_aborted_and_never_began(
    direct: Direct,
) -> None:
    direct.clock.advance(100)
    arn = map_run_of(direct, "broken")
    described = direct("DescribeMapRun", mapRunArn=arn)
    assert described["status"] == "FAILED"
    counts = described["executionCounts"]
    assert {key: counts[key] for key in counts if counts[key]} == {
        "failed": 1,
        "aborted": 1,
        "pending": 2,
        "total": 4,
    }
    (aborted,) = direct("ListExecutions", mapRunArn=arn, statusFilter="ABORTED")[
        "executions"
    ]
    assert aborted["itemCount"] == 1
    asked = direct("DescribeExecution", executionArn=aborted["executionArn"])
    assert asked["status"] == "ABORTED"
    assert asked["redriveStatus"] == "REDRIVABLE_BY_MAP_RUN"
    parent = direct(
        "DescribeExecution", executionArn=direct.account.executions["broken"]
    )
    assert (parent["status"], parent["error"]) == ("FAILED", TOO_MANY)


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("DescribeMapRun", {}, "ValidationException"),
        ("DescribeMapRun", {"mapRunArn": "x"}, "InvalidArn"),
        ("DescribeMapRun", {"mapRunArn": f"{HEAD}:execution:a:b"}, "InvalidArn"),
        ("DescribeMapRun", {"mapRunArn": f"{HEAD}:mapRun:a/b:c"}, "ResourceNotFound"),
        ("ListMapRuns", {}, "ValidationException"),
        ("ListMapRuns", {"executionArn": f"{HEAD}:mapRun:a/b:c"}, "InvalidArn"),
        (
            "ListMapRuns",
            {"executionArn": f"{HEAD}:execution:a:b"},
            "ExecutionDoesNotExist",
        ),
        (
            "ListMapRuns",
            {"executionArn": f"{HEAD}:execution:a:b", "maxResults": "1"},
            "SerializationException",
        ),
    ],
)
def test_what_is_no_map_run_is_refused(
    direct: Direct, operation: str, parameters: dict[str, Any], code: str
) -> None:
    assert direct.refusal(operation, **parameters)[0] == code


def test_a_map_run_is_not_there_before_it_began(direct: Direct) -> None:
    direct.clock.advance(1)
    arn = map_run_of(direct, "broken")
    direct.clock.advance(-5)
    assert direct.refusal("DescribeMapRun", mapRunArn=arn)[0] == "ResourceNotFound"


async def test_boto3_reads_map_runs_and_their_children(
    clients: Clients, direct: Direct
) -> None:
    direct.clock.advance(100)
    execution = direct.account.executions["mixed"]
    listed = await clients.call(
        "stepfunctions", "list_map_runs", executionArn=execution, maxResults=1
    )
    (map_run,) = listed["mapRuns"]
    assert map_run["startDate"] < map_run["stopDate"]
    described = await clients.call(
        "stepfunctions", "describe_map_run", mapRunArn=map_run["mapRunArn"]
    )
    assert described["stopDate"] == map_run["stopDate"]
    assert described["executionCounts"]["failed"] == 1
    children = await clients.call(
        "stepfunctions", "list_executions", mapRunArn=map_run["mapRunArn"]
    )
    failed = [c for c in children["executions"] if c["status"] == "FAILED"]
    assert len(failed) == 1
    history = await clients.call(
        "stepfunctions",
        "get_execution_history",
        executionArn=failed[0]["executionArn"],
    )
    ended = history["events"][-1]
    assert ended["executionFailedEventDetails"]["error"] == "UnreadableImage"


async def test_boto3_raises_what_the_operation_does(clients: Clients) -> None:
    with pytest.raises(ClientError) as caught:
        await clients.call(
            "stepfunctions", "describe_map_run", mapRunArn=f"{HEAD}:mapRun:a/b:c"
        )
    assert caught.value.response["Error"]["Code"] == "ResourceNotFound"
    assert type(caught.value).__name__ == "ResourceNotFound"
