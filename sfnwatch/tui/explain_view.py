"""The explanation: what a trace shows in sentences, each with what it rests on."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from textual.binding import BindingType

from sfnwatch.analysis.finding import (
    GAP,
    Block,
    Certainty,
    Column,
    Finding,
    Heading,
    Items,
    Paragraph,
    Sentence,
    Table,
    line_key,
)
from sfnwatch.analysis.phases import PHASE_KEYS, Phase
from sfnwatch.analysis.report import Report, explain, report
from sfnwatch.analysis.wording import spoken
from sfnwatch.model.rows import ApiCall, TaskState
from sfnwatch.model.values import clean
from sfnwatch.tui.actions import bindings
from sfnwatch.tui.deck import HeadedView
from sfnwatch.tui.paint import (
    PHASES,
    Span,
    cut,
    fit,
    flow,
    margined,
    percent,
    ruled,
    spans_of,
    width_of,
)
from sfnwatch.tui.shown import EntryList, GoTo, Shown
from sfnwatch.view.outline import Item
from sfnwatch.view.wording import counted, plain_text, status_glyph

_MOST, _MEASURE, _STACKED = 200, 120, 56
"""Pieces of evidence of one sentence; cells after which a sentence is broken; and
below which its certainty stands above it."""
_ROWS, _CERTAINTY, _ROOMY = 60, 13, 16
SIGNS = {
    Certainty.FACT: Span("= fact", "role--exact"),
    Certainty.INFERENCE: Span("~ inference", "role--guess"),
}
"""How sure a sentence is, in the words of a screen."""
_FOLD = {True: "▾ ", False: "▸ ", None: "  "}
_BLANK = Paragraph("")
_STATES = 2000
"""Of a history of more events the table of states is left out."""
_LITTLE, _SHOWN = 0.01, 0.005
"""A share of the time that is not worth a cell; seconds that are not 0.00."""
_SPENT = {Phase.CONTAINER: "inside Map/Parallel"}


class Proof(NamedTuple):
    """A piece of evidence."""

    id: str
    item: Item | None
    """None for what this trace does not hold."""


class TimeSpent(NamedTuple):
    """What an execution's time went into."""

    parts: Sequence[tuple[Span, str, float]]
    """The sign, the words and the seconds of each."""

    @property
    def seconds(self) -> float:
        return sum(seconds for *_, seconds in self.parts)


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

    def __init__(self, shown: Shown) -> None:
        nothing = "Nothing has come yet that could be explained."
        self.list = EntryList(
            self._rows, nothing, clicked=self._clicked, stops=_is_stop
        )
        super().__init__(shown, self.list)
        self._report: Report | None = None
        self._is_kept = keeping(shown)
        self._toggled: set[str] = set()
        """The keys of sentences that are unfolded, and executions that are folded."""
        self._fitted: tuple[Table | None, int, list[tuple[Column, int]]] = None, 0, []
        """The columns of the last table that had room, as wide as they are."""
        self.commands = {
            "view.detail": self.action_act,
            "lanes.fold": self.fold,
            "lanes.fold_all": self.fold_all,
        }

    # -- what is shown -------------------------------------------------------------

    def show(self) -> None:
        """Show what was found by now; nothing is made anew unless there is more."""
        shown = self._shown
        running = shown.now if shown.moment.running else None
        of = id(shown.findings), shown.looks, running, shown.version, self.size
        if self.width > 0 and self.is_other(*of):
            if shown.items:
                events = sum(e.event_count for e in shown.moment.roots.values())
                told = shown.moment, shown.findings, shown.now
                self._report = report(*told, with_states=events <= _STATES)
            self._list()

    def _list(self) -> None:
        self._is_kept = keeping(self._shown)
        entries = list(self._all_entries())
        self.list.entries = _without_bare(entries) if self._is_filtered else entries
        self.list.changed()

    @property
    def _is_filtered(self) -> bool:
        return self._shown.outline.options.keep is not None

    def _all_entries(self) -> Iterator[ExplainEntry]:
        told = self._report
        if told is None:
            return
        alike: Counter[str] = Counter()
        # Each execution's verdict, which alone is strong, begins what is of it.
        arns = iter([each.execution_arn for each in told.executions])
        arn, skipped = "", False
        for number, block in enumerate(explain(told).blocks):
            is_first = isinstance(block, Heading) and block.level == 1
            if isinstance(block, Heading) and (is_first or not skipped):
                if self.size.height >= _ROOMY:
                    yield ExplainEntry(f"blank~{number}", _BLANK)
                key = f"heading~{block.text}"
                skipped = key in self._toggled if is_first else skipped
                yield ExplainEntry(key, block, open=not skipped if is_first else None)
            elif isinstance(block, Paragraph) and block.strong:
                yield ExplainEntry(f"verdict~{number}", block)
                arn = next(arns, "")
                spent = time_spent(told.findings, arn)
                if spent.parts and not skipped:
                    yield ExplainEntry(f"time~{number}", spent)
            elif isinstance(block, Sentence) and not skipped:
                yield from self._with_proofs(block, alike, arn)
            elif not skipped and not self._is_filtered:
                # What is not of one finding tells of all.
                columns = block.shown if isinstance(block, Table) else ()
                for row in range(len(columns[0].cells) + 1 if columns else 1):
                    yield ExplainEntry(f"block~{number}~{row}", block, row=row)

    def _with_proofs(
        self, told: Sentence, alike: Counter[str], arn: str
    ) -> Iterator[ExplainEntry]:
        """Yield a sentence and, where it is unfolded, what it rests on."""
        if told.kind == "time":
            return  # the bar says as much
        arn = told.execution_arn or arn
        name = f"{arn}~{told.kind}~{told.evidence[:1]}"
        alike[name] += 1
        key, proofs = f"{name}~{alike[name]}", proofs_of(self._shown, told, arn)
        if self._is_kept(proofs):
            is_open = key in self._toggled if proofs else None
            yield ExplainEntry(key, told, proofs, is_open)
            for proof in proofs[:_MOST] if is_open else ():
                yield ExplainEntry(f"{key}>{proof.id}", proof)

    # -- unfolding -----------------------------------------------------------------

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
                text = plain_text(self._shown.maker.line(item).parts)
            case Heading() as heading:
                text = heading.text
        return self.mask(text)

    # -- drawing -------------------------------------------------------------------

    def _rows(self, entry: ExplainEntry, width: int) -> Sequence[Sequence[Span]]:
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
    ) -> list[list[Span]]:
        sign = Span(f"  {_FOLD[entry.open]}", "role--fold")
        head = [sign, SIGNS[told.certainty]]
        margin = 6 if width < _STACKED else _CERTAINTY + 4
        room = min(_MEASURE, width - margin - 1)
        count = f"  {_evidence_words(entry.proofs)}" if entry.proofs else ""
        text = self.mask(told.text)
        rows = flow([Span(text), Span(count, "role--dim")], room, room, _ROWS)
        if width < _STACKED:
            return [head, *margined(rows, margin)]
        return margined(rows, margin, head)

    def _proof(self, proof: Proof, width: int) -> list[list[Span]]:
        looks = self._shown.looks
        margin = 8 if width < _STACKED else _CERTAINTY + 4
        if proof.item is None:
            words = f"· {clean(proof.id)} is not in what was read"
            return margined([[Span(looks.mask(words), "role--dim")]], margin)
        line = self._shown.maker.line(proof.item)
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
        if self._fitted[0] is not table or self._fitted[1] != width:
            self._fitted = table, width, table.fitted(width - GAP, cell_len)
        spans: list[Span] = []
        for column, size in self._fitted[2]:
            text = self.mask(column.cells[row - 1]) if row else column.head
            word = fit([Span(text, look)], size, right=column.right)
            spans += [Span(" " * GAP), *word]
        return cut(spans, width)


def _is_stop(entry: ExplainEntry) -> bool:
    return isinstance(entry.of, Sentence | Proof) or entry.open is not None


def proofs_of(shown: Shown, told: Sentence, arn: str = "") -> list[Proof]:
    """Find what a sentence rests on, each line once, in the order of time.

    `arn` is the execution it is about, where it does not say so itself.
    """
    outline = shown.outline
    found: dict[str, Proof] = {}
    for evidence in told.evidence:
        key = line_key(evidence, told.execution_arn or arn)
        item = outline.item_of(key)
        found.setdefault(item.key if item else key, Proof(evidence, item))

    def place(proof: Proof) -> tuple[bool, object]:
        return proof.item is None, proof.item and outline.order.place(proof.item)[0]

    return sorted(found.values(), key=place)


def keeping(shown: Shown) -> Callable[[Iterable[Proof]], bool]:
    """Give what tells whether a sentence stays, by the lines that it rests on.

    It does if the filter keeps anything of a visit that one of them is of.
    """
    visits, spot_of = shown.kept_visits(), shown.outline.containers.spot_of

    def is_kept(proofs: Iterable[Proof]) -> bool:
        items = (proof.item for proof in proofs if proof.item is not None)
        return visits is None or any(spot_of(item)[:2] in visits for item in items)

    return is_kept


def _without_bare(entries: Sequence[ExplainEntry]) -> list[ExplainEntry]:
    """Leave out the headings of sections in which nothing is left."""
    found: list[ExplainEntry] = []
    for entry in reversed(entries):
        below = found[-1].of if found else _BLANK
        is_end = below == _BLANK or isinstance(below, Heading)
        is_bare = isinstance(entry.of, Heading) and is_end
        if not is_bare and not entry.of == below == _BLANK:
            found.append(entry)
    return found[::-1]


def _evidence_words(proofs: Sequence[Proof]) -> str:
    """Count evidence: `1 event, 5 calls`."""
    words = {ApiCall: "call", TaskState: "task state", type(None): "missing record"}
    counts = Counter(words.get(type(proof.item), "event") for proof in proofs)
    told = ("event", *words.values())
    return ", ".join(counted(counts[word], word) for word in told if counts[word])


# -- where the time went ---------------------------------------------------------------


def time_spent(findings: Sequence[Finding], arn: str | None) -> TimeSpent:
    """Take the figures of the finding that tells of it: the two never disagree.

    Time between states is left out while it is next to nothing.
    """
    found = (f for f in findings if f.kind == "time" and f.execution_arn == arn)
    data = next((finding.data for finding in found), {})
    parts = [
        (PHASES[phase], _SPENT.get(phase, str(phase)), float(data.get(key) or 0.0))
        for phase, key in PHASE_KEYS.items()
    ]
    between = float(data.get("between") or 0.0)
    if between >= _LITTLE * sum(seconds for *_, seconds in parts):
        parts.append((Span("·", "role--dim"), "between states", between))
    return TimeSpent([part for part in parts if part[2] >= _SHOWN])


def bar_rows(spent: TimeSpent, width: int) -> list[list[Span]]:
    """Draw parts as stretches of one bar, each at least a cell of it, then in words."""
    if width < 2 * len(spent.parts):
        return [[]]
    rows: list[list[Span]] = [bar(spent, width), []]
    for sign, name, seconds in spent.parts:
        told = f"{spoken(seconds)}, {percent(seconds / spent.seconds)}   "
        words = [sign, Span(f" {name} "), Span(told, "role--dim")]
        if width_of([*rows[-1], *words]) > width + len("   "):
            rows.append([])
        rows[-1] += words
    return rows


def bar(spent: TimeSpent, cells: int) -> list[Span]:
    """Draw parts as stretches of one bar, each at least a cell of it."""
    rest = cells - len(spent.parts)
    drawn: list[Span] = []
    used, at = 0, 0.0
    for sign, _, seconds in spent.parts:
        at += seconds
        size = 1 + round(rest * at / spent.seconds) - used
        used += size - 1
        drawn.append(Span(sign.text * size, sign.look))
    return drawn
