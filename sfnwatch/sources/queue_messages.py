"""What a message of a queue says: a call, a task's state, or something else.

A rule's target gets the EventBridge event as the body; with an SNS topic between, it
is inside SNS's envelope, unless that delivers raw; a rule may also send the `detail`
alone. Anyone who may send to the queue can put anything into it.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

from sfnwatch.recording.parsing import (
    MAX_DEPTH,
    NotJsonError,
    deeper_than,
    parse_value,
)
from sfnwatch.trace.events import Record
from sfnwatch.trace.payload import mapping_of, text_of
from sfnwatch.trace.task_states import is_task_state
from sfnwatch.trace.times import maybe_time

_CALLS = frozenset({"AWS API Call via CloudTrail", "AWS Service Event via CloudTrail"})
"""The events whose detail is a CloudTrail record."""
_EXECUTION = "Step Functions Execution Status Change"
_ENVELOPES = 3
"""A topic's message may be another topic's; nobody has more of them."""


class Kind(StrEnum):
    CALL = "call"
    TASK = "task"
    EXECUTION = "execution"
    """An execution's status, which its history tells better."""
    OTHER = "other"


Key = tuple[str, ...]
"""What a message tells of: the same for the same record in another message."""


class Arrival(Struct, frozen=True):
    """One message as it came: most that come again need not be read."""

    id: str
    receipt: str | None
    """By which it can be deleted."""
    item: Mapping[str, Any]


class Message(Struct, frozen=True):
    """One message, read."""

    id: str
    kind: Kind
    data: Record
    """The CloudTrail record, or the whole event of a task."""
    key: Key
    happened_at: datetime | None
    """When what it tells of was, as it says itself."""
    sent_at: datetime | None
    """When it was put into the queue."""

    def delay(self, received_at: datetime) -> float | None:
        """Seconds from what happened until it could be had.

        One that lay in the queue before anybody read it was not late for that.
        """
        if self.happened_at is None:
            return None
        there = min(self.sent_at or received_at, received_at)
        return max(0.0, (there - self.happened_at).total_seconds())


def arrivals(answer: Any) -> list[Arrival]:
    """List ReceiveMessage's answer, each message once, whatever stands in it."""
    messages = mapping_of(answer).get("Messages")
    found = messages if isinstance(messages, list | tuple) else []
    each = [_arrival(item) for item in found if isinstance(item, Mapping)]
    return list({arrival.id: arrival for arrival in each}.values())


def _arrival(item: Mapping[str, Any]) -> Arrival:
    # Without an id its text has to do: so says no document, but a stub may.
    message_id = text_of(item.get("MessageId")) or _digest(_body(item))
    return Arrival(message_id, text_of(item.get("ReceiptHandle")), item)


def read_message(arrival: Arrival) -> Message:
    """Read one message."""
    item = arrival.item
    kind, data, happened = _sort(_event_in(_body(item)))
    return Message(
        id=arrival.id,
        kind=kind,
        data=data,
        key=key_of(kind, data) or ("message", arrival.id),
        happened_at=maybe_time(happened),
        sent_at=maybe_time(mapping_of(item.get("Attributes")).get("SentTimestamp")),
    )


def _body(item: Mapping[str, Any]) -> str:
    return text_of(item.get("Body")) or ""


def key_of(kind: Kind, data: Record) -> Key | None:
    """Name what a record tells of; None where it doesn't say."""
    if kind is Kind.CALL:
        event_id = text_of(data.get("eventID"))
        return (kind, event_id) if event_id else None
    if kind is Kind.TASK:
        detail = mapping_of(data.get("detail"))
        task = text_of(detail.get("taskArn"))
        return (kind, task, str(detail.get("version"))) if task else None
    return None


def _event_in(body: str) -> Record:
    """Unwrap a body; empty for what is no event, or can't be one."""
    text: str | None = body
    for _ in range(_ENVELOPES):
        value = mapping_of(_parsed(text or ""))
        if value.get("Type") != "Notification" or "Message" not in value:
            return value
        text = text_of(value["Message"])
    return {}


def _parsed(text: str) -> Any:
    """Parse what can be recorded as well, where it stands one level deeper."""
    try:
        value = parse_value(text)
    except NotJsonError:
        return None
    return None if deeper_than(value, MAX_DEPTH - 1) else value


def _sort(event: Record) -> tuple[Kind, Record, Any]:
    """Say what an event is, what of it is to be kept, and when it happened."""
    kind, detail = event.get("detail-type"), mapping_of(event.get("detail"))
    if is_task_state(event) and detail:
        return Kind.TASK, event, event.get("time")
    if isinstance(kind, str) and kind in _CALLS and detail:
        return Kind.CALL, detail, detail.get("eventTime") or event.get("time")
    if {"eventID", "eventName", "eventTime"} <= event.keys():
        return Kind.CALL, event, event["eventTime"]
    return (Kind.EXECUTION if kind == _EXECUTION else Kind.OTHER), {}, None


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()
