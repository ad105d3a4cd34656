"""A report as JSON: a contract, as the trace's own is."""

import json
from io import StringIO
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.export.report_json import write_json
from sfnwatch.trace.events import Received
from sfnwatch.trace.report import report
from tests.builders import ARN, event, sync_calls, sync_run
from tests.trace.finding import begun, trace_of

CONTRACT = {
    "": {"sfnwatch_trace", "findings", "executions", "calls"},
    "finding": {"kind", "execution", "certainty", "text", "evidence", "data"},
    "execution": {
        "arn",
        "name",
        "state_machine",
        "role_arn",
        "status",
        "started_at",
        "stopped_at",
        "event_count",
        "verdict",
        "states",
        "states_left_out",
    },
    "verdict": {"text", "seconds", "visit", "path", "error", "cause"},
    "state": {
        "path",
        "name",
        "type",
        "resource",
        "visit",
        "visits",
        "tries",
        "failed_tries",
        "seconds",
        "longest",
        "median",
        "parts",
        "statuses",
        "calls",
    },
    "state's calls": {
        "by_role",
        "by_rule",
        "denied",
        "failed",
        "poll_call",
        "poll_mean",
        "poll_min",
        "poll_max",
    },
    "calls": {
        "count",
        "first_at",
        "last_at",
        "watched",
        "measured",
        "complete_to",
        "by_rule",
        "unread",
    },
}


def text_of(*records: Received) -> str:
    out = StringIO()
    write_json(report(trace_of(*records)), out)
    return out.getvalue()


def printed(*records: Received) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(text_of(*records))
    return whole


def test_every_key_of_the_contract_is_there_and_no_other() -> None:
    whole = printed(*sync_run())
    (execution,) = whole["executions"]
    (state,) = execution["states"]
    assert {
        "": set(whole),
        "finding": set(whole["findings"][0]),
        "execution": set(execution),
        "verdict": set(execution["verdict"]),
        "state": set(state),
        "state's calls": set(state["calls"]),
        "calls": set(whole["calls"]),
    } == CONTRACT


def test_the_findings_are_one_list_and_each_names_its_execution() -> None:
    whole = printed(*sync_run())
    told = [(found["kind"], found["execution"]) for found in whole["findings"]]
    assert told == [
        ("pattern", ARN),
        ("polling", ARN),
        ("noticed", ARN),
        ("time", ARN),
        ("lag", None),
    ]
    (execution,) = whole["executions"]
    assert execution["states"][0]["parts"] == {
        "waiting": 1.19,
        "working": 305.9,
        "noticing": 1.9,
    }
    assert execution["verdict"]["seconds"] == 309.05


def test_calls_alone_and_nothing_at_all_have_the_same_keys() -> None:
    assert set(printed(*sync_calls())) == set(printed()) == CONTRACT[""]
    assert printed()["findings"] == []


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(), min_size=1, max_size=12))
def test_whatever_a_name_is_the_json_is_ascii(name: str) -> None:
    records = [
        begun(),
        event(2, "TaskStateEntered", 1, name=name),
        event(3, "TaskScheduled", 1, resourceType=name, resource=name),
        event(4, "TaskFailed", 2, error=name, cause=name),
    ]
    text = text_of(*records)
    assert text.isascii()
    assert json.loads(text)["executions"][0]["states"][0]["name"] == name


@settings(max_examples=20, deadline=None)
@given(st.permutations(sync_run()))
def test_equal_traces_give_equal_texts(records: list[Received]) -> None:
    assert text_of(*records) == text_of(*sync_run())
