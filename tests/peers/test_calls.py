"""CloudTrail records from public sources, and the seed's rows."""

import csv
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.recording.files import open_files
from sfnwatch.trace.calls import ApiCall, decode_call
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.times import iso
from tests.builders import ARN, START, TASK_ID, describe, sync_history
from tests.peers.fixtures import FOLDER, files, load, needs_fixtures, records

COLUMNS = ["eventtime", "eventsource", "eventname", "errorcode", "errormessage", "arn"]
SEED = "cloudtrail-real/seed_*.json"
RECORDS = [
    *files("cloudtrail-docs/[!l]*.json"),
    *files("cloudtrail-real/[!s]*.json"),
    *files("cloudtrail-real/st*.json"),
]
_NEEDED = ("eventID", "eventSource", "eventName", "awsRegion")


def _expected(record: dict[str, Any]) -> dict[str, Any]:
    identity = record.get("userIdentity", {})
    issuer = identity.get("sessionContext", {}).get("sessionIssuer", {})
    return {
        "event_id": record["eventID"],
        "event_time": datetime.fromisoformat(record["eventTime"]),
        "event_source": record["eventSource"],
        "event_name": record["eventName"],
        "error_code": record.get("errorCode"),
        "error_message": record.get("errorMessage"),
        "read_only": record.get("readOnly"),
        "request_id": record.get("requestID"),
        "role_arn": issuer.get("arn") or identity.get("arn"),
        "by_step_functions": "states.amazonaws.com"
        in (
            identity.get("invokedBy"),
            record.get("sourceIPAddress"),
            record.get("userAgent"),
        ),
        "user_agent": record.get("userAgent"),
        "region": record["awsRegion"],
    }


def _fields(call: ApiCall) -> dict[str, Any]:
    names = _expected({**dict.fromkeys(_NEEDED, ""), "eventTime": iso(START)})
    return {name: getattr(call, name) for name in names}


@pytest.mark.parametrize("path", RECORDS)
def test_every_record_decodes_to_what_it_says(path: Path) -> None:
    found = list(records(path))
    assert found
    for record in found:
        call = decode_call(Received(None, From.TRAIL, None, record))
        assert _fields(call) == _expected(record)
        assert call.raw == record


@pytest.mark.parametrize("path", files("cloudtrail-docs/lookup_*.json"))
def test_the_answer_of_lookup_events_opens(path: Path, tmp_path: Path) -> None:
    answer = load(path)["response"]
    copy = tmp_path / "lookup.json"
    copy.write_text(json.dumps(answer))
    calls = extend(Trace(), open_files([copy]).records).calls
    assert set(calls) == {event["EventId"] for event in answer["Events"]}
    for event in answer["Events"]:
        inner = json.loads(event["CloudTrailEvent"])
        # The example's envelope has another time than its record: the record counts.
        assert _fields(calls[event["EventId"]]) == _expected(inner)


@pytest.mark.parametrize("path", RECORDS)
def test_a_file_of_a_trail_opens(path: Path, tmp_path: Path) -> None:
    found = list(records(path))
    copy = tmp_path / "trail.json"
    copy.write_text(json.dumps({"Records": found}))
    assert [r.data for r in open_files([copy]).records] == found


@pytest.fixture(name="seed")
def _seed(tmp_path: Path) -> tuple[Path, list[dict[str, Any]]]:
    """The seed's rows as Athena would have written them."""
    (source,) = FOLDER.glob(SEED)
    rows = load(source)["rows"]
    path = tmp_path / "athena.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", quoting=1)
        writer.writeheader()
        writer.writerows(rows)
    return path, rows


@needs_fixtures
def test_the_seeds_rows_open_alone(seed: tuple[Path, list[dict[str, Any]]]) -> None:
    path, rows = seed
    recording = open_files([path])
    assert recording.executions == ()
    calls = extend(Trace(), recording.records).ordered_calls
    told = sorted((iso(c.event_time), c.event_name, c.error_code or "") for c in calls)
    assert told == sorted(
        (
            iso(datetime.fromisoformat(row["eventtime"])),
            row["eventname"],
            row["errorcode"] or "",
        )
        for row in rows
    )
    assert {c.error_message for c in calls} == {row["errormessage"] for row in rows}
    assert len({c.role for c in calls}) == 3


@needs_fixtures
def test_the_seeds_rows_are_tied_to_a_history_opened_with_them(
    seed: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    path, rows = seed
    role = rows[0]["arn"].split("/")[1]
    role_arn = f"arn:aws:iam::123456789012:role/{role}"
    # The rows of the run with denied polls name the task that our history has too.
    text = json.dumps([dict(r.data) for r in sync_history()]).replace(TASK_ID, "7e57")
    events = json.loads(text)
    events[0]["executionStartedEventDetails"] = {"input": "{}", "roleArn": role_arn}
    history, description = tmp_path / "history.json", tmp_path / "describe.json"
    history.write_text(json.dumps({"events": events}))
    description.write_text(json.dumps(describe().data))
    recording = open_files([history, path, description])
    trace = extend(Trace(), recording.records)
    assert recording.executions == (ARN,)
    tied = [
        (call.event_name, str(trace.links[call.event_id].rule))
        for call in trace.ordered_calls
        if call.event_id in trace.links
        and trace.links[call.event_id].attempt_id is not None
    ]
    assert tied == [
        ("RunTask", "unique-candidate"),
        *[("DescribeTasks", "unique-candidate")] * 5,
    ]
