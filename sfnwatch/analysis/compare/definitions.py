"""Compares the definitions of two executions."""

from collections.abc import Mapping
from typing import Any

from sfnwatch.analysis.compare.compared_execution import ExecutionPair
from sfnwatch.model.state_language import states_of
from sfnwatch.model.values import canonical, list_of, mapping_of, parse_object

_INNER_MACHINES = frozenset({"Branches", "ItemProcessor", "Iterator"})
"""The fields that hold states inside a state."""
StateFields = Mapping[str, str]
"""The fields of a state's definition, each as text."""


class DefinitionChanges:
    """The states in which two definitions differ, in the order of their definitions."""

    def __init__(
        self,
        in_a: Mapping[str, StateFields],
        in_b: Mapping[str, StateFields],
        *,
        outside: bool,
    ) -> None:
        """Compare states by name; `outside` is True if other parts differ."""
        self.same = in_a == in_b and not outside
        self.only_a = [name for name in in_a if name not in in_b]
        self.only_b = [name for name in in_b if name not in in_a]
        self.changed: dict[str, list[str]] = {}
        """The fields that differ, by the state's name."""
        for name, fields in in_a.items():
            changed = fields.items() ^ in_b.get(name, fields).items()
            if changed:
                self.changed[name] = sorted({field for field, _ in changed})
        self.outside = outside


def compare_definitions(sides: ExecutionPair) -> DefinitionChanges | None:
    """Compare the definitions of two executions; None if one is not known.

    A state's name is unique within a state machine, so states are compared by name,
    also inside branches and iterations. A state inside another one is compared by
    itself, not as a part of the other.
    """
    machines = []
    states = []
    for side in sides:
        text = side.execution.definition_text
        machine = parse_object(text or "")
        if not machine:
            return None
        machines.append(_outside(machine))
        states.append({name: _fields(state) for name, state in states_of(text)})
    return DefinitionChanges(*states, outside=machines[0] != machines[1])


def _outside(machine: Mapping[str, Any]) -> str:
    """Return what is outside the states, as text; comments don't count."""
    fields = machine.keys() - {"States", "Comment"}
    return canonical({field: machine[field] for field in fields})


def _fields(state: Mapping[str, Any]) -> StateFields:
    """Return a state's fields as text, without the states inside it."""
    fields = {}
    for name, value in state.items():
        if name in _INNER_MACHINES:
            machines = list_of(value) or [value]
            outsides = [_outside(mapping_of(machine)) for machine in machines]
            fields[name] = canonical(outsides)
        elif name != "Comment":
            fields[name] = canonical(value)
    return fields
