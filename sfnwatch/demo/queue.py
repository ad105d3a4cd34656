"""An SQS queue that EventBridge feeds: what ECS tells of the account's tasks."""

import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from sfnwatch.demo.ids import ACCOUNT_ID
from sfnwatch.demo.task_events import Message
from sfnwatch.demo.times import after, epoch_ms
from sfnwatch.demo.wire import AwsError, in_range, parse

if TYPE_CHECKING:
    from sfnwatch.demo.account import Account

NAME = "sfnwatch-demo"
PATH = f"/{ACCOUNT_ID}/{NAME}"
_HIDDEN = 30
_MOST, _LONGEST_WAIT, _LONGEST_HIDING = 10, 20, 43_200


class Named(msgspec.Struct, rename="pascal"):
    queue_url: str = ""


class Receive(Named, rename="pascal"):
    max_number_of_messages: int = 1
    visibility_timeout: int = _HIDDEN
    wait_time_seconds: int = 0


class Entry(msgspec.Struct, rename="pascal"):
    id: str
    receipt_handle: str


class Delete(Named, rename="pascal"):
    entries: list[Entry] = []


class Queue:
    """Which messages are there, which are hidden for a while, and which are gone."""

    def __init__(self, every: list[Message]) -> None:
        self._every = sorted(every, key=lambda message: message.sent_at)
        self._hidden: dict[str, datetime] = {}
        self._gone: set[str] = set()

    def visible(self, now: datetime) -> list[Message]:
        """Return what can be received by now, the oldest first."""
        return [
            each
            for each in self._every
            if each.sent_at <= now
            and each.message_id not in self._gone
            and self._hidden.get(each.message_id, now) <= now
        ]

    def receive(self, now: datetime, most: int, hidden: int) -> list[Message]:
        """Hand messages out, which hides them for so many seconds."""
        found = self.visible(now)[:most]
        for each in found:
            self._hidden[each.message_id] = after(now, hidden)
        return found

    def delete(self, message_id: str) -> None:
        self._gone.add(message_id)


def get_queue_attributes(account: "Account", body: bytes) -> dict[str, Any]:
    """Answer GetQueueAttributes."""
    _check(parse(body, Named))
    visible = account.queue.visible(account.now())
    return {
        "Attributes": {
            "ApproximateNumberOfMessages": str(len(visible)),
            "VisibilityTimeout": str(_HIDDEN),
            "MessageRetentionPeriod": "345600",
        }
    }


def receive_message(account: "Account", body: bytes) -> dict[str, Any]:
    """Answer ReceiveMessage, at once: the account's time is not the client's."""
    asked = parse(body, Receive)
    _check(asked)
    in_range(asked.max_number_of_messages, "MaxNumberOfMessages", 1, _MOST)
    in_range(asked.wait_time_seconds, "WaitTimeSeconds", 0, _LONGEST_WAIT)
    in_range(asked.visibility_timeout, "VisibilityTimeout", 0, _LONGEST_HIDING)
    found = account.queue.receive(
        account.now(), asked.max_number_of_messages, asked.visibility_timeout
    )
    # Without messages the key is left out, not empty.
    return {"Messages": [_wire(each) for each in found]} if found else {}


def delete_message_batch(account: "Account", body: bytes) -> dict[str, Any]:
    """Answer DeleteMessageBatch."""
    asked = parse(body, Delete)
    _check(asked)
    for entry in asked.entries:
        account.queue.delete(entry.receipt_handle)
    return {"Successful": [{"Id": entry.id} for entry in asked.entries], "Failed": []}


def _wire(message: Message) -> dict[str, Any]:
    body = json.dumps(message.event, separators=(",", ":"))
    digest = hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
    return {
        "MessageId": message.message_id,
        "ReceiptHandle": message.message_id,
        "MD5OfBody": digest,
        "Body": body,
        "Attributes": {"SentTimestamp": str(epoch_ms(message.sent_at))},
    }


def _check(asked: Named) -> None:
    if not asked.queue_url.endswith(PATH):
        raise AwsError("QueueDoesNotExist", "The specified queue does not exist.")
