"""What executions begin is followed: nested executions, and Map Runs with theirs."""

from collections import Counter
from typing import Any

import pytest

from sfnwatch.demo.distributed import distributed
from sfnwatch.demo.wire import AwsError
from sfnwatch.sources.children import Children
from sfnwatch.sources.drive import Failure
from sfnwatch.sources.feed import Joining, Source
from sfnwatch.sources.paced import RATES
from sfnwatch.sources.subjects import Subjects
from sfnwatch.sources.wanted import Following
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.events import Batch, From, HealthState
from sfnwatch.trace.nests import nests
from tests.builders import ARN, ManualClock
from tests.sources.simulation import Simulate, Simulation, Watched
from tests.trace.families import HOSTILE, LETTING_GO, Maps, Starts, history

DEEP = Following(depth=3, children=10)


async def test_a_nested_execution_is_read_to_its_end(simulate: Simulate) -> None:
    watched = await (await simulate("pipeline")).watch(following=DEEP)
    (root,) = watched.trace.timelines.values()
    (child,) = watched.trace.children.values()
    assert (root.status, child.status) == ("SUCCEEDED", "SUCCEEDED")
    assert child.definition.tasks is not None
    assert child.defined is not None, "its branches are numbered by its definition"
    begun = watched.trace.family.parents[child.execution_arn]
    assert root.visits.by_id[begun.visit_id].name == "Ship"
    assert begun.waits


@pytest.mark.parametrize("depth", [0, 1])
async def test_nothing_is_followed_deeper_than_asked_for(
    depth: int, simulate: Simulate
) -> None:
    simulation = await simulate("distributed")
    watched = await simulation.watch(following=Following(depth=depth, children=50))
    levels = {watched.trace.family.level(arn) for arn in watched.trace.histories}
    assert levels == set(range(depth + 1)), "some of these begin executions, too"
    if depth == 0:
        assert not simulation.asked("DescribeMapRun")
        assert not watched.trace.map_runs


async def test_a_map_run_is_counted_and_listed_whole(simulate: Simulate) -> None:
    watched = await (await simulate("distributed")).watch(following=DEEP)
    (told,) = watched.trace.map_runs.values()
    assert (told.executions.total, told.executions.bad) == (40, 3)
    assert (told.executions.running, told.executions.pending) == (0, 0)
    statuses = Counter(c.listed.status for c in watched.trace.listed.values())
    assert statuses == {"FAILED": 3, "SUCCEEDED": 37}
    (run,) = [nest for nest in nests(watched.trace).values() if nest.is_map_run]
    assert 10 <= run.children <= 13, "three that failed, and ten that ran or went well"
    failed = {arn for arn, child in watched.trace.listed.items() if child.failed}
    assert failed <= watched.trace.children.keys()
    first = watched.trace.listed_of[told.arn][:3]
    assert all(child.failed for child in first), "failures come first"


async def test_calls_of_children_are_tied_to_their_states(simulate: Simulate) -> None:
    simulation = await simulate("distributed")
    watched = await simulation.watch(following=Following(depth=3, children=200))
    trace = watched.trace
    tied = {link.execution_arn for link in trace.links.values() if link.rule.exact}
    levels = {trace.family.level(arn) for arn in tied if arn}
    assert {1} <= levels, "of executions of the Map Run"
    rules = Counter(str(link.rule) for link in trace.links.values())
    assert set(rules) == {"request-id", "resource-id"}, "none is left to the role"


async def test_ten_thousand_children_are_counted_within_the_budget(
    simulate: Simulate,
) -> None:
    simulation = await simulate(distributed(10_000, failing=25, concurrency=200))
    watched = await simulation.watch(following=DEEP)
    (told,) = watched.trace.map_runs.values()
    assert (told.executions.total, told.executions.failed) == (10_000, 25)
    assert len(watched.trace.listed) == 10_000
    assert len(watched.trace.children) == 20
    assert sum(t.status == "FAILED" for t in watched.trace.children.values()) == 10
    for operation, (rate, burst) in RATES.items():
        name = operation.partition(":")[2]
        asked = simulation.asked(name)
        if asked:
            seconds = (asked[-1].at - asked[0].at).total_seconds()
            # The root itself reads its history, and is described, beside them.
            assert len(asked) <= burst + rate * seconds + seconds + 10, name


async def test_any_of_them_is_read_when_somebody_asks(simulate: Simulate) -> None:
    simulation = await simulate(distributed(60, concurrency=3))
    asked: list[str] = []

    def ask(batch: Batch) -> None:
        del batch
        assert simulation.watching is not None
        listed = simulation.watching.follow("arn:none") or asked
        if not listed and len(known()) > 1:
            asked.append(known()[-1])
            assert simulation.watching.follow(asked[0])
            assert simulation.watching.follow(asked[0]), "and asking twice is no harm"

    seen = Watched()

    def known() -> list[str]:
        return [arn for arn in seen.trace.listed if arn not in seen.trace.histories]

    def both(batch: Batch) -> None:
        seen(batch)
        ask(batch)

    watched = await simulation.watch(following=Following(3, 0), also=both)
    assert list(watched.trace.children) == asked
    assert watched.trace.children[asked[0]].status == "SUCCEEDED"


async def test_once_the_watch_is_over_nothing_more_is_read(simulate: Simulate) -> None:
    simulation = await simulate(distributed(12, concurrency=3))
    watched = await simulation.watch(following=Following(3, 2))
    watching = simulation.watching
    assert watching is not None
    unread = watched.trace.listed.keys() - watched.trace.histories.keys()
    assert len(unread) == 10
    requests = len(simulation.requests)
    assert not watching.follow(min(unread))
    assert watching.follow(min(watched.trace.children)), "that one is here"
    await simulation.clock.sleep(60)
    assert len(simulation.requests) == requests


async def test_a_map_run_that_may_not_be_described_stops_nothing(
    simulate: Simulate,
) -> None:
    simulation = await simulate("distributed")

    def denied(*_: Any) -> Any:
        code, what = "AccessDeniedException", "not authorized to perform: states"
        raise AwsError(code, what)

    simulation.operation("DescribeMapRun", denied)
    watched = await simulation.watch(following=DEEP)
    assert watched.status == "SUCCEEDED"
    assert watched.states("history")[-1] is HealthState.ENDED
    assert HealthState.DENIED in watched.states("children")
    assert watched.states("children")[-1] is HealthState.REFUSED, "nobody waits for it"
    assert any("DescribeMapRun" in words for words in watched.messages("children"))


async def test_what_did_not_wait_is_let_go_of_with_its_parent(
    simulate: Simulate,
) -> None:
    simulation = await simulate("pipeline")
    usual = simulation.usual("GetExecutionHistory")
    roots = set(simulation.account.executions.values())

    def unending(account: Any, body: bytes) -> Any:
        answer = dict(usual(account, body))
        if not any(arn.encode() in body for arn in roots):
            gone = {"ExecutionSucceeded"}
            answer["events"] = [e for e in answer["events"] if e["type"] not in gone]
        return answer

    simulation.operation("GetExecutionHistory", unending)
    watched = await simulation.watch(following=DEEP)
    (child,) = watched.trace.children.values()
    assert child.ending is None
    assert any("goes on" in words for words in watched.messages("children"))


async def test_a_page_of_a_list_that_became_stale_is_asked_for_again(
    simulate: Simulate,
) -> None:
    simulation = await simulate(distributed(2500, concurrency=500))
    usual = simulation.usual("ListExecutions")
    refused: list[int] = []

    def forgetful(account: Any, body: bytes) -> Any:
        if b"nextToken" in body and len(refused) < 2:
            refused.append(1)
            raise AwsError("InvalidToken", "Invalid Token: 'Token expired'")
        return usual(account, body)

    simulation.operation("ListExecutions", forgetful)
    watched = await simulation.watch(following=Following(1, 0))
    assert len(refused) == 2
    assert len(watched.trace.listed) == 2500


async def test_a_watch_of_what_is_long_over_reads_its_children(
    simulate: Simulate,
) -> None:
    simulation = await simulate("distributed")
    simulation.clock.advance(3600)
    watched = await simulation.watch(following=DEEP, drain=0)
    assert len(watched.trace.listed) == 40
    assert {t.status for t in watched.trace.children.values()} == {
        "SUCCEEDED",
        "FAILED",
    }


async def test_a_recording_of_it_gives_the_same_trace(simulate: Simulate) -> None:
    from sfnwatch.export.json import trace_json
    from sfnwatch.trace.timeline import Trace, extend

    watched = await (await simulate("distributed")).watch(following=DEEP)
    again = extend(Trace(), reversed(watched.records))
    assert trace_json(again) == trace_json(watched.trace)
    sources = {received.source for received in watched.records}
    assert {From.MAP_RUN, From.CHILDREN} <= sources


def refusing(
    simulation: Simulation, operation: str, code: str, *, times: int | None = None
) -> list[str]:
    """Have an operation refuse all but the roots, so many times or for ever."""
    usual = simulation.usual(operation)
    roots = [arn.encode() for arn in simulation.account.executions.values()]
    refused: list[str] = []

    def asked(account: Any, body: bytes) -> Any:
        if any(arn in body for arn in roots) or len(refused) == times:
            return usual(account, body)
        refused.append(operation)
        raise AwsError(code, "no")

    simulation.operation(operation, asked)
    return refused


@pytest.mark.parametrize("operation", ["DescribeExecution", "GetExecutionHistory"])
async def test_a_child_that_may_not_be_read_stops_nothing(
    operation: str, simulate: Simulate
) -> None:
    simulation = await simulate("pipeline")
    refused = refusing(simulation, operation, "AccessDeniedException")
    watched = await simulation.watch(following=DEEP)
    assert refused
    assert watched.status == "SUCCEEDED"
    assert watched.states("children")[-1] is HealthState.REFUSED
    assert any(operation in words for words in watched.messages("children"))
    assert HealthState.DENIED not in watched.states("history")
    assert not [t for t in watched.trace.children.values() if t.events]


async def test_throttled_children_are_read_in_the_end(simulate: Simulate) -> None:
    simulation = await simulate("distributed")
    refused = refusing(
        simulation, "GetExecutionHistory", "ThrottlingException", times=12
    )
    watched = await simulation.watch(following=DEEP)
    assert len(refused) == 12
    assert HealthState.THROTTLED in watched.states("children")
    assert HealthState.THROTTLED not in watched.states("history")
    assert {t.status for t in watched.trace.children.values()} == {
        "SUCCEEDED",
        "FAILED",
    }


async def test_children_go_on_where_they_were_after_a_new_login(
    simulate: Simulate,
) -> None:
    simulation = await simulate("distributed")
    refused = refusing(
        simulation, "GetExecutionHistory", "ExpiredTokenException", times=5
    )
    watched = await simulation.watch(following=DEEP)
    assert len(refused) == 5
    assert HealthState.EXPIRED in watched.states("children")
    statuses = Counter(t.status for t in watched.trace.children.values())
    assert statuses["FAILED"] == 3


async def test_a_child_elsewhere_is_asked_for_in_its_own_region() -> None:
    asked: list[tuple[str, str, str]] = []

    class Elsewhere:
        async def call(
            self, operation: str, subject: str, region: str, **_: Any
        ) -> Any:
            asked.append((operation, subject, region))
            raise Failure(HealthState.REFUSED, "another account's")

    home = parse_execution_arn(ARN)
    child = ARN.replace("ap-northeast-1", "eu-west-1").replace("run-", "child-")
    subjects, joining, clock = Subjects([home]), Joining(), ManualClock()
    children = Children(Elsewhere(), subjects, clock, joining, DEEP)
    joined: list[Source] = []
    joining.begin(joined.append)
    children.heed(tuple(history(ARN, Starts(child))))
    (source,) = joined
    async for _ in source.batches():
        pass
    assert asked == [("states:DescribeExecution", child, "eu-west-1")]
    assert subjects.region == "ap-northeast-1"
    assert [one.arn.arn for one in subjects.each] == [ARN, child]


async def test_what_is_no_standard_execution_is_not_asked_for() -> None:
    class Nobody:
        async def call(self, *_: Any, **__: Any) -> Any:
            raise AssertionError

    joining, joined = Joining(), list[Source]()
    joining.begin(joined.append)
    subjects = Subjects([parse_execution_arn(ARN)])
    children = Children(Nobody(), subjects, ManualClock(), joining, DEEP)
    express = ARN.replace(":execution:", ":express:") + ":id"
    for arn in (express, ARN, "no ARN", HOSTILE):
        children.heed(tuple(history(ARN, Starts(arn, LETTING_GO), Maps(("",)))))
    assert joined == []
    assert not children.follow("no ARN")
