"""Names, numbers and lengths of time, as words of a sentence.

Every string from AWS is cleaned here before it becomes part of a sentence.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from os.path import commonprefix
from typing import TypeVar

from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.integrations import Pattern
from sfnwatch.model.linking.link import Link
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration
from sfnwatch.model.values import parse_object, text_of
from sfnwatch.model.visits import ROOT, Attempt, StateVisit

T = TypeVar("T")
K = TypeVar("K")
NAME = 80
"""The most letters of a name in a sentence; AWS allows state names no longer."""
FEW = 3
"""Up to this number, like things are reported one by one; more of them together."""
_RESOURCE = 200
_REASON = 200
_MINUTE = 60
_MINUTELY = (50, 70)
_FIVE_MINUTELY = (270, 330)
_REASONS = (
    *("StoppedReason", "errorMessage", "Cause"),
    *("StatusReason", "Error", "Status"),
)
"""The keys under which ECS, Lambda, Step Functions and Batch give a reason, the first
that is present counts."""
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
_DATE = re.compile(r"-\d{8}")
_JOB_LEFT = "the state completes as soon as the API responds, without waiting for a job"
_ENDED = {
    "aborted": "was aborted",
    "caught": "failed",
    "running": "is still running",
    "schedule failed": "could not be scheduled",
    "start failed": "could not be started",
    "submit failed": "could not submit its call",
}


# -- numbers ---------------------------------------------------------------------------


def spoken(seconds: float) -> str:
    """Return a length of time in words: `0.26 s`, `58.6 s`, `5m 09s`, `2h 03m`."""
    if seconds < 0:
        return f"-{spoken(-seconds)}"
    if round(seconds, 1) < _MINUTE:
        return f"{decimal(seconds, 2 if seconds < 1 else 1)} s"
    return duration(seconds)


def decimal(value: float, places: int = 1) -> str:
    """Return a number without trailing zeros: `55`, `58.6`."""
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def time_of_day(at: datetime, since: datetime | None = None) -> str:
    """Return the time of day in UTC, with the date if it is not the date of `since`."""
    dated = since is not None and since.date() != at.date()
    return f"{at:%Y-%m-%d %H:%M:%S}" if dated else f"{at:%H:%M:%S}"


def times(count: int) -> str:
    """Return a count in words: `once`, `twice`, `5 times`."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun: `1 poll`, `5 polls`, `2 retries`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def cadence(seconds: float) -> str:
    """Return how often something comes, given the seconds from one to the next."""
    if _MINUTELY[0] <= seconds <= _MINUTELY[1]:
        return "about once a minute"
    if _FIVE_MINUTELY[0] <= seconds <= _FIVE_MINUTELY[1]:
        return "about once every 5 minutes"
    # CloudTrail's times are whole seconds, so the interval may be 0.
    return f"about every {spoken(seconds)}" if seconds > 0 else "within a second"


# -- lists -----------------------------------------------------------------------------


def listed(items: Sequence[str]) -> str:
    """Join items as in a sentence: `a, b and c`."""
    if len(items) < 2:  # noqa: PLR2004 - one needs no joining
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def some(items: Iterable[str], most: int = FEW) -> str:
    """Join the first few items, and add the number of the others."""
    every = list(items)
    rest = len(every) - most
    return listed(every if rest <= 0 else [*every[:most], f"{rest} more"])


def ranked(names: Iterable[str]) -> dict[str, int]:
    """Count names, the most frequent first."""
    counts = Counter(names)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def counted(counts: Mapping[str, int], most: int = FEW) -> str:
    """List names with their counts: `5 DescribeTasks, 4 RunTask and 1 more`."""
    return some((f"{count} {named(name)}" for name, count in counts.items()), most)


def grouped(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """Group items by their key, in the order in which the keys first come."""
    found: dict[K, list[T]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found


def together(items: Sequence[T]) -> list[Sequence[T]]:
    """Divide like items into groups to report: one by one, or all together if many."""
    return [items] if len(items) > FEW else [[item] for item in items]


# -- names -----------------------------------------------------------------------------


def named(name: str | None) -> str:
    """Return a name that strangers chose, cleaned; `?` if there is none."""
    return clean(name or "?", NAME)


def visit_name(visit: StateVisit, *, alone: bool = True) -> str:
    """Return a visit's name; unless it is alone, its path: `Each[3] / Work`."""
    return named(visit.name if alone else visit.path.removeprefix(f"{ROOT} / "))


def status_words(status: str | None) -> str:
    """Return a status in plain words; a new status of AWS's is worded the same way."""
    return named((status or "unknown").lower().replace("_", " "))


def ended_words(status: str) -> str:
    """Return how something ended, as a verb: `was aborted`, `timed out`."""
    return _ENDED.get(status.lower(), status_words(status))


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


def cause_words(cause: str) -> str:
    """Return the reason in a cause that is a job or an error as JSON.

    A cause of another form is returned as it is.
    """
    body = parse_object(cause)
    reasons = (text_of(body.get(key)) for key in _REASONS)
    return next((reason for reason in reasons if reason), cause)


def why(error: str | None, cause: str | None, limit: int = 200) -> str:
    """Join error and cause for a sentence: `States.TaskFailed: Essential …`."""
    parts = (error, cause and cause_words(cause))
    return ": ".join(clean(part, limit) for part in parts if part).rstrip(".")


def ambiguity(link: Link | None) -> str:
    """Return what keeps a call from being matched."""
    if link is not None and link.reason:
        return clean(link.reason, _REASON)
    if link is not None and link.candidate_count > 1:
        return "several attempts may have made it"
    return "another execution may have made it"


def short_names_of(executions: Iterable[ExecutionAsOf]) -> dict[str, str]:
    """Return short names of executions by ARN: the part in which their names differ.

    If executions share a name but not a state machine, the machines' names are used.
    """
    each = {execution.arn: execution for execution in executions}
    names = [execution.name for execution in each.values()]
    machines = [execution.state_machine_name or "" for execution in each.values()]
    if len(set(names)) < len(each) == len(set(machines)):
        names = machines
    return dict(zip(each, map(named, short_names(names)), strict=True))


def short_names(names: Sequence[str]) -> list[str]:
    """Shorten names: cut their common beginning and their random ends.

    `three-ways-sync-20261127T133053-f3235d` beside `three-ways-sdk-20261127T…` becomes
    `sync`. The common beginning is cut up to a hyphen or another separator. A date is
    cut with all that follows it. Names that would become equal or empty stay whole.
    """
    if len(set(names)) < 2:  # noqa: PLR2004 - nothing to tell apart
        return list(names)
    common = commonprefix(names)  # noqa: RUF071 - letter by letter is what is meant
    begin = max(common.rfind(mark) for mark in "-_. ") + 1
    short = [_DATE.split(name[begin:], maxsplit=1)[0] for name in names]
    unique = len(set(short)) == len(set(names)) and all(short)
    return short if unique else list(names)
