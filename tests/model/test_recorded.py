"""Histories and logs that others recorded on AWS, and what they say of themselves.

They are read where they lie: none is part of the project. What a history says is read
by counting, and no chain is followed: that is good where no two Map or Parallel states
run side by side.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.records import Received, RecordKind
from sfnwatch.model.values import iso, parse_time
from tests.builders import ARN, describe, received
from tests.golden import inputs
from tests.model.answers import trace_of
from tests.model.laws import is_the_same_in_any_order, stands_as_it_stood
from tests.model.machines import dice_of
from tests.model.worlds import watched

Events = list[dict[str, Any]]
FILES = sorted(inputs.FIXTURES.glob("history-*/*.json"))
LOGS = sorted(inputs.FIXTURES.glob("api-localstack/logs_level_*.json"))
STATUSES = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionAborted": "ABORTED",
}
FAILURES = ("Failed", "TimedOut")
pytestmark = pytest.mark.skipif(not FILES, reason=inputs.ABSENT)


@pytest.fixture(name="events", params=FILES, ids=lambda path: path.stem)
def _events(request: pytest.FixtureRequest) -> Events:
    return events_of(request.param)


def events_of(path: Path) -> Events:
    """Give a history as AWS did; it is skipped if its ids were blanked."""
    try:
        events = inputs.history(inputs.FIXTURES, path)
    except ValueError as error:
        pytest.skip(str(error))
    events = [{**e, "timestamp": iso(parse_time(e["timestamp"]))} for e in events]
    return sorted(events, key=lambda event: int(event["id"]))


def told(events: Events) -> list[Received]:
    return [received(RecordKind.HISTORY, event, arn=ARN) for event in events]


def read(*records: Received) -> ExecutionAsOf:
    return trace_of(*records).as_of().executions[ARN]


def kind(event: dict[str, Any]) -> str:
    name: str = event["type"]
    return name.removesuffix("StateEntered").removesuffix("StateExited")


# -- what a history says of itself ---------------------------------------------------


def entered(events: Events) -> dict[int, tuple[str, str, int | None]]:
    """Give each visit's name, its type, and the innermost container open around it."""
    around: list[int] = []
    found: dict[int, tuple[str, str, int | None]] = {}
    for event in events:
        if event["type"].endswith("StateEntered"):
            name = event["stateEnteredEventDetails"]["name"]
            found[event["id"]] = (name, kind(event), around[-1] if around else None)
            if kind(event) in {"Map", "Parallel"}:
                around.append(event["id"])
        elif event["type"] in {"MapStateExited", "ParallelStateExited"}:
            around.pop()
    return found


def exited(events: Events) -> Counter[tuple[str, str, str]]:
    """Count the exits by name, type, and whether a failure was before each."""
    types = {event["id"]: event["type"] for event in events}
    return Counter(
        (
            event["stateExitedEventDetails"]["name"],
            kind(event),
            "caught"
            if types.get(event["previousEventId"], "").endswith(FAILURES)
            else "succeeded",
        )
        for event in events
        if event["type"].endswith("StateExited")
    )


def failed_attempts(events: Events) -> int:
    families = ("Task", "LambdaFunction", "Activity")
    return sum(
        event["type"].startswith(families)
        and event["type"].endswith(FAILURES)
        and "State" not in event["type"]
        for event in events
    )


# -- and how it is read --------------------------------------------------------------


def test_visits_and_attempts_are_those_that_the_history_counts(events: Events) -> None:
    execution = read(*told(events))
    assert {v.id: (v.name, v.type, v.parent) for v in execution.visits} == (
        entered(events)
    )
    known = {each[:2] for each in entered(events).values()}
    left = Counter(
        (v.name, v.type, v.status) for v in execution.visits if v.exited_at is not None
    )
    assert left == Counter({k: n for k, n in exited(events).items() if k[:2] in known})
    attempts = [attempt for _, attempt in execution.attempts]
    scheduled = [e["id"] for e in events if e["type"].endswith("Scheduled")]
    assert sorted(a.scheduled_id for a in attempts) == scheduled
    failed = [a for a in attempts if a.status in {"failed", "timed_out"}]
    assert len(failed) >= failed_attempts(events)
    assert len(execution.events) == len(events)


def test_holes_leave_nothing_running_and_what_is_whole_as_it_was(
    events: Events,
) -> None:
    whole, dice = read(*told(events)), dice_of(3)
    numbers = [event["id"] for event in events]
    lost = [{number} for number in numbers[:60]]
    lost += [set(dice.sample(numbers, dice.randint(1, len(numbers)))) for _ in range(9)]
    pointed = {event["id"]: event["previousEventId"] for event in events}
    for gone in lost:
        kept = [event for event in events if event["id"] not in gone]
        holed = read(*told(kept), describe(whole.status))
        if not whole.running:
            assert "running" not in {visit.status for visit in holed.visits}
        for visit in whole.visits:
            own = set(visit.event_ids)
            if visit.exited_at and not gone & (own | {pointed[each] for each in own}):
                found = holed.visit(visit.id)
                assert found is not None
                assert found.status == visit.status


def test_it_holds_to_the_laws_of_order_and_of_moments(events: Events) -> None:
    dice = dice_of(5)
    records = watched(events, dice)
    is_the_same_in_any_order(records, dice)
    stands_as_it_stood(records, dice, 8)


@pytest.mark.skipif(not LOGS, reason=inputs.ABSENT)
@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_a_recorded_log_says_what_the_history_of_it_says(path: Path) -> None:
    recorded = json.loads(path.read_text())["recorded"]
    log = []
    for event in recorded["logged_execution_events"]:
        told_at = {"event_timestamp": event["id"], "execution_arn": ARN}
        log.append(received(RecordKind.EXPRESS, event | told_at, arn=ARN))
    events = recorded["get_execution_history"]["events"]
    history = told([{**e, "timestamp": e["id"]} for e in events])
    found, plain = read(*log), read(*history)
    assert found.status == plain.status
    kept = {event.id for event in found.events}
    assert [(v.name, v.status) for v in found.visits] == [
        (v.name, v.status) for v in plain.visits if v.id in kept
    ]
