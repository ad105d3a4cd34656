"""The seed's experiment, from its own four tables: files in, sentences out."""

import csv
import json
from collections import defaultdict
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.export.report_text import write_text
from sfnwatch.recording.files import open_files
from sfnwatch.trace.finding import Certainty, Finding
from sfnwatch.trace.report import Report, report
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.times import iso
from tests.builders import ACCOUNT, TASK_ARN
from tests.peers.fixtures import FOLDER, history, load, needs_fixtures

pytestmark = needs_fixtures

COLUMNS = ["eventtime", "eventsource", "eventname", "errorcode", "errormessage", "arn"]
SEED = "cloudtrail-real/seed_*.json"
SYNC_HISTORY = "history-localstack/ecs_runTask_sync_succeeded.json"
OVER = {"TaskSucceeded", "TaskStateExited", "ExecutionSucceeded"}
Rows = list[dict[str, Any]]


def cases() -> dict[str, Rows]:
    """Give the seed's rows by the first word of their case."""
    (source,) = FOLDER.glob(SEED)
    found: dict[str, Rows] = defaultdict(list)
    for row in load(source)["rows"]:
        found[row["case"]].append(row)
    sync, denied, plain, sdk = found.values()
    return {"sync": sync, "denied": denied, "plain": plain, "sdk": sdk}


def write(path: Path, rows: Rows) -> Path:
    """Write rows as Athena does."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", quoting=1)
        writer.writeheader()
        writer.writerows(rows)
    return path


def told(*paths: Path) -> Report:
    return report(extend(Trace(), open_files(list(paths)).records))


def kinds(report_: Report) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = defaultdict(list)
    for finding in report_.findings:
        found[finding.kind].append(finding)
    return found


def explain(tmp_path: Path, name: str) -> dict[str, list[Finding]]:
    return kinds(told(write(tmp_path / "rows.csv", cases()[name])))


def test_the_sync_run_polled_five_times_about_once_a_minute(tmp_path: Path) -> None:
    found = explain(tmp_path, "sync")
    (pattern,) = found["pattern"]
    assert "an optimised integration with .sync" in pattern.text
    assert (pattern.data["pattern"], pattern.certainty) == ("sync", Certainty.INFERENCE)
    (polling,) = found["polling"]
    assert polling.certainty is Certainty.FACT
    assert (polling.data["call"], polling.data["count"]) == ("DescribeTasks", 5)
    assert polling.data["intervals"] == [55, 59, 63, 55, 61]
    assert polling.data["interval_mean"] == 58.6
    assert polling.data["from"] == "RunTask"
    assert polling.data["denied"] == 0
    assert len(polling.evidence) == 5
    assert "55, 59, 63, 55 and 61 s, counted from RunTask (mean 58.6 s)" in polling.text


def test_without_permission_every_poll_was_denied_and_the_outcome_is_not_here(
    tmp_path: Path,
) -> None:
    found = explain(tmp_path, "denied")
    (polling,) = found["polling"]
    assert "5 of 5 polls were denied" in polling.text
    assert polling.data["denied"] == 5
    (denied,) = found["denied-unknown"]
    assert denied.data["count"] == 5
    assert "the outcome is not in these records" in denied.text
    assert "denied-but-succeeded" not in found


@pytest.mark.parametrize("name", ["plain", "sdk"])
def test_the_two_others_called_once_and_can_t_be_told_apart(
    tmp_path: Path, name: str
) -> None:
    found = explain(tmp_path, name)
    (pattern,) = found["pattern"]
    assert pattern.certainty is Certainty.INFERENCE
    assert "calls alone can't tell apart" in pattern.text
    assert {"request-response", "aws-sdk"} <= set(pattern.data["candidates"])
    (calls,) = found["calls"]
    assert "RunTask alone, no polling seen: " in calls.text
    assert "these records show no poll after it" in calls.text
    assert "polling" not in found


def test_all_four_in_one_table_are_four_chains(tmp_path: Path) -> None:
    rows = [row for case in cases().values() for row in case]
    found = kinds(told(write(tmp_path / "all.csv", rows)))
    assert sorted(f.data["pattern"] or "" for f in found["pattern"]) == [
        *("", ""),
        *("sync", "sync"),
    ]
    assert [f.data["intervals"] for f in found["polling"]] == [
        [55, 59, 63, 55, 61],
        [60, 56, 66, 55, 61],
    ]
    assert [f.data["denied"] for f in found["polling"]] == [0, 5]
    assert len(found["denied-unknown"]) == 1


# -- with a history beside them --------------------------------------------------


def run_beside(path: Path, rows: Rows, *, task: str = TASK_ARN) -> Path:
    """Write a recorded history as if it were that of the rows' run.

    Its shape and its payloads are recorded; times, role and task are the run's.
    """
    events = history(FOLDER / SYNC_HISTORY)
    begun = datetime.fromisoformat(rows[0]["eventtime"])
    stopped = datetime.fromisoformat(rows[-1]["eventtime"]) + timedelta(seconds=10)
    role = rows[0]["arn"].split("/")[1]
    text = json.dumps(events)
    for old in {*_tasks(text)}:
        text = text.replace(old, task)
    events = json.loads(text)
    for event in events:
        over = event["type"] in {
            "TaskSucceeded",
            "TaskStateExited",
            "ExecutionSucceeded",
        }
        at = stopped + timedelta(seconds=2) if over else begun
        event["timestamp"] = iso(at + timedelta(milliseconds=10 * event["id"]))
        details = event.get("executionStartedEventDetails")
        if details:
            details["roleArn"] = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        done = event.get("taskSucceededEventDetails")
        if done:
            output = json.loads(done["output"])
            output["StoppedAt"] = round(stopped.timestamp() * 1000)
            done["output"] = json.dumps(output)
    path.write_text(json.dumps({"events": events}), encoding="utf-8")
    return path


def _tasks(text: str) -> set[str]:
    return {
        part.split('"')[0].rstrip("\\")
        for part in text.split("arn:aws:ecs:eu-central-1:111111111111:task/")[1:]
        for part in ["arn:aws:ecs:eu-central-1:111111111111:task/" + part]
    }


def test_with_the_history_the_denials_did_not_decide_the_outcome(
    tmp_path: Path,
) -> None:
    rows = cases()["denied"]
    beside = run_beside(tmp_path / "history.json", rows)
    found = kinds(told(write(tmp_path / "rows.csv", rows), beside))
    (denied,) = found["denied-but-succeeded"]
    assert denied.text.startswith("5 polls were denied, and")
    assert "the denials did not decide the outcome" in denied.text
    assert "the managed rule StepFunctionsGetEventsForECSTaskRule" in denied.text
    assert (denied.data["count"], denied.data["polls"]) == (5, 5)
    (polling,) = found["polling"]
    assert polling.data["intervals"] == [60, 56, 66, 55, 61]
    assert "denied-unknown" not in found


def test_the_history_alone_tells_how_long_it_took_and_not_who_noticed(
    tmp_path: Path,
) -> None:
    beside = run_beside(tmp_path / "history.json", cases()["sync"])
    found = kinds(told(beside))
    (noticed,) = found["noticed"]
    assert (noticed.data["by"], noticed.certainty) == ("unknown", Certainty.FACT)
    assert noticed.data["seconds"] == pytest.approx(2, abs=0.1)
    assert "only CloudTrail can tell, and there is none of it here" in noticed.text
    assert [f.data["reason"] for f in found["unseen"]] == ["no-cloudtrail"]
    assert "polling" not in found


def test_calls_complete_past_the_end_tell_who_noticed(tmp_path: Path) -> None:
    rows = cases()["sync"]
    beside = run_beside(tmp_path / "history.json", rows)
    later = {**rows[0], "eventtime": "2023-11-15T00:45:00Z", "eventname": "ListTasks"}
    found = kinds(told(write(tmp_path / "a.csv", [*rows, later]), beside))
    (noticed,) = found["noticed"]
    assert noticed.data["by"] == "event"
    assert "the managed rule StepFunctionsGetEventsForECSTaskRule" in noticed.text
    between = {**rows[-1], "eventtime": "2023-11-15T00:33:29Z"}
    found = kinds(told(write(tmp_path / "b.csv", [*rows, between, later]), beside))
    assert found["noticed"][0].data["by"] == "poll"


def test_the_same_files_give_the_same_text(tmp_path: Path) -> None:
    rows = cases()["denied"]
    table = write(tmp_path / "rows.csv", rows)
    beside = run_beside(tmp_path / "history.json", rows)
    texts = set()
    for paths in ([table, beside], [beside, table], [beside, beside, table]):
        out = StringIO()
        write_text(told(*paths), out, 80)
        texts.add(out.getvalue())
    assert len(texts) == 1
