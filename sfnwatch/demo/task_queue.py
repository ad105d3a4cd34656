"""SQS of the simulated account: the queue of ECS's task state changes."""

import msgspec

from sfnwatch.demo.account import Account
from sfnwatch.demo.aws_error import AwsError
from sfnwatch.demo.formats import Json, after
from sfnwatch.demo.message_queue import QUEUE_PATH

_HIDDEN_SECONDS = 30
"""SQS's default visibility timeout."""


class QueueEntry(msgspec.Struct, rename="pascal"):
    id: str
    receipt_handle: str


class QueueRequest(msgspec.Struct, rename="pascal"):
    """The parameters of all operations of the queue."""

    queue_url: str = ""
    max_number_of_messages: int = 1
    visibility_timeout: int = _HIDDEN_SECONDS
    entries: list[QueueEntry] = []


def get_queue_attributes(account: Account, request: QueueRequest) -> Json:
    _check_queue(request)
    count = len(account.visible())
    return {"Attributes": {"ApproximateNumberOfMessages": str(count)}}


def receive_message(account: Account, request: QueueRequest) -> Json:
    """Answer ReceiveMessage, at once: the account's time is not the client's."""
    _check_queue(request)
    messages = account.visible()[: request.max_number_of_messages]
    if not messages:
        # The key is left out, not empty.
        return {}
    visible_at = after(account.now(), request.visibility_timeout)
    for message in messages:
        message.visible_at = visible_at
    return {"Messages": [message.wire() for message in messages]}


def delete_message_batch(account: Account, request: QueueRequest) -> Json:
    _check_queue(request)
    handles = {entry.receipt_handle for entry in request.entries}
    account.queue = [m for m in account.queue if m.message_id not in handles]
    return {"Successful": [{"Id": entry.id} for entry in request.entries], "Failed": []}


def _check_queue(request: QueueRequest) -> None:
    if not request.queue_url.endswith(QUEUE_PATH):
        raise AwsError("QueueDoesNotExist", "The specified queue does not exist.")
