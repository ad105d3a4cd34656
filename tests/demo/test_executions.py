"""Step Functions' read operations on executions and state machines."""

import json

import pytest

from sfnwatch.demo.account import Account
from tests.builders import HEAD
from tests.demo.conftest import Serve
from tests.demo.serving import Served, refusal, served
from tests.sources.clocks import ManualClock

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


async def test_a_token_is_good_for_its_own_request_alone(demo: Served) -> None:
    asked = {"executionArn": demo.arn("sync"), "maxResults": 2}
    get = demo.states.get_execution_history
    token = (await get(**asked))["nextToken"]
    refused = ("InvalidToken", "Invalid Token: 'Invalid token'")
    for other in ({"executionArn": demo.arn("async")}, {"reverseOrder": True}):
        assert await refusal(get(nextToken=token, **(asked | other))) == refused
    for made_up in ("x", "!!!", "é", "AAAA" * 20, "W10=", "MQ=="):
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


@pytest.mark.parametrize("names", [[], ["nothing"]])
def test_an_unknown_scenario_is_an_error(names: list[str], clock: ManualClock) -> None:
    with pytest.raises(ValueError, match="choose from sync, sync-denied"):
        Account(names, clock=clock)
