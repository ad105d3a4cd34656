"""An execution's events as rows of the states' lane."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.lane_rows import Kind, Lane, Row
from sfnwatch.trace.nests import Nest
from sfnwatch.trace.timeline import Timeline
from sfnwatch.trace.visits import StateVisit

_SECOND = timedelta(seconds=1)


def state_rows(
    timeline: Timeline, known: Mapping[str, Nest], *, joined: bool
) -> Iterator[Row]:
    visits, inside = timeline.visits, known.get(timeline.execution_arn)
    attempts = {a.scheduled_id: a for a in visits.attempts}
    skip: set[int] = set()
    followers = _followers(timeline.ordered)
    failures = _failures(timeline.ordered)
    redrives = {redrive.event.id: redrive for redrive in timeline.redrives}
    for event in timeline.ordered:
        if event.id in skip:
            continue
        visit = visits.by_id.get(visits.of_event.get(event.id, 0))
        attempt = attempts.get(visits.attempt_of_event.get(event.id, 0))
        row = Row(
            at=event.timestamp,
            key=f"{timeline.execution_arn}#{event.id}",
            kind=_kind(event, attempt),
            lane=Lane.STATES,
            execution_arn=timeline.execution_arn,
            depth=_depth(event, visit),
            events=(event,),
            visit=visit,
            attempt=attempt,
            error=failures.get(event.id),
            nest=inside,
            redrive=redrives.get(event.id),
        )
        row = _head_of(row, known)
        if joined:
            row = _joined(timeline, row, followers)
            skip.update(event.id for event in row.events[1:])
        yield row


def _head_of(row: Row, known: Mapping[str, Nest]) -> Row:
    """Let the start of what runs inside a state be the head of it."""
    event, nest = row.events[0], row.nest
    if event.type == "ExecutionStarted" and nest is not None:
        return replace(row, kind=Kind.CHILD)
    if event.type == "MapRunStarted":
        run = known.get(event.detail("mapRunArn") or "")
        if run is not None:
            return replace(row, kind=Kind.MAP_RUN, nest=run)
    return row


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


def _followers(events: Iterable[HistoryEvent]) -> Mapping[int, HistoryEvent]:
    """Find what follows each event by its own account: others may lie between."""
    found: dict[int, HistoryEvent] = {}
    for event in events:
        if event.type.endswith(("Started", "StateExited")):
            found.setdefault(event.previous_event_id, event)
    return found


def _failures(events: Sequence[HistoryEvent]) -> Mapping[int, str]:
    """Find what each Fail state ended with.

    The failures around it follow on each other, and only the outermost says why; if a
    Catch came before that, the history tells nobody.
    """
    errors: dict[int, str] = {}
    for event in reversed(events):
        error = event.detail("error") or errors.get(event.id)
        if error and event.type.endswith("Failed"):
            errors.setdefault(event.previous_event_id, error)
    fails = (event.id for event in events if event.type == "FailStateEntered")
    return {number: errors[number] for number in fails if number in errors}


def _joined(timeline: Timeline, row: Row, followers: Mapping[int, HistoryEvent]) -> Row:
    """Join a row with the next event of the same thing, if they are one to the eye."""
    event, visit = row.events[0], row.visit
    if event.type.endswith("StateSucceeded"):
        after = timeline.events.get(event.id + 1)
        if after is None or not _exits(timeline, visit, after):
            return row
        return replace(row, at=after.timestamp, events=(event, after), kind=Kind.EXITED)
    after = followers.get(event.id)
    if after is None or after.timestamp - event.timestamp >= _SECOND:
        return row
    starts = row.kind is Kind.ENTERED and after.type.endswith("StateStarted")
    if starts or (event.type.endswith("Scheduled") and after.type.endswith("Started")):
        return replace(row, events=(event, after))
    passed = visit is not None and visit.exited_at == after.timestamp
    if row.kind is Kind.ENTERED and after.type.endswith("StateExited") and passed:
        return replace(row, events=(event, after), kind=Kind.PASSED)
    return row


def _exits(timeline: Timeline, visit: StateVisit | None, after: HistoryEvent) -> bool:
    """True if a visit is left by an event; a Map's skips its MapStateSucceeded."""
    if visit is None or not after.type.endswith("StateExited"):
        return False
    return timeline.visits.of_event.get(after.id) == visit.id
