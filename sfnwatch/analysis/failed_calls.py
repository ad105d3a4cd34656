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
_MESSAGE = 160


def failed_calls(use: StateAnalysis) -> Iterator[Finding]:
    """Yield findings on a state's failed calls; denied polls have their own."""
    denied = {poll for each in use.attempts for poll in each.polls.denied.ids}
    every = MatchedCalls.joined(each.calls for each in use.attempts)
    failed = every.those(lambda c: bool(c.error_code) and c.event_id not in denied)
    groups = failed.grouped(lambda call: (call.event_name, call.error_code or ""))
    for kind in sorted(groups):
        calls = groups[kind]
        first = calls.every[0]
        is_whole = not use.unproven_calls(first.name, first.error_code)
        place = {"visit": use.visits[0].id}
        yield failed_call(use.name, calls, place, is_whole=is_whole)


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
    name = calls.every[0].event_name
    code = calls.every[0].error_code or ""
    throttled = bool(_THROTTLED.fullmatch(code.rpartition(".")[2]))
    messages = {call.error_message for call in calls.every}
    message = messages.pop() if len(messages) == 1 else None
    how = "was throttled" if throttled else "failed"
    is_least = not is_whole and not calls.guessed
    often = f"at least {calls.often}" if is_least else calls.often
    text = f"{named(name)} called by {caller} {how} {often} with {named(code)}"
    if message and not throttled:
        text += f': "{clean(message, _MESSAGE).rstrip(".")}"'
    kind = "throttled-calls" if throttled else "failed-calls"
    data: dict[str, Any] = {**place, "call": name, "error_code": code, **calls.figures}
    fact = is_whole and not calls.guessed
    return finding(kind, f"{text}.", calls.ids, fact=fact, **data)
