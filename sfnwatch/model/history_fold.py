"""How a history becomes visits and attempts: a walk along `previousEventId`.

The rules come from executions recorded on AWS. Each rule is described at the function
that follows it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import chain, count
from typing import Any

from sfnwatch.model.attempt_events import (
    ATTEMPT_ENDS,
    begins_attempt,
    belongs_to_attempt,
    new_attempt,
    phase_of,
    take_attempt_event,
)
from sfnwatch.model.history_event import REDRIVEN, Details, HistoryEvent
from sfnwatch.model.unseen_ends import (
    ENDED_AS,
    end_beside,
    ends_around,
    ends_with_execution,
    unseen_end,
)
from sfnwatch.model.values import int_of, text_of
from sfnwatch.model.visit_tree import Branch, HistoryPlace, VisitBuilder, around_all
from sfnwatch.model.visits import FAILED, StateVisit, Stretch, end_attempt

_ENTERED = "StateEntered"
_EXITED = "StateExited"
_FAILED_STATE = re.compile(r"state '(.+?)' \(entered at the event id #(\d{1,9})\)")
"""How a cause may name the state that failed, or one of a child execution."""
_CONTAINERS = ("Map", "Parallel")
_REOPENED: Mapping[str, Any] = {
    "status": "running",
    "ended_at": None,
    "ended_by": 0,
    "exited_at": None,
    "error": None,
    "cause": None,
    "trouble": None,
}
"""The fields to set on a visit that continues after its end."""

_FoldStep = Callable[["HistoryFold", HistoryEvent, Details, HistoryPlace], HistoryPlace]


class HistoryFold:
    """Takes events in the order of their ids, each once."""

    def __init__(self, branches: Mapping[str, tuple[str, ...]]) -> None:
        """`branches` has the first state of each branch, by the Parallel's name."""
        self._branches = branches
        self._main = Branch()
        self._nowhere = HistoryPlace(self._main, None)
        self._places: dict[int, HistoryPlace] = {}
        """The place of each event in the visits, by the event's id."""
        self._running: dict[int, VisitBuilder] = {}
        self._builders: list[VisitBuilder] = []
        self._iterations: dict[tuple[int, int | None], Branch] = {}
        """By the id of the Map's visit, and the iteration's index."""
        self._cut: VisitBuilder | None = None
        """The Task that a redrive would continue; None where that is not known."""
        self._redriven_at: datetime | None = None
        """When the execution was last redriven after it had ended."""
        self._event_id = 0
        """The id of the event being taken."""
        self.visits: dict[int, StateVisit] = {}
        self.changed: set[int] = set()
        """The ids of visits that changed since this set was last replaced."""

    def take(self, event: HistoryEvent, details: Details) -> None:
        """Take one event, and set the visit and the attempt it belongs to."""
        self._event_id = event.id
        # A fold before this one may have put the event elsewhere.
        event.visit_id = 0
        event.attempt_id = 0
        event.iteration = None
        event.iteration_end = None
        before = self._places.get(event.previous_event_id, self._nowhere)
        step = self._step_of(event.type)
        place = step(self, event, details, before)
        builder = place.builder
        self._places[event.id] = HistoryPlace(place.branch, builder, event.type)
        if builder is not None:
            builder.visit.event_ids.append(event.id)
            self._touch(builder.visit)
        elif event.type.startswith("MapIteration"):
            event.iteration = place.branch.index
        owner = builder or place.branch.parent
        if owner is not None:
            event.visit_id = owner.visit.id

    @staticmethod
    @lru_cache(maxsize=256)
    def _step_of(kind: str) -> "_FoldStep":
        """Return the method that folds events of a type."""
        if kind.endswith(_ENTERED):
            return HistoryFold._enter
        if kind.endswith(_EXITED):
            return HistoryFold._exit
        if kind.startswith("MapIteration"):
            return HistoryFold._iteration
        if kind.endswith("StateAborted"):
            return HistoryFold._abort_siblings
        if "State" in kind and kind.startswith(_CONTAINERS):
            return HistoryFold._container
        if belongs_to_attempt(kind):
            return HistoryFold._attempt
        if kind.startswith("Execution"):
            return HistoryFold._execution
        others: dict[str, _FoldStep] = {
            "EvaluationFailed": HistoryFold._evaluation_failed,
            "MapRunFailed": HistoryFold._map_run_failed,
            "MapRunRedriven": HistoryFold._redrive_map,
        }
        return others.get(kind, HistoryFold._other)

    @property
    def running(self) -> list[StateVisit]:
        """The visits that have not ended."""
        return [builder.visit for builder in self._running.values()]

    def _touch(self, visit: StateVisit) -> None:
        visit.changed_by = self._event_id
        self.changed.add(visit.id)

    def _other(
        self, _: HistoryEvent, __: Details, before: HistoryPlace
    ) -> HistoryPlace:
        """Put an event at the place of the previous one; also for unknown types."""
        return before

    def _map_run_failed(
        self, _: HistoryEvent, details: Details, before: HistoryPlace
    ) -> HistoryPlace:
        if before.builder:
            before.builder.visit.change(self._event_id, **_error_in(details))
        return before

    def _enter(
        self, event: HistoryEvent, details: Details, before: HistoryPlace
    ) -> HistoryPlace:
        """Begin a visit.

        The first state's previous event is 0. Other states follow an exit or a start: a
        branch's first state follows ParallelStateStarted, and an iteration's first
        state follows MapIterationStarted.
        """
        name = text_of(details.get("name")) or ""
        branch = before.branch
        builder = before.builder
        is_start = before.type == "ParallelStateStarted"
        if is_start and builder and builder.visit.type == "Parallel":
            branch = self._enter_branch(builder, name)
        parent = branch.parent
        if self._redriven_at is not None and parent is not None:
            self._reopen(parent, event)
        visit = StateVisit(
            id=event.id,
            name=name,
            type=event.type.removesuffix(_ENTERED),
            parent=parent.visit.id if parent else None,
            path=f"{branch.path} / {name}",
            index=branch.index,
            entered_at=event.at,
        )
        entered = VisitBuilder(visit, branch)
        branch.last = entered
        self.visits[visit.id] = visit
        self._builders.append(entered)
        self._open(entered)
        return HistoryPlace(branch, entered)

    def _enter_branch(self, parallel: VisitBuilder, first_state: str) -> Branch:
        """Number a branch by the definition, or else in the order branches are entered.

        It is inferred that branches are entered in the order of the definition; no
        recording settles it.
        """
        starts = self._branches.get(parallel.visit.name, ())
        defined = (i for i, start in enumerate(starts) if start == first_state)
        taken = parallel.branches_taken
        index = next(i for i in chain(defined, count()) if i not in taken)
        taken.add(index)
        return Branch(parallel, index)

    def _exit(
        self, event: HistoryEvent, details: Details, before: HistoryPlace
    ) -> HistoryPlace:
        """End the visit of the state that is exited.

        A Map's or Parallel's exit follows the last event of its last branch, not an
        event of its own. So the search for the open state of that name and type goes
        outward from there.
        """
        name = text_of(details.get("name"))
        kind = event.type.removesuffix(_EXITED)
        builder = self._running_state(name, kind, before)
        if builder is None:
            builder = self._cut_off(name, kind, before)
        if builder is None:
            return HistoryPlace(before.branch, None)
        self._reopen(builder, event)
        visit = builder.visit
        if self._is_caught_unseen(builder):
            visit.change(event.id, trouble="failed")
        if builder.inside:
            # The events that end the visits still open in it are missing.
            ends = {}
            for inner in builder.open_inside():
                ends[inner.visit.id] = unseen_end(inner.visit, self.visits)
            self._end(ends, event.at)
        status = "caught" if visit.trouble else "succeeded"
        self._close(builder, status, event.at)
        visit.change(event.id, exited_at=event.at)
        return HistoryPlace(builder.branch, builder)

    def _running_state(
        self, name: str | None, kind: str, place: HistoryPlace
    ) -> VisitBuilder | None:
        """Find the running state of this name and type that is nearest to a place."""
        for builder in self._near(place):
            visit = builder.visit
            is_running = visit.id in self._running
            if is_running and visit.name == name and visit.type == kind:
                return builder
        return None

    def _is_caught_unseen(self, builder: VisitBuilder) -> bool:
        """True if a Map or Parallel is exited without its end, with a failure inside.

        Its Failed event is then missing, and its Catch handled the failure. A failure
        in an earlier try does not count.
        """
        if not builder.started:
            return False
        since = max(builder.visit.starts, default=0)
        for visit in self.visits.values():
            is_inside = visit.parent == builder.visit.id and visit.id > since
            if is_inside and _is_failing(visit):
                return True
        return False

    def _container(
        self, event: HistoryEvent, _: Details, before: HistoryPlace
    ) -> HistoryPlace:
        """Take MapState… and ParallelState…: Started, Succeeded, Failed.

        These events name no state. Succeeded follows the last event inside, Failed the
        failing event inside. Where containers are nested, the event belongs to the
        nearest one still at work.
        """
        kind, phase = event.type.split("State", 1)
        if phase == "Started":
            return self._start_container(event, before, kind)
        owner = before.container_at_work(kind) or self._only_container(kind)
        if owner is None:
            return before
        owner.started = False
        if phase != "Succeeded":
            owner.visit.change(event.id, trouble="failed")
            self._close_inside(owner.open_inside(), owner, event, before)
        return HistoryPlace(owner.branch, owner)

    def _only_container(self, kind: str) -> VisitBuilder | None:
        """Return the only Map or Parallel at work; None if there are several or none.

        It is used where the event that leads inside is missing.
        """
        at_work = [builder for builder in self._running_of(kind) if builder.started]
        return at_work[0] if len(at_work) == 1 else None

    def _start_container(
        self, event: HistoryEvent, before: HistoryPlace, kind: str
    ) -> HistoryPlace:
        """Start a Map or Parallel; a retry starts it again without entering it again.

        The start then follows the failing event inside, with no Failed in between.
        """
        builder = before.builder
        if before.type != kind + _ENTERED:
            builder = before.container_at_work(kind) or builder
        if builder is None or builder.visit.type != kind:
            return before
        self._close_inside(builder.open_inside(), builder, event, before)
        starts = builder.visit.starts
        if builder.visit.id in self._running:
            starts = (*starts, event.id)  # a start by a redrive is no retry
        self._reopen(builder, event)
        builder.started = True
        builder.branches_taken = set()
        builder.visit.change(event.id, trouble=None, starts=starts)
        return HistoryPlace(builder.branch, builder)

    def _iteration(
        self, event: HistoryEvent, details: Details, before: HistoryPlace
    ) -> HistoryPlace:
        """Begin or end an iteration of a Map.

        Started follows MapStateStarted, or the last event of another iteration where
        iterations run one by one. Either way it has the name of the Map state, which
        encloses it. Aborted follows the failing event of another iteration.
        """
        name = text_of(details.get("name"))
        index = int_of(details.get("index"))
        maps = self._maps_named(name, before)
        if event.type == "MapIterationStarted":
            return HistoryPlace(self._start_iteration(next(maps, None), index), None)
        branch = self._iteration_of(maps, index)
        if branch is None:
            return before
        if not event.type.endswith("Succeeded"):
            self._close_inside(branch.open_inside(), branch.parent, event, before)
        event.iteration_end = _iteration_end(branch, event.type)
        return HistoryPlace(branch, None)

    def _maps_named(
        self, name: str | None, place: HistoryPlace
    ) -> Iterator[VisitBuilder]:
        for builder in self._near(place):
            if builder.visit.type == "Map" and builder.visit.name == name:
                yield builder

    def _start_iteration(self, owner: VisitBuilder | None, index: int | None) -> Branch:
        iteration = Branch(owner, index)
        if owner is not None:
            # The event that starts the Map may be missing.
            owner.started = owner.visit.id in self._running
            self._iterations[owner.visit.id, index] = iteration
        return iteration

    def _iteration_of(
        self, maps: Iterator[VisitBuilder], index: int | None
    ) -> Branch | None:
        for builder in maps:
            branch = self._iterations.get((builder.visit.id, index))
            if branch is not None:
                return branch
        return None

    def _attempt(
        self, event: HistoryEvent, details: Details, before: HistoryPlace
    ) -> HistoryPlace:
        """Begin an attempt, or add an event to the last one.

        A retry is a new Scheduled after the failure, with no second Entered.
        """
        builder = before.builder
        if builder is None or builder.visit.type != "Task":
            builder = self._lone_task(before)
        if builder is None:
            return before
        phase = phase_of(event.type)
        visit = builder.visit
        if phase == "Scheduled":
            self._reopen(builder, event)
        if begins_attempt(phase, visit.attempts):
            visit.attempts.append(new_attempt(event, details, visit.id))
        attempt = visit.attempts[-1]
        attempt.event_ids.append(event.id)
        if phase != "Scheduled":
            take_attempt_event(attempt, event, details, phase)
        event.attempt_id = attempt.scheduled_id
        end = ATTEMPT_ENDS.get(phase)
        visit.change(event.id, trouble=None if end == "succeeded" else end)
        return HistoryPlace(builder.branch, builder)

    def _lone_task(self, before: HistoryPlace) -> VisitBuilder | None:
        """Return the only running Task, or the one cut off before a redrive.

        None if several run, or the event's place is known. It is used for histories
        whose beginning is missing. It is also used for redriven Tasks: no recording
        shows which event theirs follow.
        """
        if before is not self._nowhere and not before.type.startswith("Execution"):
            return None
        running = self._running_of("Task")
        if not running:
            return self._cut
        return running[0] if len(running) == 1 else None

    def _running_of(self, kind: str) -> list[VisitBuilder]:
        return [b for b in self._running.values() if b.visit.type == kind]

    def _evaluation_failed(
        self, _: HistoryEvent, details: Details, before: HistoryPlace
    ) -> HistoryPlace:
        """Note a failed evaluation with the state it names.

        Its previous event is the one before that state was entered, or none.
        """
        builder = self._state_in_cause(details)
        if builder is None:
            name = text_of(details.get("state"))
            builder = self._newest_named(name, before.branch) or before.builder
        if builder is None:
            return HistoryPlace(before.branch, None)
        visit = builder.visit
        visit.change(self._event_id, trouble="failed", **_error_in(details))
        return HistoryPlace(builder.branch, builder)

    def _newest_named(self, name: str | None, branch: Branch) -> VisitBuilder | None:
        """Find the newest running state of a name; states of the branch come first."""
        named = [b for b in reversed(self._running.values()) if b.visit.name == name]
        for builder in named:
            if builder.branch is branch:
                return builder
        return named[0] if named else None

    def _abort_siblings(
        self, event: HistoryEvent, _: Details, before: HistoryPlace
    ) -> HistoryPlace:
        """End the states that are open beside a failure.

        …StateAborted names no state and follows the *failing* event elsewhere. It does
        not show which of several open states is meant. But all open states of the
        failing parent are over.
        """
        parent = before.branch.parent
        if parent is not None:
            failing = list(before.outward())
            visits = [builder.visit for builder in failing]
            for builder in parent.open_inside():
                if builder not in failing:
                    status = end_beside(builder.visit, visits)
                    self._close(builder, status, event.at)
        return HistoryPlace(before.branch, None)

    def _execution(
        self, event: HistoryEvent, details: Details, before: HistoryPlace
    ) -> HistoryPlace:
        """End the running visits when the execution ends.

        An uncaught failure has no StateExited: TaskFailed is followed by
        ExecutionFailed.
        """
        if event.type == REDRIVEN:
            self._redriven_at = event.at
        ending = event.type.removeprefix("Execution")
        tasks = self._running_of("Task")
        failing = [builder.visit for builder in self._failing(before, details)]
        ends = ends_with_execution(self.running, ending, failing, self.visits)
        self._end(ends, event.at)
        if ending in ENDED_AS and ending != "Failed":
            self._cut = tasks[0] if len(tasks) == 1 else None
        return HistoryPlace(self._main, None)

    def _failing(self, before: HistoryPlace, details: Details) -> list[VisitBuilder]:
        """Return the visits that failed, with all that enclose them.

        They are the visit of the previous event, and those around it. Where that event
        is missing, the cause may name the state.
        """
        failing = list(before.outward())
        if failing:
            return failing
        named = self._state_in_cause(details)
        if named is not None:
            return around_all([named])
        innermost = [b for b in self._running.values() if not b.inside]
        troubled = [b for b in innermost if b.visit.trouble]
        return around_all(troubled or innermost)

    def _state_in_cause(self, details: Details) -> VisitBuilder | None:
        """Find the running state that a cause names by its name and its event id."""
        match = _FAILED_STATE.search(text_of(details.get("cause")) or "")
        if match is None:
            return None
        builder = self._running.get(int(match[2]))
        if builder is None or builder.visit.name != match[1]:
            return None
        return builder

    def _close_inside(
        self,
        inside: list[VisitBuilder],
        container: VisitBuilder | None,
        event: HistoryEvent,
        failing: HistoryPlace,
    ) -> None:
        """End the open visits in a Map or Parallel, or in one of its branches."""
        blamed = list(failing.outward())
        if container not in blamed and not event.type.endswith("Aborted"):
            # The previous event is missing, so it does not show which state failed.
            fails = [builder for builder in inside if builder.visit.type == "Fail"]
            blamed += fails or around_all(b for b in inside if not b.inside)
        visits = [builder.visit for builder in inside]
        self._end(ends_around(visits, [b.visit for b in blamed]), event.at)

    def _end(self, ends: Mapping[int, str], at: datetime) -> None:
        for visit_id, status in ends.items():
            builder = self._running[visit_id]
            if builder.visit.type == "Task" and status in FAILED:
                self._cut = builder
            self._close(builder, status, at)

    def _open(self, builder: VisitBuilder) -> None:
        visit_id = builder.visit.id
        self._running[visit_id] = builder
        if builder.branch.parent:
            builder.branch.parent.inside[visit_id] = builder

    def _close(self, builder: VisitBuilder, status: str, at: datetime) -> None:
        visit = builder.visit
        by = self._event_id
        builder.started = False
        visit.change(by, status=status, ended_at=at, ended_by=by)
        self._touch(visit)
        self._running.pop(visit.id, None)
        if builder.branch.parent:
            builder.branch.parent.inside.pop(visit.id, None)
        if visit.attempts:
            end_attempt(visit.attempts[-1], status, at, by)

    def _cut_off(
        self, name: str | None, kind: str, before: HistoryPlace
    ) -> VisitBuilder | None:
        """Find a state that is exited after a redrive without being entered again.

        A Choice or a Wait is exited like that if it behaves as a Task does [inferred].
        Where `name` is None, it is any state of the type.
        """
        if self._redriven_at is None:
            return None
        for builder in chain(before.outward(), reversed(self._builders)):
            visit = builder.visit
            is_unfinished = visit.exited_at is None and visit.type == kind
            if is_unfinished and name in (None, visit.name):
                return builder
        return None

    def _redrive_map(
        self, event: HistoryEvent, _: Details, before: HistoryPlace
    ) -> HistoryPlace:
        """Continue the Map whose Map Run continues [inferred]."""
        maps = [b for b in before.outward() if b.visit.type == "Map"]
        builder = maps[0] if maps else self._cut_off(None, "Map", before)
        if builder is None:
            return before
        self._reopen(builder, event)
        builder.started = True
        return HistoryPlace(builder.branch, builder)

    def _reopen(self, builder: VisitBuilder, event: HistoryEvent) -> None:
        """Continue an ended visit, and the visits around it.

        A redrive continues where the execution had ended [inferred from its docs].
        """
        around: VisitBuilder | None = builder
        while around is not None and around.visit.id not in self._running:
            visit = around.visit
            around.started = around is not builder
            pauses = visit.pauses + self._pauses_before(visit, event)
            visit.change(event.id, **_REOPENED, pauses=pauses)
            self._touch(visit)
            self._open(around)
            around = around.branch.parent

    def _pauses_before(
        self, visit: StateVisit, event: HistoryEvent
    ) -> tuple[Stretch, ...]:
        """Return the time between a visit's end and the redrive that resumed it."""
        begin = visit.ended_at
        end = self._redriven_at
        if begin is None or end is None:
            return ()
        if not begin <= end <= event.at:
            end = max(begin, event.at)
        return ((begin, end),)

    def _near(self, place: HistoryPlace) -> Iterator[VisitBuilder]:
        """Yield the running visits around a place, then all running, the newest first.

        Then the visits around it follow again, with the ended ones. These come last,
        since an ended inner Map may have the name of the outer one.
        """
        for builder in place.outward():
            if builder.visit.id in self._running:
                yield builder
        yield from reversed(self._running.values())
        yield from place.outward()


def _error_in(details: Details) -> dict[str, str | None]:
    error = text_of(details.get("error"))
    cause = text_of(details.get("cause"))
    return {"error": error, "cause": cause}


def _is_failing(visit: StateVisit) -> bool:
    """True for a visit that failed, or that fails unless its trouble is caught."""
    if visit.running:
        return visit.trouble is not None or visit.type == "Fail"
    return visit.status in FAILED


def _iteration_end(branch: Branch, event_type: str) -> str:
    """Return how an iteration ended; if its last state failed, as that state ended.

    AWS also has Aborted for an iteration that timed out together with another one.
    """
    end = event_type.removeprefix("MapIteration").lower()
    last = branch.last.visit.status if branch.last else ""
    return last if end != "succeeded" and last in FAILED else end
