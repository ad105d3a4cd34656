"""The machine-readable trace: a contract."""

import json
from io import StringIO
from types import MappingProxyType
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.export.json import dump, finding_json, trace_json
from sfnwatch.export.json_facts import call_json, visit_json
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.findings import Certainty, Finding, findings
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import (
    ARN,
    MACHINE_ARN,
    ROLE,
    TASK_ARN,
    call,
    event,
    sync_calls,
    sync_history,
    sync_run,
)

TRACE = extend(Trace(), sync_run())
CONTRACT = {
    "trace": {
        "sfnwatch_trace",
        "executions",
        "findings",
        "calls",
        "task_states",
        "map_runs",
    },
    "execution": {
        "arn",
        "name",
        "state_machine_arn",
        "role_arn",
        "status",
        "started_at",
        "stopped_at",
        "event_count",
        "parent",
        "redrives",
        "visits",
        "findings",
    },
    "visit": {
        "id",
        "name",
        "type",
        "parent",
        "path",
        "index",
        "entered_at",
        "exited_at",
        "status",
        "attempts",
    },
    "attempt": {
        "scheduled_id",
        "resource_type",
        "resource",
        "pattern",
        "status",
        "error",
        "cause",
        "request_id",
        "resource_ids",
        "scheduled_at",
        "started_at",
        "submitted_at",
        "ended_at",
    },
    "finding": {"kind", "execution", "certainty", "text", "evidence", "data"},
    "call": {
        "event_id",
        "event_time",
        "seen_at",
        "event_source",
        "event_name",
        "error_code",
        "read_only",
        "request_id",
        "role",
        "link",
    },
    "link": {"execution", "visit", "attempt", "rule", "evidence"},
}


def printed(trace: Trace) -> str:
    out = StringIO()
    dump(trace, out)
    return out.getvalue()


def keys(*objects: dict[str, Any]) -> set[str]:
    """Give the keys that all objects have; fail if they differ."""
    assert len({frozenset(o) for o in objects}) == 1
    return set(objects[0])


def test_every_key_of_the_contract_is_there_and_no_other() -> None:
    whole = json.loads(printed(TRACE))
    execution = whole["executions"][0]
    visits = execution["visits"]
    assert {
        "trace": keys(whole),
        "execution": keys(execution),
        "visit": keys(*visits),
        "attempt": keys(*(a for v in visits for a in v["attempts"])),
        "finding": keys(*execution["findings"]),
        "call": keys(*whole["calls"]),
        "link": keys(*(c["link"] for c in whole["calls"])),
    } == CONTRACT


def test_the_seeds_run_is_told_whole() -> None:
    whole = trace_json(TRACE)
    assert whole["sfnwatch_trace"] == 1
    (execution,) = whole["executions"]
    told = execution.pop("findings")
    assert [f["kind"] for f in told] == [
        f.kind for f in findings(TRACE, TRACE.timelines[ARN])
    ]
    assert "polling" in {f["kind"] for f in told}
    assert execution == {
        "arn": ARN,
        "name": "run-7f3a",
        "state_machine_arn": MACHINE_ARN,
        "role_arn": ROLE,
        "status": "SUCCEEDED",
        "started_at": "2023-11-15T00:28:24.102Z",
        "stopped_at": "2023-11-15T00:33:33.152Z",
        "event_count": 8,
        "parent": None,
        "redrives": [],
        "visits": [
            {
                "id": 2,
                "name": "ECS RunTask",
                "type": "Task",
                "parent": None,
                "path": "Main / ECS RunTask",
                "index": None,
                "entered_at": "2023-11-15T00:28:24.132Z",
                "exited_at": "2023-11-15T00:33:33.122Z",
                "status": "succeeded",
                "attempts": [
                    {
                        "scheduled_id": 3,
                        "resource_type": "ecs",
                        "resource": "runTask.sync",
                        "pattern": "sync",
                        "status": "succeeded",
                        "error": None,
                        "cause": None,
                        "request_id": "req-run",
                        "resource_ids": [TASK_ARN],
                        "scheduled_at": "2023-11-15T00:28:24.132Z",
                        "started_at": "2023-11-15T00:28:24.402Z",
                        "submitted_at": "2023-11-15T00:28:25.302Z",
                        "ended_at": "2023-11-15T00:33:33.102Z",
                    }
                ],
            }
        ],
    }
    assert whole["calls"][0] == {
        "event_id": "run",
        "event_time": "2023-11-15T00:28:25.000Z",
        "seen_at": "2023-11-15T00:30:35.000Z",
        "event_source": "ecs.amazonaws.com",
        "event_name": "RunTask",
        "error_code": None,
        "read_only": False,
        "request_id": "req-run",
        "role": "action",
        "link": {
            "execution": ARN,
            "visit": 2,
            "attempt": 3,
            "rule": "request-id",
            "evidence": "req-run",
        },
    }
    assert [(c["event_name"], c["role"], c["link"]["rule"]) for c in whole["calls"]][
        1:
    ] == [("DescribeTasks", "poll", "resource-id")] * 5


def test_a_call_that_fits_several_attempts_names_them_all() -> None:
    calls = [call("RunTask", 1, key="run", request_id="unknown")]
    trace = extend(Trace(), [*sync_history(), *sync_history(ARN + "-2"), *calls])
    (told,) = trace_json(trace)["calls"]
    assert told["link"]["rule"] == "ambiguous"
    assert (told["link"]["visit"], told["link"]["attempt"]) == (None, None)
    assert told["link"]["candidates"] == [
        {"execution": ARN, "attempt": 3},
        {"execution": ARN + "-2", "attempt": 3},
    ]


def test_a_call_of_no_execution_has_no_link() -> None:
    stranger = call("RunTask", 1, key="run", role=f"{ROLE}-other", invoked_by=None)
    trace = extend(Trace(), [*sync_history(), stranger])
    (told,) = trace_json(trace)["calls"]
    assert (told["link"], told["role"]) == (None, "other")


def test_files_that_do_not_say_when_have_no_seen_at() -> None:
    undated = [Received(None, r.source, None, r.data) for r in sync_calls()]
    told = trace_json(extend(Trace(), undated))
    assert {c["seen_at"] for c in told["calls"]} == {None}


def test_executions_stand_in_the_order_they_started_and_then_by_name() -> None:
    def started(name: str, seconds: float) -> Received:
        return event(1, "ExecutionStarted", seconds, arn=f"{ARN}-{name}", input="{}")

    empty = Received(None, From.DESCRIBE, f"{ARN}-a", {"executionArn": f"{ARN}-a"})
    trace = extend(Trace(), [empty, started("d", 1), started("c", 1), started("e", 0)])
    told = trace_json(trace)["executions"]
    assert [e["name"][-1] for e in told] == ["e", "c", "d", "a"]
    assert told[-1]["started_at"] is None
    assert told[-1]["status"] == "UNKNOWN"


@settings(max_examples=30)
@given(st.permutations(sync_run()))
def test_equal_traces_give_equal_texts(records: list[Received]) -> None:
    assert printed(extend(Trace(), records)) == printed(TRACE)


def test_strings_are_kept_and_no_control_byte_comes_out() -> None:
    evil = "\x00\x1b[31m\x7f\x9b\u202e\u200b\ud800\u2028é</script>"
    records = [
        event(1, "ExecutionStarted", 0, input="{}", roleArn=ROLE),
        event(2, "TaskStateEntered", 0.1, name=evil),
        event(3, "TaskScheduled", 0.1, resource=evil, resourceType=evil),
        event(4, "TaskFailed", 0.2, error=evil, cause=evil),
    ]
    text = printed(extend(Trace(), records))
    assert text.isascii()
    assert text.replace("\n", "").isprintable()
    (visit,) = json.loads(text)["executions"][0]["visits"]
    (attempt,) = visit["attempts"]
    assert visit["name"] == evil
    assert {attempt["error"], attempt["cause"], attempt["resource"]} == {evil}


def test_the_parts_are_those_of_the_whole() -> None:
    whole = trace_json(TRACE)
    timeline = TRACE.timelines[ARN]
    visits = [visit_json(visit) for visit in timeline.visits]
    assert visits == whole["executions"][0]["visits"]
    assert [call_json(TRACE, c) for c in TRACE.ordered_calls] == whole["calls"]


def test_the_figures_of_a_finding_become_plain_values() -> None:
    frozen = MappingProxyType({"seconds": (1.5, 2), "inner": MappingProxyType({})})
    finding = Finding("kind", Certainty.FACT, "text", ("#5",), frozen)
    assert json.loads(json.dumps(finding_json(finding))) == {
        "kind": "kind",
        "execution": None,
        "certainty": "fact",
        "text": "text",
        "evidence": ["#5"],
        "data": {"seconds": [1.5, 2], "inner": {}},
    }


def test_nothing_is_told_of_an_empty_trace() -> None:
    assert trace_json(Trace()) == {
        "sfnwatch_trace": 1,
        "executions": [],
        "findings": [],
        "calls": [],
        "task_states": [],
        "map_runs": [],
    }
