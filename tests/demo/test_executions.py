"""Step Functions' read operations on executions, state machines and Map Runs."""

import json

import pytest

from sfnwatch.demo.account import Account
from tests.builders import HEAD
from tests.demo.conftest import Serve, Served, refusal, served
from tests.demo.photos import photos

NOWHERE = f"{HEAD}:execution:nightly-report:none"
EXPRESS = f"{HEAD}:express:web:run:0000"


async def test_only_an_ended_execution_has_a_stop_and_an_output(demo: Served) -> None:
    described = await demo.describe("sync")
    told = [described[key] for key in ("status", "redriveStatus", "startDate")]
    started_at = demo.account.watched[0].started_at
    assert told == ["RUNNING", "NOT_REDRIVABLE", started_at], "to the millisecond"
    assert not {"stopDate", "output", "outputDetails", "error"} & described.keys()
    demo.clock.advance(400)
    described = await demo.describe("sync")
    reason = "Execution is SUCCEEDED and cannot be redriven"
    assert described["redriveStatusReason"] == reason
    assert described["outputDetails"] == {"included": True}
    assert json.loads(described["output"])["LastStatus"] == "STOPPED"
    assert described["stopDate"] > described["startDate"]
    failed = await demo.describe("failure")
    told = [failed[key] for key in ("status", "error", "redriveStatus")]
    assert told == ["FAILED", "States.TaskFailed", "REDRIVABLE"]
    assert "output" not in failed


async def test_a_redriven_execution_runs_again_under_its_own_arn(demo: Served) -> None:
    told = []
    for seconds in (90.0, 370.0, 200.0):
        demo.clock.advance(seconds)
        described = await demo.describe("redrive")
        keys = ("status", "redriveCount", "redriveStatus")
        dates = ("stopDate" in described, "redriveDate" in described)
        told.append((*(described[key] for key in keys), *dates))
    assert told == [
        ("FAILED", 0, "REDRIVABLE", True, False),
        ("RUNNING", 1, "NOT_REDRIVABLE", False, True),
        ("SUCCEEDED", 1, "NOT_REDRIVABLE", True, True),
    ]


async def test_a_history_comes_in_pages_from_either_end_while_it_grows(
    demo: Served,
) -> None:
    asked = {"executionArn": demo.arn("sync"), "maxResults": 2}
    get = demo.states.get_execution_history
    down, up = await get(reverseOrder=True, **asked), await get(**asked)
    demo.clock.advance(400)
    again = await get(reverseOrder=True, nextToken=down["nextToken"], **asked)
    further = await get(nextToken=up["nextToken"], **asked)
    read = [[e["id"] for e in page["events"]] for page in (down, again, further)]
    assert read == [[5, 4], [3, 2], [3, 4]]
    for size in (1, 3, 8):
        events = await demo.history("sync", maxResults=size)
        assert [event["id"] for event in events] == list(range(1, 9))
        reverse = await demo.history("sync", maxResults=size, reverseOrder=True)
        assert reverse == events[::-1]


async def test_a_token_is_good_for_another_server_too(demo: Served) -> None:
    asked = {"executionArn": demo.arn("sync"), "maxResults": 2}
    get = demo.states.get_execution_history
    token = (await get(**asked))["nextToken"]
    refused = ("InvalidToken", "Invalid Token: 'Invalid token'")
    for made_up in ("x", "é", "AAAA" * 20):
        assert await refusal(get(nextToken=made_up, **asked)) == refused
    demo.clock.advance(86_300)
    names, epoch = tuple(demo.account.executions), demo.account.epoch
    again = Account(names, clock=demo.clock, epoch=epoch, seed=7)
    async with served(again, demo.clock) as other_server:
        page = await other_server.states.get_execution_history(nextToken=token, **asked)
    assert [event["id"] for event in page["events"]] == [3, 4], "of another server"


@pytest.mark.parametrize(
    "method",
    ["describe_execution", "describe_state_machine_for_execution", "list_map_runs"],
)
async def test_a_wrong_execution_arn_is_refused(demo: Served, method: str) -> None:
    ask = getattr(demo.states, method)
    for asked in ("nonsense", EXPRESS, "arn:aws:s3:::bucket", "", None):
        named = {} if asked is None else {"executionArn": asked}
        assert (await refusal(ask(**named)))[0] == "InvalidArn"
    expected = ("ExecutionDoesNotExist", f"Execution Does Not Exist: '{NOWHERE}'")
    assert await refusal(ask(executionArn=NOWHERE)) == expected


async def test_what_runs_is_listed_at_its_start_and_the_rest_at_its_end(
    serve: Serve,
) -> None:
    demo = await serve("failure")
    for seconds in (-90_000, 100, 3000, 86_900, 100, 200):
        demo.clock.advance(seconds)
        listed = await demo.executions("import-orders")
        places = [each.get("stopDate", each["startDate"]) for each in listed]
        assert places == sorted(places, reverse=True)
        for each in listed:
            assert ("stopDate" in each) == (each["status"] != "RUNNING")
            assert each["startDate"] <= demo.clock.now()


async def test_executions_come_in_pages_and_by_status(demo: Served) -> None:
    listed = await demo.executions("import-orders")
    assert listed[0]["executionArn"] == demo.arn("failure")
    assert await demo.executions("import-orders", maxResults=1) == listed
    for status, count in {"RUNNING": 1, "FAILED": 2, "SUCCEEDED": 0}.items():
        found = await demo.executions("import-orders", statusFilter=status)
        assert [each["status"] for each in found] == [status] * count
    oldest = await demo.kinds(listed[-1]["executionArn"])
    assert oldest[-1] == "ExecutionFailed", "it can be read to its end"


# -- Map Runs: their children, and what is told of them --------------------------------

FIVE = (31.0, 12.4, 55.8, 17.2, 40.6)


async def test_a_map_run_is_listed_and_described_while_it_runs_and_after(
    serve: Serve,
) -> None:
    demo = await serve(photos(9, 9, 0, 9, ToleratedFailurePercentage=30))
    asked = {"executionArn": demo.arn("photos")}
    assert (await demo.raw("ListMapRuns", **asked)) == {"mapRuns": []}
    demo.clock.advance(3)
    first = await demo.raw("DescribeMapRun", mapRunArn=await demo.map_run("photos"))
    assert (first["status"], first["maxConcurrency"]) == ("RUNNING", 3)
    assert first["executionCounts"]["running"] == 3
    assert "stopDate" not in first
    demo.clock.advance(100)
    last = await demo.raw("DescribeMapRun", mapRunArn=first["mapRunArn"])
    assert (last["status"], last["toleratedFailurePercentage"]) == ("SUCCEEDED", 30.0)
    counts = {key: count for key, count in last["itemCounts"].items() if count}
    assert counts == {"succeeded": 3, "failed": 1, "total": 4, "resultsWritten": 3}
    (listed,) = (await demo.raw("ListMapRuns", **asked))["mapRuns"]
    machine = f"{HEAD}:stateMachine:resize-photos/EachPhoto"
    assert listed.pop("stateMachineArn") == machine
    assert listed.items() <= last.items()
    assert "stopDate" in listed
    demo.clock.advance(-110)
    early = demo.states.describe_map_run(mapRunArn=first["mapRunArn"])
    assert (await refusal(early))[0] == "ResourceNotFound"


async def test_children_are_executions_of_their_own_and_listed_as_they_start(
    serve: Serve,
) -> None:
    demo = await serve(photos(*FIVE, places=2))
    demo.clock.advance(5)
    map_run = await demo.map_run("photos")
    assert len(await demo.children(map_run)) == 2, "so many at once"
    demo.clock.advance(200)
    children = await demo.children(map_run)
    told = [(each["mapRunArn"], each["itemCount"]) for each in children]
    assert told == [(map_run, 1)] * 5
    arn = children[0]["executionArn"]
    assert arn.startswith(f"{HEAD}:execution:resize-photos/EachPhoto:")
    child, parent = await demo.describe(arn), await demo.describe("photos")
    assert parent["startDate"] < child["startDate"]
    assert child["stopDate"] < parent["stopDate"]
    assert (await demo.kinds(arn))[-1] == "ExecutionSucceeded"
    listed = await demo.executions("resize-photos")
    assert len(listed) == 1, "children are not the machine's own"
