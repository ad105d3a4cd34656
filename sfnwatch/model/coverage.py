"""How far the calls of an attempt are known: else a missing poll says nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.snapshot import AccountRegion, Snapshot
from sfnwatch.model.time_axis import TimeAxis
from sfnwatch.model.visits import Attempt

_OWN = frozenset({CallRole.ACTION, CallRole.POLL})


class Coverage:
    """How far calls are known at a moment, for any attempt of a trace.

    Watching measures it for what was watched. Files claim it, and only for what they
    speak of: a trail is kept for each account and Region, so an attempt is covered by
    the calls from where its own were seen, up to the newest of those. Where none of its
    own was seen, not finding a poll says nothing: they may be in another file, or of
    another role.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        in_event_time = snapshot.at is not None and snapshot.clock is TimeAxis.EVENT
        known = snapshot.trace.as_of() if in_event_time else snapshot
        health = known.health.get("lookup")
        self.live = health is not None
        """True where CloudTrail was asked while it came in, late and out of order."""
        self.measured = health.coverage if health else None
        """Of that: up to when it is believed complete."""
        if in_event_time and snapshot.at is not None and self.measured is not None:
            # All that happened by then is shown, as far as it is known today.
            self.measured = min(snapshot.at, self.measured)

    @cached_property
    def complete_to(self) -> datetime | None:
        """Up to when all calls are believed known: measured live, a claim for files.

        A file says nothing of lag, so the newest call in it is as far as it speaks for;
        and of its accounts and Regions only those count that the executions are in.
        """
        if self.live:
            return self.measured
        calls = self._snapshot.calls
        links = self._snapshot.trace.links
        if not self._snapshot.roots:
            return calls[-1].event_time if calls else None
        elsewhere: set[AccountRegion] = set()
        for newest in reversed(calls):
            place = _place(newest)
            if place in elsewhere:
                continue
            if any(call.event_id in links and _place(call) == place for call in calls):
                return newest.event_time
            elsewhere.add(place)
        return None

    def of(
        self, execution_arn: str, attempt: Attempt, calls: Iterable[ApiCall]
    ) -> datetime | None:
        """Say up to when an attempt's polls would be known; `calls` are its own."""
        execution = self._snapshot.executions.get(execution_arn)
        if self.live and execution is not None and execution.was_watched:
            return self.measured
        newest = self._newest
        # The store may have grown since this was made, by the first call of a Region.
        own = (
            newest.get(_place(call), call.event_time)
            for call in calls
            if _is_own(attempt, call)
        )
        return max(own, default=None)

    def settled(self, calls: Sequence[ApiCall]) -> Sequence[ApiCall]:
        """Give those that no later record can come between: a gap there is real."""
        return [c for c in calls if self.is_settled(c)] if self.live else calls

    def is_settled(self, call: ApiCall) -> bool:
        """True unless a record may yet come that belongs before a call."""
        return self._has_all_to(call.event_time)

    def has_all_polls(self, attempt: Attempt) -> bool:
        """True if all polls of an attempt are there; a file is taken at its word."""
        return attempt.ended_at is not None and self._has_all_to(attempt.ended_at)

    def _has_all_to(self, at: datetime) -> bool:
        return not self.live or (self.measured is not None and at <= self.measured)

    @cached_property
    def _newest(self) -> dict[AccountRegion, datetime]:
        """The newest call of each account and Region."""
        return {_place(call): call.event_time for call in self._snapshot.calls}


def _place(call: ApiCall) -> AccountRegion:
    return call.account_id, call.region


def _is_own(attempt: Attempt, call: ApiCall) -> bool:
    row = attempt.integration
    end = attempt.ended_at
    if row is None or (end is not None and call.event_time > end):
        return False
    return row.role_of(call.event_name) in _OWN
