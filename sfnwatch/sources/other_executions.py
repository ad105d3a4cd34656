"""The other executions of the state machines whose executions are watched.

Other executions of a state machine make the same calls under the same role, so it
matters whether there were any: see `model/other_executions.py`. ListExecutions lists
them. A machine's lists are read once the start of a watched execution is known, and
again a little after all watched executions have ended. On most machines few enough
executions end in between for the second lists to reach back to the first ones.

Nothing waits for the answers. A refusal ends the requests for a machine, and so do some
tries without an answer. But after the end they go on as long as calls are awaited: a
Region that is out comes back. If the other executions stay unknown, the source says so
once.
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
"""Seconds between checks which machines are due."""
_PAGE_SIZE = 100
"""Executions in a page."""
_MOST_PAGES = 5
"""Most pages of a list: the quota is as low as 2 requests a second for the account."""
_LATER = 3 * SETTLED
"""The time from the end to the second lists. A call may follow the end, and lists are
complete only up to a while before the request."""
_LEAST_TRIES = 3
"""Least number of failed tries before a machine is given up."""
_FIRST_RETRY = timedelta(seconds=20)
"""The pause after the first failure; twice as long after the second, and so on."""
_LAST_LOOK = 0.25
"""Seconds between checks whether all has ended, once no calls are awaited."""
_UNANSWERED = "ListExecutions has not been answered in time."
_NOT_KNOWN = "Whether others ran at the time is not known."


class _AskedMachine(Struct):
    """A state machine whose executions are listed."""

    execution: ExecutionArn
    """One of its executions."""
    started_at: datetime
    """When the first of its watched executions started."""
    since: datetime
    """The time that its lists are to reach back to."""
    due_at: datetime | None
    """When its lists are to be read; None if they have been, or are given up."""
    failures: int = 0
    """The number of failed tries since it was due."""
    trouble: str = ""
    """Why the last try failed; empty if it did not."""


class OtherExecutions(PollingSource):
    """A source: lists the other executions of the watched executions' machines."""

    def __init__(self, aws: CallsAws, context: WatchContext) -> None:
        super().__init__(aws, context, "others", execution_arn=context.targets.only)
        self._later = min(timedelta(seconds=context.options.drain), _LATER)
        self._machines: dict[str, _AskedMachine] = {}
        self._over_at: datetime | None = None
        """When the last of the watched executions ended; None while one runs."""
        self._is_last = False
        """True once no more calls are awaited."""

    def end_drain(self) -> None:
        """Read the last lists without a pause after the end."""
        self._later = timedelta(0)
        self._is_last = True
        for machine in self._awaited:
            machine.due_at = self.clock.now()

    @property
    def _awaited(self) -> list[_AskedMachine]:
        return [machine for machine in self._machines.values() if machine.due_at]

    async def read(self) -> str:
        await self.targets.known.wait()
        await self.while_awaited(self._ask(), lambda: self._is_unwanted)
        for machine in self._awaited:
            machine.trouble = machine.trouble or _UNANSWERED
        return self._last_remark()

    @property
    def _is_unwanted(self) -> bool:
        """True once all histories have ended, and no calls are awaited."""
        return self._is_last and self.targets.finished

    async def _ask(self) -> None:
        """Read each machine's lists when they are due, until all has ended."""
        while True:
            self._look()
            for machine in self._awaited:
                if machine.due_at and machine.due_at <= self.clock.now():
                    await self._ask_for(machine)
            if self.targets.finished and not self._awaited:
                return
            await self.rest(_LAST_LOOK if self._is_last else _LEAST)

    def _look(self) -> None:
        """Note the watched executions' machines, and when each is due.

        A machine is due as soon as a start is known, again if an earlier start becomes
        known, and once more after all has ended.
        """
        targets = self.targets
        now = self.clock.now()
        over_at = targets.stopped_at
        if over_at is None and targets.finished:
            over_at = self._over_at or now  # no end will be seen any more
        due_at = over_at + self._later if over_at else now
        for target in targets.watched:
            name = target.arn.state_machine_arn
            began = target.started_at
            if began is None or target.arn.is_express or target.arn.is_of_map_run:
                continue  # no list has Express ones; a Map Run has its own
            machine = self._machines.get(name)
            if machine is None or began < machine.started_at:
                machine = _AskedMachine(target.arn, began, since=began, due_at=due_at)
                self._machines[name] = machine
        if over_at == self._over_at:
            return
        self._over_at = over_at
        if over_at is not None:
            for machine in self._machines.values():
                machine.due_at = due_at

    def _last_remark(self) -> str:
        for machine in self._machines.values():
            if machine.trouble:
                return f"{_NOT_KNOWN} {machine.trouble}"
        return ""

    async def _ask_for(self, machine: _AskedMachine) -> None:
        """Read a machine's lists, and hand them on if AWS has answered each request."""
        asked_at = self.clock.now()
        arn = machine.execution
        self.subject = arn.state_machine_name
        self.region = arn.region
        self.always = {
            "stateMachineArn": arn.state_machine_arn,
            "maxResults": _PAGE_SIZE,
        }
        try:
            # In this order: an execution that ends after the first list is in the
            # second.
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
        """Read a list back to a time; return its items, and True if it ends there.

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
