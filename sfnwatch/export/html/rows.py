"""The rows of a report's table: one for each event, call and state of a task."""

from collections.abc import Iterator
from itertools import chain

from sfnwatch.export.html.row_refs import RowRefs
from sfnwatch.export.names import exported_path
from sfnwatch.export.row_text import is_bad, line_text, time_words
from sfnwatch.export.separate_rows import rows_apart, shown_items
from sfnwatch.model import texts
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.ecs_task import DETAIL_TYPE, TaskState
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.view.captions import caption
from sfnwatch.view.line import Line
from sfnwatch.view.line_maker import LineMaker
from sfnwatch.view.task_text import went_wrong

HtmlItem = HistoryEvent | ApiCall | TaskState
EXPLAINED = 3000
"""The most rows that have sentences: with more, sentences would fill the report."""
NAME_LIMIT = 200


class ReportRow:
    """A row of the table: an event, a call or a task state."""

    def __init__(
        self, item: HtmlItem, line: Line, refs: RowRefs, sentence: str | None
    ) -> None:
        """`sentence` is None in a report with very many rows."""
        self.item = item
        self.at = line.at
        self.sentence = sentence
        self.ref = refs.of_key(item.key)
        self.time = time_words(line)
        if isinstance(item, TaskState):
            self.bad = went_wrong(item)
        else:
            self.bad = is_bad(item)
        self.kind = texts.clean(_kind(item), NAME_LIMIT)
        self.text = line_text(line)
        self.path = exported_path(line.about.visit)
        self.execution = refs.executions.get(line.execution_arn or "", -1)


def _kind(item: HtmlItem) -> str:
    """Return an event's type, or a call's service."""
    if isinstance(item, HistoryEvent):
        return item.type
    if isinstance(item, ApiCall):
        return item.event_source.removesuffix(".amazonaws.com")
    return DETAIL_TYPE


def report_rows(snapshot: Snapshot, refs: RowRefs) -> Iterator[ReportRow]:
    """Yield the rows of the table, in the order of time."""
    maker = LineMaker(snapshot)
    task_states = chain.from_iterable(snapshot.task_states.values())
    items: list[HtmlItem] = [*shown_items(snapshot), *task_states]
    has_sentences = len(items) <= EXPLAINED
    for item in rows_apart(maker, items):
        line = maker.line(item)
        sentence = None
        if has_sentences:
            sentence = texts.clean(caption(line, snapshot))
        yield ReportRow(item, line, refs, sentence)
