"""The queue to which EventBridge sends the changes of ECS tasks.

The events have the documented shape; that an event comes a moment later is set.
"""

import json
from collections.abc import Iterator
from datetime import datetime

import msgspec

from sfnwatch.demo.ecs_task import EcsTask
from sfnwatch.demo.formats import (
    ACCOUNT_ID,
    REGION,
    Json,
    after,
    camel,
    epoch_ms,
    iso,
    iso_ms,
)
from sfnwatch.demo.seeded_random import SeededRandom

QUEUE_PATH = f"/{ACCOUNT_ID}/sfnwatch-demo"
"""The path of the queue's URL, at the account's endpoint."""


class DemoMessage(msgspec.Struct):
    """An EventBridge event in the queue."""

    sent_at: datetime
    visible_at: datetime
    """When it can be received: at once, and hidden for a while each time it is."""
    message_id: str
    event: Json

    def wire(self) -> Json:
        """Return what ReceiveMessage sends."""
        body = json.dumps(self.event, separators=(",", ":"))
        return {
            "MessageId": self.message_id,
            "ReceiptHandle": self.message_id,
            "Body": body,
            "Attributes": {"SentTimestamp": str(epoch_ms(self.sent_at))},
        }


def state_changes(task: EcsTask) -> Iterator[DemoMessage]:
    """Yield a message for each change in a task's life."""
    dice = SeededRandom(task.task_id, "events")
    for status, due in task.life.items():
        at = min(max(due, task.created_at), task.stopped_at)
        sent_at = after(at, dice.uniform(0.6, 2.4))
        message_id = dice.uuid()
        event = {
            "version": "0",
            "id": dice.uuid(),
            "detail-type": "ECS Task State Change",
            "source": "aws.ecs",
            "account": ACCOUNT_ID,
            "time": iso(at),
            "region": REGION,
            "resources": [task.arn],
            "detail": camel(task.described(status, iso_ms)) | {"updatedAt": iso_ms(at)},
        }
        yield DemoMessage(sent_at, sent_at, message_id, event)
