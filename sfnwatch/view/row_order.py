"""The order of a trace's items, and which of them share a line.

Items are in the order of their times. Among items of the same time, events come first,
by their ids; then calls, whose times are whole seconds; then the states of tasks that
ECS reported.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.link import AttemptKey, Link, LinkRule
from sfnwatch.model.times import ONE_SECOND
from sfnwatch.model.trace import Trace
from sfnwatch.model.visits import Attempt
from sfnwatch.view.outline_items import Item, SortKey

ANSWERED = timedelta(seconds=3)
"""An action call is on the line of its answer's event if less time lies between.

That is the second of the call, whose time has no fraction, and the time of an answer.
"""
_NO_START = datetime.max.replace(tzinfo=UTC)
"""The sort key of executions with an unknown start, which come last."""
_EVENTS = 0
_CALLS = 1
_TASKS = 2
AFTER_ALL = 3
"""In a sort key, this comes after all items of the same time."""
_ONE_LINE = (
    ("StateExited", "MapIterationSucceeded"),
    ("MapIterationStarted", "StateEntered"),
    ("StateEntered", "Scheduled"),
    ("StateEntered", "StateStarted"),
    ("Scheduled", "Started"),
)
"""The endings of the types of two events that share a line."""
_Attachment = tuple[HistoryEvent, ApiCall]
"""An event that has a line, and the action call on that line."""


class RowOrder:
    """Keeps the places of a trace's items, and which of them share a line."""

    def __init__(self, trace: Trace, *, aligned: bool = False) -> None:
        """With `aligned`, order items as if all root executions started at once."""
        self._trace = trace
        self._aligned = aligned
        self.ranks: Mapping[str, tuple[Any, ...]] = {}
        """The order of executions whose events have the same time, by ARN."""
        self._shifts: dict[str, timedelta] = {}
        self._leaders: dict[tuple[str, int], HistoryEvent] = {}
        """For each event without a line of its own, the event whose line it is on."""
        self._followers: dict[tuple[str, int], list[HistoryEvent]] = {}
        self._attached: dict[AttemptKey, _Attachment] = {}
        self._called_after: dict[str, datetime] = {}
        """The time of the event that a call follows, by the call's event id."""
        self.rank_executions()
        for event_id in trace.links:
            self.place_call(trace.calls[event_id])

    def rank_executions(self) -> bool:
        """Work out the order of executions; return True if it changed for some."""
        lineage = self._trace.lineage
        starts: dict[str, tuple[datetime, str]] = {}
        for arn, execution in self._trace.executions.items():
            starts[arn] = (execution.as_of(None).started_at or _NO_START, arn)
        ranks: dict[str, tuple[Any, ...]] = {}
        for arn, start in starts.items():
            root_start = starts[lineage.root_of(arn)]
            ranks[arn] = ((root_start, lineage.level(arn)), start)
        ranks_before = self.ranks
        self.ranks = ranks
        if self._aligned:
            self._align(ranks)
        # A new execution moves no items, unless it is the first, or all are aligned.
        compared: Iterable[str] = ranks_before
        if self._aligned or not ranks_before:
            compared = ranks
        return any(ranks_before.get(arn) != ranks[arn] for arn in compared)

    def _align(self, ranks: Mapping[str, tuple[Any, ...]]) -> None:
        """Shift each execution by its root's start, less that of the first root."""
        root_starts: dict[str, datetime] = {}
        for arn, ((root_start, _), _) in ranks.items():
            if root_start[0] is not _NO_START:
                root_starts[arn] = root_start[0]
        first = min(root_starts.values(), default=_NO_START)
        self._shifts = {arn: at - first for arn, at in root_starts.items()}

    def shown_at(self, at: datetime, arn: str | None) -> datetime:
        """Return the shown time of an item of an execution, from its real time."""
        shift = self._shifts.get(arn or "")
        return at - shift if shift else at

    def unshifted(self, at: datetime, arn: str | None) -> datetime:
        """Return the real time of an item of an execution, from its shown time."""
        shift = self._shifts.get(arn or "")
        return at + shift if shift else at

    def place(self, item: Item) -> SortKey:
        """Return the key by which an item is sorted."""
        if isinstance(item, HistoryEvent):
            arn = item.execution_arn
            around, start = self.ranks[arn]
            return (self.shown_at(item.at, arn), _EVENTS, around, item.id, start, 0)
        if isinstance(item, ApiCall):
            link = self._trace.links.get(item.event_id)
            called_at = self._called_after.get(item.event_id, item.event_time)
            at = self.shown_at(called_at, link.execution_arn if link else None)
            return (at, _CALLS, item.event_time, item.event_id)
        if isinstance(item, TaskState):
            return (item.at, _TASKS, item.task_arn, item.version)
        return item.place

    def place_call(self, call: ApiCall) -> None:
        """Work out the place of a call that is new, or whose link changed.

        A call's time is a whole second. If an event in that second is the first to name
        a job, a call that names the job comes after it: nobody can name it before.
        """
        self._called_after.pop(call.event_id, None)
        event = self._first_naming_job(self._trace.links.get(call.event_id))
        if event is not None:
            begin = call.event_time
            if begin <= event.at < begin + ONE_SECOND:
                self._called_after[call.event_id] = event.at

    def _first_naming_job(self, link: Link | None) -> HistoryEvent | None:
        """Return the event that first names the job which a call names; or None.

        It is None for an action call, since that starts the job.
        """
        if link is None or link.key is None or link.rule is not LinkRule.RESOURCE_ID:
            return None
        if link.role is CallRole.ACTION:
            return None
        execution = self._trace.executions[link.key[0]]
        visit = execution.visits.get(link.visit_id or 0)
        attempt = visit.attempt(link.attempt_id) if visit is not None else None
        if attempt is None:
            return None
        return execution.events.get(attempt.job_told_by)

    def join(self, event: HistoryEvent) -> HistoryEvent:
        """Add a new event; return the event whose line it is on, most often itself."""
        arn = event.execution_arn
        events = self._trace.executions[arn].events
        leader = events.get(event.previous_event_id)
        if leader is None or not _make_one_line(leader, event):
            leader = None
            if event.type.endswith("StateExited"):
                # The previous event of a Map's exit is its last iteration's event, and
                # not MapStateSucceeded.
                leader = _success_of(event, events.get(event.id - 1))
        if leader is None:
            return event
        leader = self.leader(leader)
        self._leaders[arn, event.id] = leader
        self._followers.setdefault((arn, leader.id), []).append(event)
        return leader

    def leader(self, event: HistoryEvent) -> HistoryEvent:
        """Return the event on whose line an event is, maybe itself."""
        return self._leaders.get((event.execution_arn, event.id), event)

    def followers(self, event: HistoryEvent) -> Sequence[HistoryEvent]:
        """Return the other events that are on an event's line."""
        return self._followers.get((event.execution_arn, event.id), ())

    def attach(self, attempts: Mapping[AttemptKey, Attempt]) -> set[str]:
        """Work out which action calls are on the lines of attempts' events.

        Return the event ids of the calls that are on such a line only now, or no more.
        """
        before: set[str] = set()
        for key in attempts:
            attachment = self._attached.pop(key, None)
            if attachment is not None:
                before.add(attachment[1].event_id)
        # All old ones are taken away first: a call may move to another attempt.
        now: set[str] = set()
        for key, attempt in attempts.items():
            attachment = self._attachment(key, attempt)
            if attachment is not None:
                self._attached[key] = attachment
                now.add(attachment[1].event_id)
        return before ^ now

    def _attachment(self, key: AttemptKey, attempt: Attempt) -> _Attachment | None:
        """Return an attempt's action call, and the event on whose line it is; or None.

        The event is that of the call's answer, or the newest before it.
        """
        arn, scheduled_id = key
        answered_by = attempt.submitted_by
        if not answered_by:
            answered_by = attempt.ended_by if attempt.ended_at else attempt.started_by
        event = self._trace.executions[arn].events.get(answered_by or scheduled_id)
        if event is None:
            return None
        for call in self._trace.calls_of.get(key, ()):
            role = self._trace.links[call.event_id].role
            answer_time = attempt.answered_at - call.event_time
            if role is CallRole.ACTION and timedelta(0) <= answer_time < ANSWERED:
                return self.leader(event), call
        return None

    def attached_to(self, call: ApiCall) -> HistoryEvent | None:
        """Return the event on whose line a call is; None for a line of its own."""
        link = self._trace.links.get(call.event_id)
        if link is None or link.key is None:
            return None
        attachment = self._attached.get(link.key)
        if attachment is None or attachment[1] is not call:
            return None
        return attachment[0]

    def attached_call(self, event: HistoryEvent) -> ApiCall | None:
        """Return the call on an event's line; None if there is none."""
        for on_line in (event, *self.followers(event)):
            key = on_line.execution_arn, on_line.attempt_id
            attachment = self._attached.get(key)
            if attachment is not None and attachment[0] is event:
                return attachment[1]
        return None


def _success_of(exited: HistoryEvent, last: HistoryEvent | None) -> HistoryEvent | None:
    """Return `last`, the event before an exit, if it is the same state's success."""
    if last is None or last.visit_id != exited.visit_id:
        return None
    return last if last.type.endswith("StateSucceeded") else None


def _make_one_line(before: HistoryEvent, event: HistoryEvent) -> bool:
    """True if an event and its previous event share a line."""
    type_before = before.type
    if event.at - before.at >= ONE_SECOND:
        return False
    if event.type.endswith("StateExited"):
        if type_before.endswith("StateEntered"):
            return before.visit_id == event.visit_id
        return type_before.endswith("Succeeded") and before.attempt_id > 0
    # A Task that is scheduled and started at once needs no lines for these events.
    for ending_before, ending in _ONE_LINE:
        if event.type.endswith(ending) and type_before.endswith(ending_before):
            return True
    return False
