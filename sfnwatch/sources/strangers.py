"""What else ran on the state machines of the executions watched: ListExecutions.

Others of a machine make the same calls under the same role, so it matters whether there
were any: see `model/strangers.py`. A machine is asked for once it is known since when
it is watched, and again a little after all that is watched has ended: on most machines
few enough executions end in between for the second lists to reach back to the first.

Nothing waits for the answers. What AWS refuses is left at that, and so is what it does
not answer in some tries; but after the end it is tried as long as calls are awaited: a
Region that is out comes back. Where it is not known who else ran, that is said once.
"""

from collections.abc import Sequence
from contextlib import aclosing
from datetime import datetime, timedelta

import msgspec
from msgspec import Raw, Struct

from sfnwatch.model.arns import ExecutionArn
from sfnwatch.model.records import HealthState, RecordKind
from sfnwatch.model.strangers import SETTLED
from sfnwatch.model.values import iso, maybe_time, parse_object
from sfnwatch.sources.answers import AwsRequest, CallsAws, Failure, ListPage
from sfnwatch.sources.polling import FORBIDDEN, PollingSource, WatchContext

_PAGE, _PAGES = 100, 5
"""Executions of a page, and pages of a list at most: the quota is as low as 2 requests
a second for the whole account."""
_NAP = 1.0
_LATER = 3 * SETTLED
"""So long after the end it is asked: a call may follow the end, and all is known up to
a while before the asking only."""
_TRIES, _AGAIN = 3, timedelta(seconds=20)
"""How often a machine is asked for in vain at least, and the time after the first."""
_LONGEST = 6
"""The time between grows to so many times as long."""
_NOT_KNOWN = "Whether others ran at the time is not known."


class _ExecutionsPage(ListPage):
    executions: list[Raw]


class _AskedMachine(Struct):
    """A state machine whose executions are asked for."""

    execution: ExecutionArn
    """One of its executions."""
    started_at: datetime
    """When the first of those that are watched was started."""
    since: datetime
    """So far back its lists are to reach."""
    asked_at: datetime | None = None
    """When it was asked for last, whatever came of that."""
    failures: int = 0
    """How often in vain, since it was due."""
    again_at: datetime | None = None
    """When it may be tried again."""
    trouble: str = ""
    """Why the last asking brought nothing."""


class OtherExecutions(PollingSource):
    """A source: asks who else runs, or ran, on the machines of what is watched."""

    def __init__(self, aws: CallsAws, context: WatchContext) -> None:
        super().__init__(aws, context, "others", execution_arn=context.targets.only)
        self._later = min(timedelta(seconds=context.drain), _LATER)
        self._machines: dict[str, _AskedMachine] = {}
        self._over_at: datetime | None = None
        """When all that is watched had ended; None while one runs."""
        self._is_last = False
        """True once no more calls are awaited."""

    def end_drain(self) -> None:
        """Ask for the last time as soon as all has ended."""
        self._later, self._is_last = timedelta(0), True
        for machine in self._machines.values():
            machine.again_at = None

    async def read(self) -> str:
        await self.targets.known.wait()
        while True:
            self._look()
            for machine in [m for m in self._machines.values() if self._is_due(m)]:
                await self._ask_for(machine)
            waiting = any(map(self._is_awaited, self._machines.values()))
            if self.targets.finished and not waiting:
                return self._last_words()
            await self.rest(_NAP)

    # -- which machines, and when ------------------------------------------------------

    def _look(self) -> None:
        """Note what machines are watched, and whether all has ended."""
        targets, now = self.targets, self.clock.now()
        over_at = targets.stopped_at
        if over_at is None and targets.finished:
            over_at = self._over_at or now  # an end that will never be seen
        self._over_at = over_at
        for target in targets.each:
            if target.started_at is not None and _is_listed(target.arn):
                self._add(target.arn, target.started_at)

    def _add(self, arn: ExecutionArn, started_at: datetime) -> None:
        """Note an execution that is watched; one that began earlier is asked for."""
        new = _AskedMachine(arn, started_at, started_at)
        known = self._machines.setdefault(arn.state_machine_arn, new)
        if started_at < known.started_at:
            known.started_at = known.since = started_at
            known.asked_at = None

    def _is_awaited(self, machine: _AskedMachine) -> bool:
        """True for one that is to be asked for now or later."""
        asked_at, over_at = machine.asked_at, self._over_at
        return asked_at is None or over_at is None or asked_at < over_at + self._later

    def _is_due(self, machine: _AskedMachine) -> bool:
        now, over_at = self.clock.now(), self._over_at
        if not self._is_awaited(machine) or now < (machine.again_at or now):
            return False
        if over_at is None:
            return machine.asked_at is None
        return now >= over_at + self._later

    def _last_words(self) -> str:
        troubles = [m.trouble for m in self._machines.values() if m.trouble]
        if not troubles:
            return ""
        more = len(troubles) - 1
        return f"{_NOT_KNOWN} {troubles[0]}{f' And {more} more.' if more else ''}"

    # -- asking ------------------------------------------------------------------------

    async def _ask_for(self, machine: _AskedMachine) -> None:
        """Ask for a machine's executions, and hand them on if AWS has answered all."""
        asked_at = self.clock.now()
        try:
            # In this order: what ends after the first list is in the second.
            running, all_running = await self._list(machine, "RUNNING")
            newest, all_newest = await self._list(machine, None)
        except Failure as failure:
            self._note_failure(machine, failure)
            return
        record = {
            "machine_arn": machine.execution.state_machine_arn,
            "asked_at": iso(asked_at),
            "running": running,
            "running_complete": all_running,
            "newest": newest,
            "newest_complete": all_newest,
        }
        data = msgspec.json.encode(record)
        self.hand_on(self.received(RecordKind.MACHINE_EXECUTIONS, data))
        # The next lists need only reach back to these.
        machine.asked_at, machine.since = asked_at, asked_at - SETTLED
        machine.failures, machine.again_at, machine.trouble = 0, None, ""

    def _note_failure(self, machine: _AskedMachine, failure: Failure) -> None:
        now = self.clock.now()
        machine.failures += 1
        machine.again_at = now + _AGAIN * min(machine.failures, _LONGEST)
        is_awaited = self._over_at is not None and not self._is_last
        tried = machine.failures >= _TRIES and not is_awaited
        if failure.state in FORBIDDEN or tried:
            machine.trouble, machine.failures = failure.message, 0
            machine.asked_at, machine.again_at = now, None

    async def _list(
        self, machine: _AskedMachine, status: str | None
    ) -> tuple[Sequence[Raw], bool]:
        """Read a list as far as it is wanted; with it, whether that is all of it.

        Raises Failure.
        """
        arn, found, token = machine.execution, list[Raw](), None
        asked = {"stateMachineArn": arn.state_machine_arn, "maxResults": _PAGE}
        if status is not None:
            asked["statusFilter"] = status
        request = AwsRequest(
            "states:ListExecutions",
            arn.state_machine_name,
            arn.region,
            _ExecutionsPage,
            asked,
            f"{status.lower() if status else 'newest'} executions",
        )
        pages = self.pages(request, most=_PAGES, tolerated=frozenset(HealthState))
        async with aclosing(pages):
            async for page in pages:
                found += page.value.executions
                token = page.value.next_token
                if any(_ended_before(machine.since, each) for each in found[-_PAGE:]):
                    break
        return found, not token


def _is_listed(arn: ExecutionArn) -> bool:
    """False for Express ones, which no list has, and a Map Run's, which its own has."""
    return not arn.is_express and "/" not in arn.state_machine_name


def _ended_before(since: datetime, item: Raw) -> bool:
    stopped_at = maybe_time(parse_object(bytes(item)).get("stopDate"))
    return stopped_at is not None and stopped_at < since
