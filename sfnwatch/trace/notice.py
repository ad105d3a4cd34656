"""Who noticed that the job was over: the question polling alone can't answer.

A `.sync` task's own answer says when it stopped, or else what ECS told of it, and the
history when Step Functions knew. With a poll between the two, a poll may have noticed;
with none, it was the managed EventBridge rule, which leaves no call behind.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall

DENIED = re.compile(r"AccessDenied|Unauthorized|NotAuthorized|Forbidden", re.IGNORECASE)
"""What the error codes of a call that IAM refused hold."""
UNNOTICED = frozenset({"timed_out", "aborted"})
"""Tries that ended for another reason than that of their job's end."""
_SECOND = timedelta(seconds=1)


class By(StrEnum):
    EVENT = "event"
    POLL = "poll"
    UNKNOWN = "unknown"


class Notice(Struct, frozen=True):
    """How long a job's end went unnoticed, and what told of it."""

    stopped_at: datetime
    noticed_at: datetime
    by: By
    certain: bool
    """False while CloudTrail may still deliver a poll in between, and when a poll's
    whole-second time can't be told from the stop's."""
    job: str = "job"
    """What stopped, as people call it: a task, an execution."""
    failed: int = 0
    """Polls in between that were denied or failed: they tell Step Functions nothing."""
    how: str = "was denied"
    """What became of those, for one and for several: `was denied`, `failed`."""
    surely: bool = True
    """False where one may as well lie outside, within the same second."""

    @property
    def seconds(self) -> float:
        return (self.noticed_at - self.stopped_at).total_seconds()

    @property
    def between(self) -> str:
        """Say what lies in between where no poll that was answered does."""
        how = self.how.replace("was", "were") if self.failed > 1 else self.how
        if not self.failed:
            return "no poll in between"
        if not self.surely:
            return f"no poll in between but {self.failed} that {how}"
        if self.failed == 1:
            return f"the only poll in between {how}"
        return f"all {self.failed} polls in between {how}"


def notice(
    attempt: Attempt, calls: Iterable[ApiCall], complete_to: datetime | None
) -> Notice | None:
    """Judge one attempt; `calls` are the polls tied to it.

    `complete_to` is how far its calls are known: of files that is for each attempt
    another (`Reach.of`).

    None unless the job's own answer, or ECS, says when it stopped, and that before its
    end was known: two clocks that disagree measure nothing. A denied poll tells Step
    Functions nothing, so it can't be what noticed; nor did a try that ran out of time,
    or was aborted, end because somebody noticed.
    """
    stopped, noticed = attempt.stopped_at, attempt.ended_at
    if stopped is None or noticed is None or stopped > noticed:
        return None
    if attempt.status in UNNOTICED:
        return None
    polls = list(calls)
    if attempt.role_arn is not None and not polls:
        # Another account's CloudTrail may have them all, and events are not used there.
        complete_to = None
    by, certain = _told_by(stopped, noticed, polls, complete_to)
    job = attempt.integration.job_word if attempt.integration else "job"
    failed = [c for c in polls if c.error_code and _may_lie(c, stopped, noticed)]
    how = "was denied" if all(map(is_denied, failed)) else "failed"
    surely = all(_lies(call, stopped, noticed) for call in failed)
    return Notice(stopped, noticed, by, certain, job, len(failed), how, surely)


def is_denied(call: ApiCall) -> bool:
    """True for a call that IAM refused."""
    return call.error_code is not None and bool(DENIED.search(call.error_code))


def _told_by(
    stopped: datetime,
    noticed: datetime,
    calls: Iterable[ApiCall],
    complete_to: datetime | None,
) -> tuple[By, bool]:
    """Say what told of the end, and whether that is certain."""
    polls = [call for call in calls if call.error_code is None]
    between = [call for call in polls if _may_lie(call, stopped, noticed)]
    if between:
        return By.POLL, any(_lies(call, stopped, noticed) for call in between)
    complete = complete_to is not None and complete_to >= noticed
    return (By.EVENT if complete else By.UNKNOWN), complete


def _may_lie(call: ApiCall, stopped: datetime, noticed: datetime) -> bool:
    """True if a call's second and the time in between have a moment in common."""
    return stopped - call.event_time < _SECOND and call.event_time <= noticed


def _lies(call: ApiCall, stopped: datetime, noticed: datetime) -> bool:
    """True if the whole of a call's second is in between."""
    return stopped <= call.event_time and noticed - call.event_time > _SECOND
