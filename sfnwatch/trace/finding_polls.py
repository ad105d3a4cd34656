"""How a state's job was polled for, and whether it mattered that polls were denied."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import mean
from typing import Any

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.finding import Certainty, Finding, certainty, evidence
from sfnwatch.trace.finding_case import FEW, Case, Try, Use, later
from sfnwatch.trace.finding_words import (
    cadence,
    decimal,
    listed,
    named,
    plural,
    times,
)
from sfnwatch.trace.notice import UNNOTICED, is_denied
from sfnwatch.trace.reach import Reach
from sfnwatch.trace.times import iso

__all__ = [
    "denials",
    "denied_words",
    "interval_figures",
    "interval_words",
    "intervals",
    "is_denied",
    "is_settled",
    "next_poll",
    "polling",
    "settled_intervals",
]

_LISTED = 6
"""So many intervals are worth reading; of more, the extremes are."""
_KEPT = 100
_MISSING = "later records may be missing"
_EASED = timedelta(minutes=10)
_SOON, _LATER = timedelta(seconds=60), timedelta(seconds=300)
"""A hint, no promise: about a minute at first, about five after ten minutes."""


def intervals(action: ApiCall | None, polls: Sequence[ApiCall]) -> list[float]:
    """Give the seconds between polls; from the action call on, where it is known."""
    begun = [action] if action and polls and _before(action, polls[0]) else []
    moments = [call.event_time for call in (*begun, *polls)]
    return [(after - before).total_seconds() for before, after in pairwise(moments)]


def settled_intervals(
    known: Reach, action: ApiCall | None, polls: Sequence[ApiCall]
) -> list[float]:
    """Give those intervals that no later record can divide.

    CloudTrail delivers out of order: between two polls one may still be missing, and
    the gap would be told as how often they come.
    """
    return intervals(_settled(known, action), known.settled(polls))


def _settled(known: Reach, action: ApiCall | None) -> ApiCall | None:
    return action if action is not None and known.settled([action]) else None


def _before(action: ApiCall, poll: ApiCall) -> bool:
    return action.event_time <= poll.event_time


def interval_figures(
    action: ApiCall | None, polls: Sequence[ApiCall]
) -> Mapping[str, Any]:
    """Give the figures of `intervals`, in seconds to one decimal."""
    gaps = intervals(action, polls)
    counted = action is not None and len(gaps) == len(polls)
    return {
        "interval_mean": round(mean(gaps), 1) if gaps else None,
        "interval_min": min(gaps, default=None),
        "interval_max": max(gaps, default=None),
        "intervals": gaps[:_KEPT],
        "from": action.event_name if action and counted else None,
    }


def interval_words(action: ApiCall | None, polls: Sequence[ApiCall]) -> str:
    """Say how often: `, about once a minute: after 55, 59 and 63 s, counted from …`."""
    gaps = intervals(action, polls)
    if not gaps:
        return ""
    counted = action is not None and len(gaps) == len(polls)
    since = f", counted from {named(action.event_name)}" if action and counted else ""
    if len(gaps) == 1:
        apart = f"after {named(action.event_name)}" if action and counted else "apart"
        return f", {decimal(gaps[0])} s {apart}"
    average = f"mean {decimal(mean(gaps))} s"
    if len(gaps) <= _LISTED:
        each = f"at intervals of {listed([decimal(gap) for gap in gaps])} s"
    else:
        each = f"every {decimal(min(gaps))} to {decimal(max(gaps))} s"
    return f", {cadence(mean(gaps))}: {each}{since} ({average})"


def denied_words(denied: int, count: int) -> str:
    if not denied:
        return ""
    return (
        f"{denied} of {plural(count, 'poll')} {'was' if denied == 1 else 'were'} denied"
    )


def polling(case: Case, use: Use) -> Iterator[Finding]:
    """Tell of the polls of each try; of very many tries together."""
    polled = [tried for tried in use.tries if tried.polls]
    if len(polled) > FEW:
        yield _together(case, use, polled)
        return
    for tried in polled:
        yield _polling(case, tried)
        if tried.attempt.status == "running":
            yield _next(tried)


def _polling(case: Case, tried: Try) -> Finding:
    polls, known = tried.polls, case.reach
    action, sure = _settled(known, tried.action), known.settled(polls)
    refused = denied_words(sum(map(is_denied, polls)), len(polls))
    exact = all(case.trace.links[poll.event_id].rule.exact for poll in polls)
    so_far = "" if tried.whole else " so far"
    guessed = "" if exact else ", as far as role, action and time tell"
    return Finding(
        kind="polling",
        certainty=certainty(fact=exact and is_settled(case, tried)),
        text=(
            f"While {tried.subject} waited, Step Functions polled"
            f" {times(len(polls))}{so_far} with {named(polls[0].event_name)}"
            f"{_spacing(known, action, polls)}"
            f"{f'; {refused}' if refused else ''}"
            f"{'' if is_settled(case, tried) else f'; {_MISSING}'}{guessed}."
        ),
        evidence=evidence(call.event_id for call in polls),
        data={
            "visit": tried.visit.id,
            "attempt": tried.attempt.scheduled_id,
            "call": polls[0].event_name,
            "count": len(polls),
            "denied": sum(map(is_denied, polls)),
            **interval_figures(action, sure),
            **({} if tried.whole else {"so_far": True}),
        },
    )


def is_settled(case: Case, tried: Try) -> bool:
    """True if later records can't change what is said of a try's polls.

    While it waits more will come, which is no surprise: then up to the last is enough.
    """
    if tried.attempt.ended_at is None:
        return len(case.reach.settled(tried.polls)) == len(tried.polls)
    return tried.whole


def _spacing(known: Reach, action: ApiCall | None, polls: Sequence[ApiCall]) -> str:
    """Say how often, and up to when that is known where there are more polls."""
    sure = known.settled(polls)
    words, gaps = interval_words(action, sure), intervals(action, sure)
    if known.measured is None or not gaps or len(sure) == len(polls):
        return words
    if len(gaps) == 1:
        first = "the first two" if len(sure) > 1 else "the first"
        return words.replace(", ", f", {first} ", 1)
    return f"{words}, up to {known.measured:%H:%M:%S} UTC"


def _together(case: Case, use: Use, polled: Sequence[Try]) -> Finding:
    polls = [poll for tried in polled for poll in tried.polls]
    known = case.reach
    gaps = [gap for t in polled for gap in settled_intervals(known, t.action, t.polls)]
    so_far = "" if all(t.whole for t in polled) else " so far"
    settled = all(is_settled(case, tried) for tried in polled)
    exact = all(case.trace.links[poll.event_id].rule.exact for poll in polls)
    denied = sum(map(is_denied, polls))
    refused = denied_words(denied, len(polls))
    fewest = min(len(tried.polls) for tried in polled)
    most = max(len(tried.polls) for tried in polled)
    each = f"{fewest} to {most}" if fewest < most else f"{most}"
    every = (
        f", {cadence(mean(gaps))} ({decimal(min(gaps))} to {decimal(max(gaps))} s)"
        if gaps
        else ""
    )
    return Finding(
        kind="polling",
        certainty=certainty(fact=exact and settled),
        text=(
            f"While {use.name} waited in {len(polled)} tries, Step Functions polled"
            f" {times(len(polls))}{so_far} with {named(polls[0].event_name)}, {each} a"
            f" try{every}{f'; {refused}' if refused else ''}"
            f"{'' if settled else f'; {_MISSING}'}."
        ),
        evidence=evidence(poll.event_id for poll in polls),
        data={
            "visit": polled[0].visit.id,
            "attempt": polled[0].attempt.scheduled_id,
            "call": polls[0].event_name,
            "count": len(polls),
            "denied": denied,
            "interval_mean": round(mean(gaps), 1) if gaps else None,
            "interval_min": min(gaps, default=None),
            "interval_max": max(gaps, default=None),
            "intervals": gaps[:_KEPT],
            "from": polled[0].action.event_name if polled[0].action else None,
            "tries": len(polled),
            **({"so_far": True} if so_far else {}),
        },
    )


def next_poll(action_at: datetime, last_at: datetime) -> datetime:
    """Say when the next poll may be expected, after the last one."""
    return later(last_at, _SOON if last_at - action_at < _EASED else _LATER)


def _next(tried: Try) -> Finding:
    last = tried.polls[-1]
    action = tried.action or tried.polls[0]
    expected = next_poll(action.event_time, last.event_time)
    return Finding(
        kind="next-poll",
        certainty=Certainty.INFERENCE,
        text=(
            f"{tried.subject} still waits: its next"
            f" {named(last.event_name)} may be expected about {expected:%H:%M:%S} UTC;"
            " polls come about every 60 s at first, later about every 300 s."
        ),
        evidence=(last.event_id,),
        data={
            "visit": tried.visit.id,
            "attempt": tried.attempt.scheduled_id,
            "expected_at": iso(expected),
        },
    )


# -- denied ----------------------------------------------------------------------


def denials(use: Use) -> Iterator[Finding]:
    """Tell whether it mattered that polls were denied; of very many tries together."""
    by_outcome: dict[str, list[Try]] = {}
    for tried in use.tries:
        if any(map(is_denied, tried.polls)):
            by_outcome.setdefault(_outcome(tried.attempt), []).append(tried)
    for kind, tries in by_outcome.items():
        each = [tries] if len(tries) > FEW else [[tried] for tried in tries]
        for those in each:
            yield _denied(kind, those)


def _outcome(attempt: Attempt) -> str:
    if attempt.status == "succeeded":
        return "denied-but-succeeded"
    return "denied-unknown" if attempt.status == "running" else "denied-and-failed"


def _denied(kind: str, tries: Sequence[Try]) -> Finding:
    polls = [poll for tried in tries for poll in tried.polls]
    denied = [poll for poll in polls if is_denied(poll)]
    whole = all(tried.whole for tried in tries)
    so_far = "" if whole or kind == "denied-unknown" else " so far"
    refused = (
        f"{plural(len(denied), 'poll')}{so_far} {'was' if len(denied) == 1 else 'were'}"
    )
    first, several = tries[0], len(tries) > 1
    name = named(first.visit.name)
    subject = f"{name} ({len(tries)} tries)" if several else first.subject
    ended = [tried for tried in tries if tried.attempt.status != "running"]
    every = whole and len(denied) == len(polls)
    codes = Counter(poll.error_code for poll in denied)
    return Finding(
        kind=kind,
        certainty=certainty(fact=kind == "denied-unknown"),
        text=f"{refused} denied, {_mattered(kind, subject, tries, every=every)}",
        evidence=evidence(
            [*(poll.event_id for poll in denied), *(t.end_event for t in ended)]
        ),
        data={
            "visit": tries[0].visit.id,
            "attempt": tries[0].attempt.scheduled_id,
            "count": len(denied),
            "polls": len(polls),
            "error_code": min(codes, key=lambda code: (-codes[code], code or "")),
            **({"tries": len(tries)} if len(tries) > 1 else {}),
        },
    )


def _mattered(kind: str, subject: str, tries: Sequence[Try], *, every: bool) -> str:
    """Say what the denials led to; `every`: surely no poll was answered."""
    if kind == "denied-unknown":
        return f"and {subject} still waits: whether that matters is open."
    if kind == "denied-but-succeeded":
        decided = "the denials did not decide the outcome"
        if not every:
            return f"and {subject} succeeded all the same: {decided}."
        return (
            f"and {subject} succeeded all the same: {decided}, so polling is not the"
            f" only way Step Functions learns of the end{_other_way(tries[0].attempt)}."
        )
    if all(t.attempt.stopped_at and t.attempt.status not in UNNOTICED for t in tries):
        return (
            f"and {subject} failed by its job's own end, which was known all the same:"
            " the denials did not decide the outcome."
        )
    return f"and {subject} did not succeed: whether the denials mattered is open."


def _other_way(attempt: Attempt) -> str:
    row = attempt.integration
    if row is None or row.managed_rule is None or attempt.role_arn is not None:
        return ""  # for another account's job events are not used
    return f"; the other is an event of the managed rule {row.managed_rule}"
