"""How a watch ends: its exit code, and the ends that AWS does not tell."""

from collections.abc import Iterator

from sfnwatch.errors import Outcome, RefusedError
from sfnwatch.model.execution_list import RUNNING
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.texts import clean
from sfnwatch.model.trace import Trace

MOST_OF_NAME = 200
"""Characters of an execution's name, or its ARN, in a sentence."""
_CODES = {
    "FAILED": Outcome.FAILED,
    "TIMED_OUT": Outcome.TIMED_OUT,
    "ABORTED": Outcome.ABORTED,
}


def outcome(snapshot: Snapshot) -> int:
    """Return the exit code for the executions' ends.

    It is that of the first that failed, else that of one that still runs.
    """
    statuses = [execution.status for execution in snapshot.roots.values()]
    for status in statuses:
        if status in _CODES:
            return _CODES[status]
    is_running = any(status in RUNNING for status in statuses)
    return Outcome.RUNNING if is_running else Outcome.SUCCEEDED


def has_failed(snapshot: Snapshot) -> bool:
    """True once the history of a watched execution ends with a failure.

    DescribeExecution may tell the failure earlier, when the states before it are still
    to be read.
    """
    for execution in snapshot.roots.values():
        if execution.ending is not None and execution.status in _CODES:
            return True
    return False


def raise_if_refused(trace: Trace) -> None:
    """Raise RefusedError where AWS does not tell how an execution ended.

    Where it tells the ends of others, those have been shown by then.
    """
    reasons = dict.fromkeys(_unknown_ends(trace))
    if reasons:
        raise RefusedError("; ".join(reasons))


def _unknown_ends(trace: Trace) -> Iterator[str]:
    """Say why AWS does not tell an execution's end, for each that has none."""
    executions = trace.as_of().executions
    for (lane, _, arn), reports in trace.healths.items():
        health = reports[-1]
        execution = executions.get(arn)
        if lane != "history":
            continue
        if execution and execution.event_count and not execution.running:
            continue
        if health.state is HealthState.REFUSED:
            yield health.message
        elif health.state is HealthState.ENDED and execution is not None:
            name = clean(execution.name, MOST_OF_NAME)
            yield f"How {name} ended is not known. {health.message}".rstrip()
