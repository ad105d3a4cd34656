"""When a watch ends, whatever AWS does not tell or tells without an end."""

from collections.abc import Mapping
from typing import Any

import pytest

from sfnwatch.model.records import RecordKind
from sfnwatch.model.source_health import HealthState
from tests.sources.conftest import Simulate
from tests.sources.loopback import AskedOf, Refusal
from tests.sources.simulation import Simulation, Watched

HISTORY, DESCRIBE, LOOKUP = "GetExecutionHistory", "DescribeExecution", "LookupEvents"
OTHERS = "ListExecutions"
LATEST = 2.0
"""Seconds after the drain by which a watch has ended."""
THROTTLED = Refusal("ThrottlingException", "Rate exceeded")


def late(simulation: Simulation, drain: float) -> float:
    """Count the seconds from the drain's end to the watch's."""
    over = simulation.clock.now() - simulation.stopped_at
    return over.total_seconds() - drain


def last(watched: Watched, lane: str) -> tuple[HealthState, str]:
    health = watched.healths(lane)[-1]
    return health.state, health.message


def leads_on(key: str) -> Any:
    """Have every answer name a next page, which is the same one again."""

    def change(_: AskedOf, given: dict[str, Any]) -> Any:
        return {**given, key: "the same token"}

    return change


# -- lists without an end ------------------------------------------------------------


async def test_a_history_whose_token_leads_nowhere_is_read_and_left(
    sync: Simulation,
) -> None:
    sync.unpaged.add(HISTORY)
    sync.changes[HISTORY] = leads_on("nextToken")
    watched = await sync.watch(drain=0)
    assert watched.status == "SUCCEEDED"
    assert watched.event_ids() == sorted(set(watched.event_ids()))
    said = "3 pages in a row brought nothing new. What comes after them is not known."
    assert any(text.endswith(said) for text in watched.messages("history"))
    assert late(sync, 0) <= LATEST + 5.0, "a poll comes up to five seconds later"


async def test_a_history_of_new_tokens_and_no_more_events_is_read_and_left(
    sync: Simulation,
) -> None:
    sync.unpaged.add(HISTORY)

    def change(asked: AskedOf, given: dict[str, Any]) -> Any:
        number = int(asked.parameters.get("nextToken", "0"))
        events = [] if number else given["events"]
        return {"events": events, "nextToken": str(number + 1)}

    sync.changes[HISTORY] = change
    sync.clock.advance(3600)
    watched = await sync.watch(drain=0)
    assert watched.status == "SUCCEEDED"
    assert len(sync.asked(HISTORY)) == 4
    state, said = last(watched, "history")
    assert (state, said.partition(": ")[2].split(".")[0]) == (
        HealthState.ENDED,
        "3 pages in a row brought nothing new",
    )


async def test_calls_whose_token_leads_nowhere_are_read_and_not_called_complete(
    sync: Simulation,
) -> None:
    sync.unpaged.add(LOOKUP)
    sync.changes[LOOKUP] = leads_on("NextToken")
    watched = await sync.watch(drain=60)
    assert late(sync, 60) <= LATEST + 10.0, "a cycle's pause is up to ten seconds"
    state, said = last(watched, "lookup")
    assert state is HealthState.ENDED
    assert "What comes after them is not known." in said
    assert watched.healths("lookup")[-1].coverage is None


async def test_calls_are_called_complete_again_once_their_lists_end(
    sync: Simulation,
) -> None:
    sync.unpaged.add(LOOKUP)

    def change(_: AskedOf, given: dict[str, Any]) -> Any:
        is_early = sync.seconds(sync.clock.now()) < 60
        return {**given, "NextToken": "the same token"} if is_early else given

    sync.changes[LOOKUP] = change
    watched = await sync.watch()
    assert last(watched, "lookup") == (HealthState.ENDED, "")
    assert watched.healths("lookup")[-1].coverage is not None


# -- an end that only DescribeExecution tells of -------------------------------------


@pytest.mark.parametrize("begun_seconds_ago", [0, 3600])
async def test_a_history_that_lacks_its_end_is_not_waited_for(
    sync: Simulation, begun_seconds_ago: int
) -> None:
    def change(_: AskedOf, given: dict[str, Any]) -> Any:
        kept = [e for e in given["events"] if not e["type"].startswith("Execution")]
        return {**given, "events": kept}

    sync.changes[HISTORY] = change
    sync.clock.advance(begun_seconds_ago)
    watched = await sync.watch(drain=0)
    assert watched.status == "SUCCEEDED"
    state, said = last(watched, "history")
    assert state is HealthState.ENDED
    assert said == "DescribeExecution tells SUCCEEDED, and its history has no end."
    begun_at = max(0.0, begun_seconds_ago - sync.seconds(sync.stopped_at))
    assert late(sync, 0) - begun_at < 120, "it is asked for once a minute"


async def test_a_silent_execution_is_asked_for_once_a_minute(
    simulate: Simulate,
) -> None:
    simulation = await simulate("failure")
    watched = await simulation.watch(drain=0)
    notes = watched.told(RecordKind.REQUEST, "note")
    seconds = simulation.seconds(simulation.stopped_at)
    assert 0 < notes.count("does it still run?") <= seconds / 60


async def test_an_outcome_that_is_not_told_in_time_is_said_not_to_be_known(
    sync: Simulation,
) -> None:
    def change(_: AskedOf, given: dict[str, Any]) -> Any:
        if given["status"] != "RUNNING":
            raise THROTTLED
        return given

    sync.changes[DESCRIBE] = change
    watched = await sync.watch(drain=0)
    assert watched.status == "SUCCEEDED"
    said = "DescribeExecution has not been answered since it ended."
    assert last(watched, "history") == (HealthState.ENDED, said)
    assert late(sync, 0) <= LATEST + 5.0


# -- who else ran --------------------------------------------------------------------

ANSWERS: Mapping[str, Any] = {
    "{}": {},
    "HTML": b"<html></html>",
    "throttled": THROTTLED,
    "expired": Refusal("ExpiredTokenException", "The token has expired"),
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("drain", [0.0, 60.0])
async def test_others_are_asked_for_no_longer_than_calls_are_awaited(
    sync: Simulation, answer: str, drain: float
) -> None:
    def change(_: AskedOf, __: dict[str, Any]) -> Any:
        if isinstance(refusal := ANSWERS[answer], Refusal):
            raise refusal
        return ANSWERS[answer]

    sync.changes[OTHERS] = change
    watched = await sync.watch(drain=drain, tries=5)
    state, said = last(watched, "others")
    assert state is HealthState.ENDED
    assert said.startswith("Whether others ran at the time is not known.")
    after = sync.clock.now() - watched.ended_at("lookup")
    assert after.total_seconds() <= LATEST


# -- throttled from the first --------------------------------------------------------


@pytest.mark.parametrize("outlasts", [False, True])
async def test_throttling_before_the_first_answer_is_outlasted_where_that_is_wanted(
    sync: Simulation, *, outlasts: bool
) -> None:
    sync.faults.throttle_next = 30
    watched = await sync.watch(drain=0, tries=5, outlasts_throttling=outlasts)
    state = HealthState.ENDED if outlasts else HealthState.REFUSED
    assert last(watched, "history")[0] is state
