"""The player behind the screen: the moment that is shown, and how time passes.

Live and replay differ only in where they begin. A live watch begins at its live edge; a
recording begins at its beginning, playing. The player reads no system clock: its caller
tells it how many seconds have passed.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice

from sfnwatch.model.records import Batch
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.time_axis import TimeAxis, dated
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.view.markers import MarkedRow, happened_at
from sfnwatch.view.playback_moments import PlaybackMoments
from sfnwatch.view.time_scale import PlaybackSpan, TimeScale, scale_of

SPEEDS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 120.0, 300.0, 600.0)
LONGEST_GAP = 1.0
"""The most real seconds that an idle gap takes while gaps are squeezed."""
REST = 2.0
"""Real seconds for which a loop shows the end, since people want to see that."""


class Playback:
    """The player's position, its speed, and whether it plays."""

    def __init__(
        self,
        trace: Trace,
        *,
        replay: bool = False,
        speed: float = 1.0,
        watched: PlaybackSpan | None = None,
    ) -> None:
        """`watched` is the time span in which a recording was made, if it is known."""
        self.trace = trace
        self.replay = replay
        self.growing = not replay
        """True while more records may come in: the end may still move."""
        self.clock = TimeAxis.ARRIVAL
        self.position: datetime | None = None
        """The shown moment; None at the live edge, and before any record is read."""
        self.playing = replay
        self.speed = speed
        self.squeeze = replay
        self.looping = False
        self.held = False
        """True for a live watch that the user stopped and has not moved since."""
        self._is_read = not replay
        """False while a recording is being read: its end is not known yet."""
        self._stays_at_end = False
        """True once the user went to the end of a recording that is being read."""
        self._watched = watched
        self._rested = 0.0
        """Real seconds spent at the end so far, when looping."""
        self._moments: dict[TimeAxis, PlaybackMoments] = {}
        if replay and (span := self.span) is not None:
            self.position = span[0]

    @property
    def moments(self) -> PlaybackMoments:
        """The times at which records come, by the clock in use."""
        if self.clock not in self._moments:
            self._moments[self.clock] = PlaybackMoments(self.trace, self.clock)
        return self._moments[self.clock]

    @property
    def span(self) -> PlaybackSpan | None:
        """The time from the first moment to the last; None while there is none.

        In arrival time it includes the whole span of the watch, also where no record
        came.
        """
        times = self.moments.times
        ends = [*times[:1], *times[-1:]]
        if not times or self.clock is TimeAxis.ARRIVAL:
            ends += self._watched or ()
        return (min(ends), max(ends)) if ends else None

    @property
    def live(self) -> bool:
        """True at the live edge: records are shown as they come in."""
        return not self.replay and self.position is None

    @property
    def stays_at_end(self) -> bool:
        """True if the position follows the end of a recording that is being read."""
        return self._stays_at_end

    @property
    def ended(self) -> bool:
        """True at the end of a trace to which no more records can come."""
        at = self.position
        span = self.span
        is_there = span is None or at is None or at >= span[1]
        return is_there and self._is_read and not self.growing

    @property
    def is_reading(self) -> bool:
        """True while a recording is being read: its end is not known yet."""
        return not self._is_read

    @property
    def is_partial(self) -> bool:
        """True at the newest moment read so far, if a recording is still being read.

        What is missing there may still be read.
        """
        at = self.position
        times = self.moments.times
        is_newest = at is None or not times or at >= times[-1]
        return is_newest and not self._is_read

    def snapshot(self) -> Snapshot:
        """Return the trace as of the shown moment."""
        at = self.position
        span = self.span
        at_end = self.replay and at is not None and span is not None and at >= span[1]
        return self.trace.as_of(None if at_end else at, self.clock)

    def scale(self) -> TimeScale | None:
        """Return the scale of a bar for the whole span; None while there is none."""
        if (span := self.span) is None:
            return None
        return scale_of(span, self.moments.times, squeeze=self.squeeze)

    def update(self, batch: Batch, changed: Changed) -> None:
        """Add the times of a batch; a recording's first batch sets the position."""
        at_end = self.replay and self.position is not None and self.ended
        for moments in self._moments.values():
            moments.update(changed)
        times = [record.at for record in batch if record.at is not None]
        if times:
            times += self._watched or ()
            self._watched = min(times), max(times)
        span = self.span
        if self.replay and span is not None:
            is_resting = at_end and not self.playing
            if self._stays_at_end or is_resting:
                self.position = span[1]
            elif self.position is None:
                self.position = span[0]

    def close(self) -> None:
        """Note that no more records will come."""
        self.growing = False
        self._is_read = True
        self._stays_at_end = False

    def tick(self, elapsed: float) -> bool:
        """Let `elapsed` real seconds pass; return True if the shown moment changed.

        A recording stops at its end; when looping, it begins again after a rest. A live
        watch that has caught up is live again.
        """
        span = self.span
        if not self.playing or elapsed <= 0 or self.position is None or span is None:
            return False
        before = self.position
        there = self._moved(before, elapsed, span[1])
        if not self._is_read:
            there = min(there, max([before, *self.moments.times[-1:]]))
        if there < span[1] or not self._is_read:
            self.position = there
        else:
            self._reach_end(elapsed if before >= span[1] else 0.0, span)
        return self.position != before

    def _reach_end(self, elapsed: float, span: PlaybackSpan) -> None:
        if self.growing:
            self.to_end()
            return
        self.position = span[1]
        if not self.looping:
            self.playing = False
            return
        self._rested += elapsed
        if self._rested >= REST:
            self.position = span[0]
            self._rested = 0.0

    def _moved(self, at: datetime, elapsed: float, end: datetime) -> datetime:
        if not self.squeeze:
            return _forward(at, elapsed * self.speed, end)
        while at < end:
            start = self.moments.newest(at) or at
            goal = min(self.moments.after(at) or end, end)
            pace = max(self.speed, (goal - start).total_seconds() / LONGEST_GAP)
            needed = (goal - at).total_seconds() / pace
            if needed > elapsed:
                return _forward(at, elapsed * pace, goal)
            at = goal
            elapsed = elapsed - needed
        return at

    def toggle(self) -> None:
        """Play or stop; at the end, play from the beginning.

        At the live edge, stop there while more records come in. A live watch that was
        stopped so, and not moved since, becomes live again.
        """
        if (span := self.span) is None:
            return
        if self.held:
            self.to_end()
        elif self.live:
            self.position = span[1]
            self.held = True
        elif self.playing:
            self.playing = False
        else:
            self.position = span[0] if self.ended else self.position
            self.playing = True
            self._rested = 0.0
            self._stays_at_end = False

    def to_end(self) -> None:
        """Go to the live edge, or to a recording's end."""
        span = self.span
        self.position = span[1] if self.replay and span else None
        self.playing = self.held = False
        self._stays_at_end = not self._is_read

    def seek(self, at: datetime) -> None:
        """Go to a moment; in a live watch, a moment at the end is the live edge."""
        if (span := self.span) is None:
            return
        if not self.replay and at >= span[1]:
            self.to_end()
            return
        self.position = min(max(at, span[0]), span[1])
        self.held = False
        self._rested = 0.0
        self._stays_at_end = False

    def skip(self, seconds: float) -> None:
        """Go forward by some seconds, or back if they are negative."""
        if (span := self.span) is not None:
            self.seek((self.position or span[1]) + timedelta(seconds=seconds))

    def tenth(self, number: int) -> None:
        """Go to a tenth of the bar; 0 is its beginning and 10 its end."""
        if (scale := self.scale()) is not None:
            self.seek(scale.at(number / 10))

    def step(self, direction: int) -> None:
        """Go forward or back by one moment at which a record comes; stop playing."""
        span = self.span
        moments = self.moments
        if span is None:
            return
        here = self.position or span[1]
        if direction > 0:
            self.stand(moments.after(here) or span[1])
        else:
            self.stand(moments.before(moments.newest(here) or here) or span[0])

    def stand(self, at: datetime) -> None:
        """Go to a moment and stop playing."""
        self.seek(at)
        self.playing = False

    def step_among(self, times: Iterable[datetime], direction: int) -> bool:
        """Go to the next of some times, or to the one before; True if there is one.

        If there is none, stay: the end may be far from what the user looks at.
        """
        if (span := self.span) is None:
            return False
        here = self.position or span[1]
        ahead = direction > 0
        found = sorted(at for at in times if at != here and (at > here) is ahead)
        if found:
            self.stand(found[0 if ahead else -1])
        return bool(found)

    def faster(self) -> None:
        self.speed = SPEEDS[min(bisect_right(SPEEDS, self.speed), len(SPEEDS) - 1)]

    def slower(self) -> None:
        self.speed = SPEEDS[max(bisect_left(SPEEDS, self.speed) - 1, 0)]

    def switch_clock(self) -> None:
        """Switch to the other clock; the newest shown item stays the newest."""
        at = self.position
        was_ended = self.ended
        newest = self._newest_shown(at) if at is not None else None
        by_event = self.clock is TimeAxis.EVENT
        self.clock = TimeAxis.ARRIVAL if by_event else TimeAxis.EVENT
        span = self.span
        if at is None or span is None:
            return
        there = span[1] if was_ended else span[0]
        if newest is not None and not was_ended:
            there = dated(self.clock, newest.seen_at, happened_at(newest))
        self.position = max(span[0], min(there, span[1]))

    def _newest_shown(self, at: datetime) -> MarkedRow | None:
        """Return the shown event or call that happened last; None if none is shown."""
        snapshot = self.trace.as_of(at, self.clock)
        each = (e.events for e in snapshot.executions.values())
        rows: list[MarkedRow] = [events[-1] for events in each if events]
        calls = filter(snapshot.is_relevant, reversed(snapshot.calls))
        rows += islice(calls, 1)
        return max(rows, key=happened_at, default=None)


def _forward(at: datetime, seconds: float, goal: datetime) -> datetime:
    left = (goal - at).total_seconds()
    return goal if seconds >= left else at + timedelta(seconds=seconds)
