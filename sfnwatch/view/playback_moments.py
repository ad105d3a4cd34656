"""The moments at which something comes, by one of the clocks."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain

from sfnwatch.model.time_axis import TimeAxis, dated
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.view.markers import MarkedRow, happened_at
from sfnwatch.view.trace_changes import everything, new_calls


class PlaybackMoments:
    """The way a player goes by one of the clocks: at which moments something comes.

    Only what can have a line counts. How a source is doing, and calls that have nothing
    to do with the executions, come all the time: they would fill every idle gap.
    """

    def __init__(self, trace: Trace, clock: TimeAxis) -> None:
        self._trace = trace
        self._clock = clock
        self.times: list[datetime] = []
        """When each thing comes, in order."""
        self.version = 0
        self.update(everything(trace))

    def update(self, changed: Changed) -> None:
        """Put the times of what a batch brought in their places."""
        anew = bool(changed.folded_anew or changed.dropped_calls)
        if anew:
            self.times = []
            changed = everything(self._trace)
        new = sorted(self._times_in(changed))
        self.version += anew or bool(new)
        late = bool(new and self.times) and new[0] < self.times[-1]
        self.times += new
        if late:
            self.times.sort()

    def _times_in(self, changed: Changed) -> Iterator[datetime]:
        """Give when each thing comes that is new, or that was matched at last."""
        calls = filter(None, map(self._trace.calls.get, new_calls(changed)))
        with_line = filter(self._trace.as_of().is_relevant, calls)
        rows: Iterable[MarkedRow]
        rows = chain(*changed.events.values(), changed.task_states, with_line)
        return (dated(self._clock, row.seen_at, happened_at(row)) for row in rows)

    def after(self, at: datetime) -> datetime | None:
        """Give the first moment after `at` at which something comes."""
        return self._time(bisect_right(self.times, at))

    def before(self, at: datetime) -> datetime | None:
        """Give the last moment before `at`."""
        return self._time(bisect_left(self.times, at) - 1)

    def newest(self, at: datetime) -> datetime | None:
        """Give the last moment that has come by `at`."""
        return self._time(bisect_right(self.times, at) - 1)

    def _time(self, place: int) -> datetime | None:
        return self.times[place] if 0 <= place < len(self.times) else None
