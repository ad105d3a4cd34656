"""A definition put together of the states that followed each other in a history."""

from typing import Any

from sfnwatch.analysis.wording import resource_words
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.visits import StateVisit


def inferred_definition(execution: ExecutionAsOf) -> Any:
    """Put a definition together of the states that followed each other.

    What was not taken is not in it, and of what was taken not why.
    """
    whole: dict[str, Any] = {"Type": "Execution", "Branches": []}
    machines: dict[Any, dict[str, Any]] = {}
    homes: dict[int, dict[str, Any]] = {}
    before: dict[Any, StateVisit] = {}
    for visit in execution.visits:
        around = homes.get(visit.parent or 0, whole)
        place = id(around), visit.index if around["Type"] == "Parallel" else None
        if place not in machines:
            machines[place] = {"StartAt": visit.name, "States": {}}
            around["Branches"].append(machines[place])
        state = homes[visit.id] = machines[place]["States"].setdefault(
            visit.name, {"Type": visit.type, "Choices": [], "Catch": [], "Branches": []}
        )
        for attempt in visit.attempts[:1]:
            state["Resource"] = f"arn:aws:states:::{resource_words(attempt)}"
        last = before.get((visit.parent, visit.index))
        if last is not None:
            way = {"Next": visit.name}
            ways = homes[last.id]["Catch" if last.status == "caught" else "Choices"]
            ways += [] if way in ways else [way]
        before[visit.parent, visit.index] = visit
    last = before.get((None, None))
    # Of records with gaps it may be known of none that it ran in the execution itself.
    if last is not None and not execution.running:
        homes[last.id]["End"] = True
    return next(iter(whole["Branches"]), {})
