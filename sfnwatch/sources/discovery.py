"""Finding executions: a state machine's newest or next one, or those of a Map Run.

ListExecutions lists running executions by their start and ended ones by their end, the
newest first. It is eventually consistent, as documented. It is not documented whether
the two kinds are merged or whether running ones come first, and nothing here relies on
either. Its quota is as low as 2 a second for an account, shared with everybody. This
module takes no more than half of that, after a burst of a fifth of the bucket.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.clock import Clock
from sfnwatch.errors import RefusedError
from sfnwatch.model.arns import (
    ExecutionArn,
    MachineName,
    MapRunArn,
    Named,
    StateMachineArn,
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
from sfnwatch.sources.answers import CallsAws, Failure, Page, Text, Verdict
from sfnwatch.sources.polling import GaveUpError, Pages, PollingSource, WatchContext
from sfnwatch.sources.rate_limits import Interval, RateLimitedAws
from sfnwatch.sources.targets import Targets

_TRIES = 5
_USUAL_PAGE = 100
"""The number of executions requested by default."""
_LARGEST_PAGE = 1000
"""The most executions that a page can hold."""
_PER_MACHINE = 25
"""The number of executions of each state machine in the list of all machines."""
_MOST_PAGES = 5
"""The most pages to read for the newest start. If more executions run at once than
these pages hold, it may still be missed. A long list pauses after as many pages, and
goes on only if more is wanted."""
_MOST_REFUSED = 4
"""If this many state machines refuse and none has answered, no more are asked."""
_BUDGET = 60
"""The requests after which the list of all state machines pauses, and goes on only if
more is wanted."""
_SHORTEST_PAUSE_SECONDS = 2.0
"""Seconds between the first looks for the next execution."""
_LONGEST_PAUSE_SECONDS = 5.0
"""The most seconds between these looks."""
_TOLERANCE = timedelta(seconds=3)
"""How far a clock that is set by AWS's may differ from it."""
_SLOWEST = timedelta(seconds=10)
"""The longest that a first answer is believed to take."""
_MOST_SIMILAR = 5
LONGEST_NAME = 200
_NO_MAP_RUN = "ResourceNotFound"
"""AWS's error code for a Map Run that does not exist."""
EXPRESS = (
    "an Express state machine: AWS lists no executions of those. Give the ARN of one,"
    " arn:aws:states:REGION:ACCOUNT:express:STATE_MACHINE:NAME:ID."
)

TellTrouble = Callable[[str], None]
"""Takes messages for the user meanwhile, one line at a time."""


class Machine(Struct, frozen=True, rename={"arn": "stateMachineArn", "kind": "type"}):
    """A state machine, as ListStateMachines returns it."""

    arn: Text
    name: Text
    kind: str = "STANDARD"

    @property
    def express(self) -> bool:
        return self.kind == "EXPRESS"

    def refuse_express(self) -> None:
        """Raise RefusedError for an Express machine: its executions are not listed."""
        if self.express:
            raise RefusedError(f"{clean(self.name, LONGEST_NAME)} is {EXPRESS}")


class _MachinePage(Page):
    state_machines: list[Machine]


class _ExecutionPage(Page):
    executions: list[dict[str, Any]]

    @property
    def decoded(self) -> tuple[ListedExecution, ...]:
        decoded = [decode_listed(execution) for execution in self.executions]
        return tuple(execution for execution in decoded if execution is not None)


_Listed = tuple[tuple[ListedExecution, ...], bool]
"""The executions of a page, and True if more follow."""


class _MapRunHead(Struct, rename="camel"):
    map_run_arn: Text


class _MapRunPage(Page):
    map_runs: list[_MapRunHead]


def name_in(arn: str) -> str:
    """Return a state machine's or a Map Run's name from the end of its ARN."""
    return clean(":".join(arn.split(":")[6:]) or arn, LONGEST_NAME)


class Discovery(PollingSource):
    """Finds executions in one Region of an account; raises RefusedError.

    It sends one request after the other, and repeats a request while that may help.
    """

    verdicts = (Verdict("StateMachineTypeNotSupported", f"It is {EXPRESS}"),)

    def __init__(
        self, aws: CallsAws, clock: Clock, region: str, only: ListFilter | None = None
    ) -> None:
        """Make a discovery; its lists contain what the filter `only` allows."""
        context = WatchContext(Targets(()), clock)
        super().__init__(RateLimitedAws(aws, clock), context, "discovery")
        self.region = region
        self._only = only or ListFilter()
        self._asked: list[Received] = []
        self._consume = self._take
        self._teller: TellTrouble | None = None
        """Gets the trouble that follows a first answer and is waited out. If None, such
        trouble is not waited out for long."""

    def take_requests(self) -> Batch:
        """Return the requests made since the last call, for a recording."""
        requests = (*self._asked, *self.requests.take())
        self._asked.clear()
        return requests

    def _take(self, batch: Batch) -> None:
        for received in batch:
            if received.kind == RecordKind.REQUEST:
                self._asked.append(received)
            elif self._teller is not None and received.record.get("retry_in"):
                # the error that ends it is raised instead
                self._teller(str(received.record.get("message")))

    def judge(self, failure: Failure) -> None:
        too_often = self._teller is None and self.failures >= _TRIES
        is_denied = failure.state is HealthState.DENIED
        if too_often or is_denied or failure.code == _NO_MAP_RUN:
            failure.state = HealthState.REFUSED

    async def wait_out(self, failure: Failure) -> None:
        """Rest before another try; raises RefusedError if there is no other try."""
        try:
            await super().wait_out(failure)
        except GaveUpError:
            self.failures = 0  # the next request starts at zero
            raise RefusedError(failure.message) from failure

    def _machines(self, size: int, note: str) -> Pages[_MachinePage]:
        self.subject = self.region
        operation = "states:ListStateMachines"
        return self.pages(self.request(operation, _MachinePage, note, maxResults=size))

    async def _executions(
        self, arn: str, size: int, status: str | None = None, most: int | None = None
    ) -> AsyncGenerator[_Listed, None]:
        """Yield pages of a state machine's or a Map Run's executions.

        The filter's time bound is applied.
        """
        self.subject = name_in(arn)
        request = self.request(
            "states:ListExecutions",
            _ExecutionPage,
            f"{(status or 'newest').lower()} executions",
            **{"mapRunArn" if _is_map_run(arn) else "stateMachineArn": arn},
            maxResults=size,
            statusFilter=status,
        )
        async for page in self.pages(request, most=most):
            executions = page.value.decoded
            more = bool(page.value.next_token)
            # AWS's time is known only after an answer.
            since = self._only.begin(self.clock.now())
            if since is not None:
                if _is_past(executions, since, status):
                    more = False
                executions = tuple(e for e in executions if _is_after(e, since))
            yield executions, more
            if not more:
                break

    async def arn_of(self, named: MachineName | MapRunArn | StateMachineArn) -> str:
        """Return the ARN of a state machine or a Map Run whose executions are listed.

        For a machine name that does not exist, RefusedError suggests similar names.
        """
        if not isinstance(named, MachineName):
            return named.arn
        names: list[str] = []
        note = f"the machine {clean(named.name, LONGEST_NAME)}"
        async for page in self._machines(_LARGEST_PAGE, note):
            for machine in page.value.state_machines:
                if machine.name == named.name:
                    machine.refuse_express()
                    return machine.arn
                names.append(machine.name)
        raise _unknown(named.name, names, self.region)

    async def latest(self, machine_arn: str) -> ListedExecution:
        """Return the execution that was started last, whether it runs or has ended."""
        execution = newest(await self._started_since(machine_arn, None))
        if execution is None:
            raise RefusedError(
                f"{name_in(machine_arn)} has no executions; AWS lists them for 90 days"
                " after their end.",
                hint="sfnwatch watch --next waits for the next one.",
            )
        return execution

    async def next_start(
        self, machine_arn: str, tell: TellTrouble | None = None
    ) -> ListedExecution:
        """Wait for an execution that starts from now on.

        Of several the first to start is returned. Trouble that may pass is waited out
        once AWS has answered, and reported to `tell`.
        """
        interval = Interval(_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
        self._teller = tell or (lambda _: None)
        self._answered = False  # for this list
        asked_at = self.clock.now()
        bound = asked_at - _TOLERANCE
        before: set[str] | None = None
        while True:
            executions = await self._started_since(machine_arn, bound)
            if before is None:
                begin = self._put_right(asked_at)
                bound = begin - _TOLERANCE
                before = {e.arn for e in executions if not _is_after(e, begin)}
            new = [execution for execution in executions if execution.arn not in before]
            started = [execution for execution in new if _is_after(execution, bound)]
            if started:
                return max(started, key=lambda execution: execution.running_first[1])
            await self.clock.sleep(interval.after(news=False))

    def _put_right(self, asked_at: datetime) -> datetime:
        """Return the time of a request, corrected now that AWS's own time is known.

        Only an answer reveals AWS's time. If the answer set the clock forward, the
        request seems to have taken long; so the time it took is taken to be at most
        `_SLOWEST`.
        """
        now = self.clock.now()
        duration = max(timedelta(0), now - asked_at)
        return now - min(duration, _SLOWEST)

    async def _started_since(
        self, machine_arn: str, since: datetime | None
    ) -> list[ListedExecution]:
        """Read a list until no later entry can have started after `since`.

        With `since` None the bound is the newest start found. Ended executions are
        listed by their end, which is no earlier than their start.
        """
        executions: list[ListedExecution] = []
        pages = self._executions(machine_arn, _USUAL_PAGE, most=_MOST_PAGES)
        async for page, _ in pages:
            executions += page
            latest = newest(executions)
            bound = since
            if bound is None and latest is not None:
                bound = latest.started_at
            ended = [execution for execution in page if not execution.running]
            if bound is not None and _is_past(ended, bound, None):
                break
        return executions

    async def list_named(self, named: Named) -> AsyncGenerator[Listing, None]:
        """List the executions of a state machine or a Map Run.

        Of an execution, list the children of its Map Runs, one Map Run after the other.
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
        pages = 0
        listing = Listing(known=len(arns), by=by)
        yield listing
        for number, arn in enumerate(arns, 1):
            async for executions, has_more in self._of_one(arn):
                pages += 1
                more = has_more or number < len(arns)
                yield replace(
                    listing,
                    executions=executions,
                    asked=number,
                    spent=more and pages % _MOST_PAGES == 0,
                )

    async def _map_runs(self, execution_arn: str) -> list[str]:
        """Return the ARNs of all Map Runs of an execution."""
        self.subject = name_in(execution_arn)
        request = self.request(
            "states:ListMapRuns",
            _MapRunPage,
            "its Map Runs",
            executionArn=execution_arn,
            maxResults=_LARGEST_PAGE,
        )
        arns: list[str] = []
        async for page in self.pages(request):
            arns += [map_run.map_run_arn for map_run in page.value.map_runs]
        return arns

    async def _of_one(self, arn: str) -> AsyncGenerator[_Listed, None]:
        """Yield the pages of a machine or a Map Run that the filter allows.

        A Map Run may have millions of children of which few failed, listed by their
        end. So if there are several pages, the unsuccessful children are requested
        separately after the first page: they could be on the last.
        """
        size = _USUAL_PAGE
        first_statuses: list[str] = []
        if _is_map_run(arn):
            size = _LARGEST_PAGE
            if self._only == ListFilter():
                first_statuses = list(UNSUCCESSFUL)
        statuses = self._only.statuses or (None,)
        for status in statuses:
            async for executions, more in self._executions(arn, size, status):
                yield executions, more or status != statuses[-1]
                while more and first_statuses:
                    unsuccessful = first_statuses.pop(0)
                    pages = self._executions(arn, size, unsuccessful, most=1)
                    async for failures, _ in pages:
                        yield failures, True

    async def list_recent(self) -> AsyncGenerator[Listing, None]:
        """List the newest executions of all state machines, one after the other.

        A machine that can't be asked is left out, with the reason. If the first
        machines all refuse, the rest would too, and RefusedError is raised.
        """
        listing = Listing()
        requests = 0
        refusals = 0
        answered = False
        async for page in self._machines(_USUAL_PAGE, "state machines"):
            machines = page.value.state_machines
            more = bool(page.value.next_token)
            listing = replace(listing, known=listing.known + len(machines), more=more)
            yield listing
            for machine in machines:
                executions: dict[str, ListedExecution] = {}
                left_out: tuple[LeftOut, ...] = ()
                try:
                    async for page_executions in self._newest(machine):
                        executions |= {e.arn: e for e in page_executions}
                        requests += 1
                        answered = True
                except RefusedError as error:
                    if not machine.express:
                        refusals += 1
                    if refusals >= _MOST_REFUSED and not answered:
                        raise
                    left_out = (LeftOut(machine.name, str(error), machine.express),)
                listing = replace(listing, asked=listing.asked + 1)
                has_more = more or listing.asked < listing.known
                yield replace(
                    listing,
                    executions=tuple(executions.values()),
                    left_out=left_out,
                    spent=has_more and requests >= _BUDGET,
                )
                requests %= _BUDGET

    async def _newest(
        self, machine: Machine
    ) -> AsyncGenerator[tuple[ListedExecution, ...], None]:
        """Yield a machine's newest and its running executions; raises RefusedError.

        A long-running execution is far down the list, at its start. With a time filter,
        all executions since then are listed, as far as a few pages hold them.
        """
        machine.refuse_express()
        size = _USUAL_PAGE
        most = _MOST_PAGES
        if self._only.since is None:
            size = _PER_MACHINE
            most = 1
        statuses = self._only.statuses
        for status in statuses or (None, "RUNNING"):
            is_whole = False
            pages = self._executions(machine.arn, size, status, most)
            async for executions, more in pages:
                yield executions
                is_whole = not more
            if is_whole and not statuses:
                break


def _is_map_run(arn: str) -> bool:
    return ":mapRun:" in arn


def _unknown(name: str, known: Sequence[str], region: str) -> RefusedError:
    """Return an error for a machine that does not exist, with similar names."""
    similar = get_close_matches(name, known, n=_MOST_SIMILAR)
    hint = "Choose another --region or --profile, or give its ARN."
    if similar:
        hint = f"Did you mean {', '.join(map(clean, similar))}?"
    return RefusedError(
        f"There is no state machine named {clean(name, LONGEST_NAME)!r} in"
        f" {clean(region)}, which has {len(known)}.",
        hint=hint,
    )


def _is_past(
    listed: Sequence[ListedExecution], since: datetime, status: str | None
) -> bool:
    """True if no later entry of a list can have started since `since`.

    Ended executions are listed by their end, which is no earlier than their start.
    Running ones are listed by their start; in a mixed list they may be anywhere.
    """
    for execution in listed:
        time = execution.stopped_at
        if status == "RUNNING":
            time = execution.started_at
        if time is not None and time < since:
            return True
    return False


def _is_after(execution: ListedExecution, moment: datetime) -> bool:
    return execution.started_at is not None and execution.started_at > moment
