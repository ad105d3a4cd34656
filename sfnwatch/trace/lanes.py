"""A trace as rows in the order of time: states in one lane, calls in the other.

Rows hold references, not text: a history has up to 25,000 events, and only what is
on the screen is ever put into words.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.heads import head_of
from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.lane_ranks import Rank, causing_phase, is_action, rank_calls
from sfnwatch.trace.lane_rows import (
    ANSWERED,
    TASKS,
    Kind,
    Lane,
    Lanes,
    Row,
    own_nest,
    places_of,
)
from sfnwatch.trace.lane_states import state_rows
from sfnwatch.trace.links import Link, Rule, linked
from sfnwatch.trace.nests import Nest, nests
from sfnwatch.trace.notice import notice
from sfnwatch.trace.reach import Reach, claimed_to, reach
from sfnwatch.trace.task_lives import task_lives
from sfnwatch.trace.task_states import task_key
from sfnwatch.trace.timeline import Trace

__all__ = [
    "ANSWERED",
    "TASKS",
    "Kind",
    "Lane",
    "Lanes",
    "Row",
    "build_lanes",
    "call_key",
    "calls_by_attempt",
    "complete_to",
    "is_hidden",
    "own_nest",
    "places_of",
    "polls_of",
]

_LATE_POLL = timedelta(seconds=60)
"""A poll under way at the end; those much later are none of that wait."""
_XRAY = "xray.amazonaws.com"


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
        for row in state_rows(trace.histories[arn], inside, joined=joined):
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
