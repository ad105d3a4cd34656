"""The most important findings about a trace, failures first."""

from sfnwatch.analysis.finding import Finding
from sfnwatch.analysis.report import Report
from sfnwatch.tui.evidence import evidence_of, is_kept
from sfnwatch.tui.screen_state import ScreenState

_CANDIDATES = 50
"""The findings are chosen from this many of the first."""


def key_findings(screen_state: ScreenState, most: int) -> list[Finding]:
    """Return the most important findings, of those that a filter keeps."""
    report = Report(
        screen_state.snapshot,
        screen_state.findings,
        screen_state.now,
        with_states=False,
    )
    visits = screen_state.kept_visits()
    chosen: list[Finding] = []
    for finding in report.telling(_CANDIDATES):
        if len(chosen) == most:
            break
        if is_kept(screen_state, evidence_of(screen_state, finding), visits):
            chosen.append(finding)
    return chosen
