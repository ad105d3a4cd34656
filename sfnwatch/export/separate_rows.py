"""The events and calls of exports with a row for each, and the order of the rows."""

from collections.abc import Iterable
from datetime import timedelta
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
    items: list[HistoryEvent | ApiCall] = []
    for execution in snapshot.executions.values():
        items += execution.events
    shown_calls = filter(snapshot.is_relevant, snapshot.calls)
    return [*items, *shown_calls]


def rows_apart(maker: LineMaker, items: Iterable[ExportRow]) -> list[ExportRow]:
    """Return events and calls in the order of their rows.

    An action call comes right after the event with its answer. The call's own time is a
    whole second, and mostly that second begins before its state was entered.
    """
    snapshot = maker.snapshot

    def place(item: ExportRow) -> SortKey:
        usual_place: SortKey = maker.order.place(item)
        if not isinstance(item, ApiCall):
            return usual_place
        link = snapshot.link(item)
        if link is None or link.role is not CallRole.ACTION:
            return usual_place
        attempt = snapshot.attempt(link.key)
        if attempt is None:
            return usual_place
        answered_at = attempt.answered_at
        until_answer = answered_at - usual_place[0]
        if timedelta(0) <= until_answer < ANSWERED:
            return (answered_at, *usual_place[1:])
        return usual_place

    return sorted(items, key=place)
