"""A trace explained: how it ended, and its states as rows."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.events import Received
from sfnwatch.trace.findings import all_findings
from sfnwatch.trace.report import ROWS, ExecutionReport, Report, report
from sfnwatch.trace.report_states import StateRow
from sfnwatch.trace.report_verdict import Verdict
from sfnwatch.trace.spans import Part
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import (
    ARN,
    describe,
    event,
    health,
    sync_calls,
    sync_history,
    sync_run,
)
from tests.trace.finding import LAMBDA, begun, iterations, trace_of


def told(*records: Received) -> Report:
    return report(trace_of(*records))


def one(*records: Received) -> ExecutionReport:
    (execution,) = told(*records).executions
    return execution


def verdict(*records: Received) -> Verdict:
    return one(*records).verdict


# -- verdict ---------------------------------------------------------------------


def test_a_success_is_told_with_its_length() -> None:
    assert verdict(*sync_run()) == Verdict(
        "SUCCEEDED after 5 min 9 s.", "SUCCEEDED", 309.05
    )


def failed(*, cause: str, inner: str = "TaskFailed") -> list[Received]:
    return [
        begun(),
        event(2, "ParallelStateEntered", 1, name="Fan"),
        event(3, "ParallelStateStarted", 1),
        event(4, "TaskStateEntered", 1, name="Work"),
        event(5, "TaskScheduled", 1, **LAMBDA),
        event(6, inner, 7, **LAMBDA, error="Oops", cause=cause),
        event(7, "ParallelStateFailed", 7, previous=6),
        event(8, "ExecutionFailed", 7, previous=7, error="Oops", cause=cause),
    ]


def test_a_failure_is_told_with_its_innermost_state_and_its_reason() -> None:
    found = verdict(*failed(cause='{"errorMessage": "out of \\u001b paper."}'))
    assert found.text == "FAILED after 7 s in Work: Oops: out of ␛ paper."
    assert (found.visit, found.path) == (4, "Main / Fan[0] / Work")
    assert found.error == "Oops"


def test_a_running_one_is_told_with_where_it_is() -> None:
    still = health("history", "live", 92)
    found = verdict(*sync_history()[:5], describe("RUNNING"), still)
    assert found.text == "RUNNING for 1 min 32 s so far, in ECS RunTask."
    assert found.visit == 2


def test_one_that_was_aborted_has_no_state_to_blame() -> None:
    aborted = event(6, "ExecutionAborted", 60, previous=0)
    found = verdict(*sync_history()[:5], aborted)
    assert found.text.startswith("ABORTED after 1 min")


def test_one_that_only_describe_execution_knows_of() -> None:
    assert verdict(describe()).text == "SUCCEEDED after 5 min 9 s."
    bare = Received(None, "describe", ARN, {"executionArn": ARN})
    assert verdict(bare) == Verdict("UNKNOWN.", "UNKNOWN", None)


# -- rows ------------------------------------------------------------------------


def test_a_state_is_a_row_with_its_time_and_its_calls() -> None:
    (row,) = one(*sync_run(denied=True)).states
    assert (row.path, row.type, row.resource) == (
        "ECS RunTask",
        "Task",
        "ecs:runTask.sync",
    )
    assert (row.visits, row.tries, row.failed_tries) == (1, 1, 0)
    assert row.seconds == 308.99
    assert dict(row.parts) == {
        Part.WAITING: 1.19,
        Part.WORKING: 305.9,
        Part.NOTICING: 1.9,
    }
    assert row.statuses == {"succeeded": 1}
    calls = row.calls
    assert dict(calls.by_role) == {"action": 1, "poll": 5}
    assert dict(calls.by_rule) == {"request-id": 1, "resource-id": 5}
    assert (calls.denied, calls.failed) == (5, 0)
    assert (calls.poll_call, calls.poll_mean) == ("DescribeTasks", 58.6)


def test_the_iterations_of_a_map_are_one_row() -> None:
    rows = one(*iterations(20)).states
    assert [(row.path, row.visits) for row in rows] == [
        ("Each", 1),
        ("Each[*] / Work", 20),
    ]
    assert rows[1].longest == 67
    assert rows[1].median == 64


def test_branches_are_rows_of_their_own_and_the_rounds_of_a_loop_are_not() -> None:
    records = [
        begun(),
        event(2, "ParallelStateEntered", 1, name="Fan"),
        event(3, "ParallelStateStarted", 1),
        event(4, "PassStateEntered", 1, name="Same", previous=3),
        event(5, "PassStateEntered", 1, name="Same", previous=3),
    ]
    for number in range(6, 16, 2):
        records.append(event(number, "PassStateEntered", number, name="Again"))
        records.append(event(number + 1, "PassStateExited", number, name="Again"))
    rows = one(*records).states
    assert [(row.path, row.visits) for row in rows][:3] == [
        ("Fan", 1),
        ("Fan[0] / Same", 1),
        ("Fan[1] / Same", 1),
    ]


def test_no_more_rows_than_can_be_read() -> None:
    many = range(2, ROWS + 12)
    execution = one(
        begun(), *(event(n, "PassStateEntered", n, name=f"S{n}") for n in many)
    )
    assert (len(execution.states), execution.left_out) == (ROWS, 10)


# -- the whole -------------------------------------------------------------------


def test_the_findings_are_all_of_the_trace_s() -> None:
    trace = trace_of(*sync_run())
    whole = report(trace)
    assert whole.findings == all_findings(trace)
    assert whole.findings_of(ARN) + whole.findings_of(None) == whole.findings
    assert whole.findings_of("another") == ()


def test_the_calls_are_counted_by_how_they_are_tied() -> None:
    calls = told(*sync_run()).calls
    assert calls.count == 6
    assert dict(calls.by_rule) == {"request-id": 1, "resource-id": 5}
    assert calls.watched
    assert calls.measured
    alone = told(*sync_calls()).calls
    assert dict(alone.by_rule) == {"none": 6}
    assert not alone.measured


def test_nothing_is_told_of_nothing() -> None:
    empty = told()
    assert (empty.executions, empty.findings) == ((), ())
    assert (empty.calls.count, empty.calls.watched) == (0, False)


@settings(max_examples=20, deadline=None)
@given(st.permutations(sync_run(denied=True)))
def test_equal_traces_have_equal_reports(records: list[Received]) -> None:
    assert report(extend(Trace(), records)) == told(*sync_run(denied=True))


@pytest.mark.parametrize("cut", range(9))
def test_a_history_cut_anywhere_has_a_report(cut: int) -> None:
    records: Any = [*sync_history()[cut:], *sync_calls()]
    rows: tuple[StateRow, ...] = tuple(
        row for execution in told(*records).executions for row in execution.states
    )
    assert len(rows) <= 1
