"""Which state is entered after an event, or after another state."""

from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.visits import StateVisit

_BETWEEN = 200
"""So many events of other branches are looked past for the state that follows."""


def state_after(execution: ExecutionAsOf | None, event_id: int) -> StateVisit | None:
    """Find the state that is entered right after an event, such as another's exit."""
    if execution is None:
        return None
    events = map(execution.event, range(event_id + 1, event_id + _BETWEEN))
    after = (e.id for e in events if e is not None and e.previous_event_id == event_id)
    return next(filter(None, map(execution.visit, after)), None)


def next_state(execution: ExecutionAsOf | None, visit: StateVisit) -> StateVisit | None:
    """Find the state that is entered right after the exit of another."""
    own = map(execution.event, visit.event_ids) if execution else ()
    left = [e.id for e in own if e is not None and e.type.endswith("StateExited")]
    return state_after(execution, left[-1]) if left else None
