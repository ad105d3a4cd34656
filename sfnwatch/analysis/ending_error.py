"""The error and the cause in an event, and those that an execution ended with."""

from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.values import text_of


def ended_with(
    snapshot: Snapshot, execution: ExecutionAsOf
) -> tuple[str | None, str | None]:
    """Return the error and the cause that an execution ended with; None if unknown.

    The last event of its history has them. If it is missing, DescribeExecution does.
    """
    if execution.ending is not None:
        return error_and_cause(snapshot, execution.ending)
    answer = execution.described
    if execution.running or answer is None:
        return None, None
    return answer.error, answer.cause


def error_and_cause(
    snapshot: Snapshot, event: HistoryEvent
) -> tuple[str | None, str | None]:
    """Return the error and the cause in an event; None if it has none."""
    details = snapshot.trace.details(event)
    return text_of(details.get("error")), text_of(details.get("cause"))
