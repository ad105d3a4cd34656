"""Reads from a definition in the Amazon States Language what a machine *can* call.

The look-up plan is made from it. So for a machine that only calls Lambda, CloudTrail is
not asked about ECS.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct, field

from sfnwatch.model.integrations import Integration
from sfnwatch.model.task_resource import resource_of_arn
from sfnwatch.model.values import list_of, mapping_of, parse_json, text_of


class DefinedTask(Struct, frozen=True):
    """A Task of the definition, and the integration that it names."""

    integration: Integration | None
    """None for an activity, which calls nothing."""
    role_arn: str | None = None
    """The role in its `Credentials`, where that is a fixed string."""


class Definition(Struct, frozen=True):
    """The tasks and the branches of a definition."""

    tasks: tuple[DefinedTask, ...] = ()
    branches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The names of the first states of the branches, by the Parallel state's name."""


@lru_cache(maxsize=256)
def parse_definition(text: str | None) -> Definition:
    """Return the tasks and branches of a definition's JSON text.

    Parts that can't be read are left out. The result is cached: a watched execution's
    definition is the same each time.
    """
    tasks: list[DefinedTask] = []
    branches: dict[str, tuple[str, ...]] = {}
    for name, state in states_of(text):
        resource = text_of(state.get("Resource"))
        if state.get("Type") == "Task" and resource:
            role = text_of(mapping_of(state.get("Credentials")).get("RoleArn"))
            tasks.append(DefinedTask(resource_of_arn(resource).integration, role))
        if state.get("Type") == "Parallel":
            machines = map(mapping_of, list_of(state.get("Branches")))
            starts = (text_of(machine.get("StartAt")) for machine in machines)
            branches[name] = tuple(start or "" for start in starts)
    return Definition(tuple(tasks), branches)


def states_of(text: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield all states with their names, outermost first, also in branches and Maps."""
    machines = [mapping_of(parse_json(text))]
    while machines:
        states = mapping_of(machines.pop(0).get("States"))
        for name, value in states.items():
            state = mapping_of(value)
            yield name, state
            # Iterator is the older name of ItemProcessor.
            iterated = state.get("ItemProcessor"), state.get("Iterator")
            machines += map(mapping_of, (*list_of(state.get("Branches")), *iterated))
