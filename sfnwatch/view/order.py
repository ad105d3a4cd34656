"""Where each thing of a trace stands among the others, and what is around it.

By its time and, at one moment, by what it is: events by their ids, then calls, whose
times are whole seconds, then what ECS told of tasks. Some share a line. Around a line
may be what can be folded: branches, visits, child executions, Map Runs. Histories may
be nested as deep as they are long, so nothing here climbs all the way: what is known of
the spot around one is used.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import chain
from typing import Any

from msgspec import Struct, field

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.history import HistoryEvent
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.links import AttemptKey, Link
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.model.visits import Attempt

Place = tuple[Any, ...]
"""Sorts items; of no two items the same."""
ANSWERED = timedelta(seconds=3)
"""A call's second, and the time its answer may take."""
_SECOND = timedelta(seconds=1)
_ALWAYS = datetime.max.replace(tzinfo=UTC)
_EVENTS, _CALLS, _TASKS = range(3)
_GO_TOGETHER = (
    ("StateExited", "MapIterationSucceeded"),
    ("MapIterationStarted", "StateEntered"),
    ("StateEntered", "Scheduled"),
    ("StateEntered", "StateStarted"),
    ("Scheduled", "Started"),
)
"""What the types of two events end in that are one to the eye."""
MANY = 10
"""The iterations of a Map that has more than these begin folded."""
_CONTAINERS = frozenset({"Parallel", "Map"})
Spot = tuple[str, int, int | None]
"""An execution or a Map Run, a visit in it (0: none), and an iteration of that."""
NOWHERE: Spot = ("", 0, None)


class FoldKind(StrEnum):
    """What several items that have one line are."""

    POLLS = "polls"
    """Like polls of one attempt, between the first and the last of them."""
    VISIT = "visit"
    """A Parallel or a Map with all that is in it."""
    BRANCH = "branch"
    """A branch of a Parallel, an iteration of a Map."""
    CHILD = "child"
    """A child execution, with all that is in it."""
    MAP_RUN = "map-run"
    """A Map Run with its executions."""


class Fold(Struct, eq=False):
    """What can be folded: if it is, a line that stands for several items."""

    key: str
    kind: FoldKind
    execution_arn: str
    """Of a child execution its parent's."""
    visit_id: int
    """The one folded, the one a branch is of, the one that polls, or started it."""
    index: int | None = None
    """Which branch."""
    child_arn: str = ""
    """The child execution's, or the Map Run's."""
    place: Place = ()
    """That of the first item behind it."""
    attempt: AttemptKey | None = None
    """The attempt that polls."""
    members: list["Item"] = field(default_factory=list)
    """What stands behind it, in order."""
    last: ApiCall | None = None
    """The poll after those that are hidden, which is shown."""


class Backoff(Struct, eq=False):
    """The wait between a failed try and the next."""

    key: str
    place: Place
    execution_arn: str
    visit_id: int
    number: int
    """Of the try that it leads to, from 1."""
    scheduled_id: int
    """The event that begins that try."""


Item = HistoryEvent | ApiCall | TaskState | Fold | Backoff


def everything(trace: Trace) -> Changed:
    """Give all that a trace holds, as if one batch had brought it."""
    executions = trace.executions
    return Changed(
        events={arn: list(each.ordered) for arn, each in executions.items()},
        visits={arn: set(each.visits) for arn, each in executions.items()},
        executions=set(executions),
        calls=list(trace.calls),
        task_states=list(chain.from_iterable(trace.task_states.values())),
    )


class RowOrder:
    """Knows the places of a trace's items, and which of them share a line."""

    def __init__(self, trace: Trace, *, aligned: bool = False) -> None:
        """Order all there is; `aligned` as if all executions had started at once."""
        self._trace, self._aligned = trace, aligned
        self.ranks: Mapping[str, tuple[Any, ...]] = {}
        """What orders the events of several executions at one moment."""
        self._shifts: Mapping[str, timedelta] = {}
        self._leaders: dict[tuple[str, int], HistoryEvent] = {}
        """An event's leader, where it has no line of its own."""
        self._followers: dict[tuple[str, int], list[HistoryEvent]] = {}
        self._attached: dict[AttemptKey, tuple[HistoryEvent, ApiCall]] = {}
        """The action calls that stand on the line of the phase that tells of them."""
        self._attached_at: dict[str, ApiCall] = {}
        self.rank_executions()

    # -- places --------------------------------------------------------------------

    def rank_executions(self) -> bool:
        """Look in which order executions stand; True if that has changed."""
        lineage = self._trace.lineage
        starts = {
            arn: (execution.as_of(None).started_at or _ALWAYS, arn)
            for arn, execution in self._trace.executions.items()
        }
        roots = {arn: starts[lineage.root_of(arn)] for arn in starts}
        ranks = {
            arn: ((roots[arn], lineage.level(arn)), own) for arn, own in starts.items()
        }
        changed = ranks != self.ranks
        self.ranks = ranks
        begun = [at for at, _ in roots.values() if at is not _ALWAYS]
        if self._aligned and begun:
            first = min(begun)
            self._shifts = {
                arn: at - first for arn, (at, _) in roots.items() if at is not _ALWAYS
            }
        return changed

    def shown_at(self, at: datetime, arn: str | None) -> datetime:
        """Give the time at which something of an execution is shown."""
        shift = self._shifts.get(arn or "")
        return at - shift if shift else at

    def unshifted(self, at: datetime, arn: str | None) -> datetime:
        """Give the time of its own of something that is shown at a time."""
        shift = self._shifts.get(arn or "")
        return at + shift if shift else at

    def place(self, item: Item) -> Place:
        """Give where an item stands."""
        if isinstance(item, HistoryEvent):
            arn = item.execution_arn
            around, own = self.ranks[arn]
            return (self.shown_at(item.at, arn), _EVENTS, around, item.id, own, 0)
        if isinstance(item, ApiCall):
            link = self._trace.links.get(item.event_id)
            at = self.shown_at(item.event_time, link.execution_arn if link else None)
            return (at, _CALLS, item.event_time, item.event_id)
        if isinstance(item, TaskState):
            return (item.at, _TASKS, item.task_arn, item.version)
        return item.place

    # -- events that are one to the eye ----------------------------------------------

    def join(self, event: HistoryEvent) -> HistoryEvent:
        """Find whose line a new event stands on: mostly its own, else its leader's."""
        arn = event.execution_arn
        events = self._trace.executions[arn].events
        before = events.get(event.previous_event_id)
        leader = before if before and _is_one(before, event) else None
        if leader is None and event.type.endswith("StateExited"):
            # A Map's exit follows its last iteration's event, not MapStateSucceeded.
            last = events.get(event.id - 1)
            if last is not None and last.type.endswith("StateSucceeded"):
                leader = last if last.visit_id == event.visit_id else None
        if leader is None:
            return event
        leader = self.leader(leader)
        self._leaders[arn, event.id] = leader
        self._followers.setdefault((arn, leader.id), []).append(event)
        return leader

    def leader(self, event: HistoryEvent) -> HistoryEvent:
        """Give the event that has the line an event stands on."""
        return self._leaders.get((event.execution_arn, event.id), event)

    def followers(self, event: HistoryEvent) -> Sequence[HistoryEvent]:
        """Give the events that stand on another's line."""
        return self._followers.get((event.execution_arn, event.id), ())

    # -- calls that stand on the line of what tells of them --------------------------

    def attach(self, attempts: Mapping[AttemptKey, Attempt]) -> set[str]:
        """Look which action calls stand on which lines of attempts.

        Give those that have come to stand on one, or stand on none any more.
        """
        old = [self._attached.pop(key) for key in attempts if key in self._attached]
        for event, _ in old:
            del self._attached_at[event.key]
        # Only now: a call may go from one attempt to another.
        found = {key: self._attachment(key, each) for key, each in attempts.items()}
        new = {key: pair for key, pair in found.items() if pair is not None}
        self._attached |= new
        self._attached_at |= {event.key: call for event, call in new.values()}
        return {call.event_id for _, call in old} ^ {
            c.event_id for _, c in new.values()
        }

    def _attachment(
        self, key: AttemptKey, attempt: Attempt
    ) -> tuple[HistoryEvent, ApiCall] | None:
        """Find the action call, and the line of the event at which it was answered."""
        number = attempt.submitted_by or (
            attempt.ended_by if attempt.ended_at else attempt.started_by
        )
        event = self._trace.executions[key[0]].events.get(number or key[1])
        if event is None:
            return None
        for call in self._trace.calls_of.get(key, ()):
            role = self._trace.links[call.event_id].role
            answer = attempt.answered_at - call.event_time
            if role is CallRole.ACTION and timedelta(0) <= answer < ANSWERED:
                return self.leader(event), call
        return None

    def attached_to(self, call: ApiCall) -> HistoryEvent | None:
        """Give the event on whose line a call stands."""
        link = self._trace.links.get(call.event_id)
        found = self._attached.get(link.key) if link and link.key else None
        return found[0] if found is not None and found[1] is call else None

    def attached_call(self, event: HistoryEvent) -> ApiCall | None:
        """Give the call that stands on an event's line."""
        return self._attached_at.get(event.key)


def _is_one(before: HistoryEvent, event: HistoryEvent) -> bool:
    """True if an event and what follows it by its own account are one to the eye."""
    first, second = before.type, event.type
    if event.at - before.at >= _SECOND:
        return False
    if second.endswith("StateExited"):
        if first.endswith("StateEntered"):
            return before.visit_id == event.visit_id
        return first.endswith("Succeeded") and before.attempt_id > 0
    # That a Task is scheduled at once, and started, goes without saying.
    return any(
        second.endswith(ending) and first.endswith(beginning)
        for beginning, ending in _GO_TOGETHER
    )


# -- what is around a line -------------------------------------------------------------


def child_key(arn: str) -> str:
    """Key the fold of a child execution."""
    return f"{arn}~child"


def map_run_key(arn: str) -> str:
    """Key the fold of a Map Run."""
    return f"{arn}~children"


def visit_key(execution_arn: str, visit_id: int) -> str:
    """Key the fold of a Parallel's or Map's visit."""
    return f"{execution_arn}#{visit_id}~visit"


def branch_key(execution_arn: str, visit_id: int, index: int) -> str:
    """Key the fold of a branch, or an iteration, of a visit."""
    return f"{execution_arn}#{visit_id}~branch{index}"


class Containers:
    """Knows what is around each item, and what of it is closed."""

    def __init__(
        self,
        trace: Trace,
        closed: frozenset[str],
        opened: frozenset[str],
        *,
        fold: bool,
    ) -> None:
        """`closed` and `opened` are the keys of what somebody has folded, or opened.

        With `fold` Map Runs, children and the iterations of large Maps begin folded.
        """
        self._trace = trace
        self._closed, self._opened, self._fold = closed, opened, fold
        self._iterations: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
        self._outermost: dict[Spot, Fold | None] = {}

    def add_visits(self, arn: str, visit_ids: Iterable[int]) -> bool:
        """Take visits in; True if a Map has too many iterations that had not before."""
        visits, crowded = self._trace.executions[arn].visits, False
        for visit_id in visit_ids:
            visit = visits[visit_id]
            parent = visits.get(visit.parent or 0)
            if visit.index is None or parent is None or parent.type != "Map":
                continue
            iterations = self._iterations[arn, parent.id]
            before = len(iterations)
            iterations.add(visit.index)
            crowded |= before == MANY < len(iterations)
        return crowded and self._fold

    # -- where an item stands ----------------------------------------------------------

    def spot_of(self, item: Item) -> Spot:
        """Say in which execution and which visit an item stands."""
        if isinstance(item, HistoryEvent):
            arn = item.execution_arn
            if item.type == "MapRunStarted":
                turns = self._trace.executions[arn].map_run_turns
                run = next((t.arn for t in turns if t.event is item), "")
                if run in self._trace.lineage.map_runs:
                    return run, 0, None
            return arn, item.visit_id, item.iteration
        if isinstance(item, Fold | Backoff):
            return item.execution_arn, item.visit_id, None
        if isinstance(item, TaskState):
            return self.spot_of_link(self._trace.as_of().task_link(item.task_arn))
        return self.spot_of_link(self._trace.links.get(item.event_id))

    def spot_of_link(self, link: Link | None) -> Spot:
        """Say where a call stands that is matched so."""
        if link is None or link.execution_arn is None:
            return NOWHERE
        return link.execution_arn, link.visit_id or 0, None

    def around(self, item: Item) -> Iterator[Fold]:
        """Yield what is around an item and can be folded, innermost first."""
        spot: Spot | None = self.spot_of(item)
        while spot is not None:
            own, spot = self._step_out(spot)
            yield from own

    def _step_out(self, spot: Spot) -> tuple[list[Fold], Spot | None]:
        """Give the containers at a spot, innermost first, and the spot around them."""
        arn, visit_id, iteration = spot
        execution = self._trace.executions.get(arn)
        visit = execution.visits.get(visit_id) if execution else None
        if visit is None:
            return self._step_out_of_execution(arn)
        found: list[Fold] = []
        if iteration is not None:
            key = branch_key(arn, visit_id, iteration)
            found.append(Fold(key, FoldKind.BRANCH, arn, visit_id, iteration))
        if visit.type in _CONTAINERS:
            key = visit_key(arn, visit_id)
            found.append(Fold(key, FoldKind.VISIT, arn, visit_id))
        return found, (arn, visit.parent or 0, visit.index if visit.parent else None)

    def _step_out_of_execution(self, arn: str) -> tuple[list[Fold], Spot | None]:
        lineage = self._trace.lineage
        run = lineage.map_runs.get(arn)
        if run is not None:
            around = run.execution_arn, run.visit_id
            kind = FoldKind.MAP_RUN
            found = Fold(map_run_key(arn), kind, *around, child_arn=arn)
            return [found], (*around, None)
        parent = lineage.parents.get(arn)
        if parent is None:
            return [], None
        around = parent.execution_arn, parent.visit_id
        found = Fold(child_key(arn), FoldKind.CHILD, *around, child_arn=arn)
        if parent.map_run_arn is not None:
            return [found], (parent.map_run_arn, 0, None)
        return [found], (*around, None)

    # -- what is closed ----------------------------------------------------------------

    def is_closed(self, container: Fold) -> bool:
        """True for what is folded: by somebody, or as it begins."""
        if container.key in self._closed:
            return True
        if container.key in self._opened or not self._fold:
            return False
        if container.kind in {FoldKind.CHILD, FoldKind.MAP_RUN}:
            return True
        if container.kind is not FoldKind.BRANCH:
            return False
        iterations = self._iterations[container.execution_arn, container.visit_id]
        return len(iterations) > MANY

    def closed_around(self, item: Item) -> Fold | None:
        """Find the outermost closed fold around an item."""
        return self._closed_at(self.spot_of(item))

    def is_hidden(self, spot: Spot) -> bool:
        """True for a spot behind a fold."""
        return self._closed_at(spot) is not None

    def _closed_at(self, spot: Spot | None) -> Fold | None:
        inside: list[tuple[Spot, list[Fold]]] = []
        while spot is not None and spot not in self._outermost:
            own, around = self._step_out(spot)
            inside.append((spot, own))
            spot = around
        found = self._outermost[spot] if spot is not None else None
        for each, own in reversed(inside):
            if found is None:
                found = next(filter(self.is_closed, reversed(own)), None)
            self._outermost[each] = found
        return found

    def every_fold(self) -> Iterator[Fold]:
        """Yield all that can be folded, polls apart; some of it more than once."""
        lineage = self._trace.lineage
        spots: set[Spot] = {
            (arn, visit.parent or 0, visit.index)
            for arn, execution in self._trace.executions.items()
            for visit in execution.visits.values()
        }
        spots |= {(arn, 0, None) for arn in (*lineage.map_runs, *lineage.parents)}
        for spot in spots:
            yield from self._step_out(spot)[0]
