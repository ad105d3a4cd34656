"""Findings on executions that were redriven."""

from collections.abc import Iterator
from typing import Any

from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.lists import some
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import spoken, times

_REDRIVEN = (
    "The execution was redriven {often}, after being stopped for {seconds}{continued}."
)


def redriven(analysis: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield a finding on an execution's redrives, and on the states they continued."""
    execution = analysis.execution
    redrives = execution.redrives
    if not redrives:
        return
    visits = [visit for visit in analysis.visits if visit.pauses]
    # Of a Map or Parallel, the redrive continued the states inside, so only they count.
    containers = {visit.parent for visit in visits}
    inner_names = [visit.name for visit in visits if visit.id not in containers]
    names = dict.fromkeys(map(named, inner_names))
    text = _REDRIVEN.format(
        often=times(len(redrives)),
        seconds=spoken(execution.stopped_seconds),
        continued=f"; it continued with {some(names)}" if names else "",
    )
    events = []
    for redrive in redrives:
        events += [redrive.ended, redrive.event]
    events.append(execution.ending)
    proofs = [f"#{event.id}" for event in events if event is not None]
    data: dict[str, Any] = {
        "redrives": len(redrives),
        "count": redrives[-1].number,
        "seconds": round(execution.stopped_seconds, 3),
        "status": execution.status,
        "visits": [visit.id for visit in visits],
    }
    yield finding("redriven", text, proofs, **data)
