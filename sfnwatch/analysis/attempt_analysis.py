"""An attempt with its calls and polls, and the words for it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sfnwatch.analysis.attempt_calls import AttemptCalls
from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.analysis.names import cleaned_path
from sfnwatch.analysis.poll_intervals import PollIntervals, measure_intervals
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.integrations import Pattern
from sfnwatch.model.times import seconds_between
from sfnwatch.model.visits import StateVisit

if TYPE_CHECKING:
    from sfnwatch.analysis.state_analysis import StateAnalysis

FIRST_POLL = timedelta(seconds=70)
"""The first poll has come by then: recorded first polls came after 55 to 60 s."""
CLOCKS_APART = timedelta(seconds=5)
"""How far two clocks may differ if no record measures it [inferred]."""


class AttemptAnalysis(AttemptCalls):
    """An attempt at a state, with the words for it."""

    def __init__(self, state: "StateAnalysis", visit: StateVisit, number: int) -> None:
        """`number` is the attempt's number within its visit, from 1."""
        attempt = visit.attempts[number - 1]
        trace_analysis = state.trace_analysis
        key = (state.execution.arn, attempt.scheduled_id)
        super().__init__(trace_analysis.snapshot, trace_analysis.coverage, key, attempt)
        self.state = state
        self.visit = visit
        self.subject = state.name if len(state.visits) == 1 else cleaned_path(visit)
        """The state, and which try if there are several: `Each[3] / Work (try 2)`."""
        if len(visit.attempts) > 1:
            self.subject = f"{self.subject} (try {number})"
        self.running = attempt.status == "running"

    @property
    def seconds(self) -> float | None:
        """The seconds from scheduled to ended; None while the attempt runs."""
        if self.attempt.ended_at is None:
            return None
        return seconds_between(self.attempt.scheduled_at, self.attempt.ended_at)

    def ran_at(self, at: datetime) -> bool:
        """True if the attempt ran at a call's time, or may have by another clock."""
        begin, end = self._span
        return begin <= at and (end is None or at <= end)

    @property
    def _span(self) -> tuple[datetime, datetime | None]:
        """When the attempt began and ended, by any of two clocks that may differ."""
        ended = self.attempt.ended_at
        end = None if ended is None else ended + CLOCKS_APART
        return self.attempt.scheduled_at - CLOCKS_APART, end

    @property
    def end_event(self) -> str:
        """The event that ended the attempt, or its last known event: `#7`."""
        return f"#{self.attempt.event_ids[-1]}"

    @property
    def action(self) -> ApiCall | None:
        """The call that started the job: the last one that AWS accepted, or None."""
        for call in reversed(self.actions.sure):
            if call.error_code is None:
                return call
        return None

    @cached_property
    def intervals(self) -> PollIntervals:
        """The seconds between polls: only intervals that no later record can divide."""
        action = self.action
        if action is not None and not self.coverage.is_settled(action):
            action = None
        return measure_intervals(action, self.known_polls)

    @cached_property
    def known_polls(self) -> Sequence[ApiCall]:
        """The polls between which no later record can fall."""
        return self.coverage.settled(self.polls.sure)

    @property
    def settled(self) -> bool:
        """True if later records can't change what is said about the polls.

        While the attempt waits, more polls are expected. Then it is enough that the
        records are complete up to the last poll.
        """
        if self.attempt.ended_at is not None:
            return self.coverage.has_all_polls(self.attempt)
        return len(self.known_polls) == len(self.polls.sure)

    @property
    def is_seen_whole(self) -> bool:
        """True if a poll would be in the records by now, had one been made."""
        ended = self.attempt.ended_at
        if ended is not None and self.attempt.pattern is not Pattern.SYNC:
            action = (self.actions.sure or self.actions.guessed)[-1]
            ended = max(ended, action.event_time + FIRST_POLL)
        return self.state.trace_analysis.covers(ended)

    @property
    def way(self) -> tuple[str, bool]:
        """What the attempt runs, and whether all its polls were denied."""
        polls = self.polls
        all_denied = len(polls.denied.every) == len(polls.every)
        return resource_words(self.attempt), bool(polls.sure) and all_denied

    @property
    def place(self) -> dict[str, Any]:
        """The attempt as data names it: by its visit's id and its own."""
        return {"visit": self.visit.id, "attempt": self.attempt.scheduled_id}

    @property
    def polls_that_may_be_its(self) -> list[ApiCall]:
        """Polls of the attempt's time that may be its own: guessed or unmatched."""
        calls = self.state.trace_analysis.unproven
        return list(self.unproven_polls(calls, *self._span))
