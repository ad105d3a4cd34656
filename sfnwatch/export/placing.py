"""Where things go on a scale of time, for viewers that have nothing else."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.lane_ranks import causing_phase
from sfnwatch.trace.lanes import Row
from sfnwatch.trace.timeline import Trace

_SECOND = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LATEST = 9_000_000_000_000_000
"""Microseconds: the year 2255. Viewers count nanoseconds in 64 bits."""


def last_moment(trace: Trace) -> datetime:
    """Give the last moment that is known of, for what still runs: bars end there.

    That something was asked or answered is a moment, too: nothing had ended by then.
    """
    return max(_moments(trace), default=_EPOCH)


def _moments(trace: Trace) -> Iterator[datetime]:
    for timeline in trace.histories.values():
        for event in timeline.ordered:
            yield max(event.timestamp, event.seen_at or event.timestamp)
    for call in trace.calls.values():
        yield max(call.event_time, call.seen_at or call.event_time)
    for states in trace.task_states.values():
        for state in states:
            yield max(state.at, state.seen_at or state.at)
    for request in trace.requests.values():
        yield request.sent_at
    answers = (a for t in trace.histories.values() for a in (t.described, t.defined))
    for received in (*trace.healths.values(), *answers):
        if received is not None and received.at is not None:
            yield received.at


def micros(at: datetime) -> int:
    """Count microseconds since 1970; times past all reason are taken back to it."""
    return min(max(1, (at - _EPOCH) // _MICROSECOND), _LATEST)


def window(row: Row) -> tuple[datetime, datetime]:
    """Say between which moments a row's call was made.

    CloudTrail gives a whole second. A call that is tied was not made before its try
    was scheduled, and an action not after its answer was known.
    """
    begin, end = row.at, row.at
    if row.call is not None:
        begin, end = row.call.event_time, row.call.event_time + _SECOND
    if row.attempt is None or row.link is None:
        return begin, end
    begin = max(begin, row.attempt.scheduled_at)
    answered = _answered(row.attempt, row.link.role)
    if answered is not None and answered > begin:
        end = min(end, answered)
    return begin, max(begin, end)


def _answered(attempt: Attempt, role: CallRole) -> datetime | None:
    """Tell when an action's answer was known; None while it is not, or for others."""
    if role is not CallRole.ACTION:
        return None
    phase = causing_phase(attempt)
    return phase if phase in {attempt.submitted_at, attempt.ended_at} else None
