"""All that was received, to be read at any moment of either clock, both ways.

A trace only ever grows, so going back means growing a younger one again: some are
kept on the way for that.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime

from sfnwatch.trace.calls import packed
from sfnwatch.trace.course import Course, course_of, row_times, same_rows
from sfnwatch.trace.events import Batch, From, Received
from sfnwatch.trace.history import in_a_bundle
from sfnwatch.trace.memory import Memory, Remembering
from sfnwatch.trace.moments import WATCHING, Reading, when
from sfnwatch.trace.timeline import Growth, Trace, extend
from sfnwatch.trace.values import replace

__all__ = ["Reading", "Tape"]

_SPACING = 2_000
"""So many records between two traces kept."""
_KEPT = 24
"""So many traces at most: each has maps of its own."""

_Kept = tuple[int, Trace]
"""How many of the dated records a trace holds, and the trace."""


def _kept(received: Received) -> Received:
    """Give what takes less memory, and says the same."""
    if received.source == From.HISTORY:
        return in_a_bundle(received)
    return packed(received)


class Tape:
    """Takes records in as they come, and gives the trace of any moment.

    Out of order is welcome. As it happened, calls are there at their own times and
    how the watching went is left out, so `trace.health` and `trace.requests` are
    empty: at a position everything up to it is known, and the watermark is the
    position itself.
    """

    def __init__(
        self,
        *,
        growing: bool = False,
        watched: tuple[datetime, datetime] | None = None,
    ) -> None:
        self.growing = growing
        """True while more may come."""
        self._records: list[Received] = []
        self._watched = watched
        """From the first record received to the last, as far as that is known."""
        looking_back = Remembering()
        self._tracks = {reading: _Track(reading, looking_back) for reading in Reading}
        # A watch is seldom looked back at: what it costs to remember is spared.
        self._growth = Growth(Trace(), Memory() if growing else looking_back)
        """Of all there is."""
        self._back: tuple[Trace, Trace] | None = None
        """The last trace that was looked back at: as it was, and as it is given."""
        self._courses: dict[Reading, tuple[object, Course | None]] = {}
        self._laid: dict[Reading, tuple[Trace, Course | None]] = {}
        """The course laid out last over rows, and the trace that has them."""

    def __len__(self) -> int:
        return len(self._records)

    def take(self, batch: Batch) -> None:
        """Take a batch in: it is decoded at once, and sorted in when somebody asks."""
        taken = [_kept(record) for record in batch]
        self._records += taken
        self._growth.take(taken)
        times = [record.at for record in batch if record.at is not None]
        if times:
            times += self._watched or ()
            self._watched = min(times), max(times)

    def trace(
        self, at: datetime | None = None, reading: Reading = Reading.SEEN
    ) -> Trace:
        """Give the trace of exactly what has come, or happened, by `at`.

        None gives all there is, by whichever clock. What has no time is always in.
        """
        if at is None:
            return self._all()
        track = self._track(reading)
        if track.count(at) == len(self):
            return self._all()
        return self._looked_back(track.trace(at))

    def _looked_back(self, trace: Trace) -> Trace:
        """Tell of an earlier moment who began whom, and of no child before it began.

        A child's start, and how it is defined, are told before its parent's event that
        names it: it would be an execution of its own for that moment.
        """
        known = self._all().family.parents
        if not known:
            return trace
        if self._back and self._back[0] is trace and self._back[1].foretold == known:
            return self._back[1]
        begun = {
            arn: timeline
            for arn, timeline in trace.histories.items()
            if arn not in known or timeline.events or timeline.described
        }
        whole = len(begun) == len(trace.histories)
        histories = trace.histories if whole else begun
        given = replace(trace, histories=histories, foretold=known)
        self._back = trace, given
        return given

    def count(self, at: datetime | None, reading: Reading = Reading.SEEN) -> int:
        """Count the records that `trace` would hold."""
        return len(self) if at is None else self._track(reading).count(at)

    def course(self, reading: Reading = Reading.SEEN) -> Course | None:
        """Give the way a player goes; None while nothing has a time."""
        known = (len(self), self.growing)
        if reading not in self._courses or self._courses[reading][0] != known:
            self._courses[reading] = known, self._new_course(reading)
        return self._courses[reading][1]

    def lay(self, whole: Trace, reading: Reading) -> None:
        """Lay the course over what `trace()` gave; a thread may, it takes a while."""
        of, _ = self._laid.get(reading, (None, None))
        if of is None or not same_rows(of, whole):
            self._laid[reading] = whole, course_of(whole, reading)

    def known_course(self, reading: Reading) -> Course | None:
        """Give the course over the rows it was laid over last, of whenever they are."""
        trace, known = self._laid.get(reading, (Trace(), None))
        watched = self._watched if reading is Reading.SEEN else None
        return course_of(trace, reading, watched, growing=self.growing, known=known)

    def _new_course(self, reading: Reading) -> Course | None:
        """As it was seen, the watch itself counts: it lasted as long as it did.

        Other records are the last resort: a trail's file may be of a whole day.
        """
        self.lay(self._all(), reading)
        course = self.known_course(reading)
        span = self._track(reading).span
        if course is None and span is not None:
            return Course(*span, growing=self.growing)
        return course

    def span(self, reading: Reading = Reading.SEEN) -> tuple[datetime, datetime] | None:
        """Give the first and the last moment; None while there is none."""
        course = self.course(reading)
        return (course.begin, course.end) if course else None

    def moments(self, reading: Reading = Reading.SEEN) -> Sequence[datetime]:
        """Give every moment at which a row comes, once, in order."""
        course = self.course(reading)
        return course.moments if course else ()

    def next_after(self, at: datetime, reading: Reading) -> datetime | None:
        course = self.course(reading)
        return course.after(at) if course else None

    def last_before(self, at: datetime, reading: Reading) -> datetime | None:
        course = self.course(reading)
        return course.before(at) if course else None

    def carried(self, at: datetime, old: Reading, new: Reading) -> datetime | None:
        """Carry a position over to the other clock.

        The newest thing shown, by its own time, stays shown; None where nothing is.
        """
        shown = (
            (times.happened, times.by(new))
            for times in row_times(self._all())
            if times.by(old) <= at
        )
        newest = max(shown, default=None)
        return newest[1] if newest else None

    def _all(self) -> Trace:
        return self._growth.trace

    def _track(self, reading: Reading) -> "_Track":
        track = self._tracks[reading]
        track.catch_up(self._records)
        return track


class _Track:
    """The records in the order of one clock, and traces kept on the way."""

    def __init__(self, reading: Reading, memory: Memory) -> None:
        self._reading, self._memory = reading, memory
        self._known = 0
        self._times: list[datetime] = []
        self._records: list[Received] = []
        self._undated: list[Received] = []
        self._spacing = _SPACING
        self._kept: list[_Kept] = [(0, Trace())]
        """In order; the first holds what has no time, and nothing else."""
        self._last = self._kept[0]

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        return (self._times[0], self._times[-1]) if self._times else None

    def count(self, at: datetime) -> int:
        return len(self._undated) + bisect_right(self._times, at)

    def catch_up(self, records: Sequence[Received]) -> None:
        """Sort in what is new since it was last asked."""
        new, self._known = records[self._known :], len(records)
        if self._reading is Reading.HAPPENED:
            new = [record for record in new if record.source not in WATCHING]
        timed = [(when(record, self._reading), record) for record in new]
        undated = [record for at, record in timed if at is None]
        if undated:
            self._undated += undated
            self._kept = [(0, extend(Trace(), self._undated, self._memory))]
            self._last = self._kept[0]
        self._sort_in((at, record) for at, record in timed if at is not None)

    def _sort_in(self, new: Iterable[tuple[datetime, Received]]) -> None:
        dated = sorted(new, key=lambda pair: pair[0])
        if not dated:
            return
        place = bisect_right(self._times, dated[0][0])
        self._forget(place)
        later = zip(self._times[place:], self._records[place:], strict=True)
        dated = sorted([*later, *dated], key=lambda pair: pair[0])
        self._times[place:] = [at for at, _ in dated]
        self._records[place:] = [record for _, record in dated]

    def _forget(self, place: int) -> None:
        """Let go of the traces that what comes at `place` would belong in."""
        self._kept = [kept for kept in self._kept if kept[0] <= place]
        if self._last[0] > place:
            self._last = self._kept[-1]

    def trace(self, at: datetime) -> Trace:
        goal = bisect_right(self._times, at)
        place, trace = self._nearest(goal)
        while place < goal:
            after = min(goal, place - place % self._spacing + self._spacing)
            trace = extend(trace, self._records[place:after], self._memory)
            place = after
            self._keep(place, trace)
        self._last = place, trace
        return trace

    def _nearest(self, goal: int) -> _Kept:
        """Find the trace from which the least is missing."""
        kept = self._kept[bisect_right(self._kept, goal, key=lambda k: k[0]) - 1]
        return self._last if kept[0] <= self._last[0] <= goal else kept

    def _keep(self, place: int, trace: Trace) -> None:
        """Keep one for going back, if it stands at a mark; fewer as it gets long."""
        if place % self._spacing or place <= self._kept[-1][0]:
            return
        self._kept.append((place, trace))
        if len(self._kept) > _KEPT:
            self._spacing *= 2
            self._kept = [k for k in self._kept if k[0] % self._spacing == 0]
