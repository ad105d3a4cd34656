"""What ECS tells EventBridge of a task: a state change for each step of its life.

In the shape of the documented event. When a task was pending or running is as recorded
of one on Fargate (see `tasks.py`); that the event comes a moment later is set.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sfnwatch.demo.ids import ACCOUNT_ID, REGION, Dice
from sfnwatch.demo.tasks import CONNECTED, RUNNING, STOPPING, Task, camel
from sfnwatch.demo.times import after, iso, iso_ms

_BEGUN = (("PROVISIONING", 0.0), ("PENDING", CONNECTED), ("RUNNING", RUNNING))
_DELAY = (0.6, 2.4)
"""Seconds from a change to its message in a queue."""


@dataclass(frozen=True, slots=True)
class Life:
    """A task that is waited for, and how it ended."""

    task: Task
    stopped_at: datetime
    exit_code: int


@dataclass(frozen=True, slots=True)
class Message:
    """An EventBridge event on its way to a queue."""

    sent_at: datetime
    message_id: str
    event: dict[str, Any]


def messages(life: Life) -> Iterator[Message]:
    """Yield a message for each change of a task's state."""
    task, dice = life.task, Dice(life.task.task_id, "events")
    created, stopped = task.created_at, life.stopped_at
    steps = [(status, after(created, seconds)) for status, seconds in _BEGUN]
    steps += [("DEPROVISIONING", after(stopped, -STOPPING)), ("STOPPED", stopped)]
    for version, (status, due) in enumerate(steps, 1):
        at = min(max(due, created), stopped)
        yield Message(
            after(at, dice.seconds(*_DELAY)),
            dice.uuid(),
            _event(life, version, status, at, dice),
        )


def _event(
    life: Life, version: int, status: str, at: datetime, dice: Dice
) -> dict[str, Any]:
    return {
        "version": "0",
        "id": dice.uuid(),
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "account": ACCOUNT_ID,
        "time": iso(at),
        "region": REGION,
        "resources": [life.task.arn],
        "detail": _detail(life, version, status, at),
    }


def _detail(life: Life, version: int, status: str, at: datetime) -> dict[str, Any]:
    detail: dict[str, Any] = camel(life.task.provisioning(iso_ms))
    (container,) = detail["containers"]
    running = status in {"PROVISIONING", "PENDING", "RUNNING"}
    detail |= {
        "lastStatus": status,
        "desiredStatus": "RUNNING" if running else "STOPPED",
        "version": version,
        "updatedAt": iso_ms(at),
    }
    container["lastStatus"] = status if status in {"RUNNING", "STOPPED"} else "PENDING"
    if not running:
        container |= {"lastStatus": "STOPPED", "exitCode": life.exit_code}
        detail |= {
            "stopCode": "EssentialContainerExited",
            "stoppedReason": "Essential container in task exited",
        }
    if status == "STOPPED":
        detail["stoppedAt"] = iso_ms(life.stopped_at)
    return detail
