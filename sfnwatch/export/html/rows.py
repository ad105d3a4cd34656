"""The rows of a report's table: one for each event, call and state of a task."""

from collections.abc import Iterator

from sfnwatch.export.html.row_refs import RowRefs
from sfnwatch.export.names import visit_path
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
from sfnwatch.view.wording import went_wrong

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
        self.sentence = sentence if sentence is None else texts.clean(sentence)
        self.ref = refs.of_key(item.key)
        self.time = time_words(line)
        self.bad = went_wrong(item) if isinstance(item, TaskState) else is_bad(item)
        kind = item.type if isinstance(item, HistoryEvent) else DETAIL_TYPE
        if isinstance(item, ApiCall):
            kind = item.event_source.removesuffix(".amazonaws.com")
        self.kind = texts.clean(kind, NAME_LIMIT)
        self.text = line_text(line)
        self.path = visit_path(line.about.visit)
        self.execution = refs.executions.get(line.execution_arn or "", -1)


def report_rows(snapshot: Snapshot, refs: RowRefs) -> Iterator[ReportRow]:
    maker = LineMaker(snapshot)
    items: list[HtmlItem] = [*shown_items(snapshot)]
    items += (state for each in snapshot.task_states.values() for state in each)
    explained = len(items) <= EXPLAINED
    for item in rows_apart(maker, items):
        line = maker.line(item)
        sentence = caption(line, snapshot) if explained else None
        yield ReportRow(item, line, refs, sentence)
