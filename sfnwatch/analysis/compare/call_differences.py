"""Finds calls that only one of two executions made, or that failed otherwise."""

from collections.abc import Iterator

from sfnwatch.analysis.attempt_analysis import AttemptAnalysis
from sfnwatch.analysis.compare.attempt_pair import CallPair, CallTally
from sfnwatch.analysis.compare.difference import Difference, Position, Rank, difference
from sfnwatch.analysis.compare.visit_pair import VisitPair
from sfnwatch.analysis.denials import is_denial
from sfnwatch.analysis.lists import listed
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import agreeing, plural
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.visits import StateVisit

_LATE_OR_MADE = frozenset({CallRole.POLL, CallRole.ACTION})
"""A missing poll is a matter of time. A missing action was made all the same, or the
attempt would have failed: CloudTrail has no record of it."""
_CALLS = "For {state}, {in_a}; {in_b}."
_STILL_SUCCEEDED = " The state still succeeded in both."
_NONE = "no {call} is matched to {side}"
_SUCCEEDED = "{calls} of {side} succeeded"
_FAILED = "{calls} of {side} {failed} with {codes}"


def call_differences(pair: VisitPair) -> Iterator[Difference]:
    """Compare the calls of a state's attempts, name by name."""
    for attempts in pair.attempts:
        if attempts.a is None or attempts.b is None:
            continue
        for calls in attempts.calls:
            is_lone = calls.a is None or calls.b is None
            is_missing = is_lone and calls.role not in _LATE_OR_MADE
            if is_missing or calls.differ_in_errors:
                yield _other_calls(pair, attempts.number, attempts.a, attempts.b, calls)


def _other_calls(
    pair: VisitPair,
    number: int,
    a: AttemptAnalysis,
    b: AttemptAnalysis,
    calls: CallPair,
) -> Difference:
    name = calls.event_name
    is_polling = calls.role is CallRole.POLL
    noun = f"{named(name)} {'poll' if is_polling else 'call'}"
    state = pair.title
    if len(pair.attempts) > 1:
        state = f"{state} (attempt {number})"
    in_a = _side_words("A", calls.a, noun)
    in_b = _side_words("B", calls.b, noun)
    is_fact = _is_sure(calls.a) and _is_sure(calls.b)
    if is_polling and not a.complete:
        in_a += " so far"
        is_fact = False
    if is_polling and not b.complete:
        in_b += " so far"
        is_fact = False
    text = _CALLS.format(state=state, in_a=in_a, in_b=in_b)
    if is_polling and _has_succeeded(pair.a) and _has_succeeded(pair.b):
        # An event reports the end as well, so the denials did no harm.
        text += _STILL_SUCCEEDED
    position = Position(a.attempt.event_ids[-1], Rank.BEFORE)
    if calls.role is CallRole.ACTION:
        position = Position(a.attempt.scheduled_id, Rank.AFTER)
    every = [*a.calls.every, *b.calls.every]
    return difference(
        position,
        "denied" if calls.differ_in_errors else "call",
        text,
        name,
        name,
        state=pair.place,
        attempt=number,
        call=calls,
        proofs=[call for call in every if call.event_name == name],
        fact=is_fact,
    )


def _has_succeeded(visit: StateVisit | None) -> bool:
    return visit is not None and visit.status == "succeeded"


def _is_sure(tally: CallTally | None) -> bool:
    return tally is not None and not tally.guessed


def _side_words(side: str, tally: CallTally | None, noun: str) -> str:
    """Describe the calls of one side: `all 5 … polls of B were denied with …`."""
    if tally is None:
        return _NONE.format(call=noun, side=side)
    calls = _count_words(tally, noun)
    if not tally.failed:
        return _SUCCEEDED.format(calls=calls, side=side)
    failed = "failed"
    if all(map(is_denial, tally.error_codes)):
        failed = agreeing(tally.failed, "was denied", "were denied")
    codes = listed([named(code) for code in tally.error_codes])
    return _FAILED.format(calls=calls, side=side, failed=failed, codes=codes)


def _count_words(tally: CallTally, noun: str) -> str:
    """Describe how many calls succeeded or failed: `all 5 polls`, `2 of 5 polls`."""
    if tally.guessed:
        return f"up to {plural(tally.failed or tally.count, noun)}"
    if 0 < tally.failed < tally.count:
        return f"{tally.failed} of {tally.count} {noun}s"
    if tally.count > 1:
        return f"all {tally.count} {noun}s"
    return f"the {noun}"
