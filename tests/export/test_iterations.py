"""Iterations that time out together are said to have timed out, in every outlet.

AWS fails the first of them and calls the others aborted. The order of the events is
that of a recorded history.
"""

import pytest

from sfnwatch.analysis.report import Report
from sfnwatch.analysis.report_document import explain
from sfnwatch.export import TARGETS
from sfnwatch.model.trace import Trace
from tests.analysis.finding_in import text_of
from tests.builders import ARN, history
from tests.export.test_plain import printed as narrated
from tests.export.traces import WITHOUT_CALLS, printed

INVOKE = '{"resourceType": "lambda", "resource": "invoke"}'
TIMED_OUT = '{"resourceType": "lambda", "error": "States.Timeout"}'
NUMBERS = range(4)
RECORDS = history(
    "ExecutionStarted",
    "MapStateEntered@0 Each",
    "MapStateStarted",
    *(f"MapIterationStarted@3 Each#{number}" for number in NUMBERS),
    *(f"TaskStateEntered@{number + 4} Work" for number in NUMBERS),
    *(f"TaskScheduled@{number + 8} {INVOKE}" for number in NUMBERS),
    *(f"TaskTimedOut@{number + 12} {TIMED_OUT}" for number in NUMBERS),
    "MapIterationFailed@16 Each#0",
    "TaskStateAborted@16",
    *(f"MapIterationAborted@16 Each#{number}" for number in NUMBERS[1:]),
    "MapStateFailed@16",
    'ExecutionFailed@25 {"error": "States.Timeout"}',
)
EVENT = "task state aborted"
"""The words of an event that names no state: no iteration is told of."""


def trace() -> Trace:
    made = Trace()
    made.add(RECORDS)
    return made


@pytest.mark.parametrize("target", [t for t in TARGETS if t not in WITHOUT_CALLS])
def test_every_export_says_that_the_iterations_timed_out(target: str) -> None:
    text = printed(target, RECORDS).lower()
    for of_event in ("taskstateaborted", "mapiterationaborted", EVENT):
        text = text.replace(of_event, "")
    assert "aborted" not in text
    assert text.count("timed_out") + text.count("timed out") >= len(NUMBERS)


def test_neither_do_the_lines_as_they_come() -> None:
    lines, _ = narrated([[record] for record in RECORDS])
    assert not [line for line in lines if "aborted" in line and EVENT not in line]
    assert [line.split("  ")[-1] for line in lines if "Each  [" in line][4:] == [
        f"[{number}] timed out" for number in NUMBERS
    ]


def test_the_table_of_states_counts_all_of_them_and_the_first_is_what_failed() -> None:
    report = Report(trace().as_of())
    (row,) = (row for row in report.executions[0].states if row.name == "Work")
    assert row.statuses == {"timed_out": len(NUMBERS)}
    assert report.executions[0].verdict.path == "Main / Each[0] / Work"
    assert "aborted" not in text_of(explain(report))


def test_all_of_them_run_until_the_map_fails() -> None:
    execution = trace().as_of().executions[ARN]
    before = trace().as_of(execution.event(19).at).executions[ARN]  # type: ignore[union-attr]
    assert {visit.status for visit in before.visits} == {"running"}
