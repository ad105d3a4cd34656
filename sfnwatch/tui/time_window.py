"""The part of the time that the timeline shows.

Idle time may be cut short; zooming and panning work on the time that is left.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

from msgspec import Struct

from sfnwatch.model.snapshot import Snapshot
from sfnwatch.view.time_marks import stops
from sfnwatch.view.time_scale import PlaybackSpan, TimeScale, cut_short, length_of

CLOSEST = 0.02
"""Seconds of the smallest window; times in a history are whole milliseconds."""
ROUNDED = 1e-6
_BESIDE = 0.1
"""The margin at each side of what is zoomed to, as a share of it."""
_IDLE_SECONDS = 30.0
"""Only a gap of at least this many seconds is squeezed."""
_IDLE_SHARE = 0.08
"""Only a gap of at least this share of the whole is squeezed."""
ShownAt = Callable[[datetime, str], datetime]
"""Returns when an execution's time is shown, where starts are aligned."""


def timeline_scale(
    snapshot: Snapshot, newest: datetime, shown_at: ShownAt, *, squeeze: bool = False
) -> TimeScale:
    """Return the scale of all the time; what runs lasts until the `newest` moment.

    With one execution, stops before a redrive, which may last weeks, are cut short.
    With `squeeze` all idle time is.
    """
    times: list[datetime] = []
    for arn, execution in snapshot.executions.items():
        known = [event.at for event in (*execution.events[:1], *execution.events[-1:])]
        for begin in [execution.started_at] if execution.started_at else known[:1]:
            end = execution.stopped_at or max([newest, *known])
            times += [shown_at(begin, arn), shown_at(max(begin, end), arn)]
    begin = min(times, default=newest)
    end = max(times, default=newest)
    end = max(end, begin + timedelta(seconds=CLOSEST))
    gaps = list(pairwise(_moments(snapshot, shown_at)) if squeeze else stops(snapshot))
    least = max(_IDLE_SECONDS, _IDLE_SHARE * length_of((begin, end)))
    idle = [gap for gap in gaps if length_of(gap) >= least]
    # If all gaps were cut, nothing would be left to scale by.
    return cut_short(begin, end, [] if squeeze and len(idle) == len(gaps) else idle)


def _moments(snapshot: Snapshot, shown_at: ShownAt) -> list[datetime]:
    """Return the times at which something happened, in order."""
    found = set[datetime]()
    for arn, execution in snapshot.executions.items():
        found.update(shown_at(event.at, arn) for event in execution.events)
    for call, link in snapshot.linked_calls():
        found.add(shown_at(call.event_time, link.execution_arn or ""))
    found |= {state.at for told in snapshot.task_states.values() for state in told}
    return sorted(found)


class TimeWindow(Struct, frozen=True):
    """All the time there is, and which part of it is shown, in shares of its bar."""

    scale: TimeScale
    first: float = 0.0
    last: float = 1.0

    @property
    def shown(self) -> PlaybackSpan:
        return self.scale.at(self.first), self.scale.at(self.last)

    @property
    def is_whole(self) -> bool:
        return self.last - self.first >= 1.0

    @property
    def closeness(self) -> float:
        """The factor of the zoom; 1 shows the whole."""
        return 1.0 / (self.last - self.first)

    def over(self, scale: TimeScale) -> "TimeWindow":
        """Return this part on another scale; one with the newest time moves along."""
        if self.is_whole:
            return TimeWindow(scale)
        if scale == self.scale:
            return self  # Times are whole microseconds: each look would shift it.
        first, last = map(scale.place, self.shown)
        if self.last >= 1.0:
            first = 1.0 - (last - first)
            last = 1.0
        return TimeWindow(scale, first, last)

    def zoomed(self, factor: float, around: datetime) -> "TimeWindow":
        """Show less or, with a factor below 1, more; `around` stays where it is."""
        length = self.last - self.first
        pivot = min(max(self.scale.place(around), self.first), self.last)
        closer = max(length / factor, self._least)
        return self._at(pivot - (pivot - self.first) / length * closer, closer)

    def panned(self, share: float) -> "TimeWindow":
        """Move by a share of the stretch that is shown."""
        length = self.last - self.first
        return self._at(self.first + share * length, length)

    def centered(self, at: datetime) -> "TimeWindow":
        """Move a moment into the middle, unless it is in view."""
        place = self.scale.place(at)
        length = self.last - self.first
        seen = self.first <= place <= self.last
        return self if seen else self._at(place - length / 2, length)

    def fitted_to(self, first: datetime, last: datetime) -> "TimeWindow":
        """Show a stretch of time, and a little beside it."""
        begin = self.scale.place(first)
        end = self.scale.place(last)
        beside = max((end - begin) * _BESIDE, self._least / 2)
        return self._at(begin - beside, end - begin + 2 * beside)

    @property
    def _least(self) -> float:
        return CLOSEST / length_of((self.scale.knots[0], self.scale.knots[-1]))

    def _at(self, first: float, length: float) -> "TimeWindow":
        # A part as long as all the time is exactly 1, however its steps were rounded.
        length = length if length < 1 - ROUNDED else 1.0
        first = min(max(first, 0.0), 1.0 - length)
        return TimeWindow(self.scale, first, first + length)
