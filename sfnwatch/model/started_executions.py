"""Finds the executions that an attempt started: its events have their ARNs."""

from collections.abc import Iterator
from typing import TypeGuard

from msgspec import Struct

from sfnwatch.model.arns import maybe_execution_arn
from sfnwatch.model.history_event import Details
from sfnwatch.model.integrations import Integration
from sfnwatch.model.task_resource import resource_of_event
from sfnwatch.model.values import parse_json
from sfnwatch.model.visits import Attempt

START_EXECUTION = ("states.amazonaws.com", "StartExecution")
_ANSWERS = frozenset({"TaskSubmitted", "TaskSucceeded"})


class Parent(Struct, frozen=True):
    """What started an execution or a Map Run."""

    execution_arn: str
    """The execution that started it."""
    visit_id: int
    """The visit that started it; 0 where the history does not show it."""
    attempt_id: int | None = None
    """The attempt that started it; None for a Map Run."""
    map_run_arn: str | None = None
    """The Map Run that the child is an execution of; None for other children."""
    waits: bool = True
    """False where the state completed as soon as the execution had started."""


def started_by(attempt: Attempt) -> Iterator[str]:
    """Yield the ARNs of the executions that an attempt started, Express ones too."""
    if _starts_executions(attempt.integration):
        yield from filter(maybe_execution_arn, attempt.resource_ids)


def started_in(event_type: str, details: Details) -> Iterator[str]:
    """Yield the ARNs of the executions that were started according to an event."""
    if event_type not in _ANSWERS:
        return
    integration = resource_of_event(event_type, details).integration
    if _starts_executions(integration):
        job_ids = integration.job_ids(parse_json(details.get("output")))
        yield from filter(maybe_execution_arn, job_ids)


def _starts_executions(
    integration: Integration | None,
) -> TypeGuard[Integration]:
    if integration is None:
        return False
    action = (integration.event_source, integration.action_event)
    return action == START_EXECUTION
