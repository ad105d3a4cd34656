"""Finding executions: the newest of a state machine, the next one, those of a Map Run.

ListExecutions has what runs at its start and what has ended at its end, newest first,
and is eventually consistent: so it is documented. Whether the two kinds are merged, or
what runs comes before the rest, is not, and nothing here relies on either.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches

from aiobotocore.session import AioSession
from msgspec import Struct

from sfnwatch.clock import Clock
from sfnwatch.errors import RefusedError, UsageError
from sfnwatch.sources.aws import Aws, AwsSettings, check_profile
from sfnwatch.sources.drive import Failure
from sfnwatch.sources.ledger import Ledger
from sfnwatch.sources.pacing import Backoff, Interval
from sfnwatch.sources.start_children import children, of_map_runs
from sfnwatch.sources.start_pages import (
    TRIES,
    DeniedError,
    Machine,
    StartPages,
    called,
    refusal,
)
from sfnwatch.trace.events import Batch
from sfnwatch.trace.listed import LeftOut, Listed, Listing, newest
from sfnwatch.trace.text import clean

_PAGE, _MOST = 100, 1000
"""What is asked for by default, and what a page can hold."""
_FEW = 25
"""Executions of each state machine, where those of all are listed."""
_DEEP = 5
"""Pages read at most to find the newest start: with more running at once than they
hold, it may still be missed."""
_AT_ONCE = 4
"""Requests under way at the same time."""
_BUDGET = 60
"""Requests after which a list goes on only if that is wanted."""
_LEAST, _LONGEST = 2.0, 5.0
"""Seconds between looks for the next execution."""
_TOLERANCE = timedelta(seconds=3)
"""How far a clock that heeds AWS's may be from it."""
_SLOWEST = timedelta(seconds=10)
"""No first answer is believed to take longer."""
_NEAR = 5
_LIMIT = 200

Tell = Callable[[str], None]
"""Is told of trouble that may pass."""


def configured_region(region: str | None, profile: str | None) -> str:
    """Give the Region to ask in where no ARN names one, as the AWS CLI finds it.

    Raises UsageError if none is set, RefusedError for a profile that is not there.
    """
    region = region or os.environ.get("AWS_REGION")
    if region:
        return region
    check_profile(AwsSettings("", profile=profile))
    region = AioSession(profile=profile).get_config_variable("region")
    if not region:
        msg = "No Region is set in which to look for state machines."
        raise UsageError(msg, hint="Give --region, or set AWS_REGION.")
    return str(region)


class Starts:
    """Finds executions in one Region of an account."""

    def __init__(
        self, aws: Aws, clock: Clock, region: str, *, tries: int = TRIES
    ) -> None:
        self._clock = clock
        self._pages = StartPages(aws, clock, region, tries=tries)

    def take(self) -> Batch:
        """Hand over what was asked since the last time, for a recording."""
        return self._pages.take()

    async def machine_named(self, name: str) -> Machine:
        """Find a state machine by its name; raises RefusedError, naming those alike."""
        known: list[str] = []
        note, token = f"the machine {clean(name, _LIMIT)}", None
        while True:
            page = await self._pages.machines(size=_MOST, note=note, token=token)
            for machine in page.machines:
                if machine.name == name:
                    return machine
            known += [machine.name for machine in page.machines]
            token = page.token
            if token is None:
                raise _unknown(name, known, self._pages.region)

    async def latest(self, machine_arn: str) -> Listed:
        """Find the execution that was started last, whether it runs or has ended.

        Raises RefusedError if there is none.
        """
        found = newest(await self._started_since(machine_arn, None, patient=True))
        if found is None:
            msg = f"{called(machine_arn)} has no executions; AWS lists them for 90 days"
            hint = "sfnwatch watch --next waits for the next one."
            raise RefusedError(f"{msg} after their end.", hint=hint)
        return found

    async def next_start(
        self,
        machine_arn: str,
        since: datetime | None = None,
        tell: Tell | None = None,
    ) -> Listed:
        """Wait for an execution that starts after `since`, by default after now.

        Of several it is the one that started first. Trouble that may pass is waited
        out once AWS has answered at all, and `tell` is told of it.
        """
        interval, backoff = Interval(_LEAST, _LONGEST), Backoff(_LEAST, 60.0)
        asked_at = self._clock.now()
        begun = since or asked_at
        bound = begun - _TOLERANCE
        before: frozenset[str] | None = None
        while True:
            try:
                found = await self._started_since(machine_arn, bound, patient=False)
            except Failure as failure:
                wait = max(failure.at_least, backoff.next())
                if before is None and backoff.failures >= self._pages.tries:
                    raise refusal(failure, called(machine_arn)) from failure
                if tell is not None:
                    tell(failure.message)
                await self._clock.sleep(wait)
                continue
            backoff.reset()
            if before is None:
                begun = since or self._put_right(asked_at)
                bound = begun - _TOLERANCE
                old = (each for each in found if not _after(each, begun))
                before = frozenset(each.arn for each in old)
            later = [e for e in found if e.arn not in before and _after(e, bound)]
            if later:
                return min(later, key=lambda each: -each.order[1])
            await self._clock.sleep(interval.after(news=False))

    def _put_right(self, asked_at: datetime) -> datetime:
        """Give the time at which something was asked, now that AWS's own is known.

        It is only an answer that tells of it. If the clock was put forward by that, it
        looks as if the answer had taken long, and nothing takes very long.
        """
        now = self._clock.now()
        took = max(timedelta(0), now - asked_at)
        return now - min(took, _SLOWEST)

    async def _started_since(
        self, machine_arn: str, since: datetime | None, *, patient: bool
    ) -> list[Listed]:
        """Read a list until nothing that follows can have started after `since`.

        Without it: after the newest that was found. What has ended stands at its end,
        which is no earlier than its start.
        """
        found: list[Listed] = []
        token = None
        for _ in range(_DEEP):
            page = await self._pages.executions(
                machine_arn, size=_PAGE, token=token, patient=patient
            )
            found += page.executions
            token = page.token
            best = newest(found)
            bound = since or (best and best.started_at)
            ends = [each.stopped_at for each in page.executions if not each.going_on]
            passed = bound and any(end is not None and end < bound for end in ends)
            if passed or token is None:
                break
        return found

    async def executions(
        self, arn: str, status: str | None = None
    ) -> AsyncGenerator[Listing, None]:
        """List those of a state machine, a version or alias of it, or of a Map Run."""
        token, pages = None, 0
        while True:
            page = await self._pages.executions(
                arn, size=_PAGE, status=status, token=token
            )
            token, pages = page.token, pages + 1
            spent = token is not None and pages % _DEEP == 0
            yield Listing(page.executions, asked=1, machines=1, spent=spent)
            if token is None:
                return

    def children(self, execution_arn: str) -> AsyncGenerator[Listing, None]:
        """List the children of an execution's Map Runs."""
        return children(self._pages, execution_arn)

    def of_map_runs(self, arns: Sequence[str]) -> AsyncGenerator[Listing, None]:
        """List what Map Runs have started."""
        return of_map_runs(self._pages, arns)

    async def recent(self) -> AsyncGenerator[Listing, None]:
        """List the newest executions of all state machines, a few machines at a time.

        A machine that can't be asked is left out, with words; if the first ones are all
        denied, so is the rest, and RefusedError is raised.
        """
        spent, token, asked, known = _Spent(), None, 0, 0
        while True:
            page = await self._pages.machines(
                size=_PAGE, note="state machines", token=token
            )
            token, machines = page.token, page.machines
            known, more = known + len(machines), page.token is not None
            yield Listing(asked=asked, machines=known, more=more)
            for first in range(0, len(machines), _AT_ONCE):
                told = await self._newest_of(machines[first : first + _AT_ONCE])
                asked += len(told)
                yield Listing(
                    tuple(each for part in told for each in part.executions),
                    tuple(part.left_out for part in told if part.left_out),
                    asked=asked,
                    machines=known,
                    more=more,
                    spent=spent.count(told) and (more or asked < known),
                )
            if token is None:
                return

    async def _newest_of(self, machines: Sequence[Machine]) -> list["_Told"]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._newest(each)) for each in machines]
        return [task.result() for task in tasks]

    async def _newest(self, machine: Machine) -> "_Told":
        """Ask for a machine's newest executions, and for those that run.

        One that has run for long stands far down the list, at its start.
        """
        ledger, found = Ledger(self._clock), dict[str, Listed]()
        try:
            machine.refuse_express()
            for status in (None, "RUNNING"):
                page = await self._pages.executions(
                    machine.arn, size=_FEW, status=status, ledger=ledger
                )
                found |= {each.arn: each for each in page.executions}
                if page.token is None:
                    break
        except RefusedError as refused:
            left_out = LeftOut(machine.name, str(refused), machine.express)
            denied = isinstance(refused, DeniedError)
            return _Told(tuple(found.values()), left_out, ledger.count, denied=denied)
        finally:
            self._pages.note(ledger)
        return _Told(tuple(found.values()), calls=ledger.count)


class _Told(Struct, frozen=True):
    """What came of asking for one state machine's executions."""

    executions: tuple[Listed, ...] = ()
    left_out: LeftOut | None = None
    calls: int = 0
    denied: bool = False


class _Spent:
    """What a list of all state machines' executions has cost so far."""

    def __init__(self) -> None:
        self._calls = self._denied = 0
        self._answered = False

    def count(self, told: Sequence[_Told]) -> bool:
        """Count requests; True when they are as many as should be made at once.

        Raises RefusedError where it is of no use to go on.
        """
        self._calls += sum(part.calls for part in told)
        denied = [part.left_out for part in told if part.denied and part.left_out]
        self._denied += len(denied)
        self._answered |= any(part.calls and not part.left_out for part in told)
        if denied and self._denied >= _AT_ONCE and not self._answered:
            raise RefusedError(denied[0].words)
        if self._calls < _BUDGET:
            return False
        self._calls = 0
        return True


def _unknown(name: str, known: Sequence[str], region: str) -> RefusedError:
    """Say that there is no such machine, and which ones have a name like it."""
    msg = f"There is no state machine named {clean(name, _LIMIT)!r} in {clean(region)}"
    elsewhere = "Choose another --region or --profile"
    if not known:
        return RefusedError(f"{msg}, nor any other.", hint=f"{elsewhere}.")
    folded = {each.casefold(): each for each in reversed(known)}
    near = get_close_matches(name.casefold(), folded, n=_NEAR)
    within = [each for each in folded if name.casefold() in each]
    alike = [clean(folded[each]) for each in dict.fromkeys([*near, *within])][:_NEAR]
    msg = f"{msg}; there are {len(known)} others." if len(known) > 1 else f"{msg}."
    if alike:
        return RefusedError(msg, hint=f"Did you mean {', '.join(alike)}?")
    return RefusedError(msg, hint=f"{elsewhere}, or give its ARN.")


def _after(execution: Listed, moment: datetime) -> bool:
    return execution.started_at is not None and execution.started_at > moment
