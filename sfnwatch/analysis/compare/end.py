"""How an attempt, a state or an execution ended."""

from typing import NamedTuple

from sfnwatch.analysis.attempt_analysis import AttemptAnalysis
from sfnwatch.analysis.names import named
from sfnwatch.analysis.statuses import ended_words
from sfnwatch.model.visits import StateVisit


class End(NamedTuple):
    """How an attempt, a state or an execution ended."""

    status: str
    error: str | None

    @property
    def words(self) -> str:
        """The end as a verb: `failed with States.Timeout (caught)`."""
        words = ended_words(self.status)
        if self.error and self.status != "succeeded":
            words += f" with {named(self.error)}"
        if self.status == "caught":
            words += " (caught)"
        return words

    @property
    def error_words(self) -> str:
        return named(self.error) if self.error else "no error named"


def attempt_end(attempt: AttemptAnalysis) -> End:
    return End(attempt.attempt.status, attempt.attempt.error)


def visit_end(visit: StateVisit) -> End:
    """Return how a state ended; its error is its own or its last attempt's."""
    error = visit.error
    if not error and visit.attempts:
        error = visit.attempts[-1].error
    return End(visit.status, error)
