"""One execution's history, from its first event to its end.

GetExecutionHistory has no "since" parameter, and the last page of a running execution
has no token: reading forward again would read everything again. So the history is read
forward once. From then on each poll reads newest first, down to the last event held, so
it costs only what is new. After the end only a redrive can add events, to the same
history. If redrives are followed, one is looked for once a minute, for as long as it
may come.
"""

from collections.abc import AsyncGenerator, Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from sfnwatch.model.execution_list import RUNNING, UNSUCCESSFUL
from sfnwatch.model.history_event import MOST_EVENTS, REDRIVEN, STATUS_BY_END
from sfnwatch.model.records import Received, RecordKind
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.strict_json import decode_object
from sfnwatch.model.texts import clean
from sfnwatch.model.times import maybe_time
from sfnwatch.model.values import int_of, text_of
from sfnwatch.sources.answers import AwsAnswer, CallsAws, Failure, Page, Text
from sfnwatch.sources.definition import DefinitionSource
from sfnwatch.sources.polling import PollingSource, WatchContext
from sfnwatch.sources.rate_limits import Interval
from sfnwatch.sources.targets import Target

T = TypeVar("T")
_PAGE = 1000
"""The most that GetExecutionHistory returns at once; it is an upper limit only."""

_TAIL = 100
"""The newest events to request in a poll; more pages follow if they are not enough."""
_SHORTEST_PAUSE_SECONDS = 1.0
"""Seconds between polls while events come."""
_LONGEST_PAUSE_SECONDS = 5.0
"""The most seconds between polls. GetExecutionHistory refills 20 requests a second for
the whole account."""
_LONGEST_CHILD_PAUSE_SECONDS = 15.0
"""The same for an execution that another one started: there may be many."""
_FOR_DEFINITION = timedelta(seconds=0.6)
"""How long, after the first reading, to wait for a definition that was requested."""
_LOOK = 0.1
"""Seconds between looks whether the definition has come."""
_DESCRIBE_TRIES = 5
"""The number of tries: DescribeExecution is eventually consistent and may answer
RUNNING for a while."""
_SILENCE = timedelta(minutes=1)
"""After this long without an event, DescribeExecution is asked whether it still
runs."""
_SILENT_POLLS = 3
"""If AWS says that it has ended, and this many polls in a row bring no end, no end is
awaited any more."""
_REDRIVE_PAUSE = 60.0
"""Seconds between looks for a redrive. DescribeExecution refills ten a second for the
whole account, and nobody redrives within the minute."""
_REDRIVABLE = timedelta(days=14)
"""How long after its end an execution may be redriven."""
_CAN_BE_REDRIVEN = (None, "REDRIVABLE", "REDRIVABLE_BY_MAP_RUN")
_PENDING = "PENDING_REDRIVE"
_DESCRIBED = "DescribeExecution tells"
_OUTCOME_NOT_KNOWN = "DescribeExecution has not been answered since it ended."
_REDRIVABLE_UNTIL = (
    "It is over, and watched for a redrive once a minute; that may come"
    " until {:%Y-%m-%d %H:%M} UTC."
)
_GOES_ON = "It goes on; what started it is over, and did not wait."


class _HistoryPage(Page):
    events: list[Raw]


class _Head(Struct):
    """The part of an event that is read here; the rest is decoded where it is shown."""

    id: int
    type: str
    data: bytes = b""
    """The whole event, as it came."""


class ExecutionDescription(Struct, rename="camel"):
    """An answer of DescribeExecution, and what it says about a redrive."""

    execution_arn: Text
    status: Text
    stop_date: Any = None
    redrive_count: Any = None
    redrive_status: Any = None
    redrive_status_reason: Any = None

    @property
    def redrives(self) -> int:
        """The number of redrives, as far as the answer has it; else 0."""
        return int_of(self.redrive_count) or 0

    def is_redriving(self, known: int) -> bool:
        """True if a redrive is pending, or if there are more redrives than `known`.

        The answer is eventually consistent: RUNNING alone may be outdated.
        """
        return self.status == _PENDING or self.redrives > known

    def redrivable_until(self, now: datetime) -> datetime | None:
        """Return until when it may be redriven; None if it can't be, or no longer."""
        possible = self.redrive_status in _CAN_BE_REDRIVEN
        if not possible or self.status not in UNSUCCESSFUL:
            return None
        stopped_at = maybe_time(self.stop_date) or now
        until = min(stopped_at, now) + _REDRIVABLE
        return until if until > now else None


Join = Callable[[PollingSource], None]
"""Starts another source beside the running ones."""


class History(PollingSource):
    """A source: reads an execution's history to its end."""

    def __init__(
        self, aws: CallsAws, context: WatchContext, target: Target, join: Join
    ) -> None:
        self._is_child = target.level > 0
        lane = "children" if self._is_child else "history"
        super().__init__(aws, context, lane, execution_arn=target.arn.arn)
        self.subject = target.arn.arn
        self.region = target.arn.region
        self.always = {"executionArn": self.subject}
        self._target = target
        self._join = join
        self._listed = self._is_child and target.arn.is_of_map_run
        """True for a child that its Map Run's list describes and its parent defines."""
        self._held = 0
        """Every event up to this id has been handed over."""
        self._unreadable: set[bytes] = set()
        """Events without an id or a type, already handed over as unreadable."""
        self._ended = False
        self._redrives = 0
        """The number of redrives among the events held."""
        self._described: ExecutionDescription | None = None
        """AWS's latest description of the execution."""
        self._is_outdated = False
        """True if an event has come since the description: it may have been
        redriven."""
        self._described_at = self.clock.now()
        self._polls_after_end = 0
        """Polls in a row without an event, since AWS said that it has ended."""

    @property
    def _is_unwanted(self) -> bool:
        """True for a child once nothing waits for it any more."""
        return self._is_child and self.targets.roots_finished

    @property
    def _is_drained(self) -> bool:
        """True once its end and its drain are past."""
        stopped = self._target.stopped_at
        options = self.context.options
        if stopped is None or options.follow_redrive:
            return False
        return self.clock.now() >= stopped + timedelta(seconds=options.drain)

    async def close(self) -> None:
        self._target.finish()

    def judge(self, failure: Failure) -> None:
        """Make a failure final if nobody can help or if nothing waits for the history.

        The lane of calls does not wait for other failures either: they may last.
        """
        if failure.state is HealthState.DENIED and self.bounded and not self._held:
            failure.state = HealthState.REFUSED
        if self._is_unwanted:
            self.give_up(failure)
        self._target.do_without_history()

    async def read(self) -> str:
        if not self._listed:
            self._observe(RecordKind.DESCRIBE, await self._describe())
            self._join(DefinitionSource(self._aws, self.context, self._target))
        # Read the history so far, handing over each page as it comes.
        async for page in self._pages("first reading", _PAGE):
            events = self._decoded(page.value.events)
            self._hold(event for event in events if event.id > self._held)
        self._say_unfinished()
        if not self._listed:
            await self._await_definition()
        self._target.set_ready()
        while await self._follow():
            if self._listed:
                return ""
            outcome = await self._outcome()
            if outcome is None:
                return f"{_OUTCOME_NOT_KNOWN} {self.unfinished}".rstrip()
            if outcome.is_redriving(self._redrives):
                self._take_up()
                continue
            if self._is_child or not self.context.options.follow_redrive:
                return self._unseen_end(outcome)
            reason = await self._await_redrive(outcome)
            if reason is not None:
                return f"{self._unseen_end(outcome)} {reason}".strip()
        return _GOES_ON

    def _say_unfinished(self) -> None:
        """Report that a reading had no end, or clear that report after a later one."""
        if self.unfinished or "GetExecutionHistory" in self.health.message:
            self.say(self.unfinished)

    def _unseen_end(self, outcome: ExecutionDescription) -> str:
        """Return words for a history without an end, if AWS says that it has ended."""
        if self._ended:
            return self.unfinished
        words = f"{_DESCRIBED} {clean(outcome.status, 40)}, and its history has no end."
        return f"{words} {self.unfinished}".rstrip()

    def _observe(self, kind: RecordKind, answer: AwsAnswer[T]) -> T:
        """Hand on an answer, and note what it says about which calls to look up."""
        received = self.received(kind, answer.body)
        self._target.observe(received)
        self.hand_on(received)
        return answer.value

    async def _describe(self, note: str = "") -> AwsAnswer[ExecutionDescription]:
        request = self.request("states:DescribeExecution", ExecutionDescription, note)
        answer = await self.ask(request)
        self._described = answer.value
        self._is_outdated = False
        self._described_at = self.clock.now()
        return answer

    async def _await_definition(self) -> None:
        """Wait a moment for the definition: it shows which services to look up."""
        until = self.clock.now() + _FOR_DEFINITION
        while not self._target.definition_settled and self.clock.now() < until:
            await self.clock.sleep(_LOOK)

    async def _follow(self) -> bool:
        """Poll until it has ended; False if nothing waits for it any more.

        It also counts as ended if AWS says so and the history lacks the end.
        """
        longest = _LONGEST_PAUSE_SECONDS
        if self._is_child:
            longest = _LONGEST_CHILD_PAUSE_SECONDS
        interval = Interval(_SHORTEST_PAUSE_SECONDS, longest)
        news = True
        self._polls_after_end = 0
        while not self._ended:
            if self._is_unwanted:
                return False
            await self.rest(interval.after(news=news))
            news = await self._read_newest()
            if await self._lacks_its_end(news=news):
                return True
        return True

    async def _lacks_its_end(self, *, news: bool) -> bool:
        """True once AWS says that it has ended, and some polls bring no event.

        Always False for executions that others started: they are dropped when those
        end.
        """
        if news or self._ended:
            self._is_outdated = True
            self._polls_after_end = 0
            return False
        if self._is_child:
            return False
        if self._seems_to_run():
            if self.clock.now() - self._described_at < _SILENCE:
                return False
            before = self._described
            answer = await self._describe("does it still run?")
            if answer.value != before:
                self._observe(RecordKind.DESCRIBE, answer)
            if self._seems_to_run():
                return False
        self._polls_after_end += 1
        return self._polls_after_end >= _SILENT_POLLS

    def _seems_to_run(self) -> bool:
        """True unless AWS says that it has ended and was not redriven since."""
        described = self._described
        if described is None or self._is_outdated or described.status in RUNNING:
            return True
        return described.is_redriving(self._redrives)

    async def _read_newest(self) -> bool:
        """Read newest first until an event that is held, then hand over the new ones.

        They are handed over only then: until the gap below them is read they are not
        held.
        """
        new: dict[int, _Head] = {}
        async for page in self._pages("newest events", _TAIL, newest_first=True):
            events = self._decoded(page.value.events)
            for event in events:
                if event.id > self._held:
                    new[event.id] = event
            if any(event.id <= self._held for event in events):
                break
        self._hold(new[event_id] for event_id in sorted(new))
        self._say_unfinished()
        return bool(new)

    def _pages(
        self, note: str, size: int, *, newest_first: bool = False
    ) -> AsyncGenerator[AwsAnswer[_HistoryPage], None]:
        request = self.request(
            "states:GetExecutionHistory",
            _HistoryPage,
            note,
            maxResults=size,
            reverseOrder=newest_first,
            includeExecutionData=True,
        )
        return self.pages(request, ceiling=MOST_EVENTS, is_dense=True)

    def _decoded(self, page: Iterable[Raw]) -> list[_Head]:
        """Return a page's events, each once; hand on anything else as unreadable."""
        events: dict[int, _Head] = {}
        for data in map(bytes, page):
            try:
                head = _head_of(data)
                events[head.id] = head
            except ValueError:
                if data not in self._unreadable:
                    self._unreadable.add(data)
                    self.hand_on(self.received(RecordKind.UNREAD, data))
        return list(events.values())

    def _hold(self, events: Iterable[_Head]) -> None:
        """Take events in, in the order of their ids, and hand them on."""
        now = self.clock.now()
        arn = self.requests.execution_arn
        records = []
        for event in events:
            self._held = max(self._held, event.id)
            if event.type in STATUS_BY_END:
                self._ended = True
            elif event.type == REDRIVEN:
                self._ended = False
                self._redrives += 1
            received = Received(now, RecordKind.HISTORY, arn, event.data)
            self._target.observe(received)
            records.append(received)
        self.hand_on(*records)

    async def _outcome(self) -> ExecutionDescription | None:
        """Ask how it ended, until the answer agrees with the history or tries run out.

        A pending or new redrive ends the asking too. None if AWS does not answer in
        time.
        """
        for _ in range(_DESCRIBE_TRIES):
            asking = self._describe("the outcome")
            answer = await self.while_awaited(asking, lambda: self._is_drained)
            if answer is None:
                return None
            outcome = self._observe(RecordKind.DESCRIBE, answer)
            if outcome.is_redriving(self._redrives) or outcome.status not in RUNNING:
                break
            await self.rest(_SHORTEST_PAUSE_SECONDS)
        return outcome

    def _take_up(self) -> None:
        """Go on with the history: a redrive appends its events to it."""
        self._ended = False
        self.say("Redriven: going on.")

    async def _await_redrive(self, outcome: ExecutionDescription) -> str | None:
        """Look for a redrive as long as one may come.

        Return None once there is one, else why none can come; that is mostly empty.
        """
        while True:
            until = outcome.redrivable_until(self.clock.now())
            if until is None:
                break
            self.say(_REDRIVABLE_UNTIL.format(until), HealthState.WAITING)
            await self.rest(_REDRIVE_PAUSE)
            answer = await self._describe("was it redriven?")
            if answer.value != outcome:
                self._observe(RecordKind.DESCRIBE, answer)
            outcome = answer.value
            if outcome.is_redriving(self._redrives):
                self._take_up()
                return None
        reason = clean(text_of(outcome.redrive_status_reason) or "", 200)
        if not reason or outcome.status not in UNSUCCESSFUL:
            return ""
        return f"It can't be redriven: {reason}."


_HEADS = msgspec.json.Decoder(_Head)


def _head_of(data: bytes) -> _Head:
    """Read the needed part of an event; raises ValueError for anything else.

    Half of a surrogate pair, as in a truncated cause, must not hide the end.
    """
    try:
        head = _HEADS.decode(data)
    except msgspec.DecodeError:
        head = msgspec.convert(decode_object(data), _Head)
    head.data = data
    return head
