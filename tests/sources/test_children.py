"""What executions start is followed: nested executions, and Map Runs with theirs."""

from collections import Counter
from typing import Any

import pytest

from sfnwatch.model.records import HealthState
from sfnwatch.model.trace import Trace
from sfnwatch.sources.children import CHILDREN_RATES
from sfnwatch.sources.targets import ChildOptions
from tests.demo.photos import photos
from tests.model.answers import answers
from tests.sources.conftest import Simulate
from tests.sources.loopback import AskedOf, Refusal
from tests.sources.simulation import Simulation, Watched

DEEP = ChildOptions(depth=3, children=10)
HISTORY = "GetExecutionHistory"


def statuses(watched: Watched) -> Counter[str]:
    """Count the executions by their ends, those that were named apart."""
    return Counter(each.status for each in watched.trace.as_of().children.values())


async def test_a_nested_execution_is_read_to_its_end(simulate: Simulate) -> None:
    simulation = await simulate("pipeline")
    watched = await simulation.watch(children=DEEP, drain=0)
    moment = watched.trace.as_of()
    (root,), (child,) = moment.roots.values(), moment.children.values()
    assert (root.status, child.status) == ("SUCCEEDED", "SUCCEEDED")
    described = simulation.asked("DescribeStateMachineForExecution")
    assert len(described) == 2, "its branches are numbered by its definition"
    parent = moment.lineage.parents[child.arn]
    visit = root.visit(parent.visit_id)
    assert visit is not None
    assert visit.name == "Ship"


async def test_a_map_run_is_counted_and_listed_whole(simulate: Simulate) -> None:
    simulation = await simulate("distributed")
    watched = await simulation.watch(children=DEEP)
    trace, moment = watched.trace, watched.trace.as_of()
    (told,) = moment.map_runs.values()
    assert (told.executions.total, told.executions.unsuccessful) == (40, 3)
    assert (told.executions.running, told.executions.pending) == (0, 0)
    listed = [answers_[-1] for answers_ in trace.children.values()]
    found = Counter(each.listed.status for each in listed)
    assert found == {"FAILED": 3, "SUCCEEDED": 37}
    read = moment.children
    of_run = [arn for arn in read if arn in trace.children]
    assert 10 <= len(of_run) <= 13, "three that failed, and ten that ran or went well"
    failed = {each.listed.arn for each in listed if each.listed.failed}
    assert failed <= read.keys()
    rules = Counter(str(link.rule) for link in trace.links.values() if link.key)
    assert set(rules) == {"request-id", "resource-id"}
    again = Trace()
    again.add(watched.records[::-1])
    assert answers(again.as_of()) == answers(moment)


async def test_thousands_of_children_are_counted_within_the_budget(
    simulate: Simulate,
) -> None:
    simulation = await simulate(
        photos(*[0.0] * 25, *[12.0] * 2975, places=200, ToleratedFailurePercentage=1)
    )
    watched = await simulation.watch(children=ChildOptions(3, 4), drain=0)
    (told,) = watched.trace.as_of().map_runs.values()
    assert (told.executions.total, told.executions.failed) == (3_000, 25)
    assert len(watched.trace.children) == 3_000
    assert statuses(watched)["FAILED"] == 4
    for operation, (rate, burst) in CHILDREN_RATES.items():
        asked = simulation.asked(operation.partition(":")[2])
        if asked:
            seconds = (asked[-1].at - asked[0].at).total_seconds()
            # The root itself reads its history, and is described, beside them.
            assert len(asked) <= burst + rate * seconds + seconds + 10, operation


async def test_any_of_them_is_read_when_somebody_asks_while_it_is_watched(
    simulate: Simulate,
) -> None:
    simulation = await simulate(photos(*[12.0] * 30))
    asked: list[str] = []
    seen = Watched()

    def ask(batch: Any) -> None:
        seen(batch)
        live = simulation.watching
        assert live is not None
        assert not live.follow("arn:none")
        known = [a for a in seen.trace.children if a not in seen.trace.executions]
        if not asked and len(known) > 1:
            asked.append(known[-1])
            assert live.follow(asked[0])
            assert live.follow(asked[0]), "and asking twice is no harm"

    options = ChildOptions(3, 0)
    watched = await simulation.watch(children=options, also=ask, drain=0)
    (child,) = watched.trace.as_of().children.values()
    assert ([child.arn], child.status) == (asked, "SUCCEEDED")
    unread = watched.trace.children.keys() - watched.trace.executions.keys()
    requests = len(simulation.requests)
    assert simulation.watching is not None
    assert not simulation.watching.follow(min(unread)), "the watch is over"
    assert simulation.watching.follow(asked[0]), "that one is here"
    assert len(simulation.requests) == requests


def refusing(
    simulation: Simulation, operation: str, code: str, times: int = 10**6
) -> list[str]:
    """Have an operation refuse all but what was named, so many times."""
    roots, refused = set(simulation.account.executions.values()), list[str]()

    def change(asked: AskedOf, given: dict[str, Any]) -> Any:
        named = asked.parameters.get("executionArn")
        if named not in roots and len(refused) < times:
            refused.append(str(named))
            raise Refusal(code)
        return given

    simulation.changes[operation] = change
    return refused


@pytest.mark.parametrize(
    ("scenario", "operation"),
    [
        ("pipeline", "DescribeExecution"),
        ("pipeline", HISTORY),
        ("distributed", "DescribeMapRun"),
    ],
)
async def test_what_may_not_be_read_stops_nothing(
    scenario: str, operation: str, simulate: Simulate
) -> None:
    simulation = await simulate(scenario)
    assert not refusing(simulation, operation, "AccessDeniedException")
    watched = await simulation.watch(children=DEEP, drain=0)
    (root,) = watched.trace.as_of().roots.values()
    assert root.status == "SUCCEEDED"
    assert HealthState.DENIED not in watched.states("history")
    assert watched.states("children")[-1] is HealthState.REFUSED, "nobody waits for it"
    assert any(operation in words for words in watched.messages("children"))


async def test_what_did_not_wait_is_let_go_of_with_its_parent(
    simulate: Simulate,
) -> None:
    simulation = await simulate("pipeline")
    roots = set(simulation.account.executions.values())

    def unending(asked: AskedOf, given: dict[str, Any]) -> Any:
        if asked.parameters["executionArn"] not in roots:
            kept = [e for e in given["events"] if e["type"] != "ExecutionSucceeded"]
            given["events"] = kept
        return given

    simulation.changes[HISTORY] = unending
    watched = await simulation.watch(children=DEEP, drain=0)
    assert any("It goes on" in words for words in watched.messages("children"))
    assert watched.states("children")[-1] is HealthState.ENDED
