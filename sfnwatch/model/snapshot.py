"""A trace as of a time: all questions about a trace are asked here."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.lineage import Lineage
from sfnwatch.model.linking.link import AttemptKey, Certainty, Link, LinkRule
from sfnwatch.model.map_runs import MapRun, MapRunChild
from sfnwatch.model.own_requests import Request
from sfnwatch.model.source_health import SourceHealth, merge_healths
from sfnwatch.model.time_axis import A, TimeAxis, dated, end_of_second, newest_answer
from sfnwatch.model.visits import Attempt, StateVisit

if TYPE_CHECKING:
    from sfnwatch.model.trace import Trace


K = TypeVar("K")
_ALWAYS = datetime.max.replace(tzinfo=UTC)
_XRAY = "xray.amazonaws.com"
AccountRegion = tuple[str | None, str | None]
"""The account and the Region that a call was made in."""


class Snapshot:
    """A trace as of a time; None is the time after all that is known.

    It is cheap to make. It does not follow changes, so it is valid only until the trace
    changes. Links, the owners of tasks, and which execution started which are today's
    knowledge; each is shown once both of its ends are visible. The numbers of branches
    are today's knowledge too, where only a definition has them. In event time all calls
    up to the time are there, as far as they are known today.
    """

    def __init__(self, trace: "Trace", at: datetime | None, clock: TimeAxis) -> None:
        self.trace = trace
        self.at = at
        self.clock = clock

    def _is_visible(self, seen_at: datetime | None, at: datetime) -> bool:
        return self.at is None or dated(self.clock, seen_at, at) <= self.at

    def _newest(self, answers: Mapping[K, Sequence[A]]) -> dict[K, A]:
        """Return the newest visible answer for each key that has one."""
        newest = {}
        for key, in_order in answers.items():
            answer = newest_answer(in_order, self.at, self.clock)
            if answer is not None:
                newest[key] = answer
        return newest

    @cached_property
    def executions(self) -> Mapping[str, ExecutionAsOf]:
        """All executions about which anything is known, by ARN, in the order of starts.

        A child is left out until it has an event or an answer of DescribeExecution. Its
        definition may have come before its parent's event that names it.
        """
        executions = []
        for arn, execution in self.trace.executions.items():
            then = execution.as_of(self.at, self.clock)
            if then.known or arn not in self.lineage.parents:
                executions.append(then)
        executions.sort(key=lambda e: (e.started_at or _ALWAYS, e.arn))
        return {execution.arn: execution for execution in executions}

    @property
    def lineage(self) -> Lineage:
        return self.trace.lineage

    @cached_property
    def roots(self) -> Mapping[str, ExecutionAsOf]:
        """The executions that no other execution here started."""
        parents = self.lineage.parents
        return {a: e for a, e in self.executions.items() if a not in parents}

    @cached_property
    def children(self) -> Mapping[str, ExecutionAsOf]:
        """The executions that another execution here started, in order of starts."""
        parents = self.lineage.parents
        return {a: e for a, e in self.executions.items() if a in parents}

    @property
    def running(self) -> bool:
        return any(execution.running for execution in self.roots.values())

    def attempt(self, key: AttemptKey | None) -> Attempt | None:
        """Find an attempt by its execution and its `scheduled_id`."""
        if key is None:
            return None
        execution = self.executions.get(key[0])
        if execution is None:
            return None
        return execution.attempt(key[1])

    def visit_of(self, key: AttemptKey | None) -> StateVisit | None:
        """Find the visit of an attempt, or the one that a StateEntered event began."""
        if key is None:
            return None
        execution = self.executions.get(key[0])
        event = execution.event(key[1]) if execution else None
        if execution is None or event is None:
            return None
        return execution.visit(event.visit_id)

    @cached_property
    def calls(self) -> Sequence[ApiCall]:
        """The calls that are visible, in the order of their times."""
        calls = self.trace.ordered_calls
        if self.at is None:
            return calls
        if self.clock is TimeAxis.EVENT:
            return calls[: bisect_right(calls, self.at, key=_happened_by)]
        return [call for call in calls if self.shows_call(call)]

    def shows_call(self, call: ApiCall) -> bool:
        return self._is_visible(call.seen_at, _happened_by(call))

    def link(self, call: ApiCall) -> Link | None:
        """Return a call's link; None without one, or before its attempt has come."""
        link = self.trace.links.get(call.event_id)
        if link is None or self.at is None or link.key is None:
            return link
        if self.visit_of(link.key) is None:
            return None
        return link

    def calls_of(self, key: AttemptKey) -> Sequence[ApiCall]:
        """Return the calls matched to an attempt, in the order of their times."""
        calls = self.trace.calls_of.get(key, ())
        if self.at is None:
            return calls
        return [call for call in calls if self.shows_call(call)]

    def linked_calls(self) -> Iterator[tuple[ApiCall, Link]]:
        """Yield the calls that are matched to an attempt, with their links."""
        for call in self.calls:
            link = self.link(call)
            if link is not None and link.key is not None:
                yield call, link

    def is_relevant(self, call: ApiCall) -> bool:
        """False for a call that has nothing to do with the executions watched.

        X-Ray's sampling calls run under the same role and show nothing of the workflow,
        so they are not relevant. Without any execution, as with a trail's file alone,
        every call is relevant.
        """
        if not self.trace.executions:
            return True
        link = self.trace.links.get(call.event_id)
        if link is None:
            return False
        return link.rule is not LinkRule.ROLE_ONLY or call.event_source != _XRAY

    @cached_property
    def task_states(self) -> Mapping[str, Sequence[TaskState]]:
        """ECS's reports on each task that an attempt started, oldest first, by ARN."""
        task_states = {}
        for arn, states in sorted(self.trace.task_states.items()):
            visible = [state for state in states if self.shows_task_state(state)]
            if visible and self.task_starter(arn):
                task_states[arn] = visible
        return task_states

    def shows_task_state(self, state: TaskState) -> bool:
        return self._is_visible(state.seen_at, state.at)

    def task_starter(self, task_arn: str) -> AttemptKey | None:
        """Return the attempt that started a task; None if no visible one has its ARN.

        A later state that asks for the task, or stops it, has the ARN too.
        """
        holders = self.trace.linker.holders(task_arn)

        def order(key: AttemptKey) -> tuple[bool, datetime, AttemptKey]:
            attempt = holders[key]
            row = attempt.integration
            is_starter = row is not None and row.starts_job
            return not is_starter, attempt.scheduled_at, key

        visible = [key for key in holders if self.attempt(key) is not None]
        return min(visible, key=order, default=None)

    def task_link(self, task_arn: str) -> Link | None:
        """Return a link from a task to its attempt, whose events have the task's ARN.

        None if no visible attempt has the ARN.
        """
        key = self.task_starter(task_arn)
        attempt = self.attempt(key)
        if key is None or attempt is None:
            return None
        return Link(
            rule=LinkRule.RESOURCE_ID,
            role=CallRole.OTHER,
            certainty=Certainty.EXACT,
            execution_arn=key[0],
            visit_id=attempt.visit_id,
            attempt_id=key[1],
            evidence=task_arn,
        )

    @cached_property
    def map_runs(self) -> Mapping[str, MapRun]:
        """The newest description of each Map Run, by its ARN."""
        newest = self._newest(self.trace.map_runs)
        return dict(sorted(newest.items()))

    @cached_property
    def listed(self) -> Mapping[str, MapRunChild]:
        """The newest list item for each execution of a Map Run, by its ARN."""
        return self._newest(self.trace.children)

    @cached_property
    def listed_of(self) -> Mapping[str, Sequence[MapRunChild]]:
        """The items of `listed` by the Map Run's ARN, failures first."""
        by_map_run: dict[str, list[MapRunChild]] = {}
        for child in self.listed.values():
            if child.map_run_arn:
                by_map_run.setdefault(child.map_run_arn, []).append(child)
        for children in by_map_run.values():
            children.sort(key=lambda child: child.failed_first)
        return by_map_run

    @cached_property
    def each_health(self) -> Sequence[SourceHealth]:
        """The newest health of each source."""
        return list(self._newest(self.trace.healths).values())

    @cached_property
    def health(self) -> Mapping[str, SourceHealth]:
        """The health of each lane; the healths of a lane's sources are merged."""
        lanes: dict[str, list[SourceHealth]] = {}
        for health in self.each_health:
            lanes.setdefault(health.lane, []).append(health)
        return {lane: merge_healths(lane, healths) for lane, healths in lanes.items()}

    @property
    def requests(self) -> Sequence[Request]:
        """The requests of sfnwatch itself to AWS, in the order they were sent."""
        requests = self.trace.requests
        if self.at is None:
            return requests
        count = bisect_right(requests, self.at, key=lambda request: request.sent_at)
        return requests[:count]


def _happened_by(call: ApiCall) -> datetime:
    return end_of_second(call.event_time)
