"""The time in which a call may have been made, for exports with a scale of time."""

from datetime import datetime, timedelta

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.times import microseconds

BarSpan = tuple[datetime, datetime]
ONE_SECOND = timedelta(seconds=1)
_LATEST = 9_000_000_000_000_000
"""Microseconds: the year 2255. Viewers count nanoseconds in 64 bits."""


def micros(at: datetime) -> int:
    """Count microseconds since 1970; times past all reason are taken back to it."""
    return min(max(1, microseconds(at)), _LATEST)


def call_window(snapshot: Snapshot, call: ApiCall) -> BarSpan:
    """Say between which moments a call was made.

    CloudTrail gives a whole second. A call that is matched was not made before its
    attempt was scheduled, and an action not after its answer was known.
    """
    begin = call.event_time
    end = call.event_time + ONE_SECOND
    link = snapshot.link(call)
    attempt = snapshot.attempt(link.key) if link is not None else None
    if attempt is None or link is None:
        return begin, end
    begin = max(begin, attempt.scheduled_at)
    answered = attempt.answered_at
    told = answered in {attempt.submitted_at, attempt.ended_at}
    if link.role is CallRole.ACTION and told and answered > begin:
        end = min(end, answered)
    return begin, max(begin, end)
