"""Map Runs: their children, what is told of them, and what happens if some fail."""

from tests.builders import HEAD
from tests.demo.conftest import Serve
from tests.demo.photos import photos
from tests.demo.serving import refusal

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
