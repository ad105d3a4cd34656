"""The history of one execution, from GetExecutionHistory.

There is no "since" parameter, and the last page of a running execution carries no
token: a follower that reads forward reads everything again each time. So it is read
forward once; from then on newest first, down to the last event held: a poll costs
what is new.

After the end nothing more comes, but for one thing: a redrive appends to the same
history. Whoever follows that has it looked for once a minute, for as long as it may
come.
"""

from collections.abc import AsyncGenerator, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from sfnwatch.model.children import RUNNING, UNSUCCESSFUL
from sfnwatch.model.history import MOST_EVENTS, REDRIVEN, TERMINAL
from sfnwatch.model.records import HealthState, RecordKind
from sfnwatch.model.values import clean, int_of, maybe_time
from sfnwatch.sources.answers import AwsAnswer, CallsAws, Failure, ListPage, Text
from sfnwatch.sources.polling import FORBIDDEN, Interval, PollingSource, WatchContext
from sfnwatch.sources.targets import Target

T = TypeVar("T")
_PAGE = 1000
"""The most AWS gives at once; it is an upper limit only."""
_TAIL = 100
"""Newest events to ask for when polling; more pages follow if that is not enough."""
_LEAST, _MOST = 1.0, 5.0
"""Seconds between polls while events come, and at most. GetExecutionHistory refills
20 requests a second for the whole account."""
_CHILD_MOST = 15.0
"""The same of an execution that another one started: there may be many."""
_DESCRIBE_TRIES = 5
"""DescribeExecution is eventually consistent: it may say RUNNING for a while yet."""
_REDRIVE_PAUSE = 60.0
"""Seconds between looks for a redrive: DescribeExecution refills ten a second for the
whole account, and nobody redrives within the minute."""
_REDRIVABLE = timedelta(days=14)
"""So long after its end an execution may be redriven."""
_CAN_BE_REDRIVEN = (None, "REDRIVABLE", "REDRIVABLE_BY_MAP_RUN")
_PENDING = "PENDING_REDRIVE"
_GOES_ON = "It goes on; what started it is over, and did not wait."


class _HistoryPage(ListPage):
    events: list[Raw]


class _Defined(Struct, rename="camel"):
    """What DescribeStateMachineForExecution must tell."""

    state_machine_arn: Text
    definition: Text


class _Head(Struct):
    """What is read of an event here; the rest is decoded where it is shown."""

    id: int
    type: str
    data: bytes = b""
    """The whole event, as it came."""


class Described(Struct, rename="camel"):
    """An answer of DescribeExecution, and what it tells of a redrive."""

    execution_arn: Text
    status: Text
    stop_date: Any = None
    redrive_count: Any = None
    redrive_status: Any = None
    redrive_status_reason: Any = None

    @property
    def redrives(self) -> int:
        """How often it was redriven, as far as the answer says."""
        return int_of(self.redrive_count) or 0

    def is_redriving(self, known: int) -> bool:
        """True where a redrive has begun, or waits for its turn; `known` are over.

        The answer is eventually consistent: RUNNING alone may be of old.
        """
        running = self.status == "RUNNING" and self.redrives > known
        return self.status == _PENDING or running

    def redrivable_until(self, now: datetime) -> datetime | None:
        """Give until when it may be redriven; None if it may not, or no more."""
        possible = self.redrive_status in _CAN_BE_REDRIVEN
        if not possible or self.status not in UNSUCCESSFUL:
            return None
        until = min(maybe_time(self.stop_date) or now, now) + _REDRIVABLE
        return until if until > now else None

    @property
    def why_not(self) -> str:
        """Say why it can't be redriven, in AWS's words; nothing where no need is."""
        reason = self.redrive_status_reason
        if self.status not in UNSUCCESSFUL or not isinstance(reason, str):
            return ""
        return f"It can't be redriven: {clean(reason, 200)}."


class History(PollingSource):
    """A source: reads an execution's history to its end."""

    def __init__(
        self,
        aws: CallsAws,
        context: WatchContext,
        target: Target,
        *,
        listed: bool = False,
    ) -> None:
        """Make a source.

        What is `listed` of a Map Run is described by its list, and defined by its
        parent.
        """
        self._is_child = target.level > 0
        lane = "children" if self._is_child else "history"
        super().__init__(aws, context, lane, execution_arn=target.arn.arn)
        self.subject, self.region = target.arn.arn, target.arn.region
        self.always = {"executionArn": self.subject}
        self._target, self._listed = target, listed
        self._held = 0
        """The id up to which every event has been handed over."""
        self._unreadable: set[bytes] = set()
        """Events without an id or a type, which were handed over as such."""
        self._ended = False
        self._redrives = 0
        """How many redrives the events held tell of."""

    @property
    def _is_unwanted(self) -> bool:
        """True for a child once nothing waits for it any more."""
        return self._is_child and self.targets.roots_finished

    async def close(self) -> None:
        self._target.finish()

    def judge(self, failure: Failure) -> None:
        """Make a failure final that nobody can help with, or nothing waits for."""
        if failure.state is HealthState.DENIED and self.bounded and not self._held:
            failure.state = HealthState.REFUSED
        if self._is_unwanted:
            self.give_up(failure)

    async def read(self) -> str:
        if not self._listed:
            self._observe(RecordKind.DESCRIBE, await self._describe())
            await self._define()
        await self._read_forward()
        self._target.set_ready()
        while not (self._ended and self._listed):
            if not await self._follow():
                return _GOES_ON
            outcome = None if self._listed else await self._outcome()
            if outcome is None:
                continue
            follow = self.context.follow_redrive and not self._is_child
            why_not = await self._await_redrive(outcome) if follow else ""
            if why_not is not None:
                return why_not
        return ""

    def _observe(self, kind: RecordKind, answer: AwsAnswer[T]) -> T:
        """Hand on an answer, and note what it tells of whose calls to look up."""
        received = self.received(kind, answer.body)
        self._target.observe(received)
        self.hand_on(received)
        return answer.value

    async def _describe(self, note: str = "") -> AwsAnswer[Described]:
        request = self.request("states:DescribeExecution", Described, note)
        return await self.ask(request)

    async def _define(self) -> None:
        """Read the definition; the history is worth reading without it."""
        name = "states:DescribeStateMachineForExecution"
        try:
            answer = await self.ask(self.request(name, _Defined), FORBIDDEN)
        except Failure as failure:
            self.say(failure.message)
            return
        self._observe(RecordKind.DEFINITION, answer)
        # The services, the role and the start are known: the other lane can begin.
        self._target.set_ready()

    # -- reading -------------------------------------------------------------------

    async def _read_forward(self) -> None:
        """Read what there is by now, each page as it comes."""
        async for page in self._pages("first reading", _PAGE):
            events = self._decoded(page.value.events)
            self._hold(event for event in events if event.id > self._held)

    async def _follow(self) -> bool:
        """Poll until it has ended; False if nothing waits for that any more.

        After the last event comes one more look.
        """
        interval = Interval(_LEAST, _CHILD_MOST if self._is_child else _MOST)
        while True:
            known_to_be_over = self._ended
            news = await self._read_newest()
            if self._ended:
                if known_to_be_over or self._listed:
                    return True
            elif self._is_unwanted:
                return False
            else:
                await self.rest(interval.after(news=news))

    async def _read_newest(self) -> bool:
        """Read newest first until an event that is held, then hand over what is new.

        Only then: with a gap below them the newest events are not yet held.
        """
        note = "one more look after the end" if self._ended else "newest events"
        found: dict[int, _Head] = {}
        async for page in self._pages(note, _TAIL, newest_first=True):
            events = self._decoded(page.value.events)
            new = {event.id: event for event in events if event.id > self._held}
            found |= new
            if len(new) < len(events):
                break
        self._hold(found[key] for key in sorted(found))
        return bool(found)

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
        return self.pages(request, ceiling=MOST_EVENTS)

    def _decoded(self, page: Iterable[Raw]) -> list[_Head]:
        """Read a page's events, each once; what is no event is handed on as such."""
        events: dict[int, _Head] = {}
        for data in map(bytes, page):
            try:
                head = _decode_head(data)
                head.data = data
                events[head.id] = head
            except msgspec.DecodeError:
                if data not in self._unreadable:
                    self._unreadable.add(data)
                    self.hand_on(self.received(RecordKind.UNREAD, data))
        return list(events.values())

    def _hold(self, events: Iterable[_Head]) -> None:
        """Take events in, in the order of their ids, and hand them on."""
        records = []
        for event in events:
            self._held = max(self._held, event.id)
            if event.type in TERMINAL:
                self._ended = True
            elif event.type == REDRIVEN:
                self._ended, self._redrives = False, self._redrives + 1
            received = self.received(RecordKind.HISTORY, event.data)
            if Target.notes(event.type):
                self._target.observe(received)
            records.append(received)
        self.hand_on(*records)

    # -- the end, and redrives -----------------------------------------------------

    async def _outcome(self) -> Described | None:
        """Ask how it ended until that agrees with the history, or long enough.

        Gives None where it goes on.
        """
        for _ in range(_DESCRIBE_TRIES):
            answer = await self._describe("the outcome")
            told = self._observe(RecordKind.DESCRIBE, answer)
            if told.is_redriving(self._redrives):
                self._take_up(told)
                return None
            behind = told.redrives > self._redrives
            if told.status not in RUNNING and not behind:
                break
            await self.rest(_LEAST)
            if behind:
                # It was redriven and has ended again: the history does not say so yet.
                await self._read_newest()
                if not self._ended:
                    return None
        return told

    def _take_up(self, told: Described) -> None:
        """Go on with the history: what a redrive runs is appended to it."""
        self._ended = False
        waits = told.status == _PENDING
        self.say("A redrive waits for its turn." if waits else "Redriven: going on.")

    async def _await_redrive(self, told: Described) -> str | None:
        """Look for a redrive as long as one may come; says why none can."""
        while (until := told.redrivable_until(self.clock.now())) is not None:
            self.say(
                "It is over, and watched for a redrive once a minute; that may come"
                f" until {until:%Y-%m-%d %H:%M} UTC.",
                HealthState.WAITING,
            )
            await self.rest(_REDRIVE_PAUSE)
            answer, before = await self._describe("was it redriven?"), told
            told = answer.value
            if told != before:
                self._observe(RecordKind.DESCRIBE, answer)
            if told.is_redriving(self._redrives) or told.redrives > self._redrives:
                self._take_up(told)
                return None
        return told.why_not


_decode_head = msgspec.json.Decoder(_Head).decode
