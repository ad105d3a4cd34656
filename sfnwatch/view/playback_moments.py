"""The times at which records come in playback, by one of the clocks."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from sfnwatch.model.time_axis import TimeAxis, dated
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.view.markers import MarkedRow, happened_at
from sfnwatch.view.trace_changes import new_calls
from sfnwatch.view.trace_follower import TraceFollower


class PlaybackMoments(TraceFollower):
    """The times of all records that can be on a line.

    Reports about the sources, and calls unrelated to the executions, do not count: they
    come all the time, and would fill every idle gap.
    """

    def __init__(self, trace: Trace, clock: TimeAxis) -> None:
        self._clock = clock
        self.times: list[datetime]
        """One time for each record, in order."""
        super().__init__(trace)

    def _clear(self) -> None:
        self.times = []

    def _add(self, changed: Changed) -> None:
        new_times = sorted(self._times_in(changed))
        if not new_times:
            return
        is_late = bool(self.times) and new_times[0] < self.times[-1]
        self.times += new_times
        if is_late:
            self.times.sort()
        self.version += 1

    def _times_in(self, changed: Changed) -> Iterator[datetime]:
        """Yield the time of each new record, and of each call that is now matched."""
        rows = chain(
            *changed.events.values(),
            changed.task_states,
            self._new_calls_with_line(changed),
        )
        for row in rows:
            yield dated(self._clock, row.seen_at, happened_at(row))

    def _new_calls_with_line(self, changed: Changed) -> Iterator[MarkedRow]:
        snapshot = self._trace.as_of()
        for event_id in new_calls(changed):
            call = self._trace.calls.get(event_id)
            if call is not None and snapshot.is_relevant(call):
                yield call

    def after(self, at: datetime) -> datetime | None:
        """Return the first time after `at`; None if there is none."""
        return self._time(bisect_right(self.times, at))

    def before(self, at: datetime) -> datetime | None:
        """Return the last time before `at`; None if there is none."""
        return self._time(bisect_left(self.times, at) - 1)

    def newest(self, at: datetime) -> datetime | None:
        """Return the last time up to and including `at`; None if there is none."""
        return self._time(bisect_right(self.times, at) - 1)

    def _time(self, place: int) -> datetime | None:
        if 0 <= place < len(self.times):
            return self.times[place]
        return None
