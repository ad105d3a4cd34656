"""What a batch changed in a trace, as the views need it."""

from collections.abc import Iterable, Iterator
from itertools import chain

from sfnwatch.model.linking.link import Link
from sfnwatch.model.trace import Changed, Trace


def everything(trace: Trace) -> Changed:
    """Give all that a trace holds, as if one batch had brought it."""
    executions = trace.executions
    return Changed(
        events={arn: list(each.ordered) for arn, each in executions.items()},
        visits={arn: set(each.visits) for arn, each in executions.items()},
        executions=set(executions),
        calls=list(trace.calls),
        task_states=list(chain.from_iterable(trace.task_states.values())),
    )


def new_calls(changed: Changed) -> Iterable[str]:
    """Give the calls that had no line before: new ones, or matched at last."""
    matched = (each for each, pair in changed.links.items() if pair[0] is None)
    return dict.fromkeys((*changed.calls, *matched))


def links_in(changed: Changed) -> Iterator[Link]:
    """Yield the links of a batch as they were before and as they are now."""
    links = chain.from_iterable(changed.links.values())
    return (link for link in links if link is not None)
