"""Histories and logs that others recorded on AWS, and what they say of themselves.

They are read where they lie: none is part of the project. What is read out of them as
they are is in the golden files.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.model.moment import ExecutionAsOf
from sfnwatch.model.records import Received, RecordKind
from sfnwatch.model.values import iso, parse_time
from tests.builders import ARN, received
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
