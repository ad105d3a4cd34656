"""Findings on calls without a history: what the calls alone show of jobs."""

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import filterfalse
from typing import Any

from msgspec import Struct, field

from sfnwatch.analysis.case import (
    Spacing,
    Survey,
    Work,
    is_of_job,
    spacing,
)
from sfnwatch.analysis.child_outcomes import unread_children
from sfnwatch.analysis.failed_calls import failed_call
from sfnwatch.analysis.finding import Finding, Steps, finding
from sfnwatch.analysis.grouping import grouped, ranked
from sfnwatch.analysis.lists import listed_counts
from sfnwatch.analysis.names import named
from sfnwatch.analysis.phases import MatchedCalls
from sfnwatch.analysis.polling import polls_told
from sfnwatch.analysis.quantities import plural, time_of_day
from sfnwatch.model.api_call import ApiCall, by_time, ids_in
from sfnwatch.model.integrations import CallRole, Integration, jobs_of_call
from sfnwatch.model.records import Record

# Without a history, CloudTrail's calls are the nearest thing to an execution. A call
# belongs to the job whose id it names. Some calls name no job: denied calls, and rows
# with few columns. They are grouped together, since nothing shows whose they are.
#
# The counts are facts. The pattern that calls look like is an inference: a call does
# not name the state that made it, and no call shows how an execution ended.
_ALIVE = timedelta(seconds=400)
"""Polls come at most about 300 s apart, so after a longer silence a job is over."""
_JOB_ID = re.compile(r"[a-z]{0,3}[_:-]?[0-9a-f-]{32,64}|[js]-[0-9A-Z]{10,}")
"""The form of a job's random id. The name of a session has letters beyond these."""
_NEAR = timedelta(minutes=15)
"""The time before and after an execution in which its role's calls may concern it."""
_PLAIN = ["request-response", "aws-sdk"]
_KINDS = 50
_AWS = ".amazonaws.com"


class JobCalls(Struct, eq=False):
    """The calls for one job, or for several jobs that nothing tells apart."""

    row: Integration
    calls: list[ApiCall] = field(default_factory=list)
    """All calls for the job, in order of time."""
    actions: list[ApiCall] = field(default_factory=list)
    """The calls that start a job: one, as a rule; none if the records begin later."""
    named: bool = False
    """True if calls name the job."""
    guessed: bool = False
    """True if a poll that names no job may belong to this job or to another."""

    @property
    def polls(self) -> list[ApiCall]:
        role_of = self.row.role_of
        poll = CallRole.POLL
        return [call for call in self.calls if role_of(call.event_name) is poll]

    @property
    def mixed(self) -> bool:
        return len(self.actions) > 1

    @property
    def spacing(self) -> Spacing:
        action = self.actions[0] if self.actions and not self.guessed else None
        return spacing(action, self.polls) if not self.mixed else Spacing([])


def group_calls(survey: Survey, calls: Iterable[ApiCall]) -> Work[list[JobCalls]]:
    """Group calls by job, separately for each role, account, Region and service.

    `calls` are in order of time. The groups returned are in order of their first calls.
    """
    told: list[JobCalls] = []

    def place(call: ApiCall) -> Hashable:
        return call.role, call.account_id, call.region, call.event_source

    for those in grouped(filter(is_of_job, calls), place).values():
        found: list[JobCalls] = yield from _by_job(survey, those)
        for group in found:
            # An unproven poll, which fits a watched attempt, may as well belong to a
            # group that has no poll.
            group.guessed = not group.polls and bool(survey.unproven)
        # Polls that name no job may belong to any job that was going on at the time.
        spans = [
            (g.calls[0].event_time - _ALIVE, g.calls[-1].event_time, g) for g in found
        ]
        for begin, end, lone in spans:
            if lone.polls and not lone.named:
                near = [g for b, e, g in spans if b <= end and begin <= e]
                for group in near if len(near) > 1 else ():
                    group.guessed = True
        told += found
    return sorted(told, key=lambda group: by_time(group.calls[0]))


def _by_job(survey: Survey, calls: Iterable[ApiCall]) -> Work[list[JobCalls]]:
    """Group the calls of one role and service by the jobs that they name.

    Calls that name no job form one group until a silence longer than `_ALIVE`.
    """
    found: list[JobCalls] = []
    by_id: dict[str, JobCalls] = {}
    unnamed: JobCalls | None = None
    """The group that may still grow, and whose job no call has named."""
    for call in calls:
        yield
        record = survey.snapshot.trace.cloudtrail_record(call)
        rows = jobs_of_call(call.event_source, call.event_name)
        starts = [r for r in rows if r.role_of(call.event_name) is CallRole.ACTION]
        if starts and call.error_code is not None:
            continue  # AWS refused it: there was no job
        ids = ids_in(record, call.error_message)
        group = next((by_id[job] for job in sorted(ids) if job in by_id), None)
        if group is None:
            row = starts[0] if starts else rows[0]
            ids = _job_ids(row, record, ids, begins=bool(starts))
            if unnamed and call.event_time - unnamed.calls[-1].event_time > _ALIVE:
                unnamed = None
            # A poll may name the job that its action did not name. A job that starts
            # now is not one that was polled for before.
            begun = unnamed is not None and unnamed.actions and not (starts and ids)
            if unnamed and (begun or not (starts or ids)):
                group = unnamed
                group.named = bool(ids)
            else:
                group = JobCalls(row, named=bool(ids))
                found.append(group)
            if not ids:
                unnamed = group
            elif group is unnamed and not group.mixed:
                unnamed = None
            by_id.update(dict.fromkeys(ids, group))
        group.calls.append(call)
        if starts:
            group.actions.append(call)
    return [group for group in found if group.actions or group.polls]


def _job_ids(
    row: Integration, record: Record, ids: Iterable[str], *, begins: bool
) -> set[str]:
    """Return the ids of jobs that a call names.

    For a call that begins a job, these are the ids in its response.
    """
    if begins:
        return row.ids_in(record.get("responseElements"))
    return {each for each in ids if _JOB_ID.fullmatch(each)}


def calls_alone(survey: Survey) -> Steps:
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


def _is_near(survey: Survey, call: ApiCall) -> bool:
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
        words = group.spacing.words()
        if group.mixed:
            words = ", but nothing shows which polls are whose"
        # After several actions only the polls are counted, which is a fact either way.
        sure = group.mixed or not group.guessed
        told = {**self.place, **group.spacing.data, "mixed": group.mixed}
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
