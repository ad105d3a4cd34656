"""The lines of a trace, in order, some of them folded.

Every item is a line, shares the line of another, is behind exactly one fold that is a
line, or is counted as filtered. New events and late calls are put in their places.
After a change of the structure all lines are built again.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby
from operator import itemgetter

from msgspec.structs import replace

from sfnwatch.model.api_call import CALL_KEY, ApiCall
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.link import AttemptKey, Link
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.time_axis import TimeAxis
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.model.visits import Attempt, StateVisit
from sfnwatch.view.containers import Containers
from sfnwatch.view.outline_items import (
    Backoff,
    Fold,
    FoldKind,
    Item,
    ItemFilter,
    SortKey,
)
from sfnwatch.view.outline_options import OutlineOptions
from sfnwatch.view.row_order import AFTER_ALL, ONE_SECOND, RowOrder
from sfnwatch.view.trace_changes import everything, links_in, new_calls

TASKS = "ecs task"
"""Stands where calls have their event source; none of AWS's has a blank."""
_FEWEST_POLLS = 5
"""Fewer like polls than these are shown one by one."""
_BETWEEN = 10
"""Lines that there may be between two new ones, where all are put in order anew."""


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
            if wait is None or wait[1] - wait[0] < ONE_SECOND or key in self._backoffs:
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
            items = self.items[: bisect_right(self._places, (snapshot.at, AFTER_ALL))]
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
