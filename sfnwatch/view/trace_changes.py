"""The changes that a batch made to a trace, as the views need them."""

from collections.abc import Iterable, Iterator
from itertools import chain

from sfnwatch.model.linking.link import Link
from sfnwatch.model.trace import Changed, Trace


def everything(trace: Trace) -> Changed:
    """Return all that a trace holds, as the changes of a single batch."""
    changed = Changed(executions=set(trace.executions), calls=list(trace.calls))
    changed.links = {event_id: (None, link) for event_id, link in trace.links.items()}
    for arn, execution in trace.executions.items():
        changed.events[arn] = list(execution.ordered)
        changed.visits[arn] = set(execution.visits)
    for states in trace.task_states.values():
        changed.task_states += states
    return changed


def new_calls(changed: Changed) -> Iterable[str]:
    """Return the event ids of calls that are new, or that had no link before."""
    event_ids = dict.fromkeys(changed.calls)
    for event_id, (link_before, _) in changed.links.items():
        if link_before is None:
            event_ids[event_id] = None
    return event_ids


def links_in(changed: Changed) -> Iterator[Link]:
    """Yield the changed links of a batch, as they were before and as they are now."""
    for link in chain.from_iterable(changed.links.values()):
        if link is not None:
            yield link


def visit_keys_in(changed: Changed) -> Iterator[tuple[str, int]]:
    """Yield the keys of the visits that are new or changed."""
    for arn, visit_ids in changed.visits.items():
        for visit_id in visit_ids:
            yield arn, visit_id
