"""The line of an event, together with the events and the call that share it."""

from collections.abc import Iterator

from msgspec.structs import replace

from sfnwatch.analysis import phases
from sfnwatch.analysis.next_try import next_try
from sfnwatch.model.history_event import REDRIVEN, STATUS_BY_END, Details, HistoryEvent
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration
from sfnwatch.model.values import text_of
from sfnwatch.model.visits import StateVisit, VisitKey
from sfnwatch.model.wait_states import wait_end
from sfnwatch.view.child import child_execution, child_map_run
from sfnwatch.view.child_words import child_parts, map_run_parts
from sfnwatch.view.completion_words import completion_parts
from sfnwatch.view.event_words import (
    LINE_CHARACTERS,
    entered_parts,
    error_parts,
    execution_parts,
    items_part,
    other_parts,
    phase_parts,
    redrive_parts,
    state_name,
    try_parts,
)
from sfnwatch.view.line import Lane, Line
from sfnwatch.view.line_context import LineContext
from sfnwatch.view.next_states import state_after
from sfnwatch.view.parts import Part, Role, status_part

_OPEN = "▾"


class EventLine:
    """Makes the line of one event, and of the events and the call that share it."""

    def __init__(self, context: LineContext, event: HistoryEvent) -> None:
        self._context = context
        self._event = event
        self._maker = context.maker
        self._visit = context.visit
        self._snapshot = context.snapshot
        self._ids = {shared.id for shared in context.events}
        """The ids of the events on the line."""

    @property
    def _details(self) -> Details:
        return self._snapshot.trace.details(self._event)

    def make(self) -> Line:
        begins, ends = self._ends_of_rail()
        entered_at = None
        if begins is not None and self._visit is not None:
            # The line of an iteration's start has that time, and its first state is
            # entered a little later: the life-lines are those at the later time.
            entered_at = self._visit.entered_at
        line = self._maker.begin(self._context, Lane.STATES, entered_at)
        line.rails = [
            replace(rail, begins=rail.visit == begins, ends=rail.visit == ends)
            for rail in line.rails
        ]
        line.text = tuple(self._text(line))
        if begins is None and self._event.attempt_id:
            line.owner = self._maker.owner(line)
        self._conclude(line)
        if self._context.call is not None:
            self._maker.put_call(line, self._context.call)
        return line

    def _ends_of_rail(self) -> tuple[VisitKey | None, VisitKey | None]:
        """Return the visits whose life-lines begin and end here; None for none."""
        visit = self._visit
        is_lone_iteration = self._event.iteration is not None and len(self._ids) == 1
        if visit is None or is_lone_iteration:
            return None, None
        key = self._event.execution_arn, visit.id
        begins = visit.id in self._ids
        ends = not visit.running and visit.ended_by in self._ids
        return key if begins else None, key if ends else None

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
        elif (
            event.attempt_id and visit is not None and self._context.attempt is not None
        ):
            yield from self._phase_text(visit)
        else:
            yield from other_parts(event, self._details)
            if visit is not None and event.id in visit.starts:
                number = visit.starts.index(event.id) + 1
                yield from try_parts(visit, number)

    def _execution_text(self, line: Line) -> Iterator[Part]:
        event = self._event
        execution = self._context.execution
        if event.type == REDRIVEN and execution is not None:
            for redrive in execution.redrives:
                if redrive.event is event:
                    yield from redrive_parts(redrive)
            return
        if event.type == "ExecutionStarted":
            child = child_execution(self._snapshot, event.execution_arn)
            if child is not None:
                line.fold = Part(_OPEN, Role.FOLD)
                yield from child_parts(child)
                return
        yield from execution_parts(event, self._details)
        started_at = execution.started_at if execution is not None else None
        if event.type in STATUS_BY_END and started_at is not None:
            seconds = (event.at - started_at).total_seconds()
            yield Part(f"  {duration(max(0.0, seconds))}", Role.DIM)

    def _map_run_text(self, line: Line) -> Iterator[Part]:
        run = text_of(self._details.get("mapRunArn")) or ""
        child = child_map_run(self._snapshot, run)
        if child is None:
            yield from other_parts(self._event, self._details)
            return
        line.fold = Part(_OPEN, Role.FOLD)
        yield from child_parts(child)
        yield Part("  ")
        yield from map_run_parts(child)

    def _entered_text(self, visit: StateVisit) -> Iterator[Part]:
        yield from entered_parts(visit)
        follower = self._context.events[-1]
        if follower.type == "MapStateStarted":
            yield from items_part(self._snapshot.trace.details(follower))
        wait_seconds = self._seconds_of_wait(visit)
        if wait_seconds is not None:
            yield Part(f"  for {duration(wait_seconds)}", Role.DIM)
        if visit.type == "Fail":
            error, _ = self._maker.failure(self._event)
            yield Part(f"  ✘ {clean(error or 'failed', LINE_CHARACTERS)}", Role.BAD)
        if follower.type.endswith("StateExited") and visit.type == "Choice":
            yield from self._next_state(follower)

    def _seconds_of_wait(self, visit: StateVisit) -> float | None:
        """Return how long a Wait that still runs takes, if that is known."""
        execution = self._context.execution
        if execution is None:
            return None
        ends_at = wait_end(self._snapshot, execution, visit)
        if ends_at is None:
            return None
        return max(0.0, (ends_at - visit.entered_at).total_seconds())

    def _next_state(self, exited: HistoryEvent) -> Iterator[Part]:
        chosen = state_after(self._context.execution, exited.id)
        if chosen is not None:
            yield Part(f" → {clean(chosen.name, LINE_CHARACTERS)}")

    def _exited_text(self, line: Line, visit: StateVisit) -> Iterator[Part]:
        line.owner = (Part(state_name(visit), Role.NAME), Part("  "))
        yield status_part(visit.status)
        yield self._length(visit)
        if visit.status == "caught":
            yield from self._next_state(self._context.events[-1])

    def _length(self, visit: StateVisit) -> Part:
        """Return a state's duration until the last event on the line."""
        seconds = phases.seconds_taken(visit, self._context.events[-1].at)
        return Part(f"  {duration(max(0.0, seconds))}", Role.DIM)

    def _phase_text(self, visit: StateVisit) -> Iterator[Part]:
        phase_events = [event for event in self._context.events if event.attempt_id]
        yield from phase_parts(phase_events)
        last = phase_events[-1]
        if last.type.endswith(("Scheduled", "Started")):
            yield from try_parts(visit, self._context.number)
        if len(phase_events) < len(self._ids):
            yield self._length(visit)
        if last.type.endswith(("Failed", "TimedOut")):
            details = self._snapshot.trace.details(last)
            yield from error_parts(details, self._next_try(visit))

    def _next_try(self, visit: StateVisit) -> Iterator[Part]:
        """Yield when the next try comes, if the state backs off after this one."""
        attempt = self._context.attempt
        execution = self._context.execution
        if attempt is None or execution is None or attempt is not visit.attempts[-1]:
            return
        following = next_try(execution, visit)
        if following is not None:
            yield Part(f"  ⟳ {following.words}", Role.WARN)

    def _conclude(self, line: Line) -> None:
        """Add how Step Functions learned of the job's end, if the attempt ends here."""
        attempt = self._context.attempt
        key = self._context.key
        if attempt is None or key is None or attempt.ended_by not in self._ids:
            return
        completion = self._maker.completion(key, attempt)
        if completion is not None:
            line.conclusion = completion_parts(completion)
