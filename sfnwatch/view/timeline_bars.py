"""The bars of a timeline chart, with the calls and ends that are drawn on them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct, field

from sfnwatch.analysis.completion import Completion
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.execution_list import ListedExecution
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.link import Link
from sfnwatch.model.map_runs import ExecutionCounts
from sfnwatch.model.times import duration
from sfnwatch.model.visits import StateVisit

_CONTAINER_TYPES = frozenset({"Map", "Parallel"})


class BarKind(StrEnum):
    """The kinds of bars."""

    EXECUTION = "execution"
    STATE = "state"
    BRANCH = "branch"
    """Several states in one branch of a Parallel or one iteration of a Map."""
    TASK = "task"
    """A task whose states ECS reported."""
    UNREAD = "unread"
    """The executions of a Map Run whose histories were not read."""


class Bar(Struct, eq=False):
    """One row of the chart, with the rows below it."""

    key: str
    line_key: str
    """The key of the line in the lanes with which it begins."""
    kind: BarKind
    execution_arn: str
    status: str
    """The status, in the words of a visit's status."""
    begin: datetime
    end: datetime
    """The time of its end, or the time up to which it runs so far."""
    name: str
    """The name from AWS, not cleaned. An iteration's name has its number."""
    visits: Sequence[StateVisit] = ()
    """A state's one visit, or the visits at the top of a branch or an execution."""
    inside: list["Bar"] = field(default_factory=list)
    folded: bool = False
    """True for a bar that begins folded."""
    states: Sequence[TaskState] = ()
    counts: ExecutionCounts | None = None
    """The progress of its Map Run's executions."""
    listed: Sequence[ListedExecution] = ()
    guides: str = ""
    """The tree's guide lines before its name, set when bars are listed."""
    open: bool | None = None
    """True for an open bar, set when bars are listed; None if nothing is inside."""

    @property
    def visit(self) -> StateVisit | None:
        return self.visits[0] if self.kind is BarKind.STATE else None

    @property
    def is_container(self) -> bool:
        return self.visit is not None and self.visit.type in _CONTAINER_TYPES

    @property
    def length(self) -> str:
        """Its duration in words, without pauses; empty for unread executions."""
        if self.kind is BarKind.UNREAD:
            return ""  # their times are not known
        seconds = (self.end - self.begin).total_seconds()
        if self.visit is not None:
            seconds -= self.visit.paused
        return duration(max(0.0, seconds))


class Tick(NamedTuple):
    """A call, as a point on its bar."""

    at: datetime
    call: ApiCall
    link: Link

    @property
    def role(self) -> CallRole:
        return self.link.role

    @property
    def failed(self) -> bool:
        return self.call.error_code is not None


class BarEnd(NamedTuple):
    """The end of a try, a state or a bar."""

    at: datetime
    status: str
    completion: Completion | None = None
    """How Step Functions learned of the end."""


def with_inner_bars(bars: Iterable[Bar]) -> Iterator[Bar]:
    """Yield bars and all bars inside of them, in the order of the tree."""
    stack = list(bars)
    stack.reverse()
    while stack:
        bar = stack.pop()
        yield bar
        stack.extend(reversed(bar.inside))


def visits_on(bar: Bar) -> Iterator[tuple[str, StateVisit]]:
    """Yield the state visits of a bar, and those of all inner bars if it is closed.

    Each comes with the ARN of its execution.
    """
    bars = with_inner_bars([bar]) if bar.open is False else [bar]
    for inner in bars:
        if inner.visit is not None:
            yield inner.execution_arn, inner.visit
