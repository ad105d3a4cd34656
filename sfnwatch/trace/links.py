"""Which call belongs to which attempt, and by which rule: exact, or said to be a guess.

That the request id in a history equals CloudTrail's `requestID` is documented on
each side and inferred as a join: no public recording holds both sides of one call.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sfnwatch.trace.arns import last_segment, role_name
from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.integrations import (
    CallRole,
    Pattern,
    unversioned,
    usual_role,
)

_SECOND = timedelta(seconds=1)
_SLACK = timedelta(seconds=2)
"""An answer is on its way for a moment: a call's second may end after its phase."""
_STOP_GRACE = timedelta(seconds=60)
"""A job is stopped after its state was aborted, in AWS's own time [inferred]."""


class Rule(StrEnum):
    """How a call was tied."""

    REQUEST_ID = "request-id"
    RESOURCE_ID = "resource-id"
    UNIQUE_CANDIDATE = "unique-candidate"
    AMBIGUOUS = "ambiguous"
    ROLE_ONLY = "role-only"

    @property
    def exact(self) -> bool:
        return self in {Rule.REQUEST_ID, Rule.RESOURCE_ID}


@dataclass(frozen=True, slots=True)
class Suspect:
    """An attempt, with what of its execution a link needs."""

    execution_arn: str
    attempt: Attempt
    role: str | None
    """The name of the role its calls are made with; None where history is cut."""


@dataclass(frozen=True, slots=True)
class Link:
    """An ApiCall tied to an Attempt, or the reason why it is not."""

    rule: Rule
    role: CallRole
    execution_arn: str | None = None
    visit_id: int | None = None
    attempt_id: int | None = None
    """The attempt's `scheduled_id`."""
    evidence: str = ""
    """The id that ties them, or what was compared."""
    candidates: tuple[tuple[str, int], ...] = ()
    """For `ambiguous`: the (execution_arn, scheduled_id) of all that fit."""


@dataclass(slots=True)
class Index:
    """Attempts by everything a call may name."""

    by_request: dict[str, list[Suspect]] = field(
        default_factory=lambda: defaultdict(list)
    )
    by_resource: dict[str, list[Suspect]] = field(
        default_factory=lambda: defaultdict(list)
    )
    by_call: dict[tuple[str, str], list[Suspect]] = field(
        default_factory=lambda: defaultdict(list)
    )
    roles: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """A role's name to the executions that have it."""

    def add(self, suspect: Suspect) -> None:
        attempt = suspect.attempt
        for request_id in attempt.request_ids:
            self.by_request[request_id].append(suspect)
        for resource_id in attempt.resource_ids:
            for key in {resource_id, last_segment(resource_id)}:
                self.by_resource[key].append(suspect)
        row = attempt.integration
        if row is not None:
            names = {row.action_event}
            if attempt.pattern is Pattern.SYNC:
                names.update(row.poll_events, row.stop_events)
            for name in names:
                self.by_call[row.event_source, name].append(suspect)


def index_attempts(
    attempts: Mapping[str, Iterable[Attempt]], roles: Mapping[str, str | None]
) -> Index:
    """Index each execution's attempts; `roles` gives the executions' role ARNs."""
    index = Index()
    for arn, tries in attempts.items():
        own = role_name(roles.get(arn))
        if own:
            index.roles[own].add(arn)
        for attempt in tries:
            role = role_name(attempt.role_arn) or own
            if role:
                index.roles[role].add(arn)
            index.add(Suspect(arn, attempt, role))
    return index


def link_calls(index: Index, calls: Iterable[ApiCall]) -> dict[str, Link]:
    """Tie calls to attempts; a call no execution has to do with gets no link.

    Two passes: an attempt whose action call is known exactly has no room for a
    guess, so the guesses wait until every exact link is made. A call that names
    another's job, as DescribeTasks of a later state does, belongs to the attempt
    that made it, if there is one.
    """
    links: dict[str, Link] = {}
    rest: list[ApiCall] = []
    settled: set[tuple[str, int]] = set()
    for call in calls:
        link = _exact(index, call)
        if link is not None:
            links[call.event_id] = link
        if link is None or link.role is CallRole.OTHER:
            rest.append(call)
        elif link.role is CallRole.ACTION and link.execution_arn and link.attempt_id:
            settled.add((link.execution_arn, link.attempt_id))
    for call in rest:
        guess = _guess(index, call, settled)
        if guess is not None and (
            call.event_id not in links or guess.rule is Rule.UNIQUE_CANDIDATE
        ):
            links[call.event_id] = guess
    return links


def _exact(index: Index, call: ApiCall) -> Link | None:
    if call.request_id:
        found = _one_each(index.by_request.get(call.request_id, ()))
        if len(found) == 1:
            return _tie(found[0], call, Rule.REQUEST_ID, call.request_id)
    return _by_resource(index, call)


def _by_resource(index: Index, call: ApiCall) -> Link | None:
    """Tie by the job's id; of several states that hold it, take the one that asked.

    A state that describes another's task has that task's id in its own events too.
    The call must be one by this role through states.amazonaws.com: people and
    agents describe the same tasks.
    """
    if not index.by_resource or (call.whole and not call.by_step_functions):
        return None
    named = {
        key: found for key in call.ids if (found := index.by_resource.get(key, ()))
    }
    suspects = _one_each(
        s
        for found in named.values()
        for s in found
        if s.role is None or call.role is None or s.role == call.role
    )
    if not suspects:
        return None
    best = min(_unfitness(s, call) for s in suspects)
    closest = [s for s in suspects if _unfitness(s, call) == best]
    if len(closest) > 1:
        return _ambiguous(closest, call)
    return _tie(closest[0], call, Rule.RESOURCE_ID, _evidence(closest[0], named))


def _evidence(suspect: Suspect, named: Mapping[str, Iterable[Suspect]]) -> str:
    """Give the longest id that both hold; of two equally long ones always the same."""
    held = (key for key, found in named.items() if suspect in found)
    return max(held, key=lambda key: (len(key), key))


def _unfitness(suspect: Suspect, call: ApiCall) -> int:
    """0 when the attempt makes such calls and was under way, up to 3 when neither."""
    makes = _role(suspect, call) is not CallRole.OTHER
    return (0 if makes else 2) + (0 if _in_window(suspect, call) else 1)


def _guess(index: Index, call: ApiCall, settled: set[tuple[str, int]]) -> Link | None:
    """Tie by role, action and time, if there is but one way to; else say what fits."""
    if call.role is None or (call.whole and not call.by_step_functions):
        return _role_only(index, call)
    name = (call.event_source, unversioned(call.event_name))
    fitting = _one_each(
        s
        for s in index.by_call.get(name, ())
        if s.role == call.role and _in_window(s, call) and _has_room(s, call, settled)
    )
    if len(fitting) == 1:
        return _tie(fitting[0], call, Rule.UNIQUE_CANDIDATE, call.role)
    return _ambiguous(fitting, call) if fitting else _role_only(index, call)


def _has_room(suspect: Suspect, call: ApiCall, settled: set[tuple[str, int]]) -> bool:
    """One action an attempt; only a failed call may have been tried again inside."""
    key = (suspect.execution_arn, suspect.attempt.scheduled_id)
    return (
        key not in settled
        or _role(suspect, call) is not CallRole.ACTION
        or call.error_code is not None
    )


def _role_only(index: Index, call: ApiCall) -> Link | None:
    executions = index.roles.get(call.role or "", set())
    if not executions:
        return None
    return Link(
        rule=Rule.ROLE_ONLY,
        role=CallRole.OTHER,
        execution_arn=next(iter(executions)) if len(executions) == 1 else None,
        evidence=call.role or "",
    )


def _role(suspect: Suspect, call: ApiCall) -> CallRole:
    row = suspect.attempt.integration
    if row is None or row.event_source != call.event_source:
        return CallRole.OTHER
    role = row.role_of(call.event_name)
    if role in {CallRole.POLL, CallRole.STOP}:
        return role if suspect.attempt.pattern is Pattern.SYNC else CallRole.OTHER
    return role


def _in_window(suspect: Suspect, call: ApiCall) -> bool:
    """True if the call's second may lie in the phase that makes such calls."""
    attempt, second = suspect.attempt, call.event_time
    role = _role(suspect, call)
    if role is CallRole.ACTION:
        end = attempt.submitted_at or attempt.ended_at
        return _within(second, attempt.scheduled_at, end, _SLACK)
    if role is CallRole.POLL:
        begin = attempt.submitted_at or attempt.started_at or attempt.scheduled_at
        return _within(second, begin, attempt.ended_at, _SECOND)
    if role is CallRole.STOP:
        return _within(second, attempt.scheduled_at, attempt.ended_at, _STOP_GRACE)
    return False


def _within(
    second: datetime, begin: datetime, end: datetime | None, slack: timedelta
) -> bool:
    # Differences: a second past the year 9999 is out of range.
    return begin - second < _SECOND and (end is None or second - end <= slack)


def _tie(suspect: Suspect, call: ApiCall, rule: Rule, evidence: str) -> Link:
    return Link(
        rule=rule,
        role=_role(suspect, call),
        execution_arn=suspect.execution_arn,
        visit_id=suspect.attempt.visit_id,
        attempt_id=suspect.attempt.scheduled_id,
        evidence=evidence,
    )


def _ambiguous(suspects: list[Suspect], call: ApiCall) -> Link:
    executions = {s.execution_arn for s in suspects}
    roles = {_role(s, call) for s in suspects}
    return Link(
        rule=Rule.AMBIGUOUS,
        role=roles.pop() if len(roles) == 1 else CallRole.OTHER,
        execution_arn=executions.pop() if len(executions) == 1 else None,
        candidates=tuple(
            sorted((s.execution_arn, s.attempt.scheduled_id) for s in suspects)
        ),
    )


def _one_each(suspects: Iterable[Suspect]) -> list[Suspect]:
    return list({_key(s): s for s in suspects}.values())


def _key(suspect: Suspect) -> tuple[str, int]:
    return suspect.execution_arn, suspect.attempt.scheduled_id


def role_of_call(call: ApiCall, link: Link | None) -> CallRole:
    """Tell what a call was for: from its attempt, or from its name alone."""
    if link is not None and link.attempt_id is not None:
        return link.role
    if link is not None and link.rule is Rule.AMBIGUOUS:
        return link.role
    if call.whole and not call.by_step_functions:
        return CallRole.OTHER
    return usual_role(call.event_source, call.event_name)


def linked(
    links: Mapping[str, Link], calls: Mapping[str, ApiCall]
) -> Iterator[tuple[ApiCall, Link]]:
    """Yield the calls that are tied to an attempt, with their links."""
    for event_id, link in links.items():
        if link.attempt_id is not None:
            yield calls[event_id], link
