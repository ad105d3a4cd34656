"""Whole watches of each scenario, over HTTP."""

from collections import Counter
from datetime import timedelta

import pytest

from sfnwatch import __version__
from sfnwatch.demo.scenarios import SCENARIOS
from sfnwatch.sources import drain
from sfnwatch.sources.allowed import ALLOWED
from sfnwatch.sources.drive import Patience
from sfnwatch.sources.wanted import Following
from sfnwatch.trace.events import From, HealthState
from tests.sources.simulation import Simulate, Simulation

RUN = ("RunTask", "request-id")
POLL = ("DescribeTasks", "resource-id")
EXPECTED = {
    "sync": ("SUCCEEDED", "succeeded", ["succeeded"], [RUN, *[POLL] * 5]),
    "sync-denied": ("SUCCEEDED", "succeeded", ["succeeded"], [RUN, *[POLL] * 5]),
    "async": ("SUCCEEDED", "succeeded", ["succeeded"], [RUN]),
    "sdk": ("SUCCEEDED", "succeeded", ["succeeded"], [("RunTask", "resource-id")]),
    "failure": ("FAILED", "failed", ["failed"] * 2, [RUN, POLL, RUN, POLL, POLL]),
}


@pytest.mark.parametrize("scenario", EXPECTED)
async def test_a_watch_ends_with_every_visit_attempt_call_and_link(
    scenario: str, simulate: Simulate
) -> None:
    simulation = await simulate(scenario)
    # How quick the account seems is luck; with it the latest record could be missed.
    simulation.patch.setattr(drain, "_QUIET", timedelta(hours=1))
    watched = await simulation.watch()
    status, visit_status, attempts, ties = EXPECTED[scenario]
    (timeline,) = watched.trace.timelines.values()
    (visit,) = timeline.visits
    assert watched.status == status
    assert (visit.type, visit.status) == ("Task", visit_status)
    assert [attempt.status for attempt in visit.attempts] == attempts
    assert watched.tied() == ties
    assert watched.event_ids() == sorted(timeline.events)


async def test_a_machine_of_many_states_is_watched_like_any_other(
    simulate: Simulate,
) -> None:
    simulation = await simulate("pipeline")
    simulation.patch.setattr(drain, "_QUIET", timedelta(hours=1))
    watched = await simulation.watch()
    (timeline,) = watched.trace.timelines.values()
    assert watched.status == "SUCCEEDED"
    assert watched.event_ids() == sorted(timeline.events)
    assert {visit.status for visit in timeline.visits} == {"succeeded", "caught"}
    assert sum(len(visit.attempts) for visit in timeline.visits) == 10
    ties = set(watched.tied())
    assert {RUN, POLL, ("StartExecution", "request-id")} <= ties
    assert {rule for _, rule in ties} == {"request-id", "resource-id"}


async def test_denied_polls_are_shown_with_the_error_aws_gave(
    simulate: Simulate,
) -> None:
    watched = await (await simulate("sync-denied")).watch()
    errors = Counter(call.error_code for call in watched.calls)
    assert errors == {None: 1, "AccessDenied": 5}


async def test_several_executions_are_watched_at_once(simulate: Simulate) -> None:
    simulation = await simulate("sync", "async", "sdk")
    watched = await simulation.watch()
    statuses = [timeline.status for timeline in watched.trace.timelines.values()]
    assert statuses == ["SUCCEEDED"] * 3
    calls = Counter(
        (watched.trace.links[call.event_id].execution_arn, call.event_name)
        for call in watched.calls
    )
    arns = simulation.account.executions
    assert calls == {
        (arns["sync"], "RunTask"): 1,
        (arns["sync"], "DescribeTasks"): 5,
        (arns["async"], "RunTask"): 1,
        (arns["sdk"], "RunTask"): 1,
    }


async def test_what_several_executions_need_looked_up_is_asked_for_once(
    simulate: Simulate,
) -> None:
    alone = await simulate("sync")
    await alone.watch()
    together = await simulate("sync", "async", "sdk")
    watched = await together.watch()
    asked = together.asked("LookupEvents")
    # The last of them ends no later, so three watched cost what one costs.
    assert len(asked) <= len(alone.asked("LookupEvents")) * 1.5
    assert {request.value for request in asked} == {"ecs.amazonaws.com", "LookupEvents"}
    assert watched.states("lookup")[-1] is HealthState.ENDED


async def test_one_that_is_refused_keeps_no_calls_from_one_long_over(
    simulate: Simulate,
) -> None:
    simulation = await simulate("sync")
    await simulation.watch()
    known = simulation.account.executions["sync"]
    watched = await simulation.watch(known, f"{known}zz", patience=Patience(1))
    assert len(watched.tied()) == 6
    assert "Nothing to look up" not in " ".join(watched.messages("lookup"))


@pytest.mark.parametrize("last", ["sync", "pipeline"])
async def test_of_several_long_over_the_calls_of_each_are_read(
    simulate: Simulate, last: str
) -> None:
    simulation = await simulate("sync", "pipeline")
    before = await simulation.watch()
    arns = simulation.account.executions
    first = next(name for name in arns if name != last)
    simulation.clock._now += timedelta(hours=1)
    watched = await simulation.watch(arns[first], arns[last])
    assert sorted(watched.tied()) == sorted(before.tied())


async def test_each_execution_has_a_history_that_says_how_it_does(
    simulate: Simulate,
) -> None:
    simulation = await simulate("sync", "async")
    known = simulation.account.executions["sync"]
    gone = known.replace("nightly-report:", "nightly-report:no-such-")
    watched = await simulation.watch(known, gone, patience=Patience(1))
    refused, ended = sorted(
        (h for h in watched.trace.each_health if h.lane == "history"),
        key=lambda health: health.state != HealthState.REFUSED,
    )
    assert (refused.state, ended.state) == (HealthState.REFUSED, HealthState.ENDED)
    assert "no-such-" in refused.message
    whole = watched.trace.health["history"]
    assert whole.state is HealthState.REFUSED
    assert whole.requests == refused.requests + ended.requests
    assert len(watched.calls) == 6, "the other is watched to its end"


async def test_both_lanes_say_how_they_do_from_connecting_to_the_end(
    sync: Simulation,
) -> None:
    watched = await sync.watch()
    begin, live = HealthState.CONNECTING, HealthState.LIVE
    assert watched.states("history") == [begin, live, HealthState.ENDED]
    draining = [HealthState.DRAINING, HealthState.ENDED]
    assert watched.states("lookup") == [begin, live, *draining]
    assert watched.messages("history") == watched.messages("lookup") == []


async def test_a_finished_execution_is_watched_as_well(sync: Simulation) -> None:
    sync.clock.advance(3600)
    watched = await sync.watch()
    assert (watched.status, watched.event_ids()) == ("SUCCEEDED", list(range(1, 9)))
    assert len(watched.calls) == 6
    assert len(sync.asked("GetExecutionHistory")) == 2, "one page, and one more look"


async def test_it_asks_for_nothing_but_what_it_says_it_asks_for(
    simulate: Simulate,
) -> None:
    simulation = await simulate(*SCENARIOS)
    await simulation.watch(following=Following())
    assert {r.operation for r in simulation.requests} == {name for _, name in ALLOWED}


async def test_every_request_tells_aws_which_tool_makes_it(sync: Simulation) -> None:
    await sync.watch()
    agents = {request.user_agent for request in sync.requests}
    assert all(f"sfnwatch/{__version__}" in agent.split() for agent in agents)


async def test_every_record_carries_the_moment_it_came(sync: Simulation) -> None:
    watched = await sync.watch()
    moments = [record.at for record in watched.records if record.at is not None]
    assert len(moments) == len(watched.records)
    assert moments == sorted(moments)


async def test_times_come_out_as_a_recording_holds_them(sync: Simulation) -> None:
    watched = await sync.watch()
    first = next(r for r in watched.records if r.source == From.HISTORY)
    call = next(r for r in watched.records if r.source == From.LOOKUP)
    assert first.data["timestamp"] == "2023-11-15T00:28:24.250Z"
    assert call.data["EventTime"].endswith(".000Z")


async def test_a_watch_of_many_states_ties_each_call_to_its_own(
    simulate: Simulate,
) -> None:
    simulation = await simulate("pipeline")
    simulation.patch.setattr(drain, "_QUIET", timedelta(hours=1))
    watched = await simulation.watch()
    (timeline,) = watched.trace.timelines.values()
    assert watched.status == "SUCCEEDED"
    assert len(list(timeline.visits)) == 13
    nested = [("StartExecution", "request-id"), ("DescribeExecution", "resource-id")]
    assert sorted(watched.tied()) == sorted([RUN, RUN, *[POLL] * 3, *nested])
