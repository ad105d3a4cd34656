"""The bars of a timeline chart, and what stands on them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct, field

from sfnwatch.analysis import phases
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
    """What a bar stands for."""

    EXECUTION = "execution"
    STATE = "state"
    BRANCH = "branch"
    """Several states in one branch of a Parallel or one iteration of a Map."""
    TASK = "task"
    """A task whose states ECS reported."""
    UNREAD = "unread"
    """The executions of a Map Run whose histories are not here."""


class Bar(Struct, eq=False):
    """One row of the chart, with the rows below it."""

    key: str
    line_key: str
    """The key in the lanes of the line that it begins with; a state's own key."""
    kind: BarKind
    execution_arn: str
    status: str
    """In a visit's words."""
    begin: datetime
    end: datetime
    """When it was over, or how far it has come."""
    name: str
    """As it came from AWS, and not cleaned. An iteration's name has its number."""
    visits: Sequence[StateVisit] = ()
    """A state's one visit, or those of the branch or execution, in order."""
    inside: list["Bar"] = field(default_factory=list)
    folded: bool = False
    """True for a bar that begins folded."""
    states: Sequence[TaskState] = ()
    counts: ExecutionCounts | None = None
    """How the executions of its Map Run are doing."""
    listed: Sequence[ListedExecution] = ()
    guides: str = ""
    """The lines of the tree before its name, as it was listed last."""
    open: bool | None = None
    """True if it was open when listed last; None where there is nothing to fold."""

    @property
    def visit(self) -> StateVisit | None:
        return self.visits[0] if self.kind is BarKind.STATE else None

    @property
    def is_container(self) -> bool:
        return self.visit is not None and self.visit.type in _CONTAINER_TYPES

    @property
    def length(self) -> str:
        """How long it is, without the time in which it stood still."""
        if self.kind is BarKind.UNREAD:
            return ""  # nothing is known of it
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
    """How a try, or a state, ended."""

    at: datetime
    status: str
    completion: phases.Completion | None = None
    """How Step Functions learned of the end."""


def with_inner_bars(bars: Iterable[Bar]) -> Iterator[Bar]:
    """Yield bars and all that is inside of them, in the order of the tree."""
    stack = list(bars)
    stack.reverse()
    while stack:
        bar = stack.pop()
        yield bar
        stack.extend(reversed(bar.inside))


def visits_on(bar: Bar) -> Iterator[tuple[str, StateVisit]]:
    """Yield the visits that a bar stands for, in the order they were entered."""
    bars = with_inner_bars([bar]) if bar.open is False else [bar]
    for inner in bars:
        if inner.visit is not None:
            yield inner.execution_arn, inner.visit
