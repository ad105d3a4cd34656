"""Finding executions: the newest of a state machine, the next one, those of a Map Run.

ListExecutions has what runs at its start and what has ended at its end, newest first,
and is eventually consistent: so it is documented. Whether the two kinds are merged, or
what runs comes before the rest, is not, and nothing here relies on either. Its quota is
as low as 2 a second for an account, shared with everybody: no more than half of that is
taken, after a burst of a fifth of the bucket.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from sfnwatch.clock import Clock, ServerClock
from sfnwatch.errors import RefusedError, SfnwatchError, UsageError
from sfnwatch.model.arns import (
    ExecutionArn,
    MachineName,
    MapRunArn,
    Named,
    StateMachineArn,
    parse_execution_arn,
)
from sfnwatch.model.execution_list import (
    UNSUCCESSFUL,
    LeftOut,
    ListedBy,
    ListedExecution,
    ListFilter,
    Listing,
    decode_listed,
    newest,
)
from sfnwatch.model.records import Batch, Received, RecordKind
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.texts import clean
from sfnwatch.model.times import iso
from sfnwatch.sources.answers import CallsAws, Failure, Page, Text, Verdict
from sfnwatch.sources.aws_client import AwsClient
from sfnwatch.sources.aws_settings import AwsSettings, check_profile, region_of
from sfnwatch.sources.permissions import Feature
from sfnwatch.sources.polling import GaveUpError, Pages, PollingSource, WatchContext
from sfnwatch.sources.rate_limits import Interval, RateLimitedAws
from sfnwatch.sources.targets import Targets

_TRIES = 5
_USUAL_PAGE = 100
"""Executions that are asked for by default."""
_LARGEST_PAGE = 1000
"""Executions that a page can hold."""
_FEW = 25
"""Executions of each state machine, where those of all are listed."""
_DEEP = 5
"""Pages read at most to find the newest start: with more running at once than they
hold, it may still be missed. After as many a long list goes on only if it is wanted."""
_MOST_REFUSED = 4
"""State machines that can't be asked, after which no other is if none has answered."""
_BUDGET = 60
"""Requests after which the list of all state machines goes on only if it is wanted."""
_SHORTEST_PAUSE_SECONDS = 2.0
"""Seconds between looks for the next execution at first."""
_LONGEST_PAUSE_SECONDS = 5.0
"""Seconds between those looks at most."""
_TOLERANCE = timedelta(seconds=3)
"""How far a clock that heeds AWS's may be from it."""
_SLOWEST = timedelta(seconds=10)
"""No first answer is believed to take longer."""
_NEAR = 5
_LIMIT = 200
_NO_MAP_RUN = "ResourceNotFound"
"""What AWS answers where there is no such Map Run."""
_EXPRESS = (
    "an Express state machine: AWS lists no executions of those. Give the ARN of one,"
    " arn:aws:states:REGION:ACCOUNT:express:STATE_MACHINE:NAME:ID."
)

TellTrouble = Callable[[str], None]
"""Takes what a person should know meanwhile, a line at a time."""


class Machine(Struct, frozen=True, rename={"arn": "stateMachineArn", "kind": "type"}):
    """A state machine, as ListStateMachines has it."""

    arn: Text
    name: Text
    kind: str = "STANDARD"

    @property
    def express(self) -> bool:
        return self.kind == "EXPRESS"

    def refuse_express(self) -> None:
        """Raise RefusedError for one whose executions AWS does not list."""
        if self.express:
            raise RefusedError(f"{clean(self.name, _LIMIT)} is {_EXPRESS}")


class _MachinePage(Page):
    state_machines: list[Machine]


class _ExecutionPage(Page):
    executions: list[dict[str, Any]]

    @property
    def decoded(self) -> tuple[ListedExecution, ...]:
        found = map(decode_listed, self.executions)
        return tuple(each for each in found if each is not None)


_Listed = tuple[tuple[ListedExecution, ...], bool]
"""The executions of a page, and whether more follow."""


class _MapRunHead(Struct, rename="camel"):
    map_run_arn: Text


class _MapRunPage(Page):
    map_runs: list[_MapRunHead]


def _called(arn: str) -> str:
    """Name a state machine or a Map Run by the end of its ARN."""
    return clean(":".join(arn.split(":")[6:]) or arn, _LIMIT)


class Discovery(PollingSource):
    """Finds executions in one Region of an account; raises RefusedError.

    It asks for one thing after the other, and again while that may help.
    """

    verdicts = (Verdict("StateMachineTypeNotSupported", f"It is {_EXPRESS}"),)

    def __init__(
        self, aws: CallsAws, clock: Clock, region: str, only: ListFilter | None = None
    ) -> None:
        """Make one; its lists have what the filter lets through."""
        context = WatchContext(Targets(()), clock)
        super().__init__(RateLimitedAws(aws, clock), context, "discovery")
        self.region = region
        self._only = only or ListFilter()
        self._asked: list[Received] = []
        self._consume = self._take
        self._teller: TellTrouble | None = None
        """Is told of trouble after an answer, which is waited out; None: it is not."""

    def take_requests(self) -> Batch:
        """Hand over what was asked since the last time, for a recording."""
        asked = self._asked
        self._asked = []
        return (*asked, *self.requests.take())

    def _take(self, batch: Batch) -> None:
        for each in batch:
            if each.kind == RecordKind.REQUEST:
                self._asked.append(each)
            elif self._teller is not None and each.record.get("retry_in"):
                # What ends it is raised.
                self._teller(str(each.record.get("message")))

    def judge(self, failure: Failure) -> None:
        hopeless = self._teller is None and self.failures >= _TRIES
        final = failure.state is HealthState.DENIED or failure.code == _NO_MAP_RUN
        if hopeless or final:
            failure.state = HealthState.REFUSED

    async def wait_out(self, failure: Failure) -> None:
        """Rest before another try; raises RefusedError where there is none."""
        try:
            await super().wait_out(failure)
        except GaveUpError:
            self.failures = 0  # of the next thing that is asked for
            raise RefusedError(failure.message) from failure

    def _machines(self, size: int, note: str) -> Pages[_MachinePage]:
        self.subject = self.region
        operation = "states:ListStateMachines"
        return self.pages(self.request(operation, _MachinePage, note, maxResults=size))

    async def _executions(
        self, arn: str, size: int, status: str | None = None, most: int | None = None
    ) -> AsyncGenerator[_Listed, None]:
        """Yield those of a state machine, or of a Map Run, that are wanted by time."""
        of = "mapRunArn" if ":mapRun:" in arn else "stateMachineArn"
        asked = {of: arn, "maxResults": size, "statusFilter": status}
        note = f"{status.lower()} executions" if status else "newest executions"
        self.subject = _called(arn)
        request = self.request("states:ListExecutions", _ExecutionPage, note, **asked)
        async for page in self.pages(request, most=most):
            found = page.value.decoded
            more = bool(page.value.next_token)
            # AWS's time is known by its answer.
            since = self._only.begin(self.clock.now())
            if since is not None:
                more = more and not _is_past(found, since, status)
                found = tuple(each for each in found if _is_after(each, since))
            yield found, more
            if not more:
                break

    async def arn_of(self, named: MachineName | MapRunArn | StateMachineArn) -> str:
        """Give the ARN of what is named, if it is one whose executions are listed.

        A state machine's name that there is not is refused with those alike.
        """
        if not isinstance(named, MachineName):
            return named.arn
        name = named.name
        known = list[str]()
        async for page in self._machines(
            _LARGEST_PAGE, f"the machine {clean(name, _LIMIT)}"
        ):
            for machine in page.value.state_machines:
                if machine.name == name:
                    machine.refuse_express()
                    return machine.arn
                known.append(machine.name)
        raise _unknown(name, known, self.region)

    async def latest(self, machine_arn: str) -> ListedExecution:
        """Find the execution that was started last, whether it runs or has ended."""
        found = newest(await self._started_since(machine_arn, None))
        if found is None:
            msg = f"{_called(machine_arn)} has no executions; AWS lists them for 90"
            hint = "sfnwatch watch --next waits for the next one."
            raise RefusedError(f"{msg} days after their end.", hint=hint)
        return found

    async def next_start(
        self, machine_arn: str, tell: TellTrouble | None = None
    ) -> ListedExecution:
        """Wait for an execution that starts from now on.

        Of several it is the one that started first. Trouble that may pass is waited
        out once AWS has answered at all, and `tell` is told of it.
        """
        interval = Interval(_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
        self._teller = tell or (lambda _: None)
        self._answered = False  # this list
        asked_at = self.clock.now()
        bound = asked_at - _TOLERANCE
        before: frozenset[str] | None = None
        while True:
            found = await self._started_since(machine_arn, bound)
            if before is None:
                begin = self._put_right(asked_at)
                bound = begin - _TOLERANCE
                before = frozenset(e.arn for e in found if not _is_after(e, begin))
            later = [e for e in found if e.arn not in before and _is_after(e, bound)]
            if later:
                return max(later, key=lambda each: each.running_first[1])
            await self.clock.sleep(interval.after(news=False))

    def _put_right(self, asked_at: datetime) -> datetime:
        """Give the time at which something was asked, now that AWS's own is known.

        It is only an answer that tells of it. If the clock was put forward by that, it
        looks as if the answer had taken long, and nothing takes very long.
        """
        now = self.clock.now()
        took = max(timedelta(0), now - asked_at)
        return now - min(took, _SLOWEST)

    async def _started_since(
        self, machine_arn: str, since: datetime | None
    ) -> list[ListedExecution]:
        """Read a list until nothing that follows can have started after `since`.

        Without it: after the newest that was found. What has ended stands at its end,
        which is no earlier than its start.
        """
        found: list[ListedExecution] = []
        async for listed, _ in self._executions(machine_arn, _USUAL_PAGE, most=_DEEP):
            found += listed
            best = newest(found)
            bound = since or (best and best.started_at)
            if bound and _is_past([e for e in listed if not e.running], bound, None):
                break
        return found

    async def list_named(self, named: Named) -> AsyncGenerator[Listing, None]:
        """List the executions of a state machine or a Map Run.

        Of an execution those are the children of its Map Runs, one after the other.
        """
        by = ListedBy.MAP_RUN
        match named:
            case ExecutionArn():
                arns = await self._map_runs(named.arn)
            case MapRunArn():
                arns = [named.arn]
            case MachineName() | StateMachineArn():
                arns = [await self.arn_of(named)]
                by = ListedBy.MACHINE
        asked = 0
        listing = Listing(known=len(arns), by=by)
        yield listing
        for place, arn in enumerate(arns, 1):
            async for listed, has_more in self._of_one(arn):
                asked += 1
                more = has_more or place < len(arns)
                spent = more and asked % _DEEP == 0
                yield replace(listing, executions=listed, asked=place, spent=spent)

    async def _map_runs(self, execution_arn: str) -> list[str]:
        """Ask for all of an execution's Map Runs."""
        self.subject = _called(execution_arn)
        asked: dict[str, Any] = {
            "executionArn": execution_arn,
            "maxResults": _LARGEST_PAGE,
        }
        operation = "states:ListMapRuns"
        note = "its Map Runs"
        pages = self.pages(self.request(operation, _MapRunPage, note, **asked))
        return [run.map_run_arn async for page in pages for run in page.value.map_runs]

    async def _of_one(self, arn: str) -> AsyncGenerator[_Listed, None]:
        """Give the pages of a machine or a Map Run that the filter lets through.

        A Map Run may have millions of children, few of which failed, and the list has
        them in the order of their ends. Where there are several pages, what did not
        succeed is asked for by itself after the first: it may stand on the last.
        """
        is_map_run = ":mapRun:" in arn
        size = _LARGEST_PAGE if is_map_run else _USUAL_PAGE
        left = list(UNSUCCESSFUL) if is_map_run and self._only == ListFilter() else []
        statuses = self._only.statuses or (None,)
        for status in statuses:
            async for listed, more in self._executions(arn, size, status):
                yield listed, more or status != statuses[-1]
                while more and left:
                    failures = self._executions(arn, size, left.pop(0), most=1)
                    async for failed, _ in failures:
                        yield failed, True

    async def list_recent(self) -> AsyncGenerator[Listing, None]:
        """List the newest executions of all state machines, one after the other.

        A machine that can't be asked is left out, with words; if the first ones are all
        refused, so is the rest, and RefusedError is raised.
        """
        listing = Listing()
        cost = 0
        refusals = 0
        answered = False
        async for page in self._machines(_USUAL_PAGE, "state machines"):
            machines = page.value.state_machines
            more = bool(page.value.next_token)
            listing = replace(listing, known=listing.known + len(machines), more=more)
            yield listing
            for machine in machines:
                found = dict[str, ListedExecution]()
                left_out = list[LeftOut]()
                try:
                    async for listed in self._newest(machine):
                        found |= {each.arn: each for each in listed}
                        cost += 1
                        answered = True
                except RefusedError as refused:
                    refusals += not machine.express
                    if refusals >= _MOST_REFUSED and not answered:
                        raise
                    why = str(refused)
                    left_out.append(LeftOut(machine.name, why, machine.express))
                listing = replace(listing, asked=listing.asked + 1)
                spent = cost >= _BUDGET and (more or listing.asked < listing.known)
                told = replace(listing, left_out=tuple(left_out), spent=spent)
                yield replace(told, executions=tuple(found.values()))
                cost %= _BUDGET

    async def _newest(
        self, machine: Machine
    ) -> AsyncGenerator[tuple[ListedExecution, ...], None]:
        """Give a machine's newest executions, and those that run; raises RefusedError.

        One that has run for long stands far down the list, at its start. Of a time
        that is asked for it is all, as far as a few pages have it.
        """
        machine.refuse_express()
        statuses = self._only.statuses
        size, most = (_FEW, 1) if self._only.since is None else (_USUAL_PAGE, _DEEP)
        for status in statuses or (None, "RUNNING"):
            is_whole = False
            async for listed, more in self._executions(machine.arn, size, status, most):
                yield listed
                is_whole = not more
            if is_whole and not statuses:
                break


def _unknown(name: str, known: Sequence[str], region: str) -> RefusedError:
    """Say that there is no such machine, and which ones have a name like it."""
    msg = f"There is no state machine named {clean(name, _LIMIT)!r} in"
    hint = "Choose another --region or --profile, or give its ARN."
    if alike := get_close_matches(name, known, n=_NEAR):
        hint = f"Did you mean {', '.join(map(clean, alike))}?"
    return RefusedError(f"{msg} {clean(region)}, which has {len(known)}.", hint=hint)


def _is_past(
    listed: Sequence[ListedExecution], since: datetime, status: str | None
) -> bool:
    """True where nothing that follows in a list can have been started since.

    What has ended stands at its end, which is no earlier than its start; what runs, at
    its start: among others it may stand anywhere.
    """
    running = status == "RUNNING"
    times = ((e.started_at if running else e.stopped_at) for e in listed)
    return any(at is not None and at < since for at in times)


def _is_after(execution: ListedExecution, moment: datetime) -> bool:
    return execution.started_at is not None and execution.started_at > moment


# -- from what was named to executions ---------------------------------------------


class Search(Struct, eq=False):
    """Looks for executions, with somebody's settings."""

    settings: AwsSettings
    clock: ServerClock = field(default_factory=ServerClock)
    asked: list[Received] = []
    """The requests that it took, for the recording and for the request log."""

    @asynccontextmanager
    async def _discovery(
        self, named: Named | None, only: ListFilter | None = None
    ) -> AsyncIterator[Discovery]:
        """Look where what is named is, or all; raises SfnwatchError."""
        settings = self.settings
        region = region_of(settings, named)
        check_profile(settings)
        async with AwsClient(settings, self.clock.heed, [Feature.START]) as aws:
            discovery = Discovery(aws, self.clock, region, only=only)
            try:
                yield discovery
            finally:
                self.asked += discovery.take_requests()

    async def list_executions(
        self, named: Named | None, only: ListFilter | None = None
    ) -> AsyncGenerator[Listing, None]:
        """List the executions of what is named, or the newest of all state machines.

        Raises SfnwatchError.
        """
        async with self._discovery(named, only) as discovery:
            listings = discovery.list_named(named) if named else discovery.list_recent()
            async with aclosing(listings):
                async for listing in listings:
                    yield listing

    async def find(
        self, named: Sequence[Named], tell: TellTrouble, *, coming: bool = False
    ) -> list[ExecutionArn]:
        """Find an execution for all that was named, each once; raises SfnwatchError.

        That of a state machine, or of a Map Run, is the one that was started last; or,
        if it is `coming`, the next one to start.
        """
        for each in named:
            if coming and isinstance(each, ExecutionArn | MapRunArn):
                started = clean(each.name, _LIMIT)
                msg = "--next waits for an execution to start, and"
                hint = "Give the ARN or the name of a state machine."
                raise UsageError(f"{msg} {started} has started.", hint=hint)
        try:
            async with asyncio.TaskGroup() as group:
                found = (self._find(each, tell, coming=coming) for each in named)
                tasks = [group.create_task(each) for each in found]
        except* SfnwatchError as errors:
            # A person is told of the first, by itself.
            raise errors.exceptions[0] from errors
        return [*{arn.arn: arn for arn in (task.result() for task in tasks)}.values()]

    async def _find(
        self, named: Named, tell: TellTrouble, *, coming: bool
    ) -> ExecutionArn:
        if isinstance(named, ExecutionArn):
            return named
        async with self._discovery(named) as discovery:
            arn = await discovery.arn_of(named)
            name = _called(arn)
            if coming:
                tell(f"waiting for an execution of {name} to start; ctrl+c ends it")
                said = "started"
                found = await discovery.next_start(arn, tell)
            else:
                said = f"the newest execution of {name}"
                found = await discovery.latest(arn)
        tell(f"{said}: {_outline(found)}")
        return parse_execution_arn(found.arn)


def _outline(execution: ListedExecution) -> str:
    """Say in a line which execution it is."""
    parts = [f"{clean(execution.machine, _LIMIT)} › {clean(execution.name, _LIMIT)}"]
    parts.append(clean(execution.status, _LIMIT) or "in no known state")
    if execution.started_at is not None:
        parts.append(f"started {iso(execution.started_at)}")
    return ", ".join(parts)
