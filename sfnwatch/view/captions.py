"""One sentence about a line, as a speaker would say it to an audience.

A caption uses only what the trace holds, and marks a link that is likely or a guess.
It has names in full, so that the mask finds them: the caption is masked first, and cut
to length where it is shown.
"""

from sfnwatch.analysis.names import named
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.integrations import Pattern
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.view.call_captions import call_sentence
from sfnwatch.view.caption_subject import CaptionSubject
from sfnwatch.view.event_captions import event_sentence
from sfnwatch.view.execution_labels import role_names
from sfnwatch.view.line import Line
from sfnwatch.view.outline_items import Backoff
from sfnwatch.view.parts import plain_text
from sfnwatch.view.task_text import task_id, task_text


def caption(line: Line, snapshot: Snapshot) -> str:
    """Return the sentence; with several executions it begins with the line's own."""
    sentence = _sentence(CaptionSubject(line))
    root = snapshot.roots.get(line.root_arn or "")
    if root is None or len(snapshot.roots) == 1:
        return f"{sentence}."
    name = f"{named(root.state_machine_name)} › {named(root.name)}"
    name = role_names(snapshot.roots.values()).get(root.arn, name)
    return f"{name}: {sentence}."


def _sentence(subject: CaptionSubject) -> str:
    match subject.line.item:
        case HistoryEvent() as event:
            sentence = event_sentence(subject, event)
            if subject.link is None:
                return sentence
            return f"{sentence}; its call is {subject.matched(subject.link)}"
        case ApiCall() as call:
            return call_sentence(subject, call)
        case TaskState() as state:
            return _task_sentence(subject, state)
        case Backoff() as backoff:
            wait = subject.backoff(backoff.number)
            return f"{subject.name} waits {wait} before the next try"
    if subject.line.call is not None:
        return f"{subject.name}: {subject.line_text}"
    return f"Folded: {subject.line_text}"


def _task_sentence(subject: CaptionSubject, state: TaskState) -> str:
    status = named(state.last_status)
    ending = plain_text(task_text(state).ending).strip()
    sentence = f"ECS reports task {task_id(state)} of {subject.name} as {status}"
    if ending:
        sentence = f"{sentence} ({ending})"
    if not state.stopped:
        return sentence
    if subject.attempt is not None and subject.attempt.pattern is Pattern.SYNC:
        return f"{sentence}; Step Functions learns of it by this event or by a poll"
    return f"{sentence}; its state did not wait"
