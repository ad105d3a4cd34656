"""The end card: how it ended and what that shows, as one would put it on a slide.

It says nothing that the other views do not say. It chooses: the status in large, the
critical path as one bar, and the findings that tell most, failures first.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from sfnwatch.analysis.finding import Finding
from sfnwatch.analysis.findings import Topic, topic_of
from sfnwatch.analysis.report import report
from sfnwatch.analysis.wording import counted as listed_counts
from sfnwatch.analysis.wording import named, ranked, resource_words
from sfnwatch.model.moment import ExecutionAsOf
from sfnwatch.model.values import clean
from sfnwatch.tui.deck import HeadedView
from sfnwatch.tui.explain_view import (
    SIGNS,
    bar,
    bar_rows,
    keeping,
    proofs_of,
    time_spent,
)
from sfnwatch.tui.paint import Span, fit, flow, margined, pad, width_of
from sfnwatch.tui.shown import CursorList, EntryList, GoTo, Shown
from sfnwatch.tui.status import length_words
from sfnwatch.view.outline import TASKS
from sfnwatch.view.playback import MarkerKind
from sfnwatch.view.wording import counted, status_glyph, status_part

_FINDINGS, _ACROSS = 3, 4
"""So many findings; and of several executions, which have conclusions in common."""
_CHOSEN = 50
"""Of so many they are chosen."""
_ROWS = 6
"""A finding takes no more."""
_EXECUTIONS = 8
"""So many executions have a line; of more, those that come after are counted."""
_SURE, _ROOMY = 12, 84
"""Cells at the right that say how sure a finding is; from so many cells in all on."""
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
Section = Sequence[Sequence[Span]]
"""Rows that stand together."""


class CardEntry(NamedTuple):
    """A part of the card: a finding, or what stands above or below them."""

    key: str
    rows: Section
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

    def __init__(self, shown: Shown) -> None:
        self.list: EntryList[CardEntry] = EntryList(
            lambda entry, _: entry.rows, stops=lambda entry: entry.finding is not None
        )
        super().__init__(shown, self.list)
        self.commands = {"view.detail": self.open_selected}

    def show(self) -> None:
        """Show what was found by now."""
        shown, size = self._shown, self.list.size
        running = shown.now if shown.moment.running else None
        of = id(shown.findings), shown.version, shown.looks, running, size
        if size.width and self.is_other(*of):
            self.list.entries = _entries(shown, self.width - 1, size.height)
            self.list.changed()

    @property
    def _finding(self) -> Finding | None:
        return self.list.entry.finding if self.list.entry is not None else None

    def open_selected(self) -> None:
        """Show in the lanes what the finding under the cursor rests on.

        Last comes the first of it: so as much as there is room for is in view.
        """
        proofs = proofs_of(self._shown, self._finding) if self._finding else []
        keys = [proof.item.key for proof in proofs if proof.item is not None]
        for key in dict.fromkeys([*keys[-1:], *keys[:1]]):
            self.post_message(GoTo(key))
        if not keys:
            self.app.notify("no line here is what that rests on")

    def on_cursor_list_opened(self, event: CursorList.Opened) -> None:
        event.stop()
        self.open_selected()

    def copy_text(self) -> str:
        """Give the finding under the cursor as a sentence."""
        told = self._finding
        text = f"{told.certainty}: {told.text}" if told is not None else ""
        return self.mask(text)


# -- where it stands -------------------------------------------------------------------


def _entries(shown: Shown, width: int, height: int) -> list[CardEntry]:
    """Lay the card out in the middle, with as much air as there is room for."""
    several = shown.several
    above = _of_several(shown, width) if several else _of_one(shown, width)
    sections = enumerate(filter(any, [_title(shown), *above]))
    parts = [CardEntry(f"above~{n}", rows) for n, rows in sections]
    findings = enumerate(telling(shown, _ACROSS if several else _FINDINGS), 1)
    parts += [CardEntry(f"{n}", _numbered(shown, n, f, width), f) for n, f in findings]
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


def telling(shown: Shown, count: int) -> list[Finding]:
    """Choose the findings that tell most, of those that a filter keeps."""
    told = report(shown.moment, shown.findings, shown.now, with_states=False)
    if shown.outline.options.keep is None:
        return told.telling(count)
    every = told.telling(_CHOSEN)
    is_kept = keeping(shown)
    kept = (each for each in every if is_kept(proofs_of(shown, each)))
    return list(islice(kept, count))


# -- what it says ----------------------------------------------------------------------


def _title(shown: Shown) -> Section:
    """Say how it ended, in spaced capitals; of several how many ended so."""
    spans: list[Span] = []
    counts = Counter(execution.status for execution in shown.roots)
    for status, count in counts.items():
        glyph = status_glyph(status)
        number = f"{count}  " if shown.several else ""
        words = clean(status.replace("_", " "), 40)
        text = f"{glyph.text}  {number}{' '.join(words)}"
        between = [Span("      ")] if spans else []
        spans += [*between, Span(text, f"role--{glyph.role}")]
    return [spans] if spans else [[Span("Nothing has come yet.", "role--dim")]]


def _of_one(shown: Shown, width: int) -> list[Section]:
    """Say how long the one execution took, what it was made of, and its time."""
    if not shown.roots:
        return []
    execution, mask = shown.roots[0], shown.looks.mask
    names = {visit.name for visit in execution.visits}
    states = counted(len(names), "state") if names else ""
    states = named(names.pop()) if len(names) == 1 else states
    parts = [
        Span(mask(states)),
        Span(mask(_resources(shown, execution))),
        *_counts(shown),
    ]
    length = Span(f"{length_words(execution, shown.now)}    ", "role--name")
    spent = time_spent(shown.findings, execution.arn)
    return [
        _joined(parts, width, length),
        bar_rows(spent, width) if spent.parts else [],
    ]


def _resources(shown: Shown, execution: ExecutionAsOf) -> str:
    """Name the resources its states use, the most frequent first, with their counts."""
    patterns = (f for f in shown.findings if f.kind == "pattern")
    own = (f.data["visit"] for f in patterns if f.execution_arn == execution.arn)
    visits = (execution.visit(each) for each in own)
    names = [resource_words(v.attempts[0]) for v in visits if v and v.attempts]
    return names[0] if len(names) == 1 else listed_counts(ranked(names))


def _counts(shown: Shown) -> Iterator[Span]:
    """Count the calls, and what of the states and calls went otherwise than well."""
    children = sum(
        f.data.get("total", 0) for f in shown.findings if f.kind == "children"
    )
    yield Span(counted(children, "child execution") if children else "")
    calls = sum(n for source, n in shown.services().items() if source != TASKS)
    yield Span(counted(calls, "API call") if calls else "")
    clock, now = shown.playback.clock, shown.now
    marks = (m for m in shown.markers.by(clock) if m.when(clock) <= now)
    counts = Counter(mark.kind for mark in marks)
    for kind, words, look in _COUNTED:
        yield Span(f"{counts[kind]:,} {words}" if counts[kind] else "", look)


def _joined(parts: Iterable[Span], width: int, first: Span) -> Section:
    """Set parts side by side, with dots between, in as many rows as it takes.

    `first` stands before the first row, and the others begin where that ends.
    """
    margin = len(first.text)
    rows: list[list[Span]] = [[]]
    for part in filter(lambda part: part.text, parts):
        dot = [_DOT] if rows[-1] else []
        if dot and width_of([*rows[-1], *dot, part]) > width - margin:
            rows.append([])
            dot = []
        rows[-1] += [*dot, part]
    room = width - margin
    wrapped = [piece for row in rows for piece in flow(row, room, room, 2)]
    return margined(wrapped, margin, [first])


def _of_several(shown: Shown, width: int) -> list[Section]:
    """Give each execution a line: its chip, how it ended, how long that took.

    Where there is room they have bars, all on one scale.
    """
    roots, chips = shown.roots[:_EXECUTIONS], shown.chips()
    lengths = [length_words(execution, shown.now) for execution in roots]
    ends = [status_part(execution.status) for execution in roots]
    cells = max(width_of([chips[execution.arn]]) for execution in roots) + 2
    size, long = max(len(end.text) for end in ends), max(map(len, lengths))
    room = width - cells - size - long - 6
    bars = [time_spent(shown.findings, execution.arn) for execution in roots]
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
    if len(shown.roots) > len(roots):
        rows.append([Span(f"and {len(shown.roots) - len(roots):,} more", "role--dim")])
    used = dict.fromkeys(part[:2] for each in bars for part in each.parts)
    legend = [Span(f"{sign.text} {name}", sign.look) for sign, name in used]
    parts = [*_counts(shown), *(legend if longest else ())]
    return [rows, _joined(parts, width, Span(""))]


def _numbered(shown: Shown, number: int, told: Finding, width: int) -> Section:
    """Tell a finding, with how sure that is behind it."""
    look = "role--bad" if topic_of(told) is Topic.FAILED else "role--busy"
    own = shown.chips().get(told.execution_arn or "")
    whose = [own, Span(" ")] if own is not None else []
    text = shown.looks.mask(told.text)
    lead = _LEAD.match(text)
    end = lead.end() if lead is not None else 0
    words = [*whose, Span(text[:end], "role--name"), Span(text[end:])]
    sure = Span(str(told.certainty), SIGNS[told.certainty].look)
    beside = _SURE if width >= _ROOMY else 0
    words += [] if beside else [Span("  "), sure]
    rows = flow(words, width - 4 - beside, width - 4 - beside, _ROWS)
    if beside:
        rows[0] = [*pad(rows[0], width - 4 - len(sure.text)), sure]
    return margined(rows, 4, [Span(f" {number}", look)])
