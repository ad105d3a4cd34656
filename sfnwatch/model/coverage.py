"""How far the calls of an attempt are known.

A missing poll proves something only where all calls are known.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.snapshot import AccountRegion, Snapshot
from sfnwatch.model.source_health import WITHOUT_CALLS, HealthState
from sfnwatch.model.time_axis import TimeAxis
from sfnwatch.model.visits import Attempt

_NO_CALLS = WITHOUT_CALLS | {HealthState.REFUSED}
_OWN = frozenset({CallRole.ACTION, CallRole.POLL})


class Coverage:
    """How far calls are known in a snapshot, for any attempt of a trace.

    For watched executions it is measured. A file is believed complete, but only for its
    own accounts and Regions, since each has a trail of its own. So an attempt is
    covered by the calls of the accounts and Regions in which its own calls were seen,
    up to the newest of these. Where no call of its own was seen, a missing poll proves
    nothing: the calls may be in another file, or of another role.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        in_event_time = snapshot.at is not None and snapshot.clock is TimeAxis.EVENT
        known = snapshot.trace.as_of() if in_event_time else snapshot
        health = known.health.get("lookup")
        self.live = health is not None
        """True if LookupEvents was asked: its records come late and out of order."""
        self.measured = health.coverage if health else None
        """The time up to which LookupEvents is believed complete; None if unknown."""
        if in_event_time and snapshot.at is not None and self.measured is not None:
            # In event time all calls up to the time are shown, as known today.
            self.measured = min(snapshot.at, self.measured)

    @cached_property
    def may_show_calls(self) -> bool:
        """False if no call is known and none can come.

        For example with a history alone, or if CloudTrail refuses or has no calls.
        """
        if self._snapshot.calls:
            return True
        health = self._snapshot.health.get("lookup")
        if health is not None:
            return health.state not in _NO_CALLS
        return any(True for _ in self._snapshot.each_health)

    @cached_property
    def complete_to(self) -> datetime | None:
        """The time up to which all calls are believed known; None if there is none.

        Live it is measured. A file has no measured lag, so it is believed complete up
        to its newest call. Of its accounts and Regions only those count that have calls
        of the executions.
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
        """Return the time up to which an attempt's polls are known; None if unknown.

        `calls` are the attempt's own calls.
        """
        execution = self._snapshot.executions.get(execution_arn)
        if self.live and execution is not None and execution.was_watched:
            return self.measured
        newest = self._newest
        # The trace may have got the first call of a Region after this was made.
        own = (
            newest.get(_place(call), call.event_time)
            for call in calls
            if _is_own(attempt, call)
        )
        return max(own, default=None)

    def settled(self, calls: Sequence[ApiCall]) -> Sequence[ApiCall]:
        """Return the calls between which no record is missing: gaps there are real."""
        return [c for c in calls if self.is_settled(c)] if self.live else calls

    def is_settled(self, call: ApiCall) -> bool:
        """True unless a record of an earlier call may still arrive."""
        return self._has_all_to(call.event_time)

    def has_all_polls(self, attempt: Attempt) -> bool:
        """True if all polls of an ended attempt are known; files are complete."""
        return attempt.ended_at is not None and self._has_all_to(attempt.ended_at)

    def _has_all_to(self, at: datetime) -> bool:
        return not self.live or (self.measured is not None and at <= self.measured)

    @cached_property
    def _newest(self) -> dict[AccountRegion, datetime]:
        """The time of the newest call, by account and Region."""
        return {_place(call): call.event_time for call in self._snapshot.calls}


def _place(call: ApiCall) -> AccountRegion:
    return call.account_id, call.region


def _is_own(attempt: Attempt, call: ApiCall) -> bool:
    row = attempt.integration
    end = attempt.ended_at
    if row is None or (end is not None and call.event_time > end):
        return False
    return row.role_of(call.event_name) in _OWN
