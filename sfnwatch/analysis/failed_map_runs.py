"""Findings on Map Runs that failed."""

from collections.abc import Iterator
from typing import Any

from sfnwatch.analysis.ending_error import error_and_cause
from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.names import visit_path
from sfnwatch.analysis.reasons import error_words

_CAUSE = 160


def map_runs_failed(case: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield findings on Map Runs that failed, for example in their ItemReader.

    If the state failed with its Map Run, or was caught, the finding on the state says
    so, and there is none here.
    """
    turns = case.execution.map_run_turns
    for number, (event, _) in enumerate(turns):
        visit = case.execution.visit(event.visit_id)
        if event.type != "MapRunFailed" or visit is None:
            continue
        later = [e for e, _ in turns[number + 1 :] if e.visit_id == visit.id]
        if not later and visit.status not in {"running", "succeeded"}:
            continue
        error, cause = error_and_cause(case.snapshot, event)
        reason = error_words(error, cause, _CAUSE)
        text = f"A Map Run of {visit_path(visit)} failed"
        text += f"{f' with {reason}' if reason else ''}"
        text += "; another was started." if later else "."
        data: dict[str, Any] = {"visit": visit.id, "error": error, "cause": cause}
        yield finding("map-run-failed", text, [f"#{event.id}"], **data)
