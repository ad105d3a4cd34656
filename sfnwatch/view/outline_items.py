"""The items that can be a line: events, calls, tasks' states, folds and back-offs."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.linking.link import AttemptKey

SortKey = tuple[Any, ...]
"""The key by which items are sorted; no two items have the same key."""


class FoldKind(StrEnum):
    """The kinds of folds, by their contents."""

    POLLS = "polls"
    """Polls of the same kind by one attempt, without the first and the last of them."""
    VISIT = "visit"
    """A Parallel or a Map with all items in it."""
    BRANCH = "branch"
    """A branch of a Parallel, or an iteration of a Map."""
    CHILD = "child"
    """A child execution with all items in it."""
    MAP_RUN = "map-run"
    """A Map Run with its executions."""


class Fold(Struct, eq=False):
    """Several items that can be folded; if they are, one line stands for them."""

    key: str
    kind: FoldKind
    execution_arn: str
    """The execution of the folded items; for a child execution, its parent."""
    visit_id: int
    """The visit that is folded, has the branch, polls, or started the child."""
    index: int | None = None
    """The number of a branch or an iteration."""
    child_arn: str = ""
    """The ARN of a child execution or a Map Run."""
    place: SortKey = ()
    """The place of the first item behind it."""
    attempt: AttemptKey | None = None
    """The attempt that polls."""
    members: list["Item"] = field(default_factory=list)
    """The items behind it, in order."""
    last: ApiCall | None = None
    """The shown poll after the hidden ones, in a fold of polls."""


class Backoff(Struct, eq=False):
    """The wait between a failed try and the next."""

    key: str
    place: SortKey
    execution_arn: str
    visit_id: int
    number: int
    """The number of the try after the wait, from 1."""
    scheduled_id: int
    """The id of the event that begins the try after the wait."""


Item = HistoryEvent | ApiCall | TaskState | Fold | Backoff
ItemFilter = Callable[[Item], bool]
"""True for the items that a filter keeps."""
