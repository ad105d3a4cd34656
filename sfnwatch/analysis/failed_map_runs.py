"""Findings on Map Runs that failed."""

from collections.abc import Iterator
from typing import Any

from sfnwatch.analysis.ending_error import error_and_cause
from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.names import cleaned_path
from sfnwatch.analysis.reasons import with_error

_CAUSE_CHARACTERS = 160
_FAILED = "A Map Run of {state} failed{error}."
_FAILED_AT_FIRST = "A Map Run of {state} failed{error}; another was started."


def map_runs_failed(analysis: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield findings on Map Runs that failed, for example in their ItemReader.

    If the state failed with its Map Run, or was caught, the finding on the state says
    so, and there is none here.
    """
    execution = analysis.execution
    events = [turn.event for turn in execution.map_run_turns]
    for number, event in enumerate(events, start=1):
        visit = execution.visit(event.visit_id)
        if event.type != "MapRunFailed" or visit is None:
            continue
        has_more = any(later.visit_id == visit.id for later in events[number:])
        if not has_more and visit.status not in {"running", "succeeded"}:
            continue
        error, cause = error_and_cause(analysis.snapshot, event)
        template = _FAILED_AT_FIRST if has_more else _FAILED
        text = template.format(
            state=cleaned_path(visit),
            error=with_error(error, cause, _CAUSE_CHARACTERS),
        )
        data: dict[str, Any] = {"visit": visit.id, "error": error, "cause": cause}
        yield finding("map-run-failed", text, [f"#{event.id}"], **data)
