"""Where each thing of a trace stands among the others, and what shares a line with it.

By its time and, at one moment, by what it is: events by their ids, then calls, whose
times are whole seconds, then what ECS told of tasks.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from sfnwatch.next.model.api_call import ApiCall
from sfnwatch.next.model.ecs_task import TaskState
from sfnwatch.next.model.history import HistoryEvent
from sfnwatch.next.model.integrations import CallRole
from sfnwatch.next.model.links import AttemptKey
from sfnwatch.next.model.trace import Trace
from sfnwatch.next.model.visits import Attempt

Place = tuple[Any, ...]
"""Sorts items; of no two items the same."""
ANSWERED = timedelta(seconds=3)
"""A call's second, and the time its answer may take."""
_SECOND = timedelta(seconds=1)
_ALWAYS = datetime.max.replace(tzinfo=UTC)
_EVENTS, _CALLS, _TASKS = range(3)


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
    """A line that stands for several items."""

    key: str
    kind: FoldKind
    place: Place
    execution_arn: str
    """Of a child execution its parent's."""
    visit_id: int
    """The one folded, the one a branch is of, the one that polls, or started it."""
    index: int | None = None
    """Which branch."""
    child_arn: str = ""
    """The child execution's, or the Map Run's."""
    attempt: AttemptKey | None = None
    """The attempt that polls."""
    members: list["Item"] = field(default_factory=list)
    """What stands behind it, in order."""
    last: ApiCall | None = None
    """The poll after those that are hidden, which is shown."""


class Backoff(Struct, eq=False):
    """The wait between a failed try and the next."""

    key: str
    place: Place
    execution_arn: str
    visit_id: int
    number: int
    """Of the try that it leads to, from 1."""
    scheduled_id: int
    """The event that begins that try."""


Item = HistoryEvent | ApiCall | TaskState | Fold | Backoff


class RowOrder:
    """Knows the places of a trace's items, and which of them share a line."""

    def __init__(self, trace: Trace, *, aligned: bool = False) -> None:
        """Order all there is; `aligned` as if all executions had started at once."""
        self._trace, self._aligned = trace, aligned
        self.ranks: Mapping[str, tuple[Any, ...]] = {}
        """What orders the events of several executions at one moment."""
        self._shifts: Mapping[str, timedelta] = {}
        self._leaders: dict[tuple[str, int], HistoryEvent] = {}
        """An event's leader, where it has no line of its own."""
        self._followers: dict[tuple[str, int], list[HistoryEvent]] = {}
        self._attached: dict[AttemptKey, tuple[HistoryEvent, ApiCall]] = {}
        """The action calls that stand on the line of the phase that tells of them."""
        self._attached_at: dict[str, ApiCall] = {}
        self._is_attached: set[str] = set()
        self.rank_executions()

    # -- places --------------------------------------------------------------------

    def rank_executions(self) -> bool:
        """Look in which order executions stand; True if that has changed."""
        lineage = self._trace.lineage
        starts = {
            arn: (execution.as_of(None).started_at or _ALWAYS, arn)
            for arn, execution in self._trace.executions.items()
        }
        roots = {arn: starts[lineage.root_of(arn)] for arn in starts}
        ranks = {
            arn: ((roots[arn], lineage.level(arn)), own) for arn, own in starts.items()
        }
        changed = ranks != self.ranks
        self.ranks = ranks
        begun = [at for at, _ in roots.values() if at is not _ALWAYS]
        if self._aligned and begun:
            first = min(begun)
            self._shifts = {
                arn: at - first for arn, (at, _) in roots.items() if at is not _ALWAYS
            }
        return changed

    def shown_at(self, at: datetime, arn: str | None) -> datetime:
        """Give the time at which something of an execution is shown."""
        shift = self._shifts.get(arn or "") if self._aligned else None
        return at - shift if shift else at

    def unshifted(self, at: datetime, arn: str | None) -> datetime:
        """Give the time of its own of something that is shown at a time."""
        shift = self._shifts.get(arn or "") if self._aligned else None
        return at + shift if shift else at

    def place(self, item: Item) -> Place:
        """Give where an item stands."""
        if isinstance(item, HistoryEvent):
            arn = item.execution_arn
            around, own = self.ranks[arn]
            return (self.shown_at(item.at, arn), _EVENTS, around, item.id, own, 0)
        if isinstance(item, ApiCall):
            link = self._trace.links.get(item.event_id)
            at = self.shown_at(item.event_time, link.execution_arn if link else None)
            return (at, _CALLS, item.event_time, item.event_id)
        if isinstance(item, TaskState):
            return (item.at, _TASKS, item.task_arn, item.version)
        return item.place

    # -- events that are one to the eye ----------------------------------------------

    def join(self, event: HistoryEvent) -> HistoryEvent:
        """Find whose line a new event stands on: mostly its own, else its leader's."""
        arn = event.execution_arn
        events = self._trace.executions[arn].events
        before = events.get(event.previous_event_id)
        leader = before if before and _is_one(before, event) else None
        if leader is None and event.type.endswith("StateExited"):
            # A Map's exit follows its last iteration's event, not MapStateSucceeded.
            last = events.get(event.id - 1)
            if last is not None and last.type.endswith("StateSucceeded"):
                leader = last if last.visit_id == event.visit_id else None
        if leader is None:
            return event
        leader = self.leader(leader)
        self._leaders[arn, event.id] = leader
        self._followers.setdefault((arn, leader.id), []).append(event)
        return leader

    def leader(self, event: HistoryEvent) -> HistoryEvent:
        """Give the event that has the line an event stands on."""
        return self._leaders.get((event.execution_arn, event.id), event)

    def followers(self, event: HistoryEvent) -> Sequence[HistoryEvent]:
        """Give the events that stand on another's line."""
        return self._followers.get((event.execution_arn, event.id), ())

    # -- calls that stand on the line of what tells of them --------------------------

    def attach(self, key: AttemptKey, attempt: Attempt | None) -> bool:
        """Look which action call stands on which line of an attempt.

        True if it is another call than before.
        """
        old = self._attached.pop(key, None)
        if old is not None:
            del self._attached_at[old[0].key]
            self._is_attached.discard(old[1].event_id)
        new = self._attachment(key, attempt) if attempt is not None else None
        if new is not None:
            self._attached[key] = new
            self._attached_at[new[0].key] = new[1]
            self._is_attached.add(new[1].event_id)
        return (old and old[1]) is not (new and new[1])

    def _attachment(
        self, key: AttemptKey, attempt: Attempt
    ) -> tuple[HistoryEvent, ApiCall] | None:
        """Find the action call, and the line of the event at which it was answered."""
        number = attempt.submitted_by or (
            attempt.ended_by if attempt.ended_at else attempt.started_by
        )
        event = self._trace.executions[key[0]].events.get(number or key[1])
        if event is None:
            return None
        for call in self._trace.calls_of.get(key, ()):
            role = self._trace.links[call.event_id].role
            answer = attempt.answered_at - call.event_time
            if role is CallRole.ACTION and timedelta(0) <= answer < ANSWERED:
                return self.leader(event), call
        return None

    def attachment(self, key: AttemptKey) -> tuple[HistoryEvent, ApiCall] | None:
        """Give an attempt's action call and the event on whose line it stands."""
        return self._attached.get(key)

    def is_attached(self, call: ApiCall) -> bool:
        """True for a call that stands on the line of an event."""
        return call.event_id in self._is_attached

    def attached_to(self, call: ApiCall) -> HistoryEvent | None:
        """Give the event on whose line a call stands."""
        link = self._trace.links.get(call.event_id)
        found = self._attached.get(link.key) if link and link.key else None
        return found[0] if found is not None and found[1] is call else None

    def attached_call(self, event: HistoryEvent) -> ApiCall | None:
        """Give the call that stands on an event's line."""
        return self._attached_at.get(event.key)


def _is_one(before: HistoryEvent, event: HistoryEvent) -> bool:
    """True if an event and what follows it by its own account are one to the eye."""
    first, second = before.type, event.type
    if event.at - before.at >= _SECOND:
        return False
    if second.endswith("StateExited"):
        if first.endswith("StateEntered"):
            return before.visit_id == event.visit_id
        return first.endswith("Succeeded") and before.attempt_id > 0
    if second == "MapIterationSucceeded":
        return first.endswith("StateExited")
    if second.endswith("StateEntered"):
        return first == "MapIterationStarted"
    if second.endswith("Scheduled"):
        # That a Task is scheduled at once, and started, goes without saying.
        return first.endswith("StateEntered")
    if not second.endswith("Started"):
        return False
    if second.endswith("StateStarted"):
        return first.endswith("StateEntered")
    return first.endswith("Scheduled")
