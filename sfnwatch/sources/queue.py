"""The calls around the executions, from a queue that EventBridge feeds.

A rule puts them there as CloudTrail delivers them, sooner than LookupEvents shows them
and without its quota; and what ECS tells of tasks with them. SQS gives a message at
least once, in any order, to whoever asks first: so what comes again is known by its
id, and what is somebody else's stays where it is.

Unless messages are consumed none is deleted. One that was received is hidden from other
readers for a while all the same; there is no reading without that.
"""

import re
from collections import OrderedDict, deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Raw, Struct, field
from msgspec.structs import replace

from sfnwatch.errors import UsageError
from sfnwatch.model.ecs_task import is_task_state
from sfnwatch.model.records import (
    Batch,
    HealthState,
    Received,
    Record,
    RecordKind,
    SourceHealth,
)
from sfnwatch.model.values import (
    clean,
    encode_json,
    mapping_of,
    maybe_time,
    parse_object,
    seconds_between,
    text_of,
    without_login,
)
from sfnwatch.sources.answers import (
    CallsAws,
    Failure,
    Page,
    Text,
    Verdict,
    record_bytes,
)
from sfnwatch.sources.permissions import is_loopback
from sfnwatch.sources.polling import FORBIDDEN, CallSource, Interval, WatchContext
from sfnwatch.sources.profiles import AwsSettings
from sfnwatch.sources.targets import CallOptions, Relevance, key_of

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
_HIDDEN, _HIDDEN_MOST = 20, 300
"""Seconds a message that was received is hidden: no longer than it has to be, for the
sake of other readers. With none the same ten would come again at once, and nothing
behind them."""
_STAYING = 20
"""Messages that stay, for each second that they are hidden: a fifth of those that are
gone through in that time."""
_AGAIN, _AGAIN_MOST = 0.1, 1.0
"""Seconds to wait when an answer held nothing but what is known; no longer than the
first while it was full, since what is new may lie behind it."""
_KNOWN_MOST = 100_000
"""Messages that are known again when they come again; of more the oldest are read
anew, which costs time and changes nothing."""
_QUIET = 2
"""So many answers in a row without anything new end the last look."""
_READING = timedelta(seconds=30)
"""So long the last look goes on at least, while a history is still being read."""
_LAST_LOOKS = 2_000
"""Requests that the last look makes at most."""
_LATEST = 20
"""Of so many messages, the newest, the lag is the median."""
_LAG_LEAST = 5.0
"""Seconds by which it must have moved to be told anew, or a quarter of it."""
_CROWD = 1_000
_CROWDED = (
    f"More than {_CROWD:,} messages stay in the queue and are received again and again,"
    " which delays what is new: use a queue of its own, whose rule takes fewer calls."
)
_FIFO = (
    "It is a FIFO queue, which holds back the rest of a group until what was read is"
    " deleted: use a standard queue, or --consume."
)


# -- where it is -----------------------------------------------------------------------

_HOST = re.compile(
    r"(?P<kind>sqs\.|sqs-fips\.|vpce-[a-z0-9-]+\.sqs\.)?"
    r"(?P<region>[a-z]{2}(?:-[a-z0-9]+)+-[0-9]+)"
    r"(?P<rest>\.api\.aws|(?:\.vpce|\.queue)?\.amazonaws\.com(?:\.cn)?)"
)
"""The usual host, and those for FIPS, dual-stack, an endpoint in a VPC, and of old."""
_USUAL = re.compile(r"sqs\.[^.]+\.amazonaws\.com(?:\.cn)?")
_PATH = re.compile(r"/[0-9]{12}/[A-Za-z0-9_-]{1,80}(?:\.fifo)?")
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
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _bad_url(url, str(error)) from error
    if parts.username or parts.password or parts.query or parts.fragment:
        raise _bad_url(url, "it has more than a host and a path")
    host, name = (parts.hostname or "").lower(), parts.path.rpartition("/")[2]
    if parts.scheme in {"http", "https"} and is_loopback(url):
        if not name:
            raise _bad_url(url, "it names no queue")
        return QueueAddress(url, name, None, f"{parts.scheme}://{parts.netloc}")
    found = _HOST.fullmatch(host)
    if parts.scheme != "https" or port is not None or found is None:
        raise _bad_url(url, "it is not at a host of AWS's")
    if not _PATH.fullmatch(parts.path):
        raise _bad_url(url, "it has no account and name behind the host")
    endpoint_url = None if _USUAL.fullmatch(host) else f"https://{host}"
    return QueueAddress(url, name, found["region"], endpoint_url)


def _bad_url(url: str, why: str) -> UsageError:
    words = f"No URL of an SQS queue: {clean(without_login(url), 200)}: {clean(why)}."
    return UsageError(words, hint=_HINT)


def queue_settings(settings: AwsSettings, url: str) -> AwsSettings:
    """Say where a queue is to be asked, which its URL knows better than an option."""
    endpoint_url = parse_queue_url(url).endpoint_url or settings.endpoint_url
    return replace(settings, endpoint_url=endpoint_url)


# -- what a message says ---------------------------------------------------------------

_CALLS = frozenset({"AWS API Call via CloudTrail", "AWS Service Event via CloudTrail"})
"""The events whose detail is a CloudTrail record."""
_EXECUTION = "Step Functions Execution Status Change"
"""An execution's status, which its history tells better."""
_ENVELOPES = 3
"""A topic's message may be another topic's; nobody has more of them."""
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


class _Content(Struct, frozen=True):
    """What a message tells."""

    received: Received | None = None
    """The CloudTrail record, or the whole event of a task."""
    happened_at: datetime | None = None
    is_other: bool = False
    """True for a message of another kind than those that are looked for."""

    @property
    def key(self) -> str:
        return key_of(self.received) if self.received else ""


_Read = tuple[_Message, _Content]


class _Event(Struct):
    detail: Raw = Raw()


def _content(body: str, now: datetime) -> _Content:
    """Read a body: EventBridge's event, or what a rule made of it.

    With an SNS topic between, it is inside SNS's envelope, unless that delivers raw; a
    rule may also send the `detail` alone. Anyone who may send to the queue can put
    anything into it.
    """
    text, event = _unwrapped(body)
    kind, detail = text_of(event.get("detail-type")), mapping_of(event.get("detail"))
    at, told = event.get("time"), RecordKind.TRAIL
    try:
        if is_task_state(event) and detail:
            told, data = RecordKind.TASK_STATE, record_bytes(text, event)
        elif kind in _CALLS and detail:
            at, data = detail.get("eventTime") or at, _detail(text, detail)
        elif event.keys() >= _BARE:
            at, data = event["eventTime"], record_bytes(text, event)
        else:
            return _Content(is_other=kind != _EXECUTION)
    except ValueError:
        return _Content(is_other=True)
    return _Content(Received(now, told, None, data), maybe_time(at))


def _unwrapped(body: str) -> tuple[str, Record]:
    """Take SNS's envelopes off; gives the event's text, and the event."""
    for _ in range(_ENVELOPES):
        event = parse_object(body)
        if event.get("Type") != "Notification" or "Message" not in event:
            return body, event
        body = text_of(event["Message"]) or ""
    return "", {}


def _detail(text: str, detail: Record) -> bytes:
    """Take an event's detail out as it came; raises ValueError for what JSON hasn't."""
    try:
        raw = bytes(msgspec.json.decode(text, type=_Event).detail)
        return record_bytes(raw.decode(), detail)
    except (ValueError, RecursionError):
        return encode_json(detail)


# -- the source ------------------------------------------------------------------------

_GONE = (
    r"(AWS\.SimpleQueueService\.)?(NonExistentQueue|QueueDeletedRecently)"
    r"|QueueDoesNotExist|ResourceNotFoundException"
)
_GONE_ADVICE = (
    "Is the --queue URL right, and of an account that the --profile may read?"
)
_KEY_ADVICE = "Allow kms:Decrypt on the queue's key, and see that the key is enabled."
_BUSY_ADVICE = (
    "Too many of its messages are with readers; they come free by themselves."
)


class _Entry(Struct, rename="pascal"):
    id: str


class _Deleted(Struct, rename="pascal"):
    """An answer of DeleteMessageBatch: a batch may fail in part."""

    successful: list[_Entry] = []


class Queue(CallSource):
    """A source: reads the queue until all executions have ended and are drained."""

    verdicts = (
        # SQS has an old and a new code for one error, and the SDK gives the old.
        Verdict(_GONE, HealthState.REFUSED, _GONE_ADVICE),
        Verdict(
            "InvalidAddress|InvalidSecurity|UnsupportedOperation",
            HealthState.REFUSED,
            "Check the --queue URL.",
        ),
        Verdict(r"KMS\.ThrottlingException|KmsThrottled", HealthState.THROTTLED),
        Verdict(r"KMS\.\w+|Kms\w+", HealthState.DENIED, _KEY_ADVICE, 60.0),
        Verdict("OverLimit", HealthState.THROTTLED, _BUSY_ADVICE, 10.0),
    )

    def __init__(
        self, aws: CallsAws, context: WatchContext, options: CallOptions
    ) -> None:
        """Raise UsageError for what is no URL of a queue."""
        self._address = parse_queue_url(options.queue or "")
        super().__init__(aws, context, "queue")
        self.subject = f"the queue {clean(self._address.name, 90)}"
        self.region = self._address.region or self.targets.region
        self.always = {"QueueUrl": self._address.url}
        self._relevance = Relevance(self.targets)
        self._known: OrderedDict[str, str] = OrderedDict()
        """The ids of messages that stay, and the keys of what they tell."""
        self._deletes = options.consume
        """True where messages are deleted once what they tell was handed on."""
        self._delays = deque[float](maxlen=_LATEST)
        """Seconds from what happened until its record could be had."""
        self._last_since: datetime | None = None
        """When the last look began."""
        self._others = self._others_told = 0
        """Messages of other kinds, and how many of them were told of."""
        self._crowded = False
        self._counts_reading = self._not_deleted = ""

    async def read(self) -> str:
        interval, self._last_since = Interval(_AGAIN, _AGAIN_MOST), None
        self._looks = self._quiet = 0
        await self._look_at_queue()
        while True:
            if self.is_over() and not self.last_round:
                self.last_round, self._last_since = True, self.clock.now()
            asked_at, wait = self.clock.now(), self._seconds_to_wait()
            came = await self._receive(wait)
            fresh = self._read(came)
            self.hand_on(*self._select(fresh))
            deleted = await self._delete(came)
            if self._is_last(fresh) and not deleted:
                return self._remarks(total=True)
            self.say(self._remarks())
            again = interval.after(news=bool(fresh))
            if came and not (fresh or deleted):
                await self.rest(_AGAIN if len(came) >= _MOST else again)
            elif not came:
                # Who answers at once though there is nothing must not be asked without
                # end: it is as if SQS had waited.
                await self.rest(wait - seconds_between(asked_at, self.clock.now()))

    async def _look_at_queue(self) -> None:
        """Ask once for what reading would do to the messages; it may be forbidden."""
        name, wanted = "sqs:GetQueueAttributes", {"AttributeNames": ["All"]}
        request = self.request(name, dict, "the queue itself", **wanted)
        try:
            answer = await self.ask(request, {HealthState.DENIED})
        except Failure:
            return
        attributes = mapping_of(answer.value.get("Attributes"))
        policy = parse_object(text_of(attributes.get("RedrivePolicy")) or "")
        if (most := policy.get("maxReceiveCount")) is not None:
            self._counts_reading = (
                "SQS counts each reading, and moves a message to the queue's"
                f" dead-letter queue after {clean(str(most), 10)} of them: use a queue"
                " of its own, or --consume."
            )
        self.say(self._remarks())

    # -- messages ----------------------------------------------------------------------

    async def _receive(self, wait: int) -> list[_Message]:
        # It must take longer than going once through all that stay in the queue.
        hidden = min(_HIDDEN_MOST, max(_HIDDEN, len(self._known) // _STAYING))
        request = self.request(
            "sqs:ReceiveMessage",
            _MessagePage,
            "messages of the queue",
            MaxNumberOfMessages=_MOST,
            WaitTimeSeconds=wait,
            VisibilityTimeout=hidden,
            MessageSystemAttributeNames=["SentTimestamp"],
        )
        page = await self.ask(request)
        return list({each.message_id: each for each in page.value.messages}.values())

    def _seconds_to_wait(self) -> int:
        if self.last_round:
            return _LAST_WAIT
        return _DRAIN_WAIT if self.targets.have_ended else _WAIT

    def _read(self, came: Iterable[_Message]) -> list[_Read]:
        """Read what has never come by."""
        now = self.clock.now()
        new = [each for each in came if each.message_id not in self._known]
        fresh = [(each, _content(each.body, now)) for each in new]
        for message, content in fresh:
            self._known[message.message_id] = content.key
            self._others += content.is_other
        self._crowded = self._crowded or len(self._known) > _CROWD
        while len(self._known) > _KNOWN_MOST:
            self._known.popitem(last=False)
        return fresh

    def _select(self, fresh: Iterable[_Read]) -> Batch:
        """Give what concerns the executions, of these and of what was held back."""
        now = self.clock.now()
        found = [content.received for _, content in fresh if content.received]
        selected = self._relevance.select(found)
        for message, content in fresh:
            if content.happened_at and content.key in self._relevance.handed_on:
                # What lay in the queue before anybody read it was not late for that.
                there = min(message.sent_at or now, now)
                delay = seconds_between(content.happened_at, there)
                self._delays.append(max(0.0, delay))
        return selected

    def _is_last(self, fresh: Iterable[_Read]) -> bool:
        """True when the last look has seen all that was there when it began."""
        since = self._last_since
        if since is None:
            return False
        self._looks += 1
        older = any(m.sent_at is None or m.sent_at <= since for m, _ in fresh)
        # What is held back may be theirs: of a run long over that is told late.
        early = not self.targets.finished and self.clock.now() - since < _READING
        self._quiet = 0 if older or early else self._quiet + 1
        return self._quiet >= _QUIET or self._looks >= _LAST_LOOKS

    async def _delete(self, came: Iterable[_Message]) -> bool:
        """Delete what was handed on, now or when it came before; True if any was.

        Being forbidden that is no reason not to read. What SQS does not say to be
        deleted comes again, with a new receipt.
        """
        # Only what was handed on is ever deleted.
        handed_on = self._relevance.handed_on
        marked = [
            {"Id": each.message_id, "ReceiptHandle": each.receipt_handle}
            for each in came
            if each.receipt_handle and self._known.get(each.message_id) in handed_on
        ]
        if not self._deletes:
            return False
        for first in range(0, len(marked), _MOST):
            name, entries = "sqs:DeleteMessageBatch", marked[first : first + _MOST]
            note = "deleting what was read"
            request = self.request(name, _Deleted, note, Entries=entries)
            try:
                deleted = await self.ask(request, FORBIDDEN)
            except Failure as failure:
                self._deletes = False
                words = "Nothing is deleted from the queue."
                self._not_deleted = f"{words} {failure.message}"
                break
            for entry in deleted.value.successful:
                self._known.pop(entry.id, None)
        return bool(marked)

    # -- health ------------------------------------------------------------------------

    @property
    def lag(self) -> float | None:
        """How late the records were that came last, in seconds."""
        return round(median(self._delays), 1) if self._delays else None

    def is_news(self, told: SourceHealth) -> bool:
        """True also for a lag that is worth another word, after what was told last."""
        lag, old = told.lag, self.health.lag
        if lag is None or old is None:
            has_moved = lag is not old
        else:
            has_moved = abs(lag - old) >= max(_LAG_LEAST, old / 4)
        return has_moved or super().is_news(told)

    def _remarks(self, *, total: bool = False) -> str:
        """Say it all; the number of other messages as first told, or the `total`."""
        if total or not self._others_told:
            self._others_told = self._others
        count, remarks = self._others_told, [self._not_deleted]
        if count:
            remarks.append(f"Messages of other kinds are left in the queue: {count}.")
        if not self._deletes:
            fifo = self._address.name.endswith(".fifo")
            remarks += [self._counts_reading, _FIFO if fifo else ""]
        remarks.append(_CROWDED if self._crowded else "")
        return " ".join(filter(None, remarks))
