"""How Step Functions learned that a job had stopped: what polling alone can't answer.

A `.sync` task's own answer says when it stopped, or else what ECS told of it, and the
history when Step Functions knew. With a poll between the two, a poll may have told;
with none, it was the managed EventBridge rule, which leaves no call behind.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from msgspec import Struct

from sfnwatch.next.model.api_call import ApiCall
from sfnwatch.next.model.coverage import Coverage
from sfnwatch.next.model.integrations import CallRole
from sfnwatch.next.model.links import AttemptKey
from sfnwatch.next.model.moment import Moment
from sfnwatch.next.model.visits import Attempt

_DENIED = re.compile(
    r"AccessDenied|Unauthorized|NotAuthorized|Forbidden", re.IGNORECASE
)
ENDED_OTHERWISE = frozenset({"timed_out", "aborted"})
"""How attempts end for another reason than that of their job's end."""
_SECOND = timedelta(seconds=1)
_LATE_POLL = timedelta(seconds=60)
"""A poll under way at the end; those much later are none of that wait."""


class ToldBy(StrEnum):
    """What told Step Functions that a job had stopped."""

    EVENT = "event"
    POLL = "poll"
    UNKNOWN = "unknown"


class Completion(Struct, frozen=True):
    """The completion lag of an attempt, and what ended it."""

    stopped_at: datetime
    learned_at: datetime
    by: ToldBy
    certain: bool
    """False while CloudTrail may still deliver a poll in between, and when a poll's
    whole-second time can't be told from the stop's."""
    job: str = "job"
    """What stopped, as people call it: a task, an execution."""
    poll_name: str = ""
    """The call that polls for it: `DescribeTasks`."""
    failed_polls: Sequence[ApiCall] = ()
    """Polls in between that were denied or failed: they tell Step Functions nothing."""
    all_denied: bool = True
    """False where one of those failed otherwise."""
    surely_between: bool = True
    """False where one may as well lie outside, within the same second."""

    @property
    def lag(self) -> float:
        """Seconds from the job's stop until its state learned of it."""
        return (self.learned_at - self.stopped_at).total_seconds()

    @property
    def between(self) -> str:
        """Say what lies between where no poll that was answered does."""
        count, poll = len(self.failed_polls), f"{self.poll_name} call"
        if not count:
            return f"with no {poll} in between"
        denied = "was denied" if count == 1 else "were denied"
        how = denied if self.all_denied else "failed"
        if not self.surely_between:
            return f"with no {poll} in between but {count} that {how}"
        which = f"the only {poll}" if count == 1 else f"all {count} {poll}s"
        return f"{which} in between {how}"


def learned_by(completions: Iterable[Completion]) -> str:
    """Say what told of the ends, where it was the same each time and is known."""
    told = list(completions)
    ways = {completion.by for completion in told}
    if ways == {ToldBy.EVENT}:
        return "by event"
    if ways == {ToldBy.POLL}:
        return "by a poll" if all(c.certain for c in told) else "by a poll or an event"
    return ""


def polls_of(attempt: Attempt, calls: Iterable[ApiCall]) -> list[ApiCall]:
    """Pick the polls of an attempt's wait: who asks hours later does not wait."""
    row, end = attempt.integration, attempt.ended_at
    return [
        call
        for call in calls
        if row is not None
        and row.role_of(call.event_name) is CallRole.POLL
        and (end is None or call.event_time - end < _LATE_POLL)
    ]


def is_denied(call: ApiCall) -> bool:
    """True for a call that IAM refused."""
    return call.error_code is not None and is_denial(call.error_code)


@lru_cache(maxsize=256)
def is_denial(code: str) -> bool:
    """True for the error code of a call that IAM refused."""
    return bool(_DENIED.search(code))


def completion_of(
    moment: Moment, coverage: Coverage, key: AttemptKey, attempt: Attempt
) -> Completion | None:
    """Say how Step Functions learned of the end of an attempt's job.

    None unless the job's own answer, or ECS, says when it stopped, and that before its
    end was known: two clocks that disagree measure nothing. A denied poll tells Step
    Functions nothing, so it can't be what told; nor did an attempt that timed out, or
    was aborted, end because somebody learned of its job's end.
    """
    stopped, learned = attempt.stopped_at, attempt.ended_at
    otherwise = attempt.status in ENDED_OTHERWISE
    if stopped is None or learned is None or stopped > learned or otherwise:
        return None
    calls = moment.calls_of(key)
    polls, complete = polls_of(attempt, calls), coverage.of(key[0], attempt, calls)
    # A call's time is a whole second: it may lie in between, or surely does.
    between = [
        call
        for call in polls
        if stopped - call.event_time < _SECOND and call.event_time <= learned
    ]
    sure = {
        call.event_id
        for call in between
        if stopped <= call.event_time and learned - call.event_time > _SECOND
    }
    failed = [call for call in between if call.error_code is not None]
    answered = {call.event_id for call in between if call.error_code is None}
    # Another account's CloudTrail may have them all, and events are not used there.
    elsewhere = attempt.role_arn is not None and not polls
    known = complete is not None and complete >= learned and not elsewhere
    unseen, row = ToldBy.EVENT if known else ToldBy.UNKNOWN, attempt.integration
    return Completion(
        stopped_at=stopped,
        learned_at=learned,
        by=ToldBy.POLL if answered else unseen,
        certain=bool(answered & sure) if answered else known,
        job=row.job_word if row else "job",
        poll_name=row.poll_events[0] if row and row.poll_events else "poll",
        failed_polls=failed,
        all_denied=all(map(is_denied, failed)),
        surely_between=all(call.event_id in sure for call in failed),
    )
