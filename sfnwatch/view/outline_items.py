"""What can have a line in the lanes: an event, a call, a task's state, or a fold."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.linking.link import AttemptKey

SortKey = tuple[Any, ...]
"""Sorts items; of no two items the same."""


class FoldKind(StrEnum):
    """What several items that have one line are."""

    POLLS = "polls"
    """Like polls of one attempt, between the first and the last of them."""
    VISIT = "visit"
    """A Parallel or a Map with all that is in it."""
    BRANCH = "branch"
    """A branch of a Parallel, an iteration of a Map."""
    CHILD = "child"
    """A child execution, with all that is in it."""
    MAP_RUN = "map-run"
    """A Map Run with its executions."""


class Fold(Struct, eq=False):
    """What can be folded: if it is, a line that stands for several items."""

    key: str
    kind: FoldKind
    execution_arn: str
    """Of a child execution its parent's."""
    visit_id: int
    """The one folded, the one a branch is of, the one that polls, or started it."""
    index: int | None = None
    """Which branch."""
    child_arn: str = ""
    """The child execution's, or the Map Run's."""
    place: SortKey = ()
    """That of the first item behind it."""
    attempt: AttemptKey | None = None
    """The attempt that polls."""
    members: list["Item"] = field(default_factory=list)
    """What stands behind it, in order."""
    last: ApiCall | None = None
    """The poll after those that are hidden, which is shown."""


class Backoff(Struct, eq=False):
    """The wait between a failed try and the next."""

    key: str
    place: SortKey
    execution_arn: str
    visit_id: int
    number: int
    """Of the try that it leads to, from 1."""
    scheduled_id: int
    """The event that begins that try."""


Item = HistoryEvent | ApiCall | TaskState | Fold | Backoff
ItemFilter = Callable[[Item], bool]
"""A filter: True for what it keeps."""
