"""What a line of the lanes is: a reference, not text.

A history has up to 25,000 events, and only what is on the screen is put into words.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from msgspec import Struct

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.heads import Head
from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.links import Link
from sfnwatch.trace.nests import Nest
from sfnwatch.trace.notice import Notice
from sfnwatch.trace.redrives import Redrive
from sfnwatch.trace.task_states import TaskState
from sfnwatch.trace.visits import StateVisit

ANSWERED = timedelta(seconds=3)
"""A call's second, and the time its answer may take."""


class Lane(StrEnum):
    STATES = "states"
    CALLS = "calls"
    TASKS = "tasks"
    """What ECS told of the tasks themselves."""


TASKS = "ecs task"
"""Stands where calls have their event source; none of AWS's has a blank."""


class Kind(StrEnum):
    """What a row stands for."""

    EXECUTION = "execution"
    ENTERED = "entered"
    PASSED = "passed"
    """Entered and exited at once, with nothing in between: one row is enough."""
    PHASE = "phase"
    EXITED = "exited"
    OTHER = "other"
    CHILD = "child"
    """The start of an execution that another one began."""
    MAP_RUN = "map-run"
    """The start of a Map Run."""
    CALL = "call"
    TASK = "task"


class Row(Struct, frozen=True):
    """One line of the lanes."""

    at: datetime
    key: str
    """What the row is about, the same however many rows come before it."""
    kind: Kind
    lane: Lane
    execution_arn: str | None = None
    depth: int = 0
    events: tuple[HistoryEvent, ...] = ()
    visit: StateVisit | None = None
    attempt: Attempt | None = None
    caller: StateVisit | None = None
    """The state whose attempt a call is tied to, or began the task."""
    call: ApiCall | None = None
    task: TaskState | None = None
    link: Link | None = None
    number: int | None = None
    """Which poll of its attempt a call is, from 1."""
    gap: float | None = None
    """Seconds since the attempt's call before."""
    sure: bool = True
    """False where a call between it and the one before may still come in."""
    since: float | None = None
    """Seconds since its action call or, where that is not known, since its answer."""
    notice: Notice | None = None
    error: str | None = None
    """What a Fail state ended with; its own event does not say."""
    causes: str | None = None
    """The key of the row of the call that this phase made, or led to."""
    redrive: Redrive | None = None
    """What took the execution up again after it had ended."""
    nest: Nest | None = None
    """What the row is inside of, or the start of; None in executions that nothing
    began."""

    @property
    def root_arn(self) -> str | None:
        """The execution around it that nothing began."""
        return self.nest.root if self.nest is not None else self.execution_arn

    @property
    def source(self) -> str:
        """Whose lane it stands in beside the states: a service's, or the tasks'."""
        if self.call is not None:
            return self.call.event_source
        return TASKS if self.task is not None else ""


def own_nest(row: Row) -> Nest | None:
    """Give the nest whose start or end a row is; None for what is inside of one."""
    return row.nest if row.kind is Kind.MAP_RUN or row.visit is None else None


_FEW = 3
"""So many keys are looked for among the rows; for more there is a map of all."""


class _Places(Mapping[str, int]):
    """Where the rows of keys are: a page is asked for few of them, mostly one."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._found: dict[str, int | None] = {}

    def __getitem__(self, key: str) -> int:
        found = self._found
        if key not in found and len(found) < _FEW:
            found[key] = self._looked_for(key)
        place = found[key] if key in found else self._all[key]
        if place is None:
            raise KeyError(key)
        return place

    def _looked_for(self, key: str) -> int | None:
        """Look from the end, where most is asked for."""
        rows = self._rows
        ahead = range(len(rows) - 1, -1, -1)
        return next((place for place in ahead if rows[place].key == key), None)

    @cached_property
    def _all(self) -> Mapping[str, int]:
        return {row.key: place for place, row in enumerate(self._rows)}

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._rows)


@dataclass(frozen=True)
class Lanes:
    """The rows of a trace, and what was left out of them."""

    rows: tuple[Row, ...] = ()
    hidden: int = 0
    """Calls of other principals, and of X-Ray: counted, not shown."""
    heads: tuple[Head, ...] = ()
    """The executions that nothing began, by their starts."""
    nests: Mapping[str, Nest] = field(default_factory=dict)
    """What runs inside states, by its ARN, those around others first."""
    inside: int = 0
    """Executions that others began and that have no rows here."""

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """A row's key to its place."""
        return _Places(self.rows)
