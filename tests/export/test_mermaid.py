"""Sequence diagrams: what is said, what is escaped, what is left out."""

import re
from io import StringIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.export.mermaid import dump
from sfnwatch.export.mermaid_cast import escape
from sfnwatch.trace.events import Received
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.times import iso
from tests.builders import (
    ARN,
    ROLE,
    START,
    call,
    event,
    health,
    sync_calls,
    sync_history,
    sync_run,
)
from tests.viewers.traces import TASK, TRACES, many_items

STATEMENT = re.compile(
    r"sequenceDiagram|%% .*|box transparent .+|participant \w+ as .+|end|loop .+"
    r"|Note over \w+: .+|\w+(->>|-->>|-x|--x)\w+: .+"
)
NOTICED = "noticed by event, 1.9 s after the task stopped (no poll in between)"
SPECIAL = set('<>"%{}&$`\\')


def printed(trace: Trace) -> str:
    out = StringIO()
    dump(trace, out)
    return out.getvalue()


def test_the_seeds_run_as_a_diagram() -> None:
    assert printed(TRACES["denied"]).splitlines() == [
        "sequenceDiagram",
        "%% nightly-report › run-7f3a, begun at 2023-11-15T00:28:24.102Z, SUCCEEDED",
        "box transparent nightly-report › run-7f3a",
        "participant e1s1 as Step Functions",
        "participant e1s2 as ECS RunTask",
        "end",
        "box transparent AWS",
        "participant a1 as ecs",
        "end",
        "Note over e1s1: 00:28:24 ◆ Execution started",
        "e1s1->>e1s2: 00:28:24 enter · ecs:runTask.sync",
        "e1s2->>a1: 00:28:25 RunTask · task 9f018ef6 · = request id",
        "a1-->>e1s2: 00:28:25 submitted",
        "loop 5 polls, about every 60 s, all denied",
        "e1s2-xa1: 00:29:20 – 00:33:18 DescribeTasks · ✘ AccessDenied · = task ARN",
        "end",
        f"Note over e1s2: 00:33:33 succeeded · {NOTICED}",
        "e1s2-->>e1s1: exited · 5m 09s",
        "Note over e1s1: 00:33:33 ✔ Execution succeeded",
    ]


def test_a_retry_says_its_number_and_how_long_it_was_waited() -> None:
    text = printed(TRACES["failing"])
    assert "scheduled · started · try 2 · after 2.00 s" in text
    assert text.count("failed · States.TaskFailed · Out of memory") == 3


def test_one_poll_is_no_loop() -> None:
    records = [
        r for r in sync_run() if r.data.get("EventId", "poll-1")[-1] not in "234"
    ]
    text = printed(extend(Trace(), records))
    assert "loop 2 polls" in text
    once = [r for r in records if r.data.get("EventId") != "poll-1"]
    text = printed(extend(Trace(), once))
    assert "loop" not in text
    assert "e1s2->>a1: 00:29:20 DescribeTasks" in text


def test_polls_of_which_some_were_denied_are_drawn_as_one_that_was_answered() -> None:
    denied, answered = sync_calls(denied=True), sync_calls()
    text = printed(
        extend(Trace(), [*sync_history(), answered[0], *denied[1:3], *answered[3:]])
    )
    assert "loop 5 polls, about every 60 s, 2 denied" in text
    assert "e1s2->>a1: 00:29:20 – 00:33:18 DescribeTasks · = task ARN" in text


def test_no_interval_is_claimed_where_more_polls_may_come_in() -> None:
    known = health("lookup", "ok", 200, complete_to=iso(START))
    text = printed(extend(Trace(), [*sync_history(), *sync_calls(), known]))
    assert "loop 5 polls\n" in text


def test_a_call_that_was_answered_late_is_drawn_once() -> None:
    slow = call("RunTask", -10, key="run", request_id="req-run")
    text = printed(extend(Trace(), [*sync_history(), slow]))
    assert text.count("RunTask · ") == 1
    assert "a1-->>e1s2: 00:28:25 submitted" in text


def test_what_is_not_tied_is_a_note_and_no_arrow() -> None:
    lines = printed(TRACES["ambiguous"]).splitlines()
    (told,) = [line for line in lines if "RunTask ·" in line and "enter" not in line]
    assert told == "Note over a1: 00:28:25 RunTask · ? 2 candidates"


def test_executions_have_boxes_of_their_own() -> None:
    lines = printed(TRACES["two"]).splitlines()
    boxes = [line for line in lines if line.startswith("box")]
    assert boxes == [
        "box transparent nightly-report › run-7f3a",
        "box transparent nightly-report › run-7f3a-2",
        "box transparent AWS",
    ]


def test_iterations_are_told_apart_in_one_column() -> None:
    lines = printed(extend(Trace(), many_items(2, 2))).splitlines()
    assert [line for line in lines if "as Work" in line] == ["participant e1s2 as Work"]
    entered = [line for line in lines if "enter" in line]
    assert [line.split("00:28:25 ")[1] for line in entered] == [
        "[0] enter · lambda:invoke",
        "[1] enter · lambda:invoke",
    ]


def test_states_beyond_a_dozen_share_a_column_and_keep_their_names() -> None:
    records = [event(1, "ExecutionStarted", 0, input="{}", roleArn=ROLE)]
    for number in range(30):
        first = 2 + 4 * number
        name = f"State {number}"
        records += [
            event(first, "TaskStateEntered", number, name=name, previous=first - 1),
            event(first + 1, "TaskScheduled", number, previous=first, **TASK),
            event(first + 2, "TaskSucceeded", number, previous=first + 1, **TASK),
            event(first + 3, "TaskStateExited", number, name=name, previous=first + 2),
        ]
    text = printed(extend(Trace(), records))
    assert text.count("participant") == 14
    assert "as other states" in text
    assert "State 29 enter" in text


def test_a_long_run_is_cut_says_so_and_keeps_its_end() -> None:
    lines = printed(TRACES["items"]).splitlines()
    text = "\n".join(lines)
    assert len(text.encode("utf-16-le")) // 2 < 50_000
    missing = re.findall(r"(\d+) more steps are left out", text)
    assert len(missing) == 2
    assert missing[0] == missing[1]
    assert lines[-1].endswith("✔ Execution succeeded")
    steps = [s for s in lines if s.startswith("Note") or "->>" in s]
    # A start, 500 times enter, succeeded and exited, the Map's own two and the end,
    # and the note that some are missing.
    assert len(steps) - 1 + int(missing[0]) == 1 + 3 * 500 + 2 + 1


def test_long_words_are_cut_before_mermaid_refuses_them() -> None:
    why: dict[str, Any] = {"error": "E" * 200_000, "cause": "漢" * 200_000}
    records = [
        event(n, f"Thing{n}Failed", n, previous=n - 1, **why) for n in range(2, 900)
    ]
    text = printed(extend(Trace(), [*sync_history()[:1], *records]))
    assert len(text.encode("utf-16-le")) // 2 < 50_000


def test_very_many_executions_are_cut_as_well() -> None:
    arns = [f"{ARN}-{'#' * 300}{number}" for number in range(500)]
    records = [
        event(number, kind, number, arn=arn)
        for arn in arns
        for number, kind in enumerate(("ExecutionStarted", "ExecutionSucceeded"), 1)
    ]
    text = printed(extend(Trace(), records))
    assert len(text.encode("utf-16-le")) // 2 < 50_000
    assert "more steps are left out" in text


@given(st.text() | st.sampled_from(["end", "End of it", "wrap: it", "a;b#c", "END"]))
def test_nothing_in_a_text_is_a_part_of_the_grammar(text: str) -> None:
    escaped = escape(text)
    assert escaped
    assert "\n" not in escaped
    assert not SPECIAL & set(escaped)
    assert "#" not in re.sub(r"#\d+;", "", escaped)
    assert ";" not in re.sub(r"#\d+;", "", escaped)
    assert not re.search(r"(?<!;)\bend\b", escaped, re.IGNORECASE)
    assert not re.match(r"(no)?wrap:", escaped, re.IGNORECASE)


def test_what_is_escaped_reads_the_same() -> None:
    escaped = escape('end; #1 <b> & "x" {y} 100%')
    decoded = re.sub(r"#(\d+);", lambda m: chr(int(m[1])), escaped)
    assert decoded == 'end; #1 <b> & "x" {y} 100%'


@pytest.mark.parametrize("name", TRACES)
def test_every_line_is_one_statement(name: str) -> None:
    text = printed(TRACES[name])
    assert text.endswith("\n")
    for line in text.splitlines():
        assert STATEMENT.fullmatch(line), line
        assert line.isprintable()
    blocks = sum(line.startswith(("box", "loop")) for line in text.splitlines())
    assert text.splitlines().count("end") == blocks


def test_a_state_may_be_called_as_the_workflow_is() -> None:
    records = [
        event(1, "ExecutionStarted", 0, input="{}"),
        event(2, "TaskStateEntered", 1, name="Step Functions"),
        event(3, "TaskScheduled", 1, resourceType="lambda", resource="invoke"),
    ]
    lines = printed(extend(Trace(), records)).splitlines()
    named = [line for line in lines if line.endswith("as Step Functions")]
    assert len(named) == 2


@settings(max_examples=20, deadline=None)
@given(st.permutations(sync_run()))
def test_equal_traces_give_equal_texts(records: list[Received]) -> None:
    assert printed(extend(Trace(), records)) == printed(TRACES["sync"])
