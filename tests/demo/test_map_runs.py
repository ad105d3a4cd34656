"""Map Runs: their children, what is told of them, and what happens if some fail."""

import json
from collections import Counter
from typing import Any

from sfnwatch.demo.scenarios import Scenario
from tests.builders import HEAD
from tests.demo.conftest import Serve
from tests.demo.photos import photos
from tests.demo.serving import Served, refusal

FIVE = (31.0, 12.4, 55.8, 17.2, 40.6)


async def ended(serve: Serve, scenario: Scenario | str) -> tuple[Served, str]:
    """Run a scenario to its end, and return its execution's ARN."""
    demo = await serve(scenario)
    demo.clock.advance((demo.account.settled_at - demo.account.epoch).total_seconds())
    (arn,) = demo.account.executions.values()
    return demo, arn


async def output_of(demo: Served, arn: str) -> Any:
    return json.loads((await demo.describe(arn))["output"])


async def statuses(demo: Served, arn: str) -> list[str]:
    """Return how the children of an execution's Map Run ended, by their start."""
    children = await demo.children(await demo.map_run(arn))
    children.sort(key=lambda child: child["startDate"])
    return [child["status"] for child in children]


async def test_a_map_run_is_told_as_a_recorded_one_was(serve: Serve) -> None:
    demo, arn = await ended(serve, photos(*FIVE, places=2))
    events = await demo.history(arn)
    assert tail(events, 8) == [
        ("ExecutionStarted", 0),
        ("MapStateEntered", 0),
        ("MapStateStarted", 2),
        ("MapRunStarted", 3),
        ("MapRunSucceeded", 4),
        ("MapStateSucceeded", 5),
        ("MapStateExited", 5),
        ("ExecutionSucceeded", 7),
    ]
    map_run = events[3]["mapRunStartedEventDetails"]["mapRunArn"]
    assert map_run.startswith(f"{HEAD}:mapRun:resize-photos/EachPhoto:")
    assert map_run == await demo.map_run("photos")


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


async def test_children_come_in_pages_by_status_and_newest_first(serve: Serve) -> None:
    demo = await serve(photos(*[2, 3, 0, 3, 9, 4, 0] * 4, ToleratedFailureCount=9))
    for seconds in (8, 10, 100):
        demo.clock.advance(seconds)
        map_run = await demo.map_run("photos")
        children = await demo.children(map_run)
        assert await demo.children(map_run, maxResults=2) == children
        places = [each.get("stopDate", each["startDate"]) for each in children]
        assert places == sorted(places, reverse=True)
        for status in ("RUNNING", "SUCCEEDED", "FAILED", "PENDING_REDRIVE"):
            found = await demo.children(map_run, statusFilter=status)
            assert found == [each for each in children if each["status"] == status]
        described = await demo.states.describe_map_run(mapRunArn=map_run)
        counts = Counter(each["status"].lower() for each in children)
        told = described["executionCounts"]
        assert told["pending"] == told["total"] - len(children)
        assert counts == {key: told[key] for key in counts}


async def test_a_few_failures_are_tolerated_and_told_in_the_result(
    serve: Serve,
) -> None:
    demo, arn = await ended(serve, photos(4, 9, 0, 9, ToleratedFailurePercentage=25))
    ends = ["SUCCEEDED", "SUCCEEDED", "FAILED", "SUCCEEDED"]
    assert await statuses(demo, arn) == ends
    failed = (await output_of(demo, arn))[2]
    assert (failed["Status"], failed["Error"]) == ("FAILED", "UnreadableImage")
    assert json.loads(failed["Cause"])["errorMessage"].startswith("Not a photo")


def tail(history: list[dict[str, Any]], count: int) -> list[tuple[str, int]]:
    return [(event["type"], event["previousEventId"]) for event in history[-count:]]


async def test_three_of_forty_fail_and_one_is_read_at_the_second_attempt(
    serve: Serve,
) -> None:
    demo, arn = await ended(serve, "distributed")
    parent = await demo.describe(arn)
    length = (parent["stopDate"] - parent["startDate"]).total_seconds()
    assert 180 <= length <= 360
    results = json.loads(parent["output"])["resized"]
    assert Counter("Error" in each for each in results) == {False: 37, True: 3}
    failures = Counter[int]()
    for child in await demo.children(await demo.map_run("distributed")):
        failures[(await demo.kinds(child["executionArn"])).count("TaskFailed")] += 1
    assert failures == {0: 36, 1: 1, 2: 3}
