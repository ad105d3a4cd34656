"""Findings on calls without a history: what the calls alone show of jobs.

The counts are facts. The pattern that calls look like is an inference: a call does not
name the state that made it, and no call shows how an execution ended.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sfnwatch.analysis.calls_by_job import JobCalls, group_calls
from sfnwatch.analysis.failed_calls import failed_call
from sfnwatch.analysis.finding import Finding, Steps, finding
from sfnwatch.analysis.grouping import grouped, ranked
from sfnwatch.analysis.lists import listed_counts
from sfnwatch.analysis.matched_calls import MatchedCalls
from sfnwatch.analysis.names import named
from sfnwatch.analysis.polling import polls_finding
from sfnwatch.analysis.quantities import agreeing, plural, time_of_day
from sfnwatch.analysis.trace_analysis import TraceAnalysis, is_of_job
from sfnwatch.analysis.unread_children import unread_children
from sfnwatch.model.api_call import ApiCall

_NEAR = timedelta(minutes=15)
"""The time before and after an execution in which its role's calls may concern it."""
_MOST_NAMES = 50
"""The most names of calls that a finding's data holds."""
_LISTED_NAMES = 5
"""The most names of calls that a sentence lists."""
_STRANGERS = (
    "{calls} by Step Functions, made by {roles} or at other times, {belong} to no"
    " execution loaded."
)
_PATTERN = "{one_of}{actions}, by {role}, looks like {pattern}."
_SYNC = (
    "{resource}.sync (optimized integration, Run a Job): the same role then polled with"
    " {poll}, as .sync does"
)
_ANY = "any form of {resource}: polls of that time may be its own"
_PLAIN = (
    "{resource} (Request Response) or aws-sdk:{resource} (AWS SDK integration), which"
    " calls alone can't tell apart: no poll of it is known (nor would one follow a"
    " .sync job that ended within a minute)"
)


def calls_alone(trace_analysis: TraceAnalysis) -> Steps:
    """Yield findings on calls by Step Functions that belong to no execution loaded."""
    snapshot = trace_analysis.snapshot
    calls: Sequence[ApiCall] = trace_analysis.unexplained
    if snapshot.roots:
        # Trails and live CloudTrail also show everything else that runs in the account.
        by_nearness = grouped(calls, lambda call: _is_near(trace_analysis, call))
        calls = by_nearness.get(True, ())
        others = by_nearness.get(False, ())
        # A call without a role, such as InvokeHTTPEndpoint, may be anybody's.
        strangers = [call for call in others if call.role is not None]
        if strangers and not trace_analysis.coverage.live:
            yield _strangers(strangers)
    unread, calls = unread_children(trace_analysis, calls)
    yield from unread
    groups: list[JobCalls] = yield from group_calls(trace_analysis, calls)
    for group in groups:
        yield None
        yield from _JobFindings(group, calls[0].event_time).findings()
    yield from _failures(calls)
    if not snapshot.roots:
        yield from _calls_of_no_job(calls)


def _is_near(trace_analysis: TraceAnalysis, call: ApiCall) -> bool:
    """True for a call by an execution's role, made during the execution or near it."""
    snapshot = trace_analysis.snapshot
    if call.event_id not in snapshot.trace.links:
        return False
    at = call.event_time
    for execution in snapshot.executions.values():
        begin = execution.started_at
        end = execution.stopped_at or at
        if begin is not None and begin - _NEAR <= at <= end + _NEAR:
            return True
    return False


def _strangers(calls: Sequence[ApiCall]) -> Finding:
    """Return a finding on calls by roles that none of the executions has."""
    roles = {call.role for call in calls}
    text = _STRANGERS.format(
        calls=plural(len(calls), "call"),
        roles=plural(len(roles), "other role"),
        belong=agreeing(len(calls), "belongs", "belong"),
    )
    return finding("other-calls", text, calls, count=len(calls), roles=len(roles))


class _JobFindings:
    """The findings on the calls of one job, and the data that all of them have."""

    def __init__(self, group: JobCalls, since: datetime) -> None:
        first = group.calls[0]
        integration = group.integration
        self.group = group
        self.role = named(first.role)
        self.resource = f"{integration.resource_type}:{integration.action}"
        self.actions = _action_words(group.actions, since)
        self.place: dict[str, Any] = {
            "visit": None,
            "attempt": None,
            "role": first.role,
            "resource": self.resource,
            "call": first.event_name,
            "at": f"{first.event_time:%Y-%m-%dT%H:%M:%SZ}",
            "actions": len(group.actions),
        }
        """Whose calls they are."""

    def findings(self) -> Iterator[Finding]:
        """Yield what the calls look like, and how the job was polled for."""
        group = self.group
        if group.actions:
            yield self._pattern()
        if group.polls:
            yield self._polling()
        elif group.actions:
            text = f"{self.role} called {self.actions}; no poll is matched."
            data = {**self.place, "count": len(group.actions), "polls": 0}
            is_fact = not group.guessed
            yield finding("calls", text, group.calls, fact=is_fact, **data)

    def _pattern(self) -> Finding:
        group = self.group
        pattern = None
        candidates = ["request-response", "aws-sdk", "sync"]
        template = _ANY if group.guessed else _PLAIN
        poll = ""
        if group.polls:
            pattern = "sync"
            candidates = ["sync"]
            template = _SYNC
            poll = named(group.polls[0].event_name)
        text = _PATTERN.format(
            one_of="At least one of " if group.mixed else "",
            actions=self.actions,
            role=self.role,
            pattern=template.format(resource=self.resource, poll=poll),
        )
        data = {**self.place, "pattern": pattern, "candidates": candidates}
        return finding("pattern", text, group.calls, fact=False, **data)

    def _polling(self) -> Finding:
        group = self.group
        intervals = group.intervals
        caller = self.role
        if group.actions:
            caller = f"After {self.actions}, {self.role}"
        words = intervals.words()
        is_fact = not group.guessed
        if group.mixed:
            words = ", but nothing shows which polls are whose"
            # Only the polls are counted, which is a fact either way.
            is_fact = True
        data = {**self.place, **intervals.data, "mixed": group.mixed}
        polls = MatchedCalls(group.polls)
        return polls_finding(caller, polls, words, data, settled=True, fact=is_fact)


def _action_words(actions: Sequence[ApiCall], since: datetime) -> str:
    """Return the action's name with its time, or the number of actions.

    Empty if there is no action.
    """
    if not actions:
        return ""
    first = actions[0]
    name = named(first.event_name)
    begin = time_of_day(first.event_time, since)
    if len(actions) == 1:
        return f"{name} at {begin}"
    end = time_of_day(actions[-1].event_time, first.event_time)
    return f"{len(actions)} {name} from {begin} to {end}"


def _failures(calls: Iterable[ApiCall]) -> Iterator[Finding]:
    """Yield for each role the calls that failed, by name and error code."""
    failed = [call for call in calls if call.error_code]
    for (role, *_), alike in sorted(grouped(failed, _failure).items()):
        yield failed_call(named(role), MatchedCalls(alike), {"role": role})


def _failure(call: ApiCall) -> tuple[str, str, str]:
    return call.role or "", call.event_name, call.error_code or ""


def _calls_of_no_job(calls: Iterable[ApiCall]) -> Iterator[Finding]:
    """Yield for each role the number of its calls that concern no job."""
    others = [call for call in calls if not is_of_job(call)]
    by_role = grouped(others, lambda call: call.role or "")
    for role, role_calls in sorted(by_role.items()):
        counts = ranked(map(_name_with_service, role_calls))
        noun = plural(len(role_calls), "other call")
        names = listed_counts(counts, _LISTED_NAMES)
        text = f"{named(role)} made {noun}: {names}."
        kept = list(counts.items())[:_MOST_NAMES]
        data: dict[str, Any] = {
            "role": role or None,
            "count": len(role_calls),
            "calls": dict(kept),
        }
        yield finding("calls", text, role_calls, **data)


def _name_with_service(call: ApiCall) -> str:
    service = call.event_source.removesuffix(".amazonaws.com")
    return f"{service}:{call.event_name}"
