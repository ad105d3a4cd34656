"""Findings on polls that were denied, and on whether that mattered."""

from collections.abc import Iterator

from sfnwatch.analysis.attempt_analysis import AttemptAnalysis
from sfnwatch.analysis.attempt_calls import ENDED_OTHERWISE
from sfnwatch.analysis.attempt_group import AttemptGroup
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.grouping import grouped, ranked, report_groups
from sfnwatch.analysis.quantities import agreeing, plural
from sfnwatch.analysis.state_analysis import StateAnalysis
from sfnwatch.model.visits import Attempt

_KINDS = {"succeeded": "denied-but-succeeded", "running": "denied-unknown"}
"""The kind of a finding by its attempts' status."""
_TELLING_POLLS = 3
"""Fewer polls in the records show nothing about polls that are not there."""

_EVERY_POLL = "Every poll for {state} was denied ({count} of {count}), {outcome}."
_SOME_POLLS = "{polls} for {state} {were} denied{so_far}, {outcome}."

_WAITING = "and the state is still waiting: whether that matters is not known yet"
_SUCCEEDED = "yet {it} still succeeded: the denials did not decide the outcome"
_REFUTED = "yet {it} still succeeded, so completion doesn't depend on polling{rule}"
_LIKELY_REFUTED = (
    "yet {it} still succeeded,"
    " so completion most likely doesn't depend on polling{rule}"
)
_RULE = ": the EventBridge managed rule {rule} reports it too"
_JOB_FAILED = (
    "and {it} failed because the job failed, which was still detected:"
    " the denials did not decide the outcome"
)
_UNKNOWN = "and {it} did not succeed: whether the denials mattered is not known"


def denials(state: StateAnalysis) -> Iterator[Finding]:
    """Yield whether denied polls mattered; very many attempts make one finding."""
    denied = [attempt for attempt in state.attempts if attempt.polls.denied.every]
    for kind, attempts in grouped(denied, _kind).items():
        for reported in report_groups(attempts):
            yield _denied(kind, AttemptGroup(reported))


def _kind(attempt: AttemptAnalysis) -> str:
    return _KINDS.get(attempt.attempt.status, "denied-and-failed")


def _denied(kind: str, group: AttemptGroup) -> Finding:
    polls = group.polls
    denied = group.denied
    count = len(denied.sure)
    are_all_denied = count == len(polls.sure) and not polls.guessed
    is_every = are_all_denied and group.complete
    is_telling = is_every or (are_all_denied and count >= _TELLING_POLLS)
    template = _EVERY_POLL if is_every else _SOME_POLLS
    text = template.format(
        state=_state_words(group),
        count=count,
        polls=_poll_words(group),
        were=agreeing(len(denied.every), "was", "were"),
        so_far="" if kind == "denied-unknown" else group.so_far,
        outcome=_outcome(kind, group, is_telling=is_telling),
    )
    ends = [attempt.end_event for attempt in group.attempts if not attempt.running]
    codes = ranked(call.error_code or "" for call in denied.every)
    data = {
        **group.place,
        **denied.figures,
        "polls": len(polls.sure),
        "error_code": next(iter(codes)),
    }
    is_fact = kind == "denied-unknown" and not polls.guessed
    return finding(kind, text, [*denied.ids, *ends], fact=is_fact, **data)


def _state_words(group: AttemptGroup) -> str:
    first = group.first
    if not group.several:
        return first.subject
    return f"{first.state.name} ({len(group.attempts)} attempts)"


def _poll_words(group: AttemptGroup) -> str:
    """Describe how many polls were denied."""
    polls = group.polls
    denied = group.denied
    if denied.guessed:
        return f"Up to {plural(len(denied.every), 'poll')}"
    if polls.guessed:
        return plural(len(denied.sure), "poll")
    return f"{len(denied.sure)} of {plural(len(polls.sure), 'poll')}"


def _outcome(kind: str, group: AttemptGroup, *, is_telling: bool) -> str:
    """Describe what the denials led to; `is_telling` if surely no poll was answered."""
    template = _outcome_template(kind, group, is_telling=is_telling)
    it = "they" if group.several else "it"
    return template.format(it=it, rule=_rule_words(group.first.attempt))


def _outcome_template(kind: str, group: AttemptGroup, *, is_telling: bool) -> str:
    if kind == "denied-unknown":
        return _WAITING
    if kind == "denied-but-succeeded":
        if not is_telling:
            return _SUCCEEDED
        return _REFUTED if group.complete else _LIKELY_REFUTED
    have_jobs_stopped = all(attempt.attempt.stopped_at for attempt in group.attempts)
    if have_jobs_stopped and not group.statuses & ENDED_OTHERWISE:
        return _JOB_FAILED
    return _UNKNOWN


def _rule_words(attempt: Attempt) -> str:
    integration = attempt.integration
    # For a job in another account, Step Functions uses no events.
    if attempt.role_arn is not None or integration is None:
        return ""
    if not integration.managed_rule:
        return ""
    return _RULE.format(rule=integration.managed_rule)
