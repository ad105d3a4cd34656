"""The span of time in which a call was made, for exports with a time scale."""

from datetime import datetime

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.times import ONE_SECOND, microseconds

BarSpan = tuple[datetime, datetime]
_LATEST = 9_000_000_000_000_000
"""The year 2255 in microseconds. Viewers count nanoseconds in 64 bits."""


def micros(at: datetime) -> int:
    """Return the microseconds since 1970, at least 1 and at most `_LATEST`."""
    return min(max(1, microseconds(at)), _LATEST)


def call_window(snapshot: Snapshot, call: ApiCall) -> BarSpan:
    """Return the earliest and the latest time at which a call may have been made.

    CloudTrail gives a whole second. A matched call was not made before its attempt was
    scheduled, and an action was not made after its answer was known.
    """
    begin = call.event_time
    end = call.event_time + ONE_SECOND
    link = snapshot.link(call)
    if link is None:
        return begin, end
    attempt = snapshot.attempt(link.key)
    if attempt is None:
        return begin, end
    begin = max(begin, attempt.scheduled_at)
    answered_at = attempt.answered_at
    is_known = answered_at in {attempt.submitted_at, attempt.ended_at}
    if link.role is CallRole.ACTION and is_known and answered_at > begin:
        end = min(end, answered_at)
    return begin, max(begin, end)
