"""How long after a job's stop Step Functions learned of it, and from what.

Polls alone can't show how Step Functions learned of the stop. The answer of a `.sync`
task, or else ECS, gives the time of the stop; the history gives the time at which Step
Functions knew. With a poll between the two, a poll may have reported it. With none, it
was the managed EventBridge rule, which leaves no call behind.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sfnwatch.analysis.denials import is_denied
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.times import seconds_between

if TYPE_CHECKING:
    from sfnwatch.analysis.attempt_calls import AttemptCalls

CALL_TIME_STEP = timedelta(seconds=1)
"""CloudTrail gives a call's time in whole seconds: the call came up to one later."""


class ReportedBy(StrEnum):
    """What reported to Step Functions that a job had stopped."""

    EVENT = "event"
    POLL = "poll"
    UNKNOWN = "unknown"


class Completion:
    """The completion lag of an attempt, and what reported the job's stop."""

    def __init__(
        self, calls: "AttemptCalls", stopped_at: datetime, learned_at: datetime
    ) -> None:
        self.stopped_at = stopped_at
        self.learned_at = learned_at
        self.lag = seconds_between(stopped_at, learned_at)
        """The seconds from the job's stop until Step Functions learned of it."""
        integration = calls.attempt.integration
        self.job = integration.job_word if integration else "job"
        """The word for what stopped: a task, an execution."""
        self.poll_name = "poll"
        """The name of the call that polls for it: `DescribeTasks`."""
        if integration is not None and integration.poll_events:
            self.poll_name = integration.poll_events[0]
        answered_polls: list[ApiCall] = []
        self.failed_polls: list[ApiCall] = []
        """Polls in between that were denied or failed: they reported nothing."""
        for poll in calls.polls.sure:
            if self._may_be_between(poll) and poll.error_code is None:
                answered_polls.append(poll)
            elif self._may_be_between(poll):
                self.failed_polls.append(poll)
        self.surely_between = all(map(self._is_surely_between, self.failed_polls))
        """False if a failed poll may as well lie outside, within the same second."""
        self.possible_polls: list[ApiCall] = []
        """Answered polls in between that may be the attempt's own, without proof; none
        if an answered poll in between is surely its own."""
        self.may_show_polls = True
        """False where no poll can show: a missing one says nothing."""
        self.by = ReportedBy.POLL
        self.certain = any(map(self._is_surely_between, answered_polls))
        """False while CloudTrail may still deliver a poll in between, or if a poll is
        in the same second as the stop or as Step Functions' learning of it."""
        if answered_polls:
            return
        unproven = calls.unproven_polls(calls.snapshot.calls, stopped_at, learned_at)
        self.possible_polls += [poll for poll in unproven if poll.error_code is None]
        # With a role of the attempt's own, all its polls may be in another account's
        # CloudTrail; and for another account, Step Functions uses no events.
        elsewhere = calls.attempt.role_arn is not None and not calls.polls.sure
        self.certain = calls.complete and not elsewhere and not self.possible_polls
        self.by = ReportedBy.EVENT if self.certain else ReportedBy.UNKNOWN
        self.may_show_polls = calls.coverage.may_show_calls

    def _may_be_between(self, call: ApiCall) -> bool:
        is_after_stop = self.stopped_at - call.event_time < CALL_TIME_STEP
        return is_after_stop and call.event_time <= self.learned_at

    def _is_surely_between(self, call: ApiCall) -> bool:
        is_before_learning = self.learned_at - call.event_time > CALL_TIME_STEP
        return is_before_learning and self.stopped_at <= call.event_time

    @property
    def between(self) -> str:
        """The words for what lies in between, if no answered poll does."""
        poll = f"{self.poll_name} call"
        count = len(self.failed_polls)
        if self.possible_polls:
            return f"with a {poll} in between that may be its own"
        if not count:
            return f"with no {poll} in between"
        how = "failed"
        if all(map(is_denied, self.failed_polls)):
            how = "was denied" if count == 1 else "were denied"
        if not self.surely_between:
            return f"with no {poll} in between but {count} that {how}"
        if count == 1:
            return f"the only {poll} in between {how}"
        return f"all {count} {poll}s in between {how}"


def learned_by(completions: Sequence[Completion]) -> str:
    """Describe what reported the ends; empty if it differs or is not known."""
    reporters = {completion.by for completion in completions}
    if reporters == {ReportedBy.EVENT}:
        return "by event"
    if reporters != {ReportedBy.POLL}:
        return ""
    is_certain = all(completion.certain for completion in completions)
    return "by a poll" if is_certain else "by a poll or an event"
