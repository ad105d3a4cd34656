"""How a state's job was polled for, and whether it mattered that polls were denied."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from statistics import mean
from typing import Any

from sfnwatch.next.analysis.case import FEW, AttemptCase, Case, StateUse, later
from sfnwatch.next.analysis.completion import ENDED_OTHERWISE, is_denied
from sfnwatch.next.analysis.finding import Finding, finding
from sfnwatch.next.analysis.intervals import KEPT, Intervals, spread
from sfnwatch.next.analysis.wording import (
    cadence,
    decimal,
    named,
    plural,
    time_of_day,
    times,
)
from sfnwatch.next.model.coverage import Coverage
from sfnwatch.next.model.times import iso
from sfnwatch.next.model.visits import Attempt

_MISSING = "later records may change this"
_EASED = timedelta(minutes=10)
_SOON, _LATER = timedelta(seconds=60), timedelta(seconds=300)
"""A hint, no promise: about a minute at first, about five after ten minutes."""


def is_settled(coverage: Coverage, case: AttemptCase) -> bool:
    """True if later records can't change what is said of an attempt's polls.

    While it waits more will come, which is no surprise: then up to the last is enough.
    """
    if case.attempt.ended_at is None:
        return len(coverage.settled(case.polls)) == len(case.polls)
    return case.complete


def denied_words(denied: int, count: int) -> str:
    """Say how many polls were denied: `all 5 polls were denied`, `2 of 5 polls …`."""
    if not denied:
        return ""
    if denied == count:
        return "it was denied" if count == 1 else f"all {count} polls were denied"
    verb = "was" if denied == 1 else "were"
    return f"{denied} of {plural(count, 'poll')} {verb} denied"


def together(cases: Sequence[AttemptCase]) -> list[Sequence[AttemptCase]]:
    """Divide attempts into those that are told of at once: very many are."""
    return [cases] if len(cases) > FEW else [[case] for case in cases]


# -- polling ---------------------------------------------------------------------------


def polling(case: Case, use: StateUse) -> Iterator[Finding]:
    """Tell of the polls of each attempt; of very many attempts together."""
    for polled in together([each for each in use.attempts if each.polls]):
        yield _polling(case, use, polled)
        if len(polled) == 1 and polled[0].running:
            yield _next(polled[0])


def _polling(case: Case, use: StateUse, polled: Sequence[AttemptCase]) -> Finding:
    survey, one = case.survey, len(polled) == 1
    polls = [poll for each in polled for poll in each.polls]
    known = [each.intervals for each in polled]
    denied = sum(map(is_denied, polls))
    so_far = "" if all(each.complete for each in polled) else " so far"
    settled = all(is_settled(survey.coverage, each) for each in polled)
    exact = survey.is_exact(polls)
    gaps = [gap for each in known for gap in each.seconds]
    words = _spacing(survey.coverage, polled[0], known[0]) if one else _spread(gaps)
    refused = denied_words(denied, len(polls))
    return finding(
        "polling",
        f"While {polled[0].subject if one else use.name} waited"
        f"{'' if one else f' in {len(polled)} attempts'}, Step Functions polled"
        f" {times(len(polls))}{so_far} with {named(polls[0].event_name)}"
        f"{'' if one else _per_attempt(polled)}{words}"
        f"{f'; {refused}' if refused else ''}{'' if settled else f'; {_MISSING}'}"
        f"{'' if exact else '; matched by role, action and time'}.",
        (call.event_id for call in polls),
        fact=exact and settled,
        **polled[0].place,
        call=polls[0].event_name,
        count=len(polls),
        denied=denied,
        **(known[0].data if one else _data_of_many(polled, gaps)),
        **({"so_far": True} if so_far else {}),
    )


def _data_of_many(polled: Sequence[AttemptCase], gaps: list[float]) -> dict[str, Any]:
    action = polled[0].action
    return {
        **spread(gaps),
        "intervals": gaps[:KEPT],
        "from": action.event_name if action else None,
        "tries": len(polled),
    }


def _per_attempt(polled: Sequence[AttemptCase]) -> str:
    counts = [len(each.polls) for each in polled]
    fewest, most = min(counts), max(counts)
    return f", {f'{fewest} to {most}' if fewest < most else most} per attempt"


def _spread(gaps: Sequence[float]) -> str:
    if not gaps:
        return ""
    return f", {cadence(mean(gaps))} ({decimal(min(gaps))} to {decimal(max(gaps))} s)"


def _spacing(coverage: Coverage, case: AttemptCase, known: Intervals) -> str:
    """Say how often, and up to when that is known where there are more polls."""
    sure = coverage.settled(case.polls)
    if coverage.measured is None or not known.seconds or len(sure) == len(case.polls):
        return known.words
    if len(known.seconds) == 1:
        first = "the first two" if len(sure) > 1 else "the first"
        return known.words.replace(", ", f", {first} ", 1)
    return f"{known.words}, up to {time_of_day(coverage.measured)}"


def next_poll(action_at: datetime, last_at: datetime) -> datetime:
    """Say when the next poll may be expected, after the last one."""
    return later(last_at, _SOON if last_at - action_at < _EASED else _LATER)


def _next(case: AttemptCase) -> Finding:
    last = case.polls[-1]
    action = case.action or case.polls[0]
    expected = next_poll(action.event_time, last.event_time)
    return finding(
        "next-poll",
        f"{case.subject} is still waiting: its next {named(last.event_name)} is"
        f" expected about {time_of_day(expected)}; polls come about every 60 s at"
        " first, later about every 300 s.",
        (last.event_id,),
        fact=False,
        **case.place,
        expected_at=iso(expected),
    )


# -- denied ----------------------------------------------------------------------------


def denials(case: Case, use: StateUse) -> Iterator[Finding]:
    """Tell whether it mattered that polls were denied; of very many together."""
    by_outcome: dict[str, list[AttemptCase]] = {}
    for each in use.attempts:
        if each.denied:
            by_outcome.setdefault(_outcome(each.attempt), []).append(each)
    for kind, cases in by_outcome.items():
        for those in together(cases):
            yield _denied(case, kind, those)


def _outcome(attempt: Attempt) -> str:
    if attempt.status == "succeeded":
        return "denied-but-succeeded"
    return "denied-unknown" if attempt.status == "running" else "denied-and-failed"


def _denied(case: Case, kind: str, cases: Sequence[AttemptCase]) -> Finding:
    polls = [poll for each in cases for poll in each.polls]
    denied = [poll for poll in polls if is_denied(poll)]
    complete = all(each.complete for each in cases)
    so_far = "" if complete or kind == "denied-unknown" else " so far"
    several = len(cases) > 1
    name = named(cases[0].visit.name)
    subject = f"{name} ({len(cases)} attempts)" if several else cases[0].subject
    every = complete and len(denied) == len(polls)
    often = "Every poll" if every else _counted(len(denied), len(polls))
    verb = "was" if every or len(denied) == 1 else "were"
    count = f" ({len(denied)} of {len(polls)})" if every else ""
    codes = Counter(poll.error_code for poll in denied)
    ended = [each.end_event for each in cases if not each.running]
    return finding(
        kind,
        (
            f"{often} for {subject} {verb} denied{so_far}{count},"
            f" {_mattered(kind, cases, every=every)}."
        ),
        [*(poll.event_id for poll in denied), *ended],
        fact=kind == "denied-unknown" and case.survey.is_exact(denied),
        **cases[0].place,
        count=len(denied),
        polls=len(polls),
        error_code=min(codes, key=lambda code: (-codes[code], code or "")),
        **({"tries": len(cases)} if several else {}),
    )


def _counted(denied: int, count: int) -> str:
    return f"{denied} of {plural(count, 'poll')}"


def _mattered(kind: str, cases: Sequence[AttemptCase], *, every: bool) -> str:
    """Say what the denials led to; `every`: surely no poll was answered."""
    subject = "it" if len(cases) == 1 else "they"
    if kind == "denied-unknown":
        return "and the state is still waiting: whether that matters is not known yet"
    if kind == "denied-but-succeeded" and not every:
        return f"yet {subject} still succeeded: the denials did not decide the outcome"
    if kind == "denied-but-succeeded":
        return (
            f"yet {subject} still succeeded, so completion doesn't depend on polling"
            f"{_other_way(cases[0].attempt)}"
        )
    if all(_stopped_by_itself(each.attempt) for each in cases):
        return (
            f"and {subject} failed because the job failed, which was learned all the"
            " same: the denials did not decide the outcome"
        )
    return f"and {subject} did not succeed: whether the denials mattered is not known"


def _stopped_by_itself(attempt: Attempt) -> bool:
    return attempt.stopped_at is not None and attempt.status not in ENDED_OTHERWISE


def _other_way(attempt: Attempt) -> str:
    row = attempt.integration
    if row is None or row.managed_rule is None or attempt.role_arn is not None:
        return ""  # for another account's job events are not used
    return f": the EventBridge managed rule {row.managed_rule} reports it too"
