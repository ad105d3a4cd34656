"""The sentence about an event of a history, as a speaker would say it."""

import re
from textwrap import shorten

from sfnwatch.analysis import phases
from sfnwatch.analysis.integration_words import integration_text, resource_words
from sfnwatch.analysis.names import cleaned_path, named
from sfnwatch.analysis.next_try import next_try
from sfnwatch.analysis.quantities import spoken, time_of_day
from sfnwatch.analysis.reasons import error_words
from sfnwatch.analysis.statuses import ended_words
from sfnwatch.model.arns import role_name
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.history_event import STATUS_BY_END, HistoryEvent
from sfnwatch.model.integrations import Pattern
from sfnwatch.model.values import text_of
from sfnwatch.model.visits import Attempt, StateVisit
from sfnwatch.model.wait_states import wait_end
from sfnwatch.view.caption_subject import CaptionSubject
from sfnwatch.view.event_words import spaced
from sfnwatch.view.next_states import next_state, state_after

_REASON_LENGTH = 240
"""The most characters of an error and its cause."""
_READ_LENGTH = 2000
"""The most characters that are read of each."""
_FAMILY = re.compile(r"^(?:Task|LambdaFunction|Activity)(?=[A-Z])")
"""The begin of an event's type that names what kind of task it is about."""
_NOT_RECORDED = "; CloudTrail Event history does not include that call"
_DONE = {
    Pattern.SYNC: "its job finished",
    Pattern.TASK_TOKEN: "its task token came back",
    Pattern.LAMBDA: "the function returned",
    Pattern.ACTIVITY: "the worker reported success",
}
_STATES = {
    "Choice": "chooses the next state",
    "Parallel": "starts its branches",
    "Map": "runs its states once per item",
    "Wait": "waits",
    "Pass": "passes its input on; no call is made",
    "Succeed": "ends {around} successfully",
    "Fail": "fails {around}",
}
"""What a state does, by its type; `around` is what it ends."""
_AROUND = {"Map": "its iteration", "Parallel": "its branch"}
"""What a state in a Map or a Parallel ends."""
_CONSEQUENCES = {"caught": "; a Catch handles it", "failed": "; nothing catches it"}
"""What followed a failed attempt, by the state's status."""


def event_sentence(subject: CaptionSubject, event: HistoryEvent) -> str:
    """Return the sentence about an event."""
    kind = event.type
    visit = subject.visit
    if kind == "ExecutionStarted" and subject.execution is not None:
        return _execution_started(subject.execution)
    if kind in STATUS_BY_END:
        ended = _ended(subject, event, kind.removeprefix("Execution"))
        return f"The execution {ended}"
    if kind.endswith("StateEntered") and visit is not None:
        return _entered(subject, visit)
    if kind.endswith(("StateExited", "StateSucceeded")) and visit is not None:
        return _exited(subject, visit)
    if kind == "MapIterationStarted":
        first = state_after(subject.execution, event.id)
        if first is not None:
            return f"Iteration {event.iteration} begins: {_entered(subject, first)}"
    if subject.attempt is not None:
        phase = _FAMILY.sub("", kind)
        return _attempt_sentence(subject, event, phase, subject.attempt)
    if visit is not None:
        return f"{subject.name}: {subject.line_text}"
    return subject.line_text


def _execution_started(execution: ExecutionAsOf) -> str:
    name = named(execution.name)
    machine = named(execution.state_machine_name)
    role = role_name(execution.role_arn)
    using = f", using the role {named(role)}" if role else ""
    return f"Execution {name} of {machine} starts{using}"


def _entered(subject: CaptionSubject, visit: StateVisit) -> str:
    execution = subject.execution
    if visit.attempts and execution is not None:
        return _task_entered(subject, execution, visit)
    around = "the execution"
    outer = execution.visit(visit.parent) if execution is not None else None
    if outer is not None:
        around = _AROUND.get(outer.type, "its branch")
    does = _STATES.get(visit.type, "is entered").format(around=around)
    if visit.type == "Choice":
        does += _next_state(subject, visit, ": ")
    if visit.type == "Wait":
        does += _wait_words(subject, visit)
    return f"{cleaned_path(visit)}, a {named(visit.type)} state, {does}"


def _wait_words(subject: CaptionSubject, visit: StateVisit) -> str:
    """Return how long a Wait took or, by the definition, when it ends."""
    if visit.ended_at is not None:
        return f" {_length(visit)}"
    if subject.execution is None:
        return ""
    ends_at = wait_end(subject.snapshot, subject.execution, visit)
    if ends_at is None:
        return ""
    return f" until {time_of_day(ends_at, visit.entered_at)} UTC"


def _task_entered(
    subject: CaptionSubject, execution: ExecutionAsOf, visit: StateVisit
) -> str:
    first = visit.attempts[0]
    sentence = integration_text([cleaned_path(visit)], first).removesuffix(".")
    integration = first.integration
    if integration is None or integration.recorded:
        return sentence
    if subject.snapshot.calls_of((execution.arn, first.scheduled_id)):
        return sentence
    return f"{sentence}{_NOT_RECORDED}"


def _next_state(subject: CaptionSubject, visit: StateVisit, before: str) -> str:
    """Return the name of the state that follows; empty while it is not known."""
    following = next_state(subject.execution, visit)
    return f"{before}{named(following.name)}" if following else ""


def _length(visit: StateVisit) -> str:
    return spoken(phases.seconds_taken(visit, visit.ended_at or visit.entered_at))


def _exited(subject: CaptionSubject, visit: StateVisit) -> str:
    length = _length(visit)
    following = _next_state(subject, visit, "; next: ")
    if visit.status == "caught":
        caught = f"failed after {length}, but a Catch handled it"
        return f"{subject.name} {caught}{following}"
    return f"{subject.name} finished after {length}{following}"


def _attempt_sentence(
    subject: CaptionSubject, event: HistoryEvent, phase: str, attempt: Attempt
) -> str:
    match phase:
        case "Scheduled":
            return _scheduled(subject, attempt)
        case "Started":
            return _started(subject, event, attempt)
        case "Submitted":
            is_token = attempt.pattern is Pattern.TASK_TOKEN
            awaited = "its task token" if is_token else subject.job
            action = subject.action
            return f"{action} returned; Step Functions now waits for {awaited}"
        case "Succeeded":
            return _succeeded(subject, event, attempt)
    name = subject.name
    if subject.visit is not None and len(subject.visit.attempts) > 1:
        name = f"Try {subject.context.number} of {name}"
    return f"{name} {_ended(subject, event, phase)}{_consequence(subject)}"


def _scheduled(subject: CaptionSubject, attempt: Attempt) -> str:
    number = subject.context.number
    sentence = f"Step Functions schedules {resource_words(attempt)}"
    if number > 1:
        sentence = f"{sentence}, try {number} of {subject.name}"
    else:
        sentence = f"{sentence} for {subject.name}"
    if subject.is_redriven(number):
        return f"After the redrive, {sentence}"
    wait = subject.backoff(number)
    return f"After {wait} of retry back-off, {sentence}" if wait else sentence


def _started(subject: CaptionSubject, event: HistoryEvent, attempt: Attempt) -> str:
    worker = text_of(subject.snapshot.trace.details(event).get("workerName"))
    starts = f"was taken by worker {named(worker)}" if worker else "started"
    return f"{resource_words(attempt)} {starts}{_after(subject, event)}"


def _succeeded(subject: CaptionSubject, event: HistoryEvent, attempt: Attempt) -> str:
    conclusion = subject.line.conclusion
    if conclusion:
        learned = "Step Functions learned of it"
        if len(conclusion) > 1:
            learned = f"{learned} by {conclusion[1].text},"
        delay = conclusion[-1].text.strip()
        return f"{subject.name} succeeded: {learned} {delay}"
    done = _DONE.get(attempt.pattern, f"{subject.action} returned")
    sentence = f"{subject.name}: {done}{_after(subject, event)}"
    integration = attempt.integration
    if integration is None or not integration.starts_job or attempt.pattern in _DONE:
        return sentence
    return f"{sentence}; nothing waits for {subject.job}, which may still be running"


def _consequence(subject: CaptionSubject) -> str:
    """Return what followed a failed attempt: a redrive, retry, Catch, or none."""
    number = subject.context.number + 1
    if subject.is_redriven(number):
        return f"; a redrive begins try {number}"
    wait = subject.backoff(number)
    if wait:
        return f"; try {number} follows {wait} later"
    if subject.visit is not None and subject.execution is not None:
        following = next_try(subject.execution, subject.visit)
        is_last = subject.context.number == len(subject.visit.attempts)
        if following is not None and is_last:
            return f"; {following.words}"
    return _CONSEQUENCES.get(subject.visit.status, "") if subject.visit else ""


def _ended(subject: CaptionSubject, event: HistoryEvent, status: str) -> str:
    """Return how something ended: `failed after 1m 16s (States.TaskFailed: …)`."""
    verb = ended_words(spaced(status))
    return f"{verb}{_after(subject, event)}{_reason(subject, event)}"


def _after(subject: CaptionSubject, event: HistoryEvent) -> str:
    """Return the time from the attempt's or execution's start to an event."""
    begun = None
    if subject.attempt is not None:
        begun = subject.attempt.scheduled_at
    elif subject.execution is not None:
        begun = subject.execution.started_at
    if begun is None:
        return ""
    return f" after {spoken(max(0.0, (event.at - begun).total_seconds()))}"


def _reason(subject: CaptionSubject, event: HistoryEvent) -> str:
    """Return why: ` (States.TaskFailed: Essential container exited)`, or empty."""
    details = subject.snapshot.trace.details(event)
    error = text_of(details.get("error"))
    cause = text_of(details.get("cause"))
    words = error_words(error, cause, _READ_LENGTH)
    words = shorten(words, _REASON_LENGTH, placeholder="…")
    return f" ({words})" if words else ""
