"""The walk along `previousEventId` that turns a history into a tree.

The rules were read off executions recorded on AWS; each stands at the function
that follows it.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import chain, count

from sfnwatch.trace import tries
from sfnwatch.trace.fates import Fate, cuts_off, fates_around, fates_at_end
from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.redrives import REDRIVEN
from sfnwatch.trace.scopes import (
    Open,
    Place,
    Scope,
    at_work,
    inside,
    open_inside,
    outward,
)

_ENTERED, _EXITED = "StateEntered", "StateExited"
_CONTAINERS = ("Map", "Parallel")
_Step = Callable[["Walk", HistoryEvent, Place], tuple[Scope, Open | None]]


class Walk:
    """Takes events in the order of their ids."""

    def __init__(self, branches: Mapping[str, tuple[str, ...]]) -> None:
        self._branches = branches
        self._main = Scope()
        self._nowhere = Place(self._main, None)
        self._places: dict[int, Place] = {}
        self._running: dict[int, Open] = {}
        self._iterations: dict[tuple[int, int | None], Scope] = {}
        self._cut: Open | None = None
        """The Task that a redrive would go on with, as far as one can tell."""
        self._redriven_at: datetime | None = None
        """When the execution was last taken up again after it had ended."""
        self.visits: list[Open] = []
        self.changed: dict[int, Open] = {}
        """The visits that were entered or altered since somebody emptied this."""
        self.visit_of_event: dict[int, int] = {}
        """Each event's visit; an iteration's own events are their Map's."""
        self.attempt_of_event: dict[int, int] = {}

    def take(self, event: HistoryEvent) -> None:
        number, kind = event.id, event.type
        before = self._places.get(event.previous_event_id, self._nowhere)
        scope, visit = self._step_of(kind)(self, event, before)
        self._places[number] = Place(scope, visit, kind)
        if visit is not None:
            visit.event_ids.append(number)
            self.changed[visit.id] = visit
        owner = visit or scope.parent
        if owner is not None:
            self.visit_of_event[number] = owner.id

    @staticmethod
    @lru_cache(maxsize=256)
    def _step_of(kind: str) -> "_Step":
        """Find what an event of a type means to the walk."""
        if kind.endswith(_ENTERED):
            return Walk._enter
        if kind.endswith(_EXITED):
            return Walk._exit
        if kind.startswith("MapIteration"):
            return Walk._iteration
        if "State" in kind and kind.startswith(_CONTAINERS):
            return Walk._container
        if tries.belongs_to_attempt(kind):
            return Walk._attempt
        if kind.endswith("StateAborted"):
            return Walk._abort_siblings
        if kind.startswith("Execution"):
            return Walk._execution
        others: dict[str, _Step] = {
            "EvaluationFailed": Walk._evaluation_failed,
            "MapRunFailed": Walk._map_run_failed,
            "MapRunRedriven": Walk._redrive_map,
        }
        return others.get(kind, Walk._other)

    def _other(self, _: HistoryEvent, before: Place) -> tuple[Scope, Open | None]:
        """What else happens in a state, types that AWS adds later among it."""
        return before.scope, before.visit

    def _map_run_failed(
        self, event: HistoryEvent, before: Place
    ) -> tuple[Scope, Open | None]:
        if before.visit:
            before.visit.error = event.detail("error")
            before.visit.cause = event.detail("cause")
        return before.scope, before.visit

    # -- states ----------------------------------------------------------------

    def _enter(self, event: HistoryEvent, before: Place) -> tuple[Scope, Open]:
        """The first state's previous event is 0; others follow an exit, or a start.

        A branch's first state follows ParallelStateStarted, an iteration's
        MapIterationStarted.
        """
        name = event.detail("name") or ""
        scope = before.scope
        parallel = before.visit
        started = before.type == "ParallelStateStarted"
        if started and parallel and parallel.type == "Parallel":
            scope = self._branch(parallel, name)
        if self._redriven_at is not None and scope.parent is not None:
            self._reopen(scope.parent, event)
        visit = Open(
            id=event.id,
            name=name,
            type=event.type.removesuffix(_ENTERED),
            scope=scope,
            path=f"{scope.path} / {name}",
            entered_at=event.timestamp,
        )
        self.visits.append(visit)
        self._open(visit)
        return scope, visit

    def _branch(self, parallel: Open, first_state: str) -> Scope:
        """Number a branch: by the definition, or in the order branches were entered.

        That the order is the definition's is inferred; no recording settles it.
        """
        starts = self._branches.get(parallel.name, ())
        named = (i for i, start in enumerate(starts) if start == first_state)
        index = next(i for i in chain(named, count()) if i not in parallel.taken)
        parallel.taken.add(index)
        return inside(parallel, index)

    def _exit(self, event: HistoryEvent, before: Place) -> tuple[Scope, Open | None]:
        """A Map's or Parallel's exit follows its last branch's last event, not its own.

        So look outward from there for the open state of that name and type.
        """
        name, kind = event.detail("name"), event.type.removesuffix(_EXITED)

        def leaves(visit: Open) -> bool:
            same = visit.name == name and visit.type == kind
            return same and visit.id in self._running

        visit = before.visit
        if visit is None or not leaves(visit):
            visit = next(filter(leaves, self._near(before)), None)
        visit = visit or self._cut_off(name, kind, before)
        if visit is None:
            return before.scope, None
        self._reopen(visit, event)
        if visit.inside:
            self._close_inside(visit, event, ())
        visit.exited_at = event.timestamp
        self._close(visit, "caught" if visit.trouble else "succeeded", event.timestamp)
        return visit.scope, visit

    # -- Map and Parallel --------------------------------------------------------

    def _container(
        self, event: HistoryEvent, before: Place
    ) -> tuple[Scope, Open | None]:
        """MapState… and ParallelState… without Entered and Exited: they name no state.

        Succeeded and Failed point at the last, or the failing, event inside; with
        nested containers the owner is the nearest one still at work. Aborted points
        at the failing event elsewhere, as all of the aborted do.
        """
        kind, phase = event.type.split("State", 1)
        if phase == "Started":
            return self._start_container(event, before, kind)
        if phase == "Aborted":
            return self._abort_siblings(event, before)
        owner = at_work(before, kind) or self._lone_container(kind)
        if owner is None:
            return before.scope, before.visit
        owner.started = False
        if phase != "Succeeded":
            owner.trouble = "failed"
            self._close_inside(owner, event, tuple(outward(before)))
        return owner.scope, owner

    def _lone_container(self, kind: str) -> Open | None:
        """Find the one Map or Parallel it can be, where what led inside is missing."""
        found = [v for v in self._running.values() if v.type == kind and v.started]
        return found[0] if len(found) == 1 else None

    def _start_container(
        self, event: HistoryEvent, before: Place, kind: str
    ) -> tuple[Scope, Open | None]:
        """A retry starts a Parallel again without entering it again.

        It then follows the failing event inside, and no Failed stands in between.
        """
        entered = before.visit if before.type == kind + _ENTERED else None
        visit = entered or at_work(before, kind) or before.visit
        if visit is None or visit.type != kind:
            return before.scope, before.visit
        self._close_inside(visit, event, tuple(outward(before)))
        self._reopen(visit, event)
        visit.started, visit.trouble, visit.taken = True, None, set()
        return visit.scope, visit

    def _iteration(
        self, event: HistoryEvent, before: Place
    ) -> tuple[Scope, Open | None]:
        """Started follows MapStateStarted or, one by one, the last event of another.

        Either way it carries the Map state's name, and the Map is around it. Aborted
        follows the failing event of another iteration.
        """
        name, index = event.detail("name"), event.details.get("index")
        number = index if isinstance(index, int) else None
        owners = (v for v in self._near(before) if v.type == "Map" and v.name == name)
        if event.type == "MapIterationStarted":
            return self._start_iteration(owners, number, before), None
        scopes = (self._iterations.get((owner.id, number)) for owner in owners)
        scope = next((scope for scope in scopes if scope), None)
        if scope is None:
            return before.scope, before.visit
        if not event.type.endswith("Succeeded"):
            self._close_inside(scope, event, tuple(outward(before)))
        return scope, None

    def _start_iteration(
        self, owners: Iterator[Open], number: int | None, before: Place
    ) -> Scope:
        owner = next(owners, None)
        if owner is None:
            return Scope(None, number, before.scope.depth)
        scope = inside(owner, number)
        self._iterations[owner.id, number] = scope
        return scope

    # -- tasks -------------------------------------------------------------------

    def _attempt(self, event: HistoryEvent, before: Place) -> tuple[Scope, Open | None]:
        """A retry is a new Scheduled after the failure, with no second Entered."""
        visit = before.visit
        if visit is None or visit.type != "Task":
            visit = self._lone_task(before)
        if visit is None:
            return before.scope, before.visit
        phase = tries.phase_of(event.type)
        if phase.opens:
            self._reopen(visit, event)
        if tries.begins(phase, visit.attempts):
            visit.attempts.append(tries.first(event, visit.id))
        attempt = visit.attempts[-1]
        if not phase.opens:
            attempt.take(event, phase)
        self.attempt_of_event[event.id] = attempt.scheduled_id
        visit.trouble = phase.trouble
        return visit.scope, visit

    def _lone_task(self, before: Place) -> Open | None:
        """Find the one Task it can be: running, or cut off before a redrive.

        For histories whose beginning is missing, and since what a redriven Task's
        events follow is in no recording.
        """
        if before is not self._nowhere and not before.type.startswith("Execution"):
            return None
        running = self._running_tasks()
        return running[0] if len(running) == 1 else self._cut if not running else None

    def _running_tasks(self) -> list[Open]:
        return [v for v in self._running.values() if v.type == "Task"]

    def _evaluation_failed(
        self, event: HistoryEvent, before: Place
    ) -> tuple[Scope, Open | None]:
        """Its previous event is 0, but it names its state."""
        name = event.detail("state")
        visit = before.visit or next(
            (v for v in reversed(self._running.values()) if v.name == name), None
        )
        if visit is None:
            return before.scope, None
        visit.trouble = "failed"
        visit.error, visit.cause = event.detail("error"), event.detail("cause")
        return visit.scope, visit

    # -- endings -----------------------------------------------------------------

    def _abort_siblings(
        self, event: HistoryEvent, before: Place
    ) -> tuple[Scope, Open | None]:
        """…StateAborted names no state and follows the *failing* event elsewhere.

        Which of several open states it means can't be known, but all of the dying
        parent's are over.
        """
        parent = before.scope.parent
        if parent is not None:
            spared = tuple(outward(before))
            for visit in open_inside(parent):
                if visit not in spared:
                    self._close(visit, "aborted", event.timestamp)
        return before.scope, None

    def _execution(
        self, event: HistoryEvent, before: Place
    ) -> tuple[Scope, Open | None]:
        """An uncaught failure has no StateExited: TaskFailed, then ExecutionFailed."""
        if event.type == REDRIVEN:
            self._redriven_at = event.timestamp
        ending = event.type.removeprefix("Execution")
        self.end(ending, event.timestamp, tuple(outward(before)))
        return self._main, None

    def end(self, ending: str, at: datetime, failing: tuple[Open, ...] = ()) -> None:
        """End what runs as the execution ended; see `fates_at_end`."""
        if cuts_off(ending):
            tasks = self._running_tasks()
            self._cut = tasks[0] if len(tasks) == 1 else None
        for fate in self.fates(ending, failing):
            self._meet(fate, at)

    def fates(self, ending: str, failing: tuple[Open, ...] = ()) -> list[Fate]:
        """Tell how what runs would end with the execution; nothing is changed."""
        return fates_at_end(tuple(self._running.values()), ending, failing)

    def _close_inside(
        self, around: Open | Scope, event: HistoryEvent, failing: tuple[Open, ...]
    ) -> None:
        for fate in fates_around(open_inside(around), failing):
            self._meet(fate, event.timestamp)

    def _meet(self, fate: Fate, at: datetime) -> None:
        if fate.blamed and fate.visit.type == "Task":
            self._cut = fate.visit
        self._close(fate.visit, fate.status, at)

    def _open(self, visit: Open) -> None:
        self._running[visit.id] = visit
        if visit.scope.parent:
            visit.scope.parent.inside[visit.id] = visit

    def _close(self, visit: Open, status: str, at: datetime) -> None:
        visit.status, visit.ended_at, visit.started = status, at, False
        self.changed[visit.id] = visit
        self._running.pop(visit.id, None)
        if visit.scope.parent:
            visit.scope.parent.inside.pop(visit.id, None)
        if visit.attempts:
            visit.attempts[-1].end(status, at)

    def _cut_off(self, name: str | None, kind: str, before: Place) -> Open | None:
        """Find a state that is left after a redrive without being entered again.

        So it would be with a Choice or a Wait, if they are like Tasks [inferred].
        """
        if self._redriven_at is None:
            return None
        near = chain(outward(before), reversed(self.visits))
        left = (v for v in near if v.exited_at is None and v.type == kind)
        return next((v for v in left if name in (None, v.name)), None)

    def _redrive_map(
        self, event: HistoryEvent, before: Place
    ) -> tuple[Scope, Open | None]:
        """A Map Run goes on, and with it the Map whose it is [inferred]."""
        visit = next((v for v in outward(before) if v.type == "Map"), None)
        visit = visit or self._cut_off(None, "Map", before)
        if visit is None:
            return before.scope, before.visit
        self._reopen(visit, event)
        visit.started = True
        return visit.scope, visit

    def _reopen(self, visit: Open, event: HistoryEvent) -> None:
        """A redrive goes on where the execution had ended [inferred from its docs].

        What is around the visit goes on with it.
        """
        around: Open | None = visit
        while around is not None and around.id not in self._running:
            self._note_pause(around, event)
            around.error = around.cause = None
            around.status, around.ended_at, around.exited_at = "running", None, None
            around.started, around.trouble = around is not visit, None
            self.changed[around.id] = around
            self._open(around)
            around = around.scope.parent

    def _note_pause(self, visit: Open, event: HistoryEvent) -> None:
        begin, end = visit.ended_at, self._redriven_at
        if begin is not None and end is not None:
            end = end if begin <= end <= event.timestamp else event.timestamp
            visit.pauses.append((begin, max(begin, end)))

    def _near(self, place: Place) -> Iterator[Open]:
        """Yield what encloses a place, then whatever runs, the newest first.

        What is over comes last: an inner Map may have had the outer one's name.
        """
        around = (v for v in outward(place) if v.id in self._running)
        return chain(around, reversed(self._running.values()), outward(place))
