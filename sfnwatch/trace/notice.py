"""Who noticed that the job was over: the question polling alone can't answer.

A `.sync` task's own answer says when it stopped, the history when Step Functions
knew. With a poll between the two, a poll may have noticed; with none, it was the
managed EventBridge rule, which leaves no call behind.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall

_SECOND = timedelta(seconds=1)


class By(StrEnum):
    EVENT = "event"
    POLL = "poll"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Notice:
    """How long a job's end went unnoticed, and what told of it."""

    stopped_at: datetime
    noticed_at: datetime
    by: By
    certain: bool
    """False while CloudTrail may still deliver a poll in between, and when a poll's
    whole-second time can't be told from the stop's."""
    job: str = "job"
    """What stopped, as people call it: a task, an execution."""

    @property
    def seconds(self) -> float:
        return (self.noticed_at - self.stopped_at).total_seconds()


def notice(
    attempt: Attempt, calls: Iterable[ApiCall], complete_to: datetime | None
) -> Notice | None:
    """Judge one attempt; `calls` are the polls tied to it.

    None unless the job's own answer says when it stopped, and that before its end was
    known: two clocks that disagree measure nothing. A denied poll tells Step Functions
    nothing, so it can't be what noticed.
    """
    stopped, noticed = attempt.stopped_at, attempt.ended_at
    if stopped is None or noticed is None or stopped > noticed:
        return None
    polls = list(calls)
    if attempt.role_arn is not None and not polls:
        # Another account's CloudTrail may have them all, and events are not used there.
        complete_to = None
    by, certain = _told_by(stopped, noticed, polls, complete_to)
    job = attempt.integration.job_word if attempt.integration else "job"
    return Notice(stopped, noticed, by, certain, job)


def _told_by(
    stopped: datetime,
    noticed: datetime,
    calls: Iterable[ApiCall],
    complete_to: datetime | None,
) -> tuple[By, bool]:
    """Say what told of the end, and whether that is certain."""
    polls = [call for call in calls if call.error_code is None]
    between = [
        call
        for call in polls
        if stopped - call.event_time < _SECOND and call.event_time <= noticed
    ]
    if between:
        clear = any(
            stopped <= call.event_time and noticed - call.event_time > _SECOND
            for call in between
        )
        return By.POLL, clear
    complete = complete_to is not None and complete_to >= noticed
    return (By.EVENT if complete else By.UNKNOWN), complete
