"""The newest time in a snapshot."""

from datetime import datetime
from typing import Any

from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.times import from_microseconds


def last_moment(snapshot: Snapshot) -> datetime:
    """Return the newest time in a snapshot: what still runs has come that far.

    The time of a request or an answer counts, too: nothing had ended by then.
    """
    trace = snapshot.trace
    runs = snapshot.executions.values()
    dated: list[Any] = [event for run in runs for event in run.events]
    dated += (state for told in trace.task_states.values() for state in told)
    others: list[Any] = [told[-1] for told in trace.healths.values()]
    others += (each for run in runs for each in (run.described, run.defined) if each)
    known = [row.at for row in dated]
    known += [row.seen_at for row in (*dated, *others) if row.seen_at is not None]
    known += [call.event_time for call in trace.ordered_calls[-1:]]
    known += [request.sent_at for request in trace.requests[-1:]]
    return snapshot.at or max(known, default=from_microseconds(0))
