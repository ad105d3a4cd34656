"""The state that is entered after an event, or after another state."""

from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.visits import StateVisit

_MOST_EVENTS_BETWEEN = 200
"""The search for the next state ends after this many events: others run in parallel."""


def state_after(execution: ExecutionAsOf | None, event_id: int) -> StateVisit | None:
    """Return the visit that begins right after an event, such as an exit; or None."""
    if execution is None:
        return None
    for later_id in range(event_id + 1, event_id + _MOST_EVENTS_BETWEEN):
        event = execution.event(later_id)
        if event is not None and event.previous_event_id == event_id:
            visit = execution.visit(event.id)
            if visit is not None:
                return visit
    return None


def next_state(execution: ExecutionAsOf | None, visit: StateVisit) -> StateVisit | None:
    """Return the visit that begins right after the exit of another; or None."""
    if execution is None:
        return None
    for event_id in reversed(visit.event_ids):
        event = execution.event(event_id)
        if event is not None and event.type.endswith("StateExited"):
            return state_after(execution, event.id)
    return None
