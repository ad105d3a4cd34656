"""CSV: a row for each event and each call, and nothing that a spreadsheet obeys."""

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.export.csv import CSV_COLUMNS
from sfnwatch.model.texts import clean
from tests import builders as aws
from tests import examples
from tests.export.traces import RECORDS, export, printed, trace_of

FORMULAS = "=+-@\t\r\n＝＋－＠"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text, newline=""), strict=True))


@pytest.mark.parametrize("name", RECORDS)
def test_every_event_and_call_has_a_row_and_every_row_all_columns(name: str) -> None:
    text = export("csv", name)
    assert text.endswith("\r\n")
    snapshot = trace_of(RECORDS[name]).as_of()
    events = sum(each.event_count for each in snapshot.executions.values())
    found = list(csv.reader(StringIO(text, newline=""), strict=True))
    assert tuple(found[0]) == CSV_COLUMNS
    assert {len(row) for row in found} == {len(CSV_COLUMNS)}
    assert len(found) == 1 + events + len(snapshot.calls)


def test_an_ambiguous_call_has_the_reason_for_its_evidence() -> None:
    run = aws.History().start()
    run.parallel("Fan", *[lambda it: it.task("Work", aws.REQUEST_RESPONSE)] * 2)
    found = rows(printed("csv", [*run.records, aws.call("RunTask", 1, key="c")]))
    (row,) = (row for row in found if row["call_id"] == "c")
    assert row["rule"] == "ambiguous"
    assert row["evidence"] == "all that can be compared is alike"
    assert row["certainty"] == ""


def test_a_matched_call_has_how_sure_that_is() -> None:
    worked = aws.History().start().task("Work", aws.SDK).end().records
    found = rows(printed("csv", [*worked, aws.call("RunTask", 0, key="c")]))
    (guess,) = (row for row in found if row["call_id"] == "c")
    assert (guess["rule"], guess["certainty"]) == ("unique-candidate", "guess")
    exact = [row for row in rows(export("csv", "denied")) if row["call_id"]]
    assert {row["certainty"] for row in exact} == {"exact"}


def test_a_fail_state_has_the_error_that_it_ends_with() -> None:
    run = aws.History().start()
    run.add("FailStateEntered", name="Stop")
    run.end("Failed", error="NoStock", cause="none left")
    found = rows(printed("csv", run.records))
    assert found[1]["error"] == "NoStock"
    assert found[1]["text"].endswith("✘ NoStock")


@examples(60)
@given(st.sampled_from(FORMULAS), st.text(max_size=5), st.sampled_from(["", " "]))
def test_no_cell_is_a_formula(first: str, rest: str, blank: str) -> None:
    evil = f"{blank}{first}{rest}cmd"
    call = aws.call(evil, 5, key=evil, error=(evil, evil), request_id=evil)
    state = aws.event(2, "PassStateEntered", 1, name=evil)
    records = [aws.event(1, "ExecutionStarted", 0), state, call]
    for row in rows(printed("csv", records)):
        for cell in row.values():
            assert not cell.lstrip().startswith(tuple(FORMULAS))


@examples(60)
@given(st.text(st.sampled_from("a, \"'=\n\u00a0é"), min_size=1, max_size=6))
def test_what_separates_or_quotes_cells_may_be_in_them(name: str) -> None:
    state = aws.event(2, "PassStateEntered", 1, name=name)
    found = rows(printed("csv", [aws.event(1, "ExecutionStarted", 0), state]))
    shown = clean(name)
    evil = shown.lstrip().startswith("=")
    assert [None in row for row in found] == [False, False]
    assert found[1]["state"] == (f"'{shown}" if evil else shown)
