"""What Step Functions tells of executions: histories, what they start, who else ran.

GetExecutionHistory has no "since" parameter, and the last page of a running execution
carries no token: a follower that reads forward reads everything again each time. So it
is read forward once; from then on newest first, down to the last event held: a poll
costs what is new. After the end nothing more comes, but for one thing: a redrive
appends to the same history. Whoever follows that has it looked for once a minute, for
as long as it may come.

A history tells the ARN of each execution and Map Run that it starts; from then on those
are followed like any other, at the pace of RATES and only so deep and so many as was
asked for. No Map Run is looked for by ListMapRuns: the history has named it before. Its
executions may be ten thousand, and lists come 1000 at once: so counts are asked for
again and again, and a list only where the counts say that there is something new in it.
What went wrong comes first. When it has ended everything is listed once.

Others of a state machine make the same calls under the same role, so it matters whether
there were any: see `model/children.py`. ListExecutions tells. A machine is asked for
once it is known since when it is watched, and again a little after all that is watched
has ended: on most machines few enough executions end in between for the second lists to
reach back to the first. Nothing waits for the answers. What AWS refuses is left at
that, and so is what it does not answer in some tries; but after the end it is tried as
long as calls are awaited: a Region that is out comes back. Where it is not known who
else ran, that is said once.
"""

from collections.abc import AsyncGenerator, Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import asdict

from sfnwatch.model.arns import ExecutionArn, maybe_execution_arn
from sfnwatch.model.execution_list import RUNNING, UNSUCCESSFUL
from sfnwatch.model.history_event import MOST_EVENTS, REDRIVEN, TERMINAL
from sfnwatch.model.map_runs import (
    RUNNING_LISTED,
    ExecutionCounts,
    MapRun,
    MapRunChild,
    decode_children,
    decode_map_run,
)
from sfnwatch.model.other_executions import SETTLED
from sfnwatch.model.records import Received, RecordKind
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.values import (
    clean,
    decode_object,
    int_of,
    iso,
    maybe_time,
    parse_object,
    text_of,
)
from sfnwatch.sources.answers import AwsAnswer, CallsAws, Failure, Page, Text
from sfnwatch.sources.definition import Definition
from sfnwatch.sources.polling import FORBIDDEN, PollingSource, WatchContext
from sfnwatch.sources.rate_limits import Interval
from sfnwatch.sources.targets import Target

T = TypeVar("T")
_PAGE = 1000
"""The most that GetExecutionHistory and ListExecutions give at once; it is an upper
limit only."""


class _ExecutionsPage(Page):
    executions: list[Raw]


# -- histories -------------------------------------------------------------------------

_TAIL = 100
"""Newest events to ask for when polling; more pages follow if that is not enough."""
_LEAST, _MOST = 1.0, 5.0
"""Seconds between polls while events come, and at most. GetExecutionHistory refills
20 requests a second for the whole account."""
_CHILD_MOST = 15.0
"""The same of an execution that another one started: there may be many."""
_FOR_DEFINITION = timedelta(seconds=0.6)
"""How long, after the first reading, a definition that is under way is waited for."""
_LOOK = 0.1
"""Seconds between looks whether it has come."""
_DESCRIBE_TRIES = 5
"""DescribeExecution is eventually consistent: it may say RUNNING for a while yet."""
_SILENCE = timedelta(minutes=1)
"""After so long without an event it is asked whether it still runs."""
_SILENT_POLLS = 3
"""Polls in a row that bring no end which AWS has told of before none is awaited."""
_REDRIVE_PAUSE = 60.0
"""Seconds between looks for a redrive: DescribeExecution refills ten a second for the
whole account, and nobody redrives within the minute."""
_REDRIVABLE = timedelta(days=14)
"""So long after its end an execution may be redriven."""
_CAN_BE_REDRIVEN = (None, "REDRIVABLE", "REDRIVABLE_BY_MAP_RUN")
_PENDING = "PENDING_REDRIVE"
_DESCRIBED = "DescribeExecution tells"
_OUTCOME_NOT_KNOWN = "DescribeExecution has not been answered since it ended."
_GOES_ON = "It goes on; what started it is over, and did not wait."


class _HistoryPage(Page):
    events: list[Raw]


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
        """True where a redrive waits for its turn, or was begun beside those `known`.

        The answer is eventually consistent: RUNNING alone may be of old.
        """
        return self.status == _PENDING or self.redrives > known

    def redrivable_until(self, now: datetime) -> datetime | None:
        """Give until when it may be redriven; None if it may not, or no more."""
        possible = self.redrive_status in _CAN_BE_REDRIVEN
        if not possible or self.status not in UNSUCCESSFUL:
            return None
        until = min(maybe_time(self.stop_date) or now, now) + _REDRIVABLE
        return until if until > now else None


Join = Callable[[PollingSource], None]
"""Has a source run beside all that run."""


class History(PollingSource):
    """A source: reads an execution's history to its end."""

    def __init__(
        self, aws: CallsAws, context: WatchContext, target: Target, join: Join
    ) -> None:
        self._is_child = target.level > 0
        lane = "children" if self._is_child else "history"
        super().__init__(aws, context, lane, execution_arn=target.arn.arn)
        self.subject, self.region = target.arn.arn, target.arn.region
        self.always = {"executionArn": self.subject}
        self._target, self._join = target, join
        self._listed = self._is_child and target.arn.is_of_map_run
        """True for what a Map Run's list describes, and its parent defines."""
        self._held = 0
        """The id up to which every event has been handed over."""
        self._unreadable: set[bytes] = set()
        """Events without an id or a type, which were handed over as such."""
        self._ended = False
        self._redrives = 0
        """How many redrives the events held tell of."""
        self._described: Described | None = None
        """What AWS told of it last."""
        self._is_outdated = False
        """True where an event has come since: it may have been redriven."""
        self._described_at = self.clock.now()
        self._polls_after_end = 0
        """Polls in a row without an event, since AWS told that it is over."""

    @property
    def _is_unwanted(self) -> bool:
        """True for a child once nothing waits for it any more."""
        return self._is_child and self.targets.roots_finished

    @property
    def _is_drained(self) -> bool:
        """True once it is over, and nothing more is awaited of it."""
        stopped, options = self._target.stopped_at, self.context.options
        if stopped is None or options.follow_redrive:
            return False
        return self.clock.now() >= stopped + timedelta(seconds=options.drain)

    async def close(self) -> None:
        self._target.finish()

    def judge(self, failure: Failure) -> None:
        """Make a failure final that nobody can help with, or nothing waits for.

        Nor is any other waited for by the other lane: it may last.
        """
        if failure.state is HealthState.DENIED and self.bounded and not self._held:
            failure.state = HealthState.REFUSED
        if self._is_unwanted:
            self.give_up(failure)
        self._target.do_without_history()

    async def read(self) -> str:
        if not self._listed:
            self._observe(RecordKind.DESCRIBE, await self._describe())
            self._join(Definition(self._aws, self.context, self._target))
        # What there is by now, each page as it comes.
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
            if (why_not := await self._await_redrive(outcome)) is not None:
                return f"{self._unseen_end(outcome)} {why_not}".strip()
        return _GOES_ON

    def _say_unfinished(self) -> None:
        """Say that a reading had no end, or that a later one has."""
        if self.unfinished or "GetExecutionHistory" in self.health.message:
            self.say(self.unfinished)

    def _unseen_end(self, outcome: Described) -> str:
        """Say that its history lacks the end, where AWS tells of one."""
        if self._ended:
            return self.unfinished
        words = f"{_DESCRIBED} {clean(outcome.status, 40)}, and its history has no end."
        return f"{words} {self.unfinished}".rstrip()

    def _observe(self, kind: RecordKind, answer: AwsAnswer[T]) -> T:
        """Hand on an answer, and note what it tells of whose calls to look up."""
        received = self.received(kind, answer.body)
        self._target.observe(received)
        self.hand_on(received)
        return answer.value

    async def _describe(self, note: str = "") -> AwsAnswer[Described]:
        request = self.request("states:DescribeExecution", Described, note)
        answer = await self.ask(request)
        self._described = answer.value
        self._is_outdated = False
        self._described_at = self.clock.now()
        return answer

    async def _await_definition(self) -> None:
        """Wait for the definition, for a moment: what to look up is known by it."""
        until = self.clock.now() + _FOR_DEFINITION
        while not self._target.definition_settled and self.clock.now() < until:
            await self.clock.sleep(_LOOK)

    # -- reading -------------------------------------------------------------------

    async def _follow(self) -> bool:
        """Poll until it has ended; False if nothing waits for that any more.

        Where its history lacks the end that AWS tells of, it has ended as well.
        """
        interval = Interval(_LEAST, _CHILD_MOST if self._is_child else _MOST)
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
        """True once AWS tells that it is over, and some polls bring no event.

        Executions that others started are let go of with those.
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
        """True unless AWS tells that it has ended, and of no redrive since."""
        told = self._described
        if told is None or self._is_outdated or told.status in RUNNING:
            return True
        return told.is_redriving(self._redrives)

    async def _read_newest(self) -> bool:
        """Read newest first until an event that is held, then hand over what is new.

        Only then: with a gap below them the newest events are not yet held.
        """
        found: dict[int, _Head] = {}
        async for page in self._pages("newest events", _TAIL, newest_first=True):
            events = self._decoded(page.value.events)
            new = {event.id: event for event in events if event.id > self._held}
            found |= new
            if len(new) < len(events):
                break
        self._hold(found[key] for key in sorted(found))
        self._say_unfinished()
        return bool(found)

    def _pages(
        self, note: str, size: int, *, newest_first: bool = False
    ) -> AsyncGenerator[AwsAnswer[_HistoryPage], None]:
        asked = {"maxResults": size, "reverseOrder": newest_first}
        asked["includeExecutionData"] = True
        name = "states:GetExecutionHistory"
        request = self.request(name, _HistoryPage, note, **asked)
        return self.pages(request, ceiling=MOST_EVENTS, is_dense=True)

    def _decoded(self, page: Iterable[Raw]) -> list[_Head]:
        """Read a page's events, each once; what is no event is handed on as such."""
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
        now, arn, records = self.clock.now(), self.requests.execution_arn, []
        for event in events:
            self._held = max(self._held, event.id)
            if event.type in TERMINAL:
                self._ended = True
            elif event.type == REDRIVEN:
                self._ended, self._redrives = False, self._redrives + 1
            received = Received(now, RecordKind.HISTORY, arn, event.data)
            self._target.observe(received)
            records.append(received)
        self.hand_on(*records)

    # -- the end, and redrives -----------------------------------------------------

    async def _outcome(self) -> Described | None:
        """Ask how it ended until that agrees with the history, or long enough.

        Or until it is known to go on. None where AWS does not answer in time.
        """
        for _ in range(_DESCRIBE_TRIES):
            asking = self._describe("the outcome")
            answer = await self.while_awaited(asking, lambda: self._is_drained)
            if answer is None:
                return None
            told = self._observe(RecordKind.DESCRIBE, answer)
            if told.is_redriving(self._redrives) or told.status not in RUNNING:
                break
            await self.rest(_LEAST)
        return told

    def _take_up(self) -> None:
        """Go on with the history: what a redrive runs comes to be appended to it."""
        self._ended = False
        self.say("Redriven: going on.")

    async def _await_redrive(self, told: Described) -> str | None:
        """Look for a redrive as long as one may come; says why none can."""
        while (until := told.redrivable_until(self.clock.now())) is not None:
            words = "It is over, and watched for a redrive once a minute; that may come"
            self.say(f"{words} until {until:%Y-%m-%d %H:%M} UTC.", HealthState.WAITING)
            await self.rest(_REDRIVE_PAUSE)
            answer, before = await self._describe("was it redriven?"), told
            told = answer.value
            if told != before:
                self._observe(RecordKind.DESCRIBE, answer)
            if told.is_redriving(self._redrives):
                self._take_up()
                return None
        reason = clean(text_of(told.redrive_status_reason) or "", 200)
        is_of_use = reason and told.status in UNSUCCESSFUL
        return f"It can't be redriven: {reason}." if is_of_use else ""


_HEADS = msgspec.json.Decoder(_Head)


def _head_of(data: bytes) -> _Head:
    """Read what is needed of an event; raises ValueError for what is no event.

    Half of a surrogate pair, as in a cause that was cut, is no reason to miss the end.
    """
    try:
        head = _HEADS.decode(data)
    except msgspec.DecodeError:
        head = msgspec.convert(decode_object(data), _Head)
    head.data = data
    return head


# -- what they start -------------------------------------------------------------------

_MOST_FOLLOWED = 500
"""Executions followed at most: each keeps its history in memory, and asks."""
_MOST_PAGES = 20
"""Pages of one list at most: 20,000 executions."""
_COUNTED = (5.0, 30.0)
"""Seconds between counts while they change, and at most: DescribeMapRun refills one
request a second for the whole account."""


class _MapRunAnswer(Struct, rename="camel"):
    """What DescribeMapRun must tell."""

    map_run_arn: Text


class MapRunSource(PollingSource):
    """A source: follows a Map Run until it has ended and its executions are listed."""

    def __init__(self, children: "Children", parent: Target, map_run_arn: str) -> None:
        aws, context = children.aws, children.context
        super().__init__(aws, context, "children", "map-run", parent.arn.arn)
        self.subject, self.region = map_run_arn, parent.arn.region
        self.always = {"mapRunArn": map_run_arn}
        self._children, self.level = children, parent.level + 1
        self._counts = ExecutionCounts()
        """As of the last lists."""
        self.listed: set[str] = set()
        """The ARNs of its executions, as far as they were listed."""
        most = context.options.children.children
        self._left = {True: most, False: most}
        """How many more of those that failed, and of the others, are read."""

    def judge(self, failure: Failure) -> None:
        if self.targets.roots_finished or self.bounded:
            self.give_up(failure)

    async def read(self) -> str:
        interval, listed_all = Interval(*_COUNTED), False
        while True:
            run = await self._describe()
            if run.running:
                listed_all = False  # it may have been redriven
                news = await self._list_news(run.executions)
                self._counts = run.executions
                await self.rest(interval.after(news=news))
            elif listed_all:
                return ""
            else:
                # Counts and lists need not be of one moment: list all, and count again.
                await self._list(None)
                self._counts, listed_all = run.executions, True

    async def _describe(self) -> MapRun:
        name = "states:DescribeMapRun"
        answer = await self.ask(self.request(name, _MapRunAnswer, "how far it is"))
        received = self.received(RecordKind.MAP_RUN, answer.body)
        self.hand_on(received)
        return decode_map_run(received)

    async def _list_news(self, counts: ExecutionCounts) -> bool:
        """Ask for the lists that have something new in them, failures first."""
        if counts == self._counts:
            return False
        old, new = asdict(self._counts), asdict(counts)
        news = [word for word in UNSUCCESSFUL if new[word.lower()] > old[word.lower()]]
        news += ["RUNNING"] if counts.running else []
        for status in news:
            await self._list(status)
        return bool(news)

    async def _list(self, status: str | None) -> None:
        """Ask for the executions of a status, or for all; but few that run."""
        few = status == "RUNNING"
        most = 1 if few else _MOST_PAGES
        asked = {"statusFilter": status, "maxResults": RUNNING_LISTED if few else _PAGE}
        name, note = "states:ListExecutions", f"{(status or 'all').lower()} executions"
        request = self.request(name, _ExecutionsPage, note, **asked)
        async for page in self.pages(request, most=most, is_dense=True):
            received = self.received(RecordKind.CHILDREN, page.body)
            self._choose(decode_children(received))
            self.hand_on(received)
        if self.unfinished:
            self.say(self.unfinished)

    def _choose(self, children: Iterable[MapRunChild]) -> None:
        """Follow the first few of what was listed: so many that failed, so many not."""
        for child in sorted(children, key=lambda child: child.failed_first):
            arn, failed = child.listed.arn, child.listed.failed
            self.listed.add(arn)
            if self._left[failed] and arn not in self._children.followed:
                self._left[failed] -= 1
                self._children.follow(arn, self.level)


class Children:
    """Has followed what targets start."""

    def __init__(self, aws: CallsAws, context: WatchContext, join: Join) -> None:
        self.aws, self.context, self._join = aws, context, join
        self._over = False
        self.followed = {root.arn.arn for root in context.targets.roots}
        self._map_runs: dict[str, MapRunSource] = {}
        context.targets.on_started = self._started

    def close(self) -> None:
        """Follow nothing more: every source has ended."""
        self._over = True

    def _started(self, parent: Target, arn: str) -> None:
        if parent.level >= self.context.options.children.depth:
            return
        if ":mapRun:" not in arn:
            self.follow(arn, parent.level + 1)
        elif arn not in self._map_runs and not self._over:
            self._map_runs[arn] = MapRunSource(self, parent, arn)
            self._join(self._map_runs[arn])

    def follow_listed(self, arn: str) -> bool:
        """Read an execution of a Map Run in full; True if it is, or will be."""
        run = next((r for r in self._map_runs.values() if arn in r.listed), None)
        return arn in self.followed if run is None else self.follow(arn, run.level)

    def follow(self, arn: str, level: int) -> bool:
        """Have an execution followed, so many levels down; True if it is by now."""
        parsed = maybe_execution_arn(arn)
        if parsed is None or parsed.is_express or arn in self.followed:
            # AWS keeps no history of Express executions: their log may not be read.
            return arn in self.followed
        if len(self.followed) >= _MOST_FOLLOWED or self._over:
            return False
        self.followed.add(arn)
        target = self.context.targets.add(parsed, level)
        self._join(History(self.aws, self.context, target, self._join))
        return True


# -- who else ran ----------------------------------------------------------------------

_OTHERS, _PAGES = 100, 5
"""Executions of a page, and pages of a list at most: the quota is as low as 2 requests
a second for the whole account."""
_LATER = 3 * SETTLED
"""So long after the end it is asked: a call may follow the end, and all is known up to
a while before the asking only."""
_TRIES, _AGAIN = 3, timedelta(seconds=20)
"""How often a machine is asked for in vain at least, and the time after the first;
after the second it is twice as long, and so on."""
_LAST_LOOK = 0.25
"""Seconds between looks whether all has ended, once no calls are awaited."""
_UNANSWERED = "ListExecutions has not been answered in time."
_NOT_KNOWN = "Whether others ran at the time is not known."


class _AskedMachine(Struct):
    """A state machine whose executions are asked for."""

    execution: ExecutionArn
    """One of its executions."""
    started_at: datetime
    """When the first of those that are watched was started."""
    since: datetime
    """So far back its lists are to reach."""
    due_at: datetime | None
    """When it is to be asked for; None where that has been done."""
    failures: int = 0
    """How often in vain, since it was due."""
    trouble: str = ""
    """Why the last asking brought nothing."""


class OtherExecutions(PollingSource):
    """A source: asks who else runs, or ran, on the machines of what is watched."""

    def __init__(self, aws: CallsAws, context: WatchContext) -> None:
        super().__init__(aws, context, "others", execution_arn=context.targets.only)
        self._later = min(timedelta(seconds=context.options.drain), _LATER)
        self._machines: dict[str, _AskedMachine] = {}
        self._over_at: datetime | None = None
        """When all that is watched had ended; None while one runs."""
        self._is_last = False
        """True once no more calls are awaited."""

    def end_drain(self) -> None:
        """Ask for the last time as soon as all has ended."""
        self._later, self._is_last = timedelta(0), True
        for machine in self._awaited:
            machine.due_at = self.clock.now()

    @property
    def _awaited(self) -> list[_AskedMachine]:
        return [each for each in self._machines.values() if each.due_at]

    async def read(self) -> str:
        await self.targets.known.wait()
        await self.while_awaited(self._ask(), lambda: self._is_unwanted)
        for machine in self._awaited:
            machine.trouble = machine.trouble or _UNANSWERED
        return self._last_words()

    @property
    def _is_unwanted(self) -> bool:
        """True once all histories have ended, and no calls are awaited."""
        return self._is_last and self.targets.finished

    async def _ask(self) -> None:
        """Ask for each machine when it is due, until all has ended."""
        while True:
            self._look()
            for machine in self._awaited:
                if machine.due_at and machine.due_at <= self.clock.now():
                    await self._ask_for(machine)
            if self.targets.finished and not self._awaited:
                return
            await self.rest(_LAST_LOOK if self._is_last else _LEAST)

    def _look(self) -> None:
        """Note which machines are watched, and when they are to be asked for.

        That is as soon as one is known, or known to have begun earlier, and once more
        after all has ended.
        """
        targets, now = self.targets, self.clock.now()
        over_at = targets.stopped_at
        if over_at is None and targets.finished:
            over_at = self._over_at or now  # an end that will never be seen
        due_at = over_at + self._later if over_at else now
        for target in targets.each:
            name, began = target.arn.state_machine_arn, target.started_at
            if began is None or target.arn.is_express or target.arn.is_of_map_run:
                continue  # no list has an Express one, and a Map Run's its own
            known = self._machines.get(name)
            if known is None or began < known.started_at:
                new = _AskedMachine(target.arn, began, since=began, due_at=due_at)
                self._machines[name] = new
        if over_at != self._over_at:
            self._over_at = over_at
            for machine in self._machines.values() if over_at else ():
                machine.due_at = due_at

    def _last_words(self) -> str:
        troubles = [m.trouble for m in self._machines.values() if m.trouble]
        return f"{_NOT_KNOWN} {troubles[0]}" if troubles else ""

    async def _ask_for(self, machine: _AskedMachine) -> None:
        """Ask for a machine's executions, and hand them on if AWS has answered all."""
        asked_at, arn = self.clock.now(), machine.execution
        self.subject, self.region = arn.state_machine_name, arn.region
        self.always = {"stateMachineArn": arn.state_machine_arn, "maxResults": _OTHERS}
        try:
            # In this order: what ends after the first list is in the second.
            running, all_running = await self._list(machine.since, "RUNNING")
            newest, all_newest = await self._list(machine.since)
        except Failure as failure:
            self._note_failure(machine, failure)
            return
        record = {
            "machine_arn": arn.state_machine_arn,
            "asked_at": iso(asked_at),
            "running": running,
            "running_complete": all_running,
            "newest": newest,
            "newest_complete": all_newest,
        }
        data = msgspec.json.encode(record)
        self.hand_on(self.received(RecordKind.MACHINE_EXECUTIONS, data))
        # The next lists need only reach back to these.
        machine.since, machine.due_at = asked_at - SETTLED, None
        machine.failures, machine.trouble = 0, ""

    def _note_failure(self, machine: _AskedMachine, failure: Failure) -> None:
        machine.failures, machine.trouble = machine.failures + 1, failure.message
        machine.due_at = self.clock.now() + _AGAIN * machine.failures
        is_awaited = self._over_at is not None and not self._is_last
        tried = machine.failures >= _TRIES and not is_awaited
        if failure.state in FORBIDDEN or tried or self._is_unwanted:
            machine.due_at, machine.failures = None, 0

    async def _list(
        self, since: datetime, status: str | None = None
    ) -> tuple[list[Raw], bool]:
        """Read a list back to a time; with it, whether that is all of it.

        Raises Failure.
        """
        found, token = list[Raw](), None
        asked = {"statusFilter": status}
        note = f"{(status or 'newest').lower()} executions"
        request = self.request("states:ListExecutions", _ExecutionsPage, note, **asked)
        any_state = frozenset(HealthState)
        async for page in self.pages(
            request, most=_PAGES, is_dense=True, tolerated=any_state
        ):
            found += page.value.executions
            token = page.value.next_token
            last = (parse_object(bytes(each)) for each in found[-_OTHERS:])
            stops = (maybe_time(each.get("stopDate")) for each in last)
            if any(at and at < since for at in stops):
                break
        return found, not token
