"""The lines of a trace as somebody wants to see them: in order, some folded.

An item stands by its time and, at one moment, by what it is: events by their ids, then
calls, whose times are whole seconds, then what ECS told of tasks. Some share a line.
Around a line may be what can be folded: branches, visits, child executions, Map Runs.
Histories may be nested as deep as they are long, so nothing here climbs all the way:
what is known of the spot around one is used.

Every item is a line, stands on the line of another, or behind exactly one fold that
is, or is counted as left out. What mostly comes, new events and late calls, is put in
its place; for what changes the structure all lines are worked out anew.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from sfnwatch.model.api_call import CALL_KEY, ApiCall
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.link import AttemptKey, Link, LinkRule
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.time_axis import TimeAxis
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.model.visits import Attempt, StateVisit

SortKey = tuple[Any, ...]
"""Sorts items; of no two items the same."""
ANSWERED = timedelta(seconds=3)
"""A call's second, and the time its answer may take."""
_SECOND = timedelta(seconds=1)
_ALWAYS = datetime.max.replace(tzinfo=UTC)
_EVENTS, _CALLS, _TASKS, _LAST = range(4)
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
OutlineSpot = tuple[str, int, int | None]
"""An execution or a Map Run, a visit in it (0: none), and an iteration of that."""
NOWHERE: OutlineSpot = ("", 0, None)
TASKS = "ecs task"
"""Stands where calls have their event source; none of AWS's has a blank."""
_FEWEST_POLLS = 5
"""Fewer like polls than these are shown one by one."""
_BETWEEN = 10
"""Lines that there may be between two new ones, where all are put in order anew."""


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
    place: SortKey = ()
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
    place: SortKey
    execution_arn: str
    visit_id: int
    number: int
    """Of the try that it leads to, from 1."""
    scheduled_id: int
    """The event that begins that try."""


Item = HistoryEvent | ApiCall | TaskState | Fold | Backoff
ItemFilter = Callable[[Item], bool]
"""A filter: True for what it keeps."""


class OutlineOptions(Struct, frozen=True):
    """What somebody wants to see of the lines."""

    keep: ItemFilter | None = None
    closed: frozenset[str] = frozenset()
    """The keys of folds that somebody has closed."""
    opened: frozenset[str] = frozenset()
    """The keys of what begins folded, and was opened."""
    hidden_services: frozenset[str] = frozenset()
    folds: bool = True
    """Map Runs, children, the iterations of large Maps and like polls begin folded.
    False to have nothing folded by itself: for what is read as a whole."""
    aligned: bool = False
    """Several executions: as if all had started at once."""


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


def new_calls(changed: Changed) -> Iterable[str]:
    """Give the calls that had no line before: new ones, or matched at last."""
    matched = (each for each, pair in changed.links.items() if pair[0] is None)
    return dict.fromkeys((*changed.calls, *matched))


def links_in(changed: Changed) -> Iterator[Link]:
    """Yield the links of a batch as they were before and as they are now."""
    links = chain.from_iterable(changed.links.values())
    return (link for link in links if link is not None)


# -- where things stand ----------------------------------------------------------------


class RowOrder:
    """Knows the places of a trace's items, and which of them share a line."""

    def __init__(self, trace: Trace, *, aligned: bool = False) -> None:
        """Order all there is; `aligned` as if all executions had started at once."""
        self._trace = trace
        self._aligned = aligned
        self.ranks: Mapping[str, tuple[Any, ...]] = {}
        """What orders the events of several executions at one moment."""
        self._shifts: Mapping[str, timedelta] = {}
        self._leaders: dict[tuple[str, int], HistoryEvent] = {}
        """An event's leader, where it has no line of its own."""
        self._followers: dict[tuple[str, int], list[HistoryEvent]] = {}
        self._attached: dict[AttemptKey, tuple[HistoryEvent, ApiCall]] = {}
        """The action calls that stand on the line of the phase that tells of them."""
        self._called_after: dict[str, datetime] = {}
        """The moments of the events that calls of their seconds come after, by the
        calls' event ids."""
        self.rank_executions()
        for event_id in trace.links:
            self.place_call(trace.calls[event_id])

    def rank_executions(self) -> bool:
        """Look in which order executions stand; True if one stands elsewhere now."""
        lineage = self._trace.lineage
        starts = {
            arn: (execution.as_of(None).started_at or _ALWAYS, arn)
            for arn, execution in self._trace.executions.items()
        }
        roots = {arn: starts[lineage.root_of(arn)] for arn in starts}
        ranks = {
            arn: ((roots[arn], lineage.level(arn)), own) for arn, own in starts.items()
        }
        before = self.ranks
        self.ranks = ranks
        # Of one more others take no notice, but where it is the first, or aligned.
        known = ranks if self._aligned or not before else before
        changed = any(before.get(arn) != ranks[arn] for arn in known)
        if self._aligned:
            begun = {arn: at for arn, (at, _) in roots.items() if at is not _ALWAYS}
            first = min(begun.values(), default=_ALWAYS)
            self._shifts = {arn: at - first for arn, at in begun.items()}
        return changed

    def shown_at(self, at: datetime, arn: str | None) -> datetime:
        """Give the time at which something of an execution is shown."""
        shift = self._shifts.get(arn or "")
        return at - shift if shift else at

    def unshifted(self, at: datetime, arn: str | None) -> datetime:
        """Give the time of its own of something that is shown at a time."""
        shift = self._shifts.get(arn or "")
        return at + shift if shift else at

    def place(self, item: Item) -> SortKey:
        """Give where an item stands."""
        if isinstance(item, HistoryEvent):
            arn = item.execution_arn
            around, own = self.ranks[arn]
            return (self.shown_at(item.at, arn), _EVENTS, around, item.id, own, 0)
        if isinstance(item, ApiCall):
            link = self._trace.links.get(item.event_id)
            called_at = self._called_after.get(item.event_id, item.event_time)
            at = self.shown_at(called_at, link.execution_arn if link else None)
            return (at, _CALLS, item.event_time, item.event_id)
        if isinstance(item, TaskState):
            return (item.at, _TASKS, item.task_arn, item.version)
        return item.place

    def place_call(self, call: ApiCall) -> None:
        """Look where a call stands, which is new or is matched otherwise than before.

        Its time is a whole second. One that names a job comes after the event of that
        second which first tells of the job: nobody can name it before.
        """
        self._called_after.pop(call.event_id, None)
        event = self._first_telling(self._trace.links.get(call.event_id))
        if event is not None:
            begun = call.event_time
            if begun <= event.at < begun + _SECOND:
                self._called_after[call.event_id] = event.at

    def _first_telling(self, link: Link | None) -> HistoryEvent | None:
        """Find the event that first tells of the job which a call names."""
        if link is None or link.key is None or link.rule is not LinkRule.RESOURCE_ID:
            return None
        execution = self._trace.executions[link.key[0]]
        visit = execution.visits.get(link.visit_id or 0)
        attempt = visit.attempt(link.attempt_id) if visit is not None else None
        if attempt is None or link.role is CallRole.ACTION:
            return None
        return execution.events.get(attempt.job_told_by)

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

    def attach(self, attempts: Mapping[AttemptKey, Attempt]) -> set[str]:
        """Look which action calls stand on which lines of attempts.

        Give those that have come to stand on one, or stand on none any more.
        """
        old = [self._attached.pop(key) for key in attempts if key in self._attached]
        # Only now: a call may go from one attempt to another.
        found = {key: self._attachment(key, each) for key, each in attempts.items()}
        new = {key: pair for key, pair in found.items() if pair is not None}
        self._attached |= new
        before, now = ({call.event_id for _, call in e} for e in (old, new.values()))
        return before ^ now

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
        for each in (event, *self.followers(event)):
            found = self._attached.get((each.execution_arn, each.attempt_id))
            if found is not None and found[0] is event:
                return found[1]
        return None


def _is_one(before: HistoryEvent, event: HistoryEvent) -> bool:
    """True if an event and what follows it by its own account are one to the eye."""
    first = before.type
    second = event.type
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


def branch_key(execution_arn: str, visit_id: int, index: int) -> str:
    """Key the fold of a branch, or an iteration, of a visit."""
    return f"{execution_arn}#{visit_id}~branch{index}"


class Containers:
    """Knows what is around each item, and what of it is closed."""

    def __init__(self, trace: Trace, options: OutlineOptions) -> None:
        self._trace = trace
        self._options = options
        self._crowded: set[tuple[str, int]] = set()
        """The visits of Maps that have more than ten iterations."""
        self._outermost: dict[OutlineSpot, Fold | None] = {}

    def add_visits(self, arn: str, visit_ids: Iterable[int]) -> bool:
        """Take visits in; True if a Map has too many iterations that had not before."""
        visits = self._trace.executions[arn].visits
        before = len(self._crowded)
        for visit in map(visits.__getitem__, visit_ids):
            parent = visits.get(visit.parent or 0)
            if parent and parent.type == "Map" and (visit.index or 0) >= MANY:
                self._crowded.add((arn, parent.id))
        return len(self._crowded) > before and self._options.folds

    def spot_of(self, item: Item) -> OutlineSpot:
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

    def spot_of_link(self, link: Link | None) -> OutlineSpot:
        """Say where a call stands that is matched so."""
        if link is None or link.execution_arn is None:
            return NOWHERE
        return link.execution_arn, link.visit_id or 0, None

    def around(self, item: Item) -> Iterator[Fold]:
        """Yield what is around an item and can be folded, innermost first."""
        spot: OutlineSpot | None = self.spot_of(item)
        while spot is not None:
            own, spot = self._step_out(spot)
            yield from own

    def _step_out(self, spot: OutlineSpot) -> tuple[list[Fold], OutlineSpot | None]:
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
            key = f"{arn}#{visit_id}~visit"
            found.append(Fold(key, FoldKind.VISIT, arn, visit_id))
        return found, (arn, visit.parent or 0, visit.index if visit.parent else None)

    def _step_out_of_execution(self, arn: str) -> tuple[list[Fold], OutlineSpot | None]:
        lineage = self._trace.lineage
        parent = lineage.parents.get(arn)
        key = child_key(arn)
        kind = FoldKind.CHILD
        if (run := lineage.map_runs.get(arn)) is not None:
            parent = run
            key = map_run_key(arn)
            kind = FoldKind.MAP_RUN
        if parent is None:
            return [], None
        around: OutlineSpot = parent.execution_arn, parent.visit_id, None
        found = [Fold(key, kind, *around, child_arn=arn)]
        run_arn = parent.map_run_arn
        return found, around if run_arn is None else (run_arn, 0, None)

    def is_closed(self, container: Fold) -> bool:
        """True for what is folded: by somebody, or as it begins."""
        if container.key in self._options.closed:
            return True
        if container.key in self._options.opened or not self._options.folds:
            return False
        if container.kind is FoldKind.BRANCH:
            return (container.execution_arn, container.visit_id) in self._crowded
        return container.kind in {FoldKind.CHILD, FoldKind.MAP_RUN}

    def closed_around(self, item: Item) -> Fold | None:
        """Find the outermost closed fold around an item."""
        return self.closed_at(self.spot_of(item))

    def closed_at(self, spot: OutlineSpot | None) -> Fold | None:
        """Find the outermost closed fold around a spot."""
        inside: list[tuple[OutlineSpot, list[Fold]]] = []
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
        spots: set[OutlineSpot] = {
            (arn, visit.parent or 0, visit.index)
            for arn, execution in self._trace.executions.items()
            for visit in execution.visits.values()
        }
        spots |= {(arn, 0, None) for arn in (*lineage.map_runs, *lineage.parents)}
        for spot in spots:
            yield from self._step_out(spot)[0]


# -- the lines -------------------------------------------------------------------------


class Outline:
    """Keeps the lines of a trace, for one set of options."""

    def __init__(self, trace: Trace, options: OutlineOptions | None = None) -> None:
        self._trace = trace
        self.options = options or OutlineOptions()
        self.version = 0
        """Grows with each change of the lines, or of what stands behind one."""
        self._build()

    def set_options(self, options: OutlineOptions) -> None:
        """Show other lines."""
        self.options = options
        self._build()

    def _build(self) -> None:
        """Work all lines out from what the trace holds."""
        trace = self._trace
        options = self.options
        self.version += 1
        self.order = RowOrder(trace, aligned=options.aligned)
        self.containers = Containers(trace, options)
        self.items: list[Item] = []
        """The lines, in order."""
        self._places: list[SortKey] = []
        self.filtered = 0
        """How many items the filter left out."""
        self.folds: dict[str, Fold] = {}
        """What stands behind each line that stands for several items, by its key."""
        self._polls: dict[AttemptKey, list[Fold]] = {}
        self._hidden: dict[str, Fold] = {}
        """What polls stand behind, by their keys."""
        self._backoffs: dict[str, Backoff] = {}
        every = everything(trace)
        for arn, visit_ids in every.visits.items():
            self.containers.add_visits(arn, visit_ids)
        items = self._joined(every)
        self.order.attach(self._touched_attempts(every))
        self._add([*items, *self._new_others(every)], trace.calls_of)

    def _joined(self, changed: Changed) -> list[Item]:
        """Give the new events that don't stand on another's line."""
        events = chain.from_iterable(changed.events.values())
        return [event for event in events if self.order.join(event) is event]

    def _add(self, items: Iterable[Item], polled: Iterable[AttemptKey]) -> None:
        """Put new items in their places; some attempts have polls to fold anew."""
        folds = [fold for key in polled for fold in self._fold_polls(key)]
        place_of = self.order.place
        hidden = self._hidden
        found = [(place_of(item), item) for item in chain(items, folds)]
        found.sort(key=itemgetter(0))
        lines: list[tuple[SortKey, Item]] = []
        for place, item in found:
            if hidden and item.key in hidden:
                continue
            if isinstance(item, Fold) or not self._put_away(item, place):
                lines.append((place, item))
        self._insert_all(lines)

    def _new_backoffs(self, arn: str, visit: StateVisit) -> Iterator[Backoff]:
        """Yield the waits before a visit's tries that are not among the lines yet."""
        for number in range(2, len(visit.attempts) + 1):
            wait = visit.backoff_before(number)
            before, after = visit.attempts[number - 2 : number]
            key = f"{arn}#{after.scheduled_id}~backoff"
            if wait is None or wait[1] - wait[0] < _SECOND or key in self._backoffs:
                continue
            failed = self._trace.executions[arn].events.get(before.ended_by)
            if failed is not None:
                place = (*self.order.place(failed)[:-1], 1)
                where = arn, visit.id, number, after.scheduled_id
                self._backoffs[key] = Backoff(key, place, *where)
                yield self._backoffs[key]

    def _has_line(self, call: ApiCall) -> bool:
        """False for a call that is not shown, or stands on another's line."""
        attached = self.order.attached_to(call) is not None
        return not attached and self._trace.as_of().is_relevant(call)

    def update(self, changed: Changed) -> None:
        """Put what a batch brought in its place."""
        if self._is_structural(changed):
            self._build()
            return
        items = self._joined(changed)
        options = self.options
        moved = self._moved(changed)
        left = map(self.containers.spot_of_link, moved.values())
        closed = any(map(self.containers.closed_at, left))
        if moved and (options.aligned or options.hidden_services or closed):
            # What the moved calls leave behind is not known, or costs more to find.
            self._build()
            return
        self.version += 1
        for call in map(self._trace.calls.__getitem__, moved):
            if call.key in self._hidden:
                self._hidden.pop(call.key).members.remove(call)
            elif self._is_line(call):
                self._take_out(self.order.place(call))
            self.order.place_call(call)
            items += [call] if self._has_line(call) else []
        polled = {link.key for link in links_in(changed) if link.key is not None}
        self._add([*items, *self._new_others(changed)], polled)

    def _moved(self, changed: Changed) -> dict[str, Link | None]:
        """Give the calls that had a line, or stood on one, and may stand elsewhere.

        With each its link before.
        """
        links = changed.links
        new = set(new_calls(changed))
        moved = self.order.attach(self._touched_attempts(changed))
        for event_id, (old, link) in links.items():
            if link is None or (old and _standing(old) != _standing(link)):
                moved.add(event_id)
        was = {each: pair[0] for each, pair in links.items()}
        now = self._trace.links
        return {each: was.get(each, now.get(each)) for each in moved - new}

    def _new_others(self, changed: Changed) -> Iterator[Item]:
        """Yield what is new and no event."""
        trace = self._trace
        for arn, visit_ids in changed.visits.items():
            for visit_id in visit_ids:
                visit = trace.executions[arn].visits[visit_id]
                yield from self._new_backoffs(arn, visit)
        for event_id in new_calls(changed):
            call = trace.calls[event_id]
            self.order.place_call(call)
            if self._has_line(call):
                yield call
        for state in changed.task_states:
            if trace.as_of().task_starter(state.task_arn) is not None:
                yield state

    def _is_structural(self, changed: Changed) -> bool:
        """True for a batch after which lines may stand elsewhere, or behind others."""
        # A filter asks for all that is on a line, and some of that comes later.
        if changed.folded_anew or changed.dropped_calls or self.options.keep:
            return True
        begun = any(events[0].id == 1 for events in changed.events.values() if events)
        if (changed.lineage or begun) and self.order.rank_executions():
            return True
        add = self.containers.add_visits
        crowded = [add(arn, visit_ids) for arn, visit_ids in changed.visits.items()]
        return any(crowded) or self._has_new_owner(changed)

    def _touched_attempts(self, changed: Changed) -> dict[AttemptKey, Attempt]:
        executions = self._trace.executions
        keys = {(arn, each) for arn, ids in changed.visits.items() for each in ids}
        keys |= {(e.key[0], e.visit_id or 0) for e in links_in(changed) if e.key}
        visits = ((arn, executions[arn].visits.get(number)) for arn, number in keys)
        found = ((arn, each) for arn, v in visits if v for each in v.attempts)
        return {(arn, each.scheduled_id): each for arn, each in found}

    def _has_new_owner(self, changed: Changed) -> bool:
        """True if an attempt has come to hold a task that ECS had told of before."""
        states = self._trace.task_states
        if not states:
            return False
        new = {state.key for state in changed.task_states}
        return any(
            state.key not in new and not self._is_line(state)
            for attempt in self._touched_attempts(changed).values()
            for job in attempt.resource_ids
            for state in states.get(job, ())
        )

    def _put_away(self, item: Item, place: SortKey) -> bool:
        """Leave an item out, or put it behind its fold; False if it has a line."""
        if not self._is_kept(item):
            self.filtered += _service(item) not in self.options.hidden_services
            return True
        closed = self.containers.closed_around(item)
        if closed is not None:
            self._put_behind(self.folds.get(closed.key, closed), item, place)
        return closed is not None

    def _is_kept(self, item: Item) -> bool:
        hidden = self.options.hidden_services
        if hidden and _service(item) in hidden:
            return False
        return self.options.keep is None or self.options.keep(item)

    def _put_behind(self, fold: Fold, item: Item, place: SortKey) -> None:
        if fold.key not in self.folds or place < fold.place:
            if self.folds.setdefault(fold.key, fold).members:
                self._take_out(fold.place)
            fold.place = place
            self._insert(fold, place)
        at = len(fold.members)
        if fold.members and place < self.order.place(fold.members[-1]):
            at = bisect_left(fold.members, place, key=self.order.place)
        fold.members.insert(at, item)

    def _insert(self, item: Item, place: SortKey) -> None:
        at = len(self._places)
        if self._places and place < self._places[-1]:
            at = bisect_left(self._places, place)
        self._places.insert(at, place)
        self.items.insert(at, item)

    def _insert_all(self, lines: Sequence[tuple[SortKey, Item]]) -> None:
        """Put lines, in order, in their places.

        A page of late calls mostly goes between few others: to move all that comes
        after them once for each call takes longer than to put these in order anew.
        """
        if not lines:
            return
        first, last = (bisect_left(self._places, lines[end][0]) for end in (0, -1))
        if last - first > _BETWEEN * len(lines):
            for place, item in lines:
                self._insert(item, place)
            return
        between = zip(self._places[first:last], self.items[first:last], strict=True)
        merged = sorted(chain(between, lines), key=itemgetter(0))
        self._places[first:last] = [place for place, _ in merged]
        self.items[first:last] = [item for _, item in merged]

    def _take_out(self, place: SortKey) -> None:
        at = bisect_left(self._places, place)
        del self._places[at], self.items[at]

    def _is_line(self, item: Item) -> bool:
        at = self._index(self.order.place(item))
        # A fold stands in the place of the first of what it folds.
        return at is not None and self.items[at].key == item.key

    def _index(self, place: SortKey) -> int | None:
        at = bisect_left(self._places, place)
        return at if self._places[at : at + 1] == [place] else None

    def _fold_polls(self, key: AttemptKey) -> list[Fold]:
        """Fold the like polls of an attempt anew, but for the first and last of each.

        Attempts poll at the same time, so a run is of one attempt, whatever else lies
        between. A run is known by its number among the attempt's: its first poll may
        come in last. Give the folds, which are still to be put in their places.
        """
        old = self._polls.pop(key, [])
        before = {poll.key: poll for fold in old for poll in fold.members}
        for fold in old:
            self._take_out(fold.place)
            del self.folds[fold.key]
        for poll_key in before:
            del self._hidden[poll_key]
        folds: list[Fold] = []
        for fold_key, run in self._runs(key):
            if fold_key in self.options.opened:
                continue
            visit_id = self._trace.links[run[0].event_id].visit_id or 0
            fold = Fold(fold_key, FoldKind.POLLS, key[0], visit_id, attempt=key)
            fold.place = self.order.place(run[1])
            fold.last = run[-1]
            fold.members += run[1:-1]
            self._hidden |= dict.fromkeys((e.key for e in fold.members), fold)
            self.folds[fold_key] = fold
            folds.append(fold)
        for poll_key, poll in before.items():
            if poll_key not in self._hidden:
                self._insert(poll, self.order.place(poll))
        for poll in chain.from_iterable(fold.members for fold in folds):
            if poll.key not in before and self._is_line(poll):
                self._take_out(self.order.place(poll))
        if folds:
            self._polls[key] = folds
        return folds

    def _runs(self, key: AttemptKey) -> Iterator[tuple[str, list[ApiCall]]]:
        """Yield the like polls of an attempt, one after the other, that could fold."""
        calls = self._trace.calls_of.get(key, ())
        links = self._trace.links
        if len(calls) < _FEWEST_POLLS or not self.options.folds:
            return
        polls = [call for call in calls if links[call.event_id].role is CallRole.POLL]
        if not polls or self.containers.closed_around(polls[0]) is not None:
            return
        polls = [call for call in polls if self._is_kept(call)]
        for number, (_, alike) in enumerate(groupby(polls, self._outcome)):
            run = list(alike)
            if len(run) >= _FEWEST_POLLS:
                yield f"{key[0]}#{key[1]}~polls{number}", run

    def _outcome(self, poll: ApiCall) -> tuple[object, ...]:
        link = self._trace.links[poll.event_id]
        return poll.event_name, poll.error_code, link.rule, link.certainty

    def item_of(self, key: str) -> Item | None:
        """Find the item of a key; what shares another's line is that."""
        found = self.folds.get(key) or self._backoffs.get(key)
        if found is not None:
            return found
        if key.startswith(CALL_KEY):
            call = self._trace.calls.get(key.removeprefix(CALL_KEY))
            return self.order.attached_to(call) or call if call is not None else None
        if (task := self._trace.task_state(key)) is not None:
            return task
        arn, _, number = key.rpartition("#")
        execution = self._trace.executions.get(arn) if number.isdigit() else None
        event = execution.events.get(int(number)) if execution is not None else None
        return self.order.leader(event) if event is not None else None

    def line_of(self, key: str) -> Item | None:
        """Find the line that stands for a key: its own, or the fold it is behind."""
        item = self.item_of(key)
        if item is None or isinstance(item, Fold | Backoff) or self._is_line(item):
            return item
        container = self.containers.closed_around(item)
        if container is not None:
            return self.folds.get(container.key)
        return self._hidden.get(item.key)

    def index_of(self, key: str) -> int | None:
        """Give the place among `items` of the line that stands for a key."""
        item = self.line_of(key)
        return self._index(self.order.place(item)) if item is not None else None

    def at(self, snapshot: Snapshot) -> Sequence[Item]:
        """Give the lines that a moment shows; a fold has what stood behind it then."""
        if snapshot.at is None:
            return self.items
        shows = _shown_at(snapshot)
        items: Iterable[Item] = self.items
        if snapshot.clock is TimeAxis.EVENT and not self.options.aligned:
            # None of what stands later had happened.
            items = self.items[: bisect_right(self._places, (snapshot.at, _LAST))]
        found = list(filter(shows, items))
        place_of = self.order.place
        for fold in (fold for folds in self._polls.values() for fold in folds):
            # In event time the last tells of all; they arrive in any order.
            others = fold.members if snapshot.clock is TimeAxis.ARRIVAL else ()
            if all(map(shows, (fold.last or fold, *others))):
                continue
            at = bisect_left(found, fold.place, key=place_of)
            if found[at : at + 1] != [fold]:
                continue
            del found[at]
            members = list(filter(shows, fold.members))
            # The last poll that there was is shown; those before, but the first, fold.
            is_last = fold.last is None or not shows(fold.last)
            there: list[Item] = [members.pop()] if is_last else []
            if members:
                first = place_of(members[0])
                there.append(replace(fold, members=members, place=first))
            for item in there:
                found.insert(bisect_left(found, place_of(item), key=place_of), item)
        return found

    def toggle(self, key: str) -> None:
        """Open what is folded, or fold it; `key` is a fold's."""
        options = self.options
        if key in self.folds:
            closed = options.closed - {key}
            opened = options.opened | {key}
        else:
            closed = options.closed | {key}
            opened = options.opened - {key}
        self.set_options(replace(options, closed=closed, opened=opened))

    def foldable(self, item: Item) -> str | None:
        """Name the fold that a line is, or the innermost that it could go behind."""
        if isinstance(item, Fold):
            return item.key
        inner = next(self.containers.around(item), None)
        call_id = item.event_id if isinstance(item, ApiCall) else ""
        link = self._trace.links.get(call_id)
        runs = self._runs(link.key) if link is not None and link.key is not None else ()
        run = next((name for name, run in runs if item in run), None)
        return run or (inner.key if inner else None)

    def toggle_all(self) -> None:
        """Open everything; or, where nothing is folded, fold every branch."""
        options = self.options
        folds = list(self.containers.every_fold())
        closed = frozenset(f.key for f in folds if self.containers.is_closed(f))
        inner = (f.key for f in folds if f.kind is not FoldKind.VISIT)
        closing = frozenset(() if closed else inner)
        opened = (options.opened | closed) - closing
        self.set_options(replace(options, closed=closing, opened=opened))


def _shown_at(snapshot: Snapshot) -> ItemFilter:
    """Tell what a moment shows; what an execution showed by then is asked once."""
    last_ids = {
        arn: execution.events[-1].id if execution.event_count else 0
        for arn, execution in snapshot.executions.items()
    }

    def shows(item: Item) -> bool:
        if isinstance(item, HistoryEvent):
            return item.id <= last_ids.get(item.execution_arn, 0)
        if isinstance(item, ApiCall):
            return snapshot.shows_call(item)
        if isinstance(item, TaskState):
            return snapshot.shows_task_state(item)
        if isinstance(item, Backoff):
            return item.scheduled_id <= last_ids.get(item.execution_arn, 0)
        return any(map(shows, item.members))

    return shows


def _standing(link: Link) -> tuple[object, ...]:
    """Give what of a link tells where its call stands."""
    return link.execution_arn, link.attempt_id, link.rule, link.certainty


def _service(item: Item) -> str:
    """Name whose lane an item stands in beside the states; empty for states."""
    if isinstance(item, ApiCall):
        return item.event_source
    return TASKS if isinstance(item, TaskState) else ""
