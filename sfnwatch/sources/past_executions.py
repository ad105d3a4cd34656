"""The finished executions of a state machine, and their histories.

They are read one after the other, within the rates that leave most of an account's
quotas to its people. The input and the output of states are not asked for.
"""

from contextlib import suppress

import msgspec
from msgspec import Raw, Struct

from sfnwatch.clock import Clock
from sfnwatch.errors import RefusedError, UsageError
from sfnwatch.model.arns import ExecutionArn, Named
from sfnwatch.model.execution_list import ListedExecution, ListFilter
from sfnwatch.model.history_event import MOST_EVENTS
from sfnwatch.model.records import Received, RecordKind
from sfnwatch.model.texts import clean
from sfnwatch.model.times import stamp
from sfnwatch.sources.answers import CallsAws, Failure, Page
from sfnwatch.sources.discovery import EXPRESS, LONGEST_NAME, Discovery, TellTrouble

_LARGEST_PAGE = 1000
"""The most executions, and the most events, that a page can hold."""
_SMALLEST_PAGE = 100
_GONE = "ExecutionDoesNotExist"


class _EventPage(Page):
    events: list[Raw]


class _EventId(Struct):
    id: int


class PastExecutions(Discovery):
    """Lists and reads a state machine's finished executions; raises RefusedError."""

    def __init__(
        self,
        aws: CallsAws,
        clock: Clock,
        region: str,
        only: ListFilter,
        tell: TellTrouble,
    ) -> None:
        """Trouble that may pass is waited out, and reported to `tell`."""
        super().__init__(aws, clock, region, only)
        self._teller = tell

    async def machine_of(self, named: Named) -> str:
        """Return the ARN of the state machine, or Map Run, that executions are of.

        Raises UsageError for a child of a Map Run, whose ARN does not name the Map Run.
        """
        if isinstance(named, ExecutionArn) and named.is_of_map_run:
            name = clean(named.name, LONGEST_NAME)
            msg = f"{name} is a child of a Map Run, which its ARN does not name."
            raise UsageError(msg, hint="Give the ARN of the Map Run.")
        if isinstance(named, ExecutionArn):
            return named.state_machine_arn
        return await self.arn_of(named)

    async def finished(self, machine_arn: str, most: int) -> list[ListedExecution]:
        """Return the executions that ended last, the newest end first."""
        executions: dict[str, ListedExecution] = {}
        size = max(_SMALLEST_PAGE, min(most, _LARGEST_PAGE))
        async for page, _ in self._executions(machine_arn, size):
            for execution in page:
                if not execution.running and execution.stopped_at is not None:
                    executions[execution.arn] = execution
            if len(executions) >= most:
                break
        ended = sorted(
            executions.values(),
            key=lambda execution: (stamp(execution.stopped_at), execution.arn),
            reverse=True,
        )
        return ended[:most]

    async def history(self, execution_arn: str) -> list[Received]:
        """Return the events of an execution, in the order of their ids.

        It is empty for an execution that does not exist any more, and for a history
        that can't be read to its end.
        """
        try:
            return await self._read_history(execution_arn)
        except RefusedError as error:
            # AWS lists an execution for a while after its history is gone.
            if isinstance(error.__cause__, Failure) and error.__cause__.code == _GONE:
                return []
            raise

    async def _read_history(self, execution_arn: str) -> list[Received]:
        self.subject = execution_arn
        request = self.request(
            "states:GetExecutionHistory",
            _EventPage,
            "its history",
            executionArn=execution_arn,
            maxResults=_LARGEST_PAGE,
            includeExecutionData=False,
        )
        events: dict[int, Received] = {}
        async for page in self.pages(request, ceiling=MOST_EVENTS, is_dense=True):
            for data in map(bytes, page.value.events):
                # Nobody watched it: an event has no time at which it was received.
                received = Received(None, RecordKind.HISTORY, execution_arn, data)
                with suppress(msgspec.ValidationError):
                    events[msgspec.json.decode(data, type=_EventId).id] = received
        if self.unfinished:
            return []
        return [events[event_id] for event_id in sorted(events)]


def refuse_express(execution: ExecutionArn) -> None:
    """Raise RefusedError for an Express execution: AWS lists none of its machine."""
    if execution.is_express:
        name = clean(execution.state_machine_name, LONGEST_NAME)
        raise RefusedError(f"{name} is {EXPRESS}")
