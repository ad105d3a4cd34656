"""The explanation: what a trace shows in sentences, each with what it rests on.

And the end card: how it ended and what that shows, as one would put it on a slide. It
says nothing that the other views do not say. It chooses: the status in large, the
critical path as one bar, and the findings that tell most, failures first.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from textual.binding import BindingType

from sfnwatch.analysis.finding import (
    GAP,
    Block,
    FactOrInference,
    Finding,
    Heading,
    Items,
    Paragraph,
    Sentence,
    Table,
    line_key,
)
from sfnwatch.analysis.findings import Topic, topic_of
from sfnwatch.analysis.phases import PHASE_KEYS, Phase
from sfnwatch.analysis.report import Report, explain
from sfnwatch.analysis.wording import counted as listed_counts
from sfnwatch.analysis.wording import named, ranked, resource_words, spoken
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.texts import clean
from sfnwatch.tui.actions import bindings
from sfnwatch.tui.cursor_list import EntryList
from sfnwatch.tui.paint import (
    PHASES,
    Span,
    cut,
    fit,
    flow,
    margined,
    pad,
    percent,
    ruled,
    spans_of,
    width_of,
)
from sfnwatch.tui.screen_state import GoTo, ScreenState
from sfnwatch.tui.status import length_words
from sfnwatch.tui.views import HeadedView
from sfnwatch.view.markers import MarkerKind
from sfnwatch.view.outline import TASKS, Item
from sfnwatch.view.parts import counted, plain_text, status_glyph, status_part

_MOST_PROOFS = 200
"""Pieces of evidence of one sentence."""
_MEASURE = 120
"""Cells after which a sentence is broken."""
_ROWS = 60
_CERTAINTY = 13
_ROOMY = 16
SIGNS = {
    FactOrInference.FACT: Span("= fact", "role--exact"),
    FactOrInference.INFERENCE: Span("~ inference", "role--guess"),
}
"""How sure a sentence is, in the words of a screen."""
_FOLD = {True: "▾ ", False: "▸ ", None: "  "}
_BLANK = Paragraph("")
_STATES = 2000
"""Of a history of more events the table of states is left out."""
_LEAST_SHARE = 0.01
"""A smaller share of the time is not worth a cell."""
_LEAST_SECONDS = 0.005
"""Fewer seconds are shown as 0.00."""
_SPENT = {Phase.CONTAINER: "inside Map/Parallel"}


ReportSection = Sequence[Sequence[Span]]
"""Rows that stand together."""


class Proof(NamedTuple):
    """A piece of evidence."""

    id: str
    item: Item | None
    """None for what this trace does not hold."""


KeepsEntry = Callable[[Iterable[Proof]], bool]
"""Tells whether a sentence stays, by what it rests on."""


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


def proofs_of(screen_state: ScreenState, told: Sentence) -> list[Proof]:
    """Find what a sentence rests on, each line once, in the order of time."""
    outline = screen_state.outline
    found: dict[str, Proof] = {}
    for evidence in told.evidence:
        key = line_key(evidence, told.execution_arn)
        item = outline.item_of(key)
        found.setdefault(item.key if item else key, Proof(evidence, item))

    def place(proof: Proof) -> tuple[bool, object]:
        return proof.item is None, proof.item and outline.order.place(proof.item)[0]

    return sorted(found.values(), key=place)


def keeping(screen_state: ScreenState) -> KeepsEntry:
    """Give what tells whether a sentence stays, by the lines that it rests on.

    It does if the filter keeps anything of a visit that one of them is of.
    """
    visits = screen_state.kept_visits()
    spot_of = screen_state.outline.containers.spot_of

    def is_kept(proofs: Iterable[Proof]) -> bool:
        items = (proof.item for proof in proofs if proof.item is not None)
        return visits is None or any(spot_of(item)[:2] in visits for item in items)

    return is_kept


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
    spent = ((phase, float(data.get(key) or 0.0)) for phase, key in PHASE_KEYS.items())
    parts = [(PHASES[each], _SPENT.get(each, str(each)), took) for each, took in spent]
    between = float(data.get("between") or 0.0)
    if between >= _LEAST_SHARE * sum(seconds for *_, seconds in parts):
        parts.append((Span("·", "role--dim"), "between states", between))
    return TimeSpent([part for part in parts if part[2] >= _LEAST_SECONDS])


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
    shares = [rest * seconds / spent.seconds for _, _, seconds in spent.parts]
    sizes = [1 + int(share) for share in shares]
    # What rounding left goes to those that it took most from.
    nearest = sorted(range(len(shares)), key=lambda n: int(shares[n]) - shares[n])
    for place in nearest[: cells - sum(sizes)]:
        sizes[place] += 1
    parts = zip(spent.parts, sizes, strict=True)
    return [Span(sign.text * size, sign.look) for (sign, _, _), size in parts]


# -- the end card ----------------------------------------------------------------------

_FINDINGS_OF_ONE = 3
"""Findings on the card of one execution."""
_FINDINGS_OF_SEVERAL = 4
"""Findings on the card of several: they have conclusions in common."""
_CHOSEN = 50
"""Of so many they are chosen."""
_FINDING_ROWS = 6
"""A finding takes no more."""
_EXECUTIONS = 8
"""So many executions have a line; of more, those that come after are counted."""
_CERTAINTY_CELLS = 12
"""Cells at the right that say how sure a finding is."""
_CERTAINTY_FROM = 84
"""They are there from this width on."""
_LEAST_BAR = 24
"""Cells that a bar needs to tell anything."""
_AIR = ((2, 1), (1, 1), (1, 0), (0, 0))
"""Blank rows between parts of the card, and between findings: if there is room."""
_LEAD = re.compile(r".{1,90}?[,;:](?= )|.*")
"""What a sentence begins with; on a slide it is what is read."""
_COUNTED = (
    (MarkerKind.DENIED, "denied", "role--bad"),
    (MarkerKind.RETRIED, "retried", "role--warn"),
    (MarkerKind.CAUGHT, "caught", "role--warn"),
    (MarkerKind.REDRIVEN, "redriven", "role--warn"),
)
"""The marks that a card counts."""
_DOT = Span("  ·  ", "role--dim")


class CardEntry(NamedTuple):
    """A part of the card: a finding, or what stands above or below them."""

    key: str
    rows: ReportSection
    finding: Finding | None = None


class EndView(HeadedView):
    """The card, in the middle of the screen."""

    enter = "Its lines"
    SCOPED_CSS = False  # how much room there is around is told by classes of the screen
    DEFAULT_CSS = """
    EndView {
        align-horizontal: center;
        padding: 0 0 0 1;

        Rows { display: none; }
        EntryList { max-width: 112; }
    }
    .-medium EndView, .-wide EndView { padding: 0 6 0 8; }
    """

    def __init__(self, screen_state: ScreenState) -> None:
        self.list: EntryList[CardEntry] = EntryList(
            lambda entry, _: entry.rows, stops=lambda entry: entry.finding is not None
        )
        super().__init__(screen_state, self.list)
        self.commands = {"view.detail": self.open_selected}

    def show(self) -> None:
        """Show what was found by now."""
        screen_state = self._screen_state
        size = self.list.size
        running = screen_state.now if screen_state.snapshot.running else None
        of = (
            id(screen_state.findings),
            screen_state.version,
            screen_state.looks,
            running,
            size,
        )
        if size.width and self.is_other(*of):
            self.list.entries = _entries(screen_state, self.width - 1, size.height)
            self.list.changed()

    @property
    def _finding(self) -> Finding | None:
        return self.list.entry.finding if self.list.entry is not None else None

    def open_selected(self) -> None:
        """Show in the lanes what the finding under the cursor rests on.

        Last comes the first of it: so as much as there is room for is in view.
        """
        proofs = proofs_of(self._screen_state, self._finding) if self._finding else []
        keys = [proof.item.key for proof in proofs if proof.item is not None]
        for key in dict.fromkeys([*keys[-1:], *keys[:1]]):
            self.post_message(GoTo(key))
        if not keys:
            self.app.notify("no line here is what that rests on")

    def copy_text(self) -> str:
        """Give the finding under the cursor as a sentence."""
        told = self._finding
        text = f"{told.certainty}: {told.text}" if told is not None else ""
        return self.mask(text)


# -- where it stands -------------------------------------------------------------------


def _entries(screen_state: ScreenState, width: int, height: int) -> list[CardEntry]:
    """Lay the card out in the middle, with as much air as there is room for."""
    several = screen_state.several
    above = (
        _of_several(screen_state, width) if several else _of_one(screen_state, width)
    )
    sections = enumerate(filter(any, [_title(screen_state), *above]))
    parts = [CardEntry(f"above~{n}", rows) for n, rows in sections]
    findings = enumerate(
        telling(screen_state, _FINDINGS_OF_SEVERAL if several else _FINDINGS_OF_ONE), 1
    )
    parts += [
        CardEntry(f"{n}", _numbered(screen_state, n, f, width), f) for n, f in findings
    ]
    spare = height - sum(len(part.rows) for part in parts)
    after_findings = [part.key.isdigit() and part.key != "1" for part in parts]
    for air in _AIR:
        blanks = [0, *(air[is_after] for is_after in after_findings[1:])]
        if sum(blanks) <= spare:
            break
    blanks[0] = (spare - sum(blanks)) // 2
    entries: list[CardEntry] = []
    for blank, part in zip(blanks, parts, strict=True):
        entries += [CardEntry(f"{part.key}~", [[]] * blank)] if blank > 0 else []
        entries.append(part)
    return entries


def telling(screen_state: ScreenState, count: int) -> list[Finding]:
    """Choose the findings that tell most, of those that a filter keeps."""
    told = Report(
        screen_state.snapshot,
        screen_state.findings,
        screen_state.now,
        with_states=False,
    )
    every = told.telling(_CHOSEN)
    is_kept = keeping(screen_state)
    kept = (each for each in every if is_kept(proofs_of(screen_state, each)))
    return list(islice(kept, count))


# -- what it says ----------------------------------------------------------------------


def _title(screen_state: ScreenState) -> ReportSection:
    """Say how it ended, in spaced capitals; of several how many ended so."""
    spans: list[Span] = []
    counts = Counter(execution.status for execution in screen_state.roots)
    for status, count in counts.items():
        glyph = status_glyph(status)
        number = f"{count}  " if screen_state.several else ""
        words = clean(status.replace("_", " "), 40)
        text = f"{glyph.text}  {number}{' '.join(words)}"
        spans += [Span("      "), Span(text, f"role--{glyph.role}")]
    return [spans[1:] or [Span("Nothing has come yet.", "role--dim")]]


def _of_one(screen_state: ScreenState, width: int) -> list[ReportSection]:
    """Say how long the one execution took, what it was made of, and its time."""
    if not screen_state.roots:
        return []
    execution = screen_state.roots[0]
    mask = screen_state.looks.mask
    names = {visit.name for visit in execution.visits}
    states = counted(len(names), "state") if names else ""
    states = named(names.pop()) if len(names) == 1 else states
    resources = mask(_resources(screen_state, execution))
    parts = [Span(mask(states)), Span(resources), *_counts(screen_state)]
    length = Span(f"{length_words(execution, screen_state.now)}    ", "role--name")
    spent = time_spent(screen_state.findings, execution.arn)
    time = bar_rows(spent, width) if spent.parts else []
    return [_joined(parts, width, length), time]


def _resources(screen_state: ScreenState, execution: ExecutionAsOf) -> str:
    """Name the resources its states use, the most frequent first, with their counts."""
    patterns = (f for f in screen_state.findings if f.kind == "pattern")
    own = (f.data for f in patterns if f.execution_arn == execution.arn)
    found = ((execution.visit(data["visit"]), data["states"]) for data in own)
    told = ((resource_words(v.attempts[0]), n) for v, n in found if v and v.attempts)
    names = [name for name, count in told for _ in range(count)]
    return names[0] if len(names) == 1 else listed_counts(ranked(names))


def _counts(screen_state: ScreenState) -> Iterator[Span]:
    """Count the calls, and what of the states and calls went otherwise than well."""
    told = (f.data for f in screen_state.findings if f.kind == "children")
    children = sum(data.get("total", 0) for data in told)
    yield Span(counted(children, "child execution") if children else "")
    calls = sum(n for source, n in screen_state.services().items() if source != TASKS)
    yield Span(counted(calls, "API call") if calls else "")
    clock = screen_state.playback.clock
    now = screen_state.now
    marks = (m for m in screen_state.markers.by(clock) if m.when(clock) <= now)
    counts = Counter(mark.kind for mark in marks)
    for kind, words, look in _COUNTED:
        yield Span(f"{counts[kind]:,} {words}" if counts[kind] else "", look)


def _joined(parts: Iterable[Span], width: int, first: Span) -> ReportSection:
    """Set parts side by side, with dots between, in as many rows as it takes.

    `first` stands before the first row, and the others begin where that ends.
    """
    margin = len(first.text)
    room = width - len(first.text)
    rows: list[list[Span]] = [[]]
    for part in filter(lambda part: part.text, parts):
        dot = [_DOT] if rows[-1] else []
        if dot and width_of([*rows[-1], *dot, part]) > room:
            rows.append([])
            dot = []
        rows[-1] += [*dot, part]
    wrapped = [piece for row in rows for piece in flow(row, room, room, 2)]
    return margined(wrapped, margin, [first])


def _of_several(screen_state: ScreenState, width: int) -> list[ReportSection]:
    """Give each execution a line: its chip, how it ended, how long that took.

    Where there is room they have bars, all on one scale.
    """
    roots = screen_state.roots[:_EXECUTIONS]
    chips = screen_state.chips()
    lengths = [length_words(execution, screen_state.now) for execution in roots]
    ends = [status_part(execution.status) for execution in roots]
    cells = max(width_of([chips[execution.arn]]) for execution in roots) + 2
    size = max(len(end.text) for end in ends)
    long = max(map(len, lengths))
    room = width - cells - size - long - 6
    bars = [time_spent(screen_state.findings, execution.arn) for execution in roots]
    longest = max(each.seconds for each in bars) if room >= _LEAST_BAR else 0
    rows: list[Sequence[Span]] = []
    for n, execution in enumerate(roots):
        row = fit([chips[execution.arn]], cells)
        row.append(Span(f"{ends[n].text:<{size}}", f"role--{ends[n].role}"))
        row.append(Span(f"  {lengths[n]:>{long}}    ", "role--name"))
        if longest:
            share = round(room * bars[n].seconds / longest)
            row += bar(bars[n], max(share, len(bars[n].parts)))
        rows.append(row)
    if len(screen_state.roots) > len(roots):
        rows.append(
            [Span(f"and {len(screen_state.roots) - len(roots):,} more", "role--dim")]
        )
    used = dict.fromkeys(part[:2] for each in bars for part in each.parts)
    legend = [Span(f"{sign.text} {name}", sign.look) for sign, name in used]
    parts = [*_counts(screen_state), *(legend if longest else ())]
    return [rows, _joined(parts, width, Span(""))]


def _numbered(
    screen_state: ScreenState, number: int, told: Finding, width: int
) -> ReportSection:
    """Tell a finding, with how sure that is behind it."""
    look = "role--bad" if topic_of(told) is Topic.FAILED else "role--busy"
    own = screen_state.chips().get(told.execution_arn or "")
    whose = [own, Span(" ")] if own is not None else []
    text = screen_state.looks.mask(told.text)
    lead = _LEAD.match(text)
    end = lead.end() if lead is not None else 0
    words = [*whose, Span(text[:end], "role--name"), Span(text[end:])]
    sure = Span(str(told.certainty), SIGNS[told.certainty].look)
    beside = _CERTAINTY_CELLS if width >= _CERTAINTY_FROM else 0
    words += [] if beside else [Span("  "), sure]
    rows = flow(words, width - 4 - beside, width - 4 - beside, _FINDING_ROWS)
    if beside:
        rows[0] = [*pad(rows[0], width - 4 - len(sure.text)), sure]
    return margined(rows, 4, [Span(f" {number}", look)])
