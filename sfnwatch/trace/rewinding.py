"""The visits of a history as they were at any of its events, forwards and back.

One walk notes what each event made of the visits it changed. At a moment most visits
are as they will ever be, so that going there costs what was under way then; and what
is the same at two moments is the very same value.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from operator import is_
from typing import TypeVar

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.fates import ENDED_AS
from sfnwatch.trace.growing import Branches, Growing
from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.scopes import Open
from sfnwatch.trace.task_stops import Stop
from sfnwatch.trace.values import replace
from sfnwatch.trace.visits import StateVisit, Visits, freeze, unseen_ending

_T = TypeVar("_T")


class _Life:
    """What became of one visit: how it was from which event on."""

    __slots__ = ("places", "troubles", "versions")

    def __init__(self) -> None:
        self.places: list[int] = []
        """How many events had been walked by then, in order."""
        self.versions: list[StateVisit] = []
        self.troubles: list[str | None] = []
        """How it would have ended if nothing had caught what had gone wrong."""

    def note(self, place: int, visit: Open) -> None:
        self.places.append(place)
        self.versions.append(freeze(visit))
        self.troubles.append(visit.trouble)

    def at(self, place: int) -> StateVisit:
        return self.versions[bisect_right(self.places, place) - 1]

    def trouble(self, place: int) -> str | None:
        return self.troubles[bisect_right(self.places, place) - 1]


class Rewinding(Growing):
    """Gives the visits of the first so many events, whichever were asked for before.

    One that is asked for other events than those it has walked begins anew.
    """

    def _begin(self, branches: Branches) -> None:
        super()._begin(branches)
        self._lives: dict[int, _Life] = {}
        """By visit, in the order in which they were entered."""
        self._entered: list[int] = []
        """How many events had been walked when each was."""
        self._last: dict[int, StateVisit] = {}
        """Each as it is at the end of the walk."""
        self._settled: dict[int, int] = {}
        """Since when each is so."""
        self._owned, self._tried = [0], [0]
        """How many events were in a visit, and in an attempt, after each."""

    def visits(
        self,
        ordered: Sequence[HistoryEvent],
        branches: Branches,
        over: tuple[str, datetime] | None = None,
        stops: Mapping[str, Stop] | None = None,
    ) -> Visits:
        with self._lock:
            known = branches == self._branches and all(map(is_, self._taken, ordered))
            if not known:
                self._begin(branches)
            self._walk_on(ordered)
            return self._telling.told(self._at(len(ordered), over), stops or {})

    def _walk_on(self, ordered: Sequence[HistoryEvent]) -> None:
        walk, walked = self._walk, len(self._taken)
        if len(ordered) <= walked:
            return
        for place, event in enumerate(islice(ordered, walked, None), walked + 1):
            walk.take(event)
            for number, visit in walk.changed.items():
                self._note(place, number, visit)
            walk.changed.clear()
            self._owned.append(len(walk.visit_of_event))
            self._tried.append(len(walk.attempt_of_event))
        self._taken = ordered

    def _note(self, place: int, number: int, visit: Open) -> None:
        life = self._lives.get(number)
        if life is None:
            life = self._lives[number] = _Life()
            self._entered.append(place)
        life.note(place, visit)
        self._last[number], self._settled[number] = life.versions[-1], place

    def _at(self, place: int, over: tuple[str, datetime] | None) -> Visits:
        count = bisect_right(self._entered, place)
        by_id = _first(self._last, count)
        settled = islice(self._settled.items(), count)
        for number in [number for number, since in settled if since > place]:
            by_id[number] = self._lives[number].at(place)
        if over is not None:
            by_id |= self._told_ended(place, by_id, *over)
        return Visits(
            by_id,
            _first(self._walk.visit_of_event, self._owned[place]),
            _first(self._walk.attempt_of_event, self._tried[place]),
        )

    # -- an end that no event tells of ---------------------------------------------

    def _told_ended(
        self, place: int, by_id: Mapping[int, StateVisit], status: str, at: datetime
    ) -> Mapping[int, StateVisit]:
        """End what ran then: see `Walk.fates`."""
        ending = unseen_ending(status)
        running = [visit for visit in by_id.values() if visit.status == "running"]
        if ending == "Succeeded":
            fates = [self._unseen_end(place, by_id, visit) for visit in running]
        elif ending in ENDED_AS:
            otherwise = ENDED_AS[ending]
            blames = ending == "Failed"
            troubles = [self._lives[visit.id].trouble(place) for visit in running]
            fates = [(blames and trouble) or otherwise for trouble in troubles]
        else:
            return {}
        return {
            visit.id: _ended_as(visit, fate, at)
            for visit, fate in zip(running, fates, strict=True)
        }

    def _unseen_end(
        self, place: int, by_id: Mapping[int, StateVisit], visit: StateVisit
    ) -> str:
        """Say what `unseen_end` says of a visit that is being built."""
        around = _around(by_id, visit)
        lost = any(self._lives[each.id].trouble(place) for each in around)
        trouble = self._lives[visit.id].trouble(place)
        if visit.type == "Fail":
            return "failed"
        if trouble:
            return trouble if lost else "caught"
        return "aborted" if lost else "succeeded"


def _around(by_id: Mapping[int, StateVisit], visit: StateVisit) -> Iterator[StateVisit]:
    while visit.parent is not None:
        visit = by_id[visit.parent]
        yield visit


def _ended_as(visit: StateVisit, status: str, at: datetime) -> StateVisit:
    attempts: tuple[Attempt, ...] = visit.attempts
    if attempts and attempts[-1].status == "running":
        last = replace(attempts[-1], status="succeeded")
        if status != "succeeded":
            last = replace(attempts[-1], status="aborted", ended_at=at)
        attempts = (*attempts[:-1], last)
    return replace(visit, status=status, ended_at=at, attempts=attempts)


def _first(known: Mapping[int, _T], count: int) -> dict[int, _T]:
    return dict(islice(known.items(), count))
