"""The events and calls of exports with a row for each, and the order of the rows."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import chain
from typing import TypeVar

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.view.line_maker import LineMaker
from sfnwatch.view.outline_items import SortKey
from sfnwatch.view.row_order import ANSWERED

ExportRow = TypeVar(
    "ExportRow", HistoryEvent | ApiCall, HistoryEvent | ApiCall | TaskState
)


def shown_items(snapshot: Snapshot) -> list[HistoryEvent | ApiCall]:
    """Return the events of all executions, and the calls that are shown."""
    events = chain.from_iterable(each.events for each in snapshot.executions.values())
    return [*events, *filter(snapshot.is_relevant, snapshot.calls)]


def rows_apart(maker: LineMaker, items: Iterable[ExportRow]) -> list[ExportRow]:
    """Return events and calls in the order of their rows.

    An action call comes right after the event with its answer. The call's own time is a
    whole second, and mostly that second begins before its state was entered.
    """
    snapshot = maker.snapshot

    def place(item: ExportRow) -> SortKey:
        found: SortKey = maker.order.place(item)
        link = snapshot.link(item) if isinstance(item, ApiCall) else None
        attempt = snapshot.attempt(link.key) if link is not None else None
        if link is None or attempt is None or link.role is not CallRole.ACTION:
            return found
        soon = timedelta(0) <= attempt.answered_at - found[0] < ANSWERED
        return (attempt.answered_at, *found[1:]) if soon else found

    return sorted(items, key=place)
