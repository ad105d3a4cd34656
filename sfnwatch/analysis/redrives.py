"""Findings on executions that were redriven."""

from collections.abc import Iterator
from typing import Any

from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.lists import some
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import spoken, times


def redriven(case: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield a finding on an execution's redrives, and on the states they continued."""
    execution = case.execution
    redrives = case.execution.redrives
    if not redrives:
        return
    again = [visit for visit in case.visits if visit.pauses]
    # Of a Map or Parallel, the redrive continued the states inside, so only they count.
    around = {visit.parent for visit in again}
    names = dict.fromkeys(named(v.name) for v in again if v.id not in around)
    events = [event for each in redrives for event in (each.ended, each.event)]
    events.append(execution.ending)
    text = f"The execution was redriven {times(len(redrives))}, having been stopped for"
    text += f" {spoken(execution.stopped_seconds)}"
    text += f"{f'; it continued with {some(names)}' if names else ''}."
    data: dict[str, Any] = {"redrives": len(redrives), "count": redrives[-1].number}
    data |= {"seconds": round(execution.stopped_seconds, 3), "status": execution.status}
    proofs = (f"#{event.id}" for event in events if event is not None)
    yield finding("redriven", text, proofs, **data, visits=[each.id for each in again])
