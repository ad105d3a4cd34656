"""What a trace shows at a moment: the one way to ask it anything."""

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
    """A trace as it stood at a moment; None is the moment after all others.

    Cheap to make, and of use until the trace changes: nothing of it is kept up. Links,
    whose a task is, and who started whom are today's knowledge, shown once both ends
    are visible; so is which branch is which, where only a definition tells that. In
    event time all calls up to the moment are there, as far as they are known today.
    """

    def __init__(self, trace: "Trace", at: datetime | None, clock: TimeAxis) -> None:
        self.trace = trace
        self.at = at
        self.clock = clock

    def _is_visible(self, seen_at: datetime | None, at: datetime) -> bool:
        return self.at is None or dated(self.clock, seen_at, at) <= self.at

    def _newest(self, told: Mapping[K, Sequence[A]]) -> dict[K, A]:
        """Give what stood of each question that had been answered."""
        at = self.at
        clock = self.clock
        found = ((key, newest_answer(each, at, clock)) for key, each in told.items())
        return {key: answer for key, answer in found if answer is not None}

    @cached_property
    def executions(self) -> Mapping[str, ExecutionAsOf]:
        """Every execution that anything is known of, by its ARN, by their starts.

        A child's definition may have come before its parent's event that names it: of
        no child more is told before its own first record.
        """
        found = [
            execution
            for arn, each in self.trace.executions.items()
            if (execution := each.as_of(self.at, self.clock)).known
            or arn not in self.lineage.parents
        ]
        found.sort(key=lambda each: (each.started_at or _ALWAYS, each.arn))
        return {execution.arn: execution for execution in found}

    @property
    def lineage(self) -> Lineage:
        return self.trace.lineage

    @cached_property
    def roots(self) -> Mapping[str, ExecutionAsOf]:
        """The executions that stand for themselves: nothing here started them."""
        parents = self.lineage.parents
        return {a: e for a, e in self.executions.items() if a not in parents}

    @cached_property
    def children(self) -> Mapping[str, ExecutionAsOf]:
        """The executions that others here started, by their starts."""
        parents = self.lineage.parents
        return {a: e for a, e in self.executions.items() if a in parents}

    @property
    def running(self) -> bool:
        return any(execution.running for execution in self.roots.values())

    def attempt(self, key: AttemptKey | None) -> Attempt | None:
        """Find an attempt by its execution and its `scheduled_id`."""
        execution = self.executions.get(key[0]) if key is not None else None
        return execution.attempt(key[1]) if execution and key else None

    def visit_of(self, key: AttemptKey | None) -> StateVisit | None:
        """Find the visit of an attempt, or the one that a StateEntered event began."""
        execution = self.executions.get(key[0]) if key is not None else None
        event = execution.event(key[1]) if execution and key else None
        return execution.visit(event.visit_id) if execution and event else None

    @cached_property
    def calls(self) -> Sequence[ApiCall]:
        """The calls that were known, in the order of their times."""
        calls = self.trace.ordered_calls
        if self.at is None:
            return calls
        if self.clock is TimeAxis.EVENT:
            count = bisect_right(
                calls, self.at, key=lambda call: end_of_second(call.event_time)
            )
            return calls[:count]
        return [call for call in calls if self.shows_call(call)]

    def shows_call(self, call: ApiCall) -> bool:
        return self._is_visible(call.seen_at, end_of_second(call.event_time))

    def link(self, call: ApiCall) -> Link | None:
        """Say how a call is matched; None while what it is matched to has not come."""
        link = self.trace.links.get(call.event_id)
        if link is None or self.at is None or link.key is None:
            return link
        return link if self.visit_of(link.key) is not None else None

    def calls_of(self, key: AttemptKey) -> Sequence[ApiCall]:
        """Give the calls matched to an attempt, in the order of their times."""
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
        """False for what has nothing to do with the executions watched.

        X-Ray's sampling calls run under the same role and say nothing of the workflow.
        Without an execution, as with a trail's file alone, everything is of interest.
        """
        if not self.trace.executions:
            return True
        link = self.trace.links.get(call.event_id)
        if link is None:
            return False
        return link.rule is not LinkRule.ROLE_ONLY or call.event_source != _XRAY

    @cached_property
    def task_states(self) -> Mapping[str, Sequence[TaskState]]:
        """What ECS told of each task that an attempt started, oldest first, by ARN."""
        told = sorted(self.trace.task_states.items())
        found = ((arn, list(filter(self.shows_task_state, each))) for arn, each in told)
        return {arn: each for arn, each in found if each and self.task_starter(arn)}

    def shows_task_state(self, state: TaskState) -> bool:
        return self._is_visible(state.seen_at, state.at)

    def task_starter(self, task_arn: str) -> AttemptKey | None:
        """Name the attempt whose task it is.

        A later state may ask for a task, or stop it: it is of the one that started it.
        """
        holders = self.trace.linker.holders(task_arn)

        def order(key: AttemptKey) -> tuple[bool, datetime, AttemptKey]:
            row = holders[key].integration
            starts = row is not None and row.starts_job
            return not starts, holders[key].scheduled_at, key

        return min(filter(self.attempt, holders), key=order, default=None)

    def task_link(self, task_arn: str) -> Link | None:
        """Say whose a task is, as of a call: by the ARN in the attempt's own events."""
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
        """The newest that was told of each Map Run, by its ARN."""
        return dict(sorted(self._newest(self.trace.map_runs).items()))

    @cached_property
    def listed(self) -> Mapping[str, MapRunChild]:
        """The newest that a list told of each execution of a Map Run, by its ARN."""
        return self._newest(self.trace.children)

    @cached_property
    def listed_of(self) -> Mapping[str, Sequence[MapRunChild]]:
        """What lists told of each Map Run's executions: failures first."""
        found: dict[str, list[MapRunChild]] = {}
        for child in self.listed.values():
            if child.map_run_arn:
                found.setdefault(child.map_run_arn, []).append(child)
        for children in found.values():
            children.sort(key=lambda child: child.failed_first)
        return found

    @cached_property
    def each_health(self) -> Sequence[SourceHealth]:
        """How each source is doing."""
        return list(self._newest(self.trace.healths).values())

    @cached_property
    def health(self) -> Mapping[str, SourceHealth]:
        """How each lane is doing, several sources of one taken together."""
        lanes: dict[str, list[SourceHealth]] = {}
        for health in self.each_health:
            lanes.setdefault(health.lane, []).append(health)
        return {lane: merge_healths(lane, found) for lane, found in lanes.items()}

    @property
    def requests(self) -> Sequence[Request]:
        """What sfnwatch itself had sent, in the order it was sent."""
        requests = self.trace.requests
        if self.at is None:
            return requests
        return requests[: bisect_right(requests, self.at, key=lambda r: r.sent_at)]
