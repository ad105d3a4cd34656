"""Headlines of findings: what is most worth knowing, in at most 60 characters.

A headline is written for its kind, from the finding's own figures; it says no more than
the sentence does. A finding of a kind that is not listed here has none.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sfnwatch.analysis.failure_details import failure_details
from sfnwatch.analysis.finding import CONCLUSION, Finding
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import cadence, plural, spoken
from sfnwatch.analysis.statuses import ended_words
from sfnwatch.model.arns import short_id
from sfnwatch.model.execution import ExecutionAsOf

MOST_LETTERS = 60
_LONG_WAIT_SECONDS = 60
"""A wait of this length is worth a headline, if it is most of the time."""

_SEVERAL = 2
_PATTERNS = {
    "sync": "waits for its job to end",
    "waitForTaskToken": "waits for its task token",
    "request-response": "ended as soon as its call returned",
    "aws-sdk": "ended as soon as its call returned",
}
"""What the pattern of a state means for its end."""

Data = Mapping[str, Any]
Writer = Callable[[Data, str], str]
"""Returns the headline for a finding's data and the name of its state."""


def headline(finding: Finding, execution: ExecutionAsOf | None) -> str:
    """Return a finding's headline; `execution` is the one that it is about."""
    write = _WRITERS.get(finding.kind)
    if write is None:
        return ""
    visit_id = finding.data.get("visit")
    visit = execution.visit(visit_id) if execution is not None and visit_id else None
    state = named(visit.name) if visit is not None else ""
    return write(finding.data, state)


def conclusion_headline(finding: Finding, names: Mapping[str, str]) -> str:
    """Return the headline of a conclusion; `names` are of executions, by ARN."""
    if finding.kind != CONCLUSION:
        return ""
    data = finding.data
    arns = data["executions"]
    who = names.get(arns[0], "?")
    if len(arns) > 1:
        who = f"{who} and {len(arns) - 1} more"
    if data["denied"] and data["statuses"] == ["succeeded"]:
        return _fitted("Every poll of ", who, " was denied, yet it succeeded")
    if data["denied"]:
        return _fitted("Every poll of ", who, " was denied")
    if data["polls"]:
        often = ""
        if data["interval_mean"] is not None:
            often = f" {cadence(data['interval_mean'])}"
        return _fitted("", who, f": polled{often}")
    if _waits(data["resource"]):
        return _fitted("", who, ": no poll seen")
    return _fitted("", who, ": it did not wait for its job")


def _waits(resource: str) -> bool:
    """True for a resource whose state waits; a short job of `.sync` is never polled."""
    return resource.endswith((".sync", ".sync:2", ".waitForTaskToken"))


def _fitted(before: str, name: str, after: str = "") -> str:
    """Join the parts of a headline; the name is cut so that all of it has room."""
    room = MOST_LETTERS - len(before) - len(after)
    if len(name) > room:
        name = f"{name[: max(0, room - 1)]}…"
    return f"{before}{name}{after}"[:MOST_LETTERS]


def _failed(data: Data, state: str) -> str:
    error = named(data.get("error")) if data.get("error") else ""
    reason = failure_details(data.get("cause")) or error
    if not reason:
        status = ended_words(data.get("status") or "FAILED")
        return _fitted("", state or "The execution", f" {status}")
    if not state:
        return _fitted("", reason)
    return _fitted(f"{_short(state)}: ", reason)


def _caught(data: Data, state: str) -> str:
    error = named(data.get("error") or "an error")
    return _fitted(f"{_short(state)}: ", error, ", and a Catch handled it")


def _short(state: str) -> str:
    """Return a state's name with at most a third of a headline's letters."""
    most = MOST_LETTERS // 3
    return state if len(state) <= most else f"{state[: most - 1]}…"


def _child_failed(data: Data, state: str) -> str:
    del state
    child = short_id(data["execution"].rpartition(":")[2])
    error = named(data.get("error"))
    return _fitted(f"Child execution {_short(named(child))}: ", error)


def _children(data: Data, state: str) -> str:
    del state
    failed = data.get("failed", 0) + data.get("timed_out", 0)
    total = data["total"]
    if not failed:
        return f"{plural(total, 'child execution')}, {data['succeeded']:,} succeeded"
    errors = ", ".join(named(error) for error in data["errors"])
    count = f"{failed:,} of {total:,} child executions failed"
    return _fitted(f"{count}: ", errors) if errors else count


def _failed_later(data: Data, state: str) -> str:
    exit_code = data.get("exit_code")
    reason = f" (exit {exit_code})" if exit_code else ""
    return _fitted("", state, f" succeeded, and its job failed later{reason}")


def denied_polls(data: Data) -> str:
    """Return in words how many of an attempt's polls were denied.

    `data` is that of a finding on denied polls: `count` of `polls`.
    """
    if data["polls"] == 1:
        return "The only poll was denied"
    return f"{data['count']} of {data['polls']} polls denied"


def _denied_but_succeeded(data: Data, state: str) -> str:
    del state
    if "up_to" in data:
        return f"Up to {plural(data['up_to'], 'poll')} denied, yet it succeeded"
    return f"{denied_polls(data)}, yet it succeeded"


def _denied_and_failed(data: Data, state: str) -> str:
    del state
    return f"{denied_polls(data)}, and it did not succeed"


def _denied_unknown(data: Data, state: str) -> str:
    del state
    return f"{denied_polls(data)}, and it still waits"


def _noticed(data: Data, state: str) -> str:
    seconds = spoken(data["seconds"])
    match data["by"]:
        case "event":
            return f"An event told Step Functions, {seconds} after the stop"
        case "poll":
            return f"A poll told Step Functions, {seconds} after the stop"
        case "unknown":
            return f"Step Functions learned of it {seconds} after the stop"
    return _fitted("", state, f": ends learned of {seconds} after the stop")


def _unnoticed(data: Data, state: str) -> str:
    del state
    seconds = spoken(data["seconds"])
    return f"Step Functions never learned of the stop, {seconds} before"


def _retries(data: Data, state: str) -> str:
    tries = plural(data["tries"], "try", "tries")
    errors = ", ".join(named(error) for error in data["errors"])
    if not errors:
        return _fitted("", state, f": {tries}")
    return _fitted(f"{_short(state)}: {tries}, ", errors)


def _throttled(data: Data, state: str) -> str:
    del state
    count = data.get("up_to", data["count"])
    return _fitted("", named(data["call"]), f" throttled, {plural(count, 'time')}")


def _failed_calls(data: Data, state: str) -> str:
    del state
    call = _short(named(data["call"]))
    return _fitted(f"{call} failed: ", named(data["error_code"]))


def _redriven(data: Data, state: str) -> str:
    del state
    ended = ended_words(data["status"])
    return f"Redriven after {spoken(data['seconds'])}, and it {ended}"


def _polling(data: Data, state: str) -> str:
    del state
    count = data["count"]
    polls = plural(count, "poll")
    mean = data.get("interval_mean")
    if mean is None or count < _SEVERAL:
        return polls
    return f"{polls}, {cadence(mean)}"


def _pattern(data: Data, state: str) -> str:
    ending = _PATTERNS.get(data["pattern"])
    if ending is None or not state or data["states"] > 1:
        return ""
    return _fitted("", state, f" {ending}")


def _slowest_path(data: Data, state: str) -> str:
    longest = data["longest"]
    for step in data["steps"]:
        if step["visit"] == longest:
            name = named(step["path"].rpartition(" / ")[2])
            whole = spoken(data["seconds"])
            return _fitted("", name, f" took {spoken(step['seconds'])} of {whole}")
    return _fitted("", state, " took longest")


def _time(data: Data, state: str) -> str:
    del state
    waiting = data.get("waiting", 0.0)
    if waiting < _LONG_WAIT_SECONDS or waiting < data["seconds"] / 2:
        return ""
    return f"It waited {spoken(waiting)} of {spoken(data['seconds'])}"


_WRITERS: Mapping[str, Writer] = {
    "failed": _failed,
    "caught": _caught,
    "children": _children,
    "child-failed": _child_failed,
    "job-failed-later": _failed_later,
    "failed-calls": _failed_calls,
    "denied-and-failed": _denied_and_failed,
    "denied-but-succeeded": _denied_but_succeeded,
    "denied-unknown": _denied_unknown,
    "noticed": _noticed,
    "unnoticed": _unnoticed,
    "retries": _retries,
    "throttled-calls": _throttled,
    "redriven": _redriven,
    "polling": _polling,
    "pattern": _pattern,
    "slowest-path": _slowest_path,
    "time": _time,
}
