"""Findings and the state of a source, each as one line of plain text."""

from sfnwatch.analysis.evidence import brief_evidence
from sfnwatch.analysis.finding import CONCLUSION, Finding
from sfnwatch.model.source_health import HealthState, SourceHealth
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration


def finding_line(finding: Finding, label: str = "") -> str:
    """Return a finding as one line: its certainty, its sentence, its evidence."""
    if finding.kind == CONCLUSION:
        label = "Conclusion: "
    evidence = brief_evidence(finding.evidence)
    rests_on = f"  [{evidence}]" if evidence else ""
    return f"{finding.certainty:<12}  {label}{finding.text}{rests_on}"


def health_words(health: SourceHealth) -> str:
    """Return how a source is doing: its state, why, and when it is tried again."""
    words = str(health.state)
    if health.state is HealthState.DRAINING:
        until = f", until {health.until:%H:%M:%S} at most" if health.until else ""
        words = f"waiting for late records{until}"
    if health.message:
        words += f". {clean(health.message)}"
    if health.retry_in is not None:
        words += f" Trying again in {duration(health.retry_in)}."
    return words
