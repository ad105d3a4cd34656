"""The lines of a trace as somebody wants to see them: some folded, some left out.

Every item is a line, stands on the line of another, or behind exactly one fold that
is, or is counted as left out. What mostly comes, new events and late calls, is put in
its place; for what changes the structure all lines are worked out anew.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import chain, groupby
from operator import itemgetter

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.model.api_call import CALL_KEY, ApiCall
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.history import Clock, HistoryEvent
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.links import AttemptKey, Link
from sfnwatch.model.moment import Moment
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.model.visits import Attempt, StateVisit
from sfnwatch.view.order import (
    Backoff,
    Containers,
    Fold,
    FoldKind,
    Item,
    Place,
    RowOrder,
    everything,
)

TASKS = "ecs task"
"""Stands where calls have their event source; none of AWS's has a blank."""
_FEWEST_POLLS = 5
"""Fewer like polls than these are shown one by one."""
_SHORT = timedelta(seconds=1)
"""A back-off below this is none to the eye."""

_LAST = 9
"""Above what a place has behind its time."""
Keeps = Callable[[Item], bool]
"""A filter: True for what it keeps."""


class OutlineOptions(Struct, frozen=True):
    """What somebody wants to see of the lines."""

    keep: Keeps | None = None
    closed: frozenset[str] = frozenset()
    """The keys of folds that somebody has closed."""
    opened: frozenset[str] = frozenset()
    """The keys of what begins folded, and was opened."""
    hidden_services: frozenset[str] = frozenset()
    folds: bool = True
    """False to have nothing folded by itself: for what is read as a whole."""
    aligned: bool = False
    """Several executions: as if all had started at once."""


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

    # -- all of it -------------------------------------------------------------------

    def _build(self) -> None:
        """Work all lines out from what the trace holds."""
        trace, options = self._trace, self.options
        self.version += 1
        self.order = RowOrder(trace, aligned=options.aligned)
        self.containers = Containers(
            trace, options.closed, options.opened, fold=options.folds
        )
        self.items: list[Item] = []
        """The lines, in order."""
        self._places: list[Place] = []
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
        self.order.attach(dict(self._touched_attempts(every)))
        self._add([*items, *self._new_others(every)], trace.calls_of)

    def _joined(self, changed: Changed) -> list[Item]:
        """Give the new events that don't stand on another's line."""
        events = chain.from_iterable(changed.events.values())
        return [event for event in events if self.order.join(event) is event]

    def _add(self, items: Iterable[Item], polled: Iterable[AttemptKey]) -> None:
        """Put new items in their places; some attempts have polls to fold anew."""
        folds = [fold for key in polled for fold in self._fold_polls(key)]
        place_of, hidden = self.order.place, self._hidden
        found = [(place_of(item), item) for item in chain(items, folds)]
        found.sort(key=itemgetter(0))
        for place, item in found:
            if isinstance(item, Fold):
                self._insert(item, place)
            elif not (hidden and item.key in hidden):
                self._show(item, place)

    def _new_backoffs(self, arn: str, visit: StateVisit) -> Iterator[Backoff]:
        """Yield the waits before a visit's tries that are not among the lines yet."""
        for number in range(2, len(visit.attempts) + 1):
            wait = visit.backoff_before(number)
            before, after = visit.attempts[number - 2 : number]
            key = f"{arn}#{after.scheduled_id}~backoff"
            if wait is None or wait[1] - wait[0] < _SHORT or key in self._backoffs:
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

    # -- what a batch brings -----------------------------------------------------------

    def update(self, changed: Changed) -> None:
        """Put what a batch brought in its place."""
        if self._is_structural(changed):
            self._build()
            return
        items = self._joined(changed)
        moved = self._moved(changed)
        if moved and not self._can_move(moved):
            self._build()
            return
        self.version += 1
        calls = [self._trace.calls[event_id] for event_id in moved]
        for call in calls:
            if call.key in self._hidden:
                self._hidden.pop(call.key).members.remove(call)
            elif self._is_line(call):
                self._take_out(self.order.place(call))
        items += (call for call in calls if self._has_line(call))
        self._add([*items, *self._new_others(changed)], _keys_in(changed))

    def _moved(self, changed: Changed) -> dict[str, Link | None]:
        """Give the calls that had a line, or stood on one, and may stand elsewhere.

        With each its link before.
        """
        links, new = changed.links, set(self._new_calls(changed))
        moved = self.order.attach(dict(self._touched_attempts(changed)))
        for event_id, (old, link) in links.items():
            if link is None or (old and (old.key, old.rule) != (link.key, link.rule)):
                moved.add(event_id)
        was, now = {each: pair[0] for each, pair in links.items()}, self._trace.links
        return {each: was.get(each, now.get(each)) for each in moved - new}

    def _can_move(self, moved: Mapping[str, Link | None]) -> bool:
        """False where it can't be told, or is not worth it, what calls leave behind."""
        options, spots = self.options, map(self.containers.spot_of_link, moved.values())
        closed = any(map(self.containers.is_hidden, spots))
        return not (options.aligned or options.hidden_services or closed)

    def _new_others(self, changed: Changed) -> Iterator[Item]:
        """Yield what is new and no event."""
        trace = self._trace
        for arn, visit_ids in changed.visits.items():
            for visit_id in visit_ids:
                visit = trace.executions[arn].visits[visit_id]
                yield from self._new_backoffs(arn, visit)
        calls = (trace.calls[event_id] for event_id in self._new_calls(changed))
        yield from filter(self._has_line, calls)
        for state in changed.task_states:
            if trace.as_of().task_starter(state.task_arn) is not None:
                yield state

    def _new_calls(self, changed: Changed) -> Iterable[str]:
        """Give the calls that had no line before: new ones, or matched at last."""
        matched = (each for each, pair in changed.links.items() if pair[0] is None)
        return dict.fromkeys((*changed.calls, *matched))

    def _is_structural(self, changed: Changed) -> bool:
        """True for a batch after which lines may stand elsewhere, or behind others."""
        if changed.folded_anew or changed.dropped_calls:
            return True
        if self.options.keep is not None:
            # A filter asks for all that is on a line, and some of that comes later.
            return True
        begun = any(events[0].id == 1 for events in changed.events.values() if events)
        if (changed.lineage or begun) and self.order.rank_executions():
            return True
        add = self.containers.add_visits
        crowded = [add(arn, visit_ids) for arn, visit_ids in changed.visits.items()]
        return any(crowded) or self._has_new_owner(changed)

    def _touched_attempts(
        self, changed: Changed
    ) -> Iterator[tuple[AttemptKey, Attempt]]:
        visits = {(arn, each) for arn, ids in changed.visits.items() for each in ids}
        for pair in changed.links.values():
            for link in pair:
                if link is not None and link.key is not None:
                    visits.add((link.key[0], link.visit_id or 0))
        for arn, visit_id in visits:
            visit = self._trace.executions[arn].visits.get(visit_id)
            for attempt in visit.attempts if visit is not None else ():
                yield (arn, attempt.scheduled_id), attempt

    def _has_new_owner(self, changed: Changed) -> bool:
        """True if an attempt has come to hold a task that ECS had told of before."""
        states = self._trace.task_states
        if not states:
            return False
        new = {state.task_arn for state in changed.task_states}
        return any(
            job in states and job not in new and not self._is_line(states[job][0])
            for _, attempt in self._touched_attempts(changed)
            for job in attempt.resource_ids
        )

    # -- one item ----------------------------------------------------------------------

    def _show(self, item: Item, place: Place) -> None:
        """Put an item among the lines, or behind its fold."""
        if not self._is_kept(item):
            self.filtered += _service(item) not in self.options.hidden_services
            return
        closed = self.containers.closed_around(item)
        if closed is None:
            self._insert(item, place)
        else:
            self._put_behind(self.folds.get(closed.key, closed), item, place)

    def _is_kept(self, item: Item) -> bool:
        if _service(item) in self.options.hidden_services:
            return False
        return self.options.keep is None or self.options.keep(item)

    def _put_behind(self, fold: Fold, item: Item, place: Place) -> None:
        if fold.key not in self.folds or place < fold.place:
            if self.folds.setdefault(fold.key, fold).members:
                self._take_out(fold.place)
            fold.place = place
            self._insert(fold, place)
        at = len(fold.members)
        if fold.members and place < self.order.place(fold.members[-1]):
            at = bisect_left(fold.members, place, key=self.order.place)
        fold.members.insert(at, item)

    def _insert(self, item: Item, place: Place) -> None:
        at = len(self._places)
        if self._places and place < self._places[-1]:
            at = bisect_left(self._places, place)
        self._places.insert(at, place)
        self.items.insert(at, item)

    def _take_out(self, place: Place) -> None:
        at = bisect_left(self._places, place)
        del self._places[at], self.items[at]

    def _is_line(self, item: Item) -> bool:
        at = self._index(self.order.place(item))
        # A fold stands in the place of the first of what it folds.
        return at is not None and self.items[at].key == item.key

    def _index(self, place: Place) -> int | None:
        at = bisect_left(self._places, place)
        return at if self._places[at : at + 1] == [place] else None

    # -- polls -------------------------------------------------------------------------

    def _fold_polls(self, key: AttemptKey) -> list[Fold]:
        """Fold the like polls of an attempt anew, but for the first and last of each.

        Attempts poll at the same time, so a run is of one attempt, whatever else lies
        between. A run is known by its number among the attempt's: its first poll may
        come in last. Give the folds, which are still to be put in their places.
        """
        before: dict[str, Item] = {}
        for fold in self._polls.pop(key, ()):
            self._take_out(fold.place)
            del self.folds[fold.key]
            before |= {poll.key: poll for poll in fold.members}
        for poll_key in before:
            del self._hidden[poll_key]
        folds: list[Fold] = []
        for fold_key, run in self._runs(key):
            if fold_key not in self.options.opened:
                visit_id = self._trace.links[run[0].event_id].visit_id or 0
                fold = Fold(fold_key, FoldKind.POLLS, key[0], visit_id, attempt=key)
                fold.place, fold.last = self.order.place(run[1]), run[-1]
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
        calls, links = self._trace.calls_of.get(key, ()), self._trace.links
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
        rule = self._trace.links[poll.event_id].rule
        return poll.event_name, poll.error_code, rule

    # -- finding -----------------------------------------------------------------------

    def item_of(self, key: str) -> Item | None:
        """Find the item of a key; what shares another's line is that."""
        if key in self.folds:
            return self.folds[key]
        if key in self._backoffs:
            return self._backoffs[key]
        if key.startswith(CALL_KEY):
            call = self._trace.calls.get(key.removeprefix(CALL_KEY))
            return self.order.attached_to(call) or call if call is not None else None
        task = self._trace.task_state(key)
        if task is not None:
            return task
        arn, _, number = key.rpartition("#")
        execution = self._trace.executions.get(arn)
        known = execution is not None and number.isdigit()
        event = execution.events.get(int(number)) if execution and known else None
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

    # -- what stood at a moment --------------------------------------------------------

    def at(self, moment: Moment) -> Sequence[Item]:
        """Give the lines that a moment shows; a fold has what stood behind it then."""
        if moment.at is None:
            return self.items
        shown = _ShownItems(moment)
        items: Iterable[Item] = self.items
        if moment.clock is Clock.EVENT and not self.options.aligned:
            # None of what stands later had happened.
            items = self.items[: bisect_right(self._places, (moment.at, _LAST))]
        found = [item for item in items if shown.shows(item)]
        for fold in (fold for folds in self._polls.values() for fold in folds):
            # In event time the last tells of all; they arrive in any order.
            others = fold.members if moment.clock is Clock.ARRIVAL else ()
            if not all(map(shown.shows, (fold.last or fold, *others))):
                self._show_run_by_then(found, fold, shown)
        return found

    def _show_run_by_then(
        self, found: list[Item], fold: Fold, shown: "_ShownItems"
    ) -> None:
        """Show the last poll that there was, and fold those before but the first."""
        place = self.order.place
        at = bisect_left(found, fold.place, key=place)
        if found[at : at + 1] != [fold]:
            return
        del found[at]
        members = [poll for poll in fold.members if shown.shows(poll)]
        items: list[Item] = []
        if fold.last is None or not shown.shows(fold.last):
            items.append(members.pop())
        if members:
            items.append(replace(fold, members=members, place=place(members[0])))
        for item in items:
            found.insert(bisect_left(found, place(item), key=place), item)

    # -- folding -----------------------------------------------------------------------

    def toggle(self, key: str) -> None:
        """Open what is folded, or fold it; `key` is a fold's."""
        options = self.options
        if key in self.folds:
            closed, opened = options.closed - {key}, options.opened | {key}
        else:
            closed, opened = options.closed | {key}, options.opened - {key}
        self.set_options(replace(options, closed=closed, opened=opened))

    def foldable(self, item: Item) -> str | None:
        """Name the fold that a line is, or the innermost that it could go behind."""
        if isinstance(item, Fold):
            return item.key
        inner = next(self.containers.around(item), None)
        call = item if isinstance(item, ApiCall) else None
        link = self._trace.links.get(call.event_id) if call is not None else None
        runs = self._runs(link.key) if link is not None and link.key is not None else ()
        run = next((name for name, run in runs if item in run), None)
        return run or (inner.key if inner else None)

    def toggle_all(self) -> None:
        """Open everything; or, where nothing is folded, fold every branch."""
        options, folds = self.options, list(self.containers.every_fold())
        closed = frozenset(f.key for f in folds if self.containers.is_closed(f))
        if closed:
            opened = options.opened | closed
            self.set_options(replace(options, closed=frozenset(), opened=opened))
            return
        inner = frozenset(f.key for f in folds if f.kind is not FoldKind.VISIT)
        opened = options.opened - inner
        self.set_options(replace(options, closed=inner, opened=opened))


class _ShownItems:
    """Tells what a moment shows; what an execution showed by then is asked once."""

    def __init__(self, moment: Moment) -> None:
        self._moment = moment
        self._last_ids = {
            arn: execution.events[-1].id if execution.event_count else 0
            for arn, execution in moment.executions.items()
        }

    def shows(self, item: Item) -> bool:
        if isinstance(item, HistoryEvent):
            return item.id <= self._last_ids.get(item.execution_arn, 0)
        if isinstance(item, ApiCall):
            return self._moment.shows_call(item)
        if isinstance(item, TaskState):
            return self._moment.shows_task_state(item)
        if isinstance(item, Backoff):
            return item.scheduled_id <= self._last_ids.get(item.execution_arn, 0)
        return any(map(self.shows, item.members))


def _service(item: Item) -> str:
    """Name whose lane an item stands in beside the states; empty for states."""
    if isinstance(item, ApiCall):
        return item.event_source
    return TASKS if isinstance(item, TaskState) else ""


def _keys_in(changed: Changed) -> set[AttemptKey]:
    links = (link for pair in changed.links.values() for link in pair)
    return {link.key for link in links if link is not None and link.key is not None}
