"""A trace as bars on a time axis: executions, their states, and what those started.

It knows nothing of columns: the screen draws its bars in cells, a picture in pixels.
The tree is made at once, since it is cheap; what a bar is drawn of is asked bar by bar.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from sfnwatch.analysis import phases
from sfnwatch.analysis.phases import Phase, Segment
from sfnwatch.analysis.wording import grouped
from sfnwatch.model.coverage import Coverage
from sfnwatch.model.ecs_task import TASK_KEY, TaskStage, TaskState, stretches
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.integrations import CallRole, Pattern
from sfnwatch.model.map_runs import ExecutionCounts
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.values import text_of
from sfnwatch.model.visits import FAILED, Attempt, StateVisit, VisitKey
from sfnwatch.view import child_wording, wording
from sfnwatch.view.containers import branch_key, child_key, map_run_key
from sfnwatch.view.parts import STATUS_GLYPHS, Part, Role, counted
from sfnwatch.view.timeline_bars import (
    Bar,
    BarEnd,
    BarKind,
    Tick,
    visits_on,
    with_inner_bars,
)

MANY = 20
"""A Map of more iterations than these begins folded."""
_FEW = 4
"""With more iterations than these, each of several states begins folded itself."""
_STATES = 4
_NAME = 60
_FINE = frozenset({"running", "succeeded"})
_TASK_ENDS = {Role.BAD: "failed", Role.GOOD: "succeeded", Role.WARN: "aborted"}


class TimelineChart:
    """The bars of one moment."""

    def __init__(
        self, snapshot: Snapshot, now: datetime, *, is_partial: bool = False
    ) -> None:
        """Lay a moment out; what runs has come as far as `now`.

        Where it `is_partial`, since more is still being read, nobody knows what runs at
        `now`: an execution has come as far as its last event.
        """
        self.snapshot = snapshot
        self.now = now
        self._is_partial = is_partial
        self.bars: dict[str, Bar] = {}
        self.around: dict[str, Bar] = {}
        """The key of a bar to the bar that it is inside of."""
        self._coverage = Coverage(snapshot)
        self._started: defaultdict[VisitKey, list[Bar]] = defaultdict(list)
        self._counts: dict[VisitKey, ExecutionCounts] = {}
        self.roots = self._executions()
        for bar in with_inner_bars(self.roots):
            self.bars[bar.key] = bar
            self.around |= dict.fromkeys((each.key for each in bar.inside), bar)

    def _now_of(self, arn: str) -> datetime:
        """Say how far what runs in an execution has come."""
        execution = self.snapshot.executions[arn]
        if not self._is_partial or not execution.event_count:
            return self.now
        return min(self.now, execution.events[-1].at)

    def _executions(self) -> list[Bar]:
        """Make the tree of each execution; what a state started stands below it."""
        snapshot = self.snapshot
        lineage = self.snapshot.lineage
        for states in snapshot.task_states.values():
            self._add_task(states)
        for run in lineage.map_runs:
            self._add_unread(run)
        roots: dict[str, Bar] = {}
        # The innermost first, and those that stand beside each other by their starts.
        for arn in sorted(snapshot.executions, key=lineage.level, reverse=True):
            parent = lineage.parents.get(arn)
            bar = self._execution(snapshot.executions[arn])
            if parent is None:
                roots[arn] = bar
            else:
                self._started[parent.execution_arn, parent.visit_id].append(bar)
        return [roots[arn] for arn in snapshot.roots]

    def _execution(self, execution: ExecutionAsOf) -> Bar:
        """Make one tree; what is inside a visit was entered after it: from the end."""
        arn = execution.arn
        child = child_wording.child_execution(self.snapshot, arn)
        inside: dict[int | None, list[Bar]] = defaultdict(list)
        for visit in reversed(list(execution.visits)):
            within = _branches(arn, visit, inside.pop(visit.id, [])[::-1])
            started = self._started.get((arn, visit.id), ())
            within += sorted(started, key=lambda bar: bar.kind is BarKind.UNREAD)
            inside[visit.parent].append(self._state(arn, visit, within))
        top = [bar for bars in inside.values() for bar in bars[::-1]]
        begin = execution.started_at or (top[0].begin if top else self.now)
        running = execution.running
        last = execution.events[-1].at if execution.event_count else begin
        reached = max(self._now_of(arn), last) if running else last
        end = execution.stopped_at or reached
        keys = child_key(arn) if child else arn, f"{arn}#1"
        name = child.title if child else execution.name
        status = "running" if running else execution.status.lower()
        where = *keys, BarKind.EXECUTION, arn, status, begin, max(begin, end)
        bar = Bar(*where, name, [each.visits[0] for each in top], top)
        bar.folded = child is not None or len(self.snapshot.roots) > 1
        return bar

    def _state(self, arn: str, visit: StateVisit, inside: list[Bar]) -> Bar:
        key, end = f"{arn}#{visit.id}", phases.end_of(visit, self._now_of(arn))
        where = key, key, BarKind.STATE, arn, visit.status, visit.entered_at, end
        bar = Bar(*where, visit.name, [visit], inside)
        bar.folded = visit.type == "Map" and len(inside) > MANY
        bar.counts = self._counts.get((arn, visit.id))
        return bar

    def _add_task(self, states: Sequence[TaskState]) -> None:
        starter = self.snapshot.task_starter(states[0].task_arn)
        visit = self.snapshot.visit_of(starter)
        if starter is None or visit is None:
            return
        begin = min(state.at for state in states)
        now = self._now_of(starter[0])
        end = max([begin, *(end for _, end in stretches(states, now))])
        status = _TASK_ENDS.get(wording.task_text(states[-1]).status.role, "running")
        keys = f"{TASK_KEY}{states[0].task_arn}", states[0].key
        where = *keys, BarKind.TASK, starter[0], status, begin, end
        task = Bar(*where, f"task {wording.task_id(states[0])}", states=states)
        self._started[starter[0], visit.id].append(task)

    def _add_unread(self, run: str) -> None:
        """Stand for the executions of a Map Run that are counted, and not read."""
        snapshot = self.snapshot
        parent = self.snapshot.lineage.map_runs[run]
        arn = parent.execution_arn
        child = child_wording.child_map_run(snapshot, run)
        visit = snapshot.visit_of((arn, parent.visit_id))
        if child is None or child.map_run is None or visit is None:
            return
        counts = self._counts[arn, visit.id] = child.map_run.executions
        missing = counts.total - child.histories
        if missing <= 0:
            return
        key = map_run_key(run)
        end = phases.end_of(visit, self._now_of(arn))
        name = f"{missing:,} {'more, ' if child.histories else ''}not read"
        where = f"{key}~unread", key, BarKind.UNREAD, arn, "unknown", visit.entered_at
        listed = (child.listed for child in snapshot.listed_of.get(run, ()))
        unread = [each for each in listed if each.arn not in snapshot.children]
        self._started[arn, visit.id].append(Bar(*where, end, name, listed=unread))

    def bar_of(self, arn: str, visit_id: int) -> Bar | None:
        """Find the bar of a visit, or else of its execution, folded away or not."""
        keys = f"{arn}#{visit_id}", arn, child_key(arn)
        return next(filter(None, map(self.bars.get, keys)), None)

    def lines(
        self,
        folds: Mapping[str, bool],
        kept: Iterable[VisitKey] | None = None,
        room: int | None = None,
    ) -> list[Bar]:
        """List the bars that are not folded away; `folds` is what somebody changed.

        With `kept`, only bars with something of those visits, and what is around them.
        With `room` for so many, more is folded of what is over, until they fit.
        """
        shown = self.bars.keys() if kept is None else self._around_all(kept)
        bars = self._unfolded(folds, shown)
        if room is not None and len(bars) > room:
            more = _folds_of_what_is_over(bars, len(bars) - room)
            bars = self._unfolded({**more, **folds}, shown) if more else bars
        return bars

    def _unfolded(self, folds: Mapping[str, bool], shown: Collection[str]) -> list[Bar]:
        bars: list[Bar] = []
        top = (bar for bar in reversed(self._top()) if bar.key in shown)
        todo = [(bar, "", "") for bar in top]
        while todo:
            bar, rails, below = todo.pop()
            bar.rails = rails
            bar.open = not folds.get(bar.key, bar.folded) if bar.inside else None
            bars.append(bar)
            inside = [b for b in bar.inside if bar.open and b.key in shown]
            signs = ("└ ", "  "), *[("├ ", "│ ")] * len(inside)
            for each, (rail, stem) in zip(reversed(inside), signs, strict=False):
                todo.append((each, below + rail, below + stem))
        return bars

    def _top(self) -> list[Bar]:
        """Leave out the bar of the one execution: its states say as much."""
        if len(self.roots) != 1 or not self.roots[0].inside:
            return self.roots
        redriven = next(iter(self.snapshot.roots.values())).redrives
        return self.roots if redriven else self.roots[0].inside

    def _around_all(self, kept: Iterable[VisitKey]) -> set[str]:
        shown: set[str] = set()
        for arn, visit_id in kept:
            bar = self.bar_of(arn, visit_id)
            while bar is not None and bar.key not in shown:
                shown.add(bar.key)
                bar = self.around.get(bar.key)
        return shown

    def segments(self, bar: Bar) -> list[Segment]:
        """Give what a bar's time was spent on."""
        if bar.kind is BarKind.TASK:
            stretched = stretches(bar.states, self._now_of(bar.execution_arn))
            return [_stage(state, end) for state, end in stretched if end > state.at]
        if bar.kind is BarKind.EXECUTION and bar.open:
            return list(self._whole(bar))
        if bar.kind is BarKind.BRANCH and bar.open:
            return [Segment(Phase.CONTAINER, bar.begin, bar.end, None, bar.status)]
        own = self.snapshot.executions[bar.execution_arn]
        now = self._now_of(bar.execution_arn)
        found = (phases.segments(own, visit, now) for visit in bar.visits)
        return [segment for those in found for segment in those]

    def _whole(self, bar: Bar) -> Iterator[Segment]:
        """Divide an execution by when it was over, until a redrive."""
        at = bar.begin
        for redrive in self.snapshot.executions[bar.execution_arn].redrives:
            stop = redrive.ended.at if redrive.ended else redrive.event.at
            yield Segment(Phase.CONTAINER, at, max(at, stop), None, "failed")
            yield Segment(Phase.STOPPED, max(at, stop), redrive.event.at)
            at = redrive.event.at
        yield Segment(Phase.CONTAINER, at, max(at, bar.end), None, bar.status)

    def crowd(self, bar: Bar) -> list[tuple[datetime, datetime, bool]]:
        """Give what ran side by side in a folded Map or Parallel, or in what is unread.

        Empty for what is drawn as segments.
        """
        found: list[tuple[datetime, datetime, bool]] = []
        is_folded = bar.is_container and bar.open is False
        for each in bar.inside if is_folded else [bar]:
            if each.kind is BarKind.UNREAD:
                unread = each.listed
                now = self.now
                known = ((e.started_at, e.stopped_at or now, e.failed) for e in unread)
                found += [(at, max(at, end), bad) for at, end, bad in known if at]
            elif is_folded:
                found.append((each.begin, each.end, each.status in FAILED))
        return found

    def ticks(self, bar: Bar) -> list[Tick]:
        """Give the calls that stand on a bar: its own, and what is folded away."""
        found: list[Tick] = []
        for arn, visit in visits_on(bar):
            for attempt in visit.attempts:
                for call in self.snapshot.calls_of((arn, attempt.scheduled_id)):
                    link = self.snapshot.link(call)
                    # Its time has no fractions: it came after it was scheduled.
                    at = max(call.event_time, attempt.scheduled_at)
                    if link is not None:
                        found.append(Tick(at, call, link))
        return sorted(found, key=lambda tick: (tick.at, tick.call.event_id))

    def ends(self, bar: Bar) -> list[BarEnd]:
        """Say how each try ended, and the bar itself, the last in time last."""
        if bar.kind is BarKind.TASK:
            return [BarEnd(bar.end, bar.status)] if bar.status != "running" else []
        if bar.status == "running" and bar.kind is not BarKind.STATE:
            return []
        own = bar.visit is not None and not bar.is_container
        if bar.kind is BarKind.UNREAD or (not own and (bar.open or bar.is_container)):
            ended = bar.status not in {*_FINE, "unknown"}
            return [BarEnd(bar.end, bar.status)] if ended else []
        visits = [bar.visits[0]] if own else bar.visits
        ends = [e for v in visits for e in self._ends_of(bar.execution_arn, v)]
        return [*(end for end in ends[:-1] if end.status not in _FINE), *ends[-1:]]

    def _ends_of(self, arn: str, visit: StateVisit) -> Iterator[BarEnd]:
        for attempt in visit.attempts if visit.running else visit.attempts[:-1]:
            if attempt.ended_at is not None:
                yield BarEnd(attempt.ended_at, attempt.status, self._told(arn, attempt))
        if visit.ended_at is not None:
            told = self._told(arn, visit.attempts[-1]) if visit.attempts else None
            yield BarEnd(max(visit.entered_at, visit.ended_at), visit.status, told)

    def _told(self, arn: str, attempt: Attempt) -> phases.Completion | None:
        key = arn, attempt.scheduled_id
        told = phases.AttemptCalls(self.snapshot, self._coverage, key, attempt)
        return told.completion

    def what(self, bar: Bar) -> Iterator[Part]:
        """Say what a state is: what it runs, or else its type."""
        if len(bar.visits) == 1 and bar.visits[0].attempts:
            yield Part(wording.resource_words(bar.visits[0].attempts[0]), Role.CALL)
        elif bar.visit is not None:
            yield Part(clean(bar.visit.type, _NAME), Role.DIM)

    def notes(self, bar: Bar) -> list[Part]:
        """Say in few words what is notable of a bar."""
        if bar.kind is BarKind.TASK:
            told = wording.task_text(bar.states[-1])
            return [told.status, *told.brief]
        if bar.kind is BarKind.UNREAD:
            return list(_tally(Counter(e.status.lower() for e in bar.listed)))
        found = [*self._inside_notes(bar)]
        if not bar.open or not bar.is_container:
            found += self._run_notes(bar)
        return [
            Part(f"{'  ' if number else ''}{part.text}", part.role)
            for number, part in enumerate(found)
        ]

    def _inside_notes(self, bar: Bar) -> Iterator[Part]:
        """Count branches, iterations, executions of a Map Run; name a failure."""
        if bar.counts is not None:
            told = bar.counts
            yield from _tally({"failed": told.unsuccessful, "running": told.running})
            yield Part(f"✔ {told.succeeded:,} of {told.total:,}", Role.GOOD)
        elif bar.is_container and bar.inside:
            parallel = bar.visits[0].type == "Parallel"
            words = ("branch", "branches") if parallel else ("item", "items")
            indexes = {each.visits[0].index for each in bar.inside if each.visits}
            yield Part(counted(len(indexes), *words), Role.DIM)
            statuses = Counter(each.status for each in bar.inside)
            del statuses["succeeded"]
            yield from _tally(statuses)
        execution = self.snapshot.executions[bar.execution_arn]
        ending = execution.ending if bar.kind is BarKind.EXECUTION else None
        if ending is not None and bar.status != "succeeded":
            error = text_of(self.snapshot.trace.details(ending).get("error"))
            yield Part(clean(error or bar.status, _NAME), Role.BAD)

    def _run_notes(self, bar: Bar) -> Iterator[Part]:
        """Say what was tried again, what was polled, and how its end was learned of."""
        visits = list(visits_on(bar))
        if bar.kind is not BarKind.EXECUTION:
            yield from _error_notes([visit for _, visit in visits])
        polls = [t for t in self.ticks(bar) if t.role is CallRole.POLL]
        denied = sum(tick.failed for tick in polls)
        if polls:
            words = f", {denied} denied" if denied else ""
            words = " denied" if denied == len(polls) else words
            role = Role.BAD if denied else Role.DIM
            most = "" if all(tick.link.is_sure for tick in polls) else "up to "
            yield Part(f"{most}{counted(len(polls), 'poll')}{words}", role)
        ends = [e for arn, visit in visits for e in self._ends_of(arn, visit)]
        told = [end.completion for end in ends if end.completion is not None]
        if len(told) == 1 and not bar.is_container:
            roles = {"event": Role.EVENT, "poll": Role.POLL}
            is_certain = told[0].certain and told[0].by in roles
            arrow, by = ("◀", told[0].by) if is_certain else ("◁", "learned")
            yield Part(f"{arrow} {by} {told[0].lag:.1f} s", roles.get(by, Role.DIM))
        if len(visits) == 1 and _does_not_wait(visits[0][1]):
            yield Part("did not wait", Role.DIM)


def _stage(state: TaskState, end: datetime) -> Segment:
    """Draw a task's state: it works while it runs, and else is waited for."""
    runs = state.stage is TaskStage.RUNNING
    return Segment(Phase.WORKING if runs else Phase.WAITING, state.at, end)


def _folds_of_what_is_over(bars: Iterable[Bar], rows: int) -> dict[str, bool]:
    """Fold the innermost bars that are over and well, until so many rows are saved.

    Those in which something went wrong on the way are the last.
    """
    well = [bar for bar in bars if bar.open and bar.status == "succeeded"]
    well.sort(key=lambda b: (not all(map(_is_smooth, b.inside)), -len(b.rails)))
    found: dict[str, bool] = {}
    for bar in well:
        if rows <= 0:
            break
        found[bar.key] = True
        # What is inside of one that is smooth is smooth: its own was folded before.
        rows -= len(bar.inside)
    return found


def _is_smooth(bar: Bar) -> bool:
    """True for what went well at the first try, with all that is inside of it."""
    inside = with_inner_bars([bar])
    return all(
        each.status == "succeeded" and all(len(v.attempts) < 2 for v in each.visits)  # noqa: PLR2004 - tries
        for each in inside
    )


def _branches(arn: str, around: StateVisit, inside: list[Bar]) -> list[Bar]:
    """Gather the states of each branch; a branch of one state is that state's bar."""
    if not inside:
        return []
    groups = grouped(inside, lambda bar: bar.visits[0].index)
    found: list[Bar] = []
    for index in sorted(groups, key=lambda index: -1 if index is None else index):
        bars = groups[index]
        if index is None or len(bars) == 1:
            # A branch is told by its state's name, an iteration by its number.
            if index is not None and around.type == "Map":
                bars[0].name = f"[{index}] {bars[0].name}"
            found += bars
            continue
        visits = [bar.visits[0] for bar in bars]
        running = any(visit.running for visit in visits)
        status = "running" if running else visits[-1].status
        names = [visit.name for visit in visits[:_STATES]]
        names += ["…"] if len(visits) > _STATES else []
        span = bars[0].begin, max(bar.end for bar in bars)
        keys = branch_key(arn, around.id, index), bars[0].key
        where = *keys, BarKind.BRANCH, arn, status, *span
        branch = Bar(*where, f"[{index}] {' › '.join(names)}", visits, bars)
        branch.folded = len(groups) > _FEW
        found.append(branch)
    return found


def _tally(counts: Mapping[str, int]) -> Iterator[Part]:
    """Say how many ended how, what went wrong first."""
    for status in ("failed", "timed_out", "aborted", "caught", "running", "succeeded"):
        if counts.get(status):
            glyph = STATUS_GLYPHS[status]
            yield Part(f"{glyph.text} {counts[status]:,}", glyph.role)


def _error_notes(visits: Sequence[StateVisit]) -> Iterator[Part]:
    """Say by which errors states ended, or were tried again; of several once each.

    Of one alone it is also said how often it was tried, and if the error was caught.
    """
    bad = {_error_of(visit) for visit in visits if visit.status in FAILED}
    alone = visits[0] if len(visits) == 1 else None
    for error, count in Counter(map(_error_of, visits)).items():
        words = [f"{error} ×{count}" if error and count > 1 else error]
        if alone is not None:
            tries = len(alone.attempts)
            words.append(f"{tries} tries" if tries > 1 else "")
            words.append("caught" if alone.status == "caught" else "")
        if said := ", ".join(filter(None, words)):
            yield Part(said, Role.BAD if error in bad else Role.WARN)


def _error_of(visit: StateVisit) -> str:
    """Name the error a state ended with; or of those tried again, the first."""
    errors = [each.error for each in visit.attempts if each.error]
    if visit.status not in _FINE and visit.error:
        errors.append(visit.error)
    return clean(errors[0 if visit.status in _FINE else -1] if errors else "", _NAME)


def _does_not_wait(visit: StateVisit) -> bool:
    first = visit.attempts[0] if visit.attempts else None
    row = first.integration if first is not None else None
    waits = first is not None and first.pattern in {Pattern.SYNC, Pattern.TASK_TOKEN}
    left = visit.ended_at is not None and not waits
    return left and row is not None and row.starts_job
