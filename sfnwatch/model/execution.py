"""One execution: all that is known of it, and what of that stood at a moment."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from sfnwatch.model.arns import maybe_execution_arn
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.execution_list import RUNNING, UNKNOWN
from sfnwatch.model.history_event import REDRIVEN, TERMINAL, Details, HistoryEvent
from sfnwatch.model.history_fold import HistoryFold
from sfnwatch.model.integrations import Pattern
from sfnwatch.model.records import RecordKind
from sfnwatch.model.started_executions import Parent, started_by
from sfnwatch.model.state_language import parse_definition
from sfnwatch.model.time_axis import TimeAxis, dated, keep_answer, newest_answer
from sfnwatch.model.times import stamp
from sfnwatch.model.unseen_ends import ends_with_execution
from sfnwatch.model.values import int_of, text_of
from sfnwatch.model.visits import Attempt, StateVisit

_ENDINGS = {s: kind.removeprefix("Execution") for kind, s in TERMINAL.items()}

_FAILURES_ONLY = frozenset({"ERROR", "FATAL"})
"""Levels of a state machine's log at which no success is logged."""


class DescribeAnswer(Struct, frozen=True, rename="camel"):
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
        self.described: list[DescribeAnswer] = []
        """What DescribeExecution answered, the newest last."""
        self.defined: list[DescribeAnswer] = []
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
        self._times: dict[TimeAxis, list[datetime]] = {clock: [] for clock in TimeAxis}
        """When each event, and every lower id, had come by each clock, as far as that
        was asked."""

    def take_answer(self, answer: DescribeAnswer) -> bool:
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

    def event_count(self, at: datetime | None, clock: TimeAxis) -> int:
        """Count the events that had come by `at`; None: all."""
        if at is None:
            return len(self.ordered)
        times = self._times[clock]
        for event in self.ordered[len(times) :]:
            told = dated(clock, event.seen_at, event.at)
            times.append(max(told, times[-1]) if times else told)
        return bisect_right(times, at)

    def as_of(
        self, at: datetime | None, clock: TimeAxis = TimeAxis.EVENT
    ) -> "ExecutionAsOf":
        return self._now if at is None else ExecutionAsOf(self, at, clock)

    @cached_property
    def _now(self) -> "ExecutionAsOf":
        """As it stands, until it changes: of a thousand few do so in one batch."""
        return ExecutionAsOf(self, None, TimeAxis.EVENT)

    def _forget_now(self) -> None:
        self.__dict__.pop("_now", None)


class ExecutionAsOf:
    """One execution as it stood at a moment; None is the moment after all others.

    Cheap to make, and of use until the execution changes: nothing of it is kept up.
    """

    def __init__(
        self, execution: Execution, at: datetime | None, clock: TimeAxis
    ) -> None:
        self._execution = execution
        self._at = at
        self._clock = clock
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
        last = self._last
        then = self._execution.visits
        # To look at all visits for each batch of a long history would take minutes.
        running = self._execution.fold.running
        if self.event_count < len(self._execution.ordered):
            known = then.values()
            then = {visit.id: visit.as_of(last) for visit in known if visit.id <= last}
            running = [visit for visit in then.values() if visit.running]
        at = self.stopped_at or self.events[-1].at
        ends = ends_with_execution(running, _ENDINGS.get(self.status, ""), (), then)
        return {visit_id: (status, at) for visit_id, status in ends.items()}

    @cached_property
    def described(self) -> DescribeAnswer | None:
        """The newest answer of DescribeExecution."""
        return newest_answer(self._execution.described, self._at, self._clock)

    @cached_property
    def defined(self) -> DescribeAnswer | None:
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

    @cached_property
    def ending(self) -> HistoryEvent | None:
        """The event that ended it; None while it runs, and again after a redrive."""
        turns = [turn for turn in self._execution.turns if turn.id <= self._last]
        ended = bool(turns) and turns[-1].type != REDRIVEN
        return turns[-1] if ended and not self._is_taken_up_again() else None

    @cached_property
    def redrives(self) -> tuple[Redrive, ...]:
        """The times it was taken up again after it had ended, in order."""
        redrives = self._execution.redrives
        last = self._last
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

    @property
    def map_run_turns(self) -> Sequence[MapRunTurn]:
        """The events that tell of Map Runs."""
        turns = self._execution.map_run_turns
        last = self._last
        return [turn for turn in turns if turn.event.id <= last]

    @property
    def was_watched(self) -> bool:
        """True unless its history is from a file, which ends where it was saved."""
        if self.described is not None and self.described.seen_at is not None:
            return True
        return self._execution.watched
