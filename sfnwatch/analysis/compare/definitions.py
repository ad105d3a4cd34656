"""Compares the definitions of two executions."""

from collections.abc import Mapping
from typing import Any

from sfnwatch.analysis.compare.compared_execution import ExecutionPair
from sfnwatch.model.state_language import states_of
from sfnwatch.model.values import canonical, list_of, mapping_of, parse_object

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
        shared = (name for name in in_a if name in in_b)
        others = {name: in_a[name].items() ^ in_b[name].items() for name in shared}
        told = ((name, {key for key, _ in each}) for name, each in others.items())
        self.changed = {name: sorted(fields) for name, fields in told if fields}
        """The fields that differ, by the state's name."""
        self.outside = outside


def compare_definitions(sides: ExecutionPair) -> DefinitionChanges | None:
    """Compare the definitions of two executions; None if one is not known.

    A state's name is unique within a state machine, so states are compared by name,
    also inside branches and iterations. A state inside another one is compared by
    itself, not as a part of the other.
    """
    texts = [side.execution.definition_text for side in sides]
    machines = [parse_object(text or "") for text in texts]
    if not all(machines):
        return None
    in_a, in_b = ({n: _fields(state) for n, state in states_of(t)} for t in texts)
    outside = _outside(machines[0]) != _outside(machines[1])
    return DefinitionChanges(in_a, in_b, outside=outside)


def _outside(machine: Mapping[str, Any]) -> str:
    """Return what is outside the states, as text; comments don't count."""
    return canonical({k: machine[k] for k in machine.keys() - {"States", "Comment"}})


def _fields(state: Mapping[str, Any]) -> StateFields:
    """Return a state's fields as text, without the states inside it."""
    told = {key: canonical(field) for key, field in state.items() if key != "Comment"}
    for key in told.keys() & {"Branches", "ItemProcessor", "Iterator"}:
        inner = list_of(state[key]) or [state[key]]
        told[key] = canonical([_outside(mapping_of(machine)) for machine in inner])
    return told
