"""The walk along `previousEventId` that turns a history into a tree.

The rules were read off executions recorded on AWS; each stands at the function
that follows it. The builders here are mutable and live for one walk only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sfnwatch.trace import attempts as tries
from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.history import HistoryEvent

_ENTERED, _EXITED = "StateEntered", "StateExited"
_CONTAINERS = ("Map", "Parallel")


@dataclass(eq=False, slots=True)
class Scope:
    """Where states follow each other: the main line, a branch, an iteration."""

    parent: "Open | None" = None
    index: int | None = None
    depth: int = 0


@dataclass(eq=False, slots=True)
class Open:
    """A visit being built."""

    id: int
    name: str
    type: str
    scope: Scope
    entered_at: datetime
    exited_at: datetime | None = None
    ended_at: datetime | None = None
    status: str = "running"
    trouble: str | None = None
    """How it will have ended if nothing catches what went wrong."""
    started: bool = False
    """A Map or Parallel between its Started and its Succeeded, Failed or Aborted."""
    branch_count: int = 0
    attempts: list[Attempt] = field(default_factory=list)
    event_ids: list[int] = field(default_factory=list)
    error: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event stands: in a scope and, mostly, in a visit."""

    scope: Scope
    visit: Open | None
    type: str = ""


class Walk:
    """Takes events in the order of their ids."""

    def __init__(self, branches: Mapping[str, tuple[str, ...]]) -> None:
        self._branches = branches
        self._main = Scope()
        self._nowhere = Place(self._main, None)
        self._places: dict[int, Place] = {}
        self._running: dict[int, Open] = {}
        self.visits: list[Open] = []

    def visit_of_event(self) -> dict[int, int]:
        """Give each event its visit; an iteration's own events their Map's."""
        owners = (
            (event_id, place.visit or place.scope.parent)
            for event_id, place in self._places.items()
        )
        return {event_id: owner.id for event_id, owner in owners if owner}

    def take(self, event: HistoryEvent) -> None:
        before = self._places.get(event.previous_event_id, self._nowhere)
        scope, visit = self._step(event, before)
        self._places[event.id] = Place(scope, visit, event.type)
        if visit is not None:
            visit.event_ids.append(event.id)

    def _step(self, event: HistoryEvent, before: Place) -> tuple[Scope, Open | None]:
        kind = event.type
        if kind.endswith(_ENTERED):
            return self._enter(event, before)
        if kind.endswith(_EXITED):
            return self._exit(event, before)
        if kind.startswith("MapIteration"):
            return self._iteration(event, before)
        if "State" in kind and kind.startswith(_CONTAINERS):
            return self._container(event, before)
        if tries.belongs_to_attempt(kind):
            return self._attempt(event, before)
        return self._other(event, before)

    def _other(self, event: HistoryEvent, before: Place) -> tuple[Scope, Open | None]:
        if event.type.endswith("StateAborted"):
            return self._abort_siblings(event, before)
        if event.type.startswith("Execution"):
            return self._execution(event, before)
        if event.type == "EvaluationFailed":
            return self._evaluation_failed(event, before)
        if event.type == "MapRunFailed" and before.visit:
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
        if before.type == "ParallelStateStarted" and before.visit:
            scope = self._branch(before.visit, name)
        visit = Open(
            id=event.id,
            name=name,
            type=event.type.removesuffix(_ENTERED),
            scope=scope,
            entered_at=event.timestamp,
        )
        self.visits.append(visit)
        self._running[visit.id] = visit
        return scope, visit

    def _branch(self, parallel: Open, first_state: str) -> Scope:
        """Number a branch: by the definition, or in the order branches were entered.

        That the order is the definition's is inferred; no recording settles it.
        """
        starts = self._branches.get(parallel.name, ())
        index = parallel.branch_count
        if starts.count(first_state) == 1:
            index = starts.index(first_state)
        parallel.branch_count += 1
        return Scope(parallel, index, parallel.scope.depth + 1)

    def _exit(self, event: HistoryEvent, before: Place) -> tuple[Scope, Open | None]:
        """A Map's or Parallel's exit follows its last branch's last event, not its own.

        So look outward from there for the open state of that name and type.
        """
        name, kind = event.detail("name"), event.type.removesuffix(_EXITED)
        visit = next(
            (
                v
                for v in (*_outward(before), *reversed(self._running.values()))
                if v.id in self._running and v.name == name and v.type == kind
            ),
            None,
        )
        if visit is None:
            return before.scope, None
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
        nested containers the owner is the nearest one still at work.
        """
        kind, phase = event.type.split("State", 1)
        if phase == "Started":
            return self._start_container(before, kind)
        owner = next(
            (v for v in _outward(before) if v.type == kind and v.started), None
        )
        if owner is None:
            return before.scope, before.visit
        owner.started = False
        if phase != "Succeeded":
            owner.trouble = "failed" if phase == "Failed" else "aborted"
            self._close_inside(owner, event, tuple(_outward(before)))
        return owner.scope, owner

    def _start_container(self, before: Place, kind: str) -> tuple[Scope, Open | None]:
        """A retry starts a Parallel again without entering it again."""
        visit = before.visit
        if visit is None or visit.type != kind:
            return before.scope, visit
        self._reopen(visit)
        visit.started, visit.trouble, visit.branch_count = True, None, 0
        return visit.scope, visit

    def _iteration(
        self, event: HistoryEvent, before: Place
    ) -> tuple[Scope, Open | None]:
        """Started follows MapStateStarted or, one by one, the last event of another.

        Either way it carries the Map state's name, and the Map is around it.
        """
        name, index = event.detail("name"), event.details.get("index")
        number = index if isinstance(index, int) else None
        if event.type == "MapIterationStarted":
            owner = next(
                (
                    v
                    for v in (*_outward(before), *reversed(self._running.values()))
                    if v.type == "Map" and v.name == name
                ),
                None,
            )
            depth = owner.scope.depth + 1 if owner else before.scope.depth
            return Scope(owner, number, depth), None
        scope = before.scope
        while scope.parent and (scope.parent.name, scope.index) != (name, number):
            scope = scope.parent.scope
        if not event.type.endswith("Succeeded"):
            self._close_scope(scope, event, tuple(_outward(before)))
        return scope, None

    # -- tasks -------------------------------------------------------------------

    def _attempt(self, event: HistoryEvent, before: Place) -> tuple[Scope, Open | None]:
        """A retry is a new Scheduled after the failure, with no second Entered."""
        visit = before.visit
        if visit is None or visit.type != "Task":
            visit = self._lone_task(before)
        if visit is None:
            return before.scope, before.visit
        if tries.opens(event):
            self._reopen(visit)
        if tries.opens(event) or not visit.attempts:
            visit.attempts.append(tries.first(event, visit.id))
        if not tries.opens(event):
            visit.attempts[-1] = tries.grow(visit.attempts[-1], event)
        visit.trouble = _trouble(event)
        return visit.scope, visit

    def _lone_task(self, before: Place) -> Open | None:
        """Find the one running Task, for histories whose beginning is missing."""
        if before is not self._nowhere:
            return None
        running = [v for v in self._running.values() if v.type == "Task"]
        return running[0] if len(running) == 1 else None

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
        """TaskStateAborted names no state and follows the *failing* event elsewhere.

        Which of several open states it means can't be known, but all of the dying
        parent's are over.
        """
        parent = before.scope.parent
        if parent is not None:
            spared = tuple(_outward(before))
            for visit in self._inside(parent):
                if visit not in spared:
                    self._close(visit, "aborted", event.timestamp)
        return before.scope, None

    def _execution(
        self, event: HistoryEvent, before: Place
    ) -> tuple[Scope, Open | None]:
        """An uncaught failure has no StateExited: TaskFailed, then ExecutionFailed."""
        ending = event.type.removeprefix("Execution")
        if ending == "Failed":
            failing = tuple(_outward(before))
            for visit in tuple(self._running.values()):
                blamed = visit in failing or visit.trouble
                self._close(
                    visit,
                    (visit.trouble or "failed") if blamed else "aborted",
                    event.timestamp,
                )
        elif ending in {"Aborted", "TimedOut", "Succeeded"}:
            status = "timed_out" if ending == "TimedOut" else "aborted"
            for visit in tuple(self._running.values()):
                self._close(visit, status, event.timestamp)
        return self._main, None

    def _close_inside(
        self, parent: Open, event: HistoryEvent, failing: tuple[Open, ...]
    ) -> None:
        for visit in self._inside(parent):
            blamed = visit in failing or visit.trouble
            status = (visit.trouble or "failed") if blamed else "aborted"
            self._close(visit, status, event.timestamp)

    def _close_scope(
        self, scope: Scope, event: HistoryEvent, failing: tuple[Open, ...]
    ) -> None:
        for visit in tuple(self._running.values()):
            if any(s is scope for s in _scopes(visit)):
                blamed = visit in failing or visit.trouble
                status = (visit.trouble or "failed") if blamed else "aborted"
                self._close(visit, status, event.timestamp)

    def _inside(self, parent: Open) -> tuple[Open, ...]:
        return tuple(
            visit
            for visit in self._running.values()
            if any(s.parent is parent for s in _scopes(visit))
        )

    def _close(self, visit: Open, status: str, at: datetime) -> None:
        visit.status, visit.ended_at, visit.started = status, at, False
        self._running.pop(visit.id, None)
        if visit.attempts:
            visit.attempts[-1] = tries.abort(visit.attempts[-1], at)

    def _reopen(self, visit: Open) -> None:
        """A redrive goes on where the execution had ended [inferred from its docs]."""
        if visit.id not in self._running:
            visit.status, visit.ended_at, visit.exited_at = "running", None, None
            self._running[visit.id] = visit


def _outward(place: Place) -> Iterator[Open]:
    """Yield the visit of a place and all that enclose it, innermost first."""
    visit = place.visit or place.scope.parent
    while visit is not None:
        yield visit
        visit = visit.scope.parent


def _scopes(visit: Open) -> Iterator[Scope]:
    scope = visit.scope
    while True:
        yield scope
        if scope.parent is None:
            return
        scope = scope.parent.scope


def _trouble(event: HistoryEvent) -> str | None:
    if event.type.endswith("TimedOut"):
        return "timed_out"
    return "failed" if tries.failed(event) else None
