from datetime import timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.console import console_url
from sfnwatch.trace.events import Received
from sfnwatch.trace.lanes import Row, build_lanes
from sfnwatch.trace.requests import decode_request
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.tui.facts import facts, heading, request_facts, request_heading
from tests.builders import ARN, TASK_ARN, event, sync_run
from tests.trace.test_requests import LOOKUP, request
from tests.tui.conftest import harmless
from tests.tui.runs import HOSTILE, branching_run


def row_and_trace(records: list[Received], words: str) -> tuple[Row, Trace]:
    trace = extend(Trace(), records)
    rows = build_lanes(trace).rows
    return next(row for row in rows if words in heading(row)), trace


def told(records: list[Received], words: str) -> dict[str, str]:
    row, trace = row_and_trace(records, words)
    return {fact.label: fact.words for fact in facts(row, trace)}


def test_a_denied_poll_is_explained_with_its_evidence() -> None:
    said = told(sync_run(denied=True), "DescribeTasks #2")
    assert said["error"] == "AccessDenied"
    assert "is not authorized to perform: ecs:DescribeTasks" in said["message"]
    assert said["tied"] == (f"exactly: it names the attempt's own task ARN, {TASK_ARN}")
    assert said["request id"] == "request-poll-1"
    assert said["runs"] == "ecs:runTask.sync  sync"
    assert said["by"] == "StepFunctions-sync-role through states.amazonaws.com"


def test_a_call_says_how_late_it_appeared() -> None:
    said = told(sync_run(), "RunTask  task")
    assert said["when"] == "2023-11-15T00:28:25Z, appeared 2m 10s after it happened"


def test_a_state_tells_its_path_its_length_and_what_it_runs() -> None:
    said = told(sync_run(), "exited")
    assert said["state"] == "Main / ECS RunTask  Task"
    assert said["status"] == "✔ succeeded after 5m 09s"


def test_nothing_is_told_twice_of_a_state_with_one_try() -> None:
    for words in ("submitted", "succeeded  noticed", "exited"):
        row, trace = row_and_trace(sync_run(), words)
        labels = [fact.label for fact in facts(row, trace)]
        assert len(labels) == len(set(labels))
        assert "attempt" not in labels


def test_each_of_several_tries_tells_how_it_went() -> None:
    said = told(branching_run(), "failed  States.TaskFailed")
    assert said["attempt"].startswith("failed after")


def test_a_request_of_ours_is_told_in_full() -> None:
    record = request(
        2, LOOKUP, "ThrottlingException", items=None, note="calls to ecs, try 2"
    )
    read = decode_request(record)
    assert request_heading(read) == "cloudtrail LookupEvents"
    said = {fact.label: fact.words for fact in request_facts(read)}
    assert said == {
        "sent": "2023-11-15T00:28:26.102Z",
        "outcome": "▲ throttled after 0.12 s, HTTP 400",
        "for": "calls to ecs, try 2",
        "execution": ARN,
        "Region": "ap-northeast-1",
        "request id": "request-2",
    }
    east = timezone(timedelta(hours=9))
    assert request_facts(read, east)[0].words == "2023-11-15T09:28:26.102+09:00"
    answered = decode_request(request(0, items=0))
    assert ("items", "0") in {(f.label, f.words) for f in request_facts(answered)}


@given(st.sampled_from([HOSTILE, "", "x" * 5000]) | st.text(max_size=40))
def test_no_request_is_told_in_hostile_words(text: str) -> None:
    more: Any = dict.fromkeys(("region", "request_id", "note"), text)
    read = decode_request(request(0, (text, text or "x"), text, **more))
    assert harmless(request_heading(read))
    assert all(harmless(fact.words) for fact in request_facts(read))


def test_a_phase_names_the_call_it_made_and_why_that_is_believed() -> None:
    said = told(sync_run(), "submitted")
    assert said["runs"] == "ecs:runTask.sync  sync"
    assert said["request id"] == "req-run"
    assert said["task ARN"] == TASK_ARN
    assert said["made"].startswith("RunTask, exactly: its request id req-run stands")


def test_the_end_tells_who_noticed_it() -> None:
    facts = told(sync_run(), "succeeded  noticed")
    said = facts["noticed"]
    assert facts["stopped"] == "2023-11-15T00:33:31.202Z"
    assert said.startswith("by event, 1.9 s")
    assert "(no poll in between)" in said


def test_a_guess_and_a_stranger_are_said_to_be_such() -> None:
    records = branching_run()
    assert told(records, "~ role")["tied"].startswith("a guess: role StepFunctions")
    assert told(records, "role only")["tied"].endswith("but no attempt fits")


def test_tries_and_errors_are_told() -> None:
    said = told(branching_run(), "failed")
    assert said["error"] == "States.TaskFailed"
    assert said["cause"] == "Essential container in task exited"
    assert said["tries"] == "2, 3.00 s between them"


def test_an_execution_that_failed_says_why() -> None:
    records = [
        event(1, "ExecutionStarted", 0, input="{}", roleArn="arn:aws:iam::1:role/r"),
        event(
            2, "ExecutionFailed", 9, error="E", cause='{"errorMessage": "out of ink"}'
        ),
    ]
    assert told(records, "started")["role"] == "arn:aws:iam::1:role/r"
    said = told(records, "failed")
    assert (said["error"], said["cause"]) == ("E", "out of ink")


def test_the_console_has_a_page_for_it() -> None:
    assert told(sync_run(), "submitted")["console"] == console_url(ARN)
    assert "console" not in told(sync_run(), "RunTask  task")


def test_times_are_told_in_a_zone() -> None:
    row, trace = row_and_trace(sync_run(), "succeeded  noticed")
    zone = timezone(timedelta(hours=9))
    said = {fact.label: fact.words for fact in facts(row, trace, zone)}
    assert said["when"].startswith("2023-11-15T09:33:33.102+09:00, appeared")
    assert said["stopped"] == "2023-11-15T09:33:31.202+09:00"
    call, _ = row_and_trace(sync_run(), "RunTask  task")
    (when, *_) = facts(call, trace, zone)
    assert when.words.startswith("2023-11-15T09:28:25+09:00")


def test_nothing_hostile_gets_through() -> None:
    records = branching_run(HOSTILE)
    trace = extend(Trace(), records)
    for row in build_lanes(trace).rows:
        for fact in facts(row, trace):
            assert harmless(fact.words)
