"""Findings on calls that failed or were throttled."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.matched_calls import MatchedCalls
from sfnwatch.analysis.names import named
from sfnwatch.analysis.state_analysis import StateAnalysis
from sfnwatch.model.texts import clean

_THROTTLED = re.compile(
    r"(Request)?(Throttl(ing|ed)(Exception)?|EC2ThrottledException)"
    r"|TooManyRequests(Exception)?|(Request|Bandwidth)LimitExceeded|SlowDown"
    r"|ProvisionedThroughputExceededException|PriorRequestNotComplete"
)
"""The error codes that botocore takes for throttling, and tries again after."""
_MESSAGE_CHARACTERS = 160
_WAS_THROTTLED = "{call} called by {caller} was throttled {often} with {code}."
_FAILED = "{call} called by {caller} failed {often} with {code}{message}."


def failed_calls(state: StateAnalysis) -> Iterator[Finding]:
    """Yield findings on a state's failed calls; denied polls have their own."""
    denied = {poll for attempt in state.attempts for poll in attempt.polls.denied.ids}
    calls = MatchedCalls.joined(attempt.calls for attempt in state.attempts)
    failed = calls.filtered(
        lambda call: bool(call.error_code) and call.event_id not in denied
    )
    groups = failed.grouped(lambda call: (call.event_name, call.error_code or ""))
    for _, alike in sorted(groups.items()):
        first = alike.every[0]
        is_whole = not state.unproven_calls(first.name, first.error_code)
        place = {"visit": state.visits[0].id}
        yield failed_call(state.name, alike, place, is_whole=is_whole)


def failed_call(
    caller: str,
    calls: MatchedCalls,
    place: Mapping[str, Any],
    *,
    is_whole: bool = True,
) -> Finding:
    """Return a finding on calls of one name that failed with one error code.

    It quotes AWS's message if all calls have the same. `place` is the data that names
    the caller. Unless `is_whole`, the caller may have made more of these calls.
    """
    first = calls.every[0]
    code = first.error_code or ""
    is_throttled = bool(_THROTTLED.fullmatch(code.rpartition(".")[2]))
    is_least = not is_whole and not calls.guessed
    template = _WAS_THROTTLED if is_throttled else _FAILED
    text = template.format(
        call=named(first.event_name),
        caller=caller,
        often=f"at least {calls.often}" if is_least else calls.often,
        code=named(code),
        message=_common_message(calls),
    )
    kind = "throttled-calls" if is_throttled else "failed-calls"
    data = {**place, "call": first.event_name, "error_code": code, **calls.figures}
    is_fact = is_whole and not calls.guessed
    return finding(kind, text, calls.ids, fact=is_fact, **data)


def _common_message(calls: MatchedCalls) -> str:
    """Quote the message that all calls have; empty if their messages differ."""
    messages = {call.error_message for call in calls.every}
    message = messages.pop()
    if messages or not message:
        return ""
    quoted = clean(message, _MESSAGE_CHARACTERS).rstrip(".")
    return f': "{quoted}"'
