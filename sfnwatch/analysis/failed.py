"""Findings on the failure that ended an execution, and on those of unnamed states."""

from collections.abc import Iterator

from sfnwatch.analysis.ending_error import error_and_cause
from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.names import cleaned_path, named
from sfnwatch.analysis.reasons import error_words
from sfnwatch.analysis.statuses import ended_words
from sfnwatch.analysis.verdict import ExecutionVerdict, brought_down
from sfnwatch.model.history_event import STATUS_BY_END
from sfnwatch.model.state_payloads import failed_evaluation
from sfnwatch.model.values import text_of

_REASON_LETTERS = 600
"""The most letters of an error with its cause."""


def failed(analysis: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield what failed and why, as far as the error and its cause show it."""
    execution = analysis.execution
    ending = execution.ending
    if execution.running or ending is None:
        return
    verdict = ExecutionVerdict(analysis.trace_analysis, execution)
    visit = execution.visit(verdict.visit)
    reason = error_words(verdict.error, verdict.cause, _REASON_LETTERS)
    place = ""
    data: dict[str, str] = {}
    if visit is not None:
        subject = cleaned_path(visit)
        location = failed_evaluation(analysis.snapshot, execution, visit)
        if location is not None:
            place = f" in its field {named(location)}"
            data["location"] = location
        proofs = [f"#{number}" for number in visit.event_ids[-1:]]
        # If the event before the end is missing, the failed state is only an inference.
        is_known = verdict.status != "FAILED" or brought_down(execution, visit)
    elif reason:
        subject = "The execution"
        proofs = []
        is_known = True
    else:
        return
    proofs.append(f"#{ending.id}")
    with_reason = f" with {reason}" if reason else ""
    yield finding(
        "failed",
        f"{subject} {ended_words(verdict.status)}{place}{with_reason}.",
        proofs,
        fact=is_known,
        visit=verdict.visit,
        status=verdict.status,
        error=verdict.error,
        cause=verdict.cause,
        **data,
    )


def failed_out_of_sight(analysis: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield the failures in states that the history does not name.

    A log of level ERROR only has the events of failures.
    """
    snapshot = analysis.snapshot
    for event in analysis.execution.events:
        is_failure = event.type.endswith(("Failed", "TimedOut"))
        if not is_failure or event.visit_id or event.type in STATUS_BY_END:
            continue
        subject = named(event.type)
        details = snapshot.trace.details(event)
        names = [text_of(details.get(key)) for key in ("resourceType", "resource")]
        resource = ":".join(filter(None, names))
        if resource:
            subject = f"{subject} ({named(resource)})"
        error, cause = error_and_cause(snapshot, event)
        reason = error_words(error, cause, _REASON_LETTERS)
        why = f": {reason}" if reason else ""
        yield finding(
            "failed",
            f"{subject} in a state that is not named here{why}.",
            [f"#{event.id}"],
            visit=None,
            status=None,
            error=error,
            cause=cause,
        )
