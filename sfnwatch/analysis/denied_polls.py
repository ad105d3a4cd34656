"""Findings on polls that were denied, and on whether that mattered."""

from collections.abc import Iterator

from sfnwatch.analysis.attempt_analysis import AttemptAnalysis, AttemptGroup
from sfnwatch.analysis.attempt_calls import ENDED_OTHERWISE
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.grouping import grouped, ranked, report_groups
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import plural
from sfnwatch.analysis.state_analysis import StateAnalysis

_OUTCOMES = {"succeeded": "denied-but-succeeded", "running": "denied-unknown"}


def denials(use: StateAnalysis) -> Iterator[Finding]:
    """Yield whether denied polls mattered; very many attempts make one finding."""

    def outcome(each: AttemptAnalysis) -> str:
        return _OUTCOMES.get(each.attempt.status, "denied-and-failed")

    denied = (each for each in use.attempts if each.polls.denied.every)
    for kind, cases in grouped(denied, outcome).items():
        for told in report_groups(cases):
            yield _denied(kind, AttemptGroup(told))


_MANY = 3


def _denied(kind: str, told: AttemptGroup) -> Finding:
    polls = told.polls
    denied = told.denied
    subject = told.first.subject
    if told.several:
        subject = f"{named(told.first.visit.name)} ({len(told.attempts)} attempts)"
    count = len(denied.sure)
    most = len(denied.every)
    all_seen = count == len(polls.sure) and not polls.guessed
    every = told.complete and all_seen
    often = f"{count} of {plural(len(polls.sure), 'poll')}"
    of_all = ""
    if polls.guessed:
        often = f"{'Up to ' if denied.guessed else ''}{plural(most, 'poll')}"
    if every:
        often = "Every poll"
        of_all = f" ({count} of {count})"
    # A few polls in the records show nothing about polls that are not there.
    became = _mattered(kind, told, seen=every or (all_seen and count >= _MANY))
    so_far = "" if kind == "denied-unknown" else told.so_far
    ended = [each.end_event for each in told.attempts if not each.running]
    text = f"{often} for {subject} {'was' if every or most == 1 else 'were'} denied"
    text += f"{so_far}{of_all}, {became}."
    data = {**told.place, **denied.figures, "polls": len(polls.sure)}
    data["error_code"] = next(iter(ranked(c.error_code or "" for c in denied.every)))
    fact = kind == "denied-unknown" and not polls.guessed
    return finding(kind, text, [*denied.ids, *ended], fact=fact, **data)


def _mattered(kind: str, told: AttemptGroup, *, seen: bool) -> str:
    """Describe what the denials led to; `seen` is True if no poll was answered."""
    subject = "they" if told.several else "it"
    attempt = told.first.attempt
    harmless = "the denials did not decide the outcome"
    if kind == "denied-unknown":
        return "and the state is still waiting: whether that matters is not known yet"
    if kind == "denied-but-succeeded" and not seen:
        return f"yet {subject} still succeeded: {harmless}"
    if kind == "denied-but-succeeded":
        row = attempt.integration
        # For a job in another account, Step Functions uses no events.
        rule = row.managed_rule if row and attempt.role_arn is None else None
        also = f": the EventBridge managed rule {rule} reports it too" if rule else ""
        likely = "" if told.complete else " most likely"
        refuted = f"so completion{likely} doesn't depend on polling"
        return f"yet {subject} still succeeded, {refuted}{also}"
    known = (each.attempt.stopped_at for each in told.attempts)
    if all(known) and not told.statuses & ENDED_OTHERWISE:
        learned = "because the job failed, which was still detected"
        return f"and {subject} failed {learned}: {harmless}"
    return f"and {subject} did not succeed: whether the denials mattered is not known"
