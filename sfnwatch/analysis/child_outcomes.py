"""Findings on what became of Map Runs and child executions."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import asdict

from sfnwatch.analysis.ending_error import ended_with
from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Finding, Steps, finding
from sfnwatch.analysis.grouping import ranked
from sfnwatch.analysis.lists import listed_counts, some
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import agreeing, plural
from sfnwatch.analysis.reasons import with_error
from sfnwatch.analysis.statuses import status_words
from sfnwatch.model.arns import short_id
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.execution_list import UNSUCCESSFUL
from sfnwatch.model.map_runs import MapRun
from sfnwatch.model.started_executions import Parent

_CAUSE_CHARACTERS = 160
_STATUSES = ("failed", "timed_out", "aborted", "succeeded", "running", "pending")
"""The statuses of a Map Run's executions, failures first."""
_MAP_RUN = "{state} ran {items} as {children}: {outcomes}{errors}. {histories}."
_CHILD_FAILED = (
    "The child execution started by {state}, {child}, ended as {status}{error}."
)


def children(analysis: ExecutionAnalysis) -> Steps:
    """Yield findings on an execution's Map Runs, and on children that failed."""
    lineage = analysis.snapshot.lineage
    arn = analysis.execution.arn
    for map_run in analysis.snapshot.map_runs.values():
        parent = lineage.map_runs.get(map_run.arn)
        if parent is not None and parent.execution_arn == arn:
            yield from _map_run(analysis, map_run, parent)
    for child in analysis.trace_analysis.started.get(arn, ()):
        if child.status in UNSUCCESSFUL:
            yield _child_failed(analysis, child, lineage.parents[child.arn])


def _map_run(analysis: ExecutionAnalysis, map_run: MapRun, parent: Parent) -> Steps:
    """Yield a finding on a Map Run, if an event shows that it was started."""
    turns = analysis.execution.map_run_turns
    proofs = [f"#{turn.event.id}" for turn in turns if turn.arn == map_run.arn]
    if not proofs:
        return
    read = analysis.trace_analysis.started.get(map_run.arn, ())
    errors = []
    for child in read:
        if child.status in UNSUCCESSFUL:
            error, _ = ended_with(analysis.snapshot, child)
            errors.append(error or child.status)
            yield None
    error_counts = ranked(errors)
    text = _MAP_RUN.format(
        state=analysis.state_name(parent.visit_id),
        items=plural(map_run.items.total, "item"),
        children=plural(map_run.executions.total, "child execution"),
        outcomes=_outcomes(map_run),
        errors=f" ({listed_counts(error_counts)})" if error_counts else "",
        histories=_histories(len(read), map_run.executions.total),
    )
    data: dict[str, Any] = {
        "map_run": map_run.arn,
        "visit": parent.visit_id or None,
        "status": map_run.status,
        **asdict(map_run.executions),
        "histories": len(read),
        "errors": error_counts,
    }
    yield finding("children", text, proofs, **data)


def _outcomes(map_run: MapRun) -> str:
    """List the numbers of child executions by status."""
    outcomes = []
    for status in _STATUSES:
        count = getattr(map_run.executions, status)
        if count:
            outcomes.append(f"{count:,} {status_words(status)}")
    return some(outcomes, len(_STATUSES)) or "none has started"


def _histories(read: int, total: int) -> str:
    if read < total:
        were = agreeing(read, "was", "were")
        return f"{read:,} of the {total:,} child histories {were} read"
    return "All child histories were read" if read else "No child has run yet"


def _child_failed(
    analysis: ExecutionAnalysis, child: ExecutionAsOf, parent: Parent
) -> Finding:
    error, cause = ended_with(analysis.snapshot, child)
    text = _CHILD_FAILED.format(
        state=analysis.state_name(parent.visit_id),
        child=named(f"{child.state_machine_name} › {short_id(child.name)}"),
        status=child.status,
        error=with_error(error, cause, _CAUSE_CHARACTERS),
    )
    attempt = parent.attempt_id
    data: dict[str, Any] = {
        "execution": child.arn,
        "visit": parent.visit_id or None,
        "attempt": attempt,
        "status": child.status,
        "error": error or child.status,
    }
    proofs: Sequence[str] = [f"#{attempt}"] if attempt else []
    return finding("child-failed", text, proofs, **data)
