"""Findings on calls without a history: what the calls alone show of jobs."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import filterfalse
from typing import Any

from sfnwatch.analysis.calls_by_job import JobCalls, group_calls
from sfnwatch.analysis.failed_calls import failed_call
from sfnwatch.analysis.finding import Finding, Steps, finding
from sfnwatch.analysis.grouping import grouped, ranked
from sfnwatch.analysis.lists import listed_counts
from sfnwatch.analysis.matched_calls import MatchedCalls
from sfnwatch.analysis.names import named
from sfnwatch.analysis.polling import polls_told
from sfnwatch.analysis.quantities import plural, time_of_day
from sfnwatch.analysis.trace_analysis import TraceAnalysis, is_of_job
from sfnwatch.analysis.unread_children import unread_children
from sfnwatch.model.api_call import ApiCall

_NEAR = timedelta(minutes=15)
"""The time before and after an execution in which its role's calls may concern it."""
_PLAIN = ["request-response", "aws-sdk"]
_KINDS = 50
_AWS = ".amazonaws.com"


def calls_alone(survey: TraceAnalysis) -> Steps:
    """Yield findings on calls by Step Functions that belong to no execution loaded."""
    snapshot = survey.snapshot
    calls: Sequence[ApiCall] = survey.unexplained
    if snapshot.roots:
        # Trails and live CloudTrail also show everything else that runs in the account.
        near = grouped(calls, lambda call: _is_near(survey, call))
        # A call without a role, such as InvokeHTTPEndpoint, may be anybody's.
        strangers = [call for call in near.get(False, ()) if call.role is not None]
        calls = near.get(True, ())
        count = len(strangers)
        roles = len({call.role for call in strangers})
        if count and not survey.coverage.live:
            made = f"{plural(roles, 'other role')} or at other times"
            belong = "belongs" if count == 1 else "belong"
            text = f"{plural(count, 'call')} by Step Functions, made by {made},"
            text += f" {belong} to no execution loaded."
            yield finding("other-calls", text, strangers, count=count, roles=roles)
    unread, calls = unread_children(survey, calls)
    yield from unread
    groups: list[JobCalls] = yield from group_calls(survey, calls)
    since = calls[0].event_time if calls else None
    for group in groups:
        yield None
        yield from _ToldGroup(group, since).findings()
    failed = (call for call in calls if call.error_code)
    kinds = grouped(failed, lambda c: (c.role or "", c.event_name, c.error_code or ""))
    for (role, *_), those in sorted(kinds.items()):
        yield failed_call(named(role), MatchedCalls(those), {"role": role})
    if not snapshot.roots:
        yield from _others(calls)


def _is_near(survey: TraceAnalysis, call: ApiCall) -> bool:
    """True for a call by an execution's role, made during the execution or near it."""
    at = call.event_time
    runs = survey.snapshot.executions.values()
    spans = ((run.started_at, run.stopped_at or at) for run in runs)
    near = any(begin and begin - _NEAR <= at <= end + _NEAR for begin, end in spans)
    return near and call.event_id in survey.snapshot.trace.links


class _ToldGroup:
    """A group of calls, with the words and the data of its findings."""

    def __init__(self, group: JobCalls, since: datetime | None) -> None:
        row = group.row
        first = group.calls[0]
        self.group = group
        self.polls = MatchedCalls(group.polls)
        self.role = named(first.role)
        self.resource = f"{row.resource_type}:{row.action}"
        self.subject = _subject(group.actions, since)
        place: dict[str, Any] = {"visit": None, "attempt": None, "role": first.role}
        place |= {"resource": self.resource, "call": first.event_name}
        place |= {"at": f"{first.event_time:%Y-%m-%dT%H:%M:%SZ}"}
        self.place = {**place, "actions": len(group.actions)}
        """The data that every finding of the group has: whose calls they are."""

    def findings(self) -> Iterator[Finding]:
        """Yield what the calls look like, and how the job was polled for."""
        group = self.group
        if group.actions:
            yield self._pattern()
        if self.polls.sure:
            yield self._polling()
        elif group.actions:
            text = f"{self.role} called {self.subject}; no poll is matched."
            told = {**self.place, "count": len(group.actions), "polls": 0}
            sure = not group.guessed
            proofs = group.calls
            yield finding("calls", text, proofs, fact=sure, **told)

    def _pattern(self) -> Finding:
        group = self.group
        name = self.resource
        pattern = None
        candidates = [*_PLAIN, "sync"]
        looks = f"{name} (Request Response) or aws-sdk:{name} (AWS SDK integration)"
        looks += ", which calls alone can't tell apart: no poll of it is known"
        looks += " (nor would one follow a .sync job that ended within a minute)"
        if group.guessed:
            looks = f"any form of {name}: polls of that time may be its own"
        if polls := group.polls:
            pattern = "sync"
            candidates = ["sync"]
            looks = f"{name}.sync (optimized integration, Run a Job): the same role"
            looks += f" then polled with {named(polls[0].event_name)}, as .sync does"
        one_of = "At least one of " if group.mixed else ""
        text = f"{one_of}{self.subject}, by {self.role}, looks like {looks}."
        told = {**self.place, "pattern": pattern, "candidates": candidates}
        return finding("pattern", text, group.calls, fact=False, **told)

    def _polling(self) -> Finding:
        group = self.group
        after = f"After {self.subject}, " if self.subject else ""
        words = group.intervals.words()
        if group.mixed:
            words = ", but nothing shows which polls are whose"
        # After several actions only the polls are counted, which is a fact either way.
        sure = group.mixed or not group.guessed
        told = {**self.place, **group.intervals.data, "mixed": group.mixed}
        who = f"{after}{self.role}"
        return polls_told(who, self.polls, words, told, settled=True, fact=sure)


def _subject(actions: Sequence[ApiCall], since: datetime | None) -> str:
    """Return the action's name with its time, or the number of actions.

    Empty if there is no action.
    """
    if not actions:
        return ""
    name = named(actions[0].event_name)
    first = actions[0]
    last = actions[-1]
    begin = time_of_day(first.event_time, since)
    end = time_of_day(last.event_time, first.event_time)
    several = f"{len(actions)} {name} from {begin} to {end}"
    return f"{name} at {begin}" if first is last else several


def _others(calls: Sequence[ApiCall]) -> Iterator[Finding]:
    """Yield for each role the number of its calls that concern no job."""
    by_role = grouped(filterfalse(is_of_job, calls), lambda call: call.role or "")
    for role, those in sorted(by_role.items()):
        names = ((c.event_source.removesuffix(_AWS), c.event_name) for c in those)
        counts = ranked(":".join(name) for name in names)
        told = plural(len(those), "other call")
        text = f"{named(role)} made {told}: {listed_counts(counts, 5)}."
        data: dict[str, Any] = {"role": role or None, "count": len(those)}
        data["calls"] = dict(list(counts.items())[:_KINDS])
        yield finding("calls", text, those, **data)
