"""What went wrong on the way: tries that failed, calls that AWS refused."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.finding import Certainty, Finding, certainty, evidence
from sfnwatch.trace.finding_case import FEW, Case, Use
from sfnwatch.trace.finding_polls import is_denied
from sfnwatch.trace.finding_words import named, plural, some, spoken, times
from sfnwatch.trace.text import clean
from sfnwatch.trace.visits import ROOT, StateVisit

_FAILED = frozenset({"failed", "timed_out"})
_STORM = 8
"""So many failed tries of one state are a storm."""
_THROTTLED = re.compile(
    r"(Request)?(Throttl(ing|ed)(Exception)?|EC2ThrottledException)"
    r"|TooManyRequests(Exception)?|(Request|Bandwidth)LimitExceeded|SlowDown"
    r"|ProvisionedThroughputExceededException|PriorRequestNotComplete"
)
"""The codes that botocore takes for throttling and tries again after."""
_MESSAGE = 160


def is_throttled(call: ApiCall) -> bool:
    """True for a call that AWS turned away for being one of too many."""
    code = (call.error_code or "").rpartition(".")[2]
    return bool(_THROTTLED.fullmatch(code))


# -- tries -----------------------------------------------------------------------


def retries(use: Use) -> Iterator[Finding]:
    """Tell of visits that took several tries; of very many together."""
    retried = [visit for visit in use.visits if _is_retried(visit)]
    each = [retried] if len(retried) > FEW else [[visit] for visit in retried]
    for visits in each:
        if visits:
            yield _retries(use, visits)


def _is_retried(visit: StateVisit) -> bool:
    """True for more tries than a redrive accounts for."""
    numbers = range(2, len(visit.attempts) + 1)
    return any(not visit.is_redriven(number) for number in numbers)


def _retries(use: Use, visits: Sequence[StateVisit]) -> Finding:
    tries = [attempt for visit in visits for attempt in visit.attempts]
    bad = [attempt for attempt in tries if attempt.status in _FAILED]
    errors = Counter(a.error or a.status for a in bad)
    ranked = sorted(errors.items(), key=lambda item: (-item[1], item[0]))
    backing_off = sum(
        max(0.0, (end - begin).total_seconds())
        for visit in visits
        for begin, end in visit.backoffs
    )
    lost = sum(map(_seconds, bad))
    storm = len(bad) >= _STORM
    where = f" in {len(visits)} visits" if len(visits) > 1 else ""
    subject = named(visits[0].name) if where else _subject(use, visits[0])
    return Finding(
        kind="retries",
        certainty=Certainty.FACT,
        text=(
            f"{'A retry storm: ' if storm else ''}{subject}"
            f" {_tried(visits, len(tries), where)}:"
            f" {plural(len(bad), 'try', 'tries')} failed{_errors(ranked)}."
            f" {'That' if len(bad) == 1 else 'Those'} took {spoken(lost)}, and backing"
            f" off {spoken(backing_off)} more."
        ),
        evidence=evidence(f"#{attempt.event_ids[-1]}" for attempt in bad),
        data={
            "visit": visits[0].id,
            "visits": len(visits),
            "tries": len(tries),
            "failed": len(bad),
            "errors": dict(ranked),
            "failed_seconds": round(lost, 3),
            "backing_off_seconds": round(backing_off, 3),
            "storm": storm,
        },
    )


def _subject(use: Use, visit: StateVisit) -> str:
    """Name a visit; among several of its state by its path, with its index."""
    if len(use.visits) == 1:
        return named(visit.name)
    return named(visit.path.removeprefix(f"{ROOT} / "))


def _tried(visits: Sequence[StateVisit], tries: int, where: str) -> str:
    """Say how often, and what came of it: the last try of a success did not fail."""
    statuses = {visit.status for visit in visits}
    if statuses == {"succeeded"}:
        return f"took {tries} tries{where} to succeed"
    tried = f"was tried {times(tries)}{where}"
    if statuses == {"caught"}:
        return f"{tried}, and its failure was caught"
    return f"{tried}, and failed for good" if statuses == {"failed"} else tried


def _errors(ranked: Sequence[tuple[str, int]]) -> str:
    if len(ranked) == 1:
        return f" with {named(ranked[0][0])}"
    return f" ({some([f'{count} with {named(error)}' for error, count in ranked])})"


def _seconds(attempt: Attempt) -> float:
    end = attempt.ended_at or attempt.scheduled_at
    return max(0.0, (end - attempt.scheduled_at).total_seconds())


# -- calls -----------------------------------------------------------------------


def failed_calls(case: Case, use: Use) -> Iterator[Finding]:
    """Tell of a state's calls that failed; polls that were denied are told apart."""
    groups: dict[tuple[str, str], list[ApiCall]] = defaultdict(list)
    for tried in use.tries:
        polls = {poll.event_id for poll in tried.polls}
        for call in tried.calls:
            if call.error_code and not (call.event_id in polls and is_denied(call)):
                groups[call.event_name, call.error_code].append(call)
    for (_, code), calls in sorted(groups.items()):
        yield _failed(case, use, code, calls)


def _failed(case: Case, use: Use, code: str, calls: Sequence[ApiCall]) -> Finding:
    throttled = is_throttled(calls[0])
    exact = all(case.trace.links[call.event_id].rule.exact for call in calls)
    verb = "was throttled" if throttled else "failed"
    why = "" if throttled else _why(calls)
    return Finding(
        kind="throttled-calls" if throttled else "failed-calls",
        certainty=certainty(fact=exact),
        text=(
            f"{named(calls[0].event_name)} of {use.name} {verb} {times(len(calls))}"
            f" with {named(code)}{why}."
        ),
        evidence=evidence(call.event_id for call in calls),
        data={
            "visit": use.visits[0].id,
            "call": calls[0].event_name,
            "error_code": code,
            "count": len(calls),
        },
    )


def _why(calls: Sequence[ApiCall]) -> str:
    """Quote AWS where all say the same, or there is but one."""
    messages = {call.error_message for call in calls}
    message = messages.pop() if len(messages) == 1 else None
    return f': "{clean(message, _MESSAGE)}"' if message else ""
