"""Reading one execution's history, page by page and poll by poll."""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest

from sfnwatch.model.records import HealthState, RecordKind
from tests.sources.clocks import EPOCH
from tests.sources.conftest import Simulate
from tests.sources.loopback import AskedOf, page_of
from tests.sources.simulation import Arrival, Simulation

HISTORY, DESCRIBE = "GetExecutionHistory", "DescribeExecution"
Event = Mapping[str, Any]


def newest_first(simulation: Simulation) -> list[Arrival]:
    return [r for r in simulation.asked(HISTORY) if r.parameters["reverseOrder"]]


def forward(simulation: Simulation) -> list[Arrival]:
    return [r for r in simulation.asked(HISTORY) if not r.parameters["reverseOrder"]]


def paged(simulation: Simulation, size: int, hidden_until: float = 0.0) -> None:
    """Have the history come in pages of a size: what is asked for is a limit only.

    Nothing but the first event is there until so many seconds have passed.
    """

    def answer(asked: AskedOf, given: dict[str, Any]) -> Any:
        hidden = simulation.seconds(simulation.clock.now()) < hidden_until
        events = [e for e in given["events"] if e["id"] == 1 or not hidden]
        return page_of(events, asked.parameters, "events", size)

    simulation.unpaged.add(HISTORY)
    simulation.changes[HISTORY] = answer


# -- reading -------------------------------------------------------------------------


async def test_a_long_history_is_read_forward_once_page_by_page(
    simulate: Simulate,
) -> None:
    simulation = await simulate("failure")
    paged(simulation, 3)
    simulation.clock.advance(3600)
    watched = await simulation.watch(drain=0)
    assert watched.event_ids() == list(range(1, 12))
    asked = forward(simulation)
    assert {r.parameters["maxResults"] for r in asked} == {1000}
    assert ["nextToken" in r.parameters for r in asked] == [False, True, True, True]
    told = watched.told(RecordKind.REQUEST, "note")
    notes = [note for note in told if note.startswith("first")]
    pages = ["", ", page 2", ", page 3", ", page 4"]
    assert notes == [f"first reading{page}" for page in pages]


async def test_a_history_longer_than_any_is_begun_again_later(sync: Simulation) -> None:
    """Pages that go on and on are an endpoint's fault: they are not followed."""
    sync.unpaged.add(HISTORY)

    def answer(asked: AskedOf, given: dict[str, Any]) -> Any:
        number = len(sync.asked(HISTORY))
        if number > 29:
            return given
        events = [{**each, "page": number} for each in given["events"]]
        return {"events": events * (900 // len(events)), "nextToken": str(number)}

    sync.changes[HISTORY] = answer
    watched = await sync.watch()
    assert watched.status == "SUCCEEDED"
    (said,) = {text for text in watched.messages("history") if text}
    assert said.endswith("more than 25,000 items, and there are never so many.")


async def test_polls_ease_off_in_silence_and_hurry_when_events_come(
    sync: Simulation,
) -> None:
    await sync.watch(drain=0)
    moments = [poll.at for poll in newest_first(sync)]
    pauses = [(b - a).total_seconds() for a, b in pairwise(moments)]
    assert min(pauses[:3]) <= 2
    assert set(pauses[20:-2]) == {5.0}


@pytest.mark.parametrize("seconds", [0, 200])
async def test_a_gap_below_the_newest_events_is_closed_before_they_are_handed_over(
    sync: Simulation, seconds: float
) -> None:
    paged(sync, 2, seconds)
    watched = await sync.watch(drain=0)
    assert watched.event_ids() == list(range(1, 9))
    if seconds:
        assert any("nextToken" in r.parameters for r in newest_first(sync))


async def test_events_come_as_aws_wrote_them_each_once(sync: Simulation) -> None:
    written: dict[int, bytes] = {}

    def spaced(asked: AskedOf, given: dict[str, Any]) -> bytes:
        events = [json.dumps(event, indent=1).encode() for event in given["events"]]
        written.update({json.loads(each)["id"]: each for each in events})
        return b'{"events": [' + b",".join(events * 2) + b"]}"

    sync.changes[HISTORY] = spaced
    watched = await sync.watch(drain=0)
    data = [received.data for received in watched.of(RecordKind.HISTORY)]
    assert data == [written[number] for number in range(1, 9)]
    assert watched.status == "SUCCEEDED"


ODD: Sequence[Any] = (
    {},
    {"id": "x", "type": "TaskScheduled", "timestamp": 1},
    {"id": 3.5, "type": "TaskScheduled", "timestamp": 1},
    {"id": 9, "timestamp": 1},
    {"id": 9, "type": 7},
)


async def test_what_is_no_event_is_kept_as_such_and_hides_no_other(
    sync: Simulation,
) -> None:
    def odd(asked: AskedOf, given: dict[str, Any]) -> Any:
        return {**given, "events": [*ODD, *given["events"], *ODD]}

    sync.changes[HISTORY] = odd
    watched = await sync.watch(drain=0)
    assert watched.event_ids() == list(range(1, 9))
    unread = [json.loads(received.data) for received in watched.of(RecordKind.UNREAD)]
    assert unread == list(ODD), "each once"
    assert len(watched.trace.unread) == len(ODD)
    assert watched.status == "SUCCEEDED"


# -- the end -------------------------------------------------------------------------


@pytest.mark.parametrize("behind", [2, 99])
async def test_the_outcome_is_asked_for_until_it_is_consistent_or_long_enough(
    sync: Simulation, behind: int
) -> None:
    told: list[str] = []

    def change(_: AskedOf, given: dict[str, Any]) -> Any:
        if given["status"] != "RUNNING" and len(told) < behind:
            told.append("RUNNING")
            return {**given, "status": "RUNNING"}
        return given

    sync.changes[DESCRIBE] = change
    watched = await sync.watch(drain=0)
    statuses = watched.told(RecordKind.DESCRIBE, "status")
    last = ["SUCCEEDED"] if behind == 2 else []
    assert statuses == ["RUNNING"] * (1 + min(behind, 5)) + last
    assert watched.status == "SUCCEEDED", "the history has the last word"
    assert watched.states("history")[-1] is HealthState.ENDED


async def test_a_redrive_seen_in_the_last_look_goes_on_to_the_new_end(
    sync: Simulation,
) -> None:
    looks: list[bool] = []

    def change(asked: AskedOf, given: dict[str, Any]) -> Any:
        looks.append(asked.parameters["reverseOrder"])
        events = sorted(given["events"], key=lambda event: event["id"])[:5]
        at = events[-1]["timestamp"]
        kinds = ["ExecutionAborted", "ExecutionRedriven", "ExecutionSucceeded"]
        shown = min(len(looks), 2) + (sync.seconds(sync.clock.now()) > 90)
        for number, kind in enumerate(kinds[:shown], 6):
            events.append({"id": number, "type": kind, "timestamp": at})
        return {"events": events[::-1] if asked.parameters["reverseOrder"] else events}

    sync.clock.advance(60)
    sync.changes[HISTORY] = change
    watched = await sync.watch(drain=0)
    assert watched.status == "SUCCEEDED"
    assert watched.event_ids() == list(range(1, 9))


# -- redrives ------------------------------------------------------------------------

FAILED, BACK = "ExecutionFailed", "ExecutionRedriven"


@pytest.fixture
async def redriven(simulate: Simulate) -> Simulation:
    return await simulate("redrive")


def described(
    simulation: Simulation, change: Callable[[float], Mapping[str, Any]]
) -> None:
    """Have DescribeExecution say more or otherwise, by the seconds since the epoch."""
    simulation.changes[DESCRIBE] = lambda _, given: {
        **given,
        **change(simulation.seconds(simulation.clock.now())),
    }


async def test_followed_it_costs_one_request_a_minute_and_goes_on_to_the_last_outcome(
    redriven: Simulation,
) -> None:
    watched = await redriven.watch(follow_redrive=True, drain=30)
    (execution,) = watched.trace.as_of().executions.values()
    assert [a.status for _, a in execution.attempts] == ["failed", "succeeded"]
    assert (execution.status, len(execution.redrives)) == ("SUCCEEDED", 1)
    states = [HealthState.CONNECTING, HealthState.LIVE, HealthState.WAITING]
    assert watched.states("history") == [*states, HealthState.LIVE, HealthState.ENDED]
    waits, goes_on = watched.messages("history")
    assert waits == (
        "It is over, and watched for a redrive once a minute; that may come until"
        " 2023-11-29 00:29 UTC."
    )
    assert goes_on == "Redriven: going on."
    failed, back = redriven.seconds_of(FAILED), redriven.seconds_of(BACK)
    between = [
        r.operation
        for r in redriven.requests
        if failed + 60 < redriven.seconds(r.at) < back
    ]
    assert set(between) == {DESCRIBE}, "and nothing is looked up"
    assert len(between) in {5, 6}
    statuses = watched.told(RecordKind.DESCRIBE, "status")
    assert statuses == ["RUNNING", "FAILED", "RUNNING", "SUCCEEDED"]
    again = [
        r.parameters["StartTime"]
        for r in redriven.asked("LookupEvents")
        if redriven.seconds(r.at) > back and r.asked.value == "ecs.amazonaws.com"
    ]
    assert min(again) < EPOCH.timestamp(), "what came before it may be there only now"
    keys = watched.told(RecordKind.LOOKUP, "EventId")
    assert len(keys) == len(set(keys)), "and what was told is not told again"
    assert watched.states("lookup")[-1] is HealthState.ENDED


@pytest.mark.parametrize("scenario", ["sync", "failure"])
async def test_what_may_not_be_redriven_is_not_followed_and_it_says_why(
    simulate: Simulate, scenario: str
) -> None:
    simulation = await simulate(scenario)
    reason = "Execution history event limit exceeded"
    no = {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}
    described(simulation, lambda _: no)
    watched = await simulation.watch(follow_redrive=True, drain=0)
    assert watched.states("history")[-1] is HealthState.ENDED
    said = [f"It can't be redriven: {reason}."] if scenario == "failure" else []
    assert watched.messages("history") == said
    assert len(simulation.asked(DESCRIBE)) == 2


async def test_it_is_followed_for_as_long_as_a_redrive_may_come(
    simulate: Simulate,
) -> None:
    simulation = await simulate("failure")
    stopped: list[float] = []

    def long_ago(_: AskedOf, given: dict[str, Any]) -> Any:
        if given["status"] == "FAILED":
            given["stopDate"] -= 14 * 86400 - 540
            stopped.append(given["stopDate"])
        return given

    simulation.changes[DESCRIBE] = long_ago
    watched = await simulation.watch(follow_redrive=True, drain=0)
    states = watched.states("history")
    assert states[-2:] == [HealthState.WAITING, HealthState.ENDED]
    last = simulation.asked(DESCRIBE)[-1].at.timestamp()
    assert 0 <= last - (stopped[0] + 14 * 86400) <= 60


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"status": "PENDING_REDRIVE"}, "A redrive waits for its turn."),
        ({"status": "RUNNING", "redriveCount": 1}, "Redriven: going on."),
    ],
)
async def test_a_redrive_that_only_the_outcome_tells_of_is_awaited(
    redriven: Simulation, told: Mapping[str, Any], said: str
) -> None:
    """The history may be behind its description."""
    failed, back = redriven.seconds_of(FAILED), redriven.seconds_of(BACK)
    described(redriven, lambda now: told if failed <= now < back else {})
    watched = await redriven.watch(drain=0)
    assert watched.status == "SUCCEEDED"
    assert said in watched.messages("history")
