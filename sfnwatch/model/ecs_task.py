"""A state of an ECS task, as ECS reports it.

ECS reports a task's life in EventBridge events `ECS Task State Change`. They come
within seconds, where CloudTrail takes minutes. By the same events Step Functions learns
that a `.sync` task has stopped. ECS delivers each event at least once, and in no fixed
order. `detail.version` rises with every change, so task and version together show
which events are the same, and which is the later one.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

from sfnwatch.model.records import DecodeError, Received
from sfnwatch.model.times import maybe_time
from sfnwatch.model.values import int_of, list_of, mapping_of, read_fields, text_of

DETAIL_TYPE = "ECS Task State Change"
STOPPED = "STOPPED"
TASK_KEY = "task#"
"""The beginning of every task state's key, and of no other key."""


class TaskStage(StrEnum):
    """A stage of a task's life; the value is the word that is shown for it."""

    STARTING = "starting"
    """PROVISIONING, PENDING, ACTIVATING: none of its containers runs yet."""
    RUNNING = "running"
    STOPPING = "stopping"
    """DEACTIVATING, STOPPING, DEPROVISIONING."""
    STOPPED = "stopped"
    OTHER = "other"
    """A status that is unknown here: AWS has added it since."""


_STAGES: Mapping[str, TaskStage] = {
    "PROVISIONING": TaskStage.STARTING,
    "PENDING": TaskStage.STARTING,
    "ACTIVATING": TaskStage.STARTING,
    "RUNNING": TaskStage.RUNNING,
    "DEACTIVATING": TaskStage.STOPPING,
    "STOPPING": TaskStage.STOPPING,
    "DEPROVISIONING": TaskStage.STOPPING,
    "STOPPED": TaskStage.STOPPED,
    "DELETED": TaskStage.STOPPED,
}


class TaskContainer(Struct, frozen=True, rename="camel"):
    """One of a task's containers."""

    name: str | None = None
    last_status: str | None = None
    exit_code: int | None = None
    """None while the container runs, and if it never started."""
    reason: str | None = None
    """Why the container never started, or another remark by ECS."""


BAD_STOPS = frozenset({"TaskFailedToStart", "SpotInterruption", "TerminationNotice"})
"""The stop codes that mean that a task ended badly, whatever its exit codes."""


class TaskState(Struct, frozen=True, rename="camel"):
    """One state of a task, in ECS's words."""

    task_arn: str
    version: int
    at: datetime
    """When the task came into this state; in whole seconds if the event has only its
    own time."""
    last_status: str
    desired_status: str | None = None
    stop_code: str | None = None
    stopped_reason: str | None = None
    stopped_at: datetime | None = None
    started_by: str | None = None
    """`AWS Step Functions` for a task started by `.sync`; absent for a plain RunTask.
    """
    group: str | None = None
    containers: tuple[TaskContainer, ...] = ()
    event_id: str | None = None
    """The id that EventBridge gave the event."""
    seen_at: datetime | None = None
    number: int = -1
    """The number of its record in the store."""

    @property
    def key(self) -> str:
        """The state's key, as a line and as evidence; the same if it comes again."""
        return f"{TASK_KEY}{self.task_arn}#{self.version}"

    @property
    def stopped(self) -> bool:
        return self.last_status == STOPPED

    @property
    def stage(self) -> TaskStage:
        return _STAGES.get(self.last_status, TaskStage.OTHER)


def is_task_state(event: Mapping[str, Any]) -> bool:
    """True for an EventBridge event that reports the state of a task."""
    return event.get("detail-type") == DETAIL_TYPE


def decode_task_state(received: Received) -> TaskState:
    """Return the task state of an event.

    Raises DecodeError for an event without a task, version, status or time.
    """
    event = received.record
    detail = mapping_of(event.get("detail"))
    at = maybe_time(detail.get("updatedAt")) or maybe_time(event.get("time"))
    if int_of(version := detail.get("version")) is None:
        raise DecodeError(f"an ECS task state whose version is {version!r:.60}")
    named = text_of(detail.get("taskArn")) and text_of(detail.get("lastStatus"))
    if not named or at is None:
        raise DecodeError("an ECS task state without its task, status or time")
    return read_fields(
        TaskState,
        detail,
        at=at,
        containers=tuple(map(_container, list_of(detail.get("containers")))),
        event_id=text_of(event.get("id")),
        seen_at=received.at,
    )


def _container(value: Any) -> TaskContainer:
    return read_fields(TaskContainer, mapping_of(value))


def stretches(
    states: Iterable[TaskState], now: datetime
) -> Iterator[tuple[TaskState, datetime]]:
    """Yield each state of a task with its end; the last lasts to `now` unless stopped.

    States of no length are left out, except the stop. Clocks may disagree: if `now` is
    before the last state, that state has no length.
    """
    ordered = sorted(states, key=lambda state: state.at)
    last = ordered[-1]
    ends = [state.at for state in ordered[1:]]
    ends.append(last.at if last.stage is TaskStage.STOPPED else max(last.at, now))
    for state, end in zip(ordered, ends, strict=True):
        if end > state.at or state.stage is TaskStage.STOPPED:
            yield state, end
