"""Findings on errors that a Catch took."""

from collections.abc import Iterator, Sequence
from typing import Any

from sfnwatch.analysis.caught_errors import CaughtError, caught_errors
from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.grouping import grouped, report_groups
from sfnwatch.analysis.names import cleaned_path, named
from sfnwatch.analysis.quantities import times
from sfnwatch.analysis.reasons import with_error

_CAUGHT = "{state} failed{inside}{often}{error} (caught{next})."


def caught(analysis: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield findings on caught errors; very many like errors make one finding."""
    errors = caught_errors(analysis)
    alike = grouped(
        errors, lambda error: (error.visit.name, error.error, error.next_state)
    )
    for like_errors in alike.values():
        for group in report_groups(like_errors):
            yield _caught(group)


def _caught(errors: Sequence[CaughtError]) -> Finding:
    first = errors[0]
    visit = first.visit
    state = cleaned_path(visit)
    often = ""
    cause = first.cause
    if len(errors) > 1:
        state = named(visit.name)
        often = f" {times(len(errors))}"
        cause = None
    failing = first.failing
    next_state = first.next_state
    text = _CAUGHT.format(
        state=state,
        inside=f" in {named(failing.name)}" if failing else "",
        often=often,
        error=with_error(first.error, cause),
        next=f", and {named(next_state)} came next" if next_state else "",
    )
    proofs = [f"#{error.visit.troubled_by}" for error in errors]
    data: dict[str, Any] = {
        "visit": visit.id,
        "next_state": next_state,
        "failing": failing.id if failing else None,
        "cause": cause,
        "error": first.error,
        "count": len(errors),
    }
    return finding("caught", text, proofs, **data)
