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
    sentence = f"{finding.certainty:<12}  {label}{finding.text}"
    evidence = brief_evidence(finding.evidence)
    if evidence:
        sentence += f"  [{evidence}]"
    return sentence


def health_words(health: SourceHealth) -> str:
    """Return how a source is doing: its state, why, and when it is tried again."""
    words = str(health.state)
    if health.state is HealthState.DRAINING:
        words = "waiting for late records"
        if health.until is not None:
            words += f", until {health.until:%H:%M:%S} at most"
    if health.message:
        words += f". {clean(health.message)}"
    if health.retry_in is not None:
        words += f" Trying again in {duration(health.retry_in)}."
    return words
