"""Logs recorded on AWS beside the histories of the same executions."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.model.records import RecordKind
from sfnwatch.model.values import iso
from tests.builders import EXPRESS_ARN, START, logged, received
from tests.model.answers import execution_of
from tests.peers.fixtures import files, recorded

LOGS = files("api-localstack/logs_level_*.json")
PAYLOADS = {"input", "output", "inputDetails", "outputDetails"}
Events = list[dict[str, Any]]


def pair(path: Path) -> tuple[Events, Events]:
    """Give a history and its log, with times where those were blanked.

    Their payloads were parsed before they were published: they are texts again.
    """
    told = recorded(path)
    events = told["get_execution_history"]["events"]
    for event in events:
        event["timestamp"] = iso(time_of(event))
        for details in event.values():
            as_texts(details)
    log = told["logged_execution_events"]
    for event in log:
        stamp = round(time_of(event).timestamp() * 1000)
        event |= {"event_timestamp": str(stamp), "execution_arn": EXPRESS_ARN}
        as_texts(event["details"])
    return events, log


def time_of(event: dict[str, Any]) -> datetime:
    begin = START.replace(microsecond=0)
    return begin + timedelta(milliseconds=37 * int(event["id"]))


def as_texts(details: Any) -> None:
    for key in {"input", "output"} & set(details if isinstance(details, dict) else ()):
        details[key] = json.dumps(details[key], separators=(",", ":"))


@pytest.mark.parametrize("path", LOGS)
def test_our_own_tests_write_logs_as_recorded_ones_are(path: Path) -> None:
    events, log = pair(path)
    kept = {str(each["id"]): each for each in events}
    for event in log:
        made = dict(logged(received(RecordKind.HISTORY, kept[event["id"]])).record)
        if "no_data" in path.name:
            made["details"] = {
                k: v for k, v in made["details"].items() if k not in PAYLOADS
            }
        assert made == event
    assert len(log) == len(events) - ("ERROR" in path.name)


@pytest.mark.parametrize("path", files("api-localstack/logs_level_ERROR_*.json"))
def test_a_log_of_failures_has_the_state_that_failed(path: Path) -> None:
    events, log = pair(path)
    told = [received(RecordKind.EXPRESS, each, arn=EXPRESS_ARN) for each in log]
    history = [received(RecordKind.HISTORY, e, arn=EXPRESS_ARN) for e in events]
    found = execution_of(*told, arn=EXPRESS_ARN)
    whole = execution_of(*history, arn=EXPRESS_ARN)
    assert found.status == whole.status == "FAILED"
    assert [(v.name, v.status) for v in found.visits] == [("FailState", "failed")]
    assert found.event(1) is None


@pytest.mark.parametrize(
    "path", files("api-localstack/express_history_unsupported_errors.json")
)
def test_the_end_of_an_express_execution_is_its_end(path: Path) -> None:
    event = recorded(path)["end_event"]
    event |= {"event_timestamp": "1720019067995", "execution_arn": EXPRESS_ARN}
    told = received(RecordKind.EXPRESS, event, arn=EXPRESS_ARN)
    found = execution_of(told, arn=EXPRESS_ARN)
    assert (found.status, found.running) == ("SUCCEEDED", False)
