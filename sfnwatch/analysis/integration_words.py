"""What a Task runs, and by which pattern, in words."""

from collections.abc import Sequence

from sfnwatch.analysis.grouping import FEW
from sfnwatch.analysis.lists import some
from sfnwatch.analysis.quantities import plural
from sfnwatch.model.integrations import Pattern
from sfnwatch.model.texts import clean
from sfnwatch.model.visits import Attempt

_RESOURCE = 200
_PATTERNS = {
    Pattern.SYNC: "Run a Job (.sync)",
    Pattern.TASK_TOKEN: "Wait for a Callback (.waitForTaskToken)",
    Pattern.REQUEST_RESPONSE: "Request Response",
    Pattern.AWS_SDK: "an AWS SDK integration",
    Pattern.LAMBDA: "a Lambda function's ARN",
    Pattern.ACTIVITY: "an activity",
}
"""AWS's own names for the patterns."""
_MEANING = {
    Pattern.SYNC: "an optimized integration that runs a job and waits for it to finish",
    Pattern.TASK_TOKEN: "an optimized integration that makes one call, then waits for"
    " the task token to come back",
    Pattern.REQUEST_RESPONSE: "an optimized integration that calls the API and"
    " continues with the response",
    Pattern.AWS_SDK: "the state calls the API and continues with the response",
    Pattern.LAMBDA: "the state invokes the function and waits for its result",
    Pattern.ACTIVITY: "the state waits for a worker to poll for the task; no call is"
    " made",
}
_JOB_LEFT = "the state completes as soon as the API responds, without waiting for a job"


def resource_words(attempt: Attempt) -> str:
    """Return what a Task runs, named as in its definition: `ecs:runTask.sync`."""
    if attempt.pattern in {Pattern.LAMBDA, Pattern.ACTIVITY}:
        name = (attempt.resource or "").rsplit(":", 1)[-1]
        return clean(f"{attempt.pattern}:{name}", _RESOURCE)
    # An event may lack details that events of its type have.
    names = (attempt.resource_type, attempt.resource)
    return clean(":".join(name for name in names if name) or "unknown", _RESOURCE)


def integration_text(names: Sequence[str], attempt: Attempt) -> str:
    """Return one sentence on what all these states use, and what that means."""
    verb = "uses" if len(names) == 1 else "use"
    who = some(names)
    if len(names) > FEW:
        who = f"{plural(len(names), 'state')} ({who})"
    kind = attempt.pattern
    row = attempt.integration
    plain = kind in {Pattern.REQUEST_RESPONSE, Pattern.AWS_SDK}
    meaning = _JOB_LEFT if plain and row and row.starts_job else _MEANING[kind]
    return f"{who} {verb} {resource_words(attempt)}, {_PATTERNS[kind]}: {meaning}."
