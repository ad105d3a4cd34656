"""A trace as rows in the order of time: states in one lane, calls in the other.

Rows hold references, not text: a history has up to 25,000 events, and only what is
on the screen is ever put into words.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from operator import itemgetter

from sfnwatch.trace.heads import head_of
from sfnwatch.trace.lane_calls import (
    Ground,
    attempt_key,
    call_key,
    calls_by_attempt,
    is_hidden,
    lone_row,
    polls_of,
    tied_rows,
)
from sfnwatch.trace.lane_order import (
    Place,
    place_of_call,
    place_of_state,
    place_of_task,
    spots,
)
from sfnwatch.trace.lane_rows import ANSWERED, TASKS, Kind, Lane, Lanes, Row, own_nest
from sfnwatch.trace.lane_states import Story
from sfnwatch.trace.nests import Nest, nests
from sfnwatch.trace.reach import claimed_to, reach
from sfnwatch.trace.task_lives import Life, task_lives
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
    "measured_to",
    "own_nest",
    "polls_of",
]


def build_lanes(trace: Trace, *, joined: bool = True, nested: bool = True) -> Lanes:
    """Lay out a trace; `joined` makes one row of events that are one to the eye.

    `nested` has the executions that others began inside the states that did so.
    """
    ground = ground_of(trace, nests(trace) if nested else {})
    stories = {arn: Story(trace.histories[arn]) for arn in spots(trace, ground.nests)}
    calls = [*_tied(ground, stories), *_lone(trace, ground)]
    hidden = len(trace.ordered_calls) - len(calls)
    entries = list(_placed_states(trace, ground, stories, joined=joined))
    entries += [(place_of_call(row), row) for row in calls]
    entries += _placed_tasks(trace, ground.nests)
    if not nested and trace.children:
        entries = [e for e in entries if e[1].execution_arn not in trace.children]
    entries.sort(key=itemgetter(0))
    rows = tuple(map(itemgetter(1), entries))
    heads = tuple(map(head_of, trace.timelines.values()))
    inside = 0 if nested else sum(bool(t.events) for t in trace.children.values())
    return Lanes(rows, hidden, heads, ground.nests, inside)


def ground_of(trace: Trace, known_nests: Mapping[str, Nest]) -> Ground:
    return Ground(trace.links, calls_by_attempt(trace), reach(trace), known_nests)


def complete_to(trace: Trace) -> datetime | None:
    """Up to when all calls are believed known: measured live, a claim for files.

    A file says nothing of lag, so the newest call in it is as far as it speaks for.
    """
    return measured_to(trace) if "lookup" in trace.health else claimed_to(trace)


def measured_to(trace: Trace) -> datetime | None:
    """The same, where it was measured: a claim takes a look at all calls."""
    health = trace.health.get("lookup")
    return health.complete_to if health is not None else None


_Placed = tuple[Place, Row]


def _placed_states(
    trace: Trace, ground: Ground, stories: Mapping[str, Story], *, joined: bool
) -> Iterator[_Placed]:
    for arn, spot in spots(trace, ground.nests).items():
        for row in stories[arn].rows(ground, joined=joined):
            yield place_of_state(row, spot), row


def _tied(ground: Ground, stories: Mapping[str, Story]) -> Iterator[Row]:
    for (arn, number), calls in ground.by_attempt.items():
        story = stories.get(arn)
        tried = story.tries.get(number) if story is not None else None
        yield from tied_rows(ground, tried, calls)


def _lone(trace: Trace, ground: Ground) -> Iterator[Row]:
    """Yield the rows of the calls that no attempt made, but not of those left out."""
    for call in trace.ordered_calls:
        link = ground.links.get(call.event_id)
        if attempt_key(link) is None and not is_hidden(trace, call, link):
            yield lone_row(ground, call)


def _placed_tasks(trace: Trace, known_nests: Mapping[str, Nest]) -> Iterator[_Placed]:
    lives = task_lives(trace)
    rows = (row for life in lives for row in task_rows(life, known_nests))
    for number, row in enumerate(rows):
        yield place_of_task(row, number), row


def task_rows(life: Life, known_nests: Mapping[str, Nest]) -> Iterator[Row]:
    """Yield a row for each change that ECS told of a task."""
    link, nest = life.link, known_nests.get(life.execution_arn)
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
            link=link,
            nest=nest,
        )
