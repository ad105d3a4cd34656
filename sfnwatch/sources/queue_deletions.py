"""The messages that were handed on, on their way out of the queue.

A batch may fail in part. What SQS holds against the request itself, such as a receipt
that is too old, no repetition mends: that message comes again, with a new receipt.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sfnwatch.trace.payload import mapping_of

BATCH = 10
"""The most DeleteMessageBatch takes."""
_TRIES = 3


class Deletions:
    """What is to be deleted, and how often that was tried."""

    def __init__(self) -> None:
        self._due: dict[str, str] = {}
        """Receipts, by the ids of their messages."""
        self._tries: dict[str, int] = {}
        self.deleted = 0

    def __len__(self) -> int:
        return len(self._due)

    def add(self, message_id: str, receipt: str) -> None:
        """Take in a message that was handed on; the newest receipt is the good one."""
        self._due[message_id] = receipt

    def batch(self) -> dict[str, str]:
        """Give what the next request is to delete."""
        return dict(list(self._due.items())[:BATCH])

    def answered(self, batch: Mapping[str, str], answer: Any) -> bool:
        """Take in what came of a batch; False if some of it has to be tried again.

        An answer that is silent about a message has not deleted it.
        """
        names = dict(zip(map(str, range(len(batch))), batch, strict=True))
        said = mapping_of(answer)
        done = {names[n] for n in _ids(said.get("Successful")) if n in names}
        hopeless = {
            names[n] for n in _ids(said.get("Failed"), hopeless=True) if n in names
        }
        self.deleted += len(done)
        self._drop(done | hopeless)
        return self.failed(
            message_id for message_id in batch if message_id in self._due
        )

    def failed(self, message_ids: Iterable[str]) -> bool:
        """Count a try for these; True if none of them is to be tried again."""
        again = 0
        for message_id in list(message_ids):
            tries = self._tries[message_id] = self._tries.get(message_id, 0) + 1
            if tries >= _TRIES:
                self._drop({message_id})
            else:
                again += 1
        return again == 0

    def forget(self) -> None:
        """Delete nothing of what was to be deleted."""
        self._drop(set(self._due))

    def _drop(self, message_ids: set[str]) -> None:
        for message_id in message_ids:
            self._due.pop(message_id, None)
            self._tries.pop(message_id, None)


def entries(batch: Mapping[str, str]) -> list[dict[str, str]]:
    """Write a batch as DeleteMessageBatch takes it."""
    return [
        {"Id": str(number), "ReceiptHandle": receipt}
        for number, receipt in enumerate(batch.values())
    ]


def _ids(items: Any, *, hopeless: bool = False) -> list[str]:
    """Name the entries of a list; with `hopeless` those that were our own fault."""
    each = [mapping_of(item) for item in items] if isinstance(items, list) else []
    return [
        str(item.get("Id")) for item in each if not hopeless or item.get("SenderFault")
    ]
