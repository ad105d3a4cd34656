"""An item of the lanes that is shown in full: what it belongs to, and its records."""

from collections.abc import Sequence

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.records import RecordKind
from sfnwatch.model.state_payloads import failed_evaluation
from sfnwatch.model.trace import Trace
from sfnwatch.model.values import text_of
from sfnwatch.recording.file_names import safe_name
from sfnwatch.tui.json_text import decode_json, json_text
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.view.console_urls import call_url, execution_url
from sfnwatch.view.line_context import LineContext
from sfnwatch.view.outline_items import Fold, FoldKind, Item

_NAME_BYTES = 75
"""Bytes of each part of a file's name; file systems allow 255 for the whole name."""
Recorded = HistoryEvent | ApiCall | TaskState


class ItemDetail:
    """An item, its line's other events and call, and what these belong to."""

    def __init__(self, screen_state: ScreenState, item: Item) -> None:
        self.screen_state = screen_state
        self.snapshot = screen_state.snapshot
        self.trace = screen_state.trace
        self.item = item
        context = LineContext(screen_state.maker, item)
        self.events = context.events
        self.call = context.call
        self.execution = context.execution
        self.visit = context.visit
        self.attempt = context.attempt
        """The try that the item belongs to; None where it belongs to all of its
        state's."""
        if isinstance(item, Fold):
            self.attempt = self.snapshot.attempt(item.attempt)
        elif any(event.type.endswith("StateEntered") for event in self.events):
            self.attempt = None
        if isinstance(item, Fold) and item.kind is FoldKind.CHILD:
            self.execution = self.snapshot.executions.get(item.child_arn)
            self.visit = None
        elif isinstance(item, ApiCall) and self.visit is None:
            self.execution = None  # no more than its role fits
        self.arn = self.execution.arn if self.execution is not None else ""

    @property
    def task(self) -> TaskState | None:
        """The item, if it is a change of a task's state."""
        return self.item if isinstance(self.item, TaskState) else None

    @property
    def url(self) -> str | None:
        """The AWS console's page of it: the call's, or else the execution's."""
        url = call_url(self.call) if self.call is not None else None
        return url or execution_url(self.arn)

    @property
    def failed_evaluation(self) -> str | None:
        """The field of the state whose expression could not be evaluated, if one."""
        if self.visit is None or self.execution is None:
            return None
        return failed_evaluation(self.snapshot, self.execution, self.visit)

    def error_and_cause(self) -> tuple[str | None, str | None]:
        """Return the error and the cause of what failed; None for what is unknown."""
        item = self.item
        visit = self.visit
        if isinstance(item, ApiCall):
            return item.error_code, item.error_message
        if visit is None:
            ending = self.execution.ending if self.execution is not None else None
            if ending is None:
                return None, None
            return self.screen_state.maker.failure(ending)
        if self.attempt is not None:
            return self.attempt.error, self.attempt.cause
        error = visit.error
        cause = visit.cause
        for attempt in reversed(visit.attempts):
            error = error or attempt.error
            cause = cause or attempt.cause
        return error, cause

    @property
    def records(self) -> Sequence[Recorded]:
        """The rows whose records the line is made from."""
        item = self.item
        if isinstance(item, Fold):
            polls = item.members if item.kind is FoldKind.POLLS else ()
            return [call for call in polls if isinstance(call, ApiCall)]
        rows: list[Recorded] = list(self.events)
        alone = self.task or self.call
        if alone is not None:
            rows.append(alone)
        return rows

    @property
    def records_text(self) -> str:
        """The records as JSON; empty if there are none."""
        records = [record_json(self.trace, row) for row in self.records]
        if not records:
            return ""
        if len(records) == 1:
            return json_text(records[0])
        joined = b",".join(records)
        return json_text(b"[" + joined + b"]")

    @property
    def file_name(self) -> str:
        """The name of the records' file: the execution and what comes first."""
        first = self.records[0]
        if isinstance(first, TaskState):
            name = f"task-{first.last_status}"
        elif isinstance(first, ApiCall):
            name = first.event_name
        else:
            name = str(first.id)
        names = [name]
        if self.execution is not None:
            names.insert(0, self.execution.name)
        return "-".join(safe_name(name, _NAME_BYTES) for name in names if name)


def record_json(trace: Trace, row: Recorded) -> bytes:
    """Return a row's record as it came; of a LookupEvents answer, the record inside."""
    if isinstance(row, ApiCall) and row.kind == RecordKind.LOOKUP:
        text = text_of(trace.raw(row).get("CloudTrailEvent")) or ""
        if decode_json(text) is not None:
            return text.encode()
    return trace.raw_json(row)
