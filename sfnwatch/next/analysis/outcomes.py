"""What became of an execution, and what went wrong on the way.

How it ended and which state decided that; failed attempts and calls, caught errors,
redrives.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from sfnwatch.next.analysis.case import FAILED, Case, StateUse, Survey, together
from sfnwatch.next.analysis.finding import Finding, finding
from sfnwatch.next.analysis.wording import (
    ended_words,
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
from sfnwatch.next.model.history import TERMINAL
from sfnwatch.next.model.json_text import text_of
from sfnwatch.next.model.moment import Moment
from sfnwatch.next.model.text import clean
from sfnwatch.next.model.visits import Span, StateVisit

_STORM = 8
"""So many failed attempts of one state are a retry storm."""
_THROTTLED = re.compile(
    r"(Request)?(Throttl(ing|ed)(Exception)?|EC2ThrottledException)"
    r"|TooManyRequests(Exception)?|(Request|Bandwidth)LimitExceeded|SlowDown"
    r"|ProvisionedThroughputExceededException|PriorRequestNotComplete"
)
"""The codes that botocore takes for throttling and tries again after."""
_MESSAGE, _REASON = 160, 200


# -- the verdict ----------------------------------------------------------------------


class Verdict:
    """How an execution stands, and which state decided that."""

    def __init__(self, survey: Survey, execution: ExecutionAsOf) -> None:
        visit, known = _decisive(execution), survey.known_to(execution)
        begun = execution.started_at
        error, cause = _reason(survey.moment, execution, visit)
        self.text = _verdict_text(execution, known, visit, why(error, cause, _REASON))
        """The line for people."""
        self.status = execution.status
        """AWS's word: RUNNING, SUCCEEDED, FAILED, …"""
        seconds = (known - begun).total_seconds() if begun and known else None
        self.seconds = None if seconds is None else round(seconds, 3)
        """How long it took, or has taken so far."""
        self.visit = visit.id if visit else None
        """The visit that failed, or that is under way."""
        self.path = visit.path if visit else None
        """That visit's path, as AWS's names have it."""
        self.error, self.cause = error, cause
        self.redrives = len(execution.redrives)
        """How often it was taken up again after it had ended."""


def _reason(
    moment: Moment, execution: ExecutionAsOf, visit: StateVisit | None
) -> tuple[str | None, str | None]:
    """Take error and cause from the ending, or from the state that failed."""
    if execution.running or execution.status == "SUCCEEDED":
        return None, None
    error, cause = ended_with(moment, execution)
    for told in (*(visit.attempts[-1:] if visit else ()), visit):
        if told is not None:
            error, cause = error or told.error, cause or told.cause
    return error, cause


def _verdict_text(
    execution: ExecutionAsOf,
    known: datetime | None,
    visit: StateVisit | None,
    reason: str,
) -> str:
    """Say how each leg ended: `FAILED after 3 s, redriven …, SUCCEEDED after …`."""
    legs: list[str] = []
    begun, running = execution.started_at, execution.running
    for redrive in execution.redrives:
        if redrive.ended is not None:
            lasted = _lasted(begun, redrive.ended.at, "after", legs)
            legs.append(f"{TERMINAL[redrive.ended.type]}{lasted}")
        gap = redrive.seconds
        legs.append(f"redriven{'' if gap is None else f' {spoken(gap)} later'}")
        begun = redrive.event.at
    lasted = _lasted(begun, known, "for" if running else "after", legs)
    where = f" in {named(visit.name)}" if visit else ""
    if running:
        where = f"{lasted and ' so far'}{where and f',{where}'}"
    told = f": {reason}" if reason and not running else ""
    last = f"{clean(execution.status)}{lasted}{where}{told}"
    return f"{', '.join([*legs, last]).rstrip('.')}."


def _lasted(
    begun: datetime | None, end: datetime | None, word: str, before: Sequence[str]
) -> str:
    """Say how long a leg took: `after 3 s`, and of later ones `after 1m 20s more`."""
    if begun is None or end is None:
        return ""
    seconds = max(0.0, (end - begun).total_seconds())
    return f" {word} {spoken(seconds)}{' more' if before else ''}"


def _decisive(execution: ExecutionAsOf) -> StateVisit | None:
    """Find the state that failed, innermost and last; of a running one the newest."""
    if execution.running:
        running = [visit for visit in execution.visits if visit.running]
        return max(running, key=lambda visit: visit.id, default=None)
    if execution.ending is None or execution.status == "SUCCEEDED":
        return None
    bad = [visit for visit in execution.visits if visit.status in FAILED]
    around = {visit.parent for visit in bad}
    inner = [visit for visit in bad if visit.id not in around]
    return max(inner, key=lambda v: (v.ended_at or v.entered_at, v.id), default=None)


def ended_with(
    moment: Moment, execution: ExecutionAsOf
) -> tuple[str | None, str | None]:
    """Give the error and the cause that an execution ended with."""
    details = moment.trace.details(execution.ending) if execution.ending else {}
    return text_of(details.get("error")), text_of(details.get("cause"))


# -- attempts --------------------------------------------------------------------------


def retries(_: Case, use: StateUse) -> Iterator[Finding]:
    """Tell of visits that took several attempts; of very many together."""
    for visits in together([visit for visit in use.visits if _is_retried(visit)]):
        yield _retries(use, visits)


def _is_retried(visit: StateVisit) -> bool:
    """True for more attempts than a redrive accounts for."""
    numbers = range(2, len(visit.attempts) + 1)
    return any(not visit.is_redriven(number) for number in numbers)


def _retries(use: StateUse, visits: Sequence[StateVisit]) -> Finding:
    tries = [attempt for visit in visits for attempt in visit.attempts]
    bad = [attempt for attempt in tries if attempt.status in FAILED]
    errors = ranked(attempt.error or attempt.status for attempt in bad)
    lost = _seconds((a.scheduled_at, a.ended_at or a.scheduled_at) for a in bad)
    backing_off = _seconds(wait for visit in visits for wait in visit.backoffs)
    alone = len(visits) > 1 or len(use.visits) == 1
    attempts = "attempt" if len(bad) == 1 else "attempts"
    cost = f"The failed {attempts} took {spoken(lost)}, plus " if bad else "There were "
    storm = len(bad) >= _STORM
    return finding(
        "retries",
        f"{'Retry storm: ' if storm else ''}{visit_name(visits[0], alone=alone)}"
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


def _seconds(spans: Iterable[Span]) -> float:
    return sum(max(0.0, (end - begin).total_seconds()) for begin, end in spans)


def _tried(visits: Sequence[StateVisit], tries: int) -> str:
    """Say how often, and what came of it: the last try of a success did not fail."""
    where = f" in {len(visits)} visits" if len(visits) > 1 else ""
    statuses = {visit.status for visit in visits}
    if statuses == {"succeeded"}:
        return f"took {tries} attempts{where} to succeed"
    ends = {"caught": " and its failure was caught", "failed": " and failed for good"}
    end = ends.get(statuses.pop(), "") if len(statuses) == 1 else ""
    return f"was tried {times(tries)}{where}{end}"


def _errors(errors: Mapping[str, int]) -> str:
    if len(errors) == 1:
        return f" with {named(next(iter(errors)))}"
    each = [f"{count} with {named(error)}" for error, count in errors.items()]
    return f" ({some(each)})" if each else ""


# -- calls -----------------------------------------------------------------------------


def failed_calls(case: Case, use: StateUse) -> Iterator[Finding]:
    """Tell of a state's calls that failed; polls that were denied are told apart."""
    groups: dict[tuple[str, str], list[ApiCall]] = defaultdict(list)
    for each in use.attempts:
        denied = {poll.event_id for poll in each.denied}
        for call in each.calls:
            if call.error_code and call.event_id not in denied:
                groups[call.event_name, call.error_code].append(call)
    for _, calls in sorted(groups.items()):
        exact = case.survey.is_exact(calls)
        yield failed_call(use.name, calls, {"visit": use.visits[0].id}, exact=exact)


def failed_call(
    caller: str,
    calls: Sequence[ApiCall],
    place: Mapping[str, object],
    *,
    exact: bool = True,
    quoted: bool = True,
) -> Finding:
    """Tell of calls of one name that failed alike, in AWS's words if all say the same.

    `place` is what data says of whose they are.
    """
    name, code = calls[0].event_name, calls[0].error_code or ""
    throttled = bool(_THROTTLED.fullmatch(code.rpartition(".")[2]))
    messages = {call.error_message for call in calls}
    message = messages.pop() if len(messages) == 1 and quoted else None
    said = ""
    if message and not throttled:
        said = f': "{clean(message, _MESSAGE).rstrip(".")}"'
    return finding(
        "throttled-calls" if throttled else "failed-calls",
        f"{named(name)} called by {caller} {'was throttled' if throttled else 'failed'}"
        f" {times(len(calls))} with {named(code)}{said}.",
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
    def sentence(self) -> Finding:
        reason, name = why(self.error, self.cause), named(self.next_state)
        then = f", and {name} came next" if self.next_state else ""
        subject = visit_name(self.visit, alone=self.visit.parent is None)
        text = f"{subject} failed{f' with {reason}' if reason else ''} (caught{then})."
        return finding("caught", text, (f"#{self.visit.event_ids[-1]}",))


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
    execution, redrives = case.execution, case.execution.redrives
    if not redrives:
        return
    again = [visit for visit in case.visits if visit.pauses]
    events = [event for each in redrives for event in (each.ended, each.event)]
    yield finding(
        "redriven",
        f"The execution was redriven {times(len(redrives))}{_after(redrives)}"
        f"{_again(again)}.",
        (f"#{event.id}" for event in (*events, execution.ending) if event is not None),
        redrives=len(redrives),
        count=redrives[-1].number,
        seconds=round(stopped_seconds(execution), 3),
        status=execution.status,
        visits=[visit.id for visit in again],
    )


def _after(redrives: Sequence[Redrive]) -> str:
    gaps = [redrive.seconds for redrive in redrives if redrive.seconds is not None]
    ended = redrives[0].ended
    if len(redrives) == 1 and ended is not None:
        return f", {spoken(gaps[0])} after it {ended_words(TERMINAL[ended.type])}"
    return f", having been stopped for {spoken(sum(gaps))} in all" if gaps else ""


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
