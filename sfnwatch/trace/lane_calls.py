"""Calls as rows of the calls' lane."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from msgspec import Struct

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.lane_ranks import ranks
from sfnwatch.trace.lane_rows import Kind, Lane, Row
from sfnwatch.trace.links import Link, Rule
from sfnwatch.trace.nests import Nest
from sfnwatch.trace.reach import Reach
from sfnwatch.trace.timeline import Trace
from sfnwatch.trace.visits import StateVisit

Key = tuple[str, int]
"""An execution's ARN and the `scheduled_id` of one of its attempts."""
Tried = tuple[StateVisit, Attempt]

CALL_KEY = "call#"
"""What the keys of calls' rows begin with."""
_LATE_POLL = timedelta(seconds=60)
"""A poll under way at the end; those much later are none of that wait."""
_XRAY = "xray.amazonaws.com"


class Ground(Struct):
    """What rows are made of beside the histories."""

    links: Mapping[str, Link]
    by_attempt: Mapping[Key, Sequence[ApiCall]]
    known: Reach
    nests: Mapping[str, Nest]


def call_key(call: ApiCall) -> str:
    return f"{CALL_KEY}{call.event_id}"


def attempt_key(link: Link | None) -> Key | None:
    """Give the attempt that a call is tied to."""
    if link is None or link.execution_arn is None or link.attempt_id is None:
        return None
    return link.execution_arn, link.attempt_id


def calls_by_attempt(trace: Trace) -> dict[Key, list[ApiCall]]:
    """Give each attempt, by its execution and `scheduled_id`, its calls in order."""
    found: dict[Key, list[ApiCall]] = defaultdict(list)
    links = trace.links
    for call in trace.ordered_calls:
        key = attempt_key(links.get(call.event_id))
        if key is not None:
            found[key].append(call)
    return found


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


def tied_rows(
    ground: Ground, tried: Tried | None, calls: Sequence[ApiCall]
) -> Iterator[Row]:
    """Yield the rows of the calls of an attempt, with the visit that it is of."""
    visit, attempt = tried or (None, None)
    for call, (number, gap, since) in zip(calls, ranks(attempt, calls), strict=True):
        link = ground.links[call.event_id]
        yield Row(
            at=call.event_time,
            key=call_key(call),
            kind=Kind.CALL,
            lane=Lane.CALLS,
            execution_arn=link.execution_arn,
            attempt=attempt,
            caller=visit,
            call=call,
            link=link,
            number=number if link.role is CallRole.POLL else None,
            gap=gap,
            sure=ground.known.is_settled(call),
            since=since,
            nest=ground.nests.get(link.execution_arn or ""),
        )


def lone_row(ground: Ground, call: ApiCall) -> Row:
    """Give the row of a call that is tied to no attempt."""
    link = ground.links.get(call.event_id)
    arn = link.execution_arn if link is not None else None
    return Row(
        at=call.event_time,
        key=call_key(call),
        kind=Kind.CALL,
        lane=Lane.CALLS,
        execution_arn=arn,
        call=call,
        link=link,
        sure=ground.known.is_settled(call),
        nest=ground.nests.get(arn or ""),
    )
