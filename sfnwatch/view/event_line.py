"""The line of an event, together with the events and the call that share it."""

from collections.abc import Iterator

from msgspec.structs import replace

from sfnwatch.analysis import phases
from sfnwatch.model.history_event import REDRIVEN, TERMINAL, Details, HistoryEvent
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration
from sfnwatch.model.values import text_of
from sfnwatch.model.visits import StateVisit, VisitKey
from sfnwatch.view.child import child_execution, child_map_run
from sfnwatch.view.child_words import child_parts, map_run_parts
from sfnwatch.view.completion_words import completion_parts
from sfnwatch.view.event_words import (
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
        # The line of an iteration's start has that time, and its first state is entered
        # a little later: the life-lines are those at the later time.
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
        """Return the visits whose life-lines begin and end here; None for none."""
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
            yield from other_parts(event, self._details)
            if visit is not None and event.id in visit.starts:
                number = visit.starts.index(event.id) + 1
                yield from try_parts(visit, number)

    def _execution_text(self, line: Line) -> Iterator[Part]:
        event = self._event
        arn = self._event.execution_arn
        execution = self._about.execution
        child = child_execution(self._snapshot, arn)
        if event.type == REDRIVEN and execution is not None:
            redrives = execution.redrives
            redrive = next((r for r in redrives if r.event is event), None)
            yield from redrive_parts(redrive) if redrive else ()
            return
        if event.type == "ExecutionStarted" and child is not None:
            line.fold = Part(_OPEN, Role.FOLD)
            yield from child_parts(child)
            return
        yield from execution_parts(event, self._details)
        started = execution.started_at if execution else None
        if event.type in TERMINAL and started is not None:
            spent = (event.at - started).total_seconds()
            yield Part(f"  {duration(max(0.0, spent))}", Role.DIM)

    def _map_run_text(self, line: Line) -> Iterator[Part]:
        run = text_of(self._details.get("mapRunArn")) or ""
        child = child_map_run(self._snapshot, run)
        if child is None:
            yield from other_parts(self._event, self._details)
            return
        line.fold = Part(_OPEN, Role.FOLD)
        head = (*child_parts(child), Part("  "))
        yield from (*head, *map_run_parts(child))

    def _entered_text(self, visit: StateVisit) -> Iterator[Part]:
        yield from entered_parts(visit)
        follower = self._about.events[-1]
        if follower.type == "MapStateStarted":
            yield from items_part(self._snapshot.trace.details(follower))
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
        line.owner = (Part(state_name(visit), Role.NAME), Part("  "))
        yield from (status_part(visit.status), self._spent(visit))
        if visit.status == "caught":
            yield from self._next_state(self._about.events[-1])

    def _spent(self, visit: StateVisit) -> Part:
        """Return a state's duration until the last event on the line."""
        spent = phases.length_of(visit, self._about.events[-1].at)
        return Part(f"  {duration(max(0.0, spent))}", Role.DIM)

    def _phase_text(self, visit: StateVisit) -> Iterator[Part]:
        told = [e for e in self._about.events if e.attempt_id]
        yield from phase_parts(told)
        last = told[-1]
        if last.type.endswith(("Scheduled", "Started")):
            yield from try_parts(visit, self._about.number)
        if len(told) < len(self._ids):
            yield self._spent(visit)
        if last.type.endswith(("Failed", "TimedOut")):
            yield from error_parts(self._snapshot.trace.details(last))

    def _conclude(self, line: Line) -> None:
        """Add how Step Functions learned of the job's end, if the attempt ends here."""
        attempt = self._about.attempt
        key = self._about.key
        if attempt is None or key is None or attempt.ended_by not in self._ids:
            return
        told = self._maker.completion(key, attempt)
        if told is not None:
            line.conclusion = completion_parts(told)
