"""CSV for spreadsheets: every event and call, no formula, nothing of Athena's."""

import csv
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.errors import BadFileError
from sfnwatch.export.csv import COLUMNS, dump
from sfnwatch.recording.files import open_files
from sfnwatch.trace.events import Received
from sfnwatch.trace.lanes import build_lanes
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, ROLE, TASK_ARN, call, event, sync_history, sync_run
from tests.viewers.traces import TRACES

FORMULA = "=+-@\t\r\n＝＋－＠"


def printed(trace: Trace) -> str:
    out = StringIO(newline="")
    dump(trace, out)
    return out.getvalue()


def rows(trace: Trace) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(printed(trace), newline=""), strict=True))


def known(row: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in row.items() if value}


def test_an_event_and_a_call_of_the_seeds_run() -> None:
    found = rows(TRACES["denied"])
    assert known(found[4]) == {
        "time": "2023-11-15T00:28:25.302Z",
        "seen_at": "2023-11-15T00:28:26.302Z",
        "execution": ARN,
        "lane": "states",
        "kind": "phase",
        "state": "ECS RunTask",
        "text": "submitted",
        "history_id": "5",
        "history_type": "TaskSubmitted",
        "entered_id": "2",
        "scheduled_id": "3",
    }
    assert known(found[6]) == {
        "time": "2023-11-15T00:29:20Z",
        "seen_at": "2023-11-15T00:31:00.000Z",
        "execution": ARN,
        "lane": "calls",
        "kind": "call",
        "state": "ECS RunTask",
        "text": "DescribeTasks #1  +55 s  ✘ AccessDenied  = task ARN",
        "entered_id": "2",
        "scheduled_id": "3",
        "call_id": "poll-0",
        "service": "ecs.amazonaws.com",
        "api": "DescribeTasks",
        "role": "poll",
        "error": "AccessDenied",
        "request_id": "request-poll-0",
        "rule": "resource-id",
        "evidence": TASK_ARN,
    }


def test_lines_end_as_the_rfc_has_it() -> None:
    text = printed(TRACES["sync"])
    assert text.startswith(",".join(COLUMNS) + "\r\n")
    assert text.endswith("\r\n")
    assert text.count("\n") == text.count("\r\n") == 1 + 8 + 6


@pytest.mark.parametrize("name", TRACES)
def test_there_is_a_row_for_every_event_and_every_call_shown(name: str) -> None:
    trace = TRACES[name]
    found = rows(trace)
    assert len(found) == len(build_lanes(trace, joined=False).rows)
    ids = [(row["execution"], row["history_id"]) for row in found if row["history_id"]]
    assert len(ids) == sum(len(t.events) for t in trace.timelines.values())
    assert len(ids) == len(set(ids))


def test_what_is_no_calls_of_ours_is_left_out() -> None:
    stranger = call("RunTask", 1, key="x", role=f"{ROLE}-other", invoked_by=None)
    found = rows(extend(Trace(), [*sync_history(), stranger]))
    assert [row for row in found if row["call_id"]] == []


@settings(max_examples=100, deadline=None)
@given(
    st.text(st.sampled_from(FORMULA + " a\"',;é")) | st.text(max_size=20),
)
def test_no_cell_is_a_formula_and_none_breaks_its_row(text: str) -> None:
    why: dict[str, Any] = {"error": text, "cause": text}
    records = [
        event(1, "ExecutionStarted", 0, roleArn=ROLE),
        event(2, "TaskStateEntered", 1, name=text),
        event(3, "TaskScheduled", 1, resource=text, resourceType=text),
        event(4, "TaskFailed", 2, **why),
        call(f"x{text}", 1, key=f"{text}.", error=(text, text), request_id=text),
    ]
    found = rows(extend(Trace(), records))
    assert len(found) == 5
    for row in found:
        assert tuple(row) == COLUMNS
        for cell in row.values():
            assert cell.isprintable() or cell.replace("\xa0", " ").strip()
            assert not cell.lstrip().startswith(tuple(FORMULA))


def test_a_formula_is_defused_and_can_still_be_read() -> None:
    found = rows(
        extend(Trace(), [event(1, "ExecutionStarted", 0), *_named("=1+1|'cmd'!A0")])
    )
    assert found[1]["state"] == "'=1+1|'cmd'!A0"


def _named(name: str) -> list[Received]:
    return [event(2, "TaskStateEntered", 1, name=name)]


def test_replay_says_that_it_is_none_of_its_files(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_text(printed(TRACES["sync"]), newline="")
    with pytest.raises(BadFileError, match="not a file sfnwatch knows"):
        open_files([path])


@settings(max_examples=20, deadline=None)
@given(st.permutations(sync_run()))
def test_equal_traces_give_equal_texts(records: list[Received]) -> None:
    assert printed(extend(Trace(), records)) == printed(TRACES["sync"])
