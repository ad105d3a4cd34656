"""Logs recorded on AWS beside the histories of the same executions."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.trace.events import From, Received
from sfnwatch.trace.express import decode_express
from sfnwatch.trace.history import decode_history
from sfnwatch.trace.timeline import Timeline, Trace, extend
from sfnwatch.trace.times import iso, parse_time
from tests.express import logged
from tests.peers.fixtures import files, history, load

ARN = "arn:aws:states:eu-central-1:111111111111:express:machine:run:uuid"
BEGIN = datetime(2024, 6, 10, 13, 44, 9, 120_000, UTC)
Events = list[dict[str, Any]]


def at(number: int) -> datetime:
    return BEGIN + timedelta(milliseconds=37 * number)


def pair(path: Path) -> tuple[Events, Events]:
    """Give a history and its log, with times where those were blanked.

    The history's payloads were parsed before it was published: they are texts again.
    """
    recorded = load(path)["recorded"]
    events = recorded["get_execution_history"]["events"]
    for event in events:
        event["timestamp"] = iso(at(event["id"]))
        for value in event.values():
            for key in {"input", "output"} & set(value if type(value) is dict else ()):
                value[key] = json.dumps(value[key], separators=(",", ":"))
    log = recorded["logged_execution_events"]
    for event in log:
        stamp = round(at(int(event["id"])).timestamp() * 1000)
        event |= {"event_timestamp": str(stamp), "execution_arn": ARN}
    return events, log


def timeline_of(source: From, events: Events) -> Timeline:
    return extend(
        Trace(), [Received(None, source, ARN, event) for event in events]
    ).timelines[ARN]


@pytest.mark.parametrize("path", files("api-localstack/logs_level_*.json"))
def test_a_recorded_log_says_what_its_history_says(path: Path) -> None:
    events, log = pair(path)
    by_id = {event["id"]: decode_history(event) for event in events}
    for record in log:
        found = decode_express(record)
        plain = by_id[found.id]
        assert (found.type, found.previous_event_id, found.timestamp) == (
            plain.type,
            plain.previous_event_id,
            plain.timestamp,
        )
        assert {k: plain.details[k] for k in found.details} == found.details
    assert len(log) == len(events) - ("ERROR" in path.name)


@pytest.mark.parametrize("path", files("api-localstack/logs_level_*.json"))
def test_the_logs_of_these_tests_are_written_as_recorded_ones(path: Path) -> None:
    events, log = pair(path)
    with_data = "no_data" not in path.name
    made = {str(e["id"]): logged(e, ARN, with_data=with_data) for e in events}
    for record in log:
        for key in ("input", "output"):
            if key in record["details"]:
                text = json.dumps(record["details"][key], separators=(",", ":"))
                record["details"][key] = text
        assert made[record["id"]] == record


@pytest.mark.parametrize("path", files("api-localstack/logs_level_ALL_*.json"))
def test_a_recorded_log_of_everything_gives_the_visits_of_its_history(
    path: Path,
) -> None:
    events, log = pair(path)
    plain, found = timeline_of(From.HISTORY, events), timeline_of(From.EXPRESS, log)
    assert found.visits == plain.visits
    assert (found.status, found.role_arn) == (plain.status, plain.role_arn)


@pytest.mark.parametrize("path", files("api-localstack/logs_level_ERROR_*.json"))
def test_a_recorded_log_of_failures_has_the_state_that_failed(path: Path) -> None:
    events, log = pair(path)
    found = timeline_of(From.EXPRESS, log)
    assert found.status == timeline_of(From.HISTORY, events).status == "FAILED"
    assert [(v.name, v.status) for v in found.visits] == [("FailState", "failed")]
    assert 1 not in found.events


@pytest.mark.parametrize(
    "path", files("api-localstack/express_history_unsupported_errors.json")
)
def test_the_end_of_a_recorded_express_execution_is_its_end(path: Path) -> None:
    recorded = load(path)["recorded"]["end_event"]
    recorded |= {"event_timestamp": "1720019067995", "execution_arn": ARN}
    found = timeline_of(From.EXPRESS, [recorded])
    assert (found.status, found.running) == ("SUCCEEDED", False)
    assert str(found.stopped_at) == "2024-07-03 15:04:27.995000+00:00"


@pytest.mark.parametrize("path", files("history-*/*.json"))
def test_the_log_of_a_recorded_history_gives_the_same_visits(path: Path) -> None:
    events = history(path)
    for event in events:
        # A log's times are whole milliseconds.
        time = round(parse_time(event["timestamp"]).timestamp() * 1000)
        event["timestamp"] = iso(datetime.fromtimestamp(time / 1000, UTC))
    plain = timeline_of(From.HISTORY, events)
    found = timeline_of(From.EXPRESS, [logged(event, ARN) for event in events])
    assert found.visits == plain.visits
    assert found.status == plain.status
