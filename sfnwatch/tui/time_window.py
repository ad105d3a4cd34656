"""The part of the time that the timeline shows.

Idle time may be cut short; zooming and panning work on the time that is left.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

from msgspec import Struct

from sfnwatch.model.snapshot import Snapshot
from sfnwatch.view.time_marks import stops
from sfnwatch.view.time_scale import PlaybackSpan, TimeScale, cut_short, span_seconds

LEAST_SECONDS = 0.02
"""Seconds of the smallest window; times in a history are whole milliseconds."""
ROUNDING = 1e-6
"""A share or a column that differs by less is the same, but for rounding."""
_MARGIN_SHARE = 0.1
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
        known = [event.at for event in execution.events[:1]]
        known += [event.at for event in execution.events[-1:]]
        begin = execution.started_at
        if begin is None and known:
            begin = known[0]
        if begin is not None:
            end = execution.stopped_at or max([newest, *known])
            times.append(shown_at(begin, arn))
            times.append(shown_at(max(begin, end), arn))
    first = min(times, default=newest)
    last = max(times, default=newest)
    last = max(last, first + timedelta(seconds=LEAST_SECONDS))
    gaps = list(stops(snapshot))
    if squeeze:
        gaps = list(pairwise(_moments(snapshot, shown_at)))
    least = max(_IDLE_SECONDS, _IDLE_SHARE * span_seconds((first, last)))
    idle = [gap for gap in gaps if span_seconds(gap) >= least]
    if squeeze and len(idle) == len(gaps):
        # If all gaps were cut, nothing would be left to scale by.
        idle = []
    return cut_short(first, last, idle)


def _moments(snapshot: Snapshot, shown_at: ShownAt) -> list[datetime]:
    """Return the times at which something happened, in order."""
    moments = set[datetime]()
    for arn, execution in snapshot.executions.items():
        moments.update(shown_at(event.at, arn) for event in execution.events)
    for call, link in snapshot.linked_calls():
        moments.add(shown_at(call.event_time, link.execution_arn or ""))
    for states in snapshot.task_states.values():
        moments.update(state.at for state in states)
    return sorted(moments)


class TimeWindow(Struct, frozen=True):
    """The part of the time that is shown, in shares of the whole bar."""

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
        """Return this window on another scale; at the newest time it moves along."""
        if self.is_whole:
            return TimeWindow(scale)
        if scale == self.scale:
            return self  # Times are whole microseconds: each step would shift it.
        begin, end = self.shown
        first = scale.place(begin)
        last = scale.place(end)
        if self.last >= 1.0:
            first = 1.0 - (last - first)
            last = 1.0
        return TimeWindow(scale, first, last)

    def zoomed(self, factor: float, around: datetime) -> "TimeWindow":
        """Show less or, with a factor below 1, more; `around` stays where it is."""
        length = self.last - self.first
        pivot = min(max(self.scale.place(around), self.first), self.last)
        new_length = max(length / factor, self._least_length)
        pivot_share = (pivot - self.first) / length
        return self._at(pivot - pivot_share * new_length, new_length)

    def panned(self, share: float) -> "TimeWindow":
        """Move by a share of the stretch that is shown."""
        length = self.last - self.first
        return self._at(self.first + share * length, length)

    def centered(self, at: datetime) -> "TimeWindow":
        """Move a moment into the middle, unless it is in view."""
        place = self.scale.place(at)
        length = self.last - self.first
        if self.first <= place <= self.last:
            return self
        return self._at(place - length / 2, length)

    def fitted_to(self, first: datetime, last: datetime) -> "TimeWindow":
        """Show a stretch of time, and a little beside it."""
        begin = self.scale.place(first)
        length = self.scale.place(last) - begin
        margin = max(length * _MARGIN_SHARE, self._least_length / 2)
        return self._at(begin - margin, length + 2 * margin)

    @property
    def _least_length(self) -> float:
        knots = self.scale.knots
        return LEAST_SECONDS / span_seconds((knots[0], knots[-1]))

    def _at(self, first: float, length: float) -> "TimeWindow":
        # A part as long as all the time is exactly 1, however its steps were rounded.
        if length >= 1 - ROUNDING:
            length = 1.0
        first = min(max(first, 0.0), 1.0 - length)
        return TimeWindow(self.scale, first, first + length)
