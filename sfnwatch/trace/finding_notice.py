"""How long after a job's end Step Functions knew of it, and what told of it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from statistics import median

from sfnwatch.trace.finding import Certainty, Finding, certainty, evidence
from sfnwatch.trace.finding_case import FEW, Case, Try, Use
from sfnwatch.trace.finding_words import spoken
from sfnwatch.trace.notice import UNNOTICED, By, Notice, notice
from sfnwatch.trace.times import iso, maybe_iso

_BY = {
    By.EVENT: "by an event",
    By.POLL: "by a poll",
    By.UNKNOWN: "open by what",
}


def noticed(case: Case, use: Use) -> Iterator[Finding]:
    """Tell of each try whose job says when it stopped; of very many together."""
    told = [
        (tried, found)
        for tried in use.tries
        if (found := notice(tried.attempt, tried.polls, _known(case, tried)))
    ]
    if len(told) > FEW:
        yield _together(use, told)
        return
    for tried, found in told:
        yield _noticed(case, tried, found)


def unnoticed(use: Use) -> Iterator[Finding]:
    """Tell of each try that ended otherwise, though its job had stopped before.

    What told Step Functions of the end was lost: the event, and no poll got through.
    """
    for tried in use.tries:
        attempt = tried.attempt
        stopped, ended = attempt.stopped_at, attempt.ended_at
        if attempt.status not in UNNOTICED or stopped is None or ended is None:
            continue
        seconds = (ended - stopped).total_seconds()
        if seconds > 0:
            yield _unnoticed(tried, stopped, seconds)


def _unnoticed(tried: Try, stopped: datetime, seconds: float) -> Finding:
    attempt = tried.attempt
    job = attempt.integration.job_word if attempt.integration else "job"
    how = "ran out of time" if attempt.status == "timed_out" else "was aborted"
    return Finding(
        kind="unnoticed",
        certainty=Certainty.INFERENCE,
        text=(
            f"The {job} started by {tried.subject} had stopped at {iso(stopped)}, and"
            f" Step Functions did not know of it when the try {how}"
            f" {spoken(seconds)} later."
        ),
        evidence=evidence(item for item in (tried.end_event, attempt.told_by) if item),
        data={
            "visit": tried.visit.id,
            "attempt": attempt.scheduled_id,
            "stopped_at": iso(stopped),
            "ended_at": maybe_iso(attempt.ended_at),
            "seconds": round(seconds, 3),
            "status": attempt.status,
        },
    )


def _known(case: Case, tried: Try) -> datetime | None:
    return case.reach.of(case.timeline.execution_arn, tried.attempt, tried.calls)


def _noticed(case: Case, tried: Try, told: Notice) -> Finding:
    return Finding(
        kind="noticed",
        certainty=certainty(fact=told.by is By.UNKNOWN),
        text=(
            f"The {told.job} started by {tried.subject} stopped at"
            f" {iso(told.stopped_at)} and Step Functions knew"
            f" {spoken(told.seconds)} later, {_by(case, tried, told)}."
        ),
        evidence=evidence(
            item
            for item in (
                tried.end_event,
                tried.attempt.told_by,
                *(c.event_id for c in tried.polls),
            )
            if item
        ),
        data={
            "visit": tried.visit.id,
            "attempt": tried.attempt.scheduled_id,
            "stopped_at": iso(told.stopped_at),
            "noticed_at": maybe_iso(told.noticed_at),
            "seconds": round(told.seconds, 3),
            "by": str(told.by),
            **({"failed_polls": told.failed} if told.failed else {}),
        },
    )


def _by(case: Case, tried: Try, told: Notice) -> str:
    row = tried.attempt.integration
    rule = (
        f" of the managed rule {row.managed_rule}" if row and row.managed_rule else ""
    )
    if told.by is By.EVENT:
        why = told.between if told.failed else "no poll lies in between"
        return f"by an event{rule}: {why}"
    if told.by is By.POLL and told.certain:
        return "by a poll, which lies in between"
    if told.by is By.POLL:
        return "by a poll or by an event: both lie within the same second"
    if not case.watched:
        return (
            "but by what it knew is open: whether a poll stood in between only"
            " CloudTrail can tell, and there is none of it here"
        )
    if tried.attempt.role_arn is not None:
        return (
            "but no poll by its own role is seen: those may be in another account's"
            " CloudTrail, so what told of it is open"
        )
    if not tried.calls:
        return (
            "but no call of its own is seen here, so whether it was polled for, and"
            " what told of it, is open"
        )
    refused = f"; {told.between} so far" if told.failed else ""
    return (
        f"but CloudTrail is not complete to there, so what told of it is open{refused}"
    )


def _together(use: Use, told: Sequence[tuple[Try, Notice]]) -> Finding:
    seconds = [found.seconds for _, found in told]
    ways = Counter(found.by for _, found in told)
    first = told[0][0]
    counted = ", ".join(f"{ways[by]} {_BY[by]}" for by in By if ways[by])
    # Found first: the latest is the one that is worth a look.
    latest = max(told, key=lambda pair: (pair[1].seconds, -pair[0].visit.id))
    tries = dict.fromkeys((latest[0].end_event, *(t.end_event for t, _ in told)))
    return Finding(
        kind="noticed",
        certainty=Certainty.FACT
        if ways[By.UNKNOWN] == len(told)
        else Certainty.INFERENCE,
        text=(
            f"The ends of {len(told)} jobs started by {use.name} were known"
            f" {_range(seconds)} after they stopped: {counted}."
        ),
        evidence=evidence(tries),
        data={
            "visit": first.visit.id,
            "attempt": first.attempt.scheduled_id,
            "tries": len(told),
            "seconds": round(median(seconds), 3),
            "seconds_min": round(min(seconds), 3),
            "seconds_max": round(max(seconds), 3),
            "by": {str(by): ways[by] for by in By if ways[by]},
        },
    )


def _range(seconds: Sequence[float]) -> str:
    least, most = spoken(min(seconds)), spoken(max(seconds))
    if least == most:
        return least
    return f"{least} to {most} (median {spoken(median(seconds))})"
