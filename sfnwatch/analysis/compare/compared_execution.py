"""One of the two executions of a comparison, with its input, error and calls."""

from collections.abc import Mapping, Sequence

from sfnwatch.analysis.attempt_analysis import AttemptAnalysis
from sfnwatch.analysis.ending_error import ended_with
from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.matched_calls import MatchedCalls
from sfnwatch.analysis.phases import Phase, seconds_by_phase, seconds_taken
from sfnwatch.model.values import text_of
from sfnwatch.model.visits import StateVisit


class ComparedExecution:
    """One of the two executions. A running one is measured to its newest record."""

    def __init__(self, letter: str, analysis: ExecutionAnalysis) -> None:
        self.letter = letter
        """A or B."""
        self.analysis = analysis
        self.execution = analysis.execution
        self.now = analysis.known_to
        self.seconds = _seconds(analysis)
        """The seconds it took, or has taken so far; None if not known."""
        self.error, _ = ended_with(analysis.snapshot, analysis.execution)
        """The error that it ended with; None without one."""
        self.input = _input(analysis)
        """Its input as text; None if it is not known."""
        self.attempts: list[AttemptAnalysis] = []
        for state in analysis.states:
            self.attempts += state.attempts
        self.calls = MatchedCalls.joined(attempt.calls for attempt in self.attempts)
        """Every call that is matched to one of its attempts."""
        self.polls = MatchedCalls.joined(attempt.polls for attempt in self.attempts)
        """The polls among its calls that were made while their attempt waited."""
        self.expects_calls = any(map(_is_recorded, self.attempts))
        """True if one of its attempts made a call that CloudTrail records."""
        self.lacks_calls = self.expects_calls and not any(self.calls)
        """True if it made such calls, but none is matched."""

    def seconds_taken(self, visit: StateVisit | None) -> float | None:
        """Return the seconds that a visit took; of a running one, so far."""
        return None if visit is None else seconds_taken(visit, self.now)

    def phases_of(self, visit: StateVisit | None) -> Mapping[Phase, float] | None:
        """Return a visit's seconds by phase; None without a visit."""
        if visit is None:
            return None
        return seconds_by_phase(self.execution, visit, self.now)

    def attempts_of(self, visit: StateVisit | None) -> Sequence[AttemptAnalysis]:
        if visit is None:
            return ()
        return self.analysis.attempts_of.get(visit.id, ())


ExecutionPair = tuple[ComparedExecution, ComparedExecution]
"""A and B."""


def _seconds(analysis: ExecutionAnalysis) -> float | None:
    begun = analysis.execution.started_at
    known = analysis.trace_analysis.known_to(analysis.execution)
    if begun is None or known is None:
        return None
    seconds = (known - begun).total_seconds()
    return max(0.0, round(seconds, 3))


def _input(analysis: ExecutionAnalysis) -> str | None:
    started = analysis.execution.event(1)
    if started is None:
        return None
    details = analysis.snapshot.trace.details(started)
    return text_of(details.get("input"))


def _is_recorded(attempt: AttemptAnalysis) -> bool:
    integration = attempt.attempt.integration
    return integration is not None and integration.recorded
