"""An execution's events as rows of the states' lane."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.lane_calls import Ground, Tried, call_key, polls_of
from sfnwatch.trace.lane_ranks import causing_phase, is_action
from sfnwatch.trace.lane_rows import Kind, Lane, Row
from sfnwatch.trace.nests import Nest
from sfnwatch.trace.notice import Notice, notice
from sfnwatch.trace.timeline import Timeline
from sfnwatch.trace.visits import StateVisit

_SECOND = timedelta(seconds=1)


class Story:
    """What an execution's rows are made of."""

    def __init__(self, timeline: Timeline) -> None:
        self.begin(timeline)

    def begin(self, timeline: Timeline) -> None:
        self.tries: dict[int, Tried] = {}
        """By the `scheduled_id`."""
        self.runs: dict[int, str] = {}
        """The Map Runs by the events that tell of their starts."""
        self._followers: dict[int, HistoryEvent] = {}
        """What follows each event by its own account: others may lie between."""
        self._failed: list[HistoryEvent] = []
        self._fails: list[int] = []
        for visit in timeline.visits:
            self._try(visit)
        self.go_on(timeline, timeline.ordered)

    def go_on(self, timeline: Timeline, new: Iterable[HistoryEvent]) -> None:
        """Take in events that follow on those known."""
        self.timeline = timeline
        self.redrives = {each.event.id: each for each in timeline.redrives}
        for event in new:
            if follows(event):
                self._followers.setdefault(event.previous_event_id, event)
            elif event.type.endswith("Failed"):
                self._failed.append(event)
            elif event.type == "FailStateEntered":
                self._fails.append(event.id)
            if event.type == "MapRunStarted":
                self.runs[event.id] = event.detail("mapRunArn") or ""
        self.failures = _failures(self._failed, self._fails)

    def revisit(self, old: Iterable[StateVisit], new: Iterable[StateVisit]) -> None:
        """Take visits as they are now."""
        for visit in old:
            for attempt in visit.attempts:
                self.tries.pop(attempt.scheduled_id, None)
        for visit in new:
            self._try(visit)

    def _try(self, visit: StateVisit) -> None:
        for attempt in visit.attempts:
            self.tries[attempt.scheduled_id] = visit, attempt

    def rows(self, ground: Ground, *, joined: bool) -> Iterator[Row]:
        skip: set[int] = set()
        for event in self.timeline.ordered:
            if event.id not in skip:
                row = self.row(event, ground, joined=joined)
                skip.update(event.id for event in row.events[1:])
                yield row

    def row(self, event: HistoryEvent, ground: Ground, *, joined: bool) -> Row:
        timeline, visits = self.timeline, self.timeline.visits
        visit = visits.by_id.get(visits.of_event.get(event.id, 0))
        key = visits.attempt_of_event.get(event.id, 0)
        attempt = self.tries[key][1] if key in self.tries else None
        kind, nest = self._kind(event, attempt, ground)
        events: tuple[HistoryEvent, ...] = (event,)
        if joined:
            kind, events = self._joined(event, visit, kind)
        told, causes = None, None
        if attempt is not None and kind is Kind.PHASE:
            told, causes = self._told(events, attempt, ground)
        return Row(
            at=(events[-1] if kind is Kind.EXITED else event).timestamp,
            key=f"{timeline.execution_arn}#{event.id}",
            kind=kind,
            lane=Lane.STATES,
            execution_arn=timeline.execution_arn,
            depth=_depth(event, visit),
            events=events,
            visit=visit,
            attempt=attempt,
            notice=told,
            error=self.failures.get(event.id),
            causes=causes,
            redrive=self.redrives.get(event.id),
            nest=nest,
        )

    def _kind(
        self, event: HistoryEvent, attempt: Attempt | None, ground: Ground
    ) -> tuple[Kind, Nest | None]:
        """Let the start of what runs inside a state be the head of it."""
        inside = ground.nests.get(self.timeline.execution_arn)
        if event.type == "ExecutionStarted" and inside is not None:
            return Kind.CHILD, inside
        if event.type == "MapRunStarted":
            run = ground.nests.get(self.runs[event.id])
            if run is not None:
                return Kind.MAP_RUN, run
        return _kind(event, attempt), inside

    def _joined(
        self, event: HistoryEvent, visit: StateVisit | None, kind: Kind
    ) -> tuple[Kind, tuple[HistoryEvent, ...]]:
        """Join it with the next event of the same thing, if they are one to the eye."""
        if event.type.endswith("StateSucceeded"):
            after = self.timeline.events.get(event.id + 1)
            if after is None or not self._exits(visit, after):
                return kind, (event,)
            return Kind.EXITED, (event, after)
        after = self._followers.get(event.id)
        if after is None or after.timestamp - event.timestamp >= _SECOND:
            return kind, (event,)
        starts = kind is Kind.ENTERED and after.type.endswith("StateStarted")
        begun = event.type.endswith("Scheduled") and after.type.endswith("Started")
        if starts or begun:
            return kind, (event, after)
        passed = visit is not None and visit.exited_at == after.timestamp
        if kind is Kind.ENTERED and after.type.endswith("StateExited") and passed:
            return Kind.PASSED, (event, after)
        return kind, (event,)

    def _exits(self, visit: StateVisit | None, after: HistoryEvent) -> bool:
        """True if a visit is left by an event; a Map's skips its MapStateSucceeded."""
        if visit is None or not after.type.endswith("StateExited"):
            return False
        return self.timeline.visits.of_event.get(after.id) == visit.id

    def _told(
        self, events: Sequence[HistoryEvent], attempt: Attempt, ground: Ground
    ) -> tuple[Notice | None, str | None]:
        """Say who noticed the end, and which call the phase made."""
        key = self.timeline.execution_arn, attempt.scheduled_id
        calls = ground.by_attempt.get(key, ())
        told = None
        if attempt.stopped_at is not None and _ends(events, attempt):
            reached = ground.known.of(key[0], attempt, calls)
            told = notice(attempt, polls_of(attempt, calls), reached)
        phase = causing_phase(attempt)
        if not calls or all(event.timestamp != phase for event in events):
            return told, None
        action = next((c for c in calls if is_action(attempt, c)), None)
        return told, call_key(action) if action is not None else None


def follows(event: HistoryEvent) -> bool:
    """True if it may be one to the eye with what it follows."""
    return event.type.endswith(("Started", "StateExited"))


def _ends(events: Sequence[HistoryEvent], attempt: Attempt) -> bool:
    ended: datetime | None = attempt.ended_at
    return events[-1].timestamp == ended


def _kind(event: HistoryEvent, attempt: Attempt | None) -> Kind:
    if event.type.startswith("Execution"):
        return Kind.EXECUTION
    if event.type.endswith("StateEntered"):
        return Kind.ENTERED
    if event.type.endswith("StateExited"):
        return Kind.EXITED
    return Kind.PHASE if attempt is not None else Kind.OTHER


def _depth(event: HistoryEvent, visit: StateVisit | None) -> int:
    if visit is None:
        return 0
    return visit.depth + (1 if event.type.startswith("MapIteration") else 0)


def _failures(failed: Sequence[HistoryEvent], fails: Sequence[int]) -> dict[int, str]:
    """Find what each Fail state ended with.

    The failures around it follow on each other, and only the outermost says why; if a
    Catch came before that, the history tells nobody.
    """
    if not fails:
        return {}
    errors: dict[int, str] = {}
    for event in reversed(failed):
        error = event.detail("error") or errors.get(event.id)
        if error:
            errors.setdefault(event.previous_event_id, error)
    return {number: errors[number] for number in fails if number in errors}
