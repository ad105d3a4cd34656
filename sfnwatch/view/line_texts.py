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


def has_event(about: LineContext, *endings: str) -> bool:
    """True if the type of any event on the line has one of the endings."""
    return any(event.type.endswith(endings) for event in about.events)


def timed_part(about: LineContext) -> Attempt | StateVisit | None:
    """Return the attempt of a line, or the visit if it is about a whole state."""
    whole = about.attempt is None or has_event(about, "StateEntered", "StateExited")
    return about.visit if whole else about.attempt


def failures(about: LineContext) -> Iterator[tuple[str | None, str | None]]:
    """Yield the errors and causes of a line's call and events, where they have any."""
    if about.call is not None:
        yield about.call.error_code, about.call.error_message
    yield from map(about.maker.failure, about.events)


LineTexts = Callable[[LineContext], Iterable[str | None]]


def line_words(about: LineContext) -> Iterator[str]:
    line = about.maker.line(about.item)
    yield plain_text((*line.owner, *line.parts))


def state_texts(about: LineContext) -> Iterator[str]:
    if about.visit is not None:
        yield about.visit.name
        yield about.visit.path.removeprefix(f"{ROOT} / ")


def _attempts(about: LineContext) -> Sequence[Attempt]:
    """Return the attempts that a state's line is about; calls and tasks have none."""
    if about.attempt is not None and about.events:
        return (about.attempt,)
    # The first attempt is enough: retries run the same resource.
    return about.visit.attempts[:1] if about.visit and about.events else ()


def action_texts(about: LineContext) -> Iterator[str]:
    if about.call is not None:
        yield about.call.event_name
    if isinstance(about.item, TaskState):
        yield about.item.last_status
    yield from map(resource_words, _attempts(about))


def service_texts(about: LineContext) -> Iterator[str]:
    if about.call is not None:
        yield about.call.event_source
    for attempt in _attempts(about):
        yield attempt.integration.event_source if attempt.integration else ""
        yield resource_words(attempt)


def error_texts(about: LineContext) -> Iterator[str | None]:
    yield from chain.from_iterable(failures(about))
    if isinstance(about.item, TaskState) and went_wrong(about.item):
        yield from (about.item.stop_code, about.item.stopped_reason)


def body_texts(about: LineContext) -> Iterator[str]:
    """Yield every key and every value of the raw records."""
    trace = about.snapshot.trace
    left: list[Any] = [trace.raw(event) for event in about.events]
    left += [trace.cloudtrail_record(about.call)] if about.call else []
    left += [trace.raw(about.item)] if isinstance(about.item, TaskState) else []
    while left:
        value = left.pop()
        if isinstance(value, Mapping):
            left += [*value, *value.values()]
        elif isinstance(value, list):
            left += value
        elif value is not None:
            yield value if isinstance(value, str) else json.dumps(value)


def execution_texts(about: LineContext) -> Iterator[str]:
    yield (about.execution_arn or "").rsplit(":", 1)[-1]
