"""The texts of a line that a filter looks at.

They include the texts of all that shares the line: its events, and the action call on
an event's line.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.visits import ROOT, Attempt, StateVisit
from sfnwatch.view.line_context import LineContext
from sfnwatch.view.parts import plain_text
from sfnwatch.view.task_text import went_wrong


def has_event(context: LineContext, *endings: str) -> bool:
    """True if the type of any event on the line has one of the endings."""
    return any(event.type.endswith(endings) for event in context.events)


def timed_part(context: LineContext) -> Attempt | StateVisit | None:
    """Return the attempt of a line, or the visit if it is about a whole state."""
    if has_event(context, "StateEntered", "StateExited"):
        return context.visit
    return context.attempt or context.visit


def failures(context: LineContext) -> Iterator[tuple[str | None, str | None]]:
    """Yield the errors and causes of a line's call and events, where they have any."""
    if context.call is not None:
        yield context.call.error_code, context.call.error_message
    yield from map(context.maker.failure, context.events)


LineTexts = Callable[[LineContext], Iterable[str | None]]


def line_words(context: LineContext) -> Iterator[str]:
    line = context.maker.line(context.item)
    yield plain_text((*line.owner, *line.parts))


def state_texts(context: LineContext) -> Iterator[str]:
    if context.visit is not None:
        yield context.visit.name
        yield context.visit.path.removeprefix(f"{ROOT} / ")


def _attempts(context: LineContext) -> Sequence[Attempt]:
    """Return the attempts that a state's line is about; calls and tasks have none."""
    if context.attempt is not None and context.events:
        return (context.attempt,)
    if context.visit is not None and context.events:
        # The first attempt is enough: retries run the same resource.
        return context.visit.attempts[:1]
    return ()


def action_texts(context: LineContext) -> Iterator[str]:
    if context.call is not None:
        yield context.call.event_name
    if isinstance(context.item, TaskState):
        yield context.item.last_status
    yield from map(resource_words, _attempts(context))


def service_texts(context: LineContext) -> Iterator[str]:
    if context.call is not None:
        yield context.call.event_source
    for attempt in _attempts(context):
        if attempt.integration is not None:
            yield attempt.integration.event_source
        yield resource_words(attempt)


def error_texts(context: LineContext) -> Iterator[str | None]:
    yield from chain.from_iterable(failures(context))
    if isinstance(context.item, TaskState) and went_wrong(context.item):
        yield from (context.item.stop_code, context.item.stopped_reason)


def body_texts(context: LineContext) -> Iterator[str]:
    """Yield every key and every value of the raw records."""
    trace = context.snapshot.trace
    left: list[Any] = [trace.raw(event) for event in context.events]
    if context.call is not None:
        left.append(trace.cloudtrail_record(context.call))
    if isinstance(context.item, TaskState):
        left.append(trace.raw(context.item))
    while left:
        value = left.pop()
        if isinstance(value, Mapping):
            left += [*value, *value.values()]
        elif isinstance(value, list):
            left += value
        elif value is not None:
            yield value if isinstance(value, str) else json.dumps(value)


def execution_texts(context: LineContext) -> Iterator[str]:
    yield (context.execution_arn or "").rsplit(":", 1)[-1]
