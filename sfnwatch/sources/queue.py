"""The calls around the executions, from a queue that EventBridge feeds.

A rule puts calls there as CloudTrail delivers them, sooner than LookupEvents shows them
and without its quota. The states of ECS tasks come with them. SQS delivers a message at
least once, in any order, to the reader that asks first. So a message that comes again
is recognized by its id, and one that concerns somebody else stays in the queue.

Without the option to consume messages none is deleted. A message that was received is
still hidden from other readers for a while; SQS can't be read without that.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from sfnwatch.model.records import Received
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.texts import clean
from sfnwatch.model.times import seconds_between
from sfnwatch.sources.answers import CallsAws, Failure, Verdict
from sfnwatch.sources.call_source import CallSource
from sfnwatch.sources.polling import FORBIDDEN, WatchContext
from sfnwatch.sources.queue_address import parse_queue_url
from sfnwatch.sources.queue_messages import MessagePage, QueueMessage, received_from
from sfnwatch.sources.rate_limits import Interval
from sfnwatch.sources.relevance import key_of

_WAIT = 15
"""Seconds that SQS may wait for a message before it answers. It allows 20, but that is
as long as the client waits for any answer: at 20 each quiet poll would time out."""
_DRAIN_WAIT = 5
"""The same after the end, when the user may want to leave at once."""
_LAST_WAIT = 1
"""The same for the last look. Without any wait SQS asks only some of its servers, and
an empty answer means nothing."""
_MOST = 10
"""Most messages in an answer, and in a request to delete some."""
_HIDDEN_SECONDS = 20
"""Seconds for which a received message is hidden at first. Without them the same ten
messages would come again at once, and none behind them."""
_LONGEST_HIDDEN_SECONDS = 300
"""The longest such time: other readers wait for the message."""
_STAYING = 20
"""Messages that stay in the queue for each second of hiding: a fifth of the number that
can be gone through in that time."""
_SHORTEST_WAIT_SECONDS = 0.1
"""Seconds to wait after a full answer of known messages: new ones may lie behind them.
"""
_LONGEST_WAIT_SECONDS = 1.0
"""Most seconds to wait after other answers without anything new."""
_KNOWN_MOST = 100_000
"""Most messages that are recognized when they come again. The oldest beyond them are
read once more, which costs time and changes nothing."""
_QUIET = 2
"""The number of answers in a row without anything new that ends the last look."""
_READING = timedelta(seconds=30)
"""The shortest time of the last look while a history is still being read."""
_LAST_LOOKS = 2_000
"""Most requests of the last look."""
_GONE = (
    r"(AWS\.SimpleQueueService\.)?(NonExistentQueue|QueueDeletedRecently)"
    r"|QueueDoesNotExist|ResourceNotFoundException"
    r"|InvalidAddress|InvalidSecurity|UnsupportedOperation"
)
_KEY_ADVICE = "Allow kms:Decrypt on the queue's key, and see that the key is enabled."


class _Deleted(Struct, rename="pascal"):
    """An answer of DeleteMessageBatch; a part of the batch may fail."""

    successful: list[dict[str, Any]] = []


class Queue(CallSource):
    """A source: reads the queue until all executions have ended and are drained."""

    verdicts = (
        # SQS has an old and a new code for one error; the SDK passes on the old one.
        Verdict(_GONE, "Is the --queue URL right, and may the --profile read it?"),
        Verdict(r"KMS\.ThrottlingException|KmsThrottled", state=HealthState.THROTTLED),
        Verdict(r"KMS\.\w+|Kms\w+", _KEY_ADVICE, HealthState.DENIED, 60.0),
    )

    def __init__(self, aws: CallsAws, context: WatchContext) -> None:
        """Raise UsageError if the option is not the URL of a queue."""
        self._address = parse_queue_url(context.options.calls.queue or "")
        super().__init__(aws, context, "queue")
        self.subject = f"the queue {clean(self._address.name, 90)}"
        self.region = self._address.region or self.targets.region
        self.always = {"QueueUrl": self._address.url}
        self._known: dict[str, str] = {}
        """The ids of messages that stay in the queue, to the keys of their records."""
        self._deletes = context.options.calls.consume
        """True if messages are deleted once their records were handed on."""
        self._last_since: datetime | None = None
        """When the last look began."""
        self._others = 0
        """The number of messages of other kinds."""
        self._not_deleted = ""

    async def read(self) -> str:
        interval = Interval(_SHORTEST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS)
        self._last_since = None
        self._looks = self._quiet = 0
        while True:
            if self.is_over() and not self.last_round:
                self.last_round = True
                self._last_since = self.clock.now()
            asked_at = self.clock.now()
            wait = _DRAIN_WAIT if self.targets.have_ended else _WAIT
            wait = _LAST_WAIT if self.last_round else wait
            came = await self._receive(wait)
            fresh = self._read(came)
            deleted = await self._delete(came)
            if self._is_last(fresh) and not deleted:
                return self._remarks()
            self.say(self._remarks())
            again = interval.after(news=bool(fresh))
            if came and not (fresh or deleted):
                await self.rest(_SHORTEST_WAIT_SECONDS if len(came) >= _MOST else again)
            elif not came:
                # A server may answer at once though there is nothing. Wait in its
                # place, or the requests would follow each other without a pause.
                await self.rest(wait - seconds_between(asked_at, self.clock.now()))

    async def _receive(self, wait: int) -> list[QueueMessage]:
        # Hide them for longer than it takes to go once through all that stay.
        hidden = min(
            _LONGEST_HIDDEN_SECONDS, max(_HIDDEN_SECONDS, len(self._known) // _STAYING)
        )
        asked = {"MaxNumberOfMessages": _MOST, "WaitTimeSeconds": wait}
        shown = {"MessageSystemAttributeNames": ["SentTimestamp"]}
        more: dict[str, Any] = {**asked, **shown, "VisibilityTimeout": hidden}
        name = "sqs:ReceiveMessage"
        note = "messages of the queue"
        page = await self.ask(self.request(name, MessagePage, note, **more))
        return list({each.message_id: each for each in page.value.messages}.values())

    def _read(self, came: Iterable[QueueMessage]) -> Sequence[QueueMessage]:
        """Return the new messages, and hand on their records of the executions."""
        now = self.clock.now()
        found = list[Received]()
        fresh = [each for each in came if each.message_id not in self._known]
        for message in fresh:
            received = received_from(message.body, now)
            self._known[message.message_id] = key_of(received) if received else ""
            self._others += received is None
            found += [received] if received else []
        while len(self._known) > _KNOWN_MOST:
            del self._known[next(iter(self._known))]
        self.select(found)
        return fresh

    def _is_last(self, fresh: Iterable[QueueMessage]) -> bool:
        """True once the last look has seen all messages from before its begin."""
        since = self._last_since
        if since is None:
            return False
        self._looks += 1
        older = any(m.sent_at is None or m.sent_at <= since for m in fresh)
        # Records that are held back may be the executions': of one that is long over,
        # that becomes known late.
        early = not self.targets.finished and self.clock.now() - since < _READING
        self._quiet = 0 if older or early else self._quiet + 1
        return self._quiet >= _QUIET or self._looks >= _LAST_LOOKS

    async def _delete(self, came: Iterable[QueueMessage]) -> bool:
        """Delete messages whose records were handed on, now or when they came before.

        True if there were any. A missing permission to delete is no reason to stop
        reading. A message that SQS does not report as deleted comes again, with a new
        receipt.
        """
        if not self._deletes:
            return False
        # Only messages that were handed on are ever deleted.
        entries = [
            {"Id": each.message_id, "ReceiptHandle": each.receipt_handle}
            for each in came
            if self._known.get(each.message_id) in self.relevance.handed_on
            and each.receipt_handle
        ]
        for first in range(0, len(entries), _MOST):
            asked = {"Entries": entries[first : first + _MOST]}
            name = "sqs:DeleteMessageBatch"
            note = "deleting what was read"
            request = self.request(name, _Deleted, note, **asked)
            try:
                deleted = await self.ask(request, FORBIDDEN)
            except Failure as failure:
                self._deletes = False
                words = "Nothing is deleted from the queue."
                self._not_deleted = f"{words} {failure.message}"
                break
            for entry in deleted.value.successful:
                self._known.pop(str(entry.get("Id")), None)
        return bool(entries)

    def _remarks(self) -> str:
        """Return what is wrong with the queue and, in the end, how much is left."""
        count = f": {self._others}" if self.last_round else ""
        left = f"Messages of other kinds are left in the queue{count}."
        return " ".join(filter(None, (self._not_deleted, left if self._others else "")))
