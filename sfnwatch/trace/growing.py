"""The visits of a history that grows: what is new is walked, what was known is kept.

A running execution of 25,000 events is read again and again for a few new ones: walking
all of it each time took a third of a second.
"""

from collections.abc import Mapping, Sequence
from threading import Lock

from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.scopes import Open
from sfnwatch.trace.visits import Visits, freeze
from sfnwatch.trace.walk import Walk

Branches = Mapping[str, tuple[str, ...]]


class Growing:
    """Walks on from where it was, if the events known then are still those.

    Mutable, and shared by all values of one history: each asks for its own events, and
    one that was grown another way begins anew. A screen asks from a thread, too.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._begin({})

    def _begin(self, branches: Branches) -> None:
        self._branches, self._walk = branches, Walk(branches)
        self._taken: Sequence[HistoryEvent] = ()
        self._paths: dict[int, str] = {}
        self._visits = Visits()

    def visits(self, ordered: Sequence[HistoryEvent], branches: Branches) -> Visits:
        """Give the visits of events in the order of their ids."""
        with self._lock:
            if branches != self._branches or not self._goes_on(ordered):
                self._begin(branches)
            self._take(ordered)
            return self._visits

    def _goes_on(self, ordered: Sequence[HistoryEvent]) -> bool:
        """True if the events walked are the first of these, and the very same."""
        if len(self._taken) > len(ordered):
            return False
        pairs = zip(self._taken, ordered, strict=False)
        return all(before is now for before, now in pairs)

    def _take(self, ordered: Sequence[HistoryEvent]) -> None:
        new = ordered[len(self._taken) :]
        if not new:
            return
        walk, first = self._walk, len(self._walk.visits)
        changed = dict(walk.running)
        for event in new:
            walk.take(event)
        self._taken = ordered
        owners = {event.id: walk.owner(event.id) for event in new}
        # Nothing else is touched: what an event is about, what ran before or runs now.
        changed |= walk.running
        changed |= {owner.id: owner for owner in owners.values() if owner}
        changed |= {visit.id: visit for visit in walk.visits[first:]}
        self._visits = self._grown(changed, owners)

    def _grown(
        self, changed: Mapping[int, Open], owners: Mapping[int, Open | None]
    ) -> Visits:
        frozen = {key: freeze(changed[key], self._paths) for key in sorted(changed)}
        attempts = {
            event_id: attempt.scheduled_id
            for visit in frozen.values()
            for attempt in visit.attempts
            for event_id in attempt.event_ids
        }
        old = self._visits
        return Visits(
            {**old.by_id, **frozen},
            {**old.of_event, **{key: own.id for key, own in owners.items() if own}},
            {**old.attempt_of_event, **attempts},
        )
