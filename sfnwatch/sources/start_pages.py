"""Pages of what executions are found by: asked for within the quota, and noted.

An account's quota of ListExecutions is as low as 2 a second, shared with everybody: no
more than half of that is taken, after a burst of a fifth of the bucket.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sfnwatch.clock import Clock
from sfnwatch.errors import RefusedError
from sfnwatch.sources.aws import Aws
from sfnwatch.sources.drive import Failure
from sfnwatch.sources.ledger import Ledger
from sfnwatch.sources.pacing import Backoff, TokenBucket
from sfnwatch.sources.trouble import StalePageError, code_of
from sfnwatch.trace.events import Batch, HealthState, Received
from sfnwatch.trace.listed import Listed, decode_listed
from sfnwatch.trace.payload import text_of
from sfnwatch.trace.text import clean

TRIES = 5
_RATE, _BURST = 1.0, 20.0
"""ListExecutions a second, and at once."""
_RUNS_RATE = 0.5
"""ListMapRuns a second: its quota is 1."""
_FINAL = frozenset({HealthState.REFUSED, HealthState.DENIED})
_NO_MAP_RUN = "ResourceNotFound"
"""What AWS answers where there is no such Map Run."""
_LIMIT = 200
_EXPRESS = (
    "an Express state machine: AWS lists no executions of those. Give the ARN of one,"
    " arn:aws:states:REGION:ACCOUNT:express:STATE_MACHINE:NAME:ID."
)


class DeniedError(RefusedError):
    """A permission is missing, here: for another state machine it may be there."""


class Machine(Struct, frozen=True):
    """A state machine, as ListStateMachines has it."""

    arn: str
    name: str
    express: bool

    def refuse_express(self) -> None:
        """Raise RefusedError for one whose executions AWS does not list."""
        if self.express:
            raise RefusedError(f"{clean(self.name, _LIMIT)} is {_EXPRESS}")


class MachinePage(Struct, frozen=True):
    machines: tuple[Machine, ...]
    token: str | None
    """Where to go on; None at the end."""


class ExecutionPage(Struct, frozen=True):
    executions: tuple[Listed, ...]
    token: str | None


class MapRunPage(Struct, frozen=True):
    arns: tuple[str, ...]
    token: str | None


class StartPages:
    """Asks one Region of an account for state machines, executions and Map Runs."""

    def __init__(
        self, aws: Aws, clock: Clock, region: str, *, tries: int = TRIES
    ) -> None:
        self._aws, self._clock, self.region = aws, clock, region
        self.tries = tries
        """Tries at most, where only trouble that may pass came back."""
        self._bucket = TokenBucket(_RATE, _BURST, clock)
        self._runs_bucket = TokenBucket(_RUNS_RATE, _BURST, clock)
        self._ledger = Ledger(clock)
        self._noted: list[Received] = []

    def take(self) -> Batch:
        """Hand over what was asked since the last time, for a recording."""
        self.note(self._ledger)
        noted, self._noted = self._noted, []
        return tuple(sorted(noted, key=lambda told: str(told.data["sent_at"])))

    def note(self, ledger: Ledger) -> None:
        """Take in what a ledger of requests beside others has noted."""
        self._noted += ledger.take()

    async def machines(
        self, *, size: int, note: str, token: str | None = None
    ) -> MachinePage:
        """Ask for a page of state machines. Raises RefusedError."""
        answer = await self._ask(
            ("ListStateMachines", self.region, note, "stateMachines"),
            self._ledger,
            patient=True,
            maxResults=size,
            **_given(nextToken=token),
        )
        found = map(_machine, answer["stateMachines"])
        return MachinePage(tuple(m for m in found if m.arn), _token(answer))

    async def executions(
        self,
        arn: str,
        *,
        size: int,
        status: str | None = None,
        token: str | None = None,
        ledger: Ledger | None = None,
        patient: bool = True,
    ) -> ExecutionPage:
        """Ask for a page of the executions of a state machine, or of a Map Run.

        Raises RefusedError. Without patience trouble that may pass is the caller's to
        wait out: it is raised as a Failure. What is asked beside other requests needs
        a ledger of its own.
        """
        await self._bucket.take()
        note = f"{status.lower()} executions" if status else "newest executions"
        of = "mapRunArn" if ":mapRun:" in arn else "stateMachineArn"
        answer = await self._ask(
            ("ListExecutions", called(arn), note, "executions"),
            ledger or self._ledger,
            patient=patient,
            maxResults=size,
            **_given(**{of: arn}, statusFilter=status, nextToken=token),
        )
        listed = map(decode_listed, answer["executions"])
        found = tuple(each for each in listed if each is not None)
        return ExecutionPage(found, _token(answer))

    async def map_runs(
        self, execution_arn: str, *, size: int, token: str | None = None
    ) -> MapRunPage:
        """Ask for a page of an execution's Map Runs. Raises RefusedError."""
        await self._runs_bucket.take()
        answer = await self._ask(
            ("ListMapRuns", called(execution_arn), "its Map Runs", "mapRuns"),
            self._ledger,
            patient=True,
            maxResults=size,
            **_given(executionArn=execution_arn, nextToken=token),
        )
        found = (text_of(item.get("mapRunArn")) for item in answer["mapRuns"])
        return MapRunPage(tuple(arn for arn in found if arn), _token(answer))

    async def _ask(
        self,
        what: tuple[str, str, str, str],
        ledger: Ledger,
        *,
        patient: bool,
        **kwargs: Any,
    ) -> Mapping[str, Any]:
        """Ask once; and again, if patient, while that may help."""
        operation, subject, note, brings = what
        backoff, subject = Backoff(0.5, 8.0), clean(subject, _LIMIT)
        while True:
            try:
                with ledger.asking(note) as asked:
                    answer: Mapping[str, Any] = await self._aws.call(
                        f"states:{operation}", subject, self.region, **kwargs
                    )
                    asked.brought(len(answer[brings]))
                    return answer
            except StalePageError as stale:
                msg = f"{operation} on {subject}: the list is too old to go on with."
                raise RefusedError(msg, hint="Begin it again.") from stale
            except Failure as failure:
                hopeless = patient and backoff.failures + 1 >= self.tries
                if hopeless or failure.state in _FINAL or _code(failure) == _NO_MAP_RUN:
                    raise refusal(failure, subject) from failure
                if not patient:
                    raise
                await self._clock.sleep(max(failure.at_least, backoff.next()))


def refusal(failure: Failure, subject: str) -> RefusedError:
    """Make a failure that nobody waits for to pass into the end of it."""
    if _code(failure) == "StateMachineTypeNotSupported":
        return RefusedError(f"{subject} is {_EXPRESS}")
    if failure.state is HealthState.DENIED:
        return DeniedError(failure.message)
    return RefusedError(failure.message)


def _code(failure: Failure) -> str:
    return code_of(failure.__cause__) if failure.__cause__ else ""


def called(arn: str) -> str:
    """Name a state machine or a Map Run by the end of its ARN."""
    return clean(":".join(arn.split(":")[6:]) or arn, _LIMIT)


def _machine(item: Mapping[str, Any]) -> Machine:
    return Machine(
        arn=text_of(item.get("stateMachineArn")) or "",
        name=text_of(item.get("name")) or "",
        express=item.get("type") == "EXPRESS",
    )


def _given(**parameters: str | None) -> dict[str, str]:
    return {key: value for key, value in parameters.items() if value}


def _token(answer: Mapping[str, Any]) -> str | None:
    return text_of(answer.get("nextToken"))
