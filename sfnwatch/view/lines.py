"""One line of the lanes: what it says, and what passes it.

A line knows nothing of a terminal, a page or a picture: each of those is a writer of
it. Only what is in view is ever made.

Beside the lines are life-lines: each open visit has a column of its own, the first free
one inside its parent's. So a Parallel's branches, a Map's iterations and several
executions stand beside each other, and none crosses another.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import chain
from operator import itemgetter

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.analysis import phases
from sfnwatch.analysis.phases import Phase
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.coverage import Coverage
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.history_event import REDRIVEN, TERMINAL, Details, HistoryEvent
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.link import AttemptKey, Link, LinkRule
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.model.values import text_of
from sfnwatch.model.visits import Attempt, StateVisit, VisitKey
from sfnwatch.view import child_wording, wording
from sfnwatch.view.outline import (
    Backoff,
    Containers,
    Fold,
    FoldKind,
    Item,
    Outline,
    RowOrder,
    everything,
)
from sfnwatch.view.parts import Part, Role, status_part
from sfnwatch.view.wording import LIMIT, CallText, TaskText, blank_before

# -- life-lines ------------------------------------------------------------------------

_NEVER = datetime.min.replace(tzinfo=UTC)
MOST = 16
"""More columns than these have no room: those beyond share the last."""
_BETWEEN = 200
"""So many events of other branches are looked past for the state that follows."""


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
        self._trace = trace
        self._apart = apart
        self._containers = containers
        self.column: dict[VisitKey, int] = {}
        self._columns: dict[str, list[_LifeLineColumn]] = {}
        """By root execution, or one set for all."""
        self._latest = _NEVER
        self._known = 0
        self.update(everything(trace), containers)

    def update(self, changed: Changed, containers: Containers) -> None:
        """Give new visits their columns; all anew if one is late, or folds changed.

        So they are where an execution is new: columns may have come free meanwhile.
        """
        events = chain.from_iterable(changed.events.values())
        redriven = any(event.type == REDRIVEN for event in events)
        new = self._without_column(changed)
        late = any(visit.entered_at < self._latest for _, visit in new)
        known = self._known
        self._known = len(self._trace.executions)
        begun = known != self._known
        if redriven or late or begun or containers is not self._containers:
            self._containers = containers
            self._latest = _NEVER
            self.column = {}
            self._columns = {}
            new = self._without_column(everything(self._trace))
        for arn, visit in new:
            self._latest = max(self._latest, visit.entered_at)
            if containers.closed_at((arn, visit.id, None)) is None:
                self._give_column(arn, visit)

    def _without_column(self, changed: Changed) -> list[tuple[str, StateVisit]]:
        """Give visits in the order they were entered, but for those with a column."""
        keys = ((arn, each) for arn, ids in changed.visits.items() for each in ids)
        known = self._trace.executions
        new = [(a, known[a].visits[n]) for a, n in keys if (a, n) not in self.column]
        return sorted(new, key=lambda each: (each[1].entered_at, each[1].id))

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
        around = (arn, visit.parent or 0)
        parent = self._trace.lineage.parents.get(arn)
        if visit.parent is None and parent is not None:
            around = parent.execution_arn, parent.visit_id
        return self.column.get(around, -1) + 1

    def _is_taken(self, column: _LifeLineColumn, arn: str, visit: StateVisit) -> bool:
        """True if the last visit of a column had not ended when another was entered."""
        if not column:
            return False
        _, (other_arn, other_id) = column[-1]
        other = self._trace.executions[other_arn].visits[other_id]
        if other.ended_at is None or other.ended_at > visit.entered_at:
            return True
        same = other_arn == arn and other.ended_at == visit.entered_at
        return same and other.ended_by > visit.id

    def width(self, root_arn: str = "") -> int:
        """Give the number of columns there are."""
        return len(self._columns.get(self._set_of(root_arn), ()))

    def rails(self, snapshot: Snapshot, at: datetime, root_arn: str = "") -> list[Rail]:
        """Give the life-lines that pass a line whose time is `at`."""
        found: list[Rail] = []
        for number, column in enumerate(self._columns.get(self._set_of(root_arn), ())):
            place = bisect_right(column, at, key=itemgetter(0)) - 1
            key = column[place][1] if place >= 0 else ("", 0)
            execution = snapshot.executions.get(key[0])
            visit = execution.visit(key[1]) if execution is not None else None
            if execution is None or visit is None or (visit.ended_at or at) < at:
                continue
            until = max(at, visit.entered_at)
            stretches = list(phases.segments(execution, visit, until))
            # At a border it is the one that ends.
            begun = [each for each in stretches if each.begin < at] or stretches[:1]
            phase = begun[-1].phase if begun else Phase.WAITING
            found.append(Rail(number, key, phase, bool(begun) and begun[-1].failed))
        return found


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


class LineContext:
    """What an item is about, and what else stands on its line, as of a moment."""

    def __init__(self, maker: "LineMaker", item: Item) -> None:
        self.maker = maker
        self.snapshot = maker.snapshot
        self.item = item
        self.execution_arn: str | None = None
        self.events: Sequence[HistoryEvent] = ()
        """Those that share its line."""
        self.call: ApiCall | None = None
        """The call that it is, or that the phase on it made."""
        self.link: Link | None = None
        """Whose that call is; of a task's state, whose task."""
        visit_id = None
        attempt_id = None
        if isinstance(item, HistoryEvent):
            self.execution_arn = item.execution_arn
            visit_id, attempt_id = self._add_events(item)
        elif isinstance(item, Fold | Backoff):
            self.execution_arn = item.execution_arn
            visit_id = item.visit_id
            attempt_id = item.scheduled_id if isinstance(item, Backoff) else None
        elif (link := self._add_link(item)) is not None:
            self.execution_arn = link.execution_arn
            visit_id = link.visit_id
            attempt_id = link.attempt_id
        execution = self.snapshot.executions.get(self.execution_arn or "")
        self.execution = execution
        self.visit = execution.visit(visit_id) if execution else None
        self.attempt = self.visit.attempt(attempt_id) if self.visit else None

    def _add_events(self, leader: HistoryEvent) -> tuple[int | None, int | None]:
        """Take in what shares a line; give the visit and the attempt it is about."""
        execution = self.snapshot.executions.get(leader.execution_arn)
        if execution is None or execution.event(leader.id) is None:
            return None, None
        order = self.maker.order
        followers = order.followers(leader)
        self.events = [leader, *[e for e in followers if execution.event(e.id)]]
        call = order.attached_call(leader)
        if call is not None and self.snapshot.shows_call(call):
            self._add_link(call)
        # An iteration's start is about its first state, as its line is.
        entered = [e for e in self.events if e.type.endswith("StateEntered")]
        attempts = [e.attempt_id for e in self.events if e.attempt_id]
        return (entered or [leader])[0].visit_id, attempts[0] if attempts else None

    def _add_link(self, item: ApiCall | TaskState) -> Link | None:
        if isinstance(item, ApiCall):
            self.call = item
            self.link = self.snapshot.link(item)
        else:
            self.link = self.snapshot.task_link(item.task_arn)
        return self.link

    @property
    def key(self) -> AttemptKey | None:
        """The attempt's."""
        if self.attempt is None or self.execution_arn is None:
            return None
        return self.execution_arn, self.attempt.scheduled_id

    @property
    def number(self) -> int:
        """Which of its state's tries the attempt is, from 1."""
        own = self.attempt.scheduled_id if self.attempt else 0
        tries = self.visit.attempts if self.visit else ()
        return next((n for n, a in enumerate(tries, 1) if a.scheduled_id == own), 1)


class Line(Struct):
    """One line of the lanes."""

    about: LineContext
    lane: Lane
    at: datetime
    """As it is shown: if executions are aligned, shifted."""
    whole_seconds: bool = False
    """True for calls, whose times have no milliseconds."""
    root_arn: str | None = None
    """The execution around it that nothing started."""
    rails: Sequence[Rail] = ()
    fold: Part | None = None
    """What opens or closes the fold that it is."""
    owner: tuple[Part, ...] = ()
    """Whose line it is, where more than one state is open."""
    text: tuple[Part, ...] = ()
    """What a state's line says; of a fold also what is in it."""
    conclusion: tuple[Part, ...] = ()
    """How Step Functions learned of a job's end."""
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
    def item(self) -> Item:
        return self.about.item

    @property
    def key(self) -> str:
        return self.item.key

    @property
    def execution_arn(self) -> str | None:
        return self.about.execution_arn

    @property
    def parts(self) -> tuple[Part, ...]:
        """All that it says, in one row."""
        said = [*self.text]
        if self.conclusion:
            said += [Part("  "), *self.conclusion]
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
        snapshot: Snapshot,
        outline: Outline | None = None,
        lifelines: LifeLines | None = None,
    ) -> None:
        self.snapshot = snapshot
        self._lifelines = lifelines
        self._trace = snapshot.trace
        self.order = outline.order if outline else RowOrder(snapshot.trace)
        self._fail_errors: dict[str, dict[int, str]] = {}
        """What Fail states ended with, by execution and event."""
        self._numbers: dict[AttemptKey, dict[str, int]] = {}
        """Which of its attempt's calls of its name each is, by event id."""

    @cached_property
    def _coverage(self) -> Coverage:
        return Coverage(self.snapshot)

    def lines(self, items: Iterable[Item]) -> Iterator[Line]:
        """Make the lines of all items: of what is read as a whole."""
        before = None
        for item in items:
            yield self.line(item, before)
            before = item

    def line(self, item: Item, before: Item | None = None) -> Line:
        """Make the line of an item; `before` is that of the line before it."""
        about = LineContext(self, item)
        if isinstance(item, HistoryEvent):
            line = _EventLine(about, item).make()
        elif isinstance(item, Fold | Backoff):
            line = self._other_line(about, item)
        else:
            line = self._call_line(about, item)
        if before is not None:
            earlier = self.order.place(before)[0]
            passed = line.at - earlier
            line.gap = passed.total_seconds() if passed >= IDLE else None
            line.new_day = line.at.date() != earlier.date()
        return line

    def failure(self, event: HistoryEvent) -> tuple[str | None, str | None]:
        """Give the error and the cause of an event, as far as the history tells."""
        if event.type.endswith(("Failed", "TimedOut", "Aborted")):
            details = self._trace.details(event)
            return text_of(details.get("error")), text_of(details.get("cause"))
        execution = self.snapshot.executions.get(event.execution_arn)
        if event.type != "FailStateEntered" or execution is None:
            return None, None
        if execution.arn not in self._fail_errors:
            self._fail_errors[execution.arn] = _fail_errors(self.snapshot, execution)
        return self._fail_errors[execution.arn].get(event.id), None

    def completion(self, key: AttemptKey, attempt: Attempt) -> phases.Completion | None:
        told = phases.AttemptCalls(self.snapshot, self._coverage, key, attempt)
        return told.completion

    def begin(
        self, about: LineContext, lane: Lane, rails_at: datetime | None = None
    ) -> Line:
        """Begin a line: when it was, whose it is, and what passes it.

        `rails_at` is when the life-lines are looked at, if not at the time of the item.
        """
        arn = about.execution_arn
        at = self.order.place(about.item)[0]
        root = self.snapshot.lineage.root_of(arn) if arn else None
        line = Line(about, lane, at, root_arn=root)
        if self._lifelines is not None:
            shown = rails_at or self.order.unshifted(at, arn)
            line.rails = self._lifelines.rails(self.snapshot, shown, root or "")
        return line

    def owner(self, line: Line) -> tuple[Part, ...]:
        """Name the state whose line it is, where more than one is open."""
        visit = line.about.visit
        if visit is None:
            return ()
        others = {rail.visit for rail in line.rails if not rail.ends}
        others -= {(line.execution_arn, visit.id), (line.execution_arn, visit.parent)}
        inside = visit.parent is not None or len(self.snapshot.roots) > 1
        if not others and not inside:
            return ()
        return (Part(wording.state_name(visit), Role.NAME), Part("  "))

    def _call_line(self, about: LineContext, item: ApiCall | TaskState) -> Line:
        if isinstance(item, ApiCall):
            line = self.begin(about, Lane.CALLS)
            line.whole_seconds = True
            self.put_call(line, item)
        else:
            line = self.begin(about, Lane.TASKS)
            line.task = wording.task_text(item)
            line.late = lateness(item.seen_at, item.at)
        line.owner = self.owner(line)
        return line

    def put_call(self, line: Line, call: ApiCall) -> None:
        """Say on a line which call it is, or that what it tells of made."""
        line.call = self.call_text(call, line.about.link)
        line.call_key = call.key
        line.call_at = call.event_time
        line.late = lateness(call.seen_at, call.event_time)
        line.service = call.event_source

    def call_text(
        self, call: ApiCall, link: Link | None, *, numbered: bool = True
    ) -> CallText:
        """Put a call into words: which poll, how long after the action, which job."""
        key = link.key if link is not None else None
        attempt = self.snapshot.attempt(key)
        name = clean(call.event_name, LIMIT)
        subject = ""
        rule = ""
        role = Role.CALL
        if link is not None:
            rule = wording.rule_words(link, wording.id_word(attempt))
            role = Role.POLL if link.role is CallRole.POLL else Role.CALL
            if key is not None and attempt is not None:
                if numbered and link.role is CallRole.POLL:
                    name += f" #{self._number_of(call, key)}"
                subject = self._subject(call, link, attempt)
        faint = link is None or link.rule is LinkRule.ROLE_ONLY
        failed = call.error_code is not None
        error = f"✘ {clean(call.error_code or '', LIMIT)}" if failed else ""
        return CallText(
            name=(Part(name, Role.DIM if faint else role),),
            subject=blank_before(subject, Role.DIM if faint else Role.PLAIN),
            error=blank_before(error, Role.BAD),
            rule=blank_before(rule, wording.rule_role(link) if link else Role.DIM),
        )

    def _number_of(self, call: ApiCall, key: AttemptKey) -> int:
        """Count a call among those of its name and its attempt, from 1."""
        numbers = self._numbers.get(key)
        if numbers is None:
            numbers = {}
            counts = Counter[str]()
            for each in self.snapshot.calls_of(key):
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
        is_known = link.is_sure and attempt.resource_ids
        return wording.job_words(attempt) if is_known else ""

    def _action_at(self, link: Link, attempt: Attempt) -> datetime:
        calls = phases.sure_calls(self.snapshot, link.key) if link.key else ()
        links = self._trace.links
        made = (c for c in calls if links[c.event_id].role is CallRole.ACTION)
        action = next(made, None)
        at = action.event_time if action is not None else attempt.answered_at
        return at.replace(microsecond=0)

    def _other_line(self, about: LineContext, item: Fold | Backoff) -> Line:
        line = self.begin(about, Lane.STATES)
        visit = about.visit
        if isinstance(item, Backoff):
            line.owner = self.owner(line)
            line.text = wording.backoff_parts(visit, item.number) if visit else ()
        elif item.kind is FoldKind.POLLS:
            line.fold = Part("⋯", Role.FOLD)
            line.lane = Lane.CALLS
            line.whole_seconds = True
            line.owner = self.owner(line)
            line.call = CallText(wording.poll_run_parts(self._coverage, item))
        else:
            line.fold = Part(_CLOSED, Role.FOLD)
            line.text = child_wording.fold_parts(self.snapshot, item, visit)
        return line


class _EventLine:
    """Makes the line of one event, and of what stands on it."""

    def __init__(self, about: LineContext, event: HistoryEvent) -> None:
        self._about = about
        self._event = event
        self._maker = about.maker
        self._visit = about.visit
        self._snapshot = about.snapshot
        self._ids = {each.id for each in about.events}

    @property
    def _details(self) -> Details:
        return self._snapshot.trace.details(self._event)

    def make(self) -> Line:
        begins, ends = self._ends_of_rail()
        # An iteration's start has its line, and its first state a moment later.
        entered = self._visit.entered_at if begins and self._visit else None
        line = self._maker.begin(self._about, Lane.STATES, entered)
        line.rails = [
            replace(rail, begins=rail.visit == begins, ends=rail.visit == ends)
            for rail in line.rails
        ]
        line.text = tuple(self._text(line))
        if begins is None and self._event.attempt_id:
            line.owner = self._maker.owner(line)
        self._conclude(line)
        if self._about.call is not None:
            self._maker.put_call(line, self._about.call)
        return line

    def _ends_of_rail(self) -> tuple[VisitKey | None, VisitKey | None]:
        """Say which life-line begins with the line, and which ends with it."""
        visit = self._visit
        ids = self._ids
        if visit is None or (self._event.iteration is not None and len(ids) == 1):
            return None, None
        key = self._event.execution_arn, visit.id
        begins = key if visit.id in ids else None
        ended = not visit.running and visit.ended_by in ids
        return begins, key if ended else None

    def _text(self, line: Line) -> Iterator[Part]:
        event = self._event
        visit = self._visit
        if event.type.startswith("Execution"):
            yield from self._execution_text(line)
        elif event.type == "MapRunStarted":
            yield from self._map_run_text(line)
        elif visit is not None and visit.id in self._ids:
            yield from self._entered_text(visit)
        elif event.type.endswith(("StateExited", "StateSucceeded")) and visit:
            yield from self._exited_text(line, visit)
        elif event.attempt_id and visit is not None and self._about.attempt is not None:
            yield from self._phase_text(visit)
        else:
            yield from wording.other_parts(event, self._details)
            if visit is not None and event.id in visit.starts:
                number = visit.starts.index(event.id) + 1
                yield from wording.try_parts(visit, number)

    def _execution_text(self, line: Line) -> Iterator[Part]:
        event = self._event
        arn = self._event.execution_arn
        execution = self._about.execution
        child = child_wording.child_execution(self._snapshot, arn)
        if event.type == REDRIVEN and execution is not None:
            redrives = execution.redrives
            redrive = next((r for r in redrives if r.event is event), None)
            yield from wording.redrive_parts(redrive) if redrive else ()
            return
        if event.type == "ExecutionStarted" and child is not None:
            line.fold = Part(_OPEN, Role.FOLD)
            yield from child_wording.child_parts(child)
            return
        yield from wording.execution_parts(event, self._details)
        started = execution.started_at if execution else None
        if event.type in TERMINAL and started is not None:
            spent = (event.at - started).total_seconds()
            yield Part(f"  {duration(max(0.0, spent))}", Role.DIM)

    def _map_run_text(self, line: Line) -> Iterator[Part]:
        run = text_of(self._details.get("mapRunArn")) or ""
        child = child_wording.child_map_run(self._snapshot, run)
        if child is None:
            yield from wording.other_parts(self._event, self._details)
            return
        line.fold = Part(_OPEN, Role.FOLD)
        head = (*child_wording.child_parts(child), Part("  "))
        yield from (*head, *child_wording.map_run_parts(child))

    def _entered_text(self, visit: StateVisit) -> Iterator[Part]:
        yield from wording.entered_parts(visit)
        follower = self._about.events[-1]
        if follower.type == "MapStateStarted":
            yield from wording.items_part(self._snapshot.trace.details(follower))
        if visit.type == "Fail":
            error, _ = self._maker.failure(self._event)
            yield Part(f"  ✘ {clean(error or 'failed', 200)}", Role.BAD)
        if follower.type.endswith("StateExited") and visit.type == "Choice":
            yield from self._next_state(follower)

    def _next_state(self, exited: HistoryEvent) -> Iterator[Part]:
        chosen = state_after(self._about.execution, exited.id)
        if chosen is not None:
            yield Part(f" → {clean(chosen.name, 200)}")

    def _exited_text(self, line: Line, visit: StateVisit) -> Iterator[Part]:
        line.owner = (Part(wording.state_name(visit), Role.NAME), Part("  "))
        yield from (status_part(visit.status), self._spent(visit))
        if visit.status == "caught":
            yield from self._next_state(self._about.events[-1])

    def _spent(self, visit: StateVisit) -> Part:
        """Say how long a state took, by the line on which it is left."""
        spent = phases.length_of(visit, self._about.events[-1].at)
        return Part(f"  {duration(max(0.0, spent))}", Role.DIM)

    def _phase_text(self, visit: StateVisit) -> Iterator[Part]:
        told = [e for e in self._about.events if e.attempt_id]
        yield from wording.phase_parts(told)
        last = told[-1]
        if last.type.endswith(("Scheduled", "Started")):
            yield from wording.try_parts(visit, self._about.number)
        if len(told) < len(self._ids):
            yield self._spent(visit)
        if last.type.endswith(("Failed", "TimedOut")):
            yield from wording.error_parts(self._snapshot.trace.details(last))

    def _conclude(self, line: Line) -> None:
        """Say how Step Functions learned of the job's end, on the line of that."""
        attempt = self._about.attempt
        key = self._about.key
        if attempt is None or key is None or attempt.ended_by not in self._ids:
            return
        told = self._maker.completion(key, attempt)
        if told is not None:
            line.conclusion = wording.completion_parts(told)


def _fail_errors(snapshot: Snapshot, execution: ExecutionAsOf) -> dict[int, str]:
    """Find what each Fail state ended with, by the id of its one event.

    The failures around it follow on each other, and only the outermost says why; if a
    Catch came before that, the history tells nobody.
    """
    errors: dict[int, str] = {}
    for event in reversed(execution.events):
        if event.type.endswith("Failed"):
            told = text_of(snapshot.trace.details(event).get("error"))
            if error := told or errors.get(event.id):
                errors.setdefault(event.previous_event_id, error)
    return errors


def state_after(execution: ExecutionAsOf | None, event_id: int) -> StateVisit | None:
    """Find the state that is entered right after an event, such as another's exit."""
    if execution is None:
        return None
    events = map(execution.event, range(event_id + 1, event_id + _BETWEEN))
    after = (e.id for e in events if e is not None and e.previous_event_id == event_id)
    return next(filter(None, map(execution.visit, after)), None)


def next_state(execution: ExecutionAsOf | None, visit: StateVisit) -> StateVisit | None:
    """Find the state that is entered right after the exit of another."""
    own = map(execution.event, visit.event_ids) if execution else ()
    left = [e.id for e in own if e is not None and e.type.endswith("StateExited")]
    return state_after(execution, left[-1]) if left else None


def lateness(seen_at: datetime | None, at: datetime) -> float | None:
    """Count the seconds from when something happened until it was received."""
    return None if seen_at is None else max(0.0, (seen_at - at).total_seconds())


def after_words(seconds: float) -> str:
    """Write how long after the action call something was: `+57 s`, `+4m 53s`."""
    return f"{seconds:.0f} s" if seconds < 60 else duration(seconds)  # noqa: PLR2004
