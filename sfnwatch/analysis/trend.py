"""How long a state machine's executions and states take, and how often they fail.

The figures are over many finished executions; one execution is compared with them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from statistics import quantiles

from msgspec import Struct, field

from sfnwatch.analysis.phases import seconds_taken
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.times import seconds_between

_TROUBLE = frozenset({"failed", "timed_out", "caught"})
"""The statuses of visits that count as failures, also where a Catch handled them."""
_SUCCEEDED = "SUCCEEDED"
_COLONS = 6
"""The colons before the name in an ARN of Step Functions."""


class StateVisits(Struct):
    """The visits of one or more executions to a state."""

    name: str
    type: str
    succeeded_seconds: list[float] = field(default_factory=list)
    """The length of each visit that succeeded."""
    failures: int = 0
    others: int = 0
    """Visits that neither succeeded nor failed, such as aborted ones."""

    @property
    def count(self) -> int:
        return len(self.succeeded_seconds) + self.failures + self.others


class ExecutionLengths(Struct, frozen=True):
    """The length of an execution, and of its visits to states."""

    arn: str
    status: str
    """AWS's word."""
    seconds: float
    """From start to end, without the time before redrives; if it runs, so far."""
    started_at: datetime | None
    states: Mapping[str, StateVisits]
    """By the state's name, which is unique in a state machine; in order of entering."""

    @classmethod
    def of(cls, execution: ExecutionAsOf, now: datetime) -> "ExecutionLengths":
        """Measure an execution; `now` is the end of what has not ended."""
        states: dict[str, StateVisits] = {}
        for visit in execution.visits:
            if visit.running and execution.running:
                continue
            state = states.setdefault(visit.name, StateVisits(visit.name, visit.type))
            if visit.status == "succeeded":
                state.succeeded_seconds.append(seconds_taken(visit, now))
            elif visit.status in _TROUBLE:
                state.failures += 1
            else:
                state.others += 1
        begin = execution.started_at
        end = execution.stopped_at or now
        seconds = 0.0
        if begin is not None:
            seconds = seconds_between(begin, end) - execution.paused_seconds
            seconds = max(0.0, seconds)
        return cls(execution.arn, execution.status, seconds, begin, states)


class Percentiles(Struct, frozen=True):
    """How long something takes, in seconds; None without a length."""

    p50: float | None = None
    p95: float | None = None

    def times_usual(self, seconds: float | None) -> float | None:
        """Return how many times the usual length a length is; None if not known."""
        if seconds is None or not self.p50:
            return None
        return seconds / self.p50


def percentiles(lengths: Iterable[float]) -> Percentiles:
    """Return the 50th and the 95th percentile of lengths in seconds."""
    every = sorted(lengths)
    if not every:
        return Percentiles()
    if len(every) == 1:
        return Percentiles(every[0], every[0])
    cuts = quantiles(every, n=100, method="inclusive")
    return Percentiles(cuts[49], cuts[94])


class StateTrend(Struct, frozen=True):
    """The figures of one state."""

    name: str
    type: str
    count: int
    """The number of visits."""
    failures: int
    usual: Percentiles
    given_seconds: float | None = None
    """The median of the given execution's visits that succeeded; None without any."""

    @property
    def times_usual(self) -> float | None:
        return self.usual.times_usual(self.given_seconds)


class Trend(Struct, frozen=True):
    """The figures of a state machine over its last finished executions."""

    state_machine_arn: str
    """Or the ARN of a Map Run, or of an alias or a version of a state machine."""
    executions: Sequence[ExecutionLengths]
    """The newest end first, without the given one."""
    given: ExecutionLengths | None = None
    """The execution that is compared with the others."""
    unread: int = 0
    """The number of finished executions whose histories could not be read."""

    @property
    def name(self) -> str:
        """The name in the ARN, with an alias or a version."""
        return ":".join(self.state_machine_arn.split(":")[_COLONS:])

    @property
    def statuses(self) -> Counter[str]:
        return Counter(execution.status for execution in self.executions)

    @property
    def succeeded(self) -> list[ExecutionLengths]:
        return [each for each in self.executions if each.status == _SUCCEEDED]

    @property
    def usual(self) -> Percentiles:
        """The length of an execution that succeeds."""
        return percentiles(execution.seconds for execution in self.succeeded)

    @property
    def times_usual(self) -> float | None:
        """The given execution's length as a multiple of the usual length."""
        return self.usual.times_usual(self.given.seconds) if self.given else None

    @property
    def states(self) -> list[StateTrend]:
        """The states of the newest execution as it entered them, then all others."""
        visits: dict[str, StateVisits] = {}
        every = [*self.executions]
        if self.given is not None:
            every.append(self.given)
        for execution in every:
            for state in execution.states.values():
                whole = visits.setdefault(
                    state.name, StateVisits(state.name, state.type)
                )
                if execution is not self.given:
                    whole.succeeded_seconds += state.succeeded_seconds
                    whole.failures += state.failures
                    whole.others += state.others
        return [self._state(state) for state in visits.values()]

    def _state(self, state: StateVisits) -> StateTrend:
        given_seconds = None
        if self.given is not None and state.name in self.given.states:
            own = self.given.states[state.name].succeeded_seconds
            given_seconds = percentiles(own).p50
        return StateTrend(
            state.name,
            state.type,
            state.count,
            state.failures,
            percentiles(state.succeeded_seconds),
            given_seconds,
        )
