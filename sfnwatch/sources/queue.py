"""The calls around the executions watched, from a queue: `--queue URL`.

An EventBridge rule puts them there as CloudTrail delivers them, sooner than
LookupEvents shows them and without its quota; and what ECS tells of tasks with them.
SQS gives a message at least once, in any order, to whoever asks first: so what comes
again is known by its id, and what is somebody else's stays where it is.

Without `consume` nothing is deleted. A message that was received is hidden from other
readers for a while all the same; there is no reading without that.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from typing import Any

from sfnwatch.clock import Clock
from sfnwatch.sources.aws import Aws, AwsSettings
from sfnwatch.sources.drain import DRAIN, Drain
from sfnwatch.sources.drive import Driver, Failure, Patience, Step
from sfnwatch.sources.ledger import Ledger
from sfnwatch.sources.pacing import Interval
from sfnwatch.sources.queue_deletions import Deletions, entries
from sfnwatch.sources.queue_lag import Lag
from sfnwatch.sources.queue_messages import (
    Arrival,
    Key,
    Kind,
    Message,
    arrivals,
    key_of,
    read_message,
)
from sfnwatch.sources.queue_notes import Notes
from sfnwatch.sources.queue_tasks import Tasks
from sfnwatch.sources.queue_trouble import reworded
from sfnwatch.sources.queue_url import parse_queue_url
from sfnwatch.sources.sieve import Sieve
from sfnwatch.sources.subjects import Subjects
from sfnwatch.trace.events import Batch, From, HealthState, Received
from sfnwatch.trace.values import replace

WAIT = 15
"""Seconds SQS may wait for a message before it answers. It allows 20, but so long the
client waits for an answer at all: at 20 each quiet poll would be a time-out."""
_DRAIN_WAIT = 5
"""And after the end, when whoever watches may want to leave at once."""
_LAST_WAIT = 1
"""And for the last look. Without any wait SQS asks only some of its servers, and an
empty answer says nothing."""
_MOST = 10
"""Messages an answer holds at most."""
_HIDDEN, _HIDDEN_MOST = 20, 300
"""Seconds a message that was received is hidden: no longer than it has to be, for the
sake of other readers. With none the same ten would come again at once, and nothing
behind them: it must take longer than going once through all that stay in the queue."""
_STAYING = 20
"""Messages that stay, for each second that they are hidden: a fifth of those that are
gone through in that time."""
_AGAIN, _AGAIN_MOST = 0.1, 1.0
"""Seconds to wait when an answer held nothing but what is known; no longer than the
first while it was full, since what is new may lie behind it."""
_RETRY = 1.0
"""Seconds before what could not be deleted is tried again."""
_KNOWN = 100_000
"""Messages that are known again when they come again; of more the oldest are read
anew, which costs time and changes nothing."""
_QUIET = 2
"""So many answers in a row without anything new end the last look."""
_READING = timedelta(seconds=30)
"""So long the last look goes on at least, while a history is still being read."""
_LAST_LOOKS = 2_000
"""Requests that the last look makes at most."""
_SOURCES = {Kind.CALL: From.TRAIL, Kind.TASK: From.TASK_STATE}


def queue_settings(settings: AwsSettings, url: str) -> AwsSettings:
    """Say where a queue is to be asked, which its URL knows better than an option."""
    endpoint_url = parse_queue_url(url).endpoint_url or settings.endpoint_url
    return replace(settings, endpoint_url=endpoint_url)


class Queue:
    """A source: reads the queue until all executions are over and the drain done."""

    def __init__(
        self,
        aws: Aws,
        subjects: Subjects,
        clock: Clock,
        url: str,
        *,
        consume: bool = False,
        drain: float = DRAIN,
        patience: Patience | None = None,
        wait: int = WAIT,
    ) -> None:
        self._aws, self._subjects, self._clock = aws, subjects, clock
        self._address = parse_queue_url(url)
        self._region = self._address.region or subjects.region
        self._consume, self._wait = consume, wait
        self._drain = Drain(subjects, clock, drain)
        self._driver = Driver(
            "lookup",
            clock,
            patience=patience,
            cut_short=self._is_done_waiting,
            bell=subjects.bell,
            ledger=Ledger(clock, subjects.only),
            source="queue",
        )
        self._sieve, self._tasks = Sieve(subjects), Tasks()
        self._deletions = Deletions()
        self._notes = Notes(self._address, consume=consume)
        self._interval = Interval(_AGAIN, _AGAIN_MOST)
        self._known: OrderedDict[str, Key] = OrderedDict()
        """The messages that came by, and what they tell of."""
        self._handed: set[Key] = set()
        """What was handed on: only its messages are ever deleted."""
        self._lag = Lag()
        self._looked = False
        self._last_since: datetime | None = None
        """When the last look began."""
        self._looks = self._quiet = 0

    def end_drain(self) -> None:
        """Stop waiting for late records: one more look, and that is it."""
        self._drain.end()

    def heed(self, batch: Batch) -> None:
        """Consume what other sources bring: histories tell whose a task is."""
        self._tasks.heed(batch)

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield the calls and task states of the executions, and changes of health."""
        await self._subjects.known.wait()
        async for batch in self._driver.run(self._step):
            yield batch

    async def _step(self) -> Step:
        try:
            # Whatever is due was handed on by the step before.
            if self._deletions:
                return await self._delete()
            if not self._looked:
                return await self._look()
            return await self._receive()
        except Failure as failure:
            self._drain.give_up_if_over(failure, self._driver)
            raise

    def _is_done_waiting(self) -> bool:
        """True when a pause, made while there was a reason to wait, has lost it."""
        over = self._drain.is_over() and self._last_since is None
        return self._drain.has_no_wait(self._driver, over=over)

    async def _call(self, operation: str, note: str, **kwargs: Any) -> Any:
        with self._driver.ledger.asking(note) as asked:
            try:
                answer = await self._aws.call(
                    f"sqs:{operation}",
                    f"the queue {self._address.shown}",
                    self._region,
                    QueueUrl=self._address.url,
                    **kwargs,
                )
            except Failure as failure:
                raise reworded(failure) from failure.__cause__
            if operation == "ReceiveMessage":
                asked.brought(len(arrivals(answer)))
        return answer

    # -- what kind of queue it is ------------------------------------------------------

    async def _look(self) -> Step:
        """Ask once for what reading would do to the messages; it may be forbidden."""
        try:
            answer = await self._call(
                "GetQueueAttributes", "the queue itself", AttributeNames=["All"]
            )
        except Failure as failure:
            if failure.state is not HealthState.DENIED:
                raise
            answer = {}
        self._looked = True
        self._notes.attributes(answer)
        return Step(health=self._health_if_changed() if answer else None)

    # -- messages ----------------------------------------------------------------------

    async def _receive(self) -> Step:
        if self._drain.is_over() and self._last_since is None:
            self._last_since = self._clock.now()
        asked_at, wait = self._clock.now(), self._seconds_to_wait()
        answer = await self._call(
            "ReceiveMessage",
            "messages of the queue",
            MaxNumberOfMessages=_MOST,
            WaitTimeSeconds=wait,
            VisibilityTimeout=self._seconds_to_hide(),
            MessageSystemAttributeNames=["SentTimestamp"],
        )
        came = arrivals(answer)
        fresh = self._fresh(came)
        records = self._take(fresh)
        self._take_off(came)
        ours = (message for message in fresh if message.key in self._handed)
        self._lag.take(ours, self._clock.now())
        done = self._is_last(fresh)
        return Step(
            records,
            pause=self._pause(came, fresh, asked_at, wait),
            done=done and not self._deletions,
            health=self._health_if_changed(ended=done and not self._deletions),
        )

    def _seconds_to_wait(self) -> int:
        if self._last_since is not None:
            return min(self._wait, _LAST_WAIT)
        return min(self._wait, _DRAIN_WAIT) if self._drain.has_begun else self._wait

    def _seconds_to_hide(self) -> int:
        return min(_HIDDEN_MOST, max(_HIDDEN, self._staying // _STAYING))

    @property
    def _staying(self) -> int:
        """How many messages came by and were not deleted."""
        return len(self._known) - self._deletions.deleted

    def _fresh(self, came: Iterable[Arrival]) -> list[Message]:
        """Read what has never come by."""
        fresh = [read_message(each) for each in came if each.id not in self._known]
        for message in fresh:
            self._known[message.id] = message.key
            self._notes.count(message.kind)
        self._notes.staying(self._staying)
        while len(self._known) > _KNOWN:
            self._known.popitem(last=False)
        return fresh

    def _take(self, fresh: list[Message]) -> Batch:
        """Give what concerns the executions, of these and of what was held back."""
        now = self._clock.now()
        received = {
            kind: [
                Received(now, source, None, message.data)
                for message in fresh
                if message.kind is kind
            ]
            for kind, source in _SOURCES.items()
        }
        calls = self._sieve.take(received[Kind.CALL])
        tasks = self._tasks.take(received[Kind.TASK])
        self._note_handed(Kind.CALL, calls, fresh)
        self._note_handed(Kind.TASK, tasks, fresh)
        return (*calls, *tasks)

    def _note_handed(self, kind: Kind, kept: Batch, fresh: list[Message]) -> None:
        """Note what is handed on; what has no name of its own is its message's."""
        nameless = {id(message.data): message.key for message in fresh}
        for record in kept:
            key = key_of(kind, record.data) or nameless.get(id(record.data))
            if key is not None:
                self._handed.add(key)

    def _take_off(self, came: Iterable[Arrival]) -> None:
        """Mark for deletion what was handed on, now or when it came before."""
        for each in came if self._consume else ():
            if each.receipt and self._known.get(each.id) in self._handed:
                self._deletions.add(each.id, each.receipt)

    def _is_last(self, fresh: list[Message]) -> bool:
        """True when the last look has seen all that was there when it began."""
        since = self._last_since
        if since is None:
            return False
        self._looks += 1
        older = any(m.sent_at is None or m.sent_at <= since for m in fresh)
        # What is held back may be theirs: of a run long over that is told late.
        early = not self._subjects.over and self._clock.now() - since < _READING
        self._quiet = 0 if older or early else self._quiet + 1
        return self._quiet >= _QUIET or self._looks >= _LAST_LOOKS

    def _pause(
        self,
        came: list[Arrival],
        fresh: list[Message],
        asked_at: datetime,
        wait: int,
    ) -> float:
        """Ask again at once while there is news, and not sooner than SQS would answer.

        Who answers at once though there is nothing must not be asked without end.
        """
        passed = (self._clock.now() - asked_at).total_seconds()
        again = self._interval.after(news=bool(fresh))
        if fresh or self._deletions:
            return 0.0
        if came:
            return _AGAIN if len(came) >= _MOST else again
        return max(0.0, max(wait, _LAST_WAIT) - passed)

    # -- taking them off ---------------------------------------------------------------

    async def _delete(self) -> Step:
        """Delete what was handed on; being forbidden that is no reason not to read."""
        batch = self._deletions.batch()
        try:
            answer = await self._call(
                "DeleteMessageBatch", "taking off what was read", Entries=entries(batch)
            )
        except Failure as failure:
            if failure.state not in {HealthState.DENIED, HealthState.REFUSED}:
                self._deletions.failed(batch)
                raise
            self._consume = False
            self._deletions.forget()
            self._notes.kept(failure.message)
            return Step(health=self._health_if_changed())
        all_gone = self._deletions.answered(batch, answer)
        return Step(pause=0.0 if all_gone else _RETRY)

    # -- health ------------------------------------------------------------------------

    def _health_if_changed(self, *, ended: bool = False) -> Any:
        draining = HealthState.DRAINING if self._drain.until else HealthState.LIVE
        old = self._driver.health
        health = replace(
            old,
            state=HealthState.ENDED if ended else draining,
            message=self._notes.words(total=ended),
            retry_in=None,
            lag=self._lag.seconds,
            until=self._drain.until,
        )
        same = replace(health, lag=old.lag, requests=old.requests) == old
        return None if same and not self._lag.is_news(old.lag) else health
