"""A report as text: in so many columns, whatever is in it."""

import json
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.export.report_layout import Column, cell_width, cut, table, wrapped
from sfnwatch.export.report_text import write_text
from sfnwatch.trace.events import Received
from sfnwatch.trace.report import report
from tests.builders import event, sync_calls, sync_history, sync_run
from tests.trace.finding import begun, iterations, trace_of
from tests.trace.test_hostile import hostile, safe, spoil

RUNNING = [*sync_history()[:5], *sync_calls()[:2]]


def printed(*records: Received, width: int = 80) -> str:
    out = StringIO()
    write_text(report(trace_of(*records)), out, width)
    return out.getvalue()


SEED = """\
nightly-report › run-7f3a
  SUCCEEDED after 5 min 9 s.
  2023-11-15 00:28:24 to 00:33:33 UTC, 8 events

  State        Runs              Tries  Working  Noticing   Total  Status
  ECS RunTask  ecs:runTask.sync      1   5m 06s    1.90 s  5m 09s  succeeded

  Calls
    ECS RunTask: 1 action, 5 polls; DescribeTasks every 58.6 s (55 to 63 s);
      tied by request id (1), task ARN (5)

  Findings
    fact       ECS RunTask uses ecs:runTask.sync, an optimised integration with
               .sync: it runs a job and waits for its end. [#3]
    fact       While ECS RunTask waited, Step Functions polled 5 times with
               DescribeTasks, about once a minute: at intervals of 55, 59, 63,
               55 and 61 s, counted from RunTask (mean 58.6 s). [5 calls poll-0]
    inference  The task started by ECS RunTask stopped at
               2023-11-15T00:33:31.202Z and Step Functions knew 1.9 s later, by
               an event of the managed rule
               StepFunctionsGetEventsForECSTaskRule: no poll lies in between.
               [#6, 5 calls poll-0]
    fact       Of 5 min 9 s: 5 min 6 s working, 1.2 s waiting, 1.9 s before a
               job's end was noticed and 0.06 s between states. [#1 #8]

The trace as a whole
  6 calls, from 2023-11-15 00:28:25 to 00:33:18 UTC.
  CloudTrail is believed complete to 00:35:24 UTC.

    fact       CloudTrail showed 6 calls made while this was watched: half of
               them within 2 min 14 s, nine in ten within 2 min 54 s, the last
               after 2 min 54 s. [call poll-2]
"""


def test_the_seed_s_run_is_told_whole() -> None:
    assert printed(*sync_run()) == SEED


def test_calls_alone_are_told_as_such() -> None:
    text = printed(*sync_calls())
    assert text.startswith("No execution, calls alone\n")
    assert "There is no execution's history in these records" in " ".join(text.split())


def test_nothing_is_told_in_a_sentence() -> None:
    assert printed() == (
        "No execution, and no call\n  There is no CloudTrail in these records.\n"
    )


def test_several_visits_and_rows_left_out_are_said() -> None:
    assert "Times of several visits are added up" in printed(*iterations(5), width=120)
    many = [event(n, "PassStateEntered", n, name=f"S{n}") for n in range(2, 120)]
    assert "18 more states not listed." in printed(begun(), *many)


names = st.text(st.characters(), min_size=1, max_size=30) | st.sampled_from(
    ["ステップ関数の実行", "e\u0301" * 20, "x" * 80, "\x1b[31m", "\u202e", "\ud800"]
)


@settings(max_examples=60, deadline=None)
@given(names, st.integers(1, 200))
def test_no_line_is_wider_than_the_terminal(name: str, width: int) -> None:
    records = [
        begun(),
        event(2, "TaskStateEntered", 1, name=name),
        event(3, "TaskScheduled", 1, resourceType=name, resource=name),
        event(4, "TaskFailed", 2, error=name, cause=name),
        event(5, "ExecutionFailed", 2, error=name, cause=name),
    ]
    text = printed(*records, width=width)
    lines = text.splitlines()
    assert all(map(safe, lines))
    assert max(map(cell_width, lines)) <= max(width, 60)


@settings(max_examples=60, deadline=None)
@given(hostile)
def test_nothing_that_could_act_on_a_terminal_gets_out(text: str) -> None:
    records = [spoil(record, text) for record in sync_run(denied=True)]
    assert all(map(safe, printed(*records).splitlines()))


@pytest.mark.parametrize("year", ["0001-01-02", "9999-12-31"])
def test_times_at_either_end_of_the_calendar_are_told(year: str) -> None:
    def moved(record: Received) -> Received:
        data = json.loads(json.dumps(dict(record.data)).replace("2023-11-15", year))
        return Received(record.at, record.source, record.execution_arn, data)

    records = [moved(record) for record in sync_run()]
    assert "polled 5 times" in printed(*records)
    assert "may be expected" in printed(*(moved(r) for r in RUNNING))


# -- layout ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cells"), [("abc", 3), ("関数", 4), ("e\u0301", 1), ("", 0), ("é", 1)]
)
def test_text_is_measured_in_cells(text: str, cells: int) -> None:
    assert cell_width(text) == cells


def test_text_is_cut_where_a_wide_character_would_not_fit() -> None:
    assert cut("関数関数", 6) == "関数…"
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab…"


@given(st.text("ab 関\u0301", max_size=60), st.integers(4, 30))
def test_wrapping_keeps_every_word_and_the_width(text: str, width: int) -> None:
    lines = list(wrapped(text, width, "> ", "  "))
    assert all(cell_width(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(f"> {text}".split())


def test_a_table_gives_way_by_rank_and_then_by_cutting() -> None:
    columns = [
        Column("Name", ("a long name", "b"), least=5),
        Column("Much", ("12", "3"), right=True, rank=1),
        Column("Empty", ("", ""), rank=9),
        Column("End", ("yes", "no")),
    ]
    assert list(table(columns, 40)) == [
        "Name         Much  End",
        "a long name    12  yes",
        "b               3  no",
    ]
    assert list(table(columns, 16)) == [
        "Name   Much  End",
        "a lo…    12  yes",
        "b         3  no",
    ]
    assert list(table(columns, 10)) == ["Name   End", "a lo…  yes", "b      no"]
