"""Groups calls by the job that they start, stop or poll for."""

import re
from collections.abc import Collection, Hashable, Iterable, Sequence
from datetime import timedelta

from msgspec import Struct, field

from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.poll_intervals import PollIntervals, measure_intervals
from sfnwatch.analysis.trace_analysis import TraceAnalysis, is_of_job
from sfnwatch.analysis.work import Work
from sfnwatch.model.api_call import ApiCall, by_time, ids_in
from sfnwatch.model.integrations import CallRole, Integration, jobs_of_call
from sfnwatch.model.records import Record

_ALIVE = timedelta(seconds=400)
"""Polls come at most about 300 s apart, so after a longer silence a job is over."""
_JOB_ID = re.compile(r"[a-z]{0,3}[_:-]?[0-9a-f-]{32,64}|[js]-[0-9A-Z]{10,}")
"""The form of a job's random id. The name of a session has letters beyond these."""


class JobCalls(Struct, eq=False):
    """The calls for one job, or for several jobs that nothing tells apart."""

    integration: Integration
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
        role_of = self.integration.role_of
        poll = CallRole.POLL
        return [call for call in self.calls if role_of(call.event_name) is poll]

    @property
    def mixed(self) -> bool:
        """True for the calls of several jobs."""
        return len(self.actions) > 1

    @property
    def intervals(self) -> PollIntervals:
        """The seconds between polls; none if the polls are of several jobs."""
        if self.mixed:
            return PollIntervals([])
        action = self.actions[0] if self.actions and not self.guessed else None
        return measure_intervals(action, self.polls)

    def was_alive_with(self, other: "JobCalls") -> bool:
        """True if both jobs may have been going on at the same time."""
        begin = self.calls[0].event_time - _ALIVE
        other_begin = other.calls[0].event_time - _ALIVE
        ends_after = other_begin <= self.calls[-1].event_time
        return ends_after and begin <= other.calls[-1].event_time


def group_calls(
    trace_analysis: TraceAnalysis, calls: Iterable[ApiCall]
) -> Work[list[JobCalls]]:
    """Group calls by job, separately for each role, account, Region and service.

    Without a history, CloudTrail's calls are the nearest thing to an execution. A call
    belongs to the job whose id it names. Some calls name no job: denied calls, and rows
    with few columns. They are grouped together, since nothing shows whose they are.

    `calls` are in order of time. The groups returned are in order of their first calls.
    """
    job_calls = [call for call in calls if is_of_job(call)]
    every: list[JobCalls] = []
    for alike in grouped(job_calls, _caller_and_service).values():
        grouping = _JobGrouping()
        for call in alike:
            yield
            grouping.add(call, trace_analysis.snapshot.trace.cloudtrail_record(call))
        groups = [group for group in grouping.groups if group.actions or group.polls]
        for group in groups:
            # An unproven poll, which fits a watched attempt, may as well belong to a
            # group that has no poll.
            group.guessed = not group.polls and bool(trace_analysis.unproven)
        _doubt_unnamed_polls(groups)
        every += groups
    return sorted(every, key=lambda group: by_time(group.calls[0]))


def _caller_and_service(call: ApiCall) -> Hashable:
    return call.role, call.account_id, call.region, call.event_source


def _doubt_unnamed_polls(groups: Sequence[JobCalls]) -> None:
    """Mark the jobs to which polls that name no job may belong."""
    for unnamed in groups:
        if unnamed.named or not unnamed.polls:
            continue
        alive = [group for group in groups if group.was_alive_with(unnamed)]
        if len(alive) > 1:
            for group in alive:
                group.guessed = True


class _JobGrouping:
    """Groups the calls of one role and service by the jobs that they name.

    Calls that name no job form one group until a silence longer than `_ALIVE`.
    """

    def __init__(self) -> None:
        self.groups: list[JobCalls] = []
        self._by_id: dict[str, JobCalls] = {}
        self._unnamed: JobCalls | None = None
        """The group that may still grow, and whose job no call has named."""

    def add(self, call: ApiCall, record: Record) -> None:
        """Put a call into the group of its job. Calls are added in order of time."""
        integrations = jobs_of_call(call.event_source, call.event_name)
        starting = [row for row in integrations if _starts_job(row, call)]
        if starting and call.error_code is not None:
            return  # AWS refused it: there was no job
        ids = ids_in(record, call.error_message)
        known_ids = ids & self._by_id.keys()
        if known_ids:
            group = self._by_id[min(known_ids)]
        elif starting:
            ids = starting[0].ids_in(record.get("responseElements"))
            group = self._group_of(call, starting[0], ids)
        else:
            ids = {job for job in ids if _JOB_ID.fullmatch(job)}
            group = self._group_of(call, integrations[0], ids)
        group.calls.append(call)
        if starting:
            group.actions.append(call)

    def _group_of(
        self, call: ApiCall, integration: Integration, ids: Collection[str]
    ) -> JobCalls:
        """Return the group of a call that names no known job, but perhaps new ones."""
        unnamed = self._unnamed
        if unnamed and call.event_time - unnamed.calls[-1].event_time > _ALIVE:
            unnamed = None
        is_start = _starts_job(integration, call)
        if unnamed and _may_belong(unnamed, ids, is_start=is_start):
            group = unnamed
            group.named = bool(ids)
        else:
            group = JobCalls(integration, named=bool(ids))
            self.groups.append(group)
        if not ids:
            unnamed = group
        elif group is unnamed and not group.mixed:
            unnamed = None
        self._unnamed = unnamed
        self._by_id.update(dict.fromkeys(ids, group))
        return group


def _starts_job(integration: Integration, call: ApiCall) -> bool:
    return integration.role_of(call.event_name) is CallRole.ACTION


def _may_belong(unnamed: JobCalls, ids: Collection[str], *, is_start: bool) -> bool:
    """True if a call with these ids may be of the job that no call has named yet.

    A poll may name the job that its action did not name. A job that starts now is not
    one that was polled for before.
    """
    if unnamed.actions:
        return not (is_start and ids)
    return not (is_start or ids)
