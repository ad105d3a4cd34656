"""Findings that rest on several executions together."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

from msgspec.structs import replace

from sfnwatch.analysis.attempt_analysis import AttemptAnalysis
from sfnwatch.analysis.attempt_group import AttemptGroup
from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import CONCLUSION, Finding, finding
from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.headlines import conclusion_headline
from sfnwatch.analysis.lists import some
from sfnwatch.analysis.names import named, short_names_of
from sfnwatch.analysis.quantities import cadence, plural, times
from sfnwatch.model.api_call import ApiCall

_SEVERAL = 2
_CONCLUSION = "{resource} ({executions}) calls {action}{polls}{outcome}."
_NO_POLL = ", with no poll matched{so_far}"
_POLLS = ", then {poll}{cadence} ({count}{so_far})"
_STILL_RUNNING = "; every poll was denied{so_far}, and it is still running"
_SUCCEEDED = "; every poll was denied{so_far}, yet it still succeeded"
_REFUTED = (
    "; every poll was denied, yet it still succeeded, so completion doesn't depend on"
    " polling"
)
_DENIED = "; every poll was denied{so_far}"


def conclusions(analyses: Sequence[ExecutionAnalysis]) -> Iterator[Finding]:
    """Yield which jobs two or more executions start, and in which ways.

    A way is a resource, together with whether all its polls were denied. With only one
    way, or only one execution, the other findings already say as much.
    """
    ways = grouped(_started_jobs(analyses), lambda attempt: attempt.way)
    if len(analyses) < _SEVERAL or len(ways) < _SEVERAL:
        return
    names = short_names_of(analysis.execution for analysis in analyses)
    for attempts in ways.values():
        conclusion = _conclusion(AttemptGroup(attempts), names)
        headline = conclusion_headline(conclusion, names)
        yield replace(conclusion, headline=headline)


def _started_jobs(analyses: Sequence[ExecutionAnalysis]) -> Iterator[AttemptAnalysis]:
    """Yield the attempts that surely started a job."""
    for analysis in analyses:
        for state in analysis.states:
            for attempt in state.attempts:
                if state.starts_job and attempt.actions.sure:
                    yield attempt


def _conclusion(group: AttemptGroup, names: Mapping[str, str]) -> Finding:
    resource, is_denied = group.first.way
    arns = list(dict.fromkeys(attempt.key[0] for attempt in group.attempts))
    poll_count = len(group.polls.sure)
    interval = None
    if group.seconds_between_polls:
        interval = fmean(group.seconds_between_polls)
    has_succeeded = group.statuses == {"succeeded"}
    refutes_polling = is_denied and group.complete and has_succeeded
    # True if no later record can change what is said about the polls.
    is_whole = group.settled if poll_count else group.is_seen_whole
    text = _CONCLUSION.format(
        resource=resource,
        executions=some(names[arn] for arn in arns),
        action=_action_words(group.actions.sure),
        polls=_poll_words(group, interval, is_whole=is_whole),
        outcome=_outcome(group) if is_denied else "",
    )
    data: dict[str, Any] = {
        "resource": resource,
        "executions": arns,
        "tries": len(group.attempts),
        "polls": poll_count,
        "denied": poll_count if is_denied else 0,
        "statuses": sorted(group.statuses),
        "interval_mean": None if interval is None else round(interval, 1),
    }
    if poll_count and group.so_far:
        data["so_far"] = True
    is_unsure = bool(group.calls.guessed or group.polls_that_may_be_its)
    is_fact = is_whole and not is_unsure and not refutes_polling
    return finding(CONCLUSION, text, group.calls.sure, fact=is_fact, **data)


def _action_words(actions: Sequence[ApiCall]) -> str:
    name = named(actions[0].event_name)
    if len(actions) == 1:
        return name
    return f"{name} ({times(len(actions))})"


def _poll_words(group: AttemptGroup, interval: float | None, *, is_whole: bool) -> str:
    """Describe the polls: how often they came, and how many there were."""
    polls = group.polls
    if not polls.sure:
        so_far = "" if is_whole else group.first.state.trace_analysis.known_words
        return _NO_POLL.format(so_far=so_far)
    count = plural(len(polls.every), "poll")
    if polls.guessed:
        count = f"up to {count}"
    return _POLLS.format(
        poll=named(polls.sure[0].event_name),
        cadence="" if interval is None else f" {cadence(interval)}",
        count=count,
        so_far=group.so_far,
    )


def _outcome(group: AttemptGroup) -> str:
    """Describe what became of attempts whose polls were all denied."""
    template = _DENIED
    if group.statuses == {"running"}:
        template = _STILL_RUNNING
    elif group.statuses == {"succeeded"}:
        template = _REFUTED if group.complete else _SUCCEEDED
    return template.format(so_far=group.so_far)
