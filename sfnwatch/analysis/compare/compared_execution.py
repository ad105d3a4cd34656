"""One of the two executions of a comparison, with its input, error and calls."""

from sfnwatch.analysis.ending_error import ended_with
from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.matched_calls import MatchedCalls
from sfnwatch.model.values import text_of


class ComparedExecution:
    """One of the two executions. A running one is measured to its newest record."""

    def __init__(self, letter: str, case: ExecutionAnalysis) -> None:
        self.letter, self.case = letter, case
        """A or B, and the case of its execution."""
        self.execution = case.execution
        self.now = case.known_to
        begun = case.execution.started_at
        known = case.trace_analysis.known_to(case.execution)
        seconds = round((known - begun).total_seconds(), 3) if begun and known else None
        self.seconds = None if seconds is None else max(0.0, seconds)
        """The seconds it took, or has taken so far; None if not known."""
        self.error, _ = ended_with(case.snapshot, case.execution)
        """The error that it ended with; None without one."""
        first = self.execution.event(1)
        details = case.snapshot.trace.details(first) if first is not None else {}
        self.input = text_of(details.get("input"))
        """Its input as text; None if it is not known."""
        self.attempts = [each for use in case.states for each in use.attempts]
        self.calls = MatchedCalls.joined(each.calls for each in self.attempts)
        """Every call that is matched to one of its attempts."""
        self.polls = MatchedCalls.joined(each.polls for each in self.attempts)
        """The polls among its calls that were made while their attempt waited."""
        rows = (each.attempt.integration for each in self.attempts)
        self.expects_calls = any(row is not None and row.recorded for row in rows)
        """True if one of its attempts made a call that CloudTrail records."""
        self.lacks_calls = self.expects_calls and not any(self.calls)
        """True if it made such calls, but none is matched."""


ExecutionPair = tuple[ComparedExecution, ComparedExecution]
"""A and B."""
