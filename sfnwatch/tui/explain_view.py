"""The explanation: what a trace shows, in sentences with their evidence."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from textual.binding import BindingType

from sfnwatch.analysis.document import (
    GAP,
    Block,
    Heading,
    Items,
    Paragraph,
    Sentence,
    Table,
)
from sfnwatch.analysis.report import Report
from sfnwatch.analysis.report_document import explain
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.texts import clean
from sfnwatch.tui.actions import bindings
from sfnwatch.tui.entry_list import EntryList
from sfnwatch.tui.evidence import CERTAINTIES, Evidence, evidence_of, is_kept
from sfnwatch.tui.fold_signs import FOLD_SIGNS
from sfnwatch.tui.screen_state import GoTo, ScreenState
from sfnwatch.tui.spans import (
    Span,
    SpanRow,
    Spans,
    cut,
    fit,
    flow,
    margined,
    ruled,
    spans_of,
    width_of,
)
from sfnwatch.tui.time_spent import TimeSpent, bar_rows, time_spent
from sfnwatch.tui.views import HeadedView
from sfnwatch.view.parts import counted, plain_text, status_glyph

_MOST_EVIDENCE = 200
"""Most pieces of evidence that a sentence lists."""
_SENTENCE_CELLS = 120
"""Cells after which a sentence is wrapped."""
_MOST_ROWS = 60
"""Most rows of one piece of text."""
_CERTAINTY_CELLS = 13
_BLANKS_FROM = 16
"""Rows of the view from which on each heading has a blank row above it."""
_BLANK = Paragraph("")
_MOST_EVENTS_FOR_STATES = 2000
"""The table of states is left out for a history of more events."""


class ExplainEntry(NamedTuple):
    """An entry of the list: a block of the document, or a piece of evidence."""

    key: str
    block: Block | Evidence | TimeSpent
    evidence: Sequence[Evidence] = ()
    open: bool | None = None
    """Whether evidence, or an execution, is unfolded; None if it can't be."""
    row: int = 0
    """The row of a table; 0 is the head."""


class ExplainView(HeadedView):
    """Headings, and sentences with their certainty and evidence to unfold."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("explain")
    enter = "Evidence"

    def __init__(self, screen_state: ScreenState) -> None:
        nothing = "Nothing has come yet that could be explained."
        self.list = EntryList(self._rows, nothing, clicked=self._clicked, stops=_stops)
        super().__init__(screen_state, self.list)
        self._report: Report | None = None
        self._toggled: set[str] = set()
        """The keys of unfolded sentences and of folded executions."""
        self.commands = {
            "view.detail": self.action_act,
            "lanes.fold": self.fold,
            "lanes.fold_all": self.fold_all,
        }

    def show(self) -> None:
        """Show the findings known by now, unless they are shown already."""
        screen_state = self._screen_state
        running = screen_state.now if screen_state.snapshot.running else None
        of = (
            screen_state.findings_version,
            screen_state.looks,
            running,
            screen_state.version,
            self.size,
        )
        if self.width > 0 and self.is_other(*of):
            if screen_state.items:
                self._report = self._new_report()
            self._list()

    def _new_report(self) -> Report:
        screen_state = self._screen_state
        snapshot = screen_state.snapshot
        events = sum(root.event_count for root in snapshot.roots.values())
        with_states = events <= _MOST_EVENTS_FOR_STATES
        findings = screen_state.findings
        return Report(snapshot, findings, screen_state.now, with_states=with_states)

    def _list(self) -> None:
        self.list.entries = list(self._all_entries())
        self.list.changed()

    def _all_entries(self) -> Iterator[ExplainEntry]:
        report = self._report
        if report is None:
            return
        alike: Counter[str] = Counter()
        visits = self._screen_state.kept_visits()
        # A filter leaves out all blocks that are about the whole.
        is_whole = visits is None
        arns = iter([case.execution.arn for case in report.executions])
        is_folded = False
        for number, block in enumerate(explain(report)):
            match block:
                case Heading(level=level) if level == 1 or not is_folded:
                    if self.size.height >= _BLANKS_FROM:
                        yield ExplainEntry(f"blank~{number}", _BLANK)
                    key = f"heading~{block.text}"
                    is_open = None
                    if level == 1:
                        is_folded = key in self._toggled
                        is_open = not is_folded
                    yield ExplainEntry(key, block, open=is_open)
                case Paragraph(strong=True):
                    # Only an execution's verdict is strong; it is the execution's first
                    # block.
                    yield ExplainEntry(f"verdict~{number}", block)
                    spent = time_spent(report.findings, next(arns))
                    if spent.parts and not is_folded:
                        yield ExplainEntry(f"time~{number}", spent)
                case Sentence() if not is_folded:
                    yield from self._with_evidence(block, alike, visits)
                case Paragraph() | Items() | Table() if is_whole and not is_folded:
                    yield from _block_entries(number, block)

    def _with_evidence(
        self,
        sentence: Sentence,
        alike: Counter[str],
        visits: set[tuple[str, int]] | None,
    ) -> Iterator[ExplainEntry]:
        """Yield a sentence and, if it is unfolded, its evidence."""
        if sentence.kind == "time":
            return  # the bar says as much
        name = f"{sentence.execution_arn}~{sentence.kind}~{sentence.evidence[:1]}"
        alike[name] += 1
        key = f"{name}~{alike[name]}"
        evidence = evidence_of(self._screen_state, sentence)
        if not is_kept(self._screen_state, evidence, visits):
            return
        is_open = key in self._toggled if evidence else None
        yield ExplainEntry(key, sentence, evidence, is_open)
        if is_open:
            for piece in evidence[:_MOST_EVIDENCE]:
                yield ExplainEntry(f"{key}>{piece.id}", piece)

    def action_act(self) -> None:
        """Go to the line of a piece of evidence; unfold or fold anything else."""
        entry = self.list.entry
        if entry is None or not isinstance(entry.block, Evidence):
            self.fold()
        elif entry.block.item is not None:
            self.post_message(GoTo(entry.block.item.key))

    def fold(self) -> None:
        """Fold or unfold the selected entry; on evidence, fold its sentence."""
        for entry in reversed(self.list.entries[: self.list.cursor + 1]):
            if not isinstance(entry.block, Evidence):
                if entry.open is not None:
                    self._toggled ^= {entry.key}
                    self._list()
                    self.list.select_key(entry.key)
                return

    def fold_all(self) -> None:
        """Unfold all evidence or, if any is unfolded, fold all of it."""
        keys = {entry.key for entry in self.list.entries if entry.evidence}
        if keys & self._toggled:
            self._toggled -= keys
        else:
            self._toggled |= keys
        self._list()

    def _clicked(self, entry: ExplainEntry, x: int, twice: bool) -> None:  # noqa: FBT001
        del entry, x
        if not twice:
            self.action_act()

    def copy_text(self) -> str:
        """Return the selected entry as text that is safe to paste, not wrapped."""
        text = ""
        match self.list.entry.block if self.list.entry is not None else None:
            case Sentence() as sentence:
                text = f"{sentence.certainty}: {sentence.text}"
            case Evidence(item=item) if item is not None:
                text = plain_text(self._screen_state.maker.line(item).parts)
            case Heading() as heading:
                text = heading.text
        return self.mask(text)

    def _rows(self, entry: ExplainEntry, width: int) -> Sequence[Spans]:
        match entry.block:
            case Heading(level=1) as heading:
                sign = Span(f" {FOLD_SIGNS[entry.open]}", "role--fold")
                title = Span(f"{self.mask(heading.text)} ", "role--name")
                return [ruled([sign, title], width)]
            case Heading() as heading:
                return [[Span(f"  {self.mask(heading.text)}", "role--name")]]
            case Paragraph() as paragraph:
                prose = flow(self._prose(paragraph), width - 3, width - 3, _MOST_ROWS)
                return margined(prose, 2)
            case Items(lines=lines):
                return self._items(lines, width)
            case TimeSpent() as spent:
                return margined(bar_rows(spent, width - 4), 2)
            case Table() as table:
                return [self._table_row(table, entry.row, width)]
            case Sentence() as sentence:
                return self._sentence(entry, sentence, width)
            case Evidence() as evidence:
                return self._evidence(evidence, width)

    def _items(self, lines: Sequence[str], width: int) -> Sequence[Spans]:
        rows: list[SpanRow] = []
        room = width - 5
        for line in lines:
            item = Span(self.mask(line), "role--dim")
            rows += flow([item], room, room, _MOST_ROWS)
        return margined(rows, 4)

    def _prose(self, paragraph: Paragraph) -> SpanRow:
        text = self.mask(paragraph.text)
        if not paragraph.strong:
            return [Span(text, "role--dim")]
        status = paragraph.text.split(" ", 1)[0].rstrip(".,")
        glyph = status_glyph(status)
        return [Span(f"{glyph.text} ", f"role--{glyph.role}"), Span(text)]

    def _sentence(
        self, entry: ExplainEntry, sentence: Sentence, width: int
    ) -> Sequence[Spans]:
        sign = Span(f"  {FOLD_SIGNS[entry.open]}", "role--fold")
        margin = min(_CERTAINTY_CELLS + 4, width // 3)
        room = min(_SENTENCE_CELLS, width - margin - 1)
        words = [Span(self.mask(sentence.text))]
        if entry.evidence:
            words.append(Span(f"  {_evidence_words(entry.evidence)}", "role--dim"))
        rows = flow(words, room, room, _MOST_ROWS)
        return margined(rows, margin, [sign, CERTAINTIES[sentence.certainty]])

    def _evidence(self, evidence: Evidence, width: int) -> Sequence[Spans]:
        looks = self._screen_state.looks
        margin = min(_CERTAINTY_CELLS + 4, width // 5)
        if evidence.item is None:
            words = f"· {clean(evidence.id)} is not in what was read"
            return margined([[Span(looks.mask(words), "role--dim")]], margin)
        line = self._screen_state.maker.line(evidence.item)
        time = looks.time(line.at, whole=line.whole_seconds)
        arrow = Span(f"{'':{margin}}→ ", "role--call")
        head = [arrow, Span(f"{time:<12}  ", "role--dim")]
        parts = line.parts
        if plain_text(line.owner) not in plain_text(parts):
            parts = (*line.owner, *parts)
        head_cells = width_of(head)
        room = width - head_cells
        rows = flow(spans_of(parts, looks.mask), room, room)
        return margined(rows, head_cells, head)

    def _table_row(self, table: Table, row: int, width: int) -> SpanRow:
        spans: SpanRow = []
        for column, size in table.fitted(width - GAP, cell_len):
            if row == 0:
                cell = Span(column.head, "role--dim")
            else:
                cell = Span(self.mask(column.cells[row - 1]))
            spans.append(Span(" " * GAP))
            spans += fit([cell], size, right=column.right)
        return cut(spans, width)


def _block_entries(
    number: int, block: Paragraph | Items | Table
) -> Iterator[ExplainEntry]:
    """Yield an entry for a block; for a table, one for its head and for each row."""
    rows = 1
    if isinstance(block, Table) and block.shown:
        rows = 1 + len(block.shown[0].cells)
    for row in range(rows):
        yield ExplainEntry(f"block~{number}~{row}", block, row=row)


def _stops(entry: ExplainEntry) -> bool:
    """True if the cursor may be on the entry."""
    return isinstance(entry.block, Sentence | Evidence) or entry.open is not None


def _evidence_words(evidence: Iterable[Evidence]) -> str:
    """Return evidence in counts: `1 event, 5 calls`."""
    counts = dict.fromkeys(("event", "call", "task state", "missing record"), 0)
    for piece in evidence:
        match piece.item:
            case None:
                word = "missing record"
            case ApiCall():
                word = "call"
            case TaskState():
                word = "task state"
            case _:
                word = "event"
        counts[word] += 1
    return ", ".join(counted(count, word) for word, count in counts.items() if count)
