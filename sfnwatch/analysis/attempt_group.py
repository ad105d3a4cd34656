"""Attempts that are reported together."""

from collections.abc import Sequence
from typing import Any

from sfnwatch.analysis.attempt_analysis import AttemptAnalysis
from sfnwatch.analysis.matched_calls import MatchedCalls
from sfnwatch.model.api_call import ApiCall


class AttemptGroup:
    """Attempts that are reported together; mostly there is only one."""

    def __init__(self, attempts: Sequence[AttemptAnalysis]) -> None:
        self.attempts = attempts
        self.several = len(attempts) > 1
        self.calls = MatchedCalls.joined([attempt.calls for attempt in attempts])
        self.actions = MatchedCalls.joined([attempt.actions for attempt in attempts])
        self.polls = MatchedCalls.joined([attempt.polls for attempt in attempts])
        self.denied = self.polls.denied
        self.seconds_between_polls: list[float] = []
        for attempt in attempts:
            self.seconds_between_polls += attempt.intervals.seconds
        self.statuses = {attempt.attempt.status for attempt in attempts}
        self.complete = all(attempt.complete for attempt in attempts)
        self.so_far = "" if self.complete else " so far"

    @property
    def first(self) -> AttemptAnalysis:
        return self.attempts[0]

    @property
    def place(self) -> dict[str, Any]:
        """The attempts as data names them: the first one, and how many there are."""
        place = self.first.place
        if self.several:
            place["tries"] = len(self.attempts)
        return place

    @property
    def settled(self) -> bool:
        """True if later records can't change what is said about the polls."""
        return all(attempt.settled for attempt in self.attempts)

    @property
    def is_seen_whole(self) -> bool:
        """True if all polls would be in the records by now, had any been made."""
        return all(attempt.is_seen_whole for attempt in self.attempts)

    @property
    def polls_that_may_be_its(self) -> list[ApiCall]:
        """Polls of the attempts' times that may be their own: guessed or unmatched."""
        polls: list[ApiCall] = []
        for attempt in self.attempts:
            polls += attempt.polls_that_may_be_its
        return polls
