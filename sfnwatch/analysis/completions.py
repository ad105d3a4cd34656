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
from sfnwatch.model.times import iso

_LEARNED = (
    "The {job} started by {state} stopped at {at}; Step Functions learned of it {lag}"
    " later, {how}."
)
_LEARNED_OF_SEVERAL = (
    "Step Functions learned that the {jobs} started by {state} had stopped {lags}"
    " after they did: {reports}."
)
_NEVER_LEARNED = (
    "The {job} started by {state} had stopped at {at}, and Step Functions had not"
    " learned of it when the state {ended} {seconds} later."
)
_UNKNOWN = "{reason}, so it's not known whether a poll or an event reported it"
_REPORTS = {
    ReportedBy.EVENT: "by an event",
    ReportedBy.POLL: "by a poll",
    ReportedBy.UNKNOWN: "not known",
}
_Learned = tuple[AttemptAnalysis, Completion]
"""An attempt, and how Step Functions learned of its job's end."""


def completions(state: StateAnalysis) -> Iterator[Finding]:
    """Yield findings on attempts whose job's stop is known.

    Very many attempts make one finding.
    """
    learned = [
        (attempt, attempt.completion)
        for attempt in state.attempts
        if attempt.completion
    ]
    for group in report_groups(learned):
        if len(group) == 1:
            yield _completion(*group[0])
        else:
            yield _completions(group)
    for attempt in state.attempts:
        yield from _never_learned(attempt)


def _completion(attempt: AttemptAnalysis, completion: Completion) -> Finding:
    stopped_at = completion.stopped_at
    text = _LEARNED.format(
        job=completion.job,
        state=attempt.subject,
        at=time_of_day(stopped_at, attempt.state.execution.started_at),
        lag=spoken(completion.lag),
        how=_how_learned(attempt, completion),
    )
    polls = MatchedCalls(attempt.polls.sure, completion.possible_polls)
    proofs = [*_end_proofs(attempt), *polls.ids]
    data = {
        **attempt.place,
        "seconds": round(completion.lag, 3),
        "by": str(completion.by),
        "stopped_at": iso(stopped_at),
        "noticed_at": iso(completion.learned_at),
    }
    if completion.failed_polls:
        data["failed_polls"] = len(completion.failed_polls)
    is_fact = completion.by is ReportedBy.UNKNOWN and not completion.possible_polls
    return finding("noticed", text, proofs, fact=is_fact, **data)


def _end_proofs(attempt: AttemptAnalysis) -> list[str]:
    """Return the id of the event that ended the attempt, and the key of ECS's state.

    The latter only if ECS, and not the job's answer, gave the time of the stop.
    """
    task_state = attempt.attempt.told_by
    if task_state is None:
        return [attempt.end_event]
    return [attempt.end_event, task_state.key]


def _how_learned(attempt: AttemptAnalysis, completion: Completion) -> str:
    """Describe what reported the job's end, or why that is not known."""
    if completion.by is ReportedBy.EVENT:
        return f"from {_event_words(attempt)}, {_between_words(completion)}"
    if completion.by is ReportedBy.UNKNOWN:
        return _UNKNOWN.format(reason=_why_unknown(attempt, completion))
    if completion.certain:
        return f"with a {completion.poll_name} call in between"
    return "from a poll or from an event: both fall within the same second"


def _event_words(attempt: AttemptAnalysis) -> str:
    integration = attempt.attempt.integration
    if integration is None or not integration.managed_rule:
        return "an event"
    return f"the EventBridge managed rule {integration.managed_rule}"


def _between_words(completion: Completion) -> str:
    if completion.failed_polls and completion.surely_between:
        return f"and {completion.between}"
    return completion.between


def _why_unknown(attempt: AttemptAnalysis, completion: Completion) -> str:
    trace_analysis = attempt.state.trace_analysis
    if completion.possible_polls:
        return completion.between
    if not trace_analysis.watched:
        return "but no CloudTrail data is loaded"
    if attempt.attempt.role_arn is not None:
        return "but polls by its own role may be in another account's CloudTrail"
    if not attempt.calls.sure:
        return "but no call is matched to it"
    ends_at = trace_analysis.coverage.complete_to
    if trace_analysis.coverage.live or ends_at is None:
        return "but CloudTrail hasn't caught up to that point yet"
    if ends_at < completion.learned_at:
        return f"but the file ends at {time_of_day(ends_at)}"
    return "but the file may lack calls of that time"


def _completions(learned: Sequence[_Learned]) -> Finding:
    first, first_completion = learned[0]
    lags = [completion.lag for _, completion in learned]
    counts = Counter(completion.by for _, completion in learned)
    counts_by_report = {}
    reports = []
    for by in ReportedBy:
        if counts[by]:
            counts_by_report[str(by)] = counts[by]
            reports.append(f"{counts[by]} {_REPORTS[by]}")
    text = _LEARNED_OF_SEVERAL.format(
        jobs=plural(len(learned), first_completion.job),
        state=first.state.name,
        lags=_range_words(lags),
        reports=", ".join(reports),
    )
    data = {
        **first.place,
        "tries": len(learned),
        "by": counts_by_report,
        "seconds": round(median(lags), 3),
        "seconds_min": round(min(lags), 3),
        "seconds_max": round(max(lags), 3),
    }
    # The longest lag is worth a look: its event comes first in the evidence.
    latest, _ = max(learned, key=_lateness)
    proofs = [latest.end_event, *(attempt.end_event for attempt, _ in learned)]
    is_unknown = counts.keys() == {ReportedBy.UNKNOWN}
    has_guesses = any(completion.possible_polls for _, completion in learned)
    is_fact = is_unknown and not has_guesses
    return finding("noticed", text, proofs, fact=is_fact, **data)


def _lateness(learned: _Learned) -> tuple[float, int]:
    """Return a key that is largest for the longest lag, and of these the first."""
    attempt, completion = learned
    return completion.lag, -attempt.visit.id


def _range_words(lags: Sequence[float]) -> str:
    least = spoken(min(lags))
    most = spoken(max(lags))
    if least == most:
        return least
    return f"{least} to {most} (median {spoken(median(lags))})"


def _never_learned(analysis: AttemptAnalysis) -> Iterator[Finding]:
    """Yield a finding if an attempt ended otherwise, after its job had stopped.

    Step Functions did not learn of the stop: the event was lost, and no poll got
    through.
    """
    attempt = analysis.attempt
    stopped = attempt.stopped_at
    ended = attempt.ended_at
    if attempt.status not in ENDED_OTHERWISE or stopped is None or ended is None:
        return
    seconds = (ended - stopped).total_seconds()
    if seconds <= 0:
        return
    text = _NEVER_LEARNED.format(
        job=attempt.integration.job_word if attempt.integration else "job",
        state=analysis.subject,
        at=time_of_day(stopped, analysis.state.execution.started_at),
        ended=ended_words(attempt.status),
        seconds=spoken(seconds),
    )
    data = {
        **analysis.place,
        "stopped_at": iso(stopped),
        "ended_at": iso(ended),
        "seconds": round(seconds, 3),
        "status": attempt.status,
    }
    yield finding("unnoticed", text, _end_proofs(analysis), fact=False, **data)
