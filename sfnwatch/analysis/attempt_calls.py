"""The calls matched to an attempt, and what they show of its job."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cached_property

from sfnwatch.analysis.completion import CALL_TIME_STEP, Completion
from sfnwatch.analysis.matched_calls import MatchedCalls
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import role_name
from sfnwatch.model.coverage import Coverage
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.link import AttemptKey, Link, LinkRule
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.visits import Attempt

ENDED_OTHERWISE = frozenset({"timed_out", "aborted"})
"""The statuses of attempts that ended for another reason than their job's end."""
_LATE_POLL = timedelta(seconds=60)
"""A poll may be under way at the attempt's end; a later poll is of another wait."""


class AttemptCalls:
    """The calls matched to an attempt, and what they show; worked out on demand."""

    def __init__(
        self, snapshot: Snapshot, coverage: Coverage, key: AttemptKey, attempt: Attempt
    ) -> None:
        self.snapshot = snapshot
        self.coverage = coverage
        self.key = key
        self.attempt = attempt

    @cached_property
    def calls(self) -> MatchedCalls:
        sure: list[ApiCall] = []
        guessed: list[ApiCall] = []
        for call in self.snapshot.calls_of(self.key):
            link = self.snapshot.link(call)
            if link is not None and link.is_sure:
                sure.append(call)
            else:
                guessed.append(call)
        return MatchedCalls(sure, guessed)

    def _of_role(self, role: CallRole) -> MatchedCalls:
        """Return the calls that have a role in the attempt's work, by their names."""
        integration = self.attempt.integration
        if integration is None:
            return MatchedCalls(())
        return self.calls.filtered(
            lambda call: integration.role_of(call.event_name) is role
        )

    @cached_property
    def actions(self) -> MatchedCalls:
        return self._of_role(CallRole.ACTION)

    @cached_property
    def polls(self) -> MatchedCalls:
        """The polls made while the attempt waited; a poll hours later is another's."""
        polls = self._of_role(CallRole.POLL)
        end = self.attempt.ended_at
        if end is None:
            return polls
        return polls.filtered(lambda call: call.event_time - end < _LATE_POLL)

    @cached_property
    def complete(self) -> bool:
        """True if the records reach past the attempt's end.

        False while more polls may be made or found. A file may be cut at its end. A
        page of LookupEvents begins with the newest call, so it may also lack the
        oldest ones.
        """
        # Guesses count, too: what matters is how far the records reach, not whose
        # calls they are.
        end = self.attempt.ended_at
        calls = self.calls.every
        reach = self.coverage.of(self.key[0], self.attempt, calls)
        if end is None or reach is None or reach < end:
            return False
        if self.coverage.live or self.actions.every:
            return True
        return self.snapshot.calls[0].event_time <= self.attempt.scheduled_at

    @cached_property
    def completion(self) -> Completion | None:
        """How Step Functions learned of the end of the attempt's job.

        None unless the job's own answer, or ECS, gives the time of the stop. None also
        if that time is after Step Functions knew of the end: two clocks that disagree
        measure nothing. None also for an attempt that timed out or was aborted, which
        did not end because of its job.

        A denied poll reports nothing, so it is never what reported the end. While an
        answered poll in between may be the attempt's own without proof, what reported
        the end is not known.
        """
        attempt = self.attempt
        stopped = attempt.stopped_at
        learned = attempt.ended_at
        if stopped is None or learned is None or stopped > learned:
            return None
        if attempt.status in ENDED_OTHERWISE:
            return None
        return Completion(self, stopped, learned)

    def unproven_polls(
        self, calls: Sequence[ApiCall], begin: datetime, end: datetime | None
    ) -> Iterator[ApiCall]:
        """Yield the polls between two times that may be the attempt's own.

        `calls` are in order of time. Such a poll is matched to the attempt by a guess,
        or is ambiguous and fits it, or names its job. Or the attempt's role made it,
        and its record has no request parameters.
        """
        integration = self.attempt.integration
        if integration is None:
            return
        names = {(integration.event_source, name) for name in integration.poll_events}
        first = bisect_right(
            calls, begin - CALL_TIME_STEP, key=lambda call: call.event_time
        )
        for position in range(first, len(calls)):
            call = calls[position]
            if end is not None and call.event_time > end:
                return
            if call.name not in names:
                continue
            link = self.snapshot.link(call)
            if link is not None and not link.is_sure and self._may_be_its(call, link):
                yield call

    def _may_be_its(self, call: ApiCall, link: Link) -> bool:
        """True if the attempt may have made a call whose match is not proven."""
        if link.key is not None or link.rule is LinkRule.AMBIGUOUS:
            is_candidate = link.key == self.key or self.key in link.candidates
            return is_candidate or link.unlisted > 0
        if call.has_request:
            return call.event_id in self.snapshot.trace.linker.calls_about(self.attempt)
        execution = self.snapshot.executions[self.key[0]]
        return call.role == role_name(self.attempt.role_arn or execution.role_arn)


def sure_calls(snapshot: Snapshot, key: AttemptKey) -> Iterator[ApiCall]:
    """Yield the calls of an attempt, without those that are matched by a guess."""
    for call in snapshot.calls_of(key):
        link = snapshot.link(call)
        if link is not None and link.is_sure:
            yield call
