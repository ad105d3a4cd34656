"""Groups calls by the job that they start, stop or poll for."""

import re
from collections.abc import Hashable, Iterable
from datetime import timedelta

from msgspec import Struct, field

from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.poll_intervals import PollIntervals, measure_intervals
from sfnwatch.analysis.trace_analysis import TraceAnalysis, is_of_job
from sfnwatch.analysis.work import Work
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
    def intervals(self) -> PollIntervals:
        action = self.actions[0] if self.actions and not self.guessed else None
        return (
            measure_intervals(action, self.polls)
            if not self.mixed
            else PollIntervals([])
        )


def group_calls(
    survey: TraceAnalysis, calls: Iterable[ApiCall]
) -> Work[list[JobCalls]]:
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


def _by_job(survey: TraceAnalysis, calls: Iterable[ApiCall]) -> Work[list[JobCalls]]:
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
