"""The visits, calls and tasks to print again after a batch of records."""

from collections.abc import Iterator

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.model.visits import StateVisit


def changed_visits(
    snapshot: Snapshot, changed: Changed
) -> Iterator[tuple[str, StateVisit]]:
    """Yield the visits that are new or changed, with their executions' ARNs."""
    for arn, visit_ids in changed.visits.items():
        execution = snapshot.executions.get(arn)
        if execution is None:
            continue
        for visit_id in sorted(visit_ids):
            visit = execution.visit(visit_id)
            if visit is not None:
                yield arn, visit


def changed_calls(trace: Trace, changed: Changed) -> list[ApiCall]:
    """Return the calls that are new or whose link changed, without dropped calls."""
    dropped = {call.event_id for call in changed.dropped_calls}
    dropped.difference_update(changed.calls)
    event_ids = dict.fromkeys((*changed.calls, *changed.links))
    return [trace.calls[event_id] for event_id in event_ids if event_id not in dropped]


def changed_tasks(snapshot: Snapshot, changed: Changed) -> set[str]:
    """Return the ARNs of ECS tasks with a new state or a newly known attempt."""
    known_tasks = snapshot.trace.task_states.keys()
    if not known_tasks:
        return set()
    arns = {state.task_arn for state in changed.task_states}
    for _, visit in changed_visits(snapshot, changed):
        for attempt in visit.attempts:
            arns.update(attempt.resource_ids)
    return arns & known_tasks
