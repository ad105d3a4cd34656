"""One sentence for what ECS told of a task."""

from collections.abc import Mapping

from sfnwatch.trace.integrations import Pattern
from sfnwatch.trace.lanes import Row
from sfnwatch.trace.sentence_parts import short
from sfnwatch.trace.task_lives import Stage, stage_of
from sfnwatch.trace.task_states import TaskState
from sfnwatch.trace.task_words import task_id, task_words

_DOES: Mapping[str, str] = {
    "PROVISIONING": "is given what it needs before it may start",
    "PENDING": "waits for its containers to be started",
    "ACTIVATING": "is about to run",
    "RUNNING": "runs",
    "DEACTIVATING": "is being taken down",
    "STOPPING": "is being stopped",
    "DEPROVISIONING": "gives back what it was given",
}
"""What the documentation says of each status, in short."""


def task_sentence(row: Row, state: TaskState) -> str:
    """Explain a state: whose task it is, and what that means for the workflow."""
    whose = f" of {short(row.caller.name)}" if row.caller else ""
    task = f"The task {task_id(state)}{whose}"
    if stage_of(state) is not Stage.STOPPED:
        does = _DOES.get(state.last_status, f"is {short(state.last_status)}")
        return f"ECS: {task[:1].lower()}{task[1:]} {does}."
    how = "".join(text for text, _ in task_words(state).ending).strip()
    said = f"{task} has stopped{f' ({how})' if how else ''}"
    waits = row.attempt is not None and row.attempt.pattern is Pattern.SYNC
    if waits:
        return f"{said}: by this event, or by a poll, Step Functions can know of it."
    return f"{said}; the state that began it did not wait for that."
