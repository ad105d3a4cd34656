"""The messages of a queue, and the records in them.

A rule of EventBridge puts calls there as CloudTrail delivers them. The states of ECS
tasks come with them.
"""

import json
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from sfnwatch.model.ecs_task import is_task_state
from sfnwatch.model.records import Received, Record, RecordKind
from sfnwatch.model.times import maybe_time
from sfnwatch.model.values import mapping_of, parse_object, text_of
from sfnwatch.sources.answers import Page, Text, json_bytes

_CALL_TYPES = frozenset(
    {"AWS API Call via CloudTrail", "AWS Service Event via CloudTrail"}
)
"""The events whose detail is a CloudTrail record."""
_RECORD_MEMBERS = frozenset({"eventID", "eventName", "eventTime"})
"""The members by which a CloudTrail record without its event is recognized."""


class QueueMessage(Struct, rename="pascal"):
    """One message as it came; its body is decoded only if the message is new."""

    message_id: Text
    body: str
    receipt_handle: str | None = None
    """The handle to delete it by."""
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def sent_at(self) -> datetime | None:
        return maybe_time(self.attributes.get("SentTimestamp"))


class MessagePage(Page, rename="pascal"):
    messages: list[QueueMessage] = field(default_factory=list)


def received_from(body: str, now: datetime) -> Received | None:
    """Return a body's record: of EventBridge's event, or of what a rule made of it.

    With an SNS topic in between, the event is inside SNS's envelope, unless the topic
    delivers raw. A rule may also send the `detail` alone. Anyone who may send to the
    queue can put anything into it: None for a message of any other kind.
    """
    text, event = _unwrapped(body)
    detail = mapping_of(event.get("detail"))
    kind = RecordKind.TRAIL
    if is_task_state(event) and detail:
        kind = RecordKind.TASK_STATE
    elif text_of(event.get("detail-type")) in _CALL_TYPES and detail:
        text = json.dumps(detail)
    elif not event.keys() >= _RECORD_MEMBERS:
        return None
    received = Received(now, kind, None, json_bytes(text))
    if not received.record:
        return None  # it is not strictly JSON
    return received


def _unwrapped(body: str) -> tuple[str, Record]:
    """Return the event's text, and the event, without SNS's envelope."""
    event = parse_object(body)
    if event.get("Type") == "Notification":
        body = text_of(event.get("Message")) or ""
        event = parse_object(body)
    return body, event
