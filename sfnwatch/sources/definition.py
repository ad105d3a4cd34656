"""The definition that an execution runs by, asked for beside its history.

A history is worth reading without it, so nothing waits for it: neither the history nor,
for longer than a moment, the end of the watch. It is asked for until it is there, or
nobody needs it any more.
"""

import asyncio

from msgspec import Struct

from sfnwatch.model.records import RecordKind
from sfnwatch.sources.answers import CallsAws, Failure, Text
from sfnwatch.sources.polling import FORBIDDEN, PollingSource, WatchContext
from sfnwatch.sources.targets import Target

_OPERATION = "states:DescribeStateMachineForExecution"
_LAST_WAIT = 1.0
"""Seconds for which a watch that is over waits for an answer that is under way."""
_LOOK = 0.25
"""Seconds between looks whether the watch is over."""
_NOT_KNOWN = "The definition is not known: states that have not run are not shown."


class _Defined(Struct, rename="camel"):
    """What DescribeStateMachineForExecution must tell."""

    state_machine_arn: Text
    definition: Text


class Definition(PollingSource):
    """A source: reads one execution's definition, once AWS has described it."""

    def __init__(
        self, aws: CallsAws | None, context: WatchContext, target: Target
    ) -> None:
        arn = target.arn
        super().__init__(aws, context, "definition", execution_arn=arn.arn)
        self.subject = arn.arn
        self.region = arn.region
        self.always = {"executionArn": arn.arn}
        self._target = target
        self._is_known = False
        self._trouble = ""
        """What the last failure says."""

    def judge(self, failure: Failure) -> None:
        self._trouble = failure.message
        self._target.definition_settled = True

    @property
    def _is_over(self) -> bool:
        """True when every history has ended, and no calls are awaited any more."""
        return self.targets.finished and not self.targets.calls_awaited

    async def read(self) -> str:
        # AWS has described the execution: what fails from now on may pass.
        self.succeeded()
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(self._ask())
            waiting = group.create_task(self._wait_for_the_end())
            asking.add_done_callback(lambda _: waiting.cancel())
            waiting.add_done_callback(lambda _: asking.cancel())
        self._target.definition_settled = True
        if self._is_known:
            return ""
        return f"{_NOT_KNOWN} {self._trouble}".rstrip()

    async def _ask(self) -> None:
        """Ask until there is an answer, or AWS refuses it."""
        try:
            answer = await self.ask(self.request(_OPERATION, _Defined), FORBIDDEN)
        except Failure as failure:
            self._trouble = failure.message
            return
        received = self.received(RecordKind.DEFINITION, answer.body)
        self._target.observe(received)
        self.hand_on(received)
        self._is_known = True
        if self._target.history_fails:
            self._target.do_without_history()

    async def _wait_for_the_end(self) -> None:
        """Wait until the watch is over; for a first answer, a moment longer."""
        while not self._is_over:
            await self.clock.sleep(_LOOK)
        if not self._trouble:
            await self.clock.sleep(_LAST_WAIT)
