"""The calls around the executions, from a queue that EventBridge feeds.

A rule puts them there as CloudTrail delivers them, sooner than LookupEvents shows them
and without its quota; and what ECS tells of tasks with them. SQS gives a message at
least once, in any order, to whoever asks first: so what comes again is known by its
id, and what is somebody else's stays where it is.

Unless messages are consumed none is deleted. One that was received is hidden from other
readers for a while all the same; there is no reading without that.
"""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from sfnwatch.errors import UsageError
from sfnwatch.model.ecs_task import is_task_state
from sfnwatch.model.records import Received, Record, RecordKind
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.texts import clean, without_login
from sfnwatch.model.times import maybe_time, seconds_between
from sfnwatch.model.values import mapping_of, parse_object, text_of
from sfnwatch.sources.answers import CallsAws, Failure, Page, Text, Verdict, json_bytes
from sfnwatch.sources.aws_settings import AwsSettings
from sfnwatch.sources.call_source import CallSource
from sfnwatch.sources.endpoints import is_loopback
from sfnwatch.sources.polling import FORBIDDEN, WatchContext
from sfnwatch.sources.rate_limits import Interval
from sfnwatch.sources.relevance import key_of

_WAIT = 15
"""Seconds SQS may wait for a message before it answers. It allows 20, but so long the
client waits for an answer at all: at 20 each quiet poll would be a time-out."""
_DRAIN_WAIT = 5
"""And after the end, when whoever watches may want to leave at once."""
_LAST_WAIT = 1
"""And for the last look. Without any wait SQS asks only some of its servers, and an
empty answer says nothing."""
_MOST = 10
"""Messages an answer holds at most, and a request to delete some."""
_HIDDEN_SECONDS = 20
"""Seconds for which a received message is hidden at first. With none the same ten would
come again at once, and nothing behind them."""
_LONGEST_HIDDEN_SECONDS = 300
"""The most: other readers wait for it."""
_STAYING = 20
"""Messages that stay, for each second that they are hidden: a fifth of those that are
gone through in that time."""
_SHORTEST_WAIT_SECONDS = 0.1
"""Seconds to wait after a full answer of messages that are known: what is new may lie
behind them."""
_LONGEST_WAIT_SECONDS = 1.0
"""Seconds to wait after other answers without anything new, at most."""
_KNOWN_MOST = 100_000
"""Messages that are known again when they come again; of more the oldest are read
anew, which costs time and changes nothing."""
_QUIET = 2
"""So many answers in a row without anything new end the last look."""
_READING = timedelta(seconds=30)
"""So long the last look goes on at least, while a history is still being read."""
_LAST_LOOKS = 2_000
"""Requests that the last look makes at most."""


# -- where it is -----------------------------------------------------------------------

_URL = re.compile(
    r"(?P<origin>https://(?:sqs\.|sqs-fips\.|vpce-[a-z0-9-]+\.sqs\.)?"
    r"(?P<region>[a-z]{2}(?:-[a-z0-9]+)+-[0-9]+)"
    r"(?:\.api\.aws|(?:\.vpce|\.queue)?\.amazonaws\.com(?:\.cn)?))"
    r"/[0-9]{12}/(?P<name>[A-Za-z0-9_-]{1,80}(?:\.fifo)?)"
)
"""At the usual host, or one for FIPS, dual-stack, an endpoint in a VPC, or of old."""
_USUAL = re.compile(r"https://sqs\.[^.]+\.amazonaws\.com(?:\.cn)?")
_LOCAL = re.compile(r"(?P<origin>https?://[^/?#@]+)/(?:[^?#@]*/)?(?P<name>[^/?#@]+)")
_HINT = (
    "It looks like https://sqs.REGION.amazonaws.com/ACCOUNT/NAME; `aws sqs"
    " get-queue-url --queue-name NAME` prints it."
)


class QueueAddress(Struct, frozen=True):
    """A queue's URL, taken apart."""

    url: str
    name: str
    region: str | None
    """None for this machine, whose URLs don't say."""
    endpoint_url: str | None
    """Where to send to; None where it is what the SDK takes for the Region."""


def parse_queue_url(url: str) -> QueueAddress:
    """Take a queue's URL apart; raises UsageError for what is none.

    Requests are signed, and with temporary credentials carry a session token: so they
    go to AWS's own hosts and to this machine, and nowhere else a URL may point to.
    """
    url = url.strip()
    if found := _URL.fullmatch(url):
        origin = None if _USUAL.fullmatch(found["origin"]) else found["origin"]
        return QueueAddress(url, found["name"], found["region"], origin)
    if is_loopback(url) and (found := _LOCAL.fullmatch(url)):
        return QueueAddress(url, found["name"], None, found["origin"])
    shown = clean(without_login(url), 200)
    raise UsageError(f"No URL of an SQS queue: {shown}", hint=_HINT)


def queue_settings(settings: AwsSettings, url: str) -> AwsSettings:
    """Say where a queue is to be asked, which its URL knows better than an option."""
    endpoint_url = parse_queue_url(url).endpoint_url or settings.endpoint_url
    return replace(settings, endpoint_url=endpoint_url)


# -- what a message says ---------------------------------------------------------------

_CALLS = frozenset({"AWS API Call via CloudTrail", "AWS Service Event via CloudTrail"})
"""The events whose detail is a CloudTrail record."""
_BARE = frozenset({"eventID", "eventName", "eventTime"})


class _Message(Struct, rename="pascal"):
    """One message as it came; most that come again need not be read."""

    message_id: Text
    body: str
    receipt_handle: str | None = None
    """By which it can be deleted."""
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def sent_at(self) -> datetime | None:
        return maybe_time(self.attributes.get("SentTimestamp"))


class _MessagePage(Page, rename="pascal"):
    messages: list[_Message] = field(default_factory=list)


def _received(body: str, now: datetime) -> Received | None:
    """Read a body: EventBridge's event, or what a rule made of it.

    With an SNS topic between, it is inside SNS's envelope, unless that delivers raw; a
    rule may also send the `detail` alone. Anyone who may send to the queue can put
    anything into it: None for a message of any other kind.
    """
    text, event = _unwrapped(body)
    kind = RecordKind.TRAIL
    detail = mapping_of(event.get("detail"))
    if is_task_state(event) and detail:
        kind = RecordKind.TASK_STATE
    elif text_of(event.get("detail-type")) in _CALLS and detail:
        text = json.dumps(detail)
    elif not event.keys() >= _BARE:
        return None
    received = Received(now, kind, None, json_bytes(text))
    return received if received.record else None  # it has what JSON has not


def _unwrapped(body: str) -> tuple[str, Record]:
    """Take SNS's envelope off; gives the event's text, and the event."""
    event = parse_object(body)
    if event.get("Type") == "Notification":
        body = text_of(event.get("Message")) or ""
        event = parse_object(body)
    return body, event


# -- the source ------------------------------------------------------------------------

_GONE = (
    r"(AWS\.SimpleQueueService\.)?(NonExistentQueue|QueueDeletedRecently)"
    r"|QueueDoesNotExist|ResourceNotFoundException"
    r"|InvalidAddress|InvalidSecurity|UnsupportedOperation"
)
_KEY_ADVICE = "Allow kms:Decrypt on the queue's key, and see that the key is enabled."


class _Deleted(Struct, rename="pascal"):
    """An answer of DeleteMessageBatch: a batch may fail in part."""

    successful: list[dict[str, Any]] = []


class Queue(CallSource):
    """A source: reads the queue until all executions have ended and are drained."""

    verdicts = (
        # SQS has an old and a new code for one error, and the SDK gives the old.
        Verdict(_GONE, "Is the --queue URL right, and may the --profile read it?"),
        Verdict(r"KMS\.ThrottlingException|KmsThrottled", state=HealthState.THROTTLED),
        Verdict(r"KMS\.\w+|Kms\w+", _KEY_ADVICE, HealthState.DENIED, 60.0),
    )

    def __init__(self, aws: CallsAws, context: WatchContext) -> None:
        """Raise UsageError for what is no URL of a queue."""
        self._address = parse_queue_url(context.options.calls.queue or "")
        super().__init__(aws, context, "queue")
        self.subject = f"the queue {clean(self._address.name, 90)}"
        self.region = self._address.region or self.targets.region
        self.always = {"QueueUrl": self._address.url}
        self._known: dict[str, str] = {}
        """The ids of messages that stay, and the keys of what they tell."""
        self._deletes = context.options.calls.consume
        """True where messages are deleted once what they tell was handed on."""
        self._last_since: datetime | None = None
        """When the last look began."""
        self._others = 0
        """Messages of other kinds."""
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
                # Who answers at once though there is nothing must not be asked without
                # end: it is as if SQS had waited.
                await self.rest(wait - seconds_between(asked_at, self.clock.now()))

    async def _receive(self, wait: int) -> list[_Message]:
        # It must take longer than going once through all that stay in the queue.
        hidden = min(
            _LONGEST_HIDDEN_SECONDS, max(_HIDDEN_SECONDS, len(self._known) // _STAYING)
        )
        asked = {"MaxNumberOfMessages": _MOST, "WaitTimeSeconds": wait}
        shown = {"MessageSystemAttributeNames": ["SentTimestamp"]}
        more: dict[str, Any] = {**asked, **shown, "VisibilityTimeout": hidden}
        name = "sqs:ReceiveMessage"
        note = "messages of the queue"
        page = await self.ask(self.request(name, _MessagePage, note, **more))
        return list({each.message_id: each for each in page.value.messages}.values())

    def _read(self, came: Iterable[_Message]) -> Sequence[_Message]:
        """Read what has never come by, and hand on what concerns the executions.

        Gives the messages that are new.
        """
        now = self.clock.now()
        found = list[Received]()
        fresh = [each for each in came if each.message_id not in self._known]
        for message in fresh:
            received = _received(message.body, now)
            self._known[message.message_id] = key_of(received) if received else ""
            self._others += received is None
            found += [received] if received else []
        while len(self._known) > _KNOWN_MOST:
            del self._known[next(iter(self._known))]
        self.select(found)
        return fresh

    def _is_last(self, fresh: Iterable[_Message]) -> bool:
        """True when the last look has seen all that was there when it began."""
        since = self._last_since
        if since is None:
            return False
        self._looks += 1
        older = any(m.sent_at is None or m.sent_at <= since for m in fresh)
        # What is held back may be theirs: of a run long over that is told late.
        early = not self.targets.finished and self.clock.now() - since < _READING
        self._quiet = 0 if older or early else self._quiet + 1
        return self._quiet >= _QUIET or self._looks >= _LAST_LOOKS

    async def _delete(self, came: Iterable[_Message]) -> bool:
        """Delete what was handed on, now or when it came before; True if any was.

        Being forbidden that is no reason not to read. What SQS does not say to be
        deleted comes again, with a new receipt.
        """
        if not self._deletes:
            return False
        # Only what was handed on is ever deleted.
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
        """Say what is not well with the queue; in the end, how much is left in it."""
        count = f": {self._others}" if self.last_round else ""
        left = f"Messages of other kinds are left in the queue{count}."
        return " ".join(filter(None, (self._not_deleted, left if self._others else "")))
