"""What sentences are put together from: names, lengths of time, reasons."""

import re

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.timeline import Timeline
from sfnwatch.trace.visits import StateVisit
from sfnwatch.trace.words import cause_words, id_word, short_id

LONGEST = 140
"""Characters that can be read while somebody speaks."""
_STOPS = re.compile(r"[.…]\.+$")
"""What ends a name or a cause needs no full stop."""
_NAME = 100
"""No name that AWS allows is longer, so that a mask finds it whole."""
_REASON = 400
_LONG_WORD = re.compile(r"[^\s;:,]{37,}")
_SERVICES = {
    "athena": "Athena",
    "batch": "Batch",
    "bedrock": "Bedrock",
    "codebuild": "CodeBuild",
    "databrew": "DataBrew",
    "dynamodb": "DynamoDB",
    "elasticmapreduce": "EMR",
    "emr-containers": "EMR on EKS",
    "emr-serverless": "EMR Serverless",
    "events": "EventBridge",
    "glue": "Glue",
    "lambda": "Lambda",
    "mediaconvert": "MediaConvert",
    "sagemaker": "SageMaker",
    "secretsmanager": "Secrets Manager",
    "states": "Step Functions",
    "xray": "X-Ray",
}


def fit(sentence: str, limit: int = LONGEST) -> str:
    """Cut a sentence that is too long: its long words, and if need be its end."""
    sentence = _STOPS.sub(lambda stops: stops[0][0], sentence)
    if len(sentence) > limit:
        sentence = _LONG_WORD.sub(lambda word: f"{word[0][:35]}…", sentence)
    if len(sentence) <= limit:
        return sentence
    head = sentence[: limit - 1]
    return f"{head.rpartition(' ')[0] or head}…"


def short(name: str | None, limit: int = _NAME) -> str:
    """Clean a name, and cut one that would take the whole sentence."""
    text = clean(name or "?")
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def service_name(event_source: str) -> str:
    """Name a service as people do: `ecs.amazonaws.com` is ECS."""
    label = event_source.partition(".")[0]
    return _SERVICES.get(label) or short(label.upper())


def thing_of(attempt: Attempt | None) -> str:
    """Say what a job is to people: a task, a job, a query."""
    return id_word(attempt).rpartition(" ")[0] or "job"


def id_of(attempt: Attempt) -> str:
    """Give what tells the job from others; of an ARN, what follows the last colon."""
    if not attempt.resource_ids:
        return ""
    return short(short_id(attempt.resource_ids[0]).rpartition(":")[2])


def starts_job(attempt: Attempt) -> bool:
    """True if the call begins something that goes on after it was answered."""
    row = attempt.integration
    verbs = ("run", "start", "submit", "create", "add")
    return row is not None and bool(row.id_paths) and row.action.startswith(verbs)


def reason(event: HistoryEvent) -> str:
    """Say why, as an event has it: `: States.Timeout, …`."""
    error, cause = event.detail("error"), event.detail("cause")
    said = [short(error, _REASON)] if error else []
    if cause:
        said.append(short(cause_words(cause), _REASON))
    return f": {', '.join(said)}" if said else ""


def seconds_in(visit: StateVisit) -> float | None:
    end = visit.exited_at or visit.ended_at
    if end is None:
        return None
    return (end - visit.entered_at).total_seconds() - visit.paused


def after(seconds: float | None) -> str:
    return f" after {duration(seconds)}" if seconds is not None and seconds >= 0 else ""


def around_of(visit: StateVisit, timeline: Timeline | None) -> StateVisit | None:
    """Find the Parallel or Map that a state runs in."""
    return timeline.visits.by_id.get(visit.parent or 0) if timeline else None


def invokes_function(attempt: Attempt) -> bool:
    """True for `lambda:invoke`, the newer way to run a function."""
    row = attempt.integration
    return (
        row is not None
        and row.event_source.startswith("lambda.")
        and (row.action == "invoke")
    )


def place_of(visit: StateVisit, timeline: Timeline | None) -> str:
    """Say in which branch or iteration a state runs: ` in Each[3]`."""
    around = around_of(visit, timeline)
    if around is None:
        return ""
    index = "" if visit.index is None else f"[{visit.index}]"
    return f" in {short(around.name)}{index}"


def next_state(timeline: Timeline | None, event: HistoryEvent) -> str | None:
    """Name the state that follows a StateExited event."""
    if timeline is None:
        return None
    following = (
        later
        for later in timeline.ordered
        if later.previous_event_id == event.id and later.id > event.id
    )
    entered = (e for e in following if e.type.endswith("StateEntered"))
    found = next(entered, None)
    return short(found.detail("name")) if found else None
