"""What the filter language sees in a row."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.lanes import Kind, Row
from sfnwatch.trace.links import Rule, role_of_call
from sfnwatch.trace.task_words import went_wrong
from sfnwatch.trace.text import clean
from sfnwatch.trace.visits import ROOT, StateVisit
from sfnwatch.trace.words import plain, resource_words, row_pieces

_FAILURES = ("Failed", "TimedOut")
_DENIED = re.compile(
    r"denied|unauthori[sz]ed|not ?authori[sz]ed|forbidden", re.IGNORECASE
)
_RUNNING = "running"

Texts = Callable[[Row], Iterator[str]]


def words_of(row: Row) -> Iterator[str]:
    """Yield the row as it is shown."""
    if row.call is not None or row.task is not None or row.events:
        yield plain(row_pieces(row))


def visit_of(row: Row) -> StateVisit | None:
    """Find the state that a row is about, or that made the call."""
    return row.visit or row.caller


def states_of(row: Row) -> Iterator[str]:
    """Yield the state's name, and its path below the root that all have."""
    visit = visit_of(row)
    if visit is not None:
        yield clean(visit.name)
        yield clean(visit.path.removeprefix(ROOT).removeprefix(" / "))


def actions_of(row: Row) -> Iterator[str]:
    """Yield a call's name, or what the Task runs."""
    if row.call is not None:
        yield clean(row.call.event_name)
        return
    if row.task is not None:
        yield clean(row.task.last_status)
        return
    yield from (resource_words(attempt) for attempt in _attempts_of(row))


def services_of(row: Row) -> Iterator[str]:
    if row.call is not None:
        yield clean(row.call.event_source)
        return
    for attempt in _attempts_of(row):
        if attempt.integration is not None:
            yield clean(attempt.integration.event_source)
        yield resource_words(attempt)


def _attempts_of(row: Row) -> tuple[Attempt, ...]:
    if row.attempt is not None:
        return (row.attempt,)
    # Retries run the same thing again.
    return row.visit.attempts[:1] if row.visit is not None else ()


def errors_of(row: Row) -> Iterator[str]:
    """Yield what a row says of an error, and of its cause."""
    found: list[str | None] = []
    if row.call is not None:
        found = [row.call.error_code, row.call.error_message]
    if row.task is not None and went_wrong(row.task):
        found = [row.task.stop_code, row.task.stopped_reason]
    for event in row.events:
        found += [event.detail("error"), event.detail("cause")]
    yield from (clean(text) for text in found if text)


def executions_of(row: Row) -> Iterator[str]:
    if row.execution_arn:
        yield clean(row.execution_arn.rsplit(":", 1)[-1])


def bodies_of(row: Row) -> Iterator[str]:
    """Yield every key and every value of the raw records, as texts."""
    for event in row.events:
        yield from _texts_in(event.record or event.details)
    if row.call is not None:
        yield from _texts_in(row.call.raw)
    if row.task is not None:
        yield from _texts_in(row.task.raw)


def _texts_in(value: Any) -> Iterator[str]:
    # Iterative: a record may be nested as deep as its sender likes.
    stack = [value]
    while stack:
        current = stack.pop()
        if isinstance(current, str):
            yield current
        elif isinstance(current, Mapping):
            yield from (key for key in current if isinstance(key, str))
            stack.extend(current.values())
        elif isinstance(current, list | tuple):
            stack.extend(current)
        elif isinstance(current, bool):
            yield str(current).lower()
        elif isinstance(current, int | float):
            yield str(current)


def seconds_of(row: Row) -> float | None:
    """How long the try took that a row is about, or else the state; None so far."""
    paused = 0.0
    if row.attempt is not None:
        begin, end = row.attempt.scheduled_at, row.attempt.ended_at
    elif row.visit is not None:
        begin, end = row.visit.entered_at, row.visit.ended_at or row.visit.exited_at
        paused = row.visit.paused
    else:
        return None
    return None if end is None else (end - begin).total_seconds() - paused


# -- kinds -----------------------------------------------------------------------


def is_failure(row: Row) -> bool:
    """True for all that failed, timed out or was denied."""
    if row.call is not None:
        return row.call.error_code is not None
    if row.task is not None:
        return went_wrong(row.task)
    return any(
        event.type.endswith(_FAILURES)
        or event.type == "FailStateEntered"
        or event.detail("error") is not None
        for event in row.events
    )


def is_denied(row: Row) -> bool:
    if row.call is not None:
        return bool(_DENIED.search(row.call.error_code or ""))
    return any(_DENIED.search(event.detail("error") or "") for event in row.events)


def _is_caught(row: Row) -> bool:
    visit = row.visit
    return row.kind is Kind.EXITED and visit is not None and visit.status == "caught"


def _is_running(row: Row) -> bool:
    """True for what belongs to a try, or else to a state, that has not ended."""
    if row.attempt is not None:
        return row.attempt.status == _RUNNING
    return row.visit is not None and row.visit.status == _RUNNING


def _is_redriven(row: Row) -> bool:
    """True for the seam, for a Map Run's, and for the tries that a redrive began."""
    if row.redrive is not None:
        return True
    visit, attempt = visit_of(row), row.attempt
    if visit is None or attempt is None:
        return any(event.type == "MapRunRedriven" for event in row.events)
    ids = [one.scheduled_id for one in visit.attempts]
    own = attempt.scheduled_id
    return own in ids and visit.is_redriven(ids.index(own) + 1)


def _of_kind(*kinds: Kind) -> Callable[[Row], bool]:
    return lambda row: row.kind in kinds


def _of_role(role: CallRole) -> Callable[[Row], bool]:
    return lambda row: row.call is not None and role_of_call(row.call, row.link) is role


KIND_TESTS: Mapping[str, Callable[[Row], bool]] = {
    "execution": _of_kind(Kind.EXECUTION),
    "entered": _of_kind(Kind.ENTERED, Kind.PASSED),
    "exited": _of_kind(Kind.EXITED, Kind.PASSED),
    "phase": _of_kind(Kind.PHASE),
    "other": _of_kind(Kind.OTHER),
    "call": _of_kind(Kind.CALL),
    "task": _of_kind(Kind.TASK),
    "poll": _of_role(CallRole.POLL),
    "action": _of_role(CallRole.ACTION),
    "stop": _of_role(CallRole.STOP),
    "failed": is_failure,
    "denied": is_denied,
    "caught": _is_caught,
    "running": _is_running,
    "redriven": _is_redriven,
}
"""One for each word of `filter_words.KINDS`."""


# -- links -----------------------------------------------------------------------


def _of_rule(*rules: Rule) -> Callable[[Row], bool]:
    return lambda row: row.link is not None and row.link.rule in rules


def _is_tied_to_nothing(row: Row) -> bool:
    return row.call is not None and row.link is None


RULE_TESTS: Mapping[str, Callable[[Row], bool]] = {
    **{rule.value: _of_rule(rule) for rule in Rule},
    "exact": _of_rule(*(rule for rule in Rule if rule.exact)),
    "guess": _of_rule(Rule.UNIQUE_CANDIDATE, Rule.AMBIGUOUS),
    "none": _is_tied_to_nothing,
}
"""One for each word of `filter_words.RULES`."""
