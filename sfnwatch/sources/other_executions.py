"""Who else runs, or ran, on the machines of what is watched.

Others of a state machine make the same calls under the same role, so it matters whether
there were any: see `model/other_executions.py`. ListExecutions tells. A machine is
asked for once it is known since when it is watched, and again a little after all that
is watched has ended: on most machines few enough executions end in between for the
second lists to reach back to the first. Nothing waits for the answers. What AWS refuses
is left at that, and so is what it does not answer in some tries; but after the end it
is tried as long as calls are awaited: a Region that is out comes back. Where it is not
known who else ran, that is said once.
"""

from datetime import datetime, timedelta

import msgspec
from msgspec import Raw, Struct

from sfnwatch.model.arns import ExecutionArn
from sfnwatch.model.other_executions import SETTLED
from sfnwatch.model.records import RecordKind
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.times import iso, maybe_time
from sfnwatch.model.values import parse_object
from sfnwatch.sources.answers import CallsAws, ExecutionsPage, Failure
from sfnwatch.sources.polling import FORBIDDEN, PollingSource, WatchContext

_LEAST = 1.0
"""Seconds between looks for what is to be asked for."""
_PAGE_SIZE = 100
"""Executions of a page."""
_MOST_PAGES = 5
"""Pages of a list: the quota is as low as 2 requests a second for the whole account."""
_LATER = 3 * SETTLED
"""So long after the end it is asked: a call may follow the end, and all is known up to
a while before the asking only."""
_LEAST_TRIES = 3
"""So often a machine is asked for at least, in vain, before that is given up."""
_FIRST_RETRY = timedelta(seconds=20)
"""The time after the first failure; after the second it is twice as long, and so on."""
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
        self._later = timedelta(0)
        self._is_last = True
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
        targets = self.targets
        now = self.clock.now()
        over_at = targets.stopped_at
        if over_at is None and targets.finished:
            over_at = self._over_at or now  # an end that will never be seen
        due_at = over_at + self._later if over_at else now
        for target in targets.each:
            name = target.arn.state_machine_arn
            began = target.started_at
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
        asked_at = self.clock.now()
        arn = machine.execution
        self.subject = arn.state_machine_name
        self.region = arn.region
        self.always = {
            "stateMachineArn": arn.state_machine_arn,
            "maxResults": _PAGE_SIZE,
        }
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
        machine.since = asked_at - SETTLED
        machine.due_at = None
        machine.failures = 0
        machine.trouble = ""

    def _note_failure(self, machine: _AskedMachine, failure: Failure) -> None:
        machine.failures += 1
        machine.trouble = failure.message
        machine.due_at = self.clock.now() + _FIRST_RETRY * machine.failures
        is_awaited = self._over_at is not None and not self._is_last
        tried = machine.failures >= _LEAST_TRIES and not is_awaited
        if failure.state in FORBIDDEN or tried or self._is_unwanted:
            machine.due_at = None
            machine.failures = 0

    async def _list(
        self, since: datetime, status: str | None = None
    ) -> tuple[list[Raw], bool]:
        """Read a list back to a time; with it, whether that is all of it.

        Raises Failure.
        """
        found = list[Raw]()
        token = None
        asked = {"statusFilter": status}
        note = f"{(status or 'newest').lower()} executions"
        request = self.request("states:ListExecutions", ExecutionsPage, note, **asked)
        any_state = frozenset(HealthState)
        async for page in self.pages(
            request, most=_MOST_PAGES, is_dense=True, tolerated=any_state
        ):
            found += page.value.executions
            token = page.value.next_token
            last = (parse_object(bytes(each)) for each in found[-_PAGE_SIZE:])
            stops = (maybe_time(each.get("stopDate")) for each in last)
            if any(at and at < since for at in stops):
                break
        return found, not token
