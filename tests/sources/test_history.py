"""Reading one execution's history, page by page and poll by poll."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from sfnwatch.demo.account import Account
from sfnwatch.demo.paging import Tokens
from sfnwatch.sources import history
from sfnwatch.trace.events import From, HealthState
from sfnwatch.trace.values import replace
from tests.sources.simulation import EPOCH, Request, Simulate, Simulation

HISTORY = "GetExecutionHistory"
Change = Callable[[Account, dict[str, Any], dict[str, Any]], dict[str, Any]]


def answered(simulation: Simulation, operation: str, change: Change) -> None:
    """Have an operation's answers changed: given account, request and answer."""
    usual = simulation.usual(operation)

    def answer(account: Account, body: bytes) -> dict[str, Any]:
        return change(account, msgspec.json.decode(body), usual(account, body))

    simulation.operation(operation, answer)


def newest_first(simulation: Simulation) -> list[Request]:
    return [r for r in simulation.asked(HISTORY) if r.parameters["reverseOrder"]]


def in_pages(simulation: Simulation, *, page: int = 1000, tail: int = 100) -> None:
    simulation.patch.setattr(history, "_PAGE", page)
    simulation.patch.setattr(history, "_TAIL", tail)


async def test_a_long_history_is_read_forward_once_page_by_page(
    simulate: Simulate,
) -> None:
    simulation = await simulate("failure")
    in_pages(simulation, page=3)
    simulation.clock.advance(3600)
    watched = await simulation.watch()
    assert watched.event_ids() == list(range(1, 12))
    forward = [r for r in simulation.asked(HISTORY) if not r.parameters["reverseOrder"]]
    assert [r.parameters["maxResults"] for r in forward] == [3, 3, 3, 3]
    assert ["nextToken" in r.parameters for r in forward] == [False, True, True, True]


async def test_a_poll_costs_one_request_of_the_newest_events(sync: Simulation) -> None:
    await sync.watch()
    polls = newest_first(sync)
    assert len(polls) > 50
    assert not any("nextToken" in poll.parameters for poll in polls)
    assert {poll.parameters["maxResults"] for poll in polls} == {100}
    assert len(sync.asked(HISTORY)) == len(polls) + 1, "one page read forward"


async def test_polls_ease_off_in_silence_and_hurry_when_events_come(
    sync: Simulation,
) -> None:
    await sync.watch()
    moments = [poll.at for poll in newest_first(sync)]
    pauses = [(b - a).total_seconds() for a, b in pairwise(moments)]
    assert min(pauses[:3]) <= 2
    assert set(pauses[20:-2]) == {5.0}


async def test_events_of_many_polls_come_in_order_and_once(simulate: Simulate) -> None:
    simulation = await simulate("failure")
    in_pages(simulation, tail=2)
    watched = await simulation.watch()
    assert watched.event_ids() == list(range(1, 12))
    assert any("nextToken" in r.parameters for r in newest_first(simulation))


async def test_a_gap_below_the_newest_events_is_closed_before_they_are_handed_over(
    sync: Simulation,
) -> None:
    in_pages(sync, tail=2)
    sync.operation(HISTORY, late_by(sync, 200))
    watched = await sync.watch()
    batches = [r.at for r in watched.records if r.source == From.HISTORY]
    assert watched.event_ids() == list(range(1, 9))
    assert batches == sorted(b for b in batches if b)


def late_by(simulation: Simulation, seconds: float) -> Any:
    """Show nothing but the first event until so many seconds have passed."""
    usual = simulation.usual(HISTORY)

    def answer(account: Account, body: bytes) -> dict[str, Any]:
        given = usual(account, body)
        if account.now() < EPOCH + timedelta(seconds=seconds):
            first = [event for event in given["events"] if event["id"] == 1]
            return {"events": first}
        return given

    return answer


@pytest.mark.parametrize("newest", [False, True])
async def test_a_page_token_too_old_begins_the_read_again(
    sync: Simulation, *, newest: bool
) -> None:
    in_pages(sync, page=2, tail=2)
    sync.clock.advance(0 if newest else 60)
    sync.operation(HISTORY, late_by(sync, 60))
    spoiled: list[str] = []

    def spoil(account: Account, asked: Any, given: dict[str, Any]) -> dict[str, Any]:
        if "nextToken" in given and asked["reverseOrder"] == newest and not spoiled:
            spoiled.append(given["nextToken"])
            account.tokens = Tokens("another account")
        return given

    answered(sync, HISTORY, spoil)
    watched = await sync.watch()
    refused = [r for r in sync.asked(HISTORY) if r.status == 400]
    assert [r.parameters["nextToken"] for r in refused] == spoiled
    assert len(spoiled) == 1
    assert watched.event_ids() == list(range(1, 9))
    assert HealthState.RETRYING not in watched.states("history")


async def test_what_is_read_again_and_again_is_no_more_than_is_refilled(
    sync: Simulation,
) -> None:
    in_pages(sync, page=1)
    sync.clock.advance(3600)
    spoiled: list[int] = []

    def spoil(account: Account, asked: Any, given: dict[str, Any]) -> dict[str, Any]:
        # The fifth page's is never good, for so long.
        last = given["events"][-1]["id"]
        if last == 5 and not asked["reverseOrder"] and len(spoiled) < 40:
            spoiled.append(last)
            account.tokens = Tokens(f"another account, {len(spoiled)}")
        return given

    answered(sync, HISTORY, spoil)
    watched = await sync.watch()
    assert watched.event_ids() == list(range(1, 9))
    asked = sync.asked(HISTORY)
    took = (asked[-1].at - asked[0].at).total_seconds()
    assert len(asked) > 200
    assert len(asked) / took < 10, "of the account's 20 a second"


async def test_after_the_last_event_it_looks_once_more_and_asks_for_the_outcome(
    sync: Simulation,
) -> None:
    await sync.watch()
    asked = [r for r in sync.requests if r.operation != "LookupEvents"]
    assert [r.operation for r in asked[-3:]] == [HISTORY, HISTORY, "DescribeExecution"]
    assert asked[-3].at == asked[-1].at


async def test_the_outcome_is_asked_for_until_it_is_consistent(
    sync: Simulation,
) -> None:
    behind = iter([True, True, False])

    def change(account: Account, _: Any, given: dict[str, Any]) -> dict[str, Any]:
        if account.now() < sync.stopped_at or not next(behind):
            return given
        return {**given, "status": "RUNNING"}

    answered(sync, "DescribeExecution", change)
    watched = await sync.watch()
    statuses = [r.data["status"] for r in watched.records if r.source == From.DESCRIBE]
    assert statuses == ["RUNNING", "RUNNING", "RUNNING", "SUCCEEDED"]


async def test_an_outcome_that_never_becomes_consistent_holds_nobody_up(
    sync: Simulation,
) -> None:
    answered(
        sync, "DescribeExecution", lambda _, __, given: {**given, "status": "RUNNING"}
    )
    watched = await sync.watch()
    assert watched.status == "SUCCEEDED", "the history has the last word"
    assert watched.states("history")[-1] is HealthState.ENDED
    assert len(sync.asked("DescribeExecution")) == 6


async def test_a_redrive_seen_in_the_last_look_goes_on_to_the_new_end(
    sync: Simulation,
) -> None:
    (run,) = sync.account.world.runs
    aborted = replace(run.events[4], event_id=6, kind="ExecutionAborted", details={})
    again = replace(aborted, event_id=7, kind="ExecutionRedriven")
    done = replace(again, event_id=8, kind="ExecutionSucceeded", at=run.ends_at)
    looks: list[bool] = []

    def change(account: Account, asked: Any, _: Any) -> dict[str, Any]:
        looks.append(asked["reverseOrder"])
        events = [*run.events[:5], aborted]
        events += [again] if len(looks) > 1 else []
        events += [done] if account.now() >= done.at else []
        wired = [event.wire() for event in events]
        return {"events": wired[::-1] if asked["reverseOrder"] else wired}

    sync.clock.advance(60)
    answered(sync, HISTORY, change)
    watched = await sync.watch()
    assert watched.status == "SUCCEEDED"
    assert watched.event_ids() == list(range(1, 9))


async def test_a_definition_that_may_not_be_read_stops_neither_lane(
    sync: Simulation,
) -> None:
    sync.account.faults.deny = {"DescribeStateMachineForExecution"}
    watched = await sync.watch()
    assert (watched.status, len(watched.calls)) == ("SUCCEEDED", 6)
    (message,) = set(watched.messages("history"))
    assert "states:DescribeStateMachineForExecution" in message


async def test_a_server_that_knows_neither_order_nor_pages_is_read_all_the_same(
    sync: Simulation,
) -> None:
    usual = sync.usual(HISTORY)

    def whole(account: Account, body: bytes) -> dict[str, Any]:
        arn = msgspec.json.decode(body)["executionArn"]
        return usual(account, msgspec.json.encode({"executionArn": arn}))

    sync.operation(HISTORY, whole)
    in_pages(sync, page=3, tail=2)
    watched = await sync.watch()
    assert watched.event_ids() == list(range(1, 9))
    assert watched.states("history")[-1] is HealthState.ENDED
