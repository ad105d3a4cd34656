"""The way a player goes: from where to where, and at which moments something comes.

Only what has a row counts. How a source is doing, and calls that have nothing to do
with the executions, come all the time: they would fill every idle gap.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sfnwatch.trace.lanes import is_hidden
from sfnwatch.trace.moments import Reading, second_over
from sfnwatch.trace.timeline import Trace


class Times(NamedTuple):
    """When one row's record was seen, and when what it tells of happened."""

    seen: datetime
    happened: datetime

    def by(self, reading: Reading) -> datetime:
        return self.seen if reading is Reading.SEEN else self.happened


@dataclass(frozen=True, slots=True)
class Course:
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
    for call in trace.ordered_calls:
        if not is_hidden(trace, call, trace.links.get(call.event_id)):
            yield Times(call.seen_at or call.event_time, second_over(call.event_time))
    for states in trace.task_states.values():
        for state in states:
            yield Times(state.seen_at or state.at, state.at)


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
        counted = Counter(times.by(reading) for times in row_times(trace))
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
