"""What went wrong on the way: failed attempts and calls, caught errors, redrives."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from sfnwatch.next.analysis.case import FEW, Case, StateUse
from sfnwatch.next.analysis.document import Sentence
from sfnwatch.next.analysis.finding import Certainty, Finding, finding
from sfnwatch.next.analysis.wording import (
    named,
    plural,
    ranked,
    some,
    spoken,
    times,
    visit_name,
    why,
)
from sfnwatch.next.model.api_call import ApiCall
from sfnwatch.next.model.execution import ExecutionAsOf, Redrive
from sfnwatch.next.model.text import clean
from sfnwatch.next.model.visits import Attempt, StateVisit

FAILED = frozenset({"failed", "timed_out"})
"""How attempts, and visits, end that went wrong."""
_STORM = 8
"""So many failed attempts of one state are a retry storm."""
_THROTTLED = re.compile(
    r"(Request)?(Throttl(ing|ed)(Exception)?|EC2ThrottledException)"
    r"|TooManyRequests(Exception)?|(Request|Bandwidth)LimitExceeded|SlowDown"
    r"|ProvisionedThroughputExceededException|PriorRequestNotComplete"
)
"""The codes that botocore takes for throttling and tries again after."""
_MESSAGE = 160
_ENDED = {
    "ExecutionSucceeded": "it succeeded",
    "ExecutionFailed": "it failed",
    "ExecutionTimedOut": "it timed out",
    "ExecutionAborted": "it was aborted",
}


def is_throttled(call: ApiCall) -> bool:
    """True for a call that AWS turned away for being one of too many."""
    code = (call.error_code or "").rpartition(".")[2]
    return bool(_THROTTLED.fullmatch(code))


# -- attempts --------------------------------------------------------------------------


def retries(use: StateUse) -> Iterator[Finding]:
    """Tell of visits that took several attempts; of very many together."""
    retried = [visit for visit in use.visits if _is_retried(visit)]
    each = [retried] if len(retried) > FEW else [[visit] for visit in retried]
    for visits in each:
        yield _retries(use, visits)


def _is_retried(visit: StateVisit) -> bool:
    """True for more attempts than a redrive accounts for."""
    numbers = range(2, len(visit.attempts) + 1)
    return any(not visit.is_redriven(number) for number in numbers)


def _retries(use: StateUse, visits: Sequence[StateVisit]) -> Finding:
    tries = [attempt for visit in visits for attempt in visit.attempts]
    bad = [attempt for attempt in tries if attempt.status in FAILED]
    errors = ranked(a.error or a.status for a in bad)
    waits = [wait for visit in visits for wait in visit.backoffs]
    backing_off = sum(max(0.0, (end - begin).total_seconds()) for begin, end in waits)
    lost, storm = sum(map(_seconds, bad)), len(bad) >= _STORM
    several = len(visits) > 1
    subject = visit_name(visits[0], alone=several or len(use.visits) == 1)
    attempts = "attempt" if len(bad) == 1 else "attempts"
    cost = f"The failed {attempts} took {spoken(lost)}, plus " if bad else "There were "
    return finding(
        "retries",
        f"{'Retry storm: ' if storm else ''}{subject}"
        f" {_tried(visits, len(tries))}; {len(bad)} {attempts} failed"
        f"{_errors(errors)}. {cost}{spoken(backing_off)} of retry back-off.",
        (f"#{attempt.event_ids[-1]}" for attempt in bad),
        visit=visits[0].id,
        visits=len(visits),
        tries=len(tries),
        failed=len(bad),
        errors=errors,
        failed_seconds=round(lost, 3),
        backing_off_seconds=round(backing_off, 3),
        storm=storm,
    )


def _tried(visits: Sequence[StateVisit], tries: int) -> str:
    """Say how often, and what came of it: the last try of a success did not fail."""
    where = f" in {len(visits)} visits" if len(visits) > 1 else ""
    statuses = {visit.status for visit in visits}
    if statuses == {"succeeded"}:
        return f"took {tries} attempts{where} to succeed"
    tried = f"was tried {times(tries)}{where}"
    if statuses == {"caught"}:
        return f"{tried} and its failure was caught"
    return f"{tried} and failed for good" if statuses == {"failed"} else tried


def _errors(errors: Mapping[str, int]) -> str:
    if len(errors) <= 1:
        return "".join(f" with {named(error)}" for error in errors)
    each = [f"{count} with {named(error)}" for error, count in errors.items()]
    return f" ({some(each)})"


def _seconds(attempt: Attempt) -> float:
    end = attempt.ended_at or attempt.scheduled_at
    return max(0.0, (end - attempt.scheduled_at).total_seconds())


# -- calls -----------------------------------------------------------------------------


def failed_calls(case: Case, use: StateUse) -> Iterator[Finding]:
    """Tell of a state's calls that failed; polls that were denied are told apart."""
    groups: dict[tuple[str, str], list[ApiCall]] = defaultdict(list)
    for each in use.attempts:
        denied = {poll.event_id for poll in each.denied}
        for call in each.calls:
            if call.error_code and call.event_id not in denied:
                groups[call.event_name, call.error_code].append(call)
    for (_, code), calls in sorted(groups.items()):
        messages = {call.error_message for call in calls}
        message = messages.pop() if len(messages) == 1 else None
        exact = case.survey.is_exact(calls)
        place = {"visit": use.visits[0].id}
        yield failed_call(f"by {use.name}", code, calls, message, place, exact=exact)


def failed_call(
    caller: str,
    code: str,
    calls: Sequence[ApiCall],
    message: str | None,
    place: dict[str, int] | dict[str, str],
    *,
    exact: bool = True,
) -> Finding:
    """Tell of calls of one name that failed alike, in AWS's words if all say the same.

    `place` is what data says of whose they are.
    """
    throttled, name = is_throttled(calls[0]), calls[0].event_name
    how = "was throttled" if throttled else "failed"
    said = clean(message, _MESSAGE).rstrip(".") if message and not throttled else ""
    quoted = f': "{said}"' if said else ""
    return finding(
        "throttled-calls" if throttled else "failed-calls",
        (
            f"{named(name)} called {caller} {how} {times(len(calls))}"
            f" with {named(code)}{quoted}."
        ),
        (call.event_id for call in calls),
        fact=exact,
        **place,
        call=name,
        error_code=code,
        count=len(calls),
    )


# -- caught errors ---------------------------------------------------------------------


class Caught(Struct, frozen=True):
    """An error that a Catch took, and which state went on."""

    visit: StateVisit
    error: str | None
    cause: str | None
    next_state: str | None
    """None where the next state has not been entered yet."""

    @property
    def sentence(self) -> Sentence:
        reason, name = why(self.error, self.cause), named(self.next_state)
        then = f", and {name} came next" if self.next_state else ""
        subject = visit_name(self.visit, alone=self.visit.parent is None)
        return Sentence(
            text=f"{subject} failed{f' with {reason}' if reason else ''}"
            f" (caught{then}).",
            certainty=Certainty.FACT,
            evidence=(f"#{self.visit.event_ids[-1]}",),
        )


def caught_errors(
    execution: ExecutionAsOf, visits: Sequence[StateVisit]
) -> list[Caught]:
    """Find what was caught; the state that went on follows the one that failed."""
    caught = [visit for visit in visits if visit.status == "caught"]
    if not caught:
        return []
    entered = ((v, execution.event(v.id)) for v in visits)
    after = {event.previous_event_id: v.name for v, event in entered if event}
    found = []
    for visit in caught:
        tried = visit.attempts[-1] if visit.attempts else visit
        following = (after[n] for n in reversed(visit.event_ids) if n in after)
        found.append(Caught(visit, tried.error, tried.cause, next(following, None)))
    return found


# -- redrives --------------------------------------------------------------------------


def stopped_seconds(execution: ExecutionAsOf) -> float:
    """Sum up how long an execution had been over before it was taken up again."""
    return sum(max(0.0, redrive.seconds or 0.0) for redrive in execution.redrives)


def redriven(case: Case) -> Iterator[Finding]:
    """Tell of an execution's redrives, and which states they went on with."""
    execution = case.execution
    redrives = execution.redrives
    if not redrives:
        return
    again = [visit for visit in case.visits if visit.pauses]
    yield finding(
        "redriven",
        f"{_redriven(redrives)}{_again(again)}.",
        _redrive_evidence(execution),
        redrives=len(redrives),
        count=redrives[-1].number,
        seconds=round(stopped_seconds(execution), 3),
        status=execution.status,
        visits=[visit.id for visit in again],
    )


def _redriven(redrives: Sequence[Redrive]) -> str:
    gaps = [redrive.seconds for redrive in redrives if redrive.seconds is not None]
    often = f"The execution was redriven {times(len(redrives))}"
    if not gaps:
        return often
    ended = redrives[0].ended
    if len(redrives) == 1 and ended is not None:
        return f"{often}, {spoken(gaps[0])} after {_ENDED.get(ended.type, 'it ended')}"
    return f"{often}, having been stopped for {spoken(sum(gaps))} in all"


def _again(visits: Sequence[StateVisit]) -> str:
    """Say what was gone on with: what is inside a Map or Parallel, not that itself."""
    around = {visit.parent for visit in visits}
    inner = [visit for visit in visits if visit.id not in around]
    if not inner:
        return ""
    if len(inner) == 1:
        return f"; it continued with {named(inner[0].name)}"
    names = dict.fromkeys(named(visit.name) for visit in inner)
    return f"; it continued with {plural(len(inner), 'visit')} of {some(names)}"


def _redrive_evidence(execution: ExecutionAsOf) -> Iterator[str]:
    for redrive in execution.redrives:
        if redrive.ended is not None:
            yield f"#{redrive.ended.id}"
        yield f"#{redrive.event.id}"
    if execution.ending is not None:
        yield f"#{execution.ending.id}"
