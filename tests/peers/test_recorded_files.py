"""What others recorded, in files as AWS's tools write them: opened and explained.

They are read where they lie: none is part of the project. What all of them say is in
the golden files; here is what those can't show.
"""

import json
from io import StringIO
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from sfnwatch.analysis.finding import FactOrInference, Finding
from sfnwatch.analysis.findings import find
from sfnwatch.analysis.report import Report
from sfnwatch.analysis.report_document import explain
from sfnwatch.export.document_text import write_text
from sfnwatch.model.records import RecordKind
from sfnwatch.model.times import iso, parse_time
from sfnwatch.model.trace import Trace
from sfnwatch.recording.reader import open_files
from tests.analysis.finding_in import by_kind, reasons
from tests.builders import ARN, EXPRESS_ARN, logged, received
from tests.golden.inputs import ABSENT, FIXTURES, history, seed
from tests.model.answers import execution_of
from tests.model.laws import is_the_same_in_any_order, stands_as_it_stood
from tests.model.machines import dice_of
from tests.model.worlds import watched
from tests.recording.files import put, trace_of

Events = list[dict[str, Any]]
FILES = sorted(FIXTURES.glob("history-*/*.json"))
LOGS = sorted(FIXTURES.glob("api-localstack/logs_level_*.json"))
logs = pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
pytestmark = pytest.mark.skipif(not FIXTURES.is_dir(), reason=ABSENT)
SYNC, DENIED = 0, 1
"""Runs of the experiment, by their place in its rows."""
STATUSES = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionAborted": "ABORTED",
}


@pytest.fixture(name="events", params=FILES, ids=lambda path: path.stem)
def _events(request: pytest.FixtureRequest) -> Events:
    return events_of(request.param)


def events_of(path: Path) -> Events:
    """Give a history as AWS did; it is skipped if its ids were blanked."""
    try:
        events = history(FIXTURES, path)
    except ValueError as error:
        pytest.skip(str(error))
    events = [{**e, "timestamp": iso(parse_time(e["timestamp"]))} for e in events]
    return sorted(events, key=lambda event: int(event["id"]))


def test_it_holds_to_the_laws_of_order_and_of_moments(events: Events) -> None:
    dice = dice_of(5)
    records = watched(events, dice)
    is_the_same_in_any_order(records, dice)
    stands_as_it_stood(records, dice, 8)


@logs
def test_a_recorded_log_says_what_the_history_of_it_says(path: Path) -> None:
    recorded = json.loads(path.read_text())["recorded"]
    log = []
    for event in recorded["logged_execution_events"]:
        told_at = {"event_timestamp": event["id"], "execution_arn": ARN}
        log.append(received(RecordKind.EXPRESS, event | told_at, arn=ARN))
    events = recorded["get_execution_history"]["events"]
    timed = ({**event, "timestamp": event["id"]} for event in events)
    same = [received(RecordKind.HISTORY, each, arn=ARN) for each in timed]
    found, plain = execution_of(*log), execution_of(*same)
    assert found.status == plain.status
    kept = {event.id for event in found.events}
    assert [(v.name, v.status) for v in found.visits] == [
        (v.name, v.status) for v in plain.visits if v.id in kept
    ]


def opened(*paths: Path) -> Trace:
    """Open files as one trace, all of which can be read."""
    trace = trace_of(open_files(paths))
    assert not trace.unread
    return trace


def found(*paths: Path) -> dict[str, list[Finding]]:
    return by_kind(find(opened(*paths).as_of()))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_history_as_the_cli_writes_it_is_explained_with_a_verdict_and_a_table(
    path: Path, tmp_path: Path
) -> None:
    events = events_of(path)
    snapshot = opened(put(tmp_path / "history.json", {"events": events})).as_of()
    (explained,) = Report(snapshot).executions
    status = STATUSES.get(events[-1]["type"], "RUNNING")
    assert explained.verdict.status == status
    kinds = [event["type"] for event in events]
    entered = sum(kind.endswith("StateEntered") for kind in kinds)
    assert sum(row.visits for row in explained.states) == entered
    scheduled = sum(kind.endswith("Scheduled") for kind in kinds)
    assert sum(row.tries for row in explained.states) == scheduled
    out = StringIO()
    write_text(explain(Report(snapshot)), out, 80)
    _, verdict, *_ = lines = out.getvalue().splitlines()
    assert verdict.split()[0].rstrip(".") == status
    assert max(map(cell_len, lines)) <= 80


@logs
def test_our_own_tests_write_logs_as_recorded_ones_are(path: Path) -> None:
    told = json.loads(path.read_text())["recorded"]
    events = {str(e["id"]): e for e in told["get_execution_history"]["events"]}
    for event in told["logged_execution_events"]:
        history = events[event["id"]] | {"timestamp": iso(parse_time(int(event["id"])))}
        record = logged(received(RecordKind.HISTORY, history)).record
        kept = {name: record["details"].get(name) for name in event["details"]}
        assert kept == event["details"]
        at = str(1000 * int(event["id"]))
        event |= {"event_timestamp": at, "execution_arn": EXPRESS_ARN}
        assert {**record, "details": kept} == event
    lost = "ERROR" in path.name
    assert len(told["logged_execution_events"]) == len(events) - lost


# -- the experiment that the tool grew out of ------------------------------------------


def test_the_denials_did_not_decide_the_outcome_in_any_order_of_the_files(
    tmp_path: Path,
) -> None:
    paths = seed(DENIED, FIXTURES, tmp_path)
    texts = set()
    for ordered in (*permutations(paths), (*paths, *paths)):
        out = StringIO()
        write_text(explain(Report(opened(*ordered).as_of())), out)
        texts.add(out.getvalue())
    assert len(texts) == 1
    told = found(*paths)
    (denied,), (polling,) = told["denied-but-succeeded"], told["polling"]
    # Its rows end before the execution does.
    assert denied.text.startswith("5 of 5 polls for ecstask were denied so far, yet it")
    assert "managed rule StepFunctionsGetEventsForECSTaskRule" in denied.text
    assert (denied.data["count"], denied.data["polls"]) == (5, 5)
    assert polling.data["intervals"] == [56, 66, 55, 61]
    assert polling.certainty is FactOrInference.FACT
    assert "denied-unknown" not in told


def test_calls_past_the_end_tell_who_told_it(tmp_path: Path) -> None:
    table, history = seed(SYNC, FIXTURES, tmp_path)

    def by(*paths: Path) -> Any:
        (finding,) = found(*paths)["noticed"]
        assert finding.data["seconds"] == pytest.approx(2.06)
        return finding.data["by"]

    assert by(history) == "unknown"
    assert set(reasons(found(history))) == {"no-cloudtrail"}
    assert by(table, history) == "event"
    *rows, last = table.read_text().splitlines()
    at = last.split(",")[0]
    poll = last.replace(at, '"2023-11-15T00:33:29Z"').replace("List", "Describe")
    table.write_text("\n".join([*rows, poll, last, ""]))
    # A row that names no job may be another's poll.
    assert by(table, history) == "unknown"
