"""Findings on tasks of states that a history does not name.

AWS names every state before its tasks. Some emulators of AWS leave out the events of
states inside Parallel and Map states, but have those of their tasks.
"""

from collections.abc import Iterator

from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.integration_words import pattern_words, resource_words
from sfnwatch.analysis.quantities import agreeing, plural
from sfnwatch.model.attempt_events import belongs_to_attempt, phase_of
from sfnwatch.model.task_resource import TaskResource, resource_of_event

_MOST_PROOFS = 5
_SENTENCE = (
    "{tasks} {ran} {resource}, {pattern}, in states that this history does not name:"
    " which of their events belong together is not known."
)
_NOTHING_NAMED = "This history names neither the state nor the resource of {tasks}."


def unnamed_tasks(analysis: ExecutionAnalysis) -> Iterator[Finding]:
    """Tell what such tasks run; those that run the same make one finding."""
    events_of: dict[TaskResource, list[int]] = {}
    for event in analysis.execution.events:
        is_unnamed = belongs_to_attempt(event.type) and not event.attempt_id
        if is_unnamed and phase_of(event.type) == "Scheduled":
            details = analysis.snapshot.trace.details(event)
            task = resource_of_event(event.type, details)
            events_of.setdefault(task, []).append(event.id)
    for task, event_ids in events_of.items():
        count = len(event_ids)
        sentence = _SENTENCE if task.is_named else _NOTHING_NAMED
        text = sentence.format(
            tasks=plural(count, "task"),
            ran=agreeing(count, "runs", "run"),
            resource=resource_words(task),
            pattern=pattern_words(task.pattern),
        )
        proofs = [f"#{event_id}" for event_id in event_ids[:_MOST_PROOFS]]
        yield finding("unnamed-states", text, proofs, tasks=count)
