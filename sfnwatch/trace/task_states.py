"""What ECS tells of a task's life: EventBridge events `ECS Task State Change`.

They come within seconds, where CloudTrail takes minutes, and are the very events by
which Step Functions knows that a `.sync` task is over. ECS delivers each at least
once and in no order: `detail.version` rises with every change, so task and version
tell what is the same event again, and which is the later one.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec import Struct

from sfnwatch.trace.events import Received, Record
from sfnwatch.trace.history import DecodeError
from sfnwatch.trace.payload import mapping_of, text_of
from sfnwatch.trace.times import maybe_time

DETAIL_TYPE = "ECS Task State Change"
STOPPED = "STOPPED"
TASK_KEY = "task#"
"""What the keys of states begin with, and those of nothing else."""
TaskKey = tuple[str, int]
"""A task's ARN and the version of its state."""


class Container(Struct, frozen=True):
    """One of a task's containers."""

    name: str | None
    last_status: str | None
    exit_code: int | None
    """None while it runs, and where it never began."""
    reason: str | None
    """Why it never began, or what else ECS says of it."""


@dataclass(frozen=True, slots=True)
class TaskState:
    """How a task was doing at one moment, in ECS's words."""

    task_arn: str
    version: int
    at: datetime
    """When it came to be so: of whole seconds where the event tells only its own."""
    last_status: str
    desired_status: str | None = None
    stop_code: str | None = None
    stopped_reason: str | None = None
    stopped_at: datetime | None = None
    started_by: str | None = None
    """`AWS Step Functions` for what `.sync` began; nothing for a plain RunTask."""
    group: str | None = None
    containers: tuple[Container, ...] = ()
    seen_at: datetime | None = None
    raw: Record = field(default_factory=dict, repr=False)
    """The whole event."""

    @property
    def key(self) -> TaskKey:
        return self.task_arn, self.version

    @property
    def event_id(self) -> str | None:
        """The id that EventBridge gave the event."""
        return text_of(self.raw.get("id"))

    @property
    def stopped(self) -> bool:
        return self.last_status == STOPPED

    @property
    def detail(self) -> Mapping[str, Any]:
        return _detail(self.raw)


def task_key(state: TaskState) -> str:
    """Key a state for rows and as evidence: by ECS's own key, however often it came."""
    return f"{TASK_KEY}{state.task_arn}#{state.version}"


def is_task_state(event: Mapping[str, Any]) -> bool:
    """True for an EventBridge event that tells of a task."""
    return event.get("detail-type") == DETAIL_TYPE


def decode_task_state(received: Received) -> TaskState:
    """Decode an event; raises DecodeError for one without task, version or time."""
    event, detail = received.data, _detail(received.data)
    at = maybe_time(detail.get("updatedAt")) or maybe_time(event.get("time"))
    version = detail.get("version")
    task_arn, status = (text_of(detail.get(k)) for k in ("taskArn", "lastStatus"))
    if isinstance(version, bool) or not isinstance(version, int):
        msg = f"an ECS task state whose version is {version!r:.60}"
        raise DecodeError(msg)
    if task_arn is None or status is None or at is None:
        msg = "an ECS task state without its task, status or time"
        raise DecodeError(msg)
    words = {
        "desired_status": "desiredStatus",
        "stop_code": "stopCode",
        "stopped_reason": "stoppedReason",
        "started_by": "startedBy",
        "group": "group",
    }
    return TaskState(
        task_arn=task_arn,
        version=version,
        at=at,
        last_status=status,
        stopped_at=maybe_time(detail.get("stoppedAt")),
        containers=_containers(detail.get("containers")),
        seen_at=received.at,
        raw=event,
        **{name: text_of(detail.get(key)) for name, key in words.items()},
    )


def by_task(
    states: Iterable[TaskState], owned: Collection[str]
) -> Mapping[str, tuple[TaskState, ...]]:
    """Give the states of the tasks that are `owned`, in the order they came to be."""
    found: dict[str, list[TaskState]] = {}
    for state in sorted(states, key=lambda state: state.key):
        if state.task_arn in owned:
            found.setdefault(state.task_arn, []).append(state)
    return {arn: tuple(those) for arn, those in found.items()}


def _detail(event: Record) -> Mapping[str, Any]:
    return mapping_of(event.get("detail"))


def _containers(value: Any) -> tuple[Container, ...]:
    each = value if isinstance(value, list) else []
    return tuple(_container(mapping_of(item)) for item in each)


def _container(item: Mapping[str, Any]) -> Container:
    code = item.get("exitCode")
    return Container(
        name=text_of(item.get("name")),
        last_status=text_of(item.get("lastStatus")),
        exit_code=code
        if isinstance(code, int) and not isinstance(code, bool)
        else None,
        reason=text_of(item.get("reason")),
    )
