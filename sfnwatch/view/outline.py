"""The lines of a trace, in order, some of them folded.

Every item is a line, shares the line of another item, is behind exactly one fold, or is
left out by the options. New events and late calls are inserted at their places. After a
change of the structure all lines are built again.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from msgspec.structs import replace

from sfnwatch.model.api_call import CALL_KEY, ApiCall
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.link import AttemptKey, Link
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.time_axis import TimeAxis
from sfnwatch.model.times import ONE_SECOND
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
from sfnwatch.view.row_order import AFTER_ALL, RowOrder
from sfnwatch.view.sorted_items import SortedItems
from sfnwatch.view.trace_changes import links_in, new_calls, visit_keys_in
from sfnwatch.view.trace_follower import TraceFollower

TASKS = "ecs task"
"""The name of the lane of tasks' states; lanes of calls are named by event sources.

It can't be an event source, since none of AWS's has a blank.
"""
_FEWEST_POLLS = 5
"""Fewer polls of the same kind than this do not fold."""


class Outline(TraceFollower):
    """Keeps the lines of a trace, for one set of options."""

    def __init__(self, trace: Trace, options: OutlineOptions | None = None) -> None:
        self.options = options or OutlineOptions()
        super().__init__(trace)

    def set_options(self, options: OutlineOptions) -> None:
        """Build the lines again with other options."""
        self.options = options
        self._rebuild()

    def _clear(self) -> None:
        self.order = RowOrder(self._trace, aligned=self.options.aligned)
        self.containers = Containers(self._trace, self.options)
        self._lines = SortedItems()
        self.filtered = 0
        """The number of items that the filter left out."""
        self.folds: dict[str, Fold] = {}
        """The folds that are lines, by their keys."""
        self._poll_folds: dict[AttemptKey, list[Fold]] = {}
        self._hidden_polls: dict[str, Fold] = {}
        """The fold that each hidden poll is behind, by the poll's key."""
        self._backoffs: dict[str, Backoff] = {}

    @property
    def items(self) -> Sequence[Item]:
        """The lines, in order."""
        return self._lines.items

    def _needs_rebuild(self, changed: Changed) -> bool:
        """True for a batch that may move lines, or put them behind folds."""
        # A filter looks at all of a line, and parts of a line may come later.
        if super()._needs_rebuild(changed) or self.options.keep:
            return True
        may_rank = changed.lineage or _begins_execution(changed)
        if may_rank and self.order.rank_executions():
            return True
        has_new_crowd = False
        for arn, visit_ids in changed.visits.items():
            if self.containers.add_visits(arn, visit_ids):
                has_new_crowd = True
        return has_new_crowd or self._has_new_owner(changed)

    def _has_new_owner(self, changed: Changed) -> bool:
        """True if a batch tells which attempt started a task that has no lines yet."""
        states_of = self._trace.task_states
        if not states_of:
            return False
        new_keys = {state.key for state in changed.task_states}
        for attempt in self._touched_attempts(changed).values():
            for job in attempt.resource_ids:
                for state in states_of.get(job, ()):
                    if state.key not in new_keys and not self._is_line(state):
                        return True
        return False

    def _touched_attempts(self, changed: Changed) -> dict[AttemptKey, Attempt]:
        """Return the attempts of all visits that a batch changed, or whose links."""
        visit_keys = set(visit_keys_in(changed))
        for link in links_in(changed):
            if link.key is not None:
                visit_keys.add((link.key[0], link.visit_id or 0))
        attempts: dict[AttemptKey, Attempt] = {}
        for arn, visit_id in visit_keys:
            visit = self._trace.executions[arn].visits.get(visit_id)
            if visit is not None:
                for attempt in visit.attempts:
                    attempts[arn, attempt.scheduled_id] = attempt
        return attempts

    def _add(self, changed: Changed) -> None:
        """Insert the items of a batch at their places."""
        items = self._events_with_line(changed)
        moved_calls = self._moved_calls(changed)
        if moved_calls and self._cannot_move(moved_calls, changed):
            self._rebuild()
            return
        self.version += 1
        for event_id in moved_calls:
            call = self._trace.calls[event_id]
            self._take_out_call(call)
            self.order.place_call(call)
            if self._has_line(call):
                items.append(call)
        items += self._new_backoffs(changed)
        items += self._new_calls_with_line(changed)
        for state in changed.task_states:
            if self._trace.as_of().task_starter(state.task_arn) is not None:
                items.append(state)
        polled = {link.key for link in links_in(changed) if link.key is not None}
        self._put_in_place(items, polled)

    def _events_with_line(self, changed: Changed) -> list[Item]:
        """Return the new events that have lines of their own."""
        items: list[Item] = []
        for events in changed.events.values():
            items += [event for event in events if self.order.join(event) is event]
        return items

    def _moved_calls(self, changed: Changed) -> set[str]:
        """Return the event ids of calls that were in a place before, and may move."""
        moved = self.order.attach(self._touched_attempts(changed))
        for event_id, (before, link) in changed.links.items():
            if link is None or (before and _decides_place(before, link)):
                moved.add(event_id)
        return moved.difference(new_calls(changed))

    def _cannot_move(self, event_ids: Iterable[str], changed: Changed) -> bool:
        """True where moved calls can't be taken out: all lines are built again."""
        if self.options.aligned or self.options.hidden_services:
            return True
        for event_id in event_ids:
            link = self._trace.links.get(event_id)
            if event_id in changed.links:
                link = changed.links[event_id][0]
            spot = self.containers.spot_of_link(link)
            if self.containers.closed_at(spot) is not None:
                return True
        return False

    def _take_out_call(self, call: ApiCall) -> None:
        if call.key in self._hidden_polls:
            self._hidden_polls.pop(call.key).members.remove(call)
        elif self._is_line(call):
            self._lines.remove(self.order.place(call))

    def _new_backoffs(self, changed: Changed) -> Iterator[Backoff]:
        """Yield the waits before tries that are new."""
        for arn, visit_id in visit_keys_in(changed):
            visit = self._trace.executions[arn].visits[visit_id]
            for number in range(2, len(visit.attempts) + 1):
                backoff = self._backoff_before(arn, visit, number)
                if backoff is not None and backoff.key not in self._backoffs:
                    self._backoffs[backoff.key] = backoff
                    yield backoff

    def _backoff_before(
        self, arn: str, visit: StateVisit, number: int
    ) -> Backoff | None:
        """Return the wait before a try of a visit; None if it is under a second."""
        wait = visit.backoff_before(number)
        if wait is None or wait[1] - wait[0] < ONE_SECOND:
            return None
        ended_by = visit.attempts[number - 2].ended_by
        failed = self._trace.executions[arn].events.get(ended_by)
        if failed is None:
            return None
        place = (*self.order.place(failed)[:-1], 1)
        scheduled_id = visit.attempts[number - 1].scheduled_id
        key = f"{arn}#{scheduled_id}~backoff"
        return Backoff(key, place, arn, visit.id, number, scheduled_id)

    def _new_calls_with_line(self, changed: Changed) -> Iterator[ApiCall]:
        for event_id in new_calls(changed):
            call = self._trace.calls[event_id]
            self.order.place_call(call)
            if self._has_line(call):
                yield call

    def _has_line(self, call: ApiCall) -> bool:
        """False for a call that is not shown, or stands on an event's line."""
        if self.order.attached_to(call) is not None:
            return False
        return self._trace.as_of().is_relevant(call)

    def _put_in_place(
        self, new_items: Iterable[Item], polled: Iterable[AttemptKey]
    ) -> None:
        """Insert new items at their places; fold `polled` attempts' polls again."""
        items: list[Item] = []
        for key in polled:
            items += self._fold_polls(key)
        items += new_items
        place_of = self.order.place
        placed = [(place_of(item), item) for item in items]
        placed.sort(key=itemgetter(0))
        hidden_polls = self._hidden_polls
        lines: list[tuple[SortKey, Item]] = []
        for place, item in placed:
            if hidden_polls and item.key in hidden_polls:
                continue
            if isinstance(item, Fold) or not self._put_away(item, place):
                lines.append((place, item))
        self._lines.insert_all(lines)

    def _put_away(self, item: Item, place: SortKey) -> bool:
        """Leave an item out, or put it behind its fold; False if it is a line."""
        if not self._is_kept(item):
            if _lane_service(item) not in self.options.hidden_services:
                self.filtered += 1
            return True
        closed = self.containers.closed_around(item)
        if closed is None:
            return False
        self._put_behind(self.folds.get(closed.key, closed), item, place)
        return True

    def _is_kept(self, item: Item) -> bool:
        hidden = self.options.hidden_services
        if hidden and _lane_service(item) in hidden:
            return False
        return self.options.keep is None or self.options.keep(item)

    def _put_behind(self, fold: Fold, item: Item, place: SortKey) -> None:
        """Put an item behind a fold; the fold's line is at its first item's place."""
        is_new = fold.key not in self.folds
        if is_new or place < fold.place:
            if not is_new and fold.members:
                self._lines.remove(fold.place)
            self.folds[fold.key] = fold
            fold.place = place
            self._lines.insert(fold, place)
        members = fold.members
        at = len(members)
        if members and place < self.order.place(members[-1]):
            at = bisect_left(members, place, key=self.order.place)
        members.insert(at, item)

    def _is_line(self, item: Item) -> bool:
        at = self._lines.index(self.order.place(item))
        # The line at the place may be a fold, which has the place of its first item.
        return at is not None and self._lines.items[at].key == item.key

    def _fold_polls(self, key: AttemptKey) -> list[Fold]:
        """Fold the polls of an attempt again; return the folds, not yet inserted.

        A run is a sequence of polls of the same kind by one attempt. The polls of other
        attempts may lie between them. The first and the last poll of a run stay shown.
        A run's key has its number among the attempt's runs, and not its first poll:
        that poll may come in last.
        """
        hidden_before = self._unfold_polls(key)
        folds: list[Fold] = []
        for fold_key, run in self._poll_runs(key):
            if fold_key not in self.options.opened:
                folds.append(self._fold_run(key, fold_key, run))
        for poll_key, poll in hidden_before.items():
            if poll_key not in self._hidden_polls:
                self._lines.insert(poll, self.order.place(poll))
        for fold in folds:
            for poll in fold.members:
                if poll.key not in hidden_before and self._is_line(poll):
                    self._lines.remove(self.order.place(poll))
        if folds:
            self._poll_folds[key] = folds
        return folds

    def _unfold_polls(self, key: AttemptKey) -> dict[str, Item]:
        """Remove the poll folds of an attempt; return the polls that they hid."""
        hidden: dict[str, Item] = {}
        for fold in self._poll_folds.pop(key, ()):
            self._lines.remove(fold.place)
            del self.folds[fold.key]
            for poll in fold.members:
                hidden[poll.key] = poll
                del self._hidden_polls[poll.key]
        return hidden

    def _fold_run(self, key: AttemptKey, fold_key: str, run: Sequence[ApiCall]) -> Fold:
        """Hide all polls of a run behind a fold, except the first and the last."""
        visit_id = self._trace.links[run[0].event_id].visit_id or 0
        fold = Fold(fold_key, FoldKind.POLLS, key[0], visit_id, attempt=key)
        fold.place = self.order.place(run[1])
        fold.last = run[-1]
        fold.members += run[1:-1]
        for poll in fold.members:
            self._hidden_polls[poll.key] = fold
        self.folds[fold_key] = fold
        return fold

    def _poll_runs(self, key: AttemptKey) -> Iterator[tuple[str, list[ApiCall]]]:
        """Yield the runs of an attempt's polls that may be folded, with their keys."""
        calls = self._trace.calls_of.get(key, ())
        links = self._trace.links
        if len(calls) < _FEWEST_POLLS or not self.options.folds:
            return
        polls = [call for call in calls if links[call.event_id].role is CallRole.POLL]
        if not polls or self.containers.closed_around(polls[0]) is not None:
            return
        kept_polls = filter(self._is_kept, polls)
        runs = groupby(kept_polls, self._poll_likeness)
        for number, (_, like_polls) in enumerate(runs):
            run = list(like_polls)
            if len(run) >= _FEWEST_POLLS:
                yield f"{key[0]}#{key[1]}~polls{number}", run

    def _poll_likeness(self, poll: ApiCall) -> tuple[object, ...]:
        link = self._trace.links[poll.event_id]
        return poll.event_name, poll.error_code, link.rule, link.certainty

    def item_of(self, key: str) -> Item | None:
        """Return the item of a key, or the item on whose line it stands; or None."""
        item = self.folds.get(key) or self._backoffs.get(key)
        if item is not None:
            return item
        if key.startswith(CALL_KEY):
            call = self._trace.calls.get(key.removeprefix(CALL_KEY))
            if call is None:
                return None
            return self.order.attached_to(call) or call
        task_state = self._trace.task_state(key)
        if task_state is not None:
            return task_state
        arn, _, number = key.rpartition("#")
        execution = self._trace.executions.get(arn)
        if execution is None or not number.isdigit():
            return None
        event = execution.events.get(int(number))
        return self.order.leader(event) if event is not None else None

    def line_of(self, key: str) -> Item | None:
        """Return the line of a key: its item, or the fold around it; or None."""
        item = self.item_of(key)
        if item is None or isinstance(item, Fold | Backoff) or self._is_line(item):
            return item
        container = self.containers.closed_around(item)
        if container is not None:
            return self.folds.get(container.key)
        return self._hidden_polls.get(item.key)

    def index_of(self, key: str) -> int | None:
        """Return the index among `items` of the line of a key; or None."""
        item = self.line_of(key)
        return self._lines.index(self.order.place(item)) if item is not None else None

    def at(self, snapshot: Snapshot) -> Sequence[Item]:
        """Return the lines as of a snapshot; folds of polls lack later polls."""
        if snapshot.at is None:
            return self.items
        shows = _shown_at(snapshot)
        items = self.items
        if snapshot.clock is TimeAxis.EVENT and not self.options.aligned:
            # Lines at later places had not happened yet.
            end = bisect_right(self._lines.places, (snapshot.at, AFTER_ALL))
            items = items[:end]
        shown = list(filter(shows, items))
        for folds in self._poll_folds.values():
            for fold in folds:
                self._show_part(fold, shown, shows, snapshot.clock)
        return shown

    def _show_part(
        self, fold: Fold, shown: list[Item], shows: ItemFilter, clock: TimeAxis
    ) -> None:
        """Replace a fold of polls in `shown` if the snapshot lacks some of them."""
        # In event time, the last poll comes last. Polls may arrive in any order.
        polls: list[Item] = [fold.last or fold]
        if clock is TimeAxis.ARRIVAL:
            polls += fold.members
        if all(map(shows, polls)):
            return
        place_of = self.order.place
        at = bisect_left(shown, fold.place, key=place_of)
        if shown[at : at + 1] != [fold]:
            return
        del shown[at]
        members = list(filter(shows, fold.members))
        lines: list[Item] = []
        # The last poll so far is shown; the polls before it, except the first, fold.
        if fold.last is None or not shows(fold.last):
            lines.append(members.pop())
        if members:
            lines.append(replace(fold, members=members, place=place_of(members[0])))
        for line in lines:
            shown.insert(bisect_left(shown, place_of(line), key=place_of), line)

    def toggle(self, key: str) -> None:
        """Open or close the fold that has a key."""
        options = self.options
        if key in self.folds:
            closed = options.closed - {key}
            opened = options.opened | {key}
        else:
            closed = options.closed | {key}
            opened = options.opened - {key}
        self.set_options(replace(options, closed=closed, opened=opened))

    def foldable(self, item: Item) -> str | None:
        """Return the key of a line's own fold, or the innermost around it; or None."""
        if isinstance(item, Fold):
            return item.key
        if isinstance(item, ApiCall):
            link = self._trace.links.get(item.event_id)
            if link is not None and link.key is not None:
                for fold_key, run in self._poll_runs(link.key):
                    if item in run:
                        return fold_key
        innermost = next(self.containers.around(item), None)
        return innermost.key if innermost else None

    def toggle_all(self) -> None:
        """Open all folds; if all are open, close every one except those of visits."""
        options = self.options
        folds = list(self.containers.every_fold())
        closed = frozenset(f.key for f in folds if self.containers.is_closed(f))
        closing = frozenset[str]()
        if not closed:
            closing = frozenset(f.key for f in folds if f.kind is not FoldKind.VISIT)
        opened = (options.opened | closed) - closing
        self.set_options(replace(options, closed=closing, opened=opened))


def _begins_execution(changed: Changed) -> bool:
    event_lists = changed.events.values()
    return any(events and events[0].id == 1 for events in event_lists)


def _shown_at(snapshot: Snapshot) -> ItemFilter:
    """Return the test of the items that a snapshot shows."""
    last_ids: dict[str, int] = {}
    for arn, execution in snapshot.executions.items():
        last_ids[arn] = execution.events[-1].id if execution.event_count else 0

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


def _decides_place(before: Link, link: Link) -> bool:
    """True where a call's old and new link may put it in different places."""
    return (
        before.execution_arn != link.execution_arn
        or before.attempt_id != link.attempt_id
        or before.rule is not link.rule
        or before.certainty is not link.certainty
    )


def _lane_service(item: Item) -> str:
    """Return the lane of an item: an event source or `TASKS`; empty for states."""
    if isinstance(item, ApiCall):
        return item.event_source
    return TASKS if isinstance(item, TaskState) else ""
