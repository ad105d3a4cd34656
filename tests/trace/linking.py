"""The rules for links, one call against every attempt, and traces to try them on.

Slow and plain: what `links.py` works out for all calls together must be the same.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from sfnwatch.trace.arns import last_segment, role_name
from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall, ids_in, marks_of
from sfnwatch.trace.integrations import (
    CallRole,
    Pattern,
    integration,
    pattern_of,
    unversioned,
)
from sfnwatch.trace.link_index import Key, Suspect, suspect_of
from sfnwatch.trace.linking import Linking
from sfnwatch.trace.links import Link, Rule
from sfnwatch.trace.visits import StateVisit, Visits
from tests.builders import START

SECOND = timedelta(seconds=1)
SLACK = timedelta(seconds=2)
GRACE = timedelta(seconds=60)


Tries = Mapping[str, Sequence[Attempt]]
"""Each execution's attempts."""


def visits_of(tries: Sequence[Attempt]) -> Visits:
    """Put attempts into a visit, whichever theirs are."""
    visit = StateVisit(1, "S", "Task", None, "S", None, 0, START, attempts=(*tries,))
    return Visits({1: visit})


def tie_together(
    tries: Tries,
    roles: Mapping[str, str | None],
    calls: Iterable[ApiCall],
    linking: Linking | None = None,
) -> dict[str, Link]:
    """Tie all calls at once, by one that may know of others before."""
    visits = {arn: visits_of(those) for arn, those in tries.items()}
    return dict((linking or Linking()).links(visits, roles, tuple(calls)))


def tie_one_by_one(
    tries: Mapping[str, Iterable[Attempt]],
    role_arns: Mapping[str, str | None],
    calls: Iterable[ApiCall],
) -> dict[str, Link]:
    """Tie each call by going through all attempts; every candidate is listed."""
    owns = {arn: role_name(role_arn) for arn, role_arn in role_arns.items()}
    suspects = [
        suspect_of(arn, attempt, owns.get(arn))
        for arn, those in tries.items()
        for attempt in those
    ]
    roles: dict[str, set[str]] = {}
    held = [(arn, own) for arn, own in owns.items() if arn in tries]
    for arn, role in (*held, *((s.execution_arn, s.role) for s in suspects)):
        roles.setdefault(role or "", set()).add(arn)
    roles.pop("", None)
    links: dict[str, Link] = {}
    rest: list[ApiCall] = []
    settled: set[Key] = set()
    for call in calls:
        link = _exact(suspects, call)
        if link is not None:
            links[call.event_id] = link
        if link is None or link.role is CallRole.OTHER:
            rest.append(call)
        elif link.role is CallRole.ACTION and link.execution_arn and link.attempt_id:
            settled.add((link.execution_arn, link.attempt_id))
    for call in rest:
        guess = _guess(suspects, roles, call, settled)
        if guess is not None and (
            call.event_id not in links or guess.rule is Rule.UNIQUE_CANDIDATE
        ):
            links[call.event_id] = guess
    return links


def _would_be_exact(attempt: Attempt, role: CallRole, call: ApiCall) -> bool:
    """True if each side names its job, and it is not the same one."""
    named = bool(call.raw.get("requestParameters")) and call.event_name not in {
        "GetJobRuns",
        "ListJobRuns",
    }
    if role is CallRole.ACTION:
        named = bool(call.raw.get("responseElements"))
    return named and bool(attempt.resource_ids)


def _exact(suspects: list[Suspect], call: ApiCall) -> Link | None:
    if call.request_id:
        found = [s for s in suspects if call.request_id in s.attempt.request_ids]
        if len(found) == 1:
            return _tie(found[0], call, Rule.REQUEST_ID, call.request_id)
    if call.whole and not call.by_step_functions:
        return None
    found = [
        s
        for s in suspects
        if call.ids & _ids(s) and (s.role is None or call.role in {None, s.role})
    ]
    if not found:
        return None
    best = min(_unfitness(s, call) for s in found)
    closest = [s for s in found if _unfitness(s, call) == best]
    if len(closest) > 1:
        return _ambiguous(closest, call)
    both = max(call.ids & _ids(closest[0]), key=lambda key: (len(key), key))
    return _tie(closest[0], call, Rule.RESOURCE_ID, both)


def _ids(suspect: Suspect) -> set[str]:
    whole = suspect.attempt.resource_ids
    return {*whole, *(last_segment(value) for value in whole)}


def _unfitness(suspect: Suspect, call: ApiCall) -> int:
    makes = _role(suspect, call) is not CallRole.OTHER
    return (0 if makes else 2) + (0 if _in_window(suspect, call) else 1)


def _guess(
    suspects: list[Suspect],
    roles: dict[str, set[str]],
    call: ApiCall,
    settled: set[Key],
) -> Link | None:
    fitting = [
        s
        for s in suspects
        if call.role is not None
        and (call.by_step_functions or not call.whole)
        and s.role == call.role
        and _in_window(s, call)
        and (
            s.key not in settled
            or _role(s, call) is not CallRole.ACTION
            or call.error_code is not None
        )
        and not _would_be_exact(s.attempt, _role(s, call), call)
    ]
    if len(fitting) == 1:
        return _tie(fitting[0], call, Rule.UNIQUE_CANDIDATE, call.role or "")
    if fitting:
        return _ambiguous(fitting, call)
    executions = roles.get(call.role or "", set())
    one = next(iter(executions)) if len(executions) == 1 else None
    if not executions:
        return None
    return Link(Rule.ROLE_ONLY, CallRole.OTHER, one, evidence=call.role or "")


def _role(suspect: Suspect, call: ApiCall) -> CallRole:
    row = suspect.attempt.integration
    if row is None or row.event_source != call.event_source:
        return CallRole.OTHER
    role = row.role_of(unversioned(call.event_name))
    waits = suspect.attempt.pattern is Pattern.SYNC
    return role if role is CallRole.ACTION or waits else CallRole.OTHER


def _in_window(suspect: Suspect, call: ApiCall) -> bool:
    attempt = suspect.attempt
    begin, end, slack = attempt.scheduled_at, attempt.ended_at, GRACE
    match _role(suspect, call):
        case CallRole.ACTION:
            end, slack = attempt.submitted_at or end, SLACK
        case CallRole.POLL:
            begin = attempt.submitted_at or attempt.started_at or begin
            slack = SECOND
        case CallRole.OTHER:
            return False
        case CallRole.STOP:
            pass
    late = end is not None and call.event_time - end > slack
    return begin - call.event_time < SECOND and not late


def _tie(suspect: Suspect, call: ApiCall, rule: Rule, evidence: str) -> Link:
    return Link(
        rule,
        _role(suspect, call),
        suspect.execution_arn,
        suspect.attempt.visit_id,
        suspect.attempt.scheduled_id,
        evidence,
    )


def _ambiguous(suspects: list[Suspect], call: ApiCall) -> Link:
    executions = {s.execution_arn for s in suspects}
    roles = {_role(s, call) for s in suspects}
    return Link(
        Rule.AMBIGUOUS,
        roles.pop() if len(roles) == 1 else CallRole.OTHER,
        executions.pop() if len(executions) == 1 else None,
        candidates=tuple(sorted(s.key for s in suspects)),
    )


# -- traces ----------------------------------------------------------------------

EXECUTIONS = ("run-1", "run-2", "run-3")
ROLES = ("arn:aws:iam::1:role/one", "arn:aws:iam::1:role/path/two")
JOBS = ("arn:job/a", "arn:job/b", "arn:other/a", "c")
TASKS = (
    ("ecs", "runTask.sync"),
    ("ecs", "runTask.sync"),
    ("ecs", "runTask"),
    ("aws-sdk:ecs", "describeTasks"),
    ("elasticmapreduce", "createCluster.sync"),
    ("elasticmapreduce", "terminateCluster.sync"),
    ("lambda", "invoke"),
)
NAMES = (
    ("ecs.amazonaws.com", "RunTask"),
    ("ecs.amazonaws.com", "DescribeTasks"),
    ("ecs.amazonaws.com", "DescribeTasks"),
    ("ecs.amazonaws.com", "StopTask"),
    ("ecs.amazonaws.com", "TagResource"),
    ("elasticmapreduce.amazonaws.com", "RunJobFlow"),
    ("elasticmapreduce.amazonaws.com", "TerminateJobFlows"),
    ("lambda.amazonaws.com", "Invoke20150331"),
)

_moments = st.integers(0, 200).map(lambda tenths: START + tenths * SECOND / 2)
_request_ids = st.sampled_from(("r-1", "r-2", "r-3"))


@st.composite
def attempts(draw: st.DrawFn, number: int) -> Attempt:
    """Build a try whose phases may be in any order, or missing."""
    resource_type, resource = draw(st.sampled_from(TASKS))
    return Attempt(
        scheduled_id=number,
        visit_id=number - 1,
        resource_type=resource_type,
        resource=resource,
        pattern=pattern_of(resource_type, resource),
        integration=draw(
            st.sampled_from((integration(resource_type, resource),) * 9 + (None,))
        ),
        scheduled_at=draw(_moments),
        started_at=draw(st.none() | _moments),
        submitted_at=draw(st.none() | _moments),
        ended_at=draw(st.none() | _moments),
        request_ids=tuple(draw(st.lists(_request_ids, max_size=1))),
        resource_ids=tuple(
            draw(st.lists(st.sampled_from(JOBS), max_size=2, unique=True))
        ),
        role_arn=draw(st.none() | st.sampled_from(ROLES)),
    )


@st.composite
def executions(draw: st.DrawFn) -> dict[str, list[Attempt]]:
    return {
        arn: [
            draw(attempts(number)) for number in range(3, 3 + draw(st.integers(0, 6)))
        ]
        for arn in EXECUTIONS
    }


@st.composite
def calls(draw: st.DrawFn) -> list[ApiCall]:
    return [draw(call(str(number))) for number in range(draw(st.integers(0, 15)))]


def call(event_id: str) -> st.SearchStrategy[ApiCall]:
    source_and_name = st.sampled_from(NAMES)
    named: st.SearchStrategy[Any] = st.lists(st.sampled_from(JOBS), max_size=2)
    return st.builds(
        lambda name, ids, **more: ApiCall(
            event_id=event_id,
            event_source=name[0],
            event_name=name[1],
            record={"requestParameters": {"ids": ids}},
            asks=True,
            marks=marks_of(ids_in({"requestParameters": {"ids": ids}})),
            **more,
        ),
        name=source_and_name,
        ids=named,
        event_time=_moments,
        error_code=st.none() | st.just("AccessDenied"),
        request_id=st.none() | _request_ids,
        role_arn=st.none() | st.sampled_from(ROLES),
        invoked_by=st.sampled_from(("states.amazonaws.com",) * 4 + (None,)),
        whole=st.sampled_from((True, True, False)),
    )


def rules_of(links: dict[str, Link]) -> Iterator[Rule]:
    return (link.rule for link in links.values())
