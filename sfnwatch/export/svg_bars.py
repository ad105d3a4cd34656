"""Which stays in states have a bar of their own, and on which axis of time."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from sfnwatch.trace.spans import end_of
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.trace.visits import StateVisit

LIMIT = 160
"""So many bars are drawn of one execution."""
_CROWD, _FIRST, _FAILED = 10, 6, 4
"""Of more branches than a crowd the first are drawn, and some that failed."""
_STEPS = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200),
)
_DAY = 86400
_APART = 3
"""Runs that take less than this part of the time they span are laid on each other."""


class Bar(Struct, frozen=True):
    """A line of the picture: a visit, or how many are left out here."""

    depth: int
    visit: StateVisit | None = None
    left_out: int = 0


def bars_of(timeline: Timeline, limit: int = LIMIT) -> list[Bar]:
    """List an execution's visits as a tree, big crowds cut."""
    children: dict[int | None, list[StateVisit]] = defaultdict(list)
    for visit in sorted(timeline.visits, key=lambda visit: visit.id):
        known = visit.parent in timeline.visits.by_id
        children[visit.parent if known else None].append(visit)
    bars: list[Bar] = []
    seen = 0
    for bar in _walk(children, None, 0):
        seen += bar.left_out or 1
        if len(bars) < limit:
            bars.append(bar)
    rest = seen - sum(bar.left_out or 1 for bar in bars)
    return [*bars, Bar(0, left_out=rest)] if rest else bars


def _walk(
    children: dict[int | None, list[StateVisit]], parent: int | None, depth: int
) -> Iterator[Bar]:
    branches: dict[int | None, list[StateVisit]] = defaultdict(list)
    for visit in children[parent]:
        branches[visit.index].append(visit)
    shown = _shown(branches) if parent is not None else list(branches)
    for index in shown:
        for visit in branches[index]:
            yield Bar(depth, visit)
            yield from _walk(children, visit.id, depth + 1)
    hidden = [v for i, group in branches.items() if i not in shown for v in group]
    if hidden:
        yield Bar(depth, left_out=sum(_size(children, visit) for visit in hidden))


def _shown(branches: dict[int | None, list[StateVisit]]) -> list[int | None]:
    order = sorted(branches, key=lambda index: -1 if index is None else index)
    if len(order) <= _CROWD:
        return order
    lost = [
        index
        for index in order[_FIRST:]
        if any(visit.status in {"failed", "timed_out"} for visit in branches[index])
    ]
    return [*order[:_FIRST], *lost[:_FAILED]]


def _size(children: dict[int | None, list[StateVisit]], visit: StateVisit) -> int:
    return 1 + sum(_size(children, child) for child in children[visit.id])


class Axis(Struct, frozen=True):
    """The time that all bars share."""

    seconds: float
    """Its length."""
    begins: dict[str, datetime]
    """Where it begins for each execution: the same, unless they are laid together."""
    together: bool
    """True if every execution begins at 0."""

    def at(self, arn: str, moment: datetime) -> float:
        """Give a moment's place, from 0 to 1."""
        offset = (moment - self.begins[arn]).total_seconds()
        return min(1.0, max(0.0, offset / self.seconds))

    def ticks(self) -> Sequence[float]:
        """Give at most ten round numbers of seconds."""
        step = next((s for s in _STEPS if self.seconds / s <= 10), None)  # noqa: PLR2004
        if step is None:
            step = _DAY * (1 + int(self.seconds / _DAY / 10))
        return [step * n for n in range(int(self.seconds / step) + 1)]


def axis_of(trace: Trace, now: datetime) -> Axis:
    """Choose the axis: executions far apart would be slivers on the true one."""
    spans = {arn: _span(t, now) for arn, t in trace.timelines.items()}
    if not spans:
        return Axis(1.0, {}, together=False)
    first = min(begin for begin, _ in spans.values())
    last = max(end for _, end in spans.values())
    longest = max(end - begin for begin, end in spans.values())
    together = len(spans) > 1 and last - first > _APART * longest
    length = longest if together else last - first
    return Axis(
        max(length.total_seconds(), 0.001),
        {arn: begin if together else first for arn, (begin, _) in spans.items()},
        together,
    )


def _span(timeline: Timeline, now: datetime) -> tuple[datetime, datetime]:
    known = [event.timestamp for event in timeline.events.values()]
    known += [t for t in (timeline.started_at, timeline.stopped_at) if t]
    known += [end_of(visit, now) for visit in timeline.visits]
    if not known:
        return now, now + timedelta(0)
    return min(known), max(known)
