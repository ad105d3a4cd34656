"""Findings on the failure that ended an execution, and on those of unnamed states."""

from collections.abc import Iterator
from typing import Any

from sfnwatch.analysis.ending_error import error_and_cause
from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.names import named, visit_path
from sfnwatch.analysis.reasons import error_words
from sfnwatch.analysis.statuses import ended_words
from sfnwatch.analysis.verdict import ExecutionVerdict, brought_down
from sfnwatch.model.history_event import TERMINAL
from sfnwatch.model.values import text_of

_FAILURE_CAUSE = 600


def failed(case: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield what failed and why, as far as the error and its cause show it."""
    execution = case.execution
    verdict = ExecutionVerdict(case.trace_analysis, case.execution)
    ending = execution.ending
    visit = execution.visit(verdict.visit)
    reason = error_words(verdict.error, verdict.cause, _FAILURE_CAUSE)
    if execution.running or ending is None or not (reason or visit):
        return
    what = visit_path(visit) if visit else "The execution"
    text = f"{what} {ended_words(verdict.status)}{f' with {reason}' if reason else ''}."
    ids = [*(visit.event_ids[-1:] if visit else ()), ending.id]
    # If the event before the end is missing, the failed state is only an inference.
    is_known = visit is None or verdict.status != "FAILED"
    is_known = is_known or brought_down(execution, visit)
    data: dict[str, Any] = {"visit": verdict.visit, "status": verdict.status}
    data |= {"error": verdict.error, "cause": verdict.cause}
    yield finding("failed", text, (f"#{each}" for each in ids), fact=is_known, **data)


def failed_out_of_sight(case: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield the failures in states that the history does not name.

    A log of level ERROR only has the events of failures.
    """
    for event in case.execution.events:
        is_failure = event.type.endswith(("Failed", "TimedOut"))
        if not is_failure or event.visit_id or event.type in TERMINAL:
            continue
        snapshot = case.trace_analysis.snapshot
        error, cause = error_and_cause(snapshot, event)
        details = snapshot.trace.details(event)
        names = (text_of(details.get(key)) for key in ("resourceType", "resource"))
        resource = ":".join(name for name in names if name)
        whose = f" ({named(resource)})" if resource else ""
        reason = error_words(error, cause, _FAILURE_CAUSE)
        text = f"{named(event.type)}{whose} in a state that is not named here"
        text += f": {reason}." if reason else "."
        data: dict[str, Any] = {"visit": None, "status": None}
        data |= {"error": error, "cause": cause}
        yield finding("failed", text, [f"#{event.id}"], **data)
