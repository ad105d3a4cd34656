"""When a task ended, as ECS told of it: for tries whose own answer does not say.

The answer of a `.sync` task is the task, with its StoppedAt. A try that failed in
words, ran out of time or was aborted has no such answer, and one that still waits has
none yet; the event `STOPPED` tells the same of all of them.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.integrations import Pattern
from sfnwatch.trace.task_states import TaskState, task_key
from sfnwatch.trace.values import replace
from sfnwatch.trace.visits import StateVisit, Visits


class Stop(NamedTuple):
    """The end of a task."""

    at: datetime
    key: str
    """The key of the state that tells of it."""


def stops_of(states: Iterable[TaskState]) -> Mapping[str, Stop]:
    """Give the ends of tasks by their ARNs: of several versions what the last says."""
    ended = (state for state in states if state.stopped and state.stopped_at)
    return {
        state.task_arn: Stop(state.stopped_at, task_key(state))
        for state in sorted(ended, key=lambda state: state.key)
        if state.stopped_at is not None
    }


def told(visits: Visits, stops: Mapping[str, Stop]) -> Visits:
    """Let the tries know when their tasks ended; what a try says itself stands."""
    if not stops:
        return visits
    by_id = {number: _visit(visit, stops) for number, visit in visits.by_id.items()}
    return replace(visits, by_id=by_id)


class Telling:
    """Tells visits that grow: those that do not change stay the very same."""

    def __init__(self) -> None:
        self._stops: Mapping[str, Stop] = {}
        self._told: dict[int, tuple[StateVisit, StateVisit]] = {}
        """Visits as they were, and as they were told."""

    def told(self, visits: Visits, stops: Mapping[str, Stop]) -> Visits:
        """Give what `told` gives."""
        if not stops:
            return visits
        if stops != self._stops:
            before, self._told = self._told, {}
        else:
            before = {}
        self._stops = stops
        by_id = {
            number: self._one(number, visit, before.get(number))
            for number, visit in visits.by_id.items()
        }
        return replace(visits, by_id=by_id)

    def _one(
        self,
        number: int,
        visit: StateVisit,
        before: tuple[StateVisit, StateVisit] | None,
    ) -> StateVisit:
        known = self._told.get(number)
        if known is None or known[0] is not visit:
            now, old = _visit(visit, self._stops), known or before
            known = visit, old[1] if old is not None and old[1] == now else now
            self._told[number] = known
        return known[1]


def _visit(visit: StateVisit, stops: Mapping[str, Stop]) -> StateVisit:
    tries = tuple(_attempt(attempt, stops) for attempt in visit.attempts)
    return visit if tries == visit.attempts else replace(visit, attempts=tries)


def _attempt(attempt: Attempt, stops: Mapping[str, Stop]) -> Attempt:
    """Only `.sync` waits for the end of its task, and of several for the last."""
    if attempt.pattern is not Pattern.SYNC or attempt.stopped_at is not None:
        return attempt
    found = [stops[job] for job in attempt.resource_ids if job in stops]
    if not found or len(found) < len(attempt.resource_ids):
        return attempt
    last = max(found)
    return replace(attempt, stopped_at=last.at, told_by=last.key)
