"""The context of an item: its events, call, visit and attempt, as of a snapshot."""

from typing import TYPE_CHECKING

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.linking.link import AttemptKey, Link
from sfnwatch.view.outline_items import Backoff, Fold, Item

if TYPE_CHECKING:
    from sfnwatch.view.line_maker import LineMaker


class LineContext:
    """The context of an item, and what else is on its line, as of a snapshot."""

    def __init__(self, maker: "LineMaker", item: Item) -> None:
        self.maker = maker
        self.snapshot = maker.snapshot
        self.item = item
        self.execution_arn: str | None = None
        self.events: list[HistoryEvent] = []
        """The events on the line, if the item is an event."""
        self.call: ApiCall | None = None
        """The item itself, or the action call that stands on an event's line."""
        self.link: Link | None = None
        """The link of that call, or of a task's state, to its attempt."""
        visit_id = None
        attempt_id = None
        if isinstance(item, HistoryEvent):
            self.execution_arn = item.execution_arn
            visit_id, attempt_id = self._add_events(item)
        elif isinstance(item, Fold | Backoff):
            self.execution_arn = item.execution_arn
            visit_id = item.visit_id
            attempt_id = item.scheduled_id if isinstance(item, Backoff) else None
        elif (link := self._add_link(item)) is not None:
            self.execution_arn = link.execution_arn
            visit_id = link.visit_id
            attempt_id = link.attempt_id
        execution = self.snapshot.executions.get(self.execution_arn or "")
        self.execution = execution
        self.visit = execution.visit(visit_id) if execution else None
        self.attempt = self.visit.attempt(attempt_id) if self.visit else None

    def _add_events(self, leader: HistoryEvent) -> tuple[int | None, int | None]:
        """Add the events and the call on a line; return its visit and attempt ids."""
        execution = self.snapshot.executions.get(leader.execution_arn)
        if execution is None or execution.event(leader.id) is None:
            return None, None
        order = self.maker.order
        self.events = [leader]
        for follower in order.followers(leader):
            if execution.event(follower.id) is not None:
                self.events.append(follower)
        call = order.attached_call(leader)
        if call is not None and self.snapshot.shows_call(call):
            self._add_link(call)
        visit_id = leader.visit_id
        attempt_id = None
        for event in reversed(self.events):
            if event.type.endswith("StateEntered"):
                # The line of an iteration's start is about the iteration's first state.
                visit_id = event.visit_id
            if event.attempt_id:
                attempt_id = event.attempt_id
        return visit_id, attempt_id

    def _add_link(self, item: ApiCall | TaskState) -> Link | None:
        if isinstance(item, ApiCall):
            self.call = item
            self.link = self.snapshot.link(item)
        else:
            self.link = self.snapshot.task_link(item.task_arn)
        return self.link

    @property
    def key(self) -> AttemptKey | None:
        """The key of the attempt."""
        if self.attempt is None or self.execution_arn is None:
            return None
        return self.execution_arn, self.attempt.scheduled_id

    @property
    def number(self) -> int:
        """The number of the attempt among its visit's tries, from 1."""
        if self.visit is not None and self.attempt is not None:
            for number, attempt in enumerate(self.visit.attempts, 1):
                if attempt.scheduled_id == self.attempt.scheduled_id:
                    return number
        return 1
