"""How far the calls of an attempt are known: a missing poll says something only there.

Watching measures it for what was watched. Files claim it, and only for what they speak
of: a trail is kept for each account and Region, so an attempt is covered by the calls
from where its own were seen, up to the newest of those. Where none of its own was seen,
not finding a poll says nothing: they may be in another file, or of another role.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property

from sfnwatch.next.model.api_call import ApiCall
from sfnwatch.next.model.clocks import Clock
from sfnwatch.next.model.integrations import CallRole
from sfnwatch.next.model.moment import Moment
from sfnwatch.next.model.visits import Attempt

Place = tuple[str | None, str | None]
"""The account and the Region that a call was made in."""
_OWN = frozenset({CallRole.ACTION, CallRole.POLL})


class Coverage:
    """How far calls are known at a moment, for any attempt of a trace."""

    def __init__(self, moment: Moment) -> None:
        self._moment = moment
        in_event_time = moment.at is not None and moment.clock is Clock.EVENT
        known = moment.trace.as_of() if in_event_time else moment
        health = known.health.get("lookup")
        self.live = health is not None
        """True where CloudTrail was asked while it came in, late and out of order."""
        self.measured = health.coverage if health else None
        """Of that: up to when it is believed complete."""
        if in_event_time and moment.at is not None and self.measured is not None:
            # All that happened by then is shown, as far as it is known today.
            self.measured = min(moment.at, self.measured)

    @property
    def complete_to(self) -> datetime | None:
        """Up to when all calls are believed known: measured live, a claim for files.

        A file says nothing of lag, so the newest call in it is as far as it speaks for;
        and of its accounts and Regions only those count that the executions are in.
        """
        if self.live:
            return self.measured
        moment = self._moment
        related = bool(moment.roots)
        places = {
            _place(call)
            for call in moment.calls
            if not related or moment.trace.links.get(call.event_id) is not None
        }
        return max((self._newest[place] for place in places), default=None)

    def of(
        self, execution_arn: str, attempt: Attempt, calls: Iterable[ApiCall]
    ) -> datetime | None:
        """Say up to when an attempt's polls would be known; `calls` are its own."""
        execution = self._moment.executions.get(execution_arn)
        if self.live and execution is not None and execution.was_watched:
            return self.measured
        own = (self._newest[_place(call)] for call in calls if _is_own(attempt, call))
        return max(own, default=None)

    def settled(self, calls: Sequence[ApiCall]) -> Sequence[ApiCall]:
        """Give those that no later record can come between: a gap there is real."""
        return [c for c in calls if self.is_settled(c)] if self.live else calls

    def is_settled(self, call: ApiCall) -> bool:
        """True unless a record may yet come that belongs before a call."""
        mark = self.measured
        return not self.live or (mark is not None and call.event_time <= mark)

    def has_all_polls(self, attempt: Attempt) -> bool:
        """True if all polls of an attempt are there; a file is taken at its word."""
        if attempt.ended_at is None:
            return False
        mark = self.measured
        return not self.live or (mark is not None and mark >= attempt.ended_at)

    @cached_property
    def _newest(self) -> dict[Place, datetime]:
        """The newest call of each account and Region."""
        return {_place(call): call.event_time for call in self._moment.calls}


def _place(call: ApiCall) -> Place:
    return call.account_id, call.region


def _is_own(attempt: Attempt, call: ApiCall) -> bool:
    row, end = attempt.integration, attempt.ended_at
    if row is None or (end is not None and call.event_time > end):
        return False
    return row.role_of(call.event_name) in _OWN
