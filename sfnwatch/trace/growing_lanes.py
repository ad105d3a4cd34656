"""The lanes of a trace that grows: rows that are as they were are kept as they are.

A page is made again and again for a few new records: to make the rows of 25,000 events
and 100,000 calls each time took most of a second. What is right is what `build_lanes`
makes of the same trace.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from threading import Lock

from sfnwatch.trace.altered import altered, kept
from sfnwatch.trace.growing_calls import GrowingCalls
from sfnwatch.trace.growing_states import GrowingStates
from sfnwatch.trace.growing_tasks import GrowingTasks
from sfnwatch.trace.heads import Head, head_of
from sfnwatch.trace.lane_calls import Ground, Key, Tried
from sfnwatch.trace.lane_order import Spot, spots
from sfnwatch.trace.lane_rows import Lanes
from sfnwatch.trace.lane_sheet import Edits, Sheet
from sfnwatch.trace.nests import Nest, nests
from sfnwatch.trace.reach import Reach, goes_on, reach_of
from sfnwatch.trace.timeline import Timeline, Trace


class GrowingLanes:
    """Lays traces out one after the other, whichever way the next one was grown.

    Mutable, and kept by whoever shows the lanes. A screen asks from a thread, too.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._begin()

    def _begin(self) -> None:
        self._alone = True
        """True while no execution is known: no call is hidden then."""
        self._nests: Mapping[str, Nest] = {}
        self._known = Reach()
        self._states: dict[str, GrowingStates] = {}
        self._calls = GrowingCalls()
        self._tasks = GrowingTasks()
        self._heads: dict[str, tuple[Timeline, Head]] = {}
        self._sheet = Sheet()

    def lanes(self, trace: Trace) -> Lanes:
        """Give what `build_lanes` does."""
        with self._lock:
            if self._alone is bool(trace.timelines):
                self._begin()
            try:
                return self._grown(trace)
            except BaseException:
                # What is known is of half of it.
                self._begin()
                raise

    def _grown(self, trace: Trace) -> Lanes:
        self._alone = not trace.timelines
        inside = kept(self._nests, nests(trace))
        renested = altered(self._nests, inside)
        places = spots(trace, inside)
        edits = Edits()
        self._let_go(places, edits)
        doubtful = self._calls.grow(trace)
        doubtful |= self._grow(trace, places, renested)
        known = self._reach(trace)
        ground = Ground(trace.links, self._calls.by_attempt, known, inside)
        self._recall(doubtful, ground)
        for arn, place in places.items():
            self._states[arn].rework(place, ground, edits)
        self._calls.renest(renested, trace.calls)
        self._calls.settle(self._known, known)
        self._calls.rework(trace, ground, self._tried, edits)
        self._tasks.rework(trace, inside, edits)
        self._sheet.take(edits)
        self._nests, self._known = inside, known
        self._heads = {arn: self._head(t) for arn, t in trace.timelines.items()}
        heads = tuple(head for _, head in self._heads.values())
        return Lanes(tuple(self._sheet.rows), self._calls.hidden, heads, inside)

    def _let_go(self, places: Collection[str], edits: Edits) -> None:
        for arn in self._states.keys() - places:
            states = self._states.pop(arn)
            self._calls.doubt((arn, number) for number in states.story.tries)
            states.leave(edits)

    def _grow(
        self, trace: Trace, places: Mapping[str, Spot], renested: Collection[str]
    ) -> set[Key]:
        """Take the histories as they are now; give the tries that are others."""
        found: set[Key] = set()
        for arn, place in places.items():
            if arn not in self._states:
                self._states[arn] = GrowingStates(trace.histories[arn], place)
            states = self._states[arn]
            found |= {(arn, number) for number in states.grow(trace.histories[arn])}
            if states.renest(renested):
                found |= {(arn, number) for number in states.story.tries}
        self._calls.doubt(found)
        return found

    def _reach(self, trace: Trace) -> Reach:
        """Say how far calls are known, without a look at each of them."""
        watched = frozenset(a for a, each in self._states.items() if each.watched)
        return reach_of(trace, watched, self._calls.newest)

    def _recall(self, doubtful: Iterable[Key], ground: Ground) -> None:
        """Doubt the phases of tries with other calls, or with calls known further."""
        tries: dict[str, list[int]] = defaultdict(list)
        for arn, number in doubtful:
            tries[arn].append(number)
        before, known = self._known, ground.known
        for arn, states in self._states.items():
            states.recall(tries.get(arn, ()), ground)
            if known != before:
                states.reach(ground, further=goes_on(before, known))

    def _tried(self, key: Key) -> Tried | None:
        states = self._states.get(key[0])
        return states.story.tries.get(key[1]) if states is not None else None

    def _head(self, timeline: Timeline) -> tuple[Timeline, Head]:
        known = self._heads.get(timeline.execution_arn)
        if known is not None and known[0] is timeline:
            return known
        head = head_of(timeline)
        return timeline, known[1] if known is not None and known[1] == head else head
