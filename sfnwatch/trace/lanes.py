"""A trace as rows in the order of time: states in one lane, calls in the other.

Rows hold references, not text: a history has up to 25,000 events, and only what is
on the screen is ever put into words.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.heads import Head, head_of
from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.lane_ranks import Rank, causing_phase, is_action, rank_calls
from sfnwatch.trace.links import Link, Rule, linked
from sfnwatch.trace.nests import Nest, nests
from sfnwatch.trace.notice import Notice, notice
from sfnwatch.trace.reach import Reach, claimed_to, reach
from sfnwatch.trace.redrives import Redrive
from sfnwatch.trace.task_lives import task_lives
from sfnwatch.trace.task_states import TaskState, task_key
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.trace.visits import StateVisit

_SECOND = timedelta(seconds=1)
ANSWERED = timedelta(seconds=3)
"""A call's second, and the time its answer may take."""
_LATE_POLL = timedelta(seconds=60)
"""A poll under way at the end; those much later are none of that wait."""
_XRAY = "xray.amazonaws.com"


class Lane(StrEnum):
    STATES = "states"
    CALLS = "calls"
    TASKS = "tasks"
    """What ECS told of the tasks themselves."""


TASKS = "ecs task"
"""Stands where calls have their event source; none of AWS's has a blank."""


class Kind(StrEnum):
    """What a row stands for."""

    EXECUTION = "execution"
    ENTERED = "entered"
    PASSED = "passed"
    """Entered and exited at once, with nothing in between: one row is enough."""
    PHASE = "phase"
    EXITED = "exited"
    OTHER = "other"
    CHILD = "child"
    """The start of an execution that another one began."""
    MAP_RUN = "map-run"
    """The start of a Map Run."""
    CALL = "call"
    TASK = "task"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the lanes."""

    at: datetime
    key: str
    """What the row is about, the same however many rows come before it."""
    kind: Kind
    lane: Lane
    execution_arn: str | None = None
    depth: int = 0
    events: tuple[HistoryEvent, ...] = ()
    visit: StateVisit | None = None
    attempt: Attempt | None = None
    caller: StateVisit | None = None
    """The state whose attempt a call is tied to, or began the task."""
    call: ApiCall | None = None
    task: TaskState | None = None
    link: Link | None = None
    number: int | None = None
    """Which poll of its attempt a call is, from 1."""
    gap: float | None = None
    """Seconds since the attempt's call before."""
    sure: bool = True
    """False where a call between it and the one before may still come in."""
    since: float | None = None
    """Seconds since its action call or, where that is not known, since its answer."""
    notice: Notice | None = None
    error: str | None = None
    """What a Fail state ended with; its own event does not say."""
    causes: str | None = None
    """The key of the row of the call that this phase made, or led to."""
    redrive: Redrive | None = None
    """What took the execution up again after it had ended."""
    nest: Nest | None = None
    """What the row is inside of, or the start of; None in executions that nothing
    began."""

    @property
    def root_arn(self) -> str | None:
        """The execution around it that nothing began."""
        return self.nest.root if self.nest is not None else self.execution_arn

    @property
    def source(self) -> str:
        """Whose lane it stands in beside the states: a service's, or the tasks'."""
        if self.call is not None:
            return self.call.event_source
        return TASKS if self.task is not None else ""


def own_nest(row: Row) -> Nest | None:
    """Give the nest whose start or end a row is; None for what is inside of one."""
    return row.nest if row.kind is Kind.MAP_RUN or row.visit is None else None


@dataclass(frozen=True, slots=True)
class Lanes:
    """The rows of a trace, and what was left out of them."""

    rows: tuple[Row, ...] = ()
    hidden: int = 0
    """Calls of other principals, and of X-Ray: counted, not shown."""
    positions: Mapping[str, int] = field(default_factory=dict)
    """A row's key to its place."""
    heads: tuple[Head, ...] = ()
    """The executions that nothing began, by their starts."""
    nests: Mapping[str, Nest] = field(default_factory=dict)
    """What runs inside states, by its ARN, those around others first."""
    inside: int = 0
    """Executions that others began and that have no rows here."""


def build_lanes(trace: Trace, *, joined: bool = True, nested: bool = True) -> Lanes:
    """Lay out a trace; `joined` makes one row of events that are one to the eye.

    `nested` has the executions that others began inside the states that did so.
    """
    known_nests = nests(trace) if nested else {}
    by_attempt, known = calls_by_attempt(trace), reach(trace)
    entries = list(_placed_states(trace, known_nests, by_attempt, known, joined=joined))
    hidden = 0
    for entry in _placed_calls(trace, known_nests, by_attempt, known):
        if entry is None:
            hidden += 1
        elif nested or entry[1].execution_arn not in trace.family.parents:
            entries.append(entry)
    for number, row in enumerate(_task_rows(trace)):
        if nested or row.execution_arn not in trace.family.parents:
            placed = replace(row, nest=known_nests.get(row.execution_arn or ""))
            entries.append(((row.at, len(trace.timelines) + 1, 0, number), placed))
    entries.sort(key=lambda entry: entry[0])
    rows = tuple(row for _, row in entries)
    heads = tuple(head_of(timeline) for timeline in trace.timelines.values())
    inside = 0 if nested else sum(bool(t.events) for t in trace.children.values())
    return Lanes(rows, hidden, places_of(rows), heads, known_nests, inside)


_Placed = tuple[tuple[datetime, int, int, int], Row]
"""When a row is and, at one moment, of which execution, how deep, and its number."""


def _placed_states(
    trace: Trace,
    inside: Mapping[str, Nest],
    by_attempt: Mapping[tuple[str, int], list[ApiCall]],
    known: Reach,
    *,
    joined: bool,
) -> Iterator[_Placed]:
    orders = {arn: order for order, arn in enumerate(trace.timelines)}
    for arn in (*trace.timelines, *(arn for arn in trace.children if arn in inside)):
        nest = inside.get(arn)
        # At one moment what began comes before what was begun.
        order, level = orders[nest.root if nest else arn], nest.level if nest else 0
        for row in _state_rows(trace.histories[arn], inside, joined=joined):
            placed = _annotate(row, by_attempt, known)
            yield (row.at, order, level, row.events[0].id), placed


def _placed_calls(
    trace: Trace,
    inside: Mapping[str, Nest],
    by_attempt: Mapping[tuple[str, int], list[ApiCall]],
    known: Reach,
) -> Iterator[_Placed | None]:
    """Yield a row for each call; None for one that is left out."""
    tries = {
        (arn, attempt.scheduled_id): (visit, attempt)
        for arn, timeline in trace.histories.items()
        for visit in timeline.visits
        for attempt in visit.attempts
    }
    ranks = rank_calls(by_attempt, {key: each for key, (_, each) in tries.items()})
    for number, call in enumerate(trace.ordered_calls):
        link = trace.links.get(call.event_id)
        if is_hidden(trace, call, link):
            yield None
            continue
        visit, attempt = tries.get(_attempt_key(link), (None, None))
        row = _call_row(call, link, attempt, ranks)
        nest, sure = inside.get(row.execution_arn or ""), bool(known.settled([call]))
        row = replace(row, caller=visit, nest=nest, sure=sure)
        yield (_place_of(row), len(trace.timelines), 0, number), row


def places_of(rows: Iterable[Row]) -> Mapping[str, int]:
    """Give each row's place by its key."""
    return {row.key: place for place, row in enumerate(rows)}


def complete_to(trace: Trace) -> datetime | None:
    """Up to when all calls are believed known: measured live, a claim for files.

    A file says nothing of lag, so the newest call in it is as far as it speaks for.
    """
    health = trace.health.get("lookup")
    return health.complete_to if health is not None else claimed_to(trace)


def is_hidden(trace: Trace, call: ApiCall, link: Link | None) -> bool:
    """Leave out what has nothing to do with the executions watched.

    X-Ray's sampling calls run under the same role and say nothing of the workflow.
    Without an execution, as with a trail's file alone, everything is of interest.
    """
    if not trace.timelines:
        return False
    if link is None:
        return True
    return link.rule is Rule.ROLE_ONLY and call.event_source == _XRAY


def calls_by_attempt(trace: Trace) -> dict[tuple[str, int], list[ApiCall]]:
    """Give each attempt, by its execution and `scheduled_id`, its calls in order."""
    found: dict[tuple[str, int], list[ApiCall]] = defaultdict(list)
    for call, link in linked(trace.links, trace.calls):
        if link.execution_arn is not None and link.attempt_id is not None:
            found[link.execution_arn, link.attempt_id].append(call)
    for calls in found.values():
        calls.sort(key=lambda call: (call.event_time, call.event_id))
    return found


# -- states ----------------------------------------------------------------------


def _state_rows(
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


def _annotate(
    row: Row,
    by_attempt: Mapping[tuple[str, int], list[ApiCall]],
    known: Reach,
) -> Row:
    """Add who noticed the end, and which call the phase made."""
    attempt = row.attempt
    if attempt is None or row.kind is not Kind.PHASE:
        return row
    calls = by_attempt.get((row.execution_arn or "", attempt.scheduled_id), [])
    phase = causing_phase(attempt)
    ends = row.events[-1].timestamp == attempt.ended_at
    reached = known.of(row.execution_arn or "", attempt, calls)
    told = notice(attempt, polls_of(attempt, calls), reached) if ends else None
    action = next((c for c in calls if is_action(attempt, c)), None)
    caused = action is not None and any(e.timestamp == phase for e in row.events)
    if told is None and not caused:
        return row
    return replace(
        row, notice=told, causes=call_key(action) if action and caused else None
    )


def polls_of(attempt: Attempt, calls: Iterable[ApiCall]) -> list[ApiCall]:
    """Pick the polls of an attempt's wait: who asks hours later does not wait."""
    row, end = attempt.integration, attempt.ended_at
    return [
        call
        for call in calls
        if row is not None
        and row.role_of(call.event_name) is CallRole.POLL
        and (end is None or call.event_time - end < _LATE_POLL)
    ]


# -- calls -----------------------------------------------------------------------


def call_key(call: ApiCall) -> str:
    return f"call#{call.event_id}"


def _attempt_key(link: Link | None) -> tuple[str, int]:
    if link is None or link.execution_arn is None or link.attempt_id is None:
        return "", 0
    return link.execution_arn, link.attempt_id


def _call_row(
    call: ApiCall,
    link: Link | None,
    attempt: Attempt | None,
    ranks: Mapping[str, Rank],
) -> Row:
    rank = ranks.get(call.event_id)
    poll = link is not None and link.role is CallRole.POLL
    return Row(
        at=call.event_time,
        key=call_key(call),
        kind=Kind.CALL,
        lane=Lane.CALLS,
        execution_arn=link.execution_arn if link else None,
        attempt=attempt,
        call=call,
        link=link,
        number=rank.number if rank and poll else None,
        gap=rank.gap if rank else None,
        since=rank.since if rank else None,
    )


def _place_of(row: Row) -> datetime:
    """Where a call goes among rows with milliseconds, its own time being a second.

    Only a link may order a call against a history event: an action's call goes right
    behind the phase that tells of its answer, which comes a moment later.
    """
    if row.attempt is None or row.link is None or row.link.role is not CallRole.ACTION:
        return row.at
    phase = causing_phase(row.attempt)
    return phase if timedelta(0) <= phase - row.at < ANSWERED else row.at


# -- tasks -----------------------------------------------------------------------


def _task_rows(trace: Trace) -> Iterator[Row]:
    for life in task_lives(trace):
        for state in life.states:
            yield Row(
                at=state.at,
                key=task_key(state),
                kind=Kind.TASK,
                lane=Lane.TASKS,
                execution_arn=life.execution_arn,
                attempt=life.attempt,
                caller=life.visit,
                task=state,
                link=life.link,
            )
