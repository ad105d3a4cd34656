"""Both lanes as text: aligned, with rails, with its findings."""

from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.export.text import dump
from sfnwatch.export.text_words import fold, pad, width
from sfnwatch.trace.events import Received
from sfnwatch.trace.findings import all_findings, findings
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ROLE, call, event, sync_calls, sync_history, sync_run
from tests.tui.several import three_runs
from tests.viewers.traces import TRACES, many_items

TIME = 62
"""Where the times of states begin."""


def printed(trace: Trace) -> str:
    out = StringIO()
    dump(trace, out)
    return out.getvalue()


def test_the_seeds_run_side_by_side() -> None:
    text = printed(TRACES["denied"])
    head = """\
nightly-report › run-7f3a  SUCCEEDED  5m 09s

STEP FUNCTIONS                                                UTC                 UTC       CALLS
                                                              2023-11-15
◆ Execution started                                           00:28:24.102
┌ ECS RunTask  Task  ecs:runTask.sync                         00:28:24.132
├ scheduled · started                                         00:28:24.132
├ submitted                                                   00:28:25.302  ───▶  00:28:25  ecs  RunTask  task 9f018ef6  = request id
│                                                                                 00:29:20  ecs  DescribeTasks #1  +55 s  ✘ AccessDenied  = task ARN
│                                                                                 00:30:19  ecs  DescribeTasks #2  +59 s  ✘ AccessDenied  = task ARN
│                                                                                 00:31:22  ecs  DescribeTasks #3  +63 s  ✘ AccessDenied  = task ARN
│                                                                                 00:32:17  ecs  DescribeTasks #4  +55 s  ✘ AccessDenied  = task ARN
│                                                                                 00:33:18  ecs  DescribeTasks #5  +61 s  ✘ AccessDenied  = task ARN
├ succeeded  noticed by event, 1.9 s after the task stopped   00:33:33.102
│   (no poll in between)
└ exited  5m 09s                                              00:33:33.122
✔ Execution succeeded                                         00:33:33.152

WHAT IT SHOWS
"""  # noqa: E501
    assert text.startswith(head)
    below = text.removeprefix(head).splitlines()
    (timeline,) = TRACES["denied"].timelines.values()
    own = findings(TRACES["denied"], timeline)
    whole = [f for f in all_findings(TRACES["denied"]) if f.execution_arn is None]
    assert whole
    told = [f"{finding.certainty} {finding.text}" for finding in own]
    told.append("ALL OF IT TOGETHER")
    told += [f"{finding.certainty} {finding.text}" for finding in whole]
    assert " ".join(" ".join(below).split()) == " ".join(told)
    assert max(map(len, below)) <= 107


def test_branches_have_rails_and_say_whose_a_line_is() -> None:
    lines = printed(extend(Trace(), many_items(2, 2))).splitlines()
    left = [line[:TIME].rstrip() for line in lines[4:]]
    assert left[:12] == [
        "◆ Execution started",
        "┌ Each  Map",
        "├ [0] started",
        "├ [1] started",
        "│ ┌ [0] Work  Task  lambda:invoke",
        "│ ├ scheduled · started",
        "│ │ ┌ [1] Work  Task  lambda:invoke",
        "│ │ ├ scheduled · started",
        "│ ├ │ [0] Work  succeeded",
        "│ │ ├ [1] Work  succeeded",
        "│ └ │ [0] Work  exited  0.70 s",
        "├   │ [0] succeeded",
    ]


def test_a_rail_of_what_runs_goes_on_to_the_end() -> None:
    lines = printed(TRACES["running"]).splitlines()
    rows = lines[5 : lines.index("WHAT IT SHOWS") - 1]
    assert {row[0] for row in rows} == {"┌", "├", "│"}


def test_a_call_among_branches_says_whose_it_is() -> None:
    wait = event(20, "WaitStateEntered", 3, name="Wait", previous=0)
    text = printed(extend(Trace(), [*sync_run(), wait]))
    assert "DescribeTasks #1  +55 s  = task ARN  ‹ ECS RunTask" in text


def test_executions_are_told_apart_where_there_are_several() -> None:
    text = printed(TRACES["two"])
    assert text.startswith("[no. 1] nightly-report › run-7f3a  SUCCEEDED")
    assert "\n[no. 2] nightly-report › run-7f3a-2  SUCCEEDED" in text
    assert "[no. 2] ◆ Execution started" in text


def test_what_several_show_together_is_told_first() -> None:
    text = printed(extend(Trace(), three_runs(denied=True)))
    assert "DescribeTasks #1  +55 s  ✘ AccessDenied  = task ARN  ‹ [sync] ECS" in text
    begin = text.index("\nIN SHORT\n")
    assert begin < text.index("[sync] WHAT IT SHOWS") < text.index("ALL OF IT TOGETHER")
    assert "ecs:runTask calls RunTask and nothing after it" in text[begin:]


def test_calls_alone_are_told_of_too() -> None:
    text = printed(extend(Trace(), sync_calls(denied=True)))
    assert "5 of 5 polls were denied" in text


def test_a_new_day_is_named() -> None:
    late = event(9, "PassStateEntered", 86_400, name="Later", previous=0)
    lines = printed(extend(Trace(), [*sync_history(), late])).splitlines()
    days = [line.strip() for line in lines if line.strip().startswith("2023-11-")]
    assert days == ["2023-11-15", "2023-11-16"]


def test_rails_go_on_past_the_name_of_a_day() -> None:
    late = event(6, "TaskSucceeded", 86_400, resourceType="ecs", resource="runTask")
    lines = printed(extend(Trace(), [*sync_history()[:5], late])).splitlines()
    (day,) = [line for line in lines if "2023-11-16" in line]
    assert day.startswith("│  ")


def test_more_rails_than_columns_leave_a_mark() -> None:
    text = printed(extend(Trace(), many_items(40, 40)))
    assert "\n│ │ │ │ │ │ │ │ ┆ [9] Work  Task" in text
    assert all(len(line) < 140 for line in text.splitlines())


def test_it_says_what_it_does_not_show() -> None:
    stranger = call("RunTask", 1, key="x", role=f"{ROLE}-other", invoked_by=None)
    odd = Received(None, "later", None, {})
    text = printed(extend(Trace(), [*sync_history(), stranger, odd]))
    assert "\n1 calls of others, or of X-Ray, are not shown." not in text
    assert "\n1 call of others, or of X-Ray, is not shown.\n" in text
    assert text.endswith("1 record could not be read.\n")


def test_nothing_is_said_of_nothing() -> None:
    assert printed(Trace()) == "\nNothing has happened yet.\n"


@pytest.mark.parametrize("name", TRACES)
def test_every_trace_is_clean_lines_with_times_in_their_column(name: str) -> None:
    text = printed(TRACES[name])
    assert text.replace("\n", "").isprintable()
    for line in text.split("\n"):
        assert line == line.rstrip()
    rows = [line for line in text.split("\n") if line[:1] in "◆┌├└✔✘" and line]
    for row in rows:
        place = next(n for n in range(len(row)) if width(row[:n]) == TIME)
        assert row[place : place + 12].replace(":", "").replace(".", "").isdigit()


@given(st.text(), st.integers(2, 40))
def test_folded_lines_fit_and_lose_no_letter(text: str, cells: int) -> None:
    lines = list(fold(text, cells))
    assert all(width(line) <= cells for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_wide_letters_take_two_cells_and_marks_none() -> None:
    assert width("漢字") == 4
    assert width("e\u0301") == 1
    assert pad("漢", 4) == "漢  "
    assert list(fold("漢字漢字", 5)) == ["漢字", "漢字"]


@settings(max_examples=20, deadline=None)
@given(st.permutations(sync_run()))
def test_equal_traces_give_equal_texts(records: list[Received]) -> None:
    assert printed(extend(Trace(), records)) == printed(TRACES["sync"])
