"""The explanation: what a trace shows in sentences, each with what it rests on."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from textual.binding import BindingType

from sfnwatch.analysis.finding import (
    GAP,
    Block,
    Heading,
    Items,
    Paragraph,
    Sentence,
    Table,
)
from sfnwatch.analysis.report import Report, explain
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.texts import clean
from sfnwatch.tui.actions import bindings
from sfnwatch.tui.cursor_list import EntryList
from sfnwatch.tui.evidence import (
    SIGNS,
    KeepsEntry,
    Proof,
    ReportSection,
    keeping,
    proofs_of,
)
from sfnwatch.tui.paint import Span, cut, fit, flow, margined, ruled, spans_of, width_of
from sfnwatch.tui.screen_state import GoTo, ScreenState
from sfnwatch.tui.time_spent import TimeSpent, bar_rows, time_spent
from sfnwatch.tui.views import HeadedView
from sfnwatch.view.parts import counted, plain_text, status_glyph

_MOST_PROOFS = 200
"""Pieces of evidence of one sentence."""
_MEASURE = 120
"""Cells after which a sentence is broken."""
_ROWS = 60
_CERTAINTY = 13
_ROOMY = 16
_FOLD = {True: "▾ ", False: "▸ ", None: "  "}
_BLANK = Paragraph("")
_STATES = 2000
"""Of a history of more events the table of states is left out."""


class ExplainEntry(NamedTuple):
    """An entry of the list: a block of the document, or a piece of evidence."""

    key: str
    of: Block | Proof | TimeSpent
    proofs: Sequence[Proof] = ()
    open: bool | None = None
    """Whether evidence is unfolded, or an execution; None for what can't be."""
    row: int = 0
    """Of a table, which: 0 is the head."""


class ExplainView(HeadedView):
    """Headings, sentences with their certainty, and the evidence that they unfold."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("explain")
    enter = "Evidence"

    def __init__(self, screen_state: ScreenState) -> None:
        nothing = "Nothing has come yet that could be explained."
        self.list = EntryList(self._rows, nothing, clicked=self._clicked, stops=_stops)
        super().__init__(screen_state, self.list)
        self._report: Report | None = None
        self._toggled: set[str] = set()
        """The keys of sentences that are unfolded, and executions that are folded."""
        self.commands = {
            "view.detail": self.action_act,
            "lanes.fold": self.fold,
            "lanes.fold_all": self.fold_all,
        }

    def show(self) -> None:
        """Show what was found by now; nothing is made anew unless there is more."""
        screen_state = self._screen_state
        running = screen_state.now if screen_state.snapshot.running else None
        of = (
            id(screen_state.findings),
            screen_state.looks,
            running,
            screen_state.version,
            self.size,
        )
        if self.width > 0 and self.is_other(*of):
            if screen_state.items:
                events = sum(
                    e.event_count for e in screen_state.snapshot.roots.values()
                )
                told = screen_state.snapshot, screen_state.findings, screen_state.now
                self._report = Report(*told, with_states=events <= _STATES)
            self._list()

    def _list(self) -> None:
        self.list.entries = list(self._all_entries())
        self.list.changed()

    def _all_entries(self) -> Iterator[ExplainEntry]:
        told = self._report
        if told is None:
            return
        alike: Counter[str] = Counter()
        is_kept = keeping(self._screen_state)
        keep = self._screen_state.outline.options.keep
        # Each execution's verdict, which alone is strong, begins what is of it.
        arns = iter([each.execution.arn for each in told.executions])
        skipped = False
        for number, block in enumerate(explain(told)):
            is_first = isinstance(block, Heading) and block.level == 1
            if isinstance(block, Heading) and (is_first or not skipped):
                if self.size.height >= _ROOMY:
                    yield ExplainEntry(f"blank~{number}", _BLANK)
                key = f"heading~{block.text}"
                skipped = key in self._toggled if is_first else skipped
                yield ExplainEntry(key, block, open=not skipped if is_first else None)
            elif isinstance(block, Paragraph) and block.strong:
                yield ExplainEntry(f"verdict~{number}", block)
                spent = time_spent(told.findings, next(arns))
                if spent.parts and not skipped:
                    yield ExplainEntry(f"time~{number}", spent)
            elif isinstance(block, Sentence) and not skipped:
                yield from self._with_proofs(block, alike, is_kept)
            elif not skipped and keep is None:
                # What is not of one finding tells of all.
                columns = block.shown if isinstance(block, Table) else ()
                for row in range(len(columns[0].cells) + 1 if columns else 1):
                    yield ExplainEntry(f"block~{number}~{row}", block, row=row)

    def _with_proofs(
        self, told: Sentence, alike: Counter[str], is_kept: KeepsEntry
    ) -> Iterator[ExplainEntry]:
        """Yield a sentence and, where it is unfolded, what it rests on."""
        if told.kind == "time":
            return  # the bar says as much
        name = f"{told.execution_arn}~{told.kind}~{told.evidence[:1]}"
        alike[name] += 1
        key = f"{name}~{alike[name]}"
        proofs = proofs_of(self._screen_state, told)
        if is_kept(proofs):
            is_open = key in self._toggled if proofs else None
            yield ExplainEntry(key, told, proofs, is_open)
            for proof in proofs[:_MOST_PROOFS] if is_open else ():
                yield ExplainEntry(f"{key}>{proof.id}", proof)

    def action_act(self) -> None:
        """Go to the line of a piece of evidence; unfold or fold anything else."""
        entry = self.list.entry
        if entry is None or not isinstance(entry.of, Proof):
            self.fold()
        elif entry.of.item is not None:
            self.post_message(GoTo(entry.of.item.key))

    def fold(self) -> None:
        """Unfold or fold what the cursor is on; with evidence, its sentence."""
        for entry in reversed(self.list.entries[: self.list.cursor + 1]):
            if not isinstance(entry.of, Proof):
                if entry.open is not None:
                    self._toggled ^= {entry.key}
                    self._list()
                    self.list.select_key(entry.key)
                return

    def fold_all(self) -> None:
        """Unfold all the evidence there is or, if any is unfolded, fold all of it."""
        told = (e for e in self.list.entries if isinstance(e.of, Sentence))
        keys = {entry.key for entry in told if entry.proofs}
        is_open = keys & self._toggled
        self._toggled = (self._toggled - keys) if is_open else (self._toggled | keys)
        self._list()

    def _clicked(self, entry: ExplainEntry, x: int, twice: bool) -> None:  # noqa: FBT001
        del entry, x
        if not twice:
            self.action_act()

    def copy_text(self) -> str:
        """Give what the cursor is on as text that is safe to paste, not wrapped."""
        text = ""
        match self.list.entry.of if self.list.entry is not None else None:
            case Sentence() as told:
                text = f"{told.certainty}: {told.text}"
            case Proof(item=item) if item is not None:
                text = plain_text(self._screen_state.maker.line(item).parts)
            case Heading() as heading:
                text = heading.text
        return self.mask(text)

    def _rows(self, entry: ExplainEntry, width: int) -> ReportSection:
        match entry.of:
            case Heading(level=1) as heading:
                title = Span(f"{self.mask(heading.text)} ", "role--name")
                sign = Span(f" {_FOLD[entry.open]}", "role--fold")
                return [ruled([sign, title], width)]
            case Heading() as heading:
                return [[Span(f"  {self.mask(heading.text)}", "role--name")]]
            case Paragraph() as paragraph:
                prose = flow(self._prose(paragraph), width - 3, width - 3, _ROWS)
                return margined(prose, 2)
            case Items(lines=lines):
                room = width - 5
                each = (Span(self.mask(line), "role--dim") for line in lines)
                rows = (flow([span], room, room, _ROWS) for span in each)
                return margined(chain.from_iterable(rows), 4)
            case TimeSpent() as spent:
                return margined(bar_rows(spent, width - 4), 2)
            case Table() as table:
                return [self._table_row(table, entry.row, width)]
            case Sentence() as told:
                return self._sentence(entry, told, width)
            case Proof() as proof:
                return self._proof(proof, width)

    def _prose(self, paragraph: Paragraph) -> list[Span]:
        text = self.mask(paragraph.text)
        if not paragraph.strong:
            return [Span(text, "role--dim")]
        glyph = status_glyph(paragraph.text.split(" ", 1)[0].rstrip(".,"))
        return [Span(f"{glyph.text} ", f"role--{glyph.role}"), Span(text)]

    def _sentence(
        self, entry: ExplainEntry, told: Sentence, width: int
    ) -> ReportSection:
        sign = Span(f"  {_FOLD[entry.open]}", "role--fold")
        head = [sign, SIGNS[told.certainty]]
        margin = min(_CERTAINTY + 4, width // 3)
        room = min(_MEASURE, width - margin - 1)
        count = f"  {_evidence_words(entry.proofs)}" if entry.proofs else ""
        text = self.mask(told.text)
        rows = flow([Span(text), Span(count, "role--dim")], room, room, _ROWS)
        return margined(rows, margin, head)

    def _proof(self, proof: Proof, width: int) -> ReportSection:
        looks = self._screen_state.looks
        margin = min(_CERTAINTY + 4, width // 5)
        if proof.item is None:
            words = f"· {clean(proof.id)} is not in what was read"
            return margined([[Span(looks.mask(words), "role--dim")]], margin)
        line = self._screen_state.maker.line(proof.item)
        at = f"{looks.time(line.at, whole=line.whole_seconds):<12}  "
        arrow = Span(f"{'':{margin}}→ ", "role--call")
        head = [arrow, Span(at, "role--dim")]
        owned = plain_text(line.owner) in plain_text(line.parts)
        parts = line.parts if owned else [*line.owner, *line.parts]
        room = width - width_of(head)
        rows = flow(spans_of(parts, looks.mask), room, room)
        return margined(rows, width_of(head), head)

    def _table_row(self, table: Table, row: int, width: int) -> list[Span]:
        look = "role--plain" if row else "role--dim"
        spans: list[Span] = []
        for column, size in table.fitted(width - GAP, cell_len):
            text = self.mask(column.cells[row - 1]) if row else column.head
            word = fit([Span(text, look)], size, right=column.right)
            spans += [Span(" " * GAP), *word]
        return cut(spans, width)


def _stops(entry: ExplainEntry) -> bool:
    return isinstance(entry.of, Sentence | Proof) or entry.open is not None


def _evidence_words(proofs: Sequence[Proof]) -> str:
    """Count evidence: `1 event, 5 calls`."""
    words = {ApiCall: "call", TaskState: "task state", type(None): "missing record"}
    counts = Counter(words.get(type(proof.item), "event") for proof in proofs)
    told = ("event", *words.values())
    return ", ".join(counted(counts[word], word) for word in told if counts[word])
