"""Findings on how Step Functions learned that a job had stopped, and how late."""

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

from sfnwatch.analysis.attempt_analysis import AttemptAnalysis
from sfnwatch.analysis.attempt_calls import ENDED_OTHERWISE
from sfnwatch.analysis.completion import Completion, ReportedBy
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.grouping import report_groups
from sfnwatch.analysis.matched_calls import MatchedCalls
from sfnwatch.analysis.quantities import plural, spoken, time_of_day
from sfnwatch.analysis.state_analysis import StateAnalysis
from sfnwatch.analysis.statuses import ended_words
from sfnwatch.model.times import iso, maybe_iso

_BY = {
    ReportedBy.EVENT: "by an event",
    ReportedBy.POLL: "by a poll",
    ReportedBy.UNKNOWN: "not known",
}


def completions(use: StateAnalysis) -> Iterator[Finding]:
    """Yield findings on attempts whose job's stop is known; of very many, one."""
    told = [(each, each.completion) for each in use.attempts if each.completion]
    for those in report_groups(told):
        yield _completion(*those[0]) if len(those) == 1 else _completions(those)
    yield from _never_learned(use)


def _completion(each: AttemptAnalysis, told: Completion) -> Finding:
    at = time_of_day(told.stopped_at, each.state.execution.started_at)
    text = f"The {told.job} started by {each.subject} stopped at {at}; Step Functions"
    text += f" learned of it {spoken(told.lag)} later, {_told_by(each, told)}."
    polls = MatchedCalls(each.polls.sure, told.possible_polls)
    data = {**each.place, "seconds": round(told.lag, 3), "by": str(told.by)}
    data |= {"stopped_at": iso(told.stopped_at), "noticed_at": iso(told.learned_at)}
    if told.failed_polls:
        data["failed_polls"] = len(told.failed_polls)
    open_ = told.by is ReportedBy.UNKNOWN and not told.possible_polls
    return finding("noticed", text, [*_witnesses(each), *polls.ids], fact=open_, **data)


def _witnesses(each: AttemptAnalysis) -> list[str]:
    """Return the id of the event that ended the attempt, and the key of ECS's state.

    The latter only if ECS, and not the job's answer, gave the time of the stop.
    """
    told = each.attempt.told_by
    return [each.end_event, *([told.key] if told is not None else [])]


def _told_by(each: AttemptAnalysis, told: Completion) -> str:
    """Describe what reported the job's end, or why that is not known."""
    if told.by is ReportedBy.EVENT:
        rule = each.attempt.integration and each.attempt.integration.managed_rule
        event = f"the EventBridge managed rule {rule}" if rule else "an event"
        also = "and " if told.failed_polls and told.surely_between else ""
        return f"from {event}, {also}{told.between}"
    if told.by is ReportedBy.POLL and told.certain:
        return f"with a {told.poll_name} call in between"
    if told.by is ReportedBy.POLL:
        return "from a poll or from an event: both fall within the same second"
    why = "but CloudTrail hasn't caught up to that point yet"
    coverage = each.state.trace_analysis.coverage
    ends_at = coverage.complete_to
    if not coverage.live and ends_at is not None:
        is_short = ends_at < told.learned_at
        why = "but the file may lack calls of that time"
        why = f"but the file ends at {time_of_day(ends_at)}" if is_short else why
    if told.possible_polls:
        why = told.between
    elif not each.state.trace_analysis.watched:
        why = "but no CloudTrail data is loaded"
    elif each.attempt.role_arn is not None:
        why = "but polls by its own role may be in another account's CloudTrail"
    elif not each.calls.sure:
        why = "but no call is matched to it"
    return f"{why}, so it's not known whether a poll or an event reported it"


def _completions(told: Sequence[tuple[AttemptAnalysis, Completion]]) -> Finding:
    lags = [completion.lag for _, completion in told]
    counts = Counter(completion.by for _, completion in told)
    ways = {by: counts[by] for by in ReportedBy if counts[by]}
    # Its event comes first in the evidence: the longest lag is worth a look.
    latest, _ = max(told, key=lambda each: (each[1].lag, -each[0].visit.id))
    middle, least, most = (spoken(f(lags)) for f in (median, min, max))
    range_ = least if least == most else f"{least} to {most} (median {middle})"
    job = plural(len(told), told[0][1].job)
    told_by = ", ".join(f"{count} {_BY[by]}" for by, count in ways.items())
    text = f"Step Functions learned that the {job} started by {latest.state.name} had"
    text += f" stopped {range_} after they did: {told_by}."
    data = {**told[0][0].place, "tries": len(told)}
    data["by"] = {str(by): count for by, count in ways.items()}
    for key, of in (("seconds", median), ("seconds_min", min), ("seconds_max", max)):
        data[key] = round(of(lags), 3)
    proofs = [latest.end_event, *(each.end_event for each, _ in told)]
    open_ = ways.keys() == {ReportedBy.UNKNOWN}
    open_ = open_ and not any(completion.possible_polls for _, completion in told)
    return finding("noticed", text, proofs, fact=open_, **data)


def _never_learned(use: StateAnalysis) -> Iterator[Finding]:
    """Yield findings on attempts that ended otherwise, after their job had stopped.

    Step Functions did not learn of the stop: the event was lost, and no poll got
    through.
    """
    for each in use.attempts:
        attempt = each.attempt
        stopped = attempt.stopped_at
        ended = attempt.ended_at
        learned = attempt.status not in ENDED_OTHERWISE
        if learned or stopped is None or ended is None or ended <= stopped:
            continue
        seconds = (ended - stopped).total_seconds()
        job = attempt.integration.job_word if attempt.integration else "job"
        at = time_of_day(stopped, use.execution.started_at)
        text = f"The {job} started by {each.subject} had stopped at {at}, and Step"
        text += " Functions had not learned of it when the state"
        text += f" {ended_words(attempt.status)} {spoken(seconds)} later."
        data = {**each.place, "stopped_at": iso(stopped), "ended_at": maybe_iso(ended)}
        data |= {"seconds": round(seconds, 3), "status": attempt.status}
        yield finding("unnoticed", text, _witnesses(each), fact=False, **data)
