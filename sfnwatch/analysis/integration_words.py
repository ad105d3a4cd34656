"""What a Task runs, and by which pattern, in words."""

from collections.abc import Sequence

from sfnwatch.analysis.grouping import FEW
from sfnwatch.analysis.lists import some
from sfnwatch.analysis.quantities import agreeing, plural
from sfnwatch.model.integrations import Pattern
from sfnwatch.model.task_resource import TaskResource
from sfnwatch.model.texts import clean
from sfnwatch.model.visits import Attempt

_RESOURCE_CHARACTERS = 200
_PATTERNS = {
    Pattern.SYNC: "Run a Job (.sync)",
    Pattern.TASK_TOKEN: "Wait for a Callback (.waitForTaskToken)",
    Pattern.REQUEST_RESPONSE: "Request Response",
    Pattern.AWS_SDK: "an AWS SDK integration",
    Pattern.LAMBDA: "a Lambda function's ARN",
    Pattern.ACTIVITY: "an activity",
    Pattern.UNKNOWN: "whose kind is not known",
}
"""AWS's own names for the patterns."""
_MEANINGS = {
    Pattern.SYNC: "an optimized integration that runs a job and waits for it to finish",
    Pattern.TASK_TOKEN: "an optimized integration that makes one call, then waits for"
    " the task token to come back",
    Pattern.REQUEST_RESPONSE: "an optimized integration that calls the API and"
    " continues with the response",
    Pattern.AWS_SDK: "the state calls the API and continues with the response",
    Pattern.LAMBDA: "the state invokes the function and waits for its result",
    Pattern.ACTIVITY: "the state waits for a worker to poll for the task; no call is"
    " made",
    Pattern.UNKNOWN: "so whether it calls an API is not known either",
}
_JOB_LEFT_BEHIND = (
    "the state completes as soon as the API responds, without waiting for a job"
)
_LEAVING_JOBS = frozenset({Pattern.REQUEST_RESPONSE, Pattern.AWS_SDK})
"""The patterns that do not wait for a job that their call starts."""
_SENTENCE = "{states} {use} {resource}, {pattern}: {meaning}."
_UNNAMED = "{states} {use} a resource that the history does not name."


def resource_words(task: Attempt | TaskResource) -> str:
    """Return what a Task runs, named as in its definition: `ecs:runTask.sync`."""
    if task.pattern in {Pattern.LAMBDA, Pattern.ACTIVITY}:
        name = (task.resource or "").rsplit(":", 1)[-1]
        return clean(f"{task.pattern}:{name}", _RESOURCE_CHARACTERS)
    if task.pattern is Pattern.UNKNOWN and task.resource:
        return clean(task.resource, _RESOURCE_CHARACTERS)
    # An event may lack details that events of its type have.
    names = filter(None, (task.resource_type, task.resource))
    return clean(":".join(names) or "unknown", _RESOURCE_CHARACTERS)


def pattern_words(pattern: Pattern) -> str:
    """Return a pattern by AWS's own name: `Run a Job (.sync)`."""
    return _PATTERNS[pattern]


def leaves_job(attempt: Attempt) -> bool:
    """True if an attempt starts a job and completes without waiting for it."""
    row = attempt.integration
    return attempt.pattern in _LEAVING_JOBS and row is not None and row.starts_job


def integration_text(names: Sequence[str], attempt: Attempt) -> str:
    """Return one sentence on what all these states use, and what that means."""
    states = some(names)
    if len(names) > FEW:
        states = f"{plural(len(names), 'state')} ({states})"
    use = agreeing(len(names), "uses", "use")
    if not attempt.resource_type and not attempt.resource:
        return _UNNAMED.format(states=states, use=use)
    meaning = _MEANINGS[attempt.pattern]
    if leaves_job(attempt):
        meaning = _JOB_LEFT_BEHIND
    return _SENTENCE.format(
        states=states,
        use=use,
        resource=resource_words(attempt),
        pattern=pattern_words(attempt.pattern),
        meaning=meaning,
    )
