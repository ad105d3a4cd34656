"""The tree of stays in states, as one execution's history tells it.

A visit is keyed by the id of its StateEntered event, never by the state's name: two
branches may hold states of the same name. How events hang together was read off
recordings; the rules stand at the functions that follow them, in `walk.py`.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from msgspec import Struct, field

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.scopes import ROOT, Open
from sfnwatch.trace.walk import Walk

__all__ = ["ROOT", "StateVisit", "Visits", "build_visits", "freeze", "unseen_ending"]


class StateVisit(Struct, frozen=True):
    """One entered-to-exited stay in a state."""

    id: int
    """The id of its …StateEntered event."""
    name: str
    type: str
    """Task, Map, Parallel, Choice, Wait, Pass, Succeed or Fail."""
    parent: int | None
    """The visit of the Parallel or Map state it runs in."""
    path: str
    """`Main / Parallel[1] / Each[3] / Work`."""
    index: int | None
    """Which branch of the Parallel, or iteration of the Map, it runs in."""
    depth: int
    entered_at: datetime
    exited_at: datetime | None = None
    """None while it runs, and for good after a failure that nothing caught: such a
    state has no StateExited event."""
    ended_at: datetime | None = None
    """When it was over, however it ended."""
    status: str = "running"
    """running, succeeded, failed, caught, aborted or timed_out."""
    attempts: tuple[Attempt, ...] = ()
    error: str | None = None
    """An error that no attempt carries, such as a failed evaluation."""
    cause: str | None = None
    event_ids: tuple[int, ...] = ()
    pauses: tuple[tuple[datetime, datetime], ...] = ()
    """When it stood still: the execution was over, until a redrive went on with it."""

    @property
    def backoffs(self) -> tuple[tuple[datetime, datetime], ...]:
        """The waits between one try's failure and the next try's scheduling."""
        waits = map(self.backoff_before, range(2, len(self.attempts) + 1))
        return tuple(wait for wait in waits if wait is not None)

    def backoff_before(self, number: int) -> tuple[datetime, datetime] | None:
        """Give the wait before a try, by its number from 1; a redrive is no retry."""
        if not 1 < number <= len(self.attempts) or self.is_redriven(number):
            return None
        ended, after = self.attempts[number - 2].ended_at, self.attempts[number - 1]
        return (ended, after.scheduled_at) if ended is not None else None

    @property
    def paused(self) -> float:
        """The seconds in which it stood still."""
        return sum((end - begin).total_seconds() for begin, end in self.pauses)

    def is_redriven(self, number: int) -> bool:
        """True if a redrive, and no Retry, began a try."""
        if not self.pauses or not 1 < number <= len(self.attempts):
            return False
        before, after = self.attempts[number - 2 : number]
        return any(
            before.scheduled_at <= begin and end <= after.scheduled_at
            for begin, end in self.pauses
        )


class Visits(Struct, frozen=True):
    """All visits of one execution, and where each event belongs."""

    by_id: Mapping[int, StateVisit] = field(default_factory=dict)
    of_event: Mapping[int, int] = field(default_factory=dict)
    """A history event's id to the id of the visit it belongs to."""
    attempt_of_event: Mapping[int, int] = field(default_factory=dict)
    """A history event's id to the `scheduled_id` of its attempt."""

    def __iter__(self) -> Iterator[StateVisit]:
        return iter(self.by_id.values())

    @property
    def attempts(self) -> Iterator[Attempt]:
        for visit in self.by_id.values():
            yield from visit.attempts


_ENDINGS = {
    "SUCCEEDED": "Succeeded",
    "FAILED": "Failed",
    "ABORTED": "Aborted",
    "TIMED_OUT": "TimedOut",
}


def build_visits(
    events: Iterable[HistoryEvent],
    branches: Mapping[str, tuple[str, ...]] | None = None,
    over: tuple[str, datetime] | None = None,
) -> Visits:
    """Build the tree from events in any order; `branches` is the definition's.

    Partial histories are welcome: an event whose ancestors are missing hangs at
    the root. Where the event that ended the execution is missing, `over` says how it
    ended, in DescribeExecution's word, and when.
    """
    walk = Walk(branches or {})
    for event in sorted(events, key=lambda e: e.id):
        walk.take(event)
    if over is not None:
        walk.end(unseen_ending(over[0]), over[1])
    by_id = {open_.id: freeze(open_) for open_ in walk.visits}
    return Visits(by_id, walk.visit_of_event, walk.attempt_of_event)


def unseen_ending(status: str) -> str:
    """Give the ending whose event is missing, for DescribeExecution's word."""
    return _ENDINGS.get(status, "")


def freeze(visit: Open, fate: tuple[str, datetime] | None = None) -> StateVisit:
    """Give a visit as it is now, or as it is if it ends so."""
    parent = visit.scope.parent
    status, ended_at = fate or (visit.status, visit.ended_at)
    attempts = [attempt.frozen() for attempt in visit.attempts]
    if fate and attempts:
        attempts[-1] = visit.attempts[-1].ended(*fate)
    return StateVisit(
        id=visit.id,
        name=visit.name,
        type=visit.type,
        parent=parent.id if parent else None,
        path=visit.path,
        index=visit.scope.index,
        depth=visit.scope.depth,
        entered_at=visit.entered_at,
        exited_at=visit.exited_at,
        ended_at=ended_at,
        status=status,
        attempts=tuple(attempts),
        error=visit.error,
        cause=visit.cause,
        event_ids=tuple(visit.event_ids),
        pauses=tuple(visit.pauses),
    )
