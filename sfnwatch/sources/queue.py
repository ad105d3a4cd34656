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

_WAIT_SECONDS = 15
"""Seconds that SQS may wait for a message before it answers. It allows 20, but that is
as long as the client waits for any answer: at 20 each quiet poll would time out."""
_DRAIN_WAIT_SECONDS = 5
"""The same after the end, when the user may want to leave at once."""
_LAST_WAIT_SECONDS = 1
"""The same for the last look. Without any wait SQS asks only some of its servers, and
an empty answer means nothing."""
_MOST_MESSAGES = 10
"""Most messages in an answer, and in a request to delete some."""
_HIDDEN_SECONDS = 20
"""Seconds for which a received message is hidden at first. Without them the same ten
messages would come again at once, and none behind them."""
_LONGEST_HIDDEN_SECONDS = 300
"""The longest such time: other readers wait for the message."""
_MESSAGES_PER_HIDDEN_SECOND = 20
"""Messages that stay in the queue for each second of hiding: a fifth of the number that
can be gone through in that time."""
_SHORTEST_WAIT_SECONDS = 0.1
"""Seconds to wait after a full answer of known messages: new ones may lie behind them.
"""
_LONGEST_WAIT_SECONDS = 1.0
"""Most seconds to wait after other answers without anything new."""
_MOST_KNOWN = 100_000
"""Most messages that are recognized when they come again. The oldest beyond them are
read once more, which costs time and changes nothing."""
_QUIET_ANSWERS = 2
"""The number of answers in a row without anything new that ends the last look."""
_SHORTEST_LAST_LOOK = timedelta(seconds=30)
"""The shortest time of the last look while a history is still being read."""
_MOST_LAST_REQUESTS = 2_000
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
        """Why nothing is deleted, though it should be; else empty."""
        self._last_requests = 0
        """The number of requests of the last look."""
        self._quiet_answers = 0
        """The number of answers in a row that ended with nothing new."""

    async def read(self) -> str:
        interval = Interval(_SHORTEST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS)
        self._last_since = None
        self._last_requests = 0
        self._quiet_answers = 0
        while True:
            if self.is_over() and not self.last_round:
                self.last_round = True
                self._last_since = self.clock.now()
            asked_at = self.clock.now()
            wait_seconds = self._wait_seconds()
            messages = await self._receive(wait_seconds)
            fresh = self._read(messages)
            deleted = await self._delete(messages)
            if self._is_last(fresh) and not deleted:
                return self._remarks()
            self.say(self._remarks())
            pause = interval.after(news=bool(fresh))
            if not messages:
                # A server may answer at once though there is nothing. Wait in its
                # place, or the requests would follow each other without a pause.
                waited = seconds_between(asked_at, self.clock.now())
                await self.rest(wait_seconds - waited)
            elif not fresh and not deleted:
                if len(messages) >= _MOST_MESSAGES:
                    pause = _SHORTEST_WAIT_SECONDS
                await self.rest(pause)

    def _wait_seconds(self) -> int:
        """Return the seconds that SQS may wait for a message now."""
        if self.last_round:
            return _LAST_WAIT_SECONDS
        if self.targets.have_ended:
            return _DRAIN_WAIT_SECONDS
        return _WAIT_SECONDS

    async def _receive(self, wait_seconds: int) -> list[QueueMessage]:
        """Ask for messages; each is returned once."""
        # Hide them for longer than it takes to go once through all that stay.
        hidden = max(_HIDDEN_SECONDS, len(self._known) // _MESSAGES_PER_HIDDEN_SECOND)
        request = self.request(
            "sqs:ReceiveMessage",
            MessagePage,
            "messages of the queue",
            MaxNumberOfMessages=_MOST_MESSAGES,
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["SentTimestamp"],
            VisibilityTimeout=min(_LONGEST_HIDDEN_SECONDS, hidden),
        )
        page = await self.ask(request)
        by_id = {message.message_id: message for message in page.value.messages}
        return list(by_id.values())

    def _read(self, messages: Iterable[QueueMessage]) -> Sequence[QueueMessage]:
        """Return the new messages, and hand on their records of the executions."""
        now = self.clock.now()
        fresh: list[QueueMessage] = []
        records: list[Received] = []
        for message in messages:
            if message.message_id in self._known:
                continue
            fresh.append(message)
            received = received_from(message.body, now)
            if received is None:
                self._known[message.message_id] = ""
                self._others += 1
            else:
                self._known[message.message_id] = key_of(received)
                records.append(received)
        while len(self._known) > _MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self.select(records)
        return fresh

    def _is_last(self, fresh: Iterable[QueueMessage]) -> bool:
        """True once the last look has seen all messages from before its begin."""
        since = self._last_since
        if since is None:
            return False
        self._last_requests += 1
        has_older = any(m.sent_at is None or m.sent_at <= since for m in fresh)
        # Records that are held back may be the executions': of one that is long over,
        # that becomes known late.
        is_short = self.clock.now() - since < _SHORTEST_LAST_LOOK
        if has_older or (is_short and not self.targets.finished):
            self._quiet_answers = 0
        else:
            self._quiet_answers += 1
        if self._last_requests >= _MOST_LAST_REQUESTS:
            return True
        return self._quiet_answers >= _QUIET_ANSWERS

    async def _delete(self, messages: Iterable[QueueMessage]) -> bool:
        """Delete messages whose records were handed on, now or when they came before.

        True if there were any. A missing permission to delete is no reason to stop
        reading. A message that SQS does not report as deleted comes again, with a new
        receipt.
        """
        if not self._deletes:
            return False
        # Only messages that were handed on are ever deleted.
        entries: list[dict[str, str]] = []
        for message in messages:
            key = self._known.get(message.message_id)
            handle = message.receipt_handle
            if handle and key in self.relevance.handed_on:
                entries.append({"Id": message.message_id, "ReceiptHandle": handle})
        for first in range(0, len(entries), _MOST_MESSAGES):
            batch = entries[first : first + _MOST_MESSAGES]
            name = "sqs:DeleteMessageBatch"
            note = "deleting what was read"
            request = self.request(name, _Deleted, note, Entries=batch)
            try:
                answer = await self.ask(request, FORBIDDEN)
            except Failure as failure:
                self._deletes = False
                reason = failure.message
                self._not_deleted = f"Nothing is deleted from the queue. {reason}"
                break
            for entry in answer.value.successful:
                self._known.pop(str(entry.get("Id")), None)
        return bool(entries)

    def _remarks(self) -> str:
        """Return what is wrong with the queue and, in the end, how much is left."""
        if not self._others:
            return self._not_deleted
        left = "Messages of other kinds are left in the queue"
        if self.last_round:
            left = f"{left}: {self._others}"
        return f"{self._not_deleted} {left}.".lstrip()
