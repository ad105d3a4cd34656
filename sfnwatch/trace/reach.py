"""How far the calls of a try are known: a missing poll says something only up to there.

Watching measures it for what was watched. Files claim it, and only for what they speak
of: a trail is kept for each account and Region, so a try is covered by the calls from
where its own were seen, up to the newest of those. Where none of its own was seen, not
finding a poll says nothing: they may be in another file, or of another role.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct, field

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.timeline import Timeline, Trace

Where = tuple[str | None, str | None]
_OWN = frozenset({CallRole.ACTION, CallRole.POLL})


class Reach(Struct, frozen=True):
    """How far calls are known, for any try of a trace."""

    live: bool = False
    """True where CloudTrail was asked while it came in, late and out of order."""
    measured: datetime | None = None
    """Of that: up to when it is believed complete."""
    watched: frozenset[str] = frozenset()
    """The executions whose histories came in while it was measured."""
    newest: Mapping[Where, datetime] = field(default_factory=dict)
    """Of files: the newest call of each account and Region."""

    def of(
        self, execution_arn: str, attempt: Attempt, calls: Iterable[ApiCall]
    ) -> datetime | None:
        """Say up to when a try's polls would be known; `calls` are all tied to it."""
        if self.live and execution_arn in self.watched:
            return self.measured
        own = (self.newest[where_of(call)] for call in calls if _is_own(attempt, call))
        return max(own, default=None)

    def settled(self, calls: Sequence[ApiCall]) -> Sequence[ApiCall]:
        """Give those that no later record can come between: a gap there is real."""
        return [c for c in calls if self.is_settled(c)] if self.live else calls

    def is_settled(self, call: ApiCall) -> bool:
        mark = self.measured
        return not self.live or (mark is not None and call.event_time <= mark)

    def whole(self, attempt: Attempt) -> bool:
        """True if all polls of a try are there; a file is taken at its word."""
        if attempt.ended_at is None:
            return False
        mark = self.measured
        return not self.live or (mark is not None and mark >= attempt.ended_at)


def reach(trace: Trace) -> Reach:
    """Find how far a trace's calls are known."""
    watched = frozenset(a for a, t in trace.histories.items() if was_watched(t))
    return reach_of(trace, watched, newest_of(trace.ordered_calls))


def reach_of(
    trace: Trace, watched: frozenset[str], newest: Mapping[Where, datetime]
) -> Reach:
    """Say it by what is known of the histories, and of the calls."""
    health = trace.health.get("lookup")
    return Reach(
        live=health is not None,
        measured=health.complete_to if health else None,
        watched=watched,
        newest=newest,
    )


def goes_on(before: Reach, known: Reach) -> bool:
    """True if nothing is known less far than before."""
    if (before.live, before.watched) != (known.live, known.watched):
        return False
    if not _is_later(before.measured, known.measured):
        return False
    newest = known.newest
    return all(_is_later(at, newest.get(w)) for w, at in before.newest.items())


def _is_later(before: datetime | None, at: datetime | None) -> bool:
    return before is None or (at is not None and at >= before)


def claimed_to(trace: Trace) -> datetime | None:
    """Say how far files speak for the executions of a trace: those they know of."""
    tied = trace.links if trace.timelines else trace.calls
    newest = newest_of(trace.ordered_calls)
    where = {where_of(call) for call in trace.ordered_calls if call.event_id in tied}
    return max((newest[each] for each in where), default=None)


def newest_of(ordered: Iterable[ApiCall]) -> dict[Where, datetime]:
    """Give the last of each account and Region, of calls in their order."""
    return {where_of(call): call.event_time for call in ordered}


def was_watched(timeline: Timeline) -> bool:
    """True unless its history comes from a file, which ends where it was saved."""
    described = timeline.described
    if described is not None and described.at is not None:
        return True
    return any(event.seen_at is not None for event in timeline.events.values())


def where_of(call: ApiCall) -> Where:
    return call.account_id, call.region


def _is_own(attempt: Attempt, call: ApiCall) -> bool:
    row, end = attempt.integration, attempt.ended_at
    if row is None or (end is not None and call.event_time > end):
        return False
    return row.role_of(call.event_name) in _OWN
