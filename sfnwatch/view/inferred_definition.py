"""A definition inferred from the visits of a history."""

from typing import Any

from msgspec import Struct, field

from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.visits import StateVisit

_StatesJson = dict[str, Any]


class _SeenState(Struct, eq=False):
    """A visited state, with the states that were visited inside of it."""

    definition: _StatesJson
    machines: dict[int | None, _StatesJson] = field(default_factory=dict)
    """The machine of each branch of a Parallel; other states have one, under None."""
    states: dict[tuple[int | None, str], "_SeenState"] = field(default_factory=dict)
    """The states inside, by branch and name."""

    def enter(self, visit: StateVisit) -> "_SeenState":
        """Return the inner state of a visit; a state's first visit adds it."""
        is_parallel = self.definition["Type"] == "Parallel"
        branch = visit.index if is_parallel else None
        machine = self.machines.get(branch)
        if machine is None:
            machine = {"StartAt": visit.name, "States": {}}
            self.machines[branch] = machine
            self.definition["Branches"].append(machine)
        state = self.states.get((branch, visit.name))
        if state is None:
            state = _SeenState(_empty_state(visit.type))
            self.states[branch, visit.name] = state
            machine["States"][visit.name] = state.definition
        return state


def _empty_state(state_type: str) -> _StatesJson:
    return {"Type": state_type, "Choices": [], "Catch": [], "Branches": []}


def inferred_definition(execution: ExecutionAsOf) -> _StatesJson:
    """Return a definition with the states and the transitions of a history.

    It lacks the transitions that were not taken, and the conditions of all others.
    """
    whole = _SeenState(_empty_state("Execution"))
    state_of: dict[int, _SeenState] = {}
    last_visits: dict[tuple[int | None, int | None], StateVisit] = {}
    for visit in execution.visits:
        around = state_of.get(visit.parent or 0, whole)
        state = around.enter(visit)
        state_of[visit.id] = state
        if visit.attempts:
            words = resource_words(visit.attempts[0])
            state.definition["Resource"] = f"arn:aws:states:::{words}"
        scope = visit.parent, visit.index
        last = last_visits.get(scope)
        if last is not None:
            kind = "Catch" if last.status == "caught" else "Choices"
            transitions = state_of[last.id].definition[kind]
            transition = {"Next": visit.name}
            if transition not in transitions:
                transitions.append(transition)
        last_visits[scope] = visit
    last = last_visits.get((None, None))
    # Records with gaps may lack all states at the top of the execution.
    if last is not None and not execution.running:
        state_of[last.id].definition["End"] = True
    return next(iter(whole.machines.values()), {})
