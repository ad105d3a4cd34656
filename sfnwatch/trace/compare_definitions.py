"""In which states two definitions differ.

A state's name is its own within a whole machine, so states are compared by name, those
of branches and iterations too; what only stands inside of another state is compared as
itself, not as a part of that.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sfnwatch.trace.compare_points import (
    Definitions,
)
from sfnwatch.trace.payload import canonical, mapping_of, parse_json
from sfnwatch.trace.timeline import Timeline

_INNER = ("ItemProcessor", "Iterator")


def compare_definitions(a: Timeline, b: Timeline) -> Definitions | None:
    """Compare what two executions were defined by; None where one is not known."""
    one, other = _machine(a), _machine(b)
    if not one or not other:
        return None
    states_a, states_b = dict(_states(one)), dict(_states(other))
    return Definitions(
        only_a=tuple(name for name in states_a if name not in states_b),
        only_b=tuple(name for name in states_b if name not in states_a),
        changed=tuple(
            (name, _fields(state, states_b[name]))
            for name, state in states_a.items()
            if name in states_b and states_b[name] != state
        ),
        outside=_outside(one) != _outside(other),
    )


def _machine(timeline: Timeline) -> Mapping[str, Any]:
    data = timeline.defined.data if timeline.defined else {}
    return mapping_of(parse_json(data.get("definition")))


def _outside(machine: Mapping[str, Any]) -> str:
    """Write what is in no state; a comment is for people."""
    kept = {k: v for k, v in machine.items() if k not in {"States", "Comment"}}
    return canonical(kept)


def _fields(a: Mapping[str, str], b: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sorted(key for key in {*a, *b} if a.get(key) != b.get(key)))


def state_names(timeline: Timeline) -> frozenset[str]:
    """Name every state that a machine is known to have."""
    defined = (name for name, _ in _states(_machine(timeline)))
    visited = (visit.name for visit in timeline.visits)
    return frozenset((*defined, *visited))


def _states(machine: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield every state's name and its fields, without the states inside."""
    machines = [machine]
    while machines:
        for name, value in mapping_of(machines.pop().get("States")).items():
            state = dict(mapping_of(value))
            branches = state.get("Branches")
            inner = (
                [mapping_of(b) for b in branches] if isinstance(branches, list) else []
            )
            if inner:
                state["Branches"] = [_outside(branch) for branch in inner]
            for key in _INNER:
                if key in state:
                    inner.append(mapping_of(state[key]))
                    state[key] = _outside(inner[-1])
            state.pop("Comment", None)
            machines.extend(reversed(inner))
            yield name, {key: canonical(field) for key, field in state.items()}
