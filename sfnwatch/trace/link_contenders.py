"""What a call is to an attempt, and when the attempt may have made it."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.integrations import CallRole, Pattern, unversioned
from sfnwatch.trace.link_index import Name, Suspect
from sfnwatch.trace.link_windows import Contender, Fit
from sfnwatch.trace.links import Link, Rule

_SECOND = timedelta(seconds=1)
_SLACK = timedelta(seconds=2)
"""An answer is on its way for a moment: a call's second may end after its phase."""
_STOP_GRACE = timedelta(seconds=60)
"""A job is stopped after its state was aborted, in AWS's own time [inferred]."""


def name_of(call: ApiCall) -> Name:
    return call.event_source, unversioned(call.event_name)


def role_in(suspect: Suspect, name: Name) -> CallRole:
    """Tell what a call of that name is to an attempt."""
    row = suspect.attempt.integration
    if row is None or row.event_source != name[0]:
        return CallRole.OTHER
    role = row.role_of(name[1])
    if role in {CallRole.POLL, CallRole.STOP}:
        return role if suspect.attempt.pattern is Pattern.SYNC else CallRole.OTHER
    return role


def contenders(suspects: Iterable[Suspect], name: Name) -> Iterator[Contender]:
    """Give those that make such calls, with the phase they make them in."""
    for suspect in suspects:
        attempt, role = suspect.attempt, role_in(suspect, name)
        begin, end = attempt.scheduled_at, attempt.ended_at
        slack = _STOP_GRACE
        if role is CallRole.OTHER:
            if name not in suspect.names:
                continue
            slack = _SLACK
        if role is CallRole.ACTION:
            end, slack = attempt.submitted_at or end, _SLACK
        elif role is CallRole.POLL:
            begin = attempt.submitted_at or attempt.started_at or begin
            slack = _SECOND
        yield Contender(suspect.key, role, begin, end, slack)


def bystander(suspect: Suspect) -> Contender:
    """Give one that holds the job's id, but makes no such calls."""
    begin = suspect.attempt.scheduled_at
    return Contender(suspect.key, CallRole.OTHER, begin, None, _SECOND)


def tie(suspect: Suspect, name: Name, rule: Rule, evidence: str) -> Link:
    return Link(
        rule=rule,
        role=role_in(suspect, name),
        execution_arn=suspect.execution_arn,
        visit_id=suspect.attempt.visit_id,
        attempt_id=suspect.attempt.scheduled_id,
        evidence=evidence,
    )


def ambiguous(fit: Fit) -> Link:
    return Link(
        rule=Rule.AMBIGUOUS,
        role=fit.role,
        execution_arn=fit.execution_arn,
        candidates=fit.keys,
        unlisted=fit.count - len(fit.keys),
    )
