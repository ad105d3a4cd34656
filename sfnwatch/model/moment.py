"""What a trace shows at a moment: the one way to ask it anything.

All that is known of one execution, what of it stood at a moment, and what of the whole
trace did. And how far the calls of an attempt are known: a missing poll says something
only there.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import maybe_execution_arn
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.execution_list import RUNNING, UNKNOWN
from sfnwatch.model.history_event import REDRIVEN, TERMINAL, Details, HistoryEvent
from sfnwatch.model.history_fold import HistoryFold
from sfnwatch.model.integrations import CallRole, Pattern
from sfnwatch.model.links import AttemptKey, Certainty, Link, LinkRule
from sfnwatch.model.map_runs import MapRun, MapRunChild
from sfnwatch.model.own_requests import Request
from sfnwatch.model.records import RecordKind
from sfnwatch.model.source_health import SourceHealth, merge_healths
from sfnwatch.model.started_executions import Parent, started_by
from sfnwatch.model.state_language import parse_definition
from sfnwatch.model.time_axis import (
    A,
    Clock,
    dated,
    end_of_second,
    keep_answer,
    newest_answer,
)
from sfnwatch.model.unseen_ends import ends_with_execution
from sfnwatch.model.values import int_of, stamp, text_of
from sfnwatch.model.visits import Attempt, StateVisit

if TYPE_CHECKING:
    from sfnwatch.model.trace import Trace


_ENDINGS = {s: kind.removeprefix("Execution") for kind, s in TERMINAL.items()}


_FAILURES_ONLY = frozenset({"ERROR", "FATAL"})
"""Levels of a state machine's log at which no success is logged."""


class Answer(Struct, frozen=True, rename="camel"):
    """An answer of DescribeExecution or DescribeStateMachineForExecution."""

    kind: str
    seen_at: datetime | None = None
    number: int = -1
    """Of its record in the store."""
    status: str | None = None
    redrive_count: int | None = None
    started_at: datetime | None = field(default=None, name="startDate")
    stopped_at: datetime | None = field(default=None, name="stopDate")
    redriven_at: datetime | None = field(default=None, name="redriveDate")
    updated_at: datetime | None = field(default=None, name="updateDate")
    error: str | None = None
    cause: str | None = None
    definition: str | None = None
    role_arn: str | None = None
    state_machine_arn: str | None = None
    map_run_arn: str | None = None
    log_level: str | None = None
    """What the state machine logs: ALL, ERROR, FATAL or OFF."""

    @property
    def order(self) -> tuple[float, ...]:
        """Sort answers; files do not say when, but of redrives, an end, a change."""
        changed = self.stopped_at or self.updated_at
        ended = self.status not in RUNNING
        return stamp(self.seen_at), self.redrive_count or 0, ended, stamp(changed)

    @property
    def since(self) -> datetime | None:
        """When what it tells of happened.

        A definition was so all along. DescribeExecution tells of the stop, or of the
        last redrive, or else of the start: a watch may have begun long after each.
        """
        if self.kind != RecordKind.DESCRIBE:
            return None
        # Taken up again, and it may not be told when: it was so when it was seen.
        again = self.redriven_at or (self.seen_at if self.redrive_count else None)
        return self.stopped_at or again or self.started_at


class Redrive(Struct, frozen=True):
    """One time that an execution was taken up again where it had ended.

    Its events are appended to the same history, with ExecutionRedriven between the old
    end and what is run again. That is documented; no recording shows one.
    """

    event: HistoryEvent
    ended: HistoryEvent | None
    """The end before it; None where that event is missing."""
    number: int
    """Which time it is, from 1."""

    @property
    def seconds(self) -> float | None:
        """How long the execution had been over."""
        if self.ended is None:
            return None
        return (self.event.at - self.ended.at).total_seconds()


class MapRunTurn(NamedTuple):
    """An event of a history that tells of a Map Run."""

    event: HistoryEvent
    arn: str
    """The Map Run's; empty for its ends, which name none."""


class Execution:
    """What is known of one execution; changed by `Trace.add` alone."""

    def __init__(
        self, arn: str, task_states: Mapping[str, Sequence[TaskState]]
    ) -> None:
        """`task_states` is what ECS told of each task, whoever started it."""
        self.arn = arn
        self.task_states = task_states
        self.events: dict[int, HistoryEvent] = {}
        self.role: str | None = None
        """The name of its role, as the linker was told."""
        self.unseen_ends: Mapping[int, tuple[str, datetime]] = {}
        """Those of its visits, as consumers were told."""
        self.described: list[Answer] = []
        """What DescribeExecution answered, the newest last."""
        self.defined: list[Answer] = []
        """What DescribeStateMachineForExecution answered."""
        self.begin()

    def begin(self) -> None:
        """Forget what followed from events: they are about to be folded anew."""
        self._forget_now()
        self._branches = self._defined_branches()
        self.fold = HistoryFold(self._branches)
        self.visits = self.fold.visits
        self.ordered: list[HistoryEvent] = []
        """The events in the order of their ids, which is the order of their times."""
        self.turns: list[HistoryEvent] = []
        """The events that ended it, or took it up again."""
        self.redrives: list[Redrive] = []
        self.map_run_turns: list[MapRunTurn] = []
        self.started: dict[str, Parent] = {}
        """The executions that its attempts started, by their ARNs."""
        self.role_arn_at_start: str | None = None
        self.watched = False
        """True where an event says when it was received: it is not from a file."""
        self._times: dict[Clock, list[datetime]] = {clock: [] for clock in Clock}
        """When each event, and every lower id, had come by each clock, as far as that
        was asked."""

    def take_answer(self, answer: Answer) -> bool:
        """Keep an answer; True if the history must be folded anew for it.

        A definition says which branch of a Parallel is which.
        """
        of_definition = answer.kind == RecordKind.DEFINITION
        keep_answer(self.defined if of_definition else self.described, answer)
        self._forget_now()
        return of_definition and self._defined_branches() != self._branches

    def _defined_branches(self) -> Mapping[str, tuple[str, ...]]:
        newest = self.defined[-1].definition if self.defined else None
        return parse_definition(newest).branches

    def take_event(self, event: HistoryEvent, details: Details) -> None:
        """Fold an event whose id is above all others'."""
        self._forget_now()
        self.ordered.append(event)
        self.watched = self.watched or event.seen_at is not None
        self.fold.take(event, details)
        kind = event.type
        if kind == "ExecutionStarted" and event.id == 1:
            self.role_arn_at_start = text_of(details.get("roleArn"))
        elif kind == REDRIVEN:
            self._take_redrive(event, int_of(details.get("redriveCount")) or 0)
        elif kind in TERMINAL:
            self.turns.append(event)
        elif kind.startswith("MapRun"):
            arn = text_of(details.get("mapRunArn")) or ""
            self.map_run_turns.append(MapRunTurn(event, arn))

    def _take_redrive(self, event: HistoryEvent, count: int) -> None:
        """Note a redrive; where AWS's count is missing, it is counted as it comes."""
        last = self.turns[-1] if self.turns else event
        before = self.redrives[-1].number if self.redrives else 0
        ended = last if last.type != REDRIVEN else None
        number = count if count > 0 else before + 1
        self.redrives.append(Redrive(event, ended, number))
        self.turns.append(event)

    def note_started(self, visits: Iterable[StateVisit]) -> bool:
        """Look which executions the attempts of some visits started; True if any."""
        before = len(self.started)
        for visit in visits:
            for attempt in visit.attempts:
                for arn in started_by(attempt):
                    waits = attempt.pattern == "sync"
                    parent = Parent(
                        self.arn, visit.id, attempt.scheduled_id, waits=waits
                    )
                    self.started.setdefault(arn, parent)
        return len(self.started) != before

    def event_count(self, at: datetime | None, clock: Clock) -> int:
        """Count the events that had come by `at`; None: all."""
        if at is None:
            return len(self.ordered)
        times = self._times[clock]
        for event in self.ordered[len(times) :]:
            told = dated(clock, event.seen_at, event.at)
            times.append(max(told, times[-1]) if times else told)
        return bisect_right(times, at)

    def as_of(self, at: datetime | None, clock: Clock = Clock.EVENT) -> "ExecutionAsOf":
        return self._now if at is None else ExecutionAsOf(self, at, clock)

    @cached_property
    def _now(self) -> "ExecutionAsOf":
        """As it stands, until it changes: of a thousand few do so in one batch."""
        return ExecutionAsOf(self, None, Clock.EVENT)

    def _forget_now(self) -> None:
        self.__dict__.pop("_now", None)


class ExecutionAsOf:
    """One execution as it stood at a moment; None is the moment after all others.

    Cheap to make, and of use until the execution changes: nothing of it is kept up.
    """

    def __init__(self, execution: Execution, at: datetime | None, clock: Clock) -> None:
        self._execution = execution
        self._at, self._clock = at, clock
        self.arn = execution.arn
        self.event_count = execution.event_count(at, clock)

    @cached_property
    def _last(self) -> int:
        """The id of the last event."""
        count = self.event_count
        return self._execution.ordered[count - 1].id if count else 0

    @property
    def events(self) -> Sequence[HistoryEvent]:
        """The events in the order of their ids."""
        ordered = self._execution.ordered
        count = self.event_count
        return ordered if count == len(ordered) else ordered[:count]

    def event(self, event_id: int) -> HistoryEvent | None:
        event = self._execution.events.get(event_id)
        return event if event is not None and event_id <= self._last else None

    # -- states ----------------------------------------------------------------

    @property
    def visits(self) -> Iterator[StateVisit]:
        """Yield the visits in the order they were entered."""
        last = self._last
        for visit in self._execution.visits.values():
            if visit.id > last:
                return
            yield self._as_it_was(visit)

    def visit(self, visit_id: int | None) -> StateVisit | None:
        visit = self._execution.visits.get(visit_id or 0)
        if visit is None or visit.id > self._last:
            return None
        return self._as_it_was(visit)

    @property
    def attempts(self) -> Iterator[tuple[StateVisit, Attempt]]:
        for visit in self.visits:
            for attempt in visit.attempts:
                yield visit, attempt

    def attempt(self, scheduled_id: int | None) -> Attempt | None:
        event = self.event(scheduled_id or 0)
        visit = self.visit(event.visit_id) if event is not None else None
        return visit.attempt(scheduled_id) if visit is not None else None

    def _as_it_was(self, visit: StateVisit) -> StateVisit:
        visit = visit.as_of(self._last)
        if (end := self.unseen_ends.get(visit.id)) is not None:
            visit = visit.ended_as(*end)
        if not self._execution.task_states:
            return visit
        return replace(visit, attempts=list(map(self._with_stop, visit.attempts)))

    def _with_stop(self, attempt: Attempt) -> Attempt:
        """Give an attempt with what ECS told of its tasks' end, where it does not.

        A `.sync` attempt that failed in words, timed out or was aborted has no answer
        that tells, and one that still waits has none yet. Only `.sync` waits for the
        end of its task, and of several for the last.
        """
        if attempt.pattern is not Pattern.SYNC or attempt.stopped_at is not None:
            return attempt
        stops = list(map(self._stop_of, attempt.resource_ids))
        known = [state for state in stops if state is not None]
        if not known or len(known) < len(stops):
            return attempt
        last = max(known, key=lambda state: (stamp(state.stopped_at), state.key))
        return replace(attempt, told_by=last, stopped_at=last.stopped_at)

    def _stop_of(self, task_arn: str) -> TaskState | None:
        """Give the last that ECS had told of a task's end."""
        states = reversed(self._execution.task_states.get(task_arn, ()))
        ends = (s for s in states if s.stopped and s.stopped_at)
        return next((s for s in ends if self._had_come(s.seen_at, s.at)), None)

    def _had_come(self, seen_at: datetime | None, at: datetime) -> bool:
        return self._at is None or dated(self._clock, seen_at, at) <= self._at

    @cached_property
    def unseen_ends(self) -> Mapping[int, tuple[str, datetime]]:
        """Say how what runs ended, where no event tells of the end, but AWS does."""
        if self.ending is not None or self.running or not self.event_count:
            return {}
        last, then = self._last, self._execution.visits
        # To look at all visits for each batch of a long history would take minutes.
        running = self._execution.fold.running
        if self.event_count < len(self._execution.ordered):
            known = then.values()
            then = {visit.id: visit.as_of(last) for visit in known if visit.id <= last}
            running = [visit for visit in then.values() if visit.running]
        at = self.stopped_at or self.events[-1].at
        ends = ends_with_execution(running, _ENDINGS.get(self.status, ""), (), then)
        return {visit_id: (status, at) for visit_id, status in ends.items()}

    # -- what AWS says of it -----------------------------------------------------

    @cached_property
    def described(self) -> Answer | None:
        """The newest answer of DescribeExecution."""
        return newest_answer(self._execution.described, self._at, self._clock)

    @cached_property
    def defined(self) -> Answer | None:
        """The newest answer of DescribeStateMachineForExecution."""
        return newest_answer(self._execution.defined, self._at, self._clock)

    @property
    def definition_text(self) -> str | None:
        """The machine's definition, in Amazon States Language."""
        return self._told("definition")

    @property
    def known(self) -> bool:
        """True once anything but its definition is known of it."""
        return self.event_count > 0 or self.described is not None

    def _told(self, name: str) -> str | None:
        """Give what an answer of AWS's says: what describes the execution first."""
        answers = self.described, self.defined
        said = (getattr(answer, name, None) for answer in answers)
        return next(filter(None, said), None)

    @property
    def map_run_arn(self) -> str | None:
        """The Map Run it is an execution of, where it was described."""
        return self._told("map_run_arn")

    @property
    def name(self) -> str:
        parsed = maybe_execution_arn(self.arn)
        return parsed.name if parsed else self.arn.rsplit(":", 1)[-1]

    @property
    def state_machine_arn(self) -> str | None:
        parsed = maybe_execution_arn(self.arn)
        derived = parsed.state_machine_arn if parsed else None
        return self._told("state_machine_arn") or derived

    @property
    def state_machine_name(self) -> str | None:
        arn = self.state_machine_arn
        return arn.split(":", 6)[-1] if arn else None

    @property
    def role_arn(self) -> str | None:
        """The role its calls are made with: of its start, or of its definition."""
        started = self._execution.role_arn_at_start if self.event_count else None
        return started or self._told("role_arn")

    # -- its start and its ends --------------------------------------------------

    @cached_property
    def ending(self) -> HistoryEvent | None:
        """The event that ended it; None while it runs, and again after a redrive."""
        turns = [turn for turn in self._execution.turns if turn.id <= self._last]
        ended = bool(turns) and turns[-1].type != REDRIVEN
        return turns[-1] if ended and not self._is_taken_up_again() else None

    @cached_property
    def redrives(self) -> tuple[Redrive, ...]:
        """The times it was taken up again after it had ended, in order."""
        redrives, last = self._execution.redrives, self._last
        return tuple(each for each in redrives if each.event.id <= last)

    @property
    def stopped_seconds(self) -> float:
        """How long it had been over, in all, before it was taken up again."""
        return sum(max(0.0, redrive.seconds or 0.0) for redrive in self.redrives)

    @cached_property
    def status(self) -> str:
        """AWS's word: RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED or another.

        UNKNOWN where nobody saw its end, nor would have: a file ends where it was
        saved. The history is the better witness: DescribeExecution is eventually
        consistent.
        """
        if self.ending is not None:
            return TERMINAL[self.ending.type]
        if (told := self.described) and told.status and self._redrives_ahead >= 0:
            return told.status
        return "RUNNING" if self._goes_on else UNKNOWN

    @property
    def _goes_on(self) -> bool:
        """True where more events follow, or its end would have been seen."""
        if self.event_count == 0:
            return False
        if self.event_count < len(self._execution.ordered):
            return True
        return self.was_watched and not self.hides_success

    @property
    def hides_success(self) -> bool:
        """True for an Express execution of which only failures are logged."""
        parsed = maybe_execution_arn(self.arn)
        level = self.defined.log_level if self.defined else None
        return parsed is not None and parsed.is_express and level in _FAILURES_ONLY

    @property
    def running(self) -> bool:
        """True unless its end is known."""
        return self.status in RUNNING or self.status == UNKNOWN

    @cached_property
    def started_at(self) -> datetime | None:
        first = self.event(1)
        if first is not None and first.type == "ExecutionStarted":
            return first.at
        return self.described.started_at if self.described else None

    @property
    def stopped_at(self) -> datetime | None:
        if self.ending is not None:
            return self.ending.at
        told = self.described
        return told.stopped_at if told and not self.running else None

    def _is_taken_up_again(self) -> bool:
        """True where a redrive is told of that its history does not tell of yet.

        One that waits for its turn may not be counted yet; the documentation is
        silent on that.
        """
        status = self.described.status if self.described else None
        if status == "PENDING_REDRIVE":
            return self._redrives_ahead >= 0
        return status == "RUNNING" and self._redrives_ahead > 0

    @cached_property
    def _redrives_ahead(self) -> int:
        """How many redrives DescribeExecution counts that its history does not tell of.

        Less than none where it was described before the last one.
        """
        if self.described is None or self.described.redrive_count is None:
            return 0
        known = self.redrives[-1].number if self.redrives else 0
        return self.described.redrive_count - known

    # -- its Map Runs --------------------------------------------------------------

    @property
    def map_run_turns(self) -> Sequence[MapRunTurn]:
        """The events that tell of Map Runs."""
        turns, last = self._execution.map_run_turns, self._last
        return [turn for turn in turns if turn.event.id <= last]

    @property
    def was_watched(self) -> bool:
        """True unless its history is from a file, which ends where it was saved."""
        if self.described is not None and self.described.seen_at is not None:
            return True
        return self._execution.watched


# -- who started whom ------------------------------------------------------------------


class Lineage(Struct, frozen=True):
    """Who started whom, among executions whose histories are known."""

    parents: dict[str, Parent] = field(default_factory=dict)
    """By the ARN of the child execution."""
    map_runs: Mapping[str, Parent] = field(default_factory=dict)
    """By the ARN of a Map Run."""

    def root_of(self, execution_arn: str) -> str:
        """Climb to the execution that nothing here started."""
        while (parent := self.parents.get(execution_arn)) is not None:
            execution_arn = parent.execution_arn
        return execution_arn

    def level(self, execution_arn: str) -> int:
        """Count the executions above one."""
        level = 0
        while (parent := self.parents.get(execution_arn)) is not None:
            execution_arn, level = parent.execution_arn, level + 1
        return level


def find_lineage(known: Sequence[Execution], listed: Mapping[str, str]) -> Lineage:
    """Tell who started whom; `listed` gives the Map Run that lists tell of, by child.

    Where they are in a circle, the first of `known` in it is left without a parent: no
    history of AWS's has one, a file may.
    """
    map_runs: dict[str, Parent] = {}
    nested: dict[str, Parent] = {}
    executions = {one.arn for one in known}
    for one in known:
        for event, arn in one.map_run_turns:
            if event.type == "MapRunStarted" and arn and arn not in executions:
                map_runs.setdefault(arn, Parent(one.arn, event.visit_id))
        for arn, parent in one.started.items():
            nested.setdefault(arn, parent)
    lineage = Lineage({}, map_runs)
    for one in reversed(known):
        found = _of_map_run(one, map_runs, listed) or nested.get(one.arn)
        if found and lineage.root_of(found.execution_arn) != one.arn:
            lineage.parents[one.arn] = found
    return lineage


def _of_map_run(
    one: Execution, map_runs: Mapping[str, Parent], listed: Mapping[str, str]
) -> Parent | None:
    arn = one.as_of(None).map_run_arn or listed.get(one.arn)
    run = map_runs.get(arn) if arn else None
    if arn is None or run is None:
        return None
    return Parent(run.execution_arn, run.visit_id, map_run_arn=arn)


# -- a moment --------------------------------------------------------------------------

K = TypeVar("K")
_ALWAYS = datetime.max.replace(tzinfo=UTC)
_XRAY = "xray.amazonaws.com"
Place = tuple[str | None, str | None]
"""The account and the Region that a call was made in."""
_OWN = frozenset({CallRole.ACTION, CallRole.POLL})


class Moment:
    """A trace as it stood at a moment; None is the moment after all others.

    Cheap to make, and of use until the trace changes: nothing of it is kept up. Links,
    whose a task is, and who started whom are today's knowledge, shown once both ends
    are visible; so is which branch is which, where only a definition tells that. In
    event time all calls up to the moment are there, as far as they are known today.
    """

    def __init__(self, trace: "Trace", at: datetime | None, clock: Clock) -> None:
        self.trace = trace
        self.at = at
        self.clock = clock

    def _is_visible(self, seen_at: datetime | None, at: datetime) -> bool:
        return self.at is None or dated(self.clock, seen_at, at) <= self.at

    def _newest(self, told: Mapping[K, Sequence[A]]) -> dict[K, A]:
        """Give what stood of each question that had been answered."""
        at, clock = self.at, self.clock
        found = ((key, newest_answer(each, at, clock)) for key, each in told.items())
        return {key: answer for key, answer in found if answer is not None}

    # -- executions --------------------------------------------------------------

    @cached_property
    def executions(self) -> Mapping[str, ExecutionAsOf]:
        """Every execution that anything is known of, by its ARN, by their starts.

        A child's definition may have come before its parent's event that names it: of
        no child more is told before its own first record.
        """
        found = [
            execution
            for arn, each in self.trace.executions.items()
            if (execution := each.as_of(self.at, self.clock)).known
            or arn not in self.lineage.parents
        ]
        found.sort(key=lambda each: (each.started_at or _ALWAYS, each.arn))
        return {execution.arn: execution for execution in found}

    @property
    def lineage(self) -> Lineage:
        return self.trace.lineage

    @cached_property
    def roots(self) -> Mapping[str, ExecutionAsOf]:
        """The executions that stand for themselves: nothing here started them."""
        parents = self.lineage.parents
        return {a: e for a, e in self.executions.items() if a not in parents}

    @cached_property
    def children(self) -> Mapping[str, ExecutionAsOf]:
        """The executions that others here started, by their starts."""
        parents = self.lineage.parents
        return {a: e for a, e in self.executions.items() if a in parents}

    @property
    def running(self) -> bool:
        return any(execution.running for execution in self.roots.values())

    def attempt(self, key: AttemptKey | None) -> Attempt | None:
        """Find an attempt by its execution and its `scheduled_id`."""
        execution = self.executions.get(key[0]) if key is not None else None
        return execution.attempt(key[1]) if execution and key else None

    def visit_of(self, key: AttemptKey | None) -> StateVisit | None:
        """Find the visit of an attempt, or the one that a StateEntered event began."""
        execution = self.executions.get(key[0]) if key is not None else None
        event = execution.event(key[1]) if execution and key else None
        return execution.visit(event.visit_id) if execution and event else None

    # -- calls ---------------------------------------------------------------------

    @cached_property
    def calls(self) -> Sequence[ApiCall]:
        """The calls that were known, in the order of their times."""
        calls = self.trace.ordered_calls
        if self.at is None:
            return calls
        if self.clock is Clock.EVENT:
            count = bisect_right(
                calls, self.at, key=lambda call: end_of_second(call.event_time)
            )
            return calls[:count]
        return [call for call in calls if self.shows_call(call)]

    def shows_call(self, call: ApiCall) -> bool:
        return self._is_visible(call.seen_at, end_of_second(call.event_time))

    def link(self, call: ApiCall) -> Link | None:
        """Say how a call is matched; None while what it is matched to has not come."""
        link = self.trace.links.get(call.event_id)
        if link is None or self.at is None or link.key is None:
            return link
        return link if self.visit_of(link.key) is not None else None

    def calls_of(self, key: AttemptKey) -> Sequence[ApiCall]:
        """Give the calls matched to an attempt, in the order of their times."""
        calls = self.trace.calls_of.get(key, ())
        if self.at is None:
            return calls
        return [call for call in calls if self.shows_call(call)]

    def linked_calls(self) -> Iterator[tuple[ApiCall, Link]]:
        """Yield the calls that are matched to an attempt, with their links."""
        for call in self.calls:
            link = self.link(call)
            if link is not None and link.key is not None:
                yield call, link

    def is_relevant(self, call: ApiCall) -> bool:
        """False for what has nothing to do with the executions watched.

        X-Ray's sampling calls run under the same role and say nothing of the workflow.
        Without an execution, as with a trail's file alone, everything is of interest.
        """
        if not self.trace.executions:
            return True
        link = self.trace.links.get(call.event_id)
        if link is None:
            return False
        return link.rule is not LinkRule.ROLE_ONLY or call.event_source != _XRAY

    # -- ECS tasks -------------------------------------------------------------------

    @cached_property
    def task_states(self) -> Mapping[str, Sequence[TaskState]]:
        """What ECS told of each task that an attempt started, oldest first, by ARN."""
        told = sorted(self.trace.task_states.items())
        found = ((arn, list(filter(self.shows_task_state, each))) for arn, each in told)
        return {arn: each for arn, each in found if each and self.task_starter(arn)}

    def shows_task_state(self, state: TaskState) -> bool:
        return self._is_visible(state.seen_at, state.at)

    def task_starter(self, task_arn: str) -> AttemptKey | None:
        """Name the attempt whose task it is.

        A later state may ask for a task, or stop it: it is of the one that started it.
        """
        holders = self.trace.linker.holders(task_arn)

        def order(key: AttemptKey) -> tuple[bool, datetime, AttemptKey]:
            row = holders[key].integration
            starts = row is not None and row.starts_job
            return not starts, holders[key].scheduled_at, key

        return min(filter(self.attempt, holders), key=order, default=None)

    def task_link(self, task_arn: str) -> Link | None:
        """Say whose a task is, as of a call: by the ARN in the attempt's own events."""
        key = self.task_starter(task_arn)
        attempt = self.attempt(key)
        if key is None or attempt is None:
            return None
        return Link(
            rule=LinkRule.RESOURCE_ID,
            role=CallRole.OTHER,
            certainty=Certainty.EXACT,
            execution_arn=key[0],
            visit_id=attempt.visit_id,
            attempt_id=key[1],
            evidence=task_arn,
        )

    # -- Map Runs ----------------------------------------------------------------------

    @cached_property
    def map_runs(self) -> Mapping[str, MapRun]:
        """The newest that was told of each Map Run, by its ARN."""
        return dict(sorted(self._newest(self.trace.map_runs).items()))

    @cached_property
    def listed(self) -> Mapping[str, MapRunChild]:
        """The newest that a list told of each execution of a Map Run, by its ARN."""
        return self._newest(self.trace.children)

    @cached_property
    def listed_of(self) -> Mapping[str, Sequence[MapRunChild]]:
        """What lists told of each Map Run's executions: failures first."""
        found: dict[str, list[MapRunChild]] = {}
        for child in self.listed.values():
            if child.map_run_arn:
                found.setdefault(child.map_run_arn, []).append(child)
        for children in found.values():
            children.sort(key=lambda child: child.failed_first)
        return found

    # -- how the watching went -----------------------------------------------------

    @cached_property
    def each_health(self) -> Sequence[SourceHealth]:
        """How each source is doing."""
        return list(self._newest(self.trace.healths).values())

    @cached_property
    def health(self) -> Mapping[str, SourceHealth]:
        """How each lane is doing, several sources of one taken together."""
        lanes: dict[str, list[SourceHealth]] = {}
        for health in self.each_health:
            lanes.setdefault(health.lane, []).append(health)
        return {lane: merge_healths(lane, found) for lane, found in lanes.items()}

    @property
    def requests(self) -> Sequence[Request]:
        """What sfnwatch itself had sent, in the order it was sent."""
        requests = self.trace.requests
        if self.at is None:
            return requests
        return requests[: bisect_right(requests, self.at, key=lambda r: r.sent_at)]


# -- how far calls are known -----------------------------------------------------------


class Coverage:
    """How far calls are known at a moment, for any attempt of a trace.

    Watching measures it for what was watched. Files claim it, and only for what they
    speak of: a trail is kept for each account and Region, so an attempt is covered by
    the calls from where its own were seen, up to the newest of those. Where none of its
    own was seen, not finding a poll says nothing: they may be in another file, or of
    another role.
    """

    def __init__(self, moment: Moment) -> None:
        self._moment = moment
        in_event_time = moment.at is not None and moment.clock is Clock.EVENT
        known = moment.trace.as_of() if in_event_time else moment
        health = known.health.get("lookup")
        self.live = health is not None
        """True where CloudTrail was asked while it came in, late and out of order."""
        self.measured = health.coverage if health else None
        """Of that: up to when it is believed complete."""
        if in_event_time and moment.at is not None and self.measured is not None:
            # All that happened by then is shown, as far as it is known today.
            self.measured = min(moment.at, self.measured)

    @cached_property
    def complete_to(self) -> datetime | None:
        """Up to when all calls are believed known: measured live, a claim for files.

        A file says nothing of lag, so the newest call in it is as far as it speaks for;
        and of its accounts and Regions only those count that the executions are in.
        """
        if self.live:
            return self.measured
        calls, links = self._moment.calls, self._moment.trace.links
        if not self._moment.roots:
            return calls[-1].event_time if calls else None
        elsewhere: set[Place] = set()
        for newest in reversed(calls):
            place = _place(newest)
            if place in elsewhere:
                continue
            if any(call.event_id in links and _place(call) == place for call in calls):
                return newest.event_time
            elsewhere.add(place)
        return None

    def of(
        self, execution_arn: str, attempt: Attempt, calls: Iterable[ApiCall]
    ) -> datetime | None:
        """Say up to when an attempt's polls would be known; `calls` are its own."""
        execution = self._moment.executions.get(execution_arn)
        if self.live and execution is not None and execution.was_watched:
            return self.measured
        newest = self._newest
        # The store may have grown since this was made, by the first call of a Region.
        own = (
            newest.get(_place(call), call.event_time)
            for call in calls
            if _is_own(attempt, call)
        )
        return max(own, default=None)

    def settled(self, calls: Sequence[ApiCall]) -> Sequence[ApiCall]:
        """Give those that no later record can come between: a gap there is real."""
        return [c for c in calls if self.is_settled(c)] if self.live else calls

    def is_settled(self, call: ApiCall) -> bool:
        """True unless a record may yet come that belongs before a call."""
        return self._has_all_to(call.event_time)

    def has_all_polls(self, attempt: Attempt) -> bool:
        """True if all polls of an attempt are there; a file is taken at its word."""
        return attempt.ended_at is not None and self._has_all_to(attempt.ended_at)

    def _has_all_to(self, at: datetime) -> bool:
        return not self.live or (self.measured is not None and at <= self.measured)

    @cached_property
    def _newest(self) -> dict[Place, datetime]:
        """The newest call of each account and Region."""
        return {_place(call): call.event_time for call in self._moment.calls}


def _place(call: ApiCall) -> Place:
    return call.account_id, call.region


def _is_own(attempt: Attempt, call: ApiCall) -> bool:
    row, end = attempt.integration, attempt.ended_at
    if row is None or (end is not None and call.event_time > end):
        return False
    return row.role_of(call.event_name) in _OWN
