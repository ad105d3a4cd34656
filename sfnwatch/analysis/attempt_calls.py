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
from sfnwatch.model.linking.link import AttemptKey, LinkRule
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
        sure = list(sure_calls(self.snapshot, self.key))
        ids = {call.event_id for call in sure}
        every = self.snapshot.calls_of(self.key)
        return MatchedCalls(sure, [call for call in every if call.event_id not in ids])

    def _of_role(self, role: CallRole) -> MatchedCalls:
        """Return the calls that have a role in the attempt's work, by their names."""
        row = self.attempt.integration
        if row is None:
            return MatchedCalls(())
        return self.calls.those(lambda call: row.role_of(call.event_name) is role)

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
        return polls.those(lambda call: call.event_time - end < _LATE_POLL)

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
        otherwise = attempt.status in ENDED_OTHERWISE
        if stopped is None or learned is None or stopped > learned or otherwise:
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
        row = self.attempt.integration
        arn = self.key[0]
        execution = self.snapshot.executions[arn]
        role = role_name(self.attempt.role_arn or execution.role_arn)
        names = {(row.event_source, name) for name in row.poll_events} if row else set()
        first = bisect_right(
            calls, begin - CALL_TIME_STEP, key=lambda call: call.event_time
        )
        for call in map(calls.__getitem__, range(first, len(calls))):
            if end is not None and call.event_time > end:
                return
            link = self.snapshot.link(call) if call.name in names else None
            if link is None or link.is_sure:
                continue
            may_be_its = call.role == role and not call.has_request
            if call.has_request:
                naming = self.snapshot.trace.linker.calls_about(self.attempt)
                may_be_its = call.event_id in naming
            if link.key is not None or link.rule is LinkRule.AMBIGUOUS:
                fitting = {link.key, *link.candidates}
                may_be_its = self.key in fitting or link.unlisted > 0
            if may_be_its:
                yield call


def sure_calls(snapshot: Snapshot, key: AttemptKey) -> Iterator[ApiCall]:
    """Yield the calls of an attempt, without those that are matched by a guess."""
    links = ((call, snapshot.link(call)) for call in snapshot.calls_of(key))
    return (call for call, link in links if link is not None and link.is_sure)
