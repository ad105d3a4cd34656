"""The newest time in a snapshot."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.times import from_microseconds


def last_moment(snapshot: Snapshot) -> datetime:
    """Return the newest time in a snapshot: what still runs has come that far.

    The time of a request or an answer counts, too: nothing had ended by then.
    """
    if snapshot.at is not None:
        return snapshot.at
    return max(_moments(snapshot), default=from_microseconds(0))


def _moments(snapshot: Snapshot) -> Iterator[datetime]:
    """Yield all times that may be the newest: when something happened, or was seen."""
    trace = snapshot.trace
    answers: list[Any] = []
    for execution in snapshot.executions.values():
        answers += execution.events
        answers += filter(None, (execution.described, execution.defined))
        yield from (event.at for event in execution.events)
    for states in trace.task_states.values():
        answers += states
        yield from (state.at for state in states)
    for healths in trace.healths.values():
        answers.append(healths[-1])
    for answer in answers:
        if answer.seen_at is not None:
            yield answer.seen_at
    for call in trace.ordered_calls[-1:]:
        yield call.event_time
    for request in trace.requests[-1:]:
        yield request.sent_at
