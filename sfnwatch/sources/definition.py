"""The definition that an execution runs by, requested beside its history.

A history is useful without its definition, so it never waits for it. The end of a watch
waits a moment for it. The requests end once nothing needs the definition any more.
"""

from msgspec import Struct

from sfnwatch.model.records import RecordKind
from sfnwatch.sources.answers import CallsAws, Failure, Text
from sfnwatch.sources.polling import FORBIDDEN, PollingSource, WatchContext
from sfnwatch.sources.targets import Target

_OPERATION = "states:DescribeStateMachineForExecution"
_NOT_KNOWN = "The definition is not known: states that have not run are not shown."


class _Defined(Struct, rename="camel"):
    """The required fields of DescribeStateMachineForExecution's answer."""

    state_machine_arn: Text
    definition: Text


class DefinitionSource(PollingSource):
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
        """The message of the latest failure."""

    def judge(self, failure: Failure) -> None:
        self._trouble = failure.message
        self._target.definition_settled = True

    @property
    def _is_over(self) -> bool:
        """True once every history has ended and no calls are awaited any more."""
        return self.targets.finished and not self.targets.calls_awaited

    async def read(self) -> str:
        # AWS has answered before, so a failure from now on is tried again and again.
        self.succeeded()
        await self.while_awaited(self._ask(), lambda: self._is_over)
        self._target.definition_settled = True
        if self._is_known:
            return ""
        return f"{_NOT_KNOWN} {self._trouble}".rstrip()

    async def _ask(self) -> None:
        """Ask until there is an answer or AWS refuses."""
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
            # The role is known now, so its calls can be looked up without a history.
            self._target.do_without_history()
