"""An SQS queue that EventBridge feeds: what ECS tells of the account's tasks.

The events have the documented shape. When a task was pending or running is as recorded
of one on Fargate (`services.py`); that an event comes a moment later is set.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from sfnwatch.next.demo.formats import (
    ACCOUNT_ID,
    REGION,
    Dice,
    Json,
    after,
    camel,
    epoch_ms,
    iso,
    iso_ms,
)
from sfnwatch.next.demo.services import CONNECTED, RUNNING, STOPPING, EcsTask

PATH = f"/{ACCOUNT_ID}/sfnwatch-demo"
"""The path of the queue's URL, at the account's endpoint."""
_STARTING = {"PROVISIONING", "PENDING", "RUNNING"}


class Message(msgspec.Struct, frozen=True):
    """An EventBridge event on its way to the queue."""

    sent_at: datetime
    message_id: str
    event: Json

    def wire(self) -> Json:
        """Return what ReceiveMessage sends."""
        body = json.dumps(self.event, separators=(",", ":"))
        digest = hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
        return {
            "MessageId": self.message_id,
            "ReceiptHandle": self.message_id,
            "MD5OfBody": digest,
            "Body": body,
            "Attributes": {"SentTimestamp": str(epoch_ms(self.sent_at))},
        }


class Queue:
    """Which messages are there, which are hidden for a while, and which are gone."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self._messages = sorted(messages, key=lambda message: message.sent_at)
        self._hidden_until: dict[str, datetime] = {}

    def visible(self, now: datetime) -> list[Message]:
        """Return what can be received by now, the oldest first."""
        return [
            message
            for message in self._messages
            if message.sent_at <= now
            and self._hidden_until.get(message.message_id, now) <= now
        ]

    def receive(self, now: datetime, most: int, hidden: int) -> list[Message]:
        """Hand messages out, which hides them for so many seconds."""
        found = self.visible(now)[:most]
        for message in found:
            self._hidden_until[message.message_id] = after(now, hidden)
        return found

    def delete(self, message_id: str) -> None:
        kept = [each for each in self._messages if each.message_id != message_id]
        self._messages = kept


def state_changes(task: EcsTask) -> Iterator[Message]:
    """Yield a message for each change in a task's life."""
    dice = Dice(task.task_id, "events")
    created, stopped = task.created_at, task.stopped_at
    changes = {
        "PROVISIONING": created,
        "PENDING": after(created, CONNECTED),
        "RUNNING": after(created, RUNNING),
        "DEPROVISIONING": after(stopped, -STOPPING),
        "STOPPED": stopped,
    }
    for version, (status, due) in enumerate(changes.items(), 1):
        at = min(max(due, created), stopped)
        sent_at, message_id = after(at, dice.seconds(0.6, 2.4)), dice.uuid()
        event = {
            "version": "0",
            "id": dice.uuid(),
            "detail-type": "ECS Task State Change",
            "source": "aws.ecs",
            "account": ACCOUNT_ID,
            "time": iso(at),
            "region": REGION,
            "resources": [task.arn],
            "detail": _detail(task, status, at) | {"version": version},
        }
        yield Message(sent_at, message_id, event)


def _detail(task: EcsTask, status: str, at: datetime) -> Any:
    detail = camel(task.answer(iso_ms))["tasks"][0]
    (container,) = detail["containers"]
    starting = status in _STARTING
    container["lastStatus"] = "RUNNING" if status == "RUNNING" else "PENDING"
    detail |= {
        "lastStatus": status,
        "desiredStatus": "RUNNING" if starting else "STOPPED",
        "updatedAt": iso_ms(at),
    }
    if not starting:
        container |= {"lastStatus": "STOPPED", "exitCode": task.exit_code}
        detail |= {
            "stopCode": "EssentialContainerExited",
            "stoppedReason": "Essential container in task exited",
        }
    if status == "STOPPED":
        detail["stoppedAt"] = iso_ms(task.stopped_at)
    return detail
