"""One execution: all that is known about it, and its state as of a time."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.model.arns import maybe_execution_arn
from sfnwatch.model.describe_answer import DescribeAnswer
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.execution_list import RUNNING, UNKNOWN
from sfnwatch.model.history_event import REDRIVEN, STATUS_BY_END, Details, HistoryEvent
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

_ENDINGS = {
    status: event_type.removeprefix("Execution")
    for event_type, status in STATUS_BY_END.items()
}
"""How an execution ended, in the word of its event type, by AWS's status."""
_FAILURES_ONLY = frozenset({"ERROR", "FATAL"})
"""Log levels of a state machine at which no success is logged."""


class Redrive(Struct, frozen=True):
    """A redrive: an ended execution continues where it ended.

    Its events are appended to the same history, with ExecutionRedriven between the old
    end and the states that run again. That is documented; no recording shows one.
    """

    event: HistoryEvent
    ended: HistoryEvent | None
    """The event that ended the execution before; None where that event is missing."""
    number: int
    """The number of the redrive, from 1."""

    @property
    def seconds(self) -> float | None:
        """How long the execution had been over; None where its end is missing."""
        if self.ended is None:
            return None
        return (self.event.at - self.ended.at).total_seconds()


class MapRunTurn(NamedTuple):
    """An event of a history that is about a Map Run."""

    event: HistoryEvent
    arn: str
    """The Map Run's ARN; empty for events of its end, which do not name it."""


class Execution:
    """What is known about one execution; changed by `Trace.add` alone."""

    def __init__(
        self, arn: str, task_states: Mapping[str, Sequence[TaskState]]
    ) -> None:
        """`task_states` has ECS's reports on all tasks by ARN, whoever started them."""
        self.arn = arn
        self.task_states = task_states
        self.events: dict[int, HistoryEvent] = {}
        self.role: str | None = None
        """The name of its role, as the linker knows it."""
        self.unseen_ends: Mapping[int, tuple[str, datetime]] = {}
        """The ends of visits without an event of their end, as consumers know them."""
        self.described: list[DescribeAnswer] = []
        """The answers of DescribeExecution, the newest last."""
        self.defined: list[DescribeAnswer] = []
        """The answers of DescribeStateMachineForExecution, the newest last."""
        self.begin()

    def begin(self) -> None:
        """Reset all that derives from events, before they are folded again."""
        self._forget_now()
        self._branches = self._defined_branches()
        self.fold = HistoryFold(self._branches)
        self.visits = self.fold.visits
        self.ordered: list[HistoryEvent] = []
        """The events in the order of their ids, which is the order of their times."""
        self.turns: list[HistoryEvent] = []
        """The events that ended it, and its redrives."""
        self.redrives: list[Redrive] = []
        self.map_run_turns: list[MapRunTurn] = []
        self.started: dict[str, Parent] = {}
        """The executions that its attempts started, by their ARNs."""
        self.role_arn_at_start: str | None = None
        self.watched = False
        """True if an event has the time it was received, so it is not from a file."""
        self._times: dict[TimeAxis, list[datetime]] = {clock: [] for clock in TimeAxis}
        """By each clock, the times at which each event and all with lower ids had come.
        It is filled up to the newest event when a time is asked for."""

    def take_answer(self, answer: DescribeAnswer) -> bool:
        """Keep an answer; True if the history must be folded again.

        A new definition may change the numbers of a Parallel's branches.
        """
        self._forget_now()
        if answer.kind != RecordKind.DEFINITION:
            keep_answer(self.described, answer)
            return False
        keep_answer(self.defined, answer)
        return self._defined_branches() != self._branches

    def _defined_branches(self) -> Mapping[str, tuple[str, ...]]:
        newest = self.defined[-1].definition if self.defined else None
        return parse_definition(newest).branches

    def take_event(self, event: HistoryEvent, details: Details) -> None:
        """Fold an event; its id must be above all ids folded before."""
        self._forget_now()
        self.ordered.append(event)
        self.watched = self.watched or event.seen_at is not None
        self.fold.take(event, details)
        kind = event.type
        if kind == "ExecutionStarted" and event.id == 1:
            self.role_arn_at_start = text_of(details.get("roleArn"))
        elif kind == REDRIVEN:
            self._take_redrive(event, int_of(details.get("redriveCount")))
        elif kind in STATUS_BY_END:
            self.turns.append(event)
        elif kind.startswith("MapRun"):
            arn = text_of(details.get("mapRunArn")) or ""
            self.map_run_turns.append(MapRunTurn(event, arn))

    def _take_redrive(self, event: HistoryEvent, count: int | None) -> None:
        """Note a redrive; where AWS's count is missing, it gets the next number."""
        if count is None or count <= 0:
            count = self.redrives[-1].number + 1 if self.redrives else 1
        ended = self.turns[-1] if self.turns else None
        if ended is not None and ended.type == REDRIVEN:
            ended = None
        self.redrives.append(Redrive(event, ended, count))
        self.turns.append(event)

    def note_started(self, visits: Iterable[StateVisit]) -> bool:
        """Note the executions that the visits' attempts started; True if one is new."""
        count_before = len(self.started)
        for visit in visits:
            for attempt in visit.attempts:
                scheduled_id = attempt.scheduled_id
                waits = attempt.pattern == "sync"
                for arn in started_by(attempt):
                    parent = Parent(self.arn, visit.id, scheduled_id, waits=waits)
                    self.started.setdefault(arn, parent)
        return len(self.started) != count_before

    def event_count(self, at: datetime | None, clock: TimeAxis) -> int:
        """Return how many events had come by `at`; all of them if `at` is None."""
        if at is None:
            return len(self.ordered)
        times = self._times[clock]
        for event in self.ordered[len(times) :]:
            came_at = dated(clock, event.seen_at, event.at)
            if times:
                came_at = max(came_at, times[-1])
            times.append(came_at)
        return bisect_right(times, at)

    def as_of(
        self, at: datetime | None, clock: TimeAxis = TimeAxis.EVENT
    ) -> "ExecutionAsOf":
        return self._now if at is None else ExecutionAsOf(self, at, clock)

    @cached_property
    def _now(self) -> "ExecutionAsOf":
        """Its newest state, kept until it changes.

        Of a thousand executions few change in one batch, so most are made only once.
        """
        return ExecutionAsOf(self, None, TimeAxis.EVENT)

    def _forget_now(self) -> None:
        self.__dict__.pop("_now", None)


class ExecutionAsOf:
    """One execution as of a time; None is the time after all that is known.

    It is cheap to make. It does not follow changes, so it is valid only until the
    execution changes.
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
        """The id of the last event; 0 where there is none."""
        if not self.event_count:
            return 0
        return self._execution.ordered[self.event_count - 1].id

    @property
    def events(self) -> Sequence[HistoryEvent]:
        """The events in the order of their ids."""
        ordered = self._execution.ordered
        count = self.event_count
        return ordered if count == len(ordered) else ordered[:count]

    def event(self, event_id: int) -> HistoryEvent | None:
        if event_id > self._last:
            return None
        return self._execution.events.get(event_id)

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
        if event is None:
            return None
        visit = self.visit(event.visit_id)
        if visit is None:
            return None
        return visit.attempt(scheduled_id)

    def _as_it_was(self, visit: StateVisit) -> StateVisit:
        visit = visit.as_of(self._last)
        end = self.unseen_ends.get(visit.id)
        if end is not None:
            status, ended_at = end
            visit = visit.ended_as(status, ended_at)
        if not self._execution.task_states:
            return visit
        attempts = [self._with_stop(attempt) for attempt in visit.attempts]
        return replace(visit, attempts=attempts)

    def _with_stop(self, attempt: Attempt) -> Attempt:
        """Return the attempt with its tasks' end as ECS reported it, if it has no end.

        A `.sync` attempt has no answer with a time if it failed with a mere text, timed
        out or was aborted; and none yet while it waits. Only `.sync` waits for the end
        of its task; with several tasks it waits for the last one.
        """
        if attempt.pattern is not Pattern.SYNC or attempt.stopped_at is not None:
            return attempt
        stops: list[TaskState] = []
        for task_arn in attempt.resource_ids:
            stop = self._stop_of(task_arn)
            if stop is None:
                return attempt
            stops.append(stop)
        if not stops:
            return attempt
        last = max(stops, key=lambda state: (stamp(state.stopped_at), state.key))
        return replace(attempt, told_by=last, stopped_at=last.stopped_at)

    def _stop_of(self, task_arn: str) -> TaskState | None:
        """Return the last report of a task's end that had come; None if none had."""
        for state in reversed(self._execution.task_states.get(task_arn, ())):
            is_end = state.stopped and state.stopped_at is not None
            if is_end and self._had_come(state.seen_at, state.at):
                return state
        return None

    def _had_come(self, seen_at: datetime | None, at: datetime) -> bool:
        return self._at is None or dated(self._clock, seen_at, at) <= self._at

    @cached_property
    def unseen_ends(self) -> Mapping[int, tuple[str, datetime]]:
        """The status and end of visits that ended with the execution, by visit id.

        It is empty unless the end of the execution is known from DescribeExecution only
        and not from an event.
        """
        if self.ending is not None or self.running or not self.event_count:
            return {}
        visits = self._execution.visits
        if self.event_count == len(self._execution.ordered):
            # Scanning all visits in each batch of a long history would take minutes.
            running = self._execution.fold.running
        else:
            last = self._last
            entered = [visit for visit in visits.values() if visit.id <= last]
            visits = {visit.id: visit.as_of(last) for visit in entered}
            running = [visit for visit in visits.values() if visit.running]
        ending = _ENDINGS.get(self.status, "")
        ended_at = self.stopped_at or self.events[-1].at
        ends = ends_with_execution(running, ending, (), visits)
        return {visit_id: (status, ended_at) for visit_id, status in ends.items()}

    @cached_property
    def described(self) -> DescribeAnswer | None:
        """The newest answer of DescribeExecution."""
        return newest_answer(self._execution.described, self._at, self._clock)

    @cached_property
    def defined(self) -> DescribeAnswer | None:
        """The newest answer of DescribeStateMachineForExecution."""
        return newest_answer(self._execution.defined, self._at, self._clock)

    @property
    def paused_seconds(self) -> float:
        """The seconds from ends to the redrives that followed them."""
        return sum(redrive.seconds or 0.0 for redrive in self.redrives)

    @property
    def definition_text(self) -> str | None:
        """The machine's definition, in Amazon States Language."""
        return self._described_as("definition")

    @property
    def known(self) -> bool:
        """True once an event or an answer of DescribeExecution is known."""
        return self.event_count > 0 or self.described is not None

    def _described_as(self, name: str) -> str | None:
        """Return a field of AWS's answers, DescribeExecution's first; None if empty."""
        value = None
        if self.described is not None:
            value = getattr(self.described, name)
        if not value and self.defined is not None:
            value = getattr(self.defined, name)
        return value or None

    @property
    def map_run_arn(self) -> str | None:
        """The Map Run that ran it; None if there is none, or it was not described."""
        return self._described_as("map_run_arn")

    @property
    def name(self) -> str:
        parsed = maybe_execution_arn(self.arn)
        return parsed.name if parsed else self.arn.rsplit(":", 1)[-1]

    @property
    def state_machine_arn(self) -> str | None:
        described = self._described_as("state_machine_arn")
        parsed = maybe_execution_arn(self.arn)
        if described or parsed is None:
            return described
        return parsed.state_machine_arn

    @property
    def state_machine_name(self) -> str | None:
        arn = self.state_machine_arn
        return arn.split(":", 6)[-1] if arn else None

    @property
    def role_arn(self) -> str | None:
        """The role its calls are made with: from its start, or from AWS's answers."""
        if self.event_count and self._execution.role_arn_at_start:
            return self._execution.role_arn_at_start
        return self._described_as("role_arn")

    @cached_property
    def ending(self) -> HistoryEvent | None:
        """The event that ended it; None while it runs, also after a redrive."""
        turns = [turn for turn in self._execution.turns if turn.id <= self._last]
        if not turns or turns[-1].type == REDRIVEN or self._is_redriven_unseen():
            return None
        return turns[-1]

    @cached_property
    def redrives(self) -> tuple[Redrive, ...]:
        """Its redrives in order."""
        redrives = self._execution.redrives
        return tuple(r for r in redrives if r.event.id <= self._last)

    @property
    def stopped_seconds(self) -> float:
        """How many seconds it was over, in all, before its redrives."""
        return sum(max(0.0, redrive.seconds or 0.0) for redrive in self.redrives)

    @cached_property
    def status(self) -> str:
        """AWS's word: RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED or another.

        It is UNKNOWN where no end is known but the end may be missing, as in a file,
        which ends where it was saved. The history outranks DescribeExecution, which is
        eventually consistent.
        """
        if self.ending is not None:
            return STATUS_BY_END[self.ending.type]
        described = self.described.status if self.described else None
        if described and self._redrives_ahead >= 0:
            return described
        return "RUNNING" if self._goes_on else UNKNOWN

    @property
    def _goes_on(self) -> bool:
        """True if later events are known, or if its end would have been received."""
        if self.event_count == 0:
            return False
        if self.event_count < len(self._execution.ordered):
            return True
        return self.was_watched and not self.hides_success

    @property
    def hides_success(self) -> bool:
        """True for an Express execution whose log has only failures."""
        parsed = maybe_execution_arn(self.arn)
        if parsed is None or self.defined is None:
            return False
        return parsed.is_express and self.defined.log_level in _FAILURES_ONLY

    @property
    def running(self) -> bool:
        """True unless its status is that of an ended execution; also for UNKNOWN."""
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
        if self.described is None or self.running:
            return None
        return self.described.stopped_at

    def _is_redriven_unseen(self) -> bool:
        """True if DescribeExecution knows of a redrive that the history lacks yet.

        A pending redrive may not be counted yet; the documentation does not cover that.
        """
        if self.described is None:
            return False
        if self.described.status == "PENDING_REDRIVE":
            return self._redrives_ahead >= 0
        return self.described.status == "RUNNING" and self._redrives_ahead > 0

    @cached_property
    def _redrives_ahead(self) -> int:
        """How many more redrives DescribeExecution counts than the history has.

        It is negative if the answer is from before the last redrive.
        """
        if self.described is None or self.described.redrive_count is None:
            return 0
        known = self.redrives[-1].number if self.redrives else 0
        return self.described.redrive_count - known

    @property
    def map_run_turns(self) -> Sequence[MapRunTurn]:
        """The events that are about Map Runs."""
        turns = self._execution.map_run_turns
        return [turn for turn in turns if turn.event.id <= self._last]

    @property
    def was_watched(self) -> bool:
        """True unless its history is from a file, which ends where it was saved.

        It is true if an event or the answer of DescribeExecution was received live.
        """
        if self.described is not None and self.described.seen_at is not None:
            return True
        return self._execution.watched
