"""OTLP/JSON: one trace an execution, calls under the try that made them."""

import json
import re
from io import StringIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.export.otlp import dump
from sfnwatch.trace.events import Received
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, ROLE, call, sync_history, sync_run
from tests.viewers.traces import TRACES

Span = dict[str, Any]
TRACE_ID = "64ba190163f21024662ae4b9d6ca588f"
"""Of the seed's run, for good."""


def printed(trace: Trace) -> str:
    out = StringIO()
    dump(trace, out)
    return out.getvalue()


def plain(attributes: list[Any]) -> dict[str, Any]:
    """Give attributes as a mapping, each value without its type's name."""
    return {one["key"]: next(iter(one["value"].values())) for one in attributes}


def spans(trace: Trace) -> list[Span]:
    return [
        {**span, "of": plain(resource["resource"]["attributes"])["service.name"]}
        for resource in json.loads(printed(trace))["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def by_name(trace: Trace) -> dict[str, Span]:
    return {span["name"]: span for span in spans(trace)}


def test_the_seeds_run_hangs_together() -> None:
    found = by_name(TRACES["sync"])
    assert list(found) == [
        "nightly-report",
        "ECS RunTask",
        "ecs:runTask.sync",
        "ecs.RunTask",
        "ecs.DescribeTasks",
    ]
    whole, state, attempt, run, poll = found.values()
    assert "parentSpanId" not in whole
    assert state["parentSpanId"] == whole["spanId"]
    assert attempt["parentSpanId"] == state["spanId"]
    assert run["parentSpanId"] == poll["parentSpanId"] == attempt["spanId"]
    assert {span["traceId"] for span in found.values()} == {whole["traceId"]}
    assert [span["of"] for span in found.values()] == [
        "nightly-report",
        "nightly-report",
        "nightly-report",
        "ecs",
        "ecs",
    ]
    assert [span["kind"] for span in found.values()] == [1, 1, 1, 3, 3]
    assert [span["status"]["code"] for span in found.values()] == [1, 1, 1, 0, 0]


def test_ids_are_lower_case_hex_and_the_same_each_time() -> None:
    for span in spans(TRACES["sync"]):
        assert re.fullmatch("[0-9a-f]{32}", span["traceId"])
        assert re.fullmatch("[0-9a-f]{16}", span["spanId"])
    # What an earlier export was called by, a later one must be, too.
    assert spans(TRACES["sync"])[0]["traceId"] == TRACE_ID
    assert spans(extend(Trace(), sync_history()))[0]["traceId"] == TRACE_ID


def test_times_are_strings_of_nanoseconds() -> None:
    whole = spans(TRACES["sync"])[0]
    assert whole["startTimeUnixNano"] == "1700008104102000000"
    assert whole["endTimeUnixNano"] == "1700008413152000000"


def test_a_call_has_the_attributes_of_the_aws_conventions() -> None:
    run = plain(by_name(TRACES["sync"])["ecs.RunTask"]["attributes"])
    assert run["rpc.system"] == "aws-api"
    assert (run["rpc.service"], run["rpc.method"]) == ("ecs", "RunTask")
    assert run["aws.request_id"] == "req-run"
    assert run["cloud.region"] == "ap-northeast-1"
    assert run["sfnwatch.link.rule"] == "request-id"
    assert run["sfnwatch.link.exact"] is True
    assert run["sfnwatch.call.time_resolution"] == "1s"
    assert run["sfnwatch.call.event_time"] == "2023-11-15T00:28:25.000Z"


def test_the_phases_of_a_try_are_its_events() -> None:
    attempt = by_name(TRACES["sync"])["ecs:runTask.sync"]
    assert [event["name"] for event in attempt["events"]] == [
        "started",
        "submitted",
        "task stopped",
        "noticed",
    ]
    (words,) = plain(attempt["events"][-1]["attributes"]).values()
    assert words.startswith("noticed by event, 1.9 s after the task stopped")


def test_errors_are_said_as_exceptions() -> None:
    denied = by_name(TRACES["denied"])["ecs.DescribeTasks"]
    assert denied["status"]["code"] == 2
    assert plain(denied["attributes"])["error.type"] == "AccessDenied"
    (event,) = denied["events"]
    assert event["name"] == "exception"
    told = plain(event["attributes"])
    assert told["exception.type"] == "AccessDenied"
    assert "is not authorized to perform" in told["exception.message"]


def test_a_failed_run_is_one_of_errors() -> None:
    found = spans(TRACES["failing"])
    assert {span["status"]["code"] for span in found} == {2}
    (event,) = [e for e in found[2]["events"] if e["name"] == "exception"]
    assert plain(event["attributes"]) == {
        "exception.type": "States.TaskFailed",
        "exception.message": "Out of memory",
    }


def test_what_runs_has_no_outcome_and_says_so() -> None:
    for span in spans(TRACES["running"])[:3]:
        assert span["status"] == {"code": 0}
        assert plain(span["attributes"])["sfnwatch.open"] is True


def test_what_fits_several_executions_is_a_trace_of_its_own_with_links() -> None:
    found = spans(TRACES["ambiguous"])
    (run,) = [span for span in found if span["name"] == "ecs.RunTask"]
    assert "parentSpanId" not in run
    assert run["traceId"] not in {s["traceId"] for s in found if s is not run}
    tries = [span for span in found if span["name"] == "ecs:runTask.sync"]
    assert [(link["traceId"], link["spanId"]) for link in run["links"]] == [
        (span["traceId"], span["spanId"]) for span in tries
    ]
    assert plain(run["attributes"])["sfnwatch.link.exact"] is False


def test_what_only_the_role_ties_hangs_at_the_execution() -> None:
    other = call("GetKey", 3, key="other", source="kms.amazonaws.com")
    found = by_name(extend(Trace(), [*sync_history(), other]))
    parent = found["nightly-report"]["spanId"]
    assert found["kms.GetKey"]["parentSpanId"] == parent


def test_an_execution_is_linked_to_the_try_that_started_it() -> None:
    child = f"{ARN}-child"
    task = {"resourceType": "states", "resource": "startExecution.sync:2"}
    output = json.dumps({"ExecutionArn": child})
    parent = [
        Received(r.at, r.source, r.execution_arn, _with(r.data, task, output))
        for r in sync_history()
    ]
    found = spans(extend(Trace(), [*parent, *sync_history(child)]))
    linked = [span for span in found if span.get("links")]
    (attempt,) = [s for s in found if s["name"].startswith("states:startExecution")]
    assert [link["spanId"] for link in linked[0]["links"]] == [attempt["spanId"]]
    assert len(linked) == 1
    assert "parentSpanId" not in linked[0]


def _with(data: Any, task: dict[str, str], output: str) -> dict[str, Any]:
    """Give an event of another integration, and its answer."""
    found = {}
    for key, value in data.items():
        found[key] = value
        if isinstance(value, dict) and "resourceType" in value:
            found[key] = {**value, **task}
            if data["type"] == "TaskSubmitted":
                found[key]["output"] = output
    return found


def test_calls_of_others_are_left_out() -> None:
    stranger = call("RunTask", 1, key="x", role=f"{ROLE}-other", invoked_by=None)
    found = by_name(extend(Trace(), [*sync_history(), stranger]))
    assert "ecs.RunTask" not in found


@pytest.mark.parametrize("name", TRACES)
def test_every_trace_gives_one_line_of_spans_whose_parents_are_there(
    name: str,
) -> None:
    text = printed(TRACES[name])
    assert text.endswith("\n")
    assert text[:-1].isprintable()
    found = spans(TRACES[name])
    known = {(span["traceId"], span["spanId"]) for span in found}
    assert len(known) == len(found)
    for span in found:
        parent = span.get("parentSpanId")
        assert parent is None or (span["traceId"], parent) in known
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])


@settings(max_examples=20, deadline=None)
@given(st.permutations(sync_run()))
def test_equal_traces_give_equal_texts(records: list[Received]) -> None:
    assert printed(extend(Trace(), records)) == printed(TRACES["sync"])
