"""The pane's sections and lines, as text."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from sfnwatch.trace.events import Received
from sfnwatch.trace.lanes import Row, build_lanes
from sfnwatch.trace.requests import decode_request
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.values import replace
from sfnwatch.tui.facts import heading, moment
from sfnwatch.tui.record_copy import copied
from sfnwatch.tui.record_lines import (
    BESIDE,
    Line,
    Shape,
    record_lines,
    spot_pieces,
)
from sfnwatch.tui.record_links import MOST, Said, Tie, ties
from sfnwatch.tui.record_sections import (
    Grove,
    Section,
    Topic,
    request_sections,
    sections,
)
from tests.builders import ARN, ROLE, TASK_ARN, TASK_ID, call, event, sync_run
from tests.trace.test_requests import request
from tests.tui.conftest import harmless
from tests.tui.runs import HOSTILE, WIDE, branching_run


def rows_and_trace(records: list[Received]) -> tuple[dict[str, Row], Trace]:
    trace = extend(Trace(), records)
    return {row.key: row for row in build_lanes(trace).rows}, trace


def lines_of(
    records: list[Received], *keys: str, shape: Shape | None = None
) -> list[Line]:
    rows, trace = rows_and_trace(records)
    told = sections(tuple(rows[key] for key in keys), trace, Grove())
    return list(record_lines(told, shape or Shape(80)))


def said(lines: list[Line], width: int = 80, mask: Any = str) -> list[str]:
    half = (width - 3) // 2
    return [
        " │ ".join(
            "".join(
                t for t, _ in spot_pieces(s, width if len(line) == 1 else half, mask)
            )
            for s in line
        )
        for line in lines
    ]


def section(
    records: list[Received], topic: Topic, *keys: str, **more: Any
) -> list[str]:
    rows, trace = rows_and_trace(records)
    told = sections(tuple(rows[key] for key in keys), trace, Grove())
    shape = Shape(**{"width": 80, **more})
    kept = [part for part in told if part.topic is topic]
    return said(list(record_lines(kept, shape)), shape.width, shape.mask)


# -- links -------------------------------------------------------------------------


def test_a_phase_lists_its_calls_with_role_rule_and_evidence() -> None:
    lines = section(sync_run(), Topic.LINKS, f"{ARN}#5", width=140)
    assert lines[1].split() == [
        "→", "00:28:25", "RunTask", "action", "=", "request", "id", "req-run",
    ]  # fmt: skip
    assert lines[2].split() == [
        "→", "00:29:20", "DescribeTasks", "#1", "poll", "=", "task", "ARN", TASK_ARN,
    ]  # fmt: skip
    assert len(lines) == 7


def test_a_narrow_line_shows_the_end_of_an_arn() -> None:
    lines = section(sync_run(), Topic.LINKS, f"{ARN}#5", width=80)
    assert lines[2].endswith("= task ARN  …/9f018ef6")


def test_a_denied_poll_says_so_in_the_list_its_evidence_below_if_need_be() -> None:
    wide = section(sync_run(denied=True), Topic.LINKS, f"{ARN}#5", width=90)
    assert wide[2].endswith("poll    ✘ AccessDenied  = task ARN  …/9f018ef6")
    narrow = section(sync_run(denied=True), Topic.LINKS, f"{ARN}#5", width=70)
    assert narrow[2].endswith("poll    ✘ AccessDenied")
    assert narrow[3] == f"      = task ARN  …/{TASK_ID}"


def test_a_state_lists_the_calls_of_each_try() -> None:
    lines = section(branching_run(), Topic.LINKS, f"{ARN}#6")
    assert [line.strip() for line in lines[1:] if "→" not in line] == [
        "try 1  ✘ failed",
        "try 2  ✔ succeeded",
        "No calls are tied to it.",
    ]


def test_of_a_data_event_it_is_said_why_there_is_none_unless_others_came() -> None:
    task: dict[str, Any] = {"resourceType": "lambda", "resource": "invoke"}
    records = [
        event(1, "ExecutionStarted", 0, roleArn=ROLE),
        event(2, "TaskStateEntered", 1, name="A"),
        event(3, "TaskScheduled", 1, **task),
        event(4, "TaskSucceeded", 2, **task),
    ]
    elsewhen = call("Invoke", 99, key="i", source="lambda.amazonaws.com")
    (said,) = section(records, Topic.LINKS, f"{ARN}#3")[1:]
    assert said.strip() == "No calls: Invoke is not in CloudTrail's Event history."
    (said,) = section([*records, elsewhen], Topic.LINKS, f"{ARN}#3")[1:]
    assert said.strip() == "No calls are tied to it."


def test_a_call_names_its_state_and_attempt_and_why() -> None:
    rows, trace = rows_and_trace(sync_run())
    state, attempt = ties(rows["call#poll-1"], trace)
    assert isinstance(state, Tie)
    assert isinstance(attempt, Tie)
    assert (state.key, state.what) == (f"{ARN}#2", "Main / ECS RunTask")
    assert (attempt.key, attempt.what) == (f"{ARN}#3", "try 1 of 1, event 3")
    assert (attempt.rule, attempt.evidence) == ("= task ARN", TASK_ARN)
    assert {state.key, attempt.key} <= rows.keys()


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
    rows, trace = rows_and_trace([*records, guess])
    found = [tie for tie in ties(rows["call#x"], trace) if isinstance(tie, Tie)]
    assert [(tie.key, tie.what, tie.role) for tie in found] == [
        (f"{ARN}#3", "Main / S0", "candidate"),
        (f"{ARN}#5", "Main / S1", "candidate"),
    ]
    assert {tie.key for tie in found} <= rows.keys()


@pytest.mark.parametrize(
    ("records", "key", "words"),
    [
        (branching_run(), "call#role", "No attempt fits"),
        ([call("RunTask", 1, key="x")], "call#x", "No execution"),
    ],
)
def test_where_nothing_is_tied_the_reason_stands(
    records: list[Received], key: str, words: str
) -> None:
    rows, trace = rows_and_trace(records)
    (only,) = ties(rows[key], trace)
    assert isinstance(only, Said)
    assert words in only.words


@pytest.mark.parametrize(
    ("kind", "details", "words"),
    [
        ("ActivityScheduled", {"resource": "arn:a"}, "An activity's worker"),
        (
            "TaskScheduled",
            {"resourceType": "dynamodb", "resource": "putItem"},
            "PutItem is not in CloudTrail's Event history",
        ),
    ],
)
def test_what_leaves_no_call_says_why(
    kind: str, details: dict[str, Any], words: str
) -> None:
    records = [
        event(1, "ExecutionStarted", 0, roleArn=ROLE),
        event(2, "TaskStateEntered", 1, name="S"),
        event(3, kind, 1, **details),
    ]
    assert words in section(records, Topic.LINKS, f"{ARN}#3")[1]


def test_of_very_many_polls_the_first_are_listed_and_the_rest_counted() -> None:
    polls = [
        call("DescribeTasks", 2 + n / 10, key=f"p{n}", parameters={"tasks": [TASK_ARN]})
        for n in range(MOST + 5)
    ]
    lines = section([*sync_run(), *polls], Topic.LINKS, f"{ARN}#5")
    assert lines[-1].strip() == "… 11 calls more"


# -- facts -------------------------------------------------------------------------


def test_a_call_on_its_states_line_does_not_tell_how_that_went_again() -> None:
    alone = section(sync_run(), Topic.FACTS, "call#run", width=140)
    assert any("attempt" in line for line in alone)
    both = section(sync_run(), Topic.FACTS, f"{ARN}#5", "call#run", width=140)
    assert len([line for line in both if "succeeded after" in line]) == 1


@pytest.mark.parametrize("width", [30, 37, 40, 44, 50, 80])
def test_no_time_is_broken_in_two(width: int) -> None:
    for key in (f"{ARN}#5", f"{ARN}#6", "call#run"):
        text = "\n".join(section(sync_run(), Topic.FACTS, key, width=width))
        for at in rows_and_trace(sync_run())[0][key].events:
            assert moment(at.timestamp, None) in text
        assert text.count("Z") == text.count("2023-11-15T")
        assert "T00:" in text


@pytest.mark.parametrize("width", [1, 4, 9, 17, 30, 80])
def test_the_first_heading_tells_the_way_out(width: int) -> None:
    shape = Shape(width, way_out="escape")
    lines = said(lines_of(sync_run(), f"{ARN}#5", shape=shape), width)
    assert lines[0].endswith("escape"[:width]) or width < len(" escape")
    assert len([line for line in lines if line.endswith(" escape")]) == (width > 6)
    assert all(cell_len(line) <= width for line in lines)


def test_where_nothing_closes_the_pane_no_key_is_told() -> None:
    (first, *_) = said(lines_of(sync_run(), f"{ARN}#5"))
    assert first.endswith("──")


def test_a_request_of_ours_has_its_facts_and_its_record() -> None:
    read = decode_request(request(1, items=3))
    told = list(request_sections(read, Grove()))
    lines = [line.strip() for line in said(list(record_lines(told, Shape(80))))]
    assert lines[0].startswith("▾ states GetExecutionHistory ──")
    assert "outcome     ✔ ok after 0.12 s, HTTP 200" in lines
    assert "▾ Request record  {10 keys}" in lines
    assert 'operation: "GetExecutionHistory"' in lines
    recorded = copied(told[1], str)
    assert json.loads(recorded) == dict(request(1, items=3).data)


# -- input and output --------------------------------------------------------------


def test_input_and_output_stand_beside_each_other_where_there_is_room() -> None:
    records = [
        event(1, "ExecutionStarted", 0, input='{"a": 1}', roleArn=ROLE),
        event(2, "PassStateEntered", 1, name="P", input='{"in": [1, 2]}'),
        event(3, "PassStateExited", 3, name="P", output='{"out": true}'),
    ]
    wide = section(records, Topic.PAYLOAD, f"{ARN}#3", width=BESIDE)
    assert [" ".join(line.split()) for line in wide[1:]] == [
        "▾ Input event 2 {1 key} │ ▾ Output event 3 {1 key}",
        "▾ in: [2 items] │ out: true",
        "0: 1 │",
        "1: 2 │",
    ]
    narrow = section(records, Topic.PAYLOAD, f"{ARN}#3", width=BESIDE - 1)
    assert [" ".join(line.split()) for line in narrow[1:]] == [
        "▾ Input event 2 {1 key}",
        "▾ in: [2 items]",
        "0: 1",
        "1: 2",
        "▾ Output event 3 {1 key}",
        "out: true",
    ]


def test_an_attempt_shows_what_was_asked_and_the_newest_answer() -> None:
    records = sync_run()
    assert [line.strip() for line in section(records, Topic.PAYLOAD, f"{ARN}#3")][
        1
    ] == ("Parameters  event 3  {}")
    done = section(records, Topic.PAYLOAD, f"{ARN}#5")
    assert any("Result  event 6" in line for line in done)
    early = [r for r in records if r.data.get("id", 0) not in {6, 7, 8}]
    assert any(
        "Answer  event 5" in line for line in section(early, Topic.PAYLOAD, f"{ARN}#5")
    )


def test_a_call_shows_its_request_and_its_response() -> None:
    lines = section(sync_run(), Topic.PAYLOAD, "call#run")
    assert lines[0].startswith("▾ Request / Response")
    assert '        startedBy: "AWS Step Functions"'[2:] in lines
    denied = section(sync_run(denied=True), Topic.PAYLOAD, "call#poll-1")
    assert [line.strip() for line in denied[1:]] == ["Request  none", "Response  none"]


def test_what_aws_cut_is_said_to_be_cut() -> None:
    records = [
        event(1, "ExecutionStarted", 0, input="{", inputDetails={"truncated": True})
    ]
    assert (
        "Input  event 1  cut by AWS" in section(records, Topic.PAYLOAD, f"{ARN}#1")[1]
    )


# -- errors and records ------------------------------------------------------------


def failing(cause: str) -> list[Received]:
    return [
        event(1, "ExecutionStarted", 0, input="{}", roleArn=ROLE),
        event(2, "ExecutionFailed", 9, error="Boom", cause=cause),
    ]


def test_a_cause_in_json_is_a_tree_below_its_reason() -> None:
    cause = json.dumps({"errorMessage": "out of ink", "stackTrace": ["a", "b"]})
    lines = section(failing(cause), Topic.ERROR, f"{ARN}#2")
    assert [line.strip() for line in lines[1:]] == [
        "error   Boom",
        "reason  out of ink",
        "▾ Cause  {2 keys}",
        'errorMessage: "out of ink"',
        "▾ stackTrace: [2 items]",
        '0: "a"',
        '1: "b"',
    ]


def test_a_cause_of_several_lines_is_shown_in_them() -> None:
    lines = section(failing("Traceback:\n  File x"), Topic.ERROR, f"{ARN}#2")
    assert lines[3:] == ["    Traceback:", "      File x"]


def test_a_cause_that_is_one_sentence_is_told_once() -> None:
    assert section(failing("no more ink"), Topic.ERROR, f"{ARN}#2") == []


def test_a_state_tells_what_each_of_its_tries_failed_with() -> None:
    lines = section(branching_run(), Topic.ERROR, f"{ARN}#6")
    assert [line.strip() for line in lines[1:3]] == [
        "try 1",
        "error  States.TaskFailed",
    ]


def test_records_are_shown_as_aws_sent_them() -> None:
    lines = section(sync_run(), Topic.RECORDS, f"{ARN}#5", "call#run", width=100)
    text = "\n".join(lines)
    assert "event 5  TaskSubmitted" in text
    assert "output: ⟨json⟩" in text
    assert "CloudTrail record" in text
    assert 'eventVersion: "1.09"' in text


# -- copying -----------------------------------------------------------------------


def spots(records: list[Received], *keys: str) -> list[Any]:
    return [spot.target for line in lines_of(records, *keys) for spot in line]


def test_a_heading_copies_its_section_and_records_copy_raw() -> None:
    rows, _ = rows_and_trace(sync_run())
    found = spots(sync_run(), f"{ARN}#5")
    headings = {t.topic: copied(t, str) for t in found if isinstance(t, Section)}
    assert json.loads(headings[Topic.RECORDS]) == rows[f"{ARN}#5"].events[0].raw
    assert headings[Topic.FACTS].startswith("submitted\nwhen: 2023-11-15T00:28:25.302Z")
    assert headings[Topic.LINKS].splitlines()[0] == (
        "action  RunTask  = request id  req-run  run"
    )
    assert isinstance(json.loads(headings[Topic.PAYLOAD]), list)


def test_a_link_copies_its_id_and_a_fact_its_words() -> None:
    found = spots(sync_run(), f"{ARN}#5")
    assert [copied(t, str) for t in found if isinstance(t, Tie)][:2] == [
        "run",
        "poll-0",
    ]
    assert f"{TASK_ARN}" in [copied(t, str) for t in found]


def test_a_node_copies_its_json_and_a_cause_its_words() -> None:
    records = [
        event(1, "ExecutionStarted", 0, input='{"k": {"x": 1.10}}'),
        event(2, "ExecutionFailed", 9, cause="one\n\x1btwo"),
    ]
    assert '{\n  "x": 1.10\n}' in [copied(t, str) for t in spots(records, f"{ARN}#1")]
    assert "one\n␛two" in [copied(t, str) for t in spots(records, f"{ARN}#2")]


def test_what_is_copied_goes_through_the_mask_too() -> None:
    for target in spots(sync_run(), f"{ARN}#5", "call#poll-1"):
        masked = copied(target, lambda text: text.replace("123456789012", "ACCOUNT"))
        assert "123456789012" not in masked


# -- any text, any size ------------------------------------------------------------


@pytest.mark.parametrize("name", [HOSTILE, WIDE, "", "x" * 10_000])
@pytest.mark.parametrize("width", [1, 2, 5, 17, 80, 300])
def test_every_line_fits_and_is_harmless(name: str, width: int) -> None:
    trace = extend(Trace(), branching_run(name))
    for row in build_lanes(trace).rows:
        told = sections((row,), trace, Grove())
        for line in said(list(record_lines(told, Shape(width))), width):
            assert cell_len(line) <= width
            assert harmless(line)


@given(st.sampled_from([1, 30, 80, 140]), st.sets(st.sampled_from(list(Topic))))
def test_a_folded_section_is_its_heading(width: int, closed: set[Topic]) -> None:
    lines = lines_of(
        sync_run(denied=True),
        f"{ARN}#5",
        "call#run",
        shape=Shape(width, frozenset(closed)),
    )
    for line in lines:
        for spot in line:
            topic = (spot.section or spot.target).topic  # type: ignore[union-attr]
            assert isinstance(spot.target, Section) or topic not in closed


def test_a_mask_hides_names_wherever_they_stand() -> None:
    def mask(text: str) -> str:
        return text.replace("123456789012", "ACCOUNT").replace("RunTask", "NAME")

    records = sync_run(denied=True)
    for key in rows_and_trace(records)[0]:
        lines = lines_of(records, key, shape=Shape(140, mask=mask))
        text = "\n".join(said(lines, 140, mask))
        assert "123456789012" not in text
        assert "RunTask" not in text


def test_the_trees_of_a_row_that_grows_stay_the_same() -> None:
    rows, trace = rows_and_trace(sync_run())
    grove = Grove()
    row = rows[f"{ARN}#5"]
    before = tuple(sections((row,), trace, grove))
    again = tuple(sections((replace(row),), extend(trace, []), grove))
    assert before == again
    assert heading(row) == before[0].title
