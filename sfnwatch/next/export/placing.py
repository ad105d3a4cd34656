"""Where things go on a scale of time, for viewers that have nothing else."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sfnwatch.next.model.api_call import ApiCall
from sfnwatch.next.model.integrations import CallRole
from sfnwatch.next.model.links import Link
from sfnwatch.next.model.moment import Moment
from sfnwatch.next.model.visits import Attempt

Span = tuple[datetime, datetime]
_SECOND = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LATEST = 9_000_000_000_000_000
"""Microseconds: the year 2255. Viewers count nanoseconds in 64 bits."""


def last_moment(moment: Moment) -> datetime:
    """Give the last moment that is known of, for what still runs: bars end there.

    That something was asked or answered is a moment, too: nothing had ended by then.
    """
    return moment.at or max(_moments(moment), default=_EPOCH)


def _moments(moment: Moment) -> Iterator[datetime]:
    trace = moment.trace
    for execution in moment.executions.values():
        for event in execution.events:
            yield max(event.at, event.seen_at or event.at)
        for answer in (execution.described, execution.defined):
            if answer is not None and answer.seen_at is not None:
                yield answer.seen_at
    for call in trace.ordered_calls:
        yield max(call.event_time, call.seen_at or call.event_time)
    for states in trace.task_states.values():
        for state in states:
            yield max(state.at, state.seen_at or state.at)
    yield from (request.sent_at for request in trace.requests[-1:])
    for reports in trace.healths.values():
        yield from (report.seen_at for report in reports[-1:] if report.seen_at)


def micros(at: datetime) -> int:
    """Count microseconds since 1970; times past all reason are taken back to it."""
    return min(max(1, (at - _EPOCH) // _MICROSECOND), _LATEST)


def call_window(call: ApiCall, link: Link | None, attempt: Attempt | None) -> Span:
    """Say between which moments a call was made.

    CloudTrail gives a whole second. A call that is matched was not made before its
    attempt was scheduled, and an action not after its answer was known.
    """
    begin, end = call.event_time, call.event_time + _SECOND
    if attempt is None or link is None:
        return begin, end
    begin = max(begin, attempt.scheduled_at)
    answered = attempt.answered_at
    told = answered in {attempt.submitted_at, attempt.ended_at}
    if link.role is CallRole.ACTION and told and answered > begin:
        end = min(end, answered)
    return begin, max(begin, end)
