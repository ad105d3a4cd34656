"""The rows of an execution whose history grows: only those that may be others are made.

What a row is made of is its event, the visit and the try it belongs to, what follows
it, what went wrong later, the calls of its try and what it is inside of.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from heapq import heappop, heappush
from operator import is_not

from sfnwatch.trace.altered import altered
from sfnwatch.trace.changes import changes
from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.lane_calls import Ground
from sfnwatch.trace.lane_order import Spot, place_of_state
from sfnwatch.trace.lane_rows import Row
from sfnwatch.trace.lane_sheet import Edits, Placed
from sfnwatch.trace.lane_states import Story, follows
from sfnwatch.trace.reach import was_watched
from sfnwatch.trace.timeline import Timeline
from sfnwatch.trace.visits import Visits


class GrowingStates:
    """The rows of one execution, by their first events' ids."""

    def __init__(self, timeline: Timeline, spot: Spot) -> None:
        self.story = Story(timeline)
        self._rows: dict[int, Row] = {}
        self.watched = was_watched(timeline)
        self._spot = spot
        self._doubtful = set(timeline.events)
        self._events_of: dict[int, set[int]] = defaultdict(set)
        """A visit's id to the events that belong to it."""
        for event_id, visit_id in timeline.visits.of_event.items():
            self._events_of[visit_id].add(event_id)
        self._changed_tries = set(self.story.tries)
        self._enough: dict[int, bool] = {}
        """Of each try whose job stopped: True if its calls are known up to its end."""

    # -- what may be another -----------------------------------------------------------

    def grow(self, timeline: Timeline) -> set[int]:
        """Take the history as it is now; give the tries that are others."""
        old = self.story.timeline
        if timeline is not old:
            self.watched = was_watched(timeline)
            self._go_on(old, timeline)
        tries, self._changed_tries = self._changed_tries, set()
        return tries

    def _go_on(self, old: Timeline, timeline: Timeline) -> None:
        story, doubtful = self.story, self._doubtful
        failures, redrives = story.failures, story.redrives
        gone, came = changes(old.ordered, timeline.ordered)
        self._revisit(old.visits, timeline.visits)
        known = len(timeline.ordered) - len(came)
        if gone or any(map(is_not, came, timeline.ordered[known:])):
            story.begin(timeline)
        else:
            story.go_on(timeline, came)
        for event in (*gone, *came):
            doubtful |= {event.id, event.id - 1}
            if follows(event):
                doubtful.add(event.previous_event_id)
        doubtful |= altered(failures, story.failures)
        doubtful |= altered(redrives, story.redrives)

    def _revisit(self, old: Visits, now: Visits) -> None:
        """Doubt the events of other visits, and those that are of another now."""
        moved = altered(old.of_event, now.of_event)
        # What is joined with an exit is so by whose exit that is.
        self._doubtful |= moved | {event_id - 1 for event_id in moved}
        self._doubtful |= altered(old.attempt_of_event, now.attempt_of_event)
        changed = sorted(altered(old.by_id, now.by_id))
        self._doubtful.update(*(self._events_of[number] for number in changed))
        for event_id in moved:
            self._events_of[old.of_event.get(event_id, 0)].discard(event_id)
            self._events_of[now.of_event.get(event_id, 0)].add(event_id)
        self._doubtful.update(*(self._events_of[number] for number in changed))
        gone = [old.by_id[number] for number in changed if number in old.by_id]
        came = [now.by_id[number] for number in changed if number in now.by_id]
        self.story.revisit(gone, came)
        for visit in (*gone, *came):
            for attempt in visit.attempts:
                self._doubtful.update(attempt.event_ids)
                self._changed_tries.add(attempt.scheduled_id)

    def renest(self, arns: Collection[str]) -> bool:
        """Doubt what is inside of other nests; True if that is all of it."""
        if not arns:
            return False
        runs = self.story.runs.items()
        self._doubtful.update(event_id for event_id, arn in runs if arn in arns)
        if self.story.timeline.execution_arn not in arns:
            return False
        self._doubtful |= self._rows.keys()
        return True

    def recall(self, tries: Iterable[int], ground: Ground) -> None:
        """Doubt the phases of tries whose calls are others."""
        for number in tries:
            known = self.story.tries.get(number)
            if known is not None:
                self._doubtful.update(known[1].event_ids)
            self._judge(number, ground)

    def reach(self, ground: Ground, *, further: bool) -> None:
        """Doubt the ends of tries up to which calls are known, or are not any more.

        If all is known `further`, what was known up to its end still is.
        """
        known = list(self._enough.items())
        for number in (n for n, enough in known if not (further and enough)):
            self._judge(number, ground)

    def _judge(self, number: int, ground: Ground) -> None:
        enough = self._is_enough(number, ground)
        if enough is None:
            self._enough.pop(number, None)
        elif self._enough.get(number) is not enough:
            self._enough[number] = enough
            self._doubtful.update(self.story.tries[number][1].event_ids)

    def _is_enough(self, number: int, ground: Ground) -> bool | None:
        if number not in self.story.tries:
            return None
        _, attempt = self.story.tries[number]
        if attempt.stopped_at is None or attempt.ended_at is None:
            return None
        arn = self.story.timeline.execution_arn
        calls = ground.by_attempt.get((arn, number), ())
        reached = ground.known.of(arn, attempt, calls)
        return reached is not None and reached >= attempt.ended_at

    # -- rows --------------------------------------------------------------------------

    def rework(self, spot: Spot, ground: Ground, edits: Edits) -> None:
        """Make the rows anew that may be others, and note which are."""
        before, known = self._spot, dict(self._rows) if spot != self._spot else {}
        self._spot = spot
        for number, old in {**known, **self._replaced(ground)}.items():
            edits.note(_placed(old, before), _placed(self._rows.get(number), spot))

    def _replaced(self, ground: Ground) -> dict[int, Row | None]:
        """Give the rows that there were before, where they are others now.

        What is joined with one before it has no row: so from the first to the last.
        """
        doubtful, self._doubtful = self._doubtful, set()
        heap = sorted(doubtful)
        found: dict[int, Row | None] = {}
        while heap:
            number = heappop(heap)
            old, new = self._rows.get(number), self._row(number, ground)
            if old == new:
                continue
            found[number] = old
            if new is None:
                del self._rows[number]
            else:
                self._rows[number] = new
            for after in (_joined(old), _joined(new)):
                if after is not None and after > number and after not in doubtful:
                    doubtful.add(after)
                    heappush(heap, after)
        return found

    def _row(self, number: int, ground: Ground) -> Row | None:
        event = self.story.timeline.events.get(number)
        if event is None or self._is_joined(event):
            return None
        return self.story.row(event, ground, joined=True)

    def _is_joined(self, event: HistoryEvent) -> bool:
        own, rows = event.id, self._rows
        for number in (own - 1, event.previous_event_id):
            row = rows.get(number) if number < own else None
            if row is not None and len(row.events) > 1 and row.events[1].id == own:
                return True
        return False

    def leave(self, edits: Edits) -> None:
        for row in self._rows.values():
            edits.note(_placed(row, self._spot), None)


def _placed(row: Row | None, spot: Spot) -> Placed | None:
    return (place_of_state(row, spot), row) if row is not None else None


def _joined(row: Row | None) -> int | None:
    """Give the event that a row has besides its own."""
    return row.events[1].id if row is not None and len(row.events) > 1 else None
