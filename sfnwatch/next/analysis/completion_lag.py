"""How long after a job's stop its state learned of it, and from what, in sentences."""

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

from sfnwatch.next.analysis.case import FEW, AttemptCase, Case, StateUse
from sfnwatch.next.analysis.completion import ENDED_OTHERWISE, Completion, ToldBy
from sfnwatch.next.analysis.finding import Finding, finding
from sfnwatch.next.analysis.wording import plural, spoken, time_of_day
from sfnwatch.next.model.integrations import Integration
from sfnwatch.next.model.times import iso, maybe_iso

_BY = {
    ToldBy.EVENT: "by an event",
    ToldBy.POLL: "by a poll",
    ToldBy.UNKNOWN: "not known",
}


def completions(case: Case, use: StateUse) -> Iterator[Finding]:
    """Tell of each attempt whose job says when it stopped; of very many together."""
    told = [
        (each, completion) for each in use.attempts if (completion := each.completion)
    ]
    if len(told) > FEW:
        yield _together(use, told)
        return
    for each, completion in told:
        yield _completion(case, each, completion)


def _completion(case: Case, each: AttemptCase, completion: Completion) -> Finding:
    proofs = (each.end_event, _told_by(each), *(call.event_id for call in each.polls))
    failed = completion.failed_polls
    at = time_of_day(completion.stopped_at, case.execution.started_at)
    return finding(
        "noticed",
        f"The {completion.job} started by {each.subject} stopped at {at};"
        f" Step Functions learned of it {spoken(completion.lag)} later,"
        f" {_by(case, each, completion)}.",
        (item for item in proofs if item),
        fact=completion.by is ToldBy.UNKNOWN,
        **each.place,
        stopped_at=iso(completion.stopped_at),
        noticed_at=maybe_iso(completion.learned_at),
        seconds=round(completion.lag, 3),
        by=str(completion.by),
        **({"failed_polls": len(failed)} if failed else {}),
    )


def _told_by(each: AttemptCase) -> str | None:
    """The key of what ECS told of the stop, where the job's answer does not tell."""
    told = each.attempt.told_by
    return told.key if told is not None else None


def _by(case: Case, each: AttemptCase, completion: Completion) -> str:
    """Say what told of the end, or why that is not known."""
    row = each.attempt.integration
    rule = f" managed rule {row.managed_rule}" if row and row.managed_rule else ""
    if completion.by is ToldBy.EVENT:
        event = f"from the EventBridge{rule}" if rule else "from an event"
        return f"{event}, {_in_between(row, completion)}"
    if completion.by is ToldBy.POLL and completion.certain:
        return f"with a {_poll(row)} in between"
    if completion.by is ToldBy.POLL:
        return "from a poll or from an event: both fall within the same second"
    unknown = "so it's not known whether a poll or an event reported it"
    if not case.survey.watched:
        return f"but no CloudTrail data is loaded, {unknown}"
    if each.attempt.role_arn is not None:
        account = "polls by its own role may be in another account's CloudTrail"
        return f"but {account}, {unknown}"
    if not each.calls:
        return f"but no call is matched to it, {unknown}"
    failed = completion.failed_polls
    so_far = f"; so far, {_in_between(row, completion)}" if failed else ""
    return f"but CloudTrail hasn't caught up to that point yet, {unknown}{so_far}"


def _poll(row: Integration | None) -> str:
    return f"{row.poll_events[0]} call" if row and row.poll_events else "poll"


def _in_between(row: Integration | None, completion: Completion) -> str:
    """Say what lies in between where no poll that was answered does."""
    failed, poll = completion.failed_polls, _poll(row)
    if not failed:
        return f"with no {poll} in between"
    denied = "was denied" if len(failed) == 1 else "were denied"
    how = denied if completion.all_denied else "failed"
    if not completion.surely_between:
        return f"with no {poll} in between but {len(failed)} that {how}"
    if len(failed) == 1:
        return f"and the only {poll} in between {how}"
    return f"and all {len(failed)} polls in between {how}"


def _together(use: StateUse, told: Sequence[tuple[AttemptCase, Completion]]) -> Finding:
    lags = [completion.lag for _, completion in told]
    ways = Counter(completion.by for _, completion in told)
    counted = ", ".join(f"{ways[by]} {_BY[by]}" for by in ToldBy if ways[by])
    # Found first: the latest is the one that is worth a look.
    latest, _ = max(told, key=lambda pair: (pair[1].lag, -pair[0].visit.id))
    job = told[0][1].job
    return finding(
        "noticed",
        f"Step Functions learned that the {plural(len(told), job)} started by"
        f" {use.name} had stopped {_range(lags)} after they did: {counted}.",
        [latest.end_event, *(each.end_event for each, _ in told)],
        fact=ways[ToldBy.UNKNOWN] == len(told),
        **told[0][0].place,
        tries=len(told),
        seconds=round(median(lags), 3),
        seconds_min=round(min(lags), 3),
        seconds_max=round(max(lags), 3),
        by={str(by): ways[by] for by in ToldBy if ways[by]},
    )


def _range(lags: Sequence[float]) -> str:
    least, most = spoken(min(lags)), spoken(max(lags))
    if least == most:
        return least
    return f"{least} to {most} (median {spoken(median(lags))})"


def never_learned(case: Case, use: StateUse) -> Iterator[Finding]:
    """Tell of each attempt that ended otherwise, though its job had stopped before.

    What would have told Step Functions was lost: the event, and no poll got through.
    """
    for each in use.attempts:
        attempt = each.attempt
        stopped, ended = attempt.stopped_at, attempt.ended_at
        if attempt.status not in ENDED_OTHERWISE or stopped is None or ended is None:
            continue
        seconds = (ended - stopped).total_seconds()
        if seconds <= 0:
            continue
        job = attempt.integration.job_word if attempt.integration else "job"
        how = "timed out" if attempt.status == "timed_out" else "was aborted"
        at = time_of_day(stopped, case.execution.started_at)
        proofs = (each.end_event, _told_by(each))
        yield finding(
            "unnoticed",
            f"The {job} started by {each.subject} had stopped at {at}, and Step"
            f" Functions had not learned of it when the state {how}"
            f" {spoken(seconds)} later.",
            (item for item in proofs if item),
            fact=False,
            **each.place,
            stopped_at=iso(stopped),
            ended_at=maybe_iso(ended),
            seconds=round(seconds, 3),
            status=attempt.status,
        )
