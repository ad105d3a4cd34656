"""Findings on the patterns by which states call their services."""

from collections.abc import Iterator
from typing import Any

from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.integration_words import integration_text, resource_words


def patterns(analysis: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield the patterns of states and their meaning; like states make one finding."""
    by_resource = grouped(analysis.states, lambda state: resource_words(state.first))
    for states in by_resource.values():
        first = states[0].first
        text = integration_text([state.name for state in states], first)
        proofs = [f"#{state.first.scheduled_id}" for state in states]
        data: dict[str, Any] = {
            "visit": states[0].visits[0].id,
            "states": len(states),
            "visits": sum(len(state.visits) for state in states),
            "pattern": str(first.pattern),
        }
        yield finding("pattern", text, proofs, **data)
