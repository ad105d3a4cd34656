"""Which call belongs to which attempt, and by which rule: exact, or said to be a guess.

That the request id in a history equals CloudTrail's `requestID` is documented on
each side and inferred as a join: no public recording holds both sides of one call.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sfnwatch.trace.arns import role_name
from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.integrations import (
    CallRole,
    Pattern,
    unversioned,
    usual_role,
)
from sfnwatch.trace.link_index import Index, Key, Name, Suspect, held_ids
from sfnwatch.trace.link_windows import Contender, Fit, all_of, fits

_SECOND = timedelta(seconds=1)
_SLACK = timedelta(seconds=2)
"""An answer is on its way for a moment: a call's second may end after its phase."""
_STOP_GRACE = timedelta(seconds=60)
"""A job is stopped after its state was aborted, in AWS's own time [inferred]."""
_OF_ALL_RUNS = {"GetJobRuns", "ListJobRuns"}
"""Polls that name what the job is a run of, and not the run."""


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
    candidates: tuple[Key, ...] = ()
    """For `ambiguous`: the (execution_arn, scheduled_id) of those that fit."""
    unlisted: int = 0
    """How many more fit than are listed, where they are very many."""

    @property
    def candidate_count(self) -> int:
        return len(self.candidates) + self.unlisted


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
            suspect = Suspect(arn, attempt, role)
            index.add(suspect)
            for name in _beside(suspect):
                index.by_call[name, role].append(suspect)
    return index


def _beside(suspect: Suspect) -> tuple[Name, ...]:
    """Give the calls that go with an attempt's action, of whatever services."""
    row = suspect.attempt.integration
    return row.beside if row is not None else ()


def link_calls(index: Index, calls: Iterable[ApiCall]) -> dict[str, Link]:
    """Tie calls to attempts; a call no execution has to do with gets no link.

    Two passes: an attempt whose action call is known exactly has no room for a
    guess, so the guesses wait until every exact link is made. A call that names
    another's job, as DescribeTasks of a later state does, belongs to the attempt
    that made it, if there is one.
    """
    asked = list(calls)
    exact = _exact(index, asked)
    links = {c.event_id: exact[c.event_id] for c in asked if c.event_id in exact}
    rest = [
        call
        for call in asked
        if call.event_id not in exact or exact[call.event_id].role is CallRole.OTHER
    ]
    guesses = _guesses(index, rest, _settled(links.values()))
    for call in rest:
        guess = guesses.get(call.event_id)
        if guess is not None and (
            call.event_id not in links or guess.rule is Rule.UNIQUE_CANDIDATE
        ):
            links[call.event_id] = guess
    return links


def _settled(links: Iterable[Link]) -> set[Key]:
    """Find the attempts whose action call is known."""
    return {
        (link.execution_arn, link.attempt_id)
        for link in links
        if link.role is CallRole.ACTION and link.execution_arn and link.attempt_id
    }


def _stranger(call: ApiCall) -> bool:
    """True for a call by people or agents, who describe the same tasks."""
    return call.whole and not call.by_step_functions


def _name(call: ApiCall) -> Name:
    return call.event_source, unversioned(call.event_name)


# -- exact links -----------------------------------------------------------------


def _exact(index: Index, calls: Iterable[ApiCall]) -> dict[str, Link]:
    found: dict[str, Link] = {}
    named: dict[tuple[frozenset[str], Name, str | None], list[ApiCall]]
    named = defaultdict(list)
    for call in calls:
        asked = index.by_request.get(call.request_id or "", ())
        if len(asked) == 1:
            found[call.event_id] = _tie(
                asked[0], call, Rule.REQUEST_ID, call.request_id or ""
            )
        elif index.by_resource and not _stranger(call):
            ids = frozenset(key for key in call.ids if key in index.by_resource)
            if ids:
                named[ids, _name(call), call.role].append(call)
    for (ids, _, role), alike in named.items():
        found.update(_by_resource(index, ids, role, alike))
    return found


def _by_resource(
    index: Index, ids: frozenset[str], role: str | None, calls: Sequence[ApiCall]
) -> Iterator[tuple[str, Link]]:
    """Tie by the job's id; of several states that hold it, take the one that asked.

    A state that describes another's task has that task's id in its own events too.
    Best is the one that makes such calls and was under way, then one that makes
    such calls, then any.
    """
    suspects = {
        suspect.key: suspect
        for key in ids
        for suspect in index.by_resource[key]
        if suspect.role is None or role is None or suspect.role == role
    }
    if not suspects:
        return
    name = _name(calls[0])
    makers = list(_contenders(suspects.values(), name))
    fitting = fits(makers, (call.event_time for call in calls))
    at_least = all_of(makers or (_bystander(s) for s in suspects.values()))
    for call in calls:
        fit = fitting.get(call.event_time, at_least)
        if fit.count > 1:
            yield call.event_id, _ambiguous(fit)
        else:
            suspect = suspects[fit.keys[0]]
            evidence = _evidence(suspect, ids)
            yield call.event_id, _tie(suspect, call, Rule.RESOURCE_ID, evidence)


def _evidence(suspect: Suspect, ids: frozenset[str]) -> str:
    """Give the longest id that both hold; of two equally long ones always the same."""
    return max(ids & held_ids(suspect.attempt), key=lambda key: (len(key), key))


# -- guesses ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Kind:
    """All of a call that says whose it may be, but for its time."""

    name: Name
    role: str
    failed: bool
    asks: bool
    """True if its request names the job; a denied one has no request."""
    answers: bool
    """True if it has an answer, which names the job that an action began."""


def _kind(call: ApiCall, role: str) -> _Kind:
    asked = call.raw.get("requestParameters")
    return _Kind(
        name=_name(call),
        role=role,
        failed=call.error_code is not None,
        asks=bool(asked) and call.event_name not in _OF_ALL_RUNS,
        answers=bool(call.raw.get("responseElements")),
    )


def _guesses(
    index: Index, calls: Iterable[ApiCall], settled: set[Key]
) -> dict[str, Link]:
    """Tie by role, action and time, if there is but one way to; else say what fits."""
    found: dict[str, Link | None] = {}
    kinds: dict[_Kind, list[ApiCall]] = defaultdict(list)
    for call in calls:
        role = call.role
        if role is None or _stranger(call):
            found[call.event_id] = _role_only(index, call)
        else:
            kinds[_kind(call, role)].append(call)
    for kind, alike in kinds.items():
        suspects = index.by_call.get((kind.name, kind.role), ())
        contenders = [
            contender
            for contender in _contenders(suspects, kind.name)
            if (kind.failed or _has_room(contender, settled))
            and not _would_be_exact(index, contender, kind)
        ]
        fitting = fits(contenders, (call.event_time for call in alike))
        for call in alike:
            found[call.event_id] = _guess(index, call, fitting.get(call.event_time))
    return {event_id: link for event_id, link in found.items() if link is not None}


def _has_room(contender: Contender, settled: set[Key]) -> bool:
    """One action an attempt; only a failed call may have been tried again inside."""
    return contender.key not in settled or contender.role is not CallRole.ACTION


def _would_be_exact(index: Index, contender: Contender, kind: _Kind) -> bool:
    """True if both sides name a job, and it is not the same, or it would be exact.

    Then the call is another's: of an execution in the same role, not watched.
    """
    match contender.role:
        case CallRole.ACTION:
            named = kind.answers
        case CallRole.POLL | CallRole.STOP:
            named = kind.asks
        case _:
            named = False
    return named and bool(index.suspects[contender.key].attempt.resource_ids)


def _guess(index: Index, call: ApiCall, fit: Fit | None) -> Link | None:
    if fit is None:
        return _role_only(index, call)
    if fit.count > 1:
        return _ambiguous(fit)
    suspect = index.suspects[fit.keys[0]]
    return _tie(suspect, call, Rule.UNIQUE_CANDIDATE, call.role or "")


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


# -- what a call is to an attempt ------------------------------------------------


def _role(suspect: Suspect, name: Name) -> CallRole:
    row = suspect.attempt.integration
    if row is None or row.event_source != name[0]:
        return CallRole.OTHER
    role = row.role_of(name[1])
    if role in {CallRole.POLL, CallRole.STOP}:
        return role if suspect.attempt.pattern is Pattern.SYNC else CallRole.OTHER
    return role


def _contenders(suspects: Iterable[Suspect], name: Name) -> Iterator[Contender]:
    """Give those that make such calls, with the phase they make them in."""
    for suspect in suspects:
        attempt, role = suspect.attempt, _role(suspect, name)
        begin, end = attempt.scheduled_at, attempt.ended_at
        slack = _STOP_GRACE
        if role is CallRole.OTHER:
            if name not in _beside(suspect):
                continue
            slack = _SLACK
        if role is CallRole.ACTION:
            end, slack = attempt.submitted_at or end, _SLACK
        elif role is CallRole.POLL:
            begin = attempt.submitted_at or attempt.started_at or begin
            slack = _SECOND
        yield Contender(suspect.key, role, begin, end, slack)


def _bystander(suspect: Suspect) -> Contender:
    """Give one that holds the job's id, but makes no such calls."""
    begin = suspect.attempt.scheduled_at
    return Contender(suspect.key, CallRole.OTHER, begin, None, _SECOND)


def _tie(suspect: Suspect, call: ApiCall, rule: Rule, evidence: str) -> Link:
    return Link(
        rule=rule,
        role=_role(suspect, _name(call)),
        execution_arn=suspect.execution_arn,
        visit_id=suspect.attempt.visit_id,
        attempt_id=suspect.attempt.scheduled_id,
        evidence=evidence,
    )


def _ambiguous(fit: Fit) -> Link:
    return Link(
        rule=Rule.AMBIGUOUS,
        role=fit.role,
        execution_arn=fit.execution_arn,
        candidates=fit.keys,
        unlisted=fit.count - len(fit.keys),
    )


# -- after the fact --------------------------------------------------------------


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
