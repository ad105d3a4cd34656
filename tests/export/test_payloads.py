"""The JSON export has every payload of a trace, or none of them."""

import json
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.export import TARGETS
from sfnwatch.export.json.trace import trace_json
from sfnwatch.export.json_lines import JsonLines
from sfnwatch.model.records import Received, RecordKind, receive
from sfnwatch.model.trace import Trace
from tests import builders as aws
from tests.cli.conftest import program
from tests.cli.programs import Program
from tests.golden.inputs import ABSENT, FIXTURES
from tests.peers.test_recorded_files import events_of

__all__ = ["program"]
SECRET = "hunter2"
HISTORIES = sorted(FIXTURES.glob("history-*/*.json"))
EVALUATION: Mapping[str, Any] = {
    "state": "B",
    "location": "Output/total",
    "error": "States.QueryEvaluationError",
    "cause": f"No {SECRET}.",
}


def evaluated() -> list[Received]:
    """Build a run: A assigns a variable, and an expression of B fails."""
    run = aws.History().start()
    run.add("PassStateEntered", name="A", input=json.dumps({"in": SECRET}))
    variables = {"total": json.dumps(SECRET)}
    run.add(
        "PassStateExited",
        name="A",
        output=json.dumps({"out": SECRET}),
        assignedVariables=variables,
    )
    run.add("PassStateEntered", name="B", input=json.dumps({"out": SECRET}))
    run.add("EvaluationFailed", **EVALUATION)
    called = aws.call("RunTask", 1, key="run", request_id="r")
    return [*run.end("Failed", error=EVALUATION["error"]).records, called]


def traced(records: list[Received]) -> Trace:
    trace = Trace()
    trace.add(records)
    return trace


def test_a_visit_has_its_payloads_and_a_failed_evaluation_its_place() -> None:
    (execution,) = trace_json(traced(evaluated()).as_of())["executions"]
    first, second = execution["visits"]
    assert first["input"] == '{"in": "hunter2"}'
    assert first["output"] == '{"out": "hunter2"}'
    assert first["assigned_variables"] == {"total": '"hunter2"'}
    assert first["location"] is None
    assert second["output"] is None
    for key in ("location", "error", "cause"):
        assert second[key] == EVALUATION[key]
    assert [event["visit"] for event in execution["events"]] == [None, 2, 2, 4, 4, None]


def test_a_call_has_its_request_and_its_answer() -> None:
    trace = traced(evaluated())
    (call,) = trace.calls.values()
    record = trace.cloudtrail_record(call)
    (facts,) = trace_json(trace.as_of())["calls"]
    assert facts["request_parameters"] == record["requestParameters"]
    assert facts["response_elements"] == record.get("responseElements")


def test_without_payloads_their_keys_are_gone_and_causes_are_empty() -> None:
    document = trace_json(traced(evaluated()).as_of(), payloads=False)
    for finding in (*document["findings"], *document["executions"][0].pop("findings")):
        finding.clear()
    assert SECRET not in json.dumps(document)
    (execution,) = document["executions"]
    assert [event["type"] for event in execution["events"]][-1] == "ExecutionFailed"
    assert execution["visits"][1]["location"] == "Output/total"


def test_a_failed_evaluation_and_a_variable_are_told_in_text_and_html() -> None:
    snapshot = traced(evaluated()).as_of()
    text = StringIO()
    TARGETS["text"].dump(snapshot, text)
    assert "evaluation failed in Output/total" in text.getvalue()
    report = StringIO()
    TARGETS["html"].dump(snapshot, report)
    assert "Variable total: set by A;" in report.getvalue()
    assert "B failed in its field Output/total" in report.getvalue()
    assert "assignedVariables" in report.getvalue()


def test_a_line_of_a_visit_has_its_variables_and_its_failed_evaluation() -> None:
    trace = Trace()
    out = StringIO()
    printed = JsonLines(trace, out)
    for record in evaluated():
        printed([record], trace.add([record]))
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    newest = {line["id"]: line for line in lines if line["kind"] == "visit"}
    assert newest[2]["assigned_variables"] == {"total": '"hunter2"'}
    assert newest[4]["location"] == "Output/total"


@pytest.mark.skipif(not FIXTURES.is_dir(), reason=ABSENT)
@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
def test_each_payload_of_each_recorded_history_stands_in_the_export(path: Path) -> None:
    events = events_of(path)
    trace = traced([receive(None, RecordKind.HISTORY, aws.ARN, e) for e in events])
    (execution,) = json.loads(json.dumps(trace_json(trace.as_of())))["executions"]
    exported = {event["id"]: event["details"] for event in execution["events"]}
    for event in events:
        for key, details in event.items():
            if key.endswith("EventDetails"):
                assert exported.pop(event["id"]) == details
    assert not any(exported.values())


def test_the_option_is_the_json_s_alone(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "history.json"
    events = [record.record for record in evaluated()[:-1]]
    file.write_text(json.dumps({"events": events}))
    refused = program("export", str(file), "--to", "csv", "--no-payloads")
    assert "--to json, and not for --to csv" in refused.said(2)
    words = ("export", str(file), "--to", "json")
    without = program(*words, "--no-payloads").json
    assert "assigned_variables" not in without["executions"][0]["visits"][0]
    assert SECRET in program(*words).out
    redacted = program(*words, "--redact")
    assert redacted.code == 0
    assert SECRET not in redacted.out
