"""What is to be said of a queue while all is well: what reading it does and doesn't."""

from typing import Any

from sfnwatch.sources.queue_messages import Kind
from sfnwatch.sources.queue_url import QueueAddress
from sfnwatch.trace.payload import mapping_of, parse_json, text_of
from sfnwatch.trace.text import clean

_MANY = 1_000
_CROWDED = (
    f"More than {_MANY:,} messages stay in the queue and are received again and again,"
    " which delays what is new: use a queue of its own, whose rule takes fewer calls."
)


class Notes:
    """Sentences for the health record, each told when it is first true."""

    def __init__(self, address: QueueAddress, *, consume: bool) -> None:
        self._address, self._consume = address, consume
        self._most_receives: str | None = None
        self._others = self._told = 0
        self._crowded = False
        self._not_deleted = ""

    def attributes(self, answer: Any) -> None:
        """Take in what GetQueueAttributes said."""
        attributes = mapping_of(mapping_of(answer).get("Attributes"))
        policy = mapping_of(parse_json(text_of(attributes.get("RedrivePolicy"))))
        most = policy.get("maxReceiveCount")
        self._most_receives = clean(str(most), 10) if most is not None else None

    def count(self, kind: Kind) -> None:
        """Take in one more message."""
        self._others += kind is Kind.OTHER

    def staying(self, count: int) -> None:
        """Take in how many messages come again and again."""
        self._crowded = self._crowded or count > _MANY

    def kept(self, why: str) -> None:
        """Take in that nothing can be deleted."""
        self._consume = False
        self._not_deleted = f"Nothing is deleted from the queue. {why}"

    def words(self, *, total: bool) -> str:
        """Say it all; the number of other messages as first told, or the `total`."""
        if total or not self._told:
            self._told = self._others
        each = (
            self._not_deleted,
            self._other(),
            self._receives(),
            self._order(),
            _CROWDED if self._crowded else "",
        )
        return " ".join(words for words in each if words)

    def _other(self) -> str:
        if not self._told:
            return ""
        one = self._told == 1
        what = "message of another kind is" if one else "messages of other kinds are"
        return f"{self._told} {what} left in the queue."

    def _receives(self) -> str:
        """Warn of a reader that uses messages up."""
        if self._most_receives is None or self._consume:
            return ""
        return (
            f"SQS counts each reading, and moves a message to the queue's dead-letter"
            f" queue after {self._most_receives} of them: use a queue of its own, or"
            " --consume."
        )

    def _order(self) -> str:
        """Warn of a queue that gives nothing more of a group before what it gave."""
        if not self._address.fifo or self._consume:
            return ""
        return (
            "It is a FIFO queue, which holds back the rest of a group until what was"
            " read is deleted: use a standard queue, or --consume."
        )
