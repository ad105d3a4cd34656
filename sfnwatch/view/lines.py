"""One line of the lanes: what it says, and what passes it.

A line knows nothing of a terminal, a page or a picture: each of those is a writer of
it. Only what is in view is ever made.

Beside the lines are life-lines: each open visit has a column of its own, the first free
one inside its parent's. So a Parallel's branches, a Map's iterations and several
executions stand beside each other, and none crosses another.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import chain
from operator import itemgetter

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.analysis.phases import (
    Completion,
    Phase,
    Segment,
    completion_of,
    retrying_states,
    segments,
    sure_calls,
)
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.history import REDRIVEN, TERMINAL, Details, HistoryEvent
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.links import AttemptKey, Link
from sfnwatch.model.moment import Coverage, Moment
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.model.values import clean, duration, text_of
from sfnwatch.model.visits import Attempt, StateVisit
from sfnwatch.view import wording
from sfnwatch.view.children import (
    backoff_parts,
    child_execution,
    child_map_run,
    child_parts,
    fold_parts,
    map_run_parts,
    poll_run_parts,
)
from sfnwatch.view.order import Backoff, Containers, Fold, FoldKind, Item, RowOrder
from sfnwatch.view.outline import Outline
from sfnwatch.view.wording import CallText, Part, Role, TaskText

# -- life-lines ------------------------------------------------------------------------

_NEVER = datetime.min.replace(tzinfo=UTC)
MOST = 16
"""More columns than these have no room: those beyond share the last."""
_BETWEEN = 200
"""So many events of other branches are looked past for the state that follows."""
VisitKey = tuple[str, int]
"""An execution's ARN and the id of a visit in it."""


class Rail(Struct, frozen=True):
    """One life-line at one line."""

    column: int
    visit: VisitKey
    phase: Phase
    failed: bool = False
    """True where the try, or the visit, that it is part of failed."""
    begins: bool = False
    ends: bool = False


_LifeLineColumn = list[tuple[datetime, VisitKey]]
"""The visits of one column, in the order they were entered, and when that was."""


class LifeLines:
    """Knows which visit has which column; those behind folds have none."""

    def __init__(
        self, trace: Trace, containers: Containers, *, apart: bool = False
    ) -> None:
        """With `apart` each root execution has columns of its own."""
        self._trace, self._apart = trace, apart
        self.build(containers)

    def build(self, containers: Containers) -> None:
        """Give all visits their columns."""
        self._containers = containers
        self.column: dict[VisitKey, int] = {}
        self._columns: dict[str, list[_LifeLineColumn]] = {}
        """By root execution, or one set for all."""
        self._latest = _NEVER
        executions = self._trace.executions.items()
        self._add(
            ((arn, visit) for arn, each in executions for visit in each.visits.values())
        )

    def update(self, changed: Changed, containers: Containers) -> None:
        """Give the visits that are new their columns."""
        events = chain.from_iterable(changed.events.values())
        redriven = any(event.type == REDRIVEN for event in events)
        every = ((arn, each) for arn, ids in changed.visits.items() for each in ids)
        unseen = [key for key in every if key not in self.column]
        known = self._trace.executions
        new = [(arn, known[arn].visits[number]) for arn, number in unseen]
        late = any(visit.entered_at < self._latest for _, visit in new)
        if redriven or late or containers is not self._containers:
            self.build(containers)
        else:
            self._add(new)

    def _add(self, visits: Iterable[tuple[str, StateVisit]]) -> None:
        ordered = sorted(visits, key=lambda each: (each[1].entered_at, each[1].id))
        for arn, visit in ordered:
            self._latest = max(self._latest, visit.entered_at)
            if not self._containers.is_hidden((arn, visit.id, None)):
                self._give_column(arn, visit)

    def _give_column(self, arn: str, visit: StateVisit) -> None:
        columns = self._columns.setdefault(self._set_of(arn), [])
        column = self._first_inside(arn, visit)
        while column < min(len(columns), MOST - 1) and self._is_taken(
            columns[column], arn, visit
        ):
            column += 1
        while len(columns) <= column:
            columns.append([])
        self.column[arn, visit.id] = column
        columns[column].append((visit.entered_at, (arn, visit.id)))

    def _set_of(self, arn: str) -> str:
        return self._trace.lineage.root_of(arn) if self._apart else ""

    def _first_inside(self, arn: str, visit: StateVisit) -> int:
        """Give the column next to that of what is around a visit."""
        if visit.parent is not None:
            return self.column.get((arn, visit.parent), -1) + 1
        parent = self._trace.lineage.parents.get(arn)
        if parent is None:
            return 0
        return self.column.get((parent.execution_arn, parent.visit_id), -1) + 1

    def _is_taken(self, column: _LifeLineColumn, arn: str, visit: StateVisit) -> bool:
        """True if the last visit of a column had not ended when another was entered."""
        if not column:
            return False
        _, (other_arn, other_id) = column[-1]
        other = self._trace.executions[other_arn].visits[other_id]
        if other.ended_at is None or other.ended_at > visit.entered_at:
            return True
        same = other_arn == arn and other.ended_at == visit.entered_at
        return same and bool(other.turns) and other.turns[-1].by > visit.id

    # -- at a line -------------------------------------------------------------------

    def width(self, root_arn: str = "") -> int:
        """Give the number of columns there are."""
        return len(self._columns.get(root_arn if self._apart else "", ()))

    def rails(self, moment: Moment, at: datetime, root_arn: str = "") -> list[Rail]:
        """Give the life-lines that pass a line whose time is `at`."""
        found: list[Rail] = []
        columns = self._columns.get(root_arn if self._apart else "", ())
        for number, column in enumerate(columns):
            place = bisect_right(column, at, key=itemgetter(0)) - 1
            if place < 0:
                continue
            _, (arn, visit_id) = column[place]
            execution = moment.executions.get(arn)
            visit = execution.visit(visit_id) if execution else None
            if visit is not None and (visit.ended_at is None or visit.ended_at >= at):
                retrying = retrying_states(execution) if execution else ()
                found.append(_rail(number, (arn, visit_id), visit, at, retrying))
        return found


def _rail(
    column: int,
    key: VisitKey,
    visit: StateVisit,
    at: datetime,
    retrying: Collection[str],
) -> Rail:
    segment = _segment_at(segments(visit, max(at, visit.entered_at), retrying), at)
    phase = segment.phase if segment is not None else Phase.WAITING
    return Rail(column, key, phase, failed=segment is not None and segment.failed)


def _segment_at(found: Iterable[Segment], at: datetime) -> Segment | None:
    """Find the stretch that a moment belongs to: at a border the one that ends."""
    last: Segment | None = None
    for segment in found:
        if last is not None and segment.begin >= at:
            break
        last = segment
    return last


def with_ends(
    rails: Iterable[Rail], begins: VisitKey | None, ends: VisitKey | None
) -> Iterator[Rail]:
    """Mark the life-line that a line begins, and the one that it ends."""
    for rail in rails:
        own = {"begins": rail.visit == begins, "ends": rail.visit == ends}
        yield replace(rail, **own) if any(own.values()) else rail


# -- lines -----------------------------------------------------------------------------

IDLE = timedelta(seconds=30)
"""A gap from this on is named: a person would wonder what went on."""
_OPEN = "▾"
_CLOSED = "▸"


class Lane(StrEnum):
    """What a line tells of."""

    STATES = "states"
    CALLS = "calls"
    TASKS = "tasks"
    """What ECS told of the tasks themselves."""


class Line(Struct):
    """One line of the lanes."""

    key: str
    item: Item
    lane: Lane
    at: datetime
    """As it is shown: if executions are aligned, shifted."""
    whole_seconds: bool = False
    """True for calls, whose times have no milliseconds."""
    execution_arn: str | None = None
    root_arn: str | None = None
    """The execution around it that nothing started."""
    rails: tuple[Rail, ...] = ()
    fold: Part | None = None
    """What opens or closes the fold that it is."""
    owner: tuple[Part, ...] = ()
    """Whose line it is, where more than one state is open."""
    text: tuple[Part, ...] = ()
    """What a state's line says; of a fold also what is in it."""
    conclusion: tuple[tuple[Part, ...], ...] = ()
    """How Step Functions learned of a job's end: in full, then in fewer words."""
    call: CallText | None = None
    """The call it is, or that the phase on it made."""
    call_key: str = ""
    call_at: datetime | None = None
    """Its own time, of whole seconds."""
    task: TaskText | None = None
    service: str = ""
    """The event source of its call."""
    gap: float | None = None
    """Seconds since the line before, where it is long."""
    new_day: bool = False
    """True for the first line of a day other than that of the line before."""
    late: float | None = None
    """Seconds from when it, or the call on it, was made until it was received."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """All that it says, in one row."""
        said = [*self.text]
        if self.conclusion:
            said += [Part("  "), *self.conclusion[0]]
        for more in (self.call, self.task):
            if more is not None:
                said += [Part("  " if said else ""), *more.parts]
        return tuple(said)


class LineMaker:
    """Makes the lines of one moment, as they are asked for.

    Without an outline every event and every call has a line to itself; without
    life-lines nothing passes it.
    """

    def __init__(
        self,
        moment: Moment,
        outline: Outline | None = None,
        lifelines: LifeLines | None = None,
    ) -> None:
        self.moment, self._lifelines = moment, lifelines
        self._trace = moment.trace
        self._order = outline.order if outline else RowOrder(moment.trace)
        self._fail_errors: dict[str, dict[int, str]] = {}
        """What Fail states ended with, by execution and event."""
        self._numbers: dict[AttemptKey, dict[str, int]] = {}
        """Which of its attempt's calls of its name each is, by event id."""

    @cached_property
    def _coverage(self) -> Coverage:
        return Coverage(self.moment)

    def lines(self, items: Iterable[Item]) -> Iterator[Line]:
        """Make the lines of all items: of what is read as a whole."""
        before = None
        for item in items:
            yield self.line(item, before)
            before = item

    def line(self, item: Item, before: Item | None = None) -> Line:
        """Make the line of an item; `before` is that of the line before it."""
        if isinstance(item, HistoryEvent):
            line = _EventLine(self, item).make()
        elif isinstance(item, ApiCall):
            line = self._call_line(item)
        elif isinstance(item, TaskState):
            line = self._task_line(item)
        else:
            line = self._other_line(item)
        if before is not None:
            earlier = self._order.place(before)[0]
            passed = line.at - earlier
            line.gap = passed.total_seconds() if passed >= IDLE else None
            line.new_day = line.at.date() != earlier.date()
        return line

    def execution(self, arn: str | None) -> ExecutionAsOf | None:
        return self.moment.executions.get(arn or "")

    def fail_error(self, entered: HistoryEvent) -> str | None:
        """Say what a Fail state ended with; None where the history does not tell."""
        execution = self.execution(entered.execution_arn)
        if execution is None:
            return None
        if execution.arn not in self._fail_errors:
            self._fail_errors[execution.arn] = _fail_errors(self.moment, execution)
        return self._fail_errors[execution.arn].get(entered.id)

    def completion(self, key: AttemptKey, attempt: Attempt) -> Completion | None:
        return completion_of(self.moment, self._coverage, key, attempt)

    # -- what all lines have -------------------------------------------------------

    def begin(
        self, item: Item, lane: Lane, arn: str | None, rails_at: datetime | None = None
    ) -> Line:
        """Begin a line: when it was, whose it is, and what passes it.

        `rails_at` is when the life-lines are looked at, if not at the time of the item.
        """
        root = self.moment.lineage.root_of(arn) if arn else None
        at = self._order.place(item)[0]
        line = Line("", item, lane, at, execution_arn=arn, root_arn=root)
        if self._lifelines is not None:
            shown = rails_at or self._order.unshifted(at, arn)
            line.rails = tuple(self._lifelines.rails(self.moment, shown, root or ""))
        return line

    def owner(self, line: Line, visit: StateVisit | None) -> tuple[Part, ...]:
        """Name the state whose line it is, where more than one is open."""
        if visit is None:
            return ()
        open_states = {rail.visit for rail in line.rails if not rail.ends}
        around = {(line.execution_arn, visit.id), (line.execution_arn, visit.parent)}
        others = open_states - around
        inside = visit.parent is not None or len(self.moment.roots) > 1
        if not others and not inside:
            return ()
        return (Part(wording.state_name(visit), Role.NAME), Part("  "))

    # -- calls and tasks -----------------------------------------------------------

    def _call_line(self, call: ApiCall) -> Line:
        link = self.moment.link(call)
        line = self.begin(call, Lane.CALLS, link.execution_arn if link else None)
        line.key, line.whole_seconds = call.key, True
        self.put_call(line, call)
        visit = self.moment.visit_of(link.key) if link and link.key else None
        line.owner = self.owner(line, visit)
        return line

    def put_call(self, line: Line, call: ApiCall) -> None:
        """Say on a line which call it is, or that what it tells of made."""
        line.call = self.call_text(call, self.moment.link(call))
        line.call_key, line.call_at = call.key, call.event_time
        line.late = lateness(call.seen_at, call.event_time)
        line.service = call.event_source

    def call_text(
        self, call: ApiCall, link: Link | None, *, numbered: bool = True
    ) -> CallText:
        """Put a call into words: which poll, how long after the action, which job."""
        attempt = self.moment.attempt(link.key) if link is not None else None
        number, subject = None, ""
        if link is not None and link.key is not None and attempt is not None:
            if numbered and link.role is CallRole.POLL:
                number = self._number_of(call, link.key)
            subject = self._subject(call, link, attempt)
        return wording.call_text(
            call, link, number=number, subject=subject, id_word=wording.id_word(attempt)
        )

    def _number_of(self, call: ApiCall, key: AttemptKey) -> int:
        """Count a call among those of its name and its attempt, from 1."""
        numbers = self._numbers.get(key)
        if numbers is None:
            numbers, counts = {}, Counter[str]()
            for each in self.moment.calls_of(key):
                counts[each.event_name] += 1
                numbers[each.event_id] = counts[each.event_name]
            self._numbers[key] = numbers
        return numbers.get(call.event_id, 1)

    def _subject(self, call: ApiCall, link: Link, attempt: Attempt) -> str:
        """Say which job the action call started, of others how long after it was."""
        if link.role is not CallRole.ACTION:
            after = (call.event_time - self._action_at(link, attempt)).total_seconds()
            return f"+{after_words(after)}" if after >= 0 else ""
        # A guess must not lend a call the id that would prove it.
        if not attempt.resource_ids or not link.rule.sure:
            return ""
        return wording.job_words(attempt)

    def _action_at(self, link: Link, attempt: Attempt) -> datetime:
        calls = sure_calls(self.moment, link.key) if link.key else ()
        links = self._trace.links
        made = (c for c in calls if links[c.event_id].role is CallRole.ACTION)
        action = next(made, None)
        at = action.event_time if action is not None else attempt.answered_at
        return at.replace(microsecond=0)

    def _task_line(self, state: TaskState) -> Line:
        key = self.moment.task_starter(state.task_arn)
        line = self.begin(state, Lane.TASKS, key[0] if key else None)
        line.key = state.key
        line.task = wording.task_text(state)
        line.owner = self.owner(line, self.moment.visit_of(key))
        line.late = lateness(state.seen_at, state.at)
        return line

    # -- folds and waits -----------------------------------------------------------

    def _other_line(self, item: Fold | Backoff) -> Line:
        line = self.begin(item, Lane.STATES, item.execution_arn)
        line.key = item.key
        execution = self.execution(item.execution_arn)
        visit = execution.visit(item.visit_id) if execution else None
        if isinstance(item, Backoff):
            line.owner = self.owner(line, visit)
            line.text = backoff_parts(visit, item.number) if visit else ()
            return line
        line.fold = Part("⋯" if item.kind is FoldKind.POLLS else _CLOSED, Role.FOLD)
        if item.kind is FoldKind.POLLS:
            line.lane, line.whole_seconds = Lane.CALLS, True
            line.owner = self.owner(line, visit)
            line.call = CallText(poll_run_parts(self._coverage, item))
        else:
            line.text = fold_parts(self.moment, item, visit)
        return line


class _EventLine:
    """Makes the line of one event, and of what stands on it."""

    def __init__(self, maker: LineMaker, event: HistoryEvent) -> None:
        self._maker, self._event = maker, event
        self._order, self._moment = maker._order, maker.moment  # noqa: SLF001 - one concept
        arn = event.execution_arn
        execution = maker.execution(arn)
        self._execution = execution
        followers = self._order.followers(event) if execution else ()
        self._events = [event]
        self._events += (e for e in followers if execution and execution.event(e.id))
        self._visit = execution.visit(self._visit_id()) if execution else None
        self._attempt = execution.attempt(event.attempt_id) if execution else None

    @property
    def _details(self) -> Details:
        return self._moment.trace.details(self._event)

    def _visit_id(self) -> int | None:
        """Name the visit it is about: an iteration's start is its first state's."""
        entered = (e for e in self._events if e.type.endswith("StateEntered"))
        return next(entered, self._event).visit_id or None

    def make(self) -> Line:
        event, arn = self._event, self._event.execution_arn
        begins, ends = self._ends_of_rail()
        # An iteration's start has its line, and its first state a moment later.
        entered = self._visit.entered_at if begins and self._visit else None
        line = self._maker.begin(event, Lane.STATES, arn, entered)
        line.key = event.key
        line.rails = tuple(with_ends(line.rails, begins, ends))
        line.text = tuple(self._text(line))
        if begins is None and event.attempt_id:
            line.owner = self._maker.owner(line, self._visit)
        self._conclude(line)
        call = self._order.attached_call(event)
        if call is not None and self._moment.shows_call(call):
            self._maker.put_call(line, call)
        return line

    def _ends_of_rail(self) -> tuple[VisitKey | None, VisitKey | None]:
        """Say which life-line begins with the line, and which ends with it."""
        visit = self._visit
        ids = {event.id for event in self._events}
        if visit is None or (self._event.iteration is not None and len(ids) == 1):
            return None, None
        key = self._event.execution_arn, visit.id
        begins = key if visit.id in ids else None
        ended = not visit.running and visit.turns and visit.turns[-1].by in ids
        return begins, key if ended else None

    def _text(self, line: Line) -> Iterator[Part]:
        event, visit = self._event, self._visit
        if event.type.startswith("Execution"):
            yield from self._execution_text(line)
        elif event.type == "MapRunStarted":
            yield from self._map_run_text(line)
        elif visit is not None and visit.id in {each.id for each in self._events}:
            yield from self._entered_text(visit)
        elif event.type.endswith(("StateExited", "StateSucceeded")) and visit:
            yield from self._exited_text(line, visit)
        elif self._attempt is not None and visit is not None:
            yield from self._phase_text(visit, self._attempt)
        else:
            yield from wording.other_parts(event, self._details)

    def _execution_text(self, line: Line) -> Iterator[Part]:
        event, arn = self._event, self._event.execution_arn
        child = child_execution(self._moment, arn)
        if event.type == REDRIVEN and self._execution is not None:
            redrives = self._execution.redrives
            redrive = next((r for r in redrives if r.event is event), None)
            yield from wording.redrive_parts(redrive) if redrive else ()
            return
        if event.type == "ExecutionStarted" and child is not None:
            line.fold = Part(_OPEN, Role.FOLD)
            yield from child_parts(child)
            return
        yield from wording.execution_parts(event, self._details)
        started = self._execution.started_at if self._execution else None
        if event.type in TERMINAL and started is not None:
            spent = (event.at - started).total_seconds()
            yield Part(f"  {duration(max(0.0, spent))}", Role.DIM)

    def _map_run_text(self, line: Line) -> Iterator[Part]:
        run = text_of(self._details.get("mapRunArn")) or ""
        child = child_map_run(self._moment, run)
        if child is None:
            yield from wording.other_parts(self._event, self._details)
            return
        line.fold = Part(_OPEN, Role.FOLD)
        yield from (*child_parts(child), Part("  "), *map_run_parts(child))

    def _entered_text(self, visit: StateVisit) -> Iterator[Part]:
        yield from wording.entered_parts(visit)
        follower = self._events[-1]
        if follower.type == "MapStateStarted":
            yield from wording.items_part(self._moment.trace.details(follower))
        if visit.type == "Fail":
            error = self._maker.fail_error(self._event)
            yield Part(f"  ✘ {clean(error or 'failed', 200)}", Role.BAD)
        if follower.type.endswith("StateExited") and visit.type == "Choice":
            chosen = self._next_state(follower)
            if chosen is not None:
                yield Part(f" → {clean(chosen.name, 200)}")

    def _next_state(self, exited: HistoryEvent) -> StateVisit | None:
        return state_after(self._execution, exited.id)

    def _exited_text(self, line: Line, visit: StateVisit) -> Iterator[Part]:
        spent = (self._events[-1].at - visit.entered_at).total_seconds() - visit.paused
        line.owner = (Part(wording.state_name(visit), Role.NAME), Part("  "))
        yield from wording.exited_parts(visit, spent)
        if visit.status == "caught":
            chosen = self._next_state(self._events[-1])
            if chosen is not None:
                yield Part(f" → {clean(chosen.name, 200)}")

    def _phase_text(self, visit: StateVisit, attempt: Attempt) -> Iterator[Part]:
        phases = [e for e in self._events if e.attempt_id]
        yield from wording.phase_parts(phases)
        last = phases[-1]
        if last.type.endswith(("Scheduled", "Started")):
            ids = [each.scheduled_id for each in visit.attempts]
            number = ids.index(attempt.scheduled_id) + 1
            yield from wording.try_parts(visit, number)
        if len(phases) < len(self._events):
            spent = (self._events[-1].at - visit.entered_at).total_seconds()
            yield Part(f"  {duration(max(0.0, spent - visit.paused))}", Role.DIM)
        if last.type.endswith(("Failed", "TimedOut")):
            yield from wording.error_parts(self._moment.trace.details(last))

    def _conclude(self, line: Line) -> None:
        """Say how Step Functions learned of the job's end, on the line of that."""
        attempt = self._attempt
        if attempt is None or attempt.ended_by not in {e.id for e in self._events}:
            return
        key = self._event.execution_arn, attempt.scheduled_id
        told = self._maker.completion(key, attempt)
        if told is not None:
            line.conclusion = wording.completion_parts(told)


def _fail_errors(moment: Moment, execution: ExecutionAsOf) -> dict[int, str]:
    """Find what each Fail state ended with, by the id of its one event.

    The failures around it follow on each other, and only the outermost says why; if a
    Catch came before that, the history tells nobody.
    """
    errors: dict[int, str] = {}
    for event in reversed(execution.events):
        if event.type.endswith("Failed"):
            told = text_of(moment.trace.details(event).get("error"))
            error = told or errors.get(event.id)
            if error:
                errors.setdefault(event.previous_event_id, error)
    return errors


def state_after(execution: ExecutionAsOf | None, event_id: int) -> StateVisit | None:
    """Find the state that is entered right after an event, such as another's exit."""
    if execution is None:
        return None
    for number in range(event_id + 1, event_id + _BETWEEN):
        event = execution.event(number)
        if event is not None and event.previous_event_id == event_id:
            visit = execution.visit(number)
            if visit is not None:
                return visit
    return None


def lateness(seen_at: datetime | None, at: datetime) -> float | None:
    """Count the seconds from when something happened until it was received."""
    return None if seen_at is None else max(0.0, (seen_at - at).total_seconds())


def after_words(seconds: float) -> str:
    """Write how long after the action call something was: `+57 s`, `+4m 53s`."""
    return f"{seconds:.0f} s" if seconds < 60 else duration(seconds)  # noqa: PLR2004
