"""The way a player goes: from where to where, and at which moments something comes.

Only what has a row counts. How a source is doing, and calls that have nothing to do
with the executions, come all the time: they would fill every idle gap.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.lanes import is_hidden
from sfnwatch.trace.links import Rule
from sfnwatch.trace.moments import Reading, second_over
from sfnwatch.trace.timeline import Trace


class Times(NamedTuple):
    """When one row's record was seen, and when what it tells of happened."""

    seen: datetime
    happened: datetime

    def by(self, reading: Reading) -> datetime:
        return self.seen if reading is Reading.SEEN else self.happened


class Course(Struct, frozen=True):
    """A recording's length by one of the clocks."""

    begin: datetime
    end: datetime
    moments: tuple[datetime, ...] = ()
    """Every moment at which a row comes, once, in order."""
    counts: tuple[int, ...] = ()
    """How many rows come at each."""
    growing: bool = False
    """True for a live watch: its end is now, and more may come."""

    @property
    def seconds(self) -> float:
        return (self.end - self.begin).total_seconds()

    def clamp(self, at: datetime) -> datetime:
        return min(max(at, self.begin), self.end)

    def after(self, at: datetime) -> datetime | None:
        """Give the first moment after `at`."""
        place = bisect_right(self.moments, at)
        return self.moments[place] if place < len(self.moments) else None

    def before(self, at: datetime) -> datetime | None:
        """Give the last moment before `at`."""
        place = bisect_left(self.moments, at)
        return self.moments[place - 1] if place else None

    def newest(self, at: datetime) -> datetime | None:
        """Give the last moment that has come by `at`."""
        place = bisect_right(self.moments, at)
        return self.moments[place - 1] if place else None

    def gap(self, at: datetime) -> tuple[datetime, datetime]:
        """Give the two moments that `at` lies between, the first of them included."""
        return self.newest(at) or self.begin, self.after(at) or self.end


def row_times(trace: Trace) -> Iterator[Times]:
    """Yield the times of everything that has a row."""
    for timeline in trace.histories.values():
        for event in timeline.events.values():
            yield Times(event.seen_at or event.timestamp, event.timestamp)
    for call in _shown(trace):
        yield Times(call.seen_at or call.event_time, second_over(call.event_time))
    for states in trace.task_states.values():
        for state in states:
            yield Times(state.seen_at or state.at, state.at)


def _counted(trace: Trace, reading: Reading) -> Counter[datetime]:
    """Count the rows of `row_times` by their moments, in half of its time."""
    seen = reading is Reading.SEEN
    counted: Counter[datetime] = Counter()
    for timeline in trace.histories.values():
        events = timeline.events.values()
        counted.update(
            [event.seen_at or event.timestamp for event in events]
            if seen
            else [event.timestamp for event in events]
        )
    calls = _shown(trace)
    if seen:
        counted.update([call.seen_at or call.event_time for call in calls])
    else:
        seconds = Counter([call.event_time for call in calls])
        counted.update({second_over(at): count for at, count in seconds.items()})
    for states in trace.task_states.values():
        counted.update(
            [(state.seen_at if seen else None) or state.at for state in states]
        )
    return counted


def _shown(trace: Trace) -> Sequence[ApiCall]:
    """Give the calls that have a row: `is_hidden` is asked of few."""
    # Which executions there are takes a walk along all of their histories.
    if not trace.calls or not trace.timelines:
        return trace.ordered_calls
    links = trace.links
    return [
        call
        for call in trace.ordered_calls
        if (link := links.get(call.event_id)) is not None
        and (link.rule is not Rule.ROLE_ONLY or not is_hidden(trace, call, link))
    ]


def course_of(
    trace: Trace,
    reading: Reading,
    outer: tuple[datetime, datetime] | None = None,
    *,
    growing: bool = False,
    known: Course | None = None,
) -> Course | None:
    """Lay out a course over a whole trace, and over `outer`; None without any time.

    `known` is a course over the same rows: only how the watching went has changed.
    """
    if known is not None:
        moments, counts = known.moments, known.counts
    else:
        counted = _counted(trace, reading)
        moments = tuple(sorted(counted))
        counts = tuple(counted[at] for at in moments)
    ends = [*moments[:1], *moments[-1:], *(outer or ())]
    if not ends:
        return None
    return Course(min(ends), max(ends), moments, counts, growing)


def same_rows(trace: Trace, other: Trace) -> bool:
    """True if both have the very same rows, whatever else either of them tells."""
    return (
        trace.histories is other.histories
        and trace.calls is other.calls
        and trace.task_changes is other.task_changes
    )
