import json
from dataclasses import replace
from typing import Any

from sfnwatch.trace.events import Received
from sfnwatch.trace.lanes import Row, build_lanes
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.tui.facts import LIMIT, cut_words, documents, facts, heading, unfold
from tests.builders import TASK_ARN, call, event, sync_run
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
    assert said["when"] == "2023-11-15T00:28:25Z, appeared 2m10s after it happened"


def test_a_state_tells_its_path_its_length_and_what_it_runs() -> None:
    said = told(sync_run(), "exited")
    assert said["state"] == "Main / ECS RunTask  Task"
    assert said["status"] == "✔ succeeded after 5m 09s"


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
    assert said.startswith("noticed 1.9 s")
    assert "by event (no poll in between)" in said


def test_a_guess_and_a_stranger_are_said_to_be_such() -> None:
    records = branching_run()
    assert told(records, "~ role")["tied"].startswith("a guess: role StepFunctions")
    assert told(records, "role only")["tied"].endswith("but no attempt fits")


def test_tries_and_errors_are_told() -> None:
    said = told(branching_run(), "failed")
    assert said["error"] == "States.TaskFailed"
    assert said["cause"] == "Essential container in task exited"
    assert said["tries"] == "2, 3.00 s between them"


def test_candidates_are_listed_where_several_fit() -> None:
    kind: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask"}
    records = [event(1, "ExecutionStarted", 0, roleArn="arn:aws:iam::1:role/r")]
    for number in range(2):
        entered = 2 + 2 * number
        records += [
            event(entered, "TaskStateEntered", 1, previous=1, name=f"S{number}"),
            event(entered + 1, "TaskScheduled", 1, **kind),
        ]
    guess = call("RunTask", 1, key="x", role="arn:aws:iam::1:role/r")
    row, trace = row_and_trace([*records, guess], "2 candidates")
    said = [fact.words for fact in facts(row, trace) if fact.label == "fits"]
    assert said == [
        "run-7f3a  Main / S0, scheduled as event 3",
        "run-7f3a  Main / S1, scheduled as event 5",
    ]


def test_json_inside_strings_is_opened() -> None:
    opened = unfold({"input": json.dumps({"a": json.dumps([1])}), "b": "{no json"})
    assert opened == {"input": {"a": [1]}, "b": "{no json"}


def test_strings_in_strings_are_opened_to_a_depth_only() -> None:
    value = "core"
    for _ in range(10):
        value = json.dumps([value])
    opened = unfold(value)
    while isinstance(opened, list):
        (opened,) = opened
    assert opened.startswith("[")


def test_what_is_nested_past_all_reason_says_so() -> None:
    bottomless: list[Any] = []
    for _ in range(100_000):
        bottomless = [bottomless]
    row, _ = row_and_trace([event(1, "Odd", 0)], "odd")
    odd = replace(row, events=(replace(row.events[0], raw={"x": bottomless}),))
    (document,) = documents(odd)
    assert document.text == "nested too deep to be shown"


def test_a_huge_payload_is_cut_and_says_by_how_much() -> None:
    records = [event(1, "ExecutionStarted", 0, input="x" * 256 * 1024)]
    row, _ = row_and_trace(records, "started")
    (document,) = documents(row)
    assert len(document.text) == LIMIT
    assert cut_words(document) == "… 224 KiB more"


def test_a_record_that_fits_says_nothing_of_a_rest() -> None:
    row, _ = row_and_trace(sync_run(), "submitted")
    (document,) = documents(row)
    assert cut_words(document) == ""
    assert '"taskSubmittedEventDetails": {' in document.text


def test_nothing_hostile_gets_through() -> None:
    records = branching_run(HOSTILE)
    trace = extend(Trace(), records)
    for row in build_lanes(trace).rows:
        for fact in facts(row, trace):
            assert harmless(fact.words)
        for document in documents(row):
            assert harmless(document.text.replace("\n", ""))
