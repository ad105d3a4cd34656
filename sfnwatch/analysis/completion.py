"""How long after a job's stop Step Functions learned of it, and from what.

Polls alone can't show how Step Functions learned of the stop. The answer of a `.sync`
task, or else ECS, gives the time of the stop; the history gives the time at which Step
Functions knew. With a poll between the two, a poll may have reported it. With none, it
was the managed EventBridge rule, which leaves no call behind.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sfnwatch.analysis.denials import is_denied
from sfnwatch.model.api_call import ApiCall

if TYPE_CHECKING:
    from sfnwatch.analysis.attempt_calls import AttemptCalls

CALL_TIME_STEP = timedelta(seconds=1)
"""CloudTrail gives a call's time in whole seconds."""


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
        self.lag = (learned_at - stopped_at).total_seconds()
        """The seconds from the job's stop until Step Functions learned of it."""
        attempt = calls.attempt
        row = calls.attempt.integration
        self.job = row.job_word if row else "job"
        """The word for what stopped: a task, an execution."""
        self.poll_name = row.poll_events[0] if row and row.poll_events else "poll"
        """The name of the call that polls for it: `DescribeTasks`."""
        # A call's time is a whole second: a poll may lie in between, or surely does.
        own = calls.polls.sure
        polls = [call for call in own if stopped_at - call.event_time < CALL_TIME_STEP]
        between = [call for call in polls if call.event_time <= learned_at]
        answered = [call for call in between if call.error_code is None]
        self.failed_polls = [call for call in between if call.error_code is not None]
        """Polls in between that were denied or failed: they reported nothing."""
        self.surely_between = all(map(self._is_surely_between, self.failed_polls))
        """False if a failed poll may as well lie outside, within the same second."""
        unproven = calls.unproven_polls(calls.snapshot.calls, stopped_at, learned_at)
        open_ = (c for c in unproven if c.error_code is None and not answered)
        self.possible_polls = list(open_)
        """Answered polls in between that may be the attempt's own, without proof; none
        if an answered poll in between is surely its own."""
        # With a role of the attempt's own, all its polls may be in another account's
        # CloudTrail; and for another account, Step Functions uses no events.
        elsewhere = attempt.role_arn is not None and not own
        known = calls.complete and not elsewhere and not self.possible_polls
        unseen = ReportedBy.EVENT if known else ReportedBy.UNKNOWN
        self.by = ReportedBy.POLL if answered else unseen
        surely = map(self._is_surely_between, answered)
        self.certain = any(surely) if answered else known
        """False while CloudTrail may still deliver a poll in between, or if a poll is
        in the same second as the stop or as Step Functions' learning of it."""

    def _is_surely_between(self, call: ApiCall) -> bool:
        at = call.event_time
        return self.stopped_at <= at and self.learned_at - at > CALL_TIME_STEP

    @property
    def between(self) -> str:
        """The words for what lies in between, if no answered poll does."""
        count = len(self.failed_polls)
        poll = f"{self.poll_name} call"
        if self.possible_polls:
            return f"with a {poll} in between that may be its own"
        if not count:
            return f"with no {poll} in between"
        denied = "was denied" if count == 1 else "were denied"
        how = denied if all(map(is_denied, self.failed_polls)) else "failed"
        if not self.surely_between:
            return f"with no {poll} in between but {count} that {how}"
        which = f"the only {poll}" if count == 1 else f"all {count} {poll}s"
        return f"{which} in between {how}"


def learned_by(completions: Iterable[Completion]) -> str:
    """Describe what reported the ends; empty if it differs or is not known."""
    told = list(completions)
    ways = {completion.by for completion in told}
    if ways == {ReportedBy.EVENT}:
        return "by event"
    if ways == {ReportedBy.POLL}:
        return "by a poll" if all(c.certain for c in told) else "by a poll or an event"
    return ""
