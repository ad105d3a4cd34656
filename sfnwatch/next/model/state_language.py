"""An Amazon States Language definition: what the machine *can* call.

The look-up plan comes from here, so that a machine that only calls Lambda asks
CloudTrail nothing about ECS.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct, field

from sfnwatch.next.model.integrations import Integration, event_sources, integration
from sfnwatch.next.model.json_text import list_of, mapping_of, parse_json, text_of

# An action may have a colon too: `states:startExecution.sync:2`.
_OPTIMISED = re.compile(
    r"arn:[^:]*:states:[^:]*:[^:]*:(?P<service>(aws-sdk:)?[^:]+):(?P<action>.+)"
)
_ACTIVITY = re.compile(r"arn:[^:]*:states:[^:]*:[^:]*:activity:.+")
_LAMBDA = re.compile(r"arn:[^:]*:lambda:.+")


class DefinedTask(Struct, frozen=True):
    """A Task of the definition and the integration it names."""

    name: str
    resource: str
    """Its `Resource`, an ARN."""
    integration: Integration | None
    """None for activities, which are asked for work and call nothing."""
    role_arn: str | None = None
    """The role of its `Credentials`, where that is a fixed string."""


class Definition(Struct, frozen=True):
    """What is read from a definition."""

    tasks: tuple[DefinedTask, ...] = ()
    branches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """A Parallel state's name to the first states of its branches, in order."""

    @property
    def event_sources(self) -> tuple[str, ...]:
        """The services whose management events this machine can cause."""
        return event_sources(t.integration for t in self.tasks if t.integration)


def parse_definition(text: Any) -> Definition:
    """Read a definition's JSON text; what can't be read is not there."""
    return _parsed(text) if isinstance(text, str) else _read(text)


def _read(text: Any) -> Definition:
    tasks: list[DefinedTask] = []
    branches: dict[str, tuple[str, ...]] = {}
    for name, state in states_of(text):
        resource = text_of(state.get("Resource"))
        if state.get("Type") == "Task" and resource:
            tasks.append(_task(name, resource, state))
        if state.get("Type") == "Parallel":
            branches[name] = _starts(state)
    return Definition(tuple(tasks), branches)


_parsed = lru_cache(maxsize=256)(_read)
"""A timeline that grows has the same definition each time."""


def states_of(text: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every state, those of branches and iterations too, outermost first."""
    machines = [mapping_of(parse_json(text))]
    while machines:
        states = mapping_of(machines.pop(0).get("States"))
        for name, value in states.items():
            state = mapping_of(value)
            yield name, state
            machines.extend(_inner(state))


def _inner(state: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from map(mapping_of, list_of(state.get("Branches")))
    # Iterator is the older name of ItemProcessor.
    for key in ("ItemProcessor", "Iterator"):
        if key in state:
            yield mapping_of(state[key])


def _starts(state: Mapping[str, Any]) -> tuple[str, ...]:
    branches = map(mapping_of, list_of(state.get("Branches")))
    return tuple(text_of(branch.get("StartAt")) or "" for branch in branches)


def _task(name: str, resource: str, state: Mapping[str, Any]) -> DefinedTask:
    role = text_of(mapping_of(state.get("Credentials")).get("RoleArn"))
    return DefinedTask(name, resource, resource_integration(resource), role)


def resource_integration(resource: str) -> Integration | None:
    """Find the integration a `Resource` ARN names.

    `arn:aws:states:::ecs:runTask.sync` and `arn:aws:states:::aws-sdk:ecs:runTask`
    name one; an activity is asked for work and calls nothing. A Lambda function's
    own ARN is an invocation of it.
    """
    if _ACTIVITY.fullmatch(resource):
        return None
    if _LAMBDA.fullmatch(resource):
        return integration("lambda", "invoke")
    match = _OPTIMISED.fullmatch(resource)
    return integration(match["service"], match["action"]) if match else None
