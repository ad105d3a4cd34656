"""The visits of a history that grows: what is new is walked, what was known is kept.

A running execution of 25,000 events is read again and again for a few new ones: walking
all of it each time took a quarter of a second.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import is_
from threading import Lock

from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.task_stops import Stop, Telling
from sfnwatch.trace.visits import StateVisit, Visits, freeze, unseen_ending
from sfnwatch.trace.walk import Walk

Branches = Mapping[str, tuple[str, ...]]


class Growing:
    """Walks on from where it was, if the events known then are still those.

    Mutable, and shared by all values of one history: each asks for its own events, and
    one that was grown another way begins anew. A screen asks from a thread, too.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._telling = Telling()
        self._begin({})

    def _begin(self, branches: Branches) -> None:
        self._branches, self._walk = branches, Walk(branches)
        self._taken: Sequence[HistoryEvent] = ()
        self._visits = Visits()
        self._ended: Mapping[int, StateVisit] = {}

    def visits(
        self,
        ordered: Sequence[HistoryEvent],
        branches: Branches,
        over: tuple[str, datetime] | None = None,
        stops: Mapping[str, Stop] | None = None,
    ) -> Visits:
        """Give the visits of events in the order of their ids.

        See `build_visits` and, for the ends of tasks, `told`.
        """
        with self._lock:
            if branches != self._branches or not self._goes_on(ordered):
                self._begin(branches)
            self._take(ordered)
            visits = self._visits if over is None else self._over(*over)
            return self._telling.told(visits, stops or {})

    def _goes_on(self, ordered: Sequence[HistoryEvent]) -> bool:
        """True if the events walked are the first of these, and the very same."""
        if len(self._taken) > len(ordered):
            return False
        return all(map(is_, self._taken, ordered))

    def _take(self, ordered: Sequence[HistoryEvent]) -> None:
        new = ordered[len(self._taken) :]
        if not new:
            return
        walk = self._walk
        for event in new:
            walk.take(event)
        self._taken = ordered
        changed = {number: freeze(visit) for number, visit in walk.changed.items()}
        walk.changed.clear()
        self._visits = Visits(
            {**self._visits.by_id, **changed},
            dict(walk.visit_of_event),
            dict(walk.attempt_of_event),
        )

    def _over(self, status: str, at: datetime) -> Visits:
        """End what runs, but not in the walk: there the event of the end may yet come.

        What ends as it did the last time is the very same.
        """
        ended = {
            fate.visit.id: freeze(fate.visit, (fate.status, at))
            for fate in self._walk.fates(unseen_ending(status))
        }
        for number, visit in ended.items():
            if (before := self._ended.get(number)) == visit:
                ended[number] = before
        self._ended = ended
        known = self._visits
        by_id = {**known.by_id, **ended}
        return Visits(by_id, known.of_event, known.attempt_of_event)
