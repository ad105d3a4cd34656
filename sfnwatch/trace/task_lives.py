"""The life of each task, beside the try that began it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.links import Link, Rule
from sfnwatch.trace.task_states import TaskState
from sfnwatch.trace.timeline import Trace
from sfnwatch.trace.visits import StateVisit

Key = tuple[str, int]
"""An execution's ARN and the `scheduled_id` of one of its attempts."""


class Stage(StrEnum):
    """What a task's life is made of; the value is the word for it."""

    STARTING = "starting"
    """PROVISIONING, PENDING, ACTIVATING: nothing of it runs yet."""
    RUNNING = "running"
    STOPPING = "stopping"
    """DEACTIVATING, STOPPING, DEPROVISIONING."""
    STOPPED = "stopped"
    OTHER = "other"
    """A status that AWS has added since."""


_STAGES: Mapping[str, Stage] = {
    "PROVISIONING": Stage.STARTING,
    "PENDING": Stage.STARTING,
    "ACTIVATING": Stage.STARTING,
    "RUNNING": Stage.RUNNING,
    "DEACTIVATING": Stage.STOPPING,
    "STOPPING": Stage.STOPPING,
    "DEPROVISIONING": Stage.STOPPING,
    "STOPPED": Stage.STOPPED,
    "DELETED": Stage.STOPPED,
}


def stage_of(state: TaskState) -> Stage:
    return _STAGES.get(state.last_status, Stage.OTHER)


class Stretch(Struct, frozen=True):
    """How long a task was said to be in one status."""

    state: TaskState
    """What it begins with."""
    begin: datetime
    end: datetime

    @property
    def stage(self) -> Stage:
        return stage_of(self.state)

    @property
    def seconds(self) -> float:
        return (self.end - self.begin).total_seconds()


class Life(Struct, frozen=True):
    """What ECS told of one task, oldest first."""

    execution_arn: str
    visit: StateVisit
    attempt: Attempt
    states: tuple[TaskState, ...]

    @property
    def key(self) -> Key:
        return self.execution_arn, self.attempt.scheduled_id

    @property
    def task_arn(self) -> str:
        return self.states[0].task_arn

    @property
    def link(self) -> Link:
        """Say by what its task is tied: the ARN in the attempt's own events."""
        return Link(
            rule=Rule.RESOURCE_ID,
            role=CallRole.OTHER,
            execution_arn=self.execution_arn,
            visit_id=self.visit.id,
            attempt_id=self.attempt.scheduled_id,
            evidence=self.task_arn,
        )

    @property
    def stopped(self) -> TaskState | None:
        """The last word of its end; None while there is none."""
        return next((s for s in reversed(self.states) if s.stopped), None)

    def stretches(self, now: datetime) -> Iterator[Stretch]:
        """Yield how long it was in each status, up to `now` if it has not stopped.

        Clocks may disagree: a change before the one before it takes no time.
        """
        ordered = sorted(self.states, key=lambda state: state.at)
        last = ordered[-1]
        ends = [state.at for state in ordered[1:]]
        ends.append(last.at if stage_of(last) is Stage.STOPPED else max(last.at, now))
        for state, end in zip(ordered, ends, strict=True):
            if end > state.at or stage_of(state) is Stage.STOPPED:
                yield Stretch(state, state.at, end)


def task_lives(trace: Trace) -> tuple[Life, ...]:
    """Give the lives of the tasks that attempts began, the first begun first."""
    if not trace.task_states:
        return ()
    found: dict[str, Life] = {}
    for arn, timeline in trace.histories.items():
        for visit in timeline.visits:
            for attempt in visit.attempts:
                for job in attempt.resource_ids:
                    states = trace.task_states.get(job)
                    if states:
                        life = Life(arn, visit, attempt, states)
                        found[job] = min(found.get(job, life), life, key=_order)
    return tuple(sorted(found.values(), key=lambda life: life.states[0].at))


def lives_by_attempt(trace: Trace) -> Mapping[Key, tuple[Life, ...]]:
    """Give each attempt the lives of its tasks: RunTask may begin several."""
    found: dict[Key, tuple[Life, ...]] = {}
    for life in task_lives(trace):
        found[life.key] = (*found.get(life.key, ()), life)
    return found


def _order(life: Life) -> tuple[bool, datetime, str]:
    """A later state may ask for a task, or stop it: it is of the one that began it."""
    row = life.attempt.integration
    begins = row is not None and row.starts_job
    return not begins, life.attempt.scheduled_at, life.execution_arn
