"""How far a trace's records reach, and the calls that no attempt explains."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property

from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.last_moment import last_moment
from sfnwatch.analysis.quantities import time_of_day
from sfnwatch.analysis.work import Work
from sfnwatch.model.api_call import ApiCall, CallName, session_name
from sfnwatch.model.coverage import Coverage
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.integrations import Integration, Unrecorded, jobs_of_call
from sfnwatch.model.linking.link import Link, LinkRule
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.values import text_of

_XRAY = "xray.amazonaws.com"


class TraceAnalysis:
    """How far a snapshot's records reach, and the calls that no attempt explains."""

    def __init__(self, snapshot: Snapshot, now: datetime | None = None) -> None:
        self.snapshot = snapshot
        self.coverage = Coverage(snapshot)
        self.watched = self.coverage.live or bool(snapshot.trace.calls)
        """True if CloudTrail was asked, or if there are records of it."""
        self._given_now = now
        self.unexplained: list[ApiCall] = []
        """The calls by Step Functions that no attempt explains, in order of time."""
        self.unmatched: dict[tuple[str | None, LinkRule], list[ApiCall]] = {}
        """Calls by an execution's role that are ambiguous, or that concern no job. The
        key is the execution's ARN (None if it may be one of several) and the rule."""
        self.unproven: list[ApiCall] = []
        """Calls by a role of these executions, in order of time, whose attempt nothing
        proves: matched by a guess, ambiguous, or matched to no attempt."""
        self.doubtful_names: Counter[CallName] = Counter()
        """The number of calls of each name that may be of another attempt than the one
        they are matched to, or of an attempt though they are matched to none."""
        self.network_activity: list[ApiCall] = []
        """The network activity events of these executions' roles, in order of time."""
        self._call_names: set[CallName] = set()

    @cached_property
    def roots(self) -> Mapping[str, ExecutionAsOf]:
        """The executions to report, without those that a replay has not reached."""
        roots = dict(self.snapshot.roots)
        if self.snapshot.at is None:
            return roots
        return {arn: execution for arn, execution in roots.items() if execution.known}

    @cached_property
    def started(self) -> Mapping[str, Sequence[ExecutionAsOf]]:
        """Child executions by the ARN that started them: a Map Run or an execution."""
        started: dict[str, list[ExecutionAsOf]] = {}
        for child in self.snapshot.children.values():
            parent = self.snapshot.lineage.parents[child.arn]
            origin = parent.map_run_arn or parent.execution_arn
            started.setdefault(origin, []).append(child)
        return started

    @cached_property
    def unproven_by_name(self) -> Mapping[CallName, Sequence[ApiCall]]:
        """The calls in `unproven`, by name."""
        return grouped(self.unproven, lambda call: call.name)

    @property
    def known_words(self) -> str:
        """The words for how far it is known that nothing came: ` up to 12:00:00`."""
        complete_to = self.coverage.complete_to
        if complete_to is None:
            return " so far"
        return f" up to {time_of_day(complete_to)}"

    def sort_calls(self) -> Work[None]:
        """Go through all calls once, and sort out those without a proven match."""
        for call in self.snapshot.calls:
            yield
            if call.is_network_activity:
                if self.snapshot.is_relevant(call):
                    self.network_activity.append(call)
                continue
            self._call_names.add(call.name)
            link = self.snapshot.link(call)
            if link is not None and not link.is_sure:
                self.unproven.append(call)
                self.doubtful_names[call.name] += 1
            if link is None or link.key is None:
                self._sort_unmatched(call, link)

    def _sort_unmatched(self, call: ApiCall, link: Link | None) -> None:
        by_step_functions = _by_step_functions(self.snapshot, call)
        if link is None and by_step_functions:
            self.doubtful_names[call.name] += 1
        is_ambiguous = link is not None and link.rule is LinkRule.AMBIGUOUS
        # X-Ray's sampling calls have the same role, but show nothing of the states.
        is_sampling = call.event_source == _XRAY
        if by_step_functions and not is_ambiguous and not is_sampling:
            self.unexplained.append(call)
        # Calls of jobs are reported in groups, by `calls_alone`.
        is_other_call = not is_sampling and not is_of_job(call)
        if link is not None and (is_ambiguous or is_other_call):
            key = link.execution_arn, link.rule
            self.unmatched.setdefault(key, []).append(call)

    def covers(self, at: datetime | None) -> bool:
        """True if CloudTrail is believed complete up to a time; False for None."""
        complete_to = self.coverage.complete_to
        return at is not None and complete_to is not None and at <= complete_to

    def shows(self, integration: Integration | None) -> bool:
        """True if an integration's call can show in the records.

        A management event shows. The Event history never has a data event. Only a
        trail's records show what the trail logs: one Invoke shows that it logs Invokes,
        though perhaps not those of every function. The call of an HTTP task may be
        recorded, but it names no caller.
        """
        if integration is None:
            return False
        if integration.recorded:
            return True
        name = (integration.event_source, integration.action_event)
        is_data_event = integration.unrecorded is Unrecorded.DATA_EVENT
        return is_data_event and name in self._call_names

    def known_to(self, execution: ExecutionAsOf) -> datetime | None:
        """Return the last time of which something is known: the end, if it ended.

        A watched execution is known up to the newest record of any kind, since its
        history has no new event while a state waits. None if no time is known.
        """
        if execution.stopped_at is not None:
            return execution.stopped_at
        last = execution.started_at
        if execution.events:
            last = execution.events[-1].at
        if not execution.was_watched:
            return last
        return max(last or self._now, self._now)

    @cached_property
    def _now(self) -> datetime:
        return self._given_now or last_moment(self.snapshot)


def is_of_job(call: ApiCall) -> bool:
    """True for a call that starts a job, polls for it or stops it."""
    return bool(jobs_of_call(call.event_source, call.event_name))


def _by_step_functions(snapshot: Snapshot, call: ApiCall) -> bool:
    """True for calls by Step Functions, and for rows that don't name their caller."""
    if call.by_step_functions or call.whole:
        return call.by_step_functions
    row = snapshot.trace.cloudtrail_record(call)
    caller = text_of(row.get("useragent")) or text_of(row.get("invokedby"))
    return session_name(row) is not None and not caller
