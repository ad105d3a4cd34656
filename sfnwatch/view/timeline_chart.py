"""A trace as bars on a time axis: executions, their states, and what states started.

The chart has no columns: the screen draws its bars in cells, and a picture in pixels.
The tree of bars is cheap, and is made at once. The segments, calls and ends of a bar
are worked out when they are asked for.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime

from sfnwatch.analysis import phases
from sfnwatch.analysis.attempt_calls import AttemptCalls
from sfnwatch.analysis.completion import Completion
from sfnwatch.analysis.phases import Phase, Segment
from sfnwatch.model.coverage import Coverage
from sfnwatch.model.ecs_task import TaskStage, TaskState, stretches
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.visits import FAILED, Attempt, StateVisit, VisitKey
from sfnwatch.view.containers import child_key
from sfnwatch.view.timeline_bars import (
    Bar,
    BarEnd,
    BarKind,
    Tick,
    visits_on,
    with_inner_bars,
)
from sfnwatch.view.timeline_tree import TimelineTree

_FINE = frozenset({"running", "succeeded"})
_RunInterval = tuple[datetime, datetime, bool]
"""The begin and the end of an execution, a branch or a state, and True if it failed."""


class TimelineChart:
    """The bars of one snapshot."""

    def __init__(
        self, snapshot: Snapshot, now: datetime, *, is_partial: bool = False
    ) -> None:
        """Make the bars; a running bar ends at `now`.

        If the snapshot `is_partial`, more records are still being read, and it is not
        known what runs at `now`: running bars end at their execution's last event.
        """
        self.snapshot = snapshot
        self.now = now
        self._is_partial = is_partial
        self.bars: dict[str, Bar] = {}
        self.around: dict[str, Bar] = {}
        """The bar around each bar, by the inner bar's key."""
        self._coverage = Coverage(snapshot)
        self.roots = TimelineTree(snapshot, now, self._now_of).roots()
        for bar in with_inner_bars(self.roots):
            self.bars[bar.key] = bar
            for inner in bar.inside:
                self.around[inner.key] = bar

    def _now_of(self, arn: str) -> datetime:
        """Return the time at which running bars of an execution end."""
        execution = self.snapshot.executions[arn]
        if not self._is_partial or not execution.event_count:
            return self.now
        return min(self.now, execution.events[-1].at)

    def bar_of(self, arn: str, visit_id: int) -> Bar | None:
        """Return the bar of a visit, else of its execution, also if it is hidden."""
        for key in (f"{arn}#{visit_id}", arn, child_key(arn)):
            if key in self.bars:
                return self.bars[key]
        return None

    def lines(
        self,
        folds: Mapping[str, bool],
        kept: Iterable[VisitKey] | None = None,
        room: int | None = None,
    ) -> list[Bar]:
        """Return the bars that folds don't hide; `folds` has the user's choices.

        With `kept`, return only the bars of these visits, and the bars around them.
        With `room`, fold more bars that succeeded, until the others fit in that many
        rows.
        """
        shown = self.bars.keys() if kept is None else self._around_all(kept)
        bars = self._unfolded(folds, shown)
        if room is not None and len(bars) > room:
            more_folds = _folds_of_what_is_over(bars, len(bars) - room)
            if more_folds:
                bars = self._unfolded({**more_folds, **folds}, shown)
        return bars

    def _unfolded(self, folds: Mapping[str, bool], shown: Collection[str]) -> list[Bar]:
        """Return the visible bars in the order of the tree, and set their guides."""
        bars: list[Bar] = []
        top = [bar for bar in self._top() if bar.key in shown]
        stack = [(bar, "", "") for bar in reversed(top)]
        while stack:
            bar, guides, guides_inside = stack.pop()
            bar.guides = guides
            bar.open = None
            if bar.inside:
                bar.open = not folds.get(bar.key, bar.folded)
            bars.append(bar)
            inside: list[Bar] = []
            if bar.open:
                inside = [inner for inner in bar.inside if inner.key in shown]
            for inner in reversed(inside):
                is_last = inner is inside[-1]
                branch = "└ " if is_last else "├ "
                stem = "  " if is_last else "│ "
                stack.append((inner, guides_inside + branch, guides_inside + stem))
        return bars

    def _top(self) -> list[Bar]:
        """Return the bars at the top: a single execution's states, else executions.

        A single execution with redrives has its own bar.
        """
        if len(self.roots) != 1 or not self.roots[0].inside:
            return self.roots
        execution = next(iter(self.snapshot.roots.values()))
        return self.roots if execution.redrives else self.roots[0].inside

    def _around_all(self, kept: Iterable[VisitKey]) -> set[str]:
        shown: set[str] = set()
        for arn, visit_id in kept:
            bar = self.bar_of(arn, visit_id)
            while bar is not None and bar.key not in shown:
                shown.add(bar.key)
                bar = self.around.get(bar.key)
        return shown

    def segments(self, bar: Bar) -> list[Segment]:
        """Return the segments of a bar: the phases on which its time was spent."""
        arn = bar.execution_arn
        now = self._now_of(arn)
        if bar.kind is BarKind.TASK:
            return list(_task_segments(bar.states, now))
        if bar.kind is BarKind.EXECUTION and bar.open:
            return list(self._execution_segments(bar))
        if bar.kind is BarKind.BRANCH and bar.open:
            return [Segment(Phase.CONTAINER, bar.begin, bar.end, None, bar.status)]
        execution = self.snapshot.executions[arn]
        segments: list[Segment] = []
        for visit in bar.visits:
            segments += phases.segments(execution, visit, now)
        return segments

    def _execution_segments(self, bar: Bar) -> Iterator[Segment]:
        """Yield the segments of an execution, divided at its ends and redrives."""
        at = bar.begin
        for redrive in self.snapshot.executions[bar.execution_arn].redrives:
            redriven_at = redrive.event.at
            ended_at = redrive.ended.at if redrive.ended else redriven_at
            ended_at = max(at, ended_at)
            yield Segment(Phase.CONTAINER, at, ended_at, None, "failed")
            yield Segment(Phase.STOPPED, ended_at, redriven_at)
            at = redriven_at
        yield Segment(Phase.CONTAINER, at, max(at, bar.end), None, bar.status)

    def crowd(self, bar: Bar) -> list[_RunInterval]:
        """Return the parts of a folded Map or Parallel, and of unread executions.

        They ran side by side. Empty for a bar that is drawn as segments.
        """
        if not bar.is_container or bar.open is not False:
            return list(self._unread_intervals(bar))
        intervals: list[_RunInterval] = []
        for inner in bar.inside:
            intervals += self._unread_intervals(inner)
            if inner.kind is not BarKind.UNREAD:
                intervals.append((inner.begin, inner.end, inner.status in FAILED))
        return intervals

    def _unread_intervals(self, bar: Bar) -> Iterator[_RunInterval]:
        for execution in bar.listed:
            begin = execution.started_at
            if begin:
                end = execution.stopped_at or self.now
                yield begin, max(begin, end), execution.failed

    def ticks(self, bar: Bar) -> list[Tick]:
        """Return the calls on a bar: its own, and those of the bars that it hides."""
        ticks: list[Tick] = []
        for arn, visit in visits_on(bar):
            for attempt in visit.attempts:
                for call in self.snapshot.calls_of((arn, attempt.scheduled_id)):
                    link = self.snapshot.link(call)
                    # The call's time has no fraction; it was made after the attempt was
                    # scheduled.
                    at = max(call.event_time, attempt.scheduled_at)
                    if link is not None:
                        ticks.append(Tick(at, call, link))
        ticks.sort(key=lambda tick: (tick.at, tick.call.event_id))
        return ticks

    def ends(self, bar: Bar) -> list[BarEnd]:
        """Return the tries' ends and the bar's own end, in the order of time."""
        is_running = bar.status == "running"
        if is_running and bar.kind is not BarKind.STATE:
            return []
        if bar.kind is BarKind.TASK:
            return [BarEnd(bar.end, bar.status)]
        is_plain_state = bar.visit is not None and not bar.is_container
        is_drawn_whole = bar.open or bar.is_container
        if bar.kind is BarKind.UNREAD or (is_drawn_whole and not is_plain_state):
            if is_running or bar.status in {"succeeded", "unknown"}:
                return []
            return [BarEnd(bar.end, bar.status)]
        ends: list[BarEnd] = []
        for visit in bar.visits:
            ends += self.ends_of(bar.execution_arn, visit)
        if not ends:
            return []
        *earlier, last = ends
        notable = [end for end in earlier if end.status not in _FINE]
        return [*notable, last]

    def ends_of(self, arn: str, visit: StateVisit) -> Iterator[BarEnd]:
        """Yield the ends of a visit's tries, and then the visit's own end."""
        tries = visit.attempts if visit.running else visit.attempts[:-1]
        for attempt in tries:
            if attempt.ended_at is not None:
                completion = self._completion(arn, attempt)
                yield BarEnd(attempt.ended_at, attempt.status, completion)
        if visit.ended_at is not None:
            completion = None
            if visit.attempts:
                completion = self._completion(arn, visit.attempts[-1])
            ended_at = max(visit.entered_at, visit.ended_at)
            yield BarEnd(ended_at, visit.status, completion)

    def _completion(self, arn: str, attempt: Attempt) -> Completion | None:
        key = arn, attempt.scheduled_id
        calls = AttemptCalls(self.snapshot, self._coverage, key, attempt)
        return calls.completion


def _task_segments(states: Iterable[TaskState], now: datetime) -> Iterator[Segment]:
    """Yield a task's segments: it works while it runs, and waits at other times."""
    for state, end in stretches(states, now):
        is_working = state.stage is TaskStage.RUNNING
        if end > state.at:
            phase = Phase.WORKING if is_working else Phase.WAITING
            yield Segment(phase, state.at, end)


def _folds_of_what_is_over(bars: Iterable[Bar], rows: int) -> dict[str, bool]:
    """Return folds of succeeded bars, the innermost first, that save some rows.

    Bars with failures or retries inside are folded last.
    """
    succeeded = [bar for bar in bars if bar.open and bar.status == "succeeded"]
    succeeded.sort(key=_folding_order)
    folds: dict[str, bool] = {}
    for bar in succeeded:
        if rows <= 0:
            break
        folds[bar.key] = True
        # Bars inside of a smooth bar are smooth too: they are already folded, so this
        # bar had only its direct inner bars.
        rows -= len(bar.inside)
    return folds


def _folding_order(bar: Bar) -> tuple[bool, int]:
    is_smooth = all(_was_smooth(inner) for inner in bar.inside)
    return not is_smooth, -len(bar.guides)


def _was_smooth(bar: Bar) -> bool:
    """True for a bar that succeeded at the first try, with all bars inside of it."""
    for inner in with_inner_bars([bar]):
        was_retried = any(visit.attempts[1:] for visit in inner.visits)
        if inner.status != "succeeded" or was_retried:
            return False
    return True
