"""How a history becomes visits and attempts: a walk along `previousEventId`.

The rules were read off executions recorded on AWS; each stands at the function that
follows it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import chain, count
from typing import Any

from msgspec import Struct, field

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
from sfnwatch.model.visits import FAILED, ROOT, StateVisit, Stretch, end_attempt

_ENTERED = "StateEntered"
_EXITED = "StateExited"
_FAILED_STATE = re.compile(r"state '(.+?)' \(entered at the event id #(\d{1,9})\)")
"""What a cause may say of the state that failed; that may be one of a child."""
_CONTAINERS = ("Map", "Parallel")
_RUNS: Mapping[str, Any] = {
    **dict.fromkeys(("ended_at", "exited_at", "error", "cause", "trouble")),
    "status": "running",
    "ended_by": 0,
}
"""What a visit is again that goes on after its end."""


class Branch(Struct, eq=False):
    """Where states follow each other: the main line, a branch, an iteration."""

    parent: "VisitBuilder | None" = None
    index: int | None = None
    last: "VisitBuilder | None" = None
    """The state that was entered last in it."""

    @property
    def path(self) -> str:
        """Of the visits in it, as far as they have it in common."""
        if self.parent is None:
            return ROOT
        number = "" if self.index is None else f"[{self.index}]"
        return self.parent.visit.path + number


class VisitBuilder(Struct, eq=False):
    """A visit, with what only the fold needs to know of it."""

    visit: StateVisit
    branch: Branch
    started: bool = False
    """A Map or Parallel between its Started and its Succeeded, Failed or Aborted."""
    branches_taken: set[int] = field(default_factory=set)
    """Which of a Parallel's branches have been entered since it started."""
    inside: dict[int, "VisitBuilder"] = field(default_factory=dict)
    """The open visits directly in it."""


class HistoryPlace(Struct, frozen=True):
    """Where an event stands: in a branch and, mostly, in a visit."""

    branch: Branch
    builder: VisitBuilder | None
    type: str = ""


_FoldStep = Callable[["HistoryFold", HistoryEvent, Details, HistoryPlace], HistoryPlace]


class HistoryFold:
    """Takes events in the order of their ids, each once."""

    def __init__(self, branches: Mapping[str, tuple[str, ...]]) -> None:
        """`branches` gives the first states of a Parallel's branches, by its name."""
        self._branches = branches
        self._main = Branch()
        self._nowhere = HistoryPlace(self._main, None)
        self._places: dict[int, HistoryPlace] = {}
        self._running: dict[int, VisitBuilder] = {}
        self._builders: list[VisitBuilder] = []
        self._iterations: dict[tuple[int, int | None], Branch] = {}
        self._cut: VisitBuilder | None = None
        """The Task that a redrive would go on with, as far as one can tell."""
        self._redriven_at: datetime | None = None
        """When the execution was last taken up again after it had ended."""
        self._event = 0
        """The id of the event that is being taken."""
        self.visits: dict[int, StateVisit] = {}
        self.changed: set[int] = set()
        """The ids of visits that changed since somebody emptied this."""

    def take(self, event: HistoryEvent, details: Details) -> None:
        """Take one event, and set which visit and attempt it belongs to."""
        self._event = event.id
        # It may have been folded before, where it stood otherwise.
        event.visit_id = 0
        event.attempt_id = 0
        event.iteration = None
        event.iteration_end = None
        before = self._places.get(event.previous_event_id, self._nowhere)
        place = self._step_of(event.type)(self, event, details, before)
        self._places[event.id] = HistoryPlace(place.branch, place.builder, event.type)
        if place.builder is not None:
            place.builder.visit.event_ids.append(event.id)
            self._touch(place.builder.visit)
        owner = place.builder or place.branch.parent
        if owner is not None:
            event.visit_id = owner.visit.id
        if place.builder is None and event.type.startswith("MapIteration"):
            event.iteration = place.branch.index

    @staticmethod
    @lru_cache(maxsize=256)
    def _step_of(kind: str) -> "_FoldStep":
        """Find what an event of a type means to the fold."""
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
        """What has not ended."""
        return [builder.visit for builder in self._running.values()]

    def _touch(self, visit: StateVisit) -> None:
        visit.changed_by = self._event
        self.changed.add(visit.id)

    def _other(
        self, _: HistoryEvent, __: Details, before: HistoryPlace
    ) -> HistoryPlace:
        """What else happens in a state, types that AWS adds later among it."""
        return before

    def _map_run_failed(
        self, _: HistoryEvent, details: Details, before: HistoryPlace
    ) -> HistoryPlace:
        if before.builder:
            before.builder.visit.change(self._event, **_error_in(details))
        return before

    def _enter(
        self, event: HistoryEvent, details: Details, before: HistoryPlace
    ) -> HistoryPlace:
        """The first state's previous event is 0; others follow an exit, or a start.

        A branch's first state follows ParallelStateStarted, an iteration's
        MapIterationStarted.
        """
        name = text_of(details.get("name")) or ""
        branch = before.branch
        parallel = before.builder
        started = before.type == "ParallelStateStarted"
        if started and parallel and parallel.visit.type == "Parallel":
            branch = self._enter_branch(parallel, name)
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
        builder = VisitBuilder(visit, branch)
        branch.last = builder
        self.visits[visit.id] = visit
        self._builders.append(builder)
        self._open(builder)
        return HistoryPlace(branch, builder)

    def _enter_branch(self, parallel: VisitBuilder, first_state: str) -> Branch:
        """Number a branch: by the definition, or in the order branches were entered.

        That the order is the definition's is inferred; no recording settles it.
        """
        starts = self._branches.get(parallel.visit.name, ())
        named = (i for i, start in enumerate(starts) if start == first_state)
        taken = parallel.branches_taken
        index = next(i for i in chain(named, count()) if i not in taken)
        taken.add(index)
        return Branch(parallel, index)

    def _exit(
        self, event: HistoryEvent, details: Details, before: HistoryPlace
    ) -> HistoryPlace:
        """A Map's or Parallel's exit follows its last branch's last event, not its own.

        So look outward from there for the open state of that name and type.
        """
        name = text_of(details.get("name"))
        kind = event.type.removesuffix(_EXITED)

        def leaves(builder: VisitBuilder) -> bool:
            visit = builder.visit
            same = visit.name == name and visit.type == kind
            return same and visit.id in self._running

        builder = next(filter(leaves, self._near(before)), None)
        builder = builder or self._cut_off(name, kind, before)
        if builder is None:
            return HistoryPlace(before.branch, None)
        self._reopen(builder, event)
        if self._is_caught_unseen(builder):
            builder.visit.change(event.id, trouble="failed")
        if builder.inside:
            # What is open in it by now lacks its end.
            inside = [each.visit for each in _open_inside(builder)]
            self._end({v.id: unseen_end(v, self.visits) for v in inside}, event.at)
        status = "caught" if builder.visit.trouble else "succeeded"
        self._close(builder, status, event.at)
        builder.visit.change(event.id, exited_at=event.at)
        return HistoryPlace(builder.branch, builder)

    def _is_caught_unseen(self, builder: VisitBuilder) -> bool:
        """True for a Map or Parallel that is left without an end, something failing.

        So it is where its Failed is missing: its Catch went on. What failed in an
        earlier try does not count.
        """
        since = max(builder.visit.starts, default=0)
        return builder.started and any(
            visit.status in FAILED
            or (visit.running and (visit.trouble is not None or visit.type == "Fail"))
            for visit in self.visits.values()
            if visit.parent == builder.visit.id and visit.id > since
        )

    def _container(
        self, event: HistoryEvent, _: Details, before: HistoryPlace
    ) -> HistoryPlace:
        """MapState… and ParallelState…: Started, Succeeded, Failed; they name no state.

        Succeeded and Failed point at the last, or the failing, event inside; with
        nested containers the owner is the nearest one still at work.
        """
        kind, phase = event.type.split("State", 1)
        if phase == "Started":
            return self._start_container(event, before, kind)
        owner = _at_work(before, kind) or self._lone_container(kind)
        if owner is None:
            return before
        owner.started = False
        if phase != "Succeeded":
            owner.visit.change(self._event, trouble="failed")
            self._close_inside(owner, event, before)
        return HistoryPlace(owner.branch, owner)

    def _lone_container(self, kind: str) -> VisitBuilder | None:
        """Find the one Map or Parallel it can be, where what led inside is missing."""
        found = [builder for builder in self._running_of(kind) if builder.started]
        return found[0] if len(found) == 1 else None

    def _start_container(
        self, event: HistoryEvent, before: HistoryPlace, kind: str
    ) -> HistoryPlace:
        """A retry starts a Parallel again without entering it again.

        It then follows the failing event inside, and no Failed stands in between.
        """
        entered = before.builder if before.type == kind + _ENTERED else None
        builder = entered or _at_work(before, kind) or before.builder
        if builder is None or builder.visit.type != kind:
            return before
        self._close_inside(builder, event, before)
        starts = builder.visit.starts
        if builder.visit.id in self._running:
            starts = (*starts, event.id)  # what a redrive starts is no retry
        self._reopen(builder, event)
        builder.started = True
        builder.branches_taken = set()
        builder.visit.change(self._event, trouble=None, starts=starts)
        return HistoryPlace(builder.branch, builder)

    def _iteration(
        self, event: HistoryEvent, details: Details, before: HistoryPlace
    ) -> HistoryPlace:
        """Started follows MapStateStarted or, one by one, the last event of another.

        Either way it carries the Map state's name, and the Map is around it. Aborted
        follows the failing event of another iteration.
        """
        name = text_of(details.get("name"))
        number = int_of(details.get("index"))
        near = self._near(before)
        maps = (b for b in near if b.visit.type == "Map" and b.visit.name == name)
        if event.type == "MapIterationStarted":
            if (owner := next(maps, None)) is None:
                return HistoryPlace(Branch(None, number), None)
            # The event that says so may be missing.
            owner.started = owner.visit.id in self._running
            begun = Branch(owner, number)
            self._iterations[owner.visit.id, number] = begun
            return HistoryPlace(begun, None)
        found = (self._iterations.get((each.visit.id, number)) for each in maps)
        branch = next((each for each in found if each), None)
        if branch is None:
            return before
        if not event.type.endswith("Succeeded"):
            self._close_inside(branch, event, before)
        event.iteration_end = _iteration_end(branch, event.type)
        return HistoryPlace(branch, None)

    def _attempt(
        self, event: HistoryEvent, details: Details, before: HistoryPlace
    ) -> HistoryPlace:
        """A retry is a new Scheduled after the failure, with no second Entered."""
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
        visit.change(event.id, trouble=end if end != "succeeded" else None)
        return HistoryPlace(builder.branch, builder)

    def _lone_task(self, before: HistoryPlace) -> VisitBuilder | None:
        """Find the one Task it can be: running, or cut off before a redrive.

        For histories whose beginning is missing, and since what a redriven Task's
        events follow is in no recording.
        """
        if before is not self._nowhere and not before.type.startswith("Execution"):
            return None
        running = self._running_of("Task")
        return running[0] if len(running) == 1 else self._cut if not running else None

    def _running_of(self, kind: str) -> list[VisitBuilder]:
        return [b for b in self._running.values() if b.visit.type == kind]

    def _evaluation_failed(
        self, _: HistoryEvent, details: Details, before: HistoryPlace
    ) -> HistoryPlace:
        """It names its state, and follows what was before that was entered, or nothing.

        Of several states of that name it is the one in the branch that it follows.
        """
        name = text_of(details.get("state"))
        named = [b for b in reversed(self._running.values()) if b.visit.name == name]
        near = (b for b in named if b.branch is before.branch)
        said = self._said_to_fail(details)
        builder = said or next(chain(near, named), before.builder)
        if builder is None:
            return HistoryPlace(before.branch, None)
        builder.visit.change(self._event, trouble="failed", **_error_in(details))
        return HistoryPlace(builder.branch, builder)

    def _abort_siblings(
        self, event: HistoryEvent, _: Details, before: HistoryPlace
    ) -> HistoryPlace:
        """…StateAborted names no state and follows the *failing* event elsewhere.

        Which of several open states it means can't be known, but all of the dying
        parent's are over.
        """
        parent = before.branch.parent
        if parent is not None:
            spared = tuple(_outward(before))
            failing = [builder.visit for builder in spared]
            for builder in _open_inside(parent):
                if builder not in spared:
                    end = end_beside(builder.visit, failing)
                    self._close(builder, end, event.at)
        return HistoryPlace(before.branch, None)

    def _execution(
        self, event: HistoryEvent, details: Details, before: HistoryPlace
    ) -> HistoryPlace:
        """An uncaught failure has no StateExited: TaskFailed, then ExecutionFailed."""
        if event.type == REDRIVEN:
            self._redriven_at = event.at
        ending = event.type.removeprefix("Execution")
        tasks = self._running_of("Task")
        running = self.running
        failing = [builder.visit for builder in self._failing(before, details)]
        self._end(ends_with_execution(running, ending, failing, self.visits), event.at)
        if ending in ENDED_AS and ending != "Failed":
            self._cut = tasks[0] if len(tasks) == 1 else None
        return HistoryPlace(self._main, None)

    def _failing(self, before: HistoryPlace, details: Details) -> list[VisitBuilder]:
        """Find what failed, and all around it: what the event before belongs to.

        Where that is missing the cause may name it.
        """
        if known := list(_outward(before)):
            return known
        if said := self._said_to_fail(details):
            return _around_all([said])
        at_work = [b for b in self._running.values() if not b.inside]
        return _around_all([b for b in at_work if b.visit.trouble] or at_work)

    def _said_to_fail(self, details: Details) -> VisitBuilder | None:
        """Find the running state that a cause names by its name and its event."""
        said = _FAILED_STATE.search(text_of(details.get("cause")) or "")
        named = self._running.get(int(said[2])) if said is not None else None
        is_it = named is not None and said is not None and named.visit.name == said[1]
        return named if is_it else None

    def _close_inside(
        self, around: VisitBuilder | Branch, event: HistoryEvent, failing: HistoryPlace
    ) -> None:
        inside = _open_inside(around)
        blamed = list(_outward(failing))
        container = around if isinstance(around, VisitBuilder) else around.parent
        if container not in blamed and not event.type.endswith("Aborted"):
            # The event before is missing, and with it what failed.
            fails = [builder for builder in inside if builder.visit.type == "Fail"]
            blamed += fails or _around_all(b for b in inside if not b.inside)
        visits = [builder.visit for builder in inside]
        self._end(ends_around(visits, [b.visit for b in blamed]), event.at)

    def _end(self, ends: Mapping[int, str], at: datetime) -> None:
        for visit_id, status in ends.items():
            builder = self._running[visit_id]
            if builder.visit.type == "Task" and status in FAILED:
                self._cut = builder
            self._close(builder, status, at)

    def _open(self, builder: VisitBuilder) -> None:
        self._running[builder.visit.id] = builder
        if builder.branch.parent:
            builder.branch.parent.inside[builder.visit.id] = builder

    def _close(self, builder: VisitBuilder, status: str, at: datetime) -> None:
        visit = builder.visit
        by = self._event
        builder.started = False
        visit.change(by, status=status, ended_at=at, ended_by=by)
        self._touch(visit)
        self._running.pop(visit.id, None)
        if builder.branch.parent:
            builder.branch.parent.inside.pop(visit.id, None)
        if visit.attempts:
            end_attempt(visit.attempts[-1], status, at, self._event)

    def _cut_off(
        self, name: str | None, kind: str, before: HistoryPlace
    ) -> VisitBuilder | None:
        """Find a state that is left after a redrive without being entered again.

        So it would be with a Choice or a Wait, if they are like Tasks [inferred].
        """
        if self._redriven_at is None:
            return None
        near = chain(_outward(before), reversed(self._builders))
        left = (b for b in near if b.visit.exited_at is None and b.visit.type == kind)
        return next((b for b in left if name in (None, b.visit.name)), None)

    def _redrive_map(
        self, event: HistoryEvent, _: Details, before: HistoryPlace
    ) -> HistoryPlace:
        """A Map Run goes on, and with it the Map whose it is [inferred]."""
        builder = next((b for b in _outward(before) if b.visit.type == "Map"), None)
        builder = builder or self._cut_off(None, "Map", before)
        if builder is None:
            return before
        self._reopen(builder, event)
        builder.started = True
        return HistoryPlace(builder.branch, builder)

    def _reopen(self, builder: VisitBuilder, event: HistoryEvent) -> None:
        """A redrive goes on where the execution had ended [inferred from its docs].

        What is around the visit goes on with it.
        """
        around: VisitBuilder | None = builder
        while around is not None and around.visit.id not in self._running:
            visit = around.visit
            around.started = around is not builder
            pauses = (*visit.pauses, *self._pause(visit, event))
            visit.change(event.id, **_RUNS, pauses=pauses)
            self._touch(visit)
            self._open(around)
            around = around.branch.parent

    def _pause(self, visit: StateVisit, event: HistoryEvent) -> Iterator[Stretch]:
        """Give the time between a visit's end and the redrive that resumed it."""
        begin = visit.ended_at
        end = self._redriven_at
        if begin is not None and end is not None:
            end = end if begin <= end <= event.at else event.at
            yield begin, max(begin, end)

    def _near(self, place: HistoryPlace) -> Iterator[VisitBuilder]:
        """Yield what encloses a place, then whatever runs, the newest first.

        What is over comes last: an inner Map may have had the outer one's name.
        """
        around = (b for b in _outward(place) if b.visit.id in self._running)
        return chain(around, reversed(self._running.values()), _outward(place))


def _error_in(details: Details) -> dict[str, str | None]:
    return {name: text_of(details.get(name)) for name in ("error", "cause")}


def _iteration_end(branch: Branch, event_type: str) -> str:
    """Say how an iteration ended: where its last state failed, as that did.

    AWS says Aborted of an iteration that timed out together with another, too.
    """
    end = event_type.removeprefix("MapIteration").lower()
    last = branch.last.visit.status if branch.last else ""
    return last if end != "succeeded" and last in FAILED else end


def _outward(place: HistoryPlace) -> Iterator[VisitBuilder]:
    """Yield the visit of a place and all that enclose it, innermost first."""
    builder = place.builder or place.branch.parent
    while builder is not None:
        yield builder
        builder = builder.branch.parent


def _around_all(suspected: Iterable[VisitBuilder]) -> list[VisitBuilder]:
    """Find what failed, as one of those did: one alone, or what is around all of them.

    Containers fail with what is in them.
    """
    ways = [list(_outward(HistoryPlace(each.branch, each))) for each in suspected]
    first = ways[0] if ways else []
    return [builder for builder in first if all(builder in way for way in ways)]


def _at_work(place: HistoryPlace, kind: str) -> VisitBuilder | None:
    """Find the nearest Map or Parallel around a place that is still at work."""
    outward = _outward(place)
    return next((b for b in outward if b.visit.type == kind and b.started), None)


def _open_inside(around: VisitBuilder | Branch) -> tuple[VisitBuilder, ...]:
    """Find the open visits inside a Map or Parallel, or in one of its branches."""
    if isinstance(around, VisitBuilder):
        left = list(around.inside.values())
    else:
        siblings = around.parent.inside.values() if around.parent else ()
        left = [builder for builder in siblings if builder.branch is around]
    found: list[VisitBuilder] = []
    while left:
        found.append(left.pop())
        left.extend(found[-1].inside.values())
    return tuple(found)
