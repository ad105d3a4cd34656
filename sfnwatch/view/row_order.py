"""Where a trace's items stand, and which of them share a line.

Items are ordered by their times. Items of one moment are ordered by what they are:
events by their ids, then calls, whose times are whole seconds, then the states of tasks
that ECS reported.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.link import AttemptKey, Link, LinkRule
from sfnwatch.model.trace import Trace
from sfnwatch.model.visits import Attempt
from sfnwatch.view.outline_items import Item, SortKey

ANSWERED = timedelta(seconds=3)
"""A call's second, and the time its answer may take."""
ONE_SECOND = timedelta(seconds=1)
_ALWAYS = datetime.max.replace(tzinfo=UTC)
_EVENTS = 0
_CALLS = 1
_TASKS = 2
AFTER_ALL = 3
_GO_TOGETHER = (
    ("StateExited", "MapIterationSucceeded"),
    ("MapIterationStarted", "StateEntered"),
    ("StateEntered", "Scheduled"),
    ("StateEntered", "StateStarted"),
    ("Scheduled", "Started"),
)
"""What the types of two events end in that are one to the eye."""


class RowOrder:
    """Knows the places of a trace's items, and which of them share a line."""

    def __init__(self, trace: Trace, *, aligned: bool = False) -> None:
        """Order all there is; `aligned` as if all executions had started at once."""
        self._trace = trace
        self._aligned = aligned
        self.ranks: Mapping[str, tuple[Any, ...]] = {}
        """What orders the events of several executions at one moment."""
        self._shifts: Mapping[str, timedelta] = {}
        self._leaders: dict[tuple[str, int], HistoryEvent] = {}
        """An event's leader, where it has no line of its own."""
        self._followers: dict[tuple[str, int], list[HistoryEvent]] = {}
        self._attached: dict[AttemptKey, tuple[HistoryEvent, ApiCall]] = {}
        """The action calls that stand on the line of the phase that tells of them."""
        self._called_after: dict[str, datetime] = {}
        """The moments of the events that calls of their seconds come after, by the
        calls' event ids."""
        self.rank_executions()
        for event_id in trace.links:
            self.place_call(trace.calls[event_id])

    def rank_executions(self) -> bool:
        """Look in which order executions stand; True if one stands elsewhere now."""
        lineage = self._trace.lineage
        starts = {
            arn: (execution.as_of(None).started_at or _ALWAYS, arn)
            for arn, execution in self._trace.executions.items()
        }
        roots = {arn: starts[lineage.root_of(arn)] for arn in starts}
        ranks = {
            arn: ((roots[arn], lineage.level(arn)), own) for arn, own in starts.items()
        }
        before = self.ranks
        self.ranks = ranks
        # Of one more others take no notice, but where it is the first, or aligned.
        known = ranks if self._aligned or not before else before
        changed = any(before.get(arn) != ranks[arn] for arn in known)
        if self._aligned:
            begun = {arn: at for arn, (at, _) in roots.items() if at is not _ALWAYS}
            first = min(begun.values(), default=_ALWAYS)
            self._shifts = {arn: at - first for arn, at in begun.items()}
        return changed

    def shown_at(self, at: datetime, arn: str | None) -> datetime:
        """Give the time at which something of an execution is shown."""
        shift = self._shifts.get(arn or "")
        return at - shift if shift else at

    def unshifted(self, at: datetime, arn: str | None) -> datetime:
        """Give the time of its own of something that is shown at a time."""
        shift = self._shifts.get(arn or "")
        return at + shift if shift else at

    def place(self, item: Item) -> SortKey:
        """Give where an item stands."""
        if isinstance(item, HistoryEvent):
            arn = item.execution_arn
            around, own = self.ranks[arn]
            return (self.shown_at(item.at, arn), _EVENTS, around, item.id, own, 0)
        if isinstance(item, ApiCall):
            link = self._trace.links.get(item.event_id)
            called_at = self._called_after.get(item.event_id, item.event_time)
            at = self.shown_at(called_at, link.execution_arn if link else None)
            return (at, _CALLS, item.event_time, item.event_id)
        if isinstance(item, TaskState):
            return (item.at, _TASKS, item.task_arn, item.version)
        return item.place

    def place_call(self, call: ApiCall) -> None:
        """Look where a call stands, which is new or is matched otherwise than before.

        Its time is a whole second. One that names a job comes after the event of that
        second which first tells of the job: nobody can name it before.
        """
        self._called_after.pop(call.event_id, None)
        event = self._first_telling(self._trace.links.get(call.event_id))
        if event is not None:
            begun = call.event_time
            if begun <= event.at < begun + ONE_SECOND:
                self._called_after[call.event_id] = event.at

    def _first_telling(self, link: Link | None) -> HistoryEvent | None:
        """Find the event that first tells of the job which a call names."""
        if link is None or link.key is None or link.rule is not LinkRule.RESOURCE_ID:
            return None
        execution = self._trace.executions[link.key[0]]
        visit = execution.visits.get(link.visit_id or 0)
        attempt = visit.attempt(link.attempt_id) if visit is not None else None
        if attempt is None or link.role is CallRole.ACTION:
            return None
        return execution.events.get(attempt.job_told_by)

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

    def attach(self, attempts: Mapping[AttemptKey, Attempt]) -> set[str]:
        """Look which action calls stand on which lines of attempts.

        Give those that have come to stand on one, or stand on none any more.
        """
        old = [self._attached.pop(key) for key in attempts if key in self._attached]
        # Only now: a call may go from one attempt to another.
        found = {key: self._attachment(key, each) for key, each in attempts.items()}
        new = {key: pair for key, pair in found.items() if pair is not None}
        self._attached |= new
        before, now = ({call.event_id for _, call in e} for e in (old, new.values()))
        return before ^ now

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

    def attached_to(self, call: ApiCall) -> HistoryEvent | None:
        """Give the event on whose line a call stands."""
        link = self._trace.links.get(call.event_id)
        found = self._attached.get(link.key) if link and link.key else None
        return found[0] if found is not None and found[1] is call else None

    def attached_call(self, event: HistoryEvent) -> ApiCall | None:
        """Give the call that stands on an event's line."""
        for each in (event, *self.followers(event)):
            found = self._attached.get((each.execution_arn, each.attempt_id))
            if found is not None and found[0] is event:
                return found[1]
        return None


def _is_one(before: HistoryEvent, event: HistoryEvent) -> bool:
    """True if an event and what follows it by its own account are one to the eye."""
    first = before.type
    second = event.type
    if event.at - before.at >= ONE_SECOND:
        return False
    if second.endswith("StateExited"):
        if first.endswith("StateEntered"):
            return before.visit_id == event.visit_id
        return first.endswith("Succeeded") and before.attempt_id > 0
    # That a Task is scheduled at once, and started, goes without saying.
    return any(
        second.endswith(ending) and first.endswith(beginning)
        for beginning, ending in _GO_TOGETHER
    )
