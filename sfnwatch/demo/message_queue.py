"""An SQS queue that EventBridge feeds with the state changes of ECS tasks.

The events have the documented shape. When a task was pending or running is as recorded
of one on Fargate; that an event comes a moment later is made up.
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
    SeededRandom,
    after,
    camel,
    epoch_ms,
    iso,
    iso_ms,
)

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
    random = SeededRandom(task.task_id, "events")
    for status, due in task.life.items():
        at = min(max(due, task.created_at), task.stopped_at)
        sent_at = after(at, random.uniform(0.6, 2.4))
        message_id = random.uuid()
        event = {
            "version": "0",
            "id": random.uuid(),
            "detail-type": "ECS Task State Change",
            "source": "aws.ecs",
            "account": ACCOUNT_ID,
            "time": iso(at),
            "region": REGION,
            "resources": [task.arn],
            "detail": camel(task.told(status, iso_ms)) | {"updatedAt": iso_ms(at)},
        }
        yield DemoMessage(sent_at, sent_at, message_id, event)
