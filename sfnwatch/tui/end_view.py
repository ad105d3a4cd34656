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
from sfnwatch.analysis.phases import Phase
from sfnwatch.analysis.report import report
from sfnwatch.analysis.wording import counted as listed_counts
from sfnwatch.analysis.wording import named, ranked, resource_words, status_words
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.records import HealthState
from sfnwatch.model.values import clean
from sfnwatch.tui.cursor_list import CursorList, EntryList, GoTo, HeadedView
from sfnwatch.tui.explain_view import (
    BETWEEN,
    SIGNS,
    TimeSpent,
    bar,
    bar_rows,
    keeping,
    proofs_of,
    time_spent,
)
from sfnwatch.tui.paint import PHASES, Span, cut, fit, flow, margined, pad, width_of
from sfnwatch.tui.shown import Shown
from sfnwatch.tui.status import length_words
from sfnwatch.view.outline import TASKS
from sfnwatch.view.playback import MarkerKind
from sfnwatch.view.wording import counted, status_glyph

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
_AIR = ((3, 2, 1), (1, 1, 1), (0, 1, 1), (0, 1, 0))
"""Blank rows above and below the card, between its sections, and between findings: as
many as there is room for."""
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
_LITTLE = 0.1
"""A share of the time between states that is not worth a cell."""
_THIN = {PHASES[Phase.COMPLETION_LAG], PHASES[Phase.CONTAINER]}
"""Stretches that are as high as others here: it is one bar from end to end."""
_KEYS = (
    ("↑ ↓", "choose", ""),
    ("enter", "the lines it rests on", "view.detail"),
    ("escape", "lanes", "view.close"),
)
Section = Sequence[Sequence[Span]]
"""Rows that stand together."""


class CardEntry(NamedTuple):
    """A part of the card: a finding, or what stands above or below them."""

    key: str
    rows: Section
    finding: Finding | None = None


class CardList(EntryList[CardEntry]):
    """The card as a list: the cursor stops at its findings."""

    def stops_at(self, place: int) -> bool:
        return place < len(self.entries) and self.entries[place].finding is not None


class EndView(HeadedView):
    """The card, in the middle of the screen."""

    SCOPED_CSS = False  # how much room there is around is told by classes of the screen
    DEFAULT_CSS = """
    EndView {
        align-horizontal: center;
        padding: 0 0 0 1;

        Rows { display: none; }
        CardList { max-width: 112; }
    }
    .-medium EndView, .-wide EndView { padding: 0 6 0 8; }
    """

    def __init__(self, shown: Shown) -> None:
        self.list = CardList(lambda entry, _: entry.rows)
        super().__init__(self.list)
        self._shown = shown
        self._of: object = None
        self.commands = {"view.detail": self.open_selected}

    def show(self) -> None:
        """Show what was found by now."""
        shown, size = self._shown, self.list.size
        running = shown.now if shown.moment.running else None
        of = id(shown.findings), shown.version, shown.looks, running, size
        if of != self._of and size.width:
            self._of = of
            self.list.entries = _entries(shown, self.width - 1, size.height)
            self.list.changed()

    def open_selected(self) -> None:
        """Show in the lanes what the finding under the cursor rests on.

        Last comes the first of it: so as much as there is room for is in view.
        """
        entry = self.list.entry
        if entry is None or entry.finding is None:
            return
        proofs = proofs_of(self._shown, entry.finding, "")
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
        told = self.list.entry.finding if self.list.entry is not None else None
        text = f"{told.certainty}: {told.text}" if told is not None else ""
        return self._shown.looks.mask(text)


# -- where it stands -------------------------------------------------------------------


def _entries(shown: Shown, width: int, height: int) -> list[CardEntry]:
    """Lay the card out in the middle, with as much air as there is room for."""
    several = shown.several
    findings = telling(shown, _ACROSS if several else _FINDINGS)
    above = [_title(shown)]
    above += _of_several(shown, width) if several else _of_one(shown, width)
    above = [section for section in above if any(section)]
    numbered = [_numbered(shown, n, f, width) for n, f in enumerate(findings, 1)]
    foot = _foot(shown, width)
    spare = height - sum(map(len, (*above, *numbered, foot)))
    between, within = _air(spare, len(above), len(numbered))
    spare -= between * (len(above) + 1) + within * max(0, len(numbered) - 1)
    parts = [CardEntry(f"above~{n}", rows) for n, rows in enumerate(above)]
    entries = [_blank("top", spare // 2), *_parted(parts, between)]
    pairs = zip(findings, numbered, strict=True)
    parts = [CardEntry(f"{n}", rows, found) for n, (found, rows) in enumerate(pairs)]
    entries += [_blank("middle", between), *_parted(parts, within)]
    entries += [_blank("bottom", between), CardEntry("foot", foot)]
    return [entry for entry in entries if entry.rows]


def telling(shown: Shown, count: int) -> list[Finding]:
    """Choose the findings that tell most, of those that a filter keeps."""
    told = report(shown.moment, shown.findings, shown.now, with_states=False)
    if shown.outline.options.keep is None:
        return told.telling(count)
    every = told.telling(_CHOSEN)
    is_kept = keeping(shown)
    kept = (each for each in every if is_kept(proofs_of(shown, each, "")))
    return list(islice(kept, count))


def _air(spare: int, sections: int, findings: int) -> tuple[int, int]:
    """Share blank rows out: how many between sections, and between findings."""
    for around, between, within in _AIR:
        inside = within * max(0, findings - 1) + between * (sections + 1)
        if inside + 2 * around <= spare:
            return between, within
    return 0, 0


def _blank(key: str, rows: int) -> CardEntry:
    return CardEntry(key, [[]] * rows)


def _parted(entries: Iterable[CardEntry], rows: int) -> list[CardEntry]:
    """Put so many blank rows between entries."""
    both = ((_blank(f"{entry.key}~", rows), entry) for entry in entries)
    return [entry for pair in both for entry in pair][1:]


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
        spans += [*([Span("      ")] if spans else []), Span(text, _look(status))]
    return [spans] if spans else [[Span("Nothing has come yet.", "role--dim")]]


def _look(status: str) -> str:
    return f"role--{status_glyph(status).role}"


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
    spent = _time_spent(shown, execution)
    return [
        _joined(parts, width, length),
        bar_rows(spent, width) if spent.parts else [],
    ]


def _time_spent(shown: Shown, execution: ExecutionAsOf) -> TimeSpent:
    """Give what there is to see of it in a bar."""
    spent = time_spent(shown.findings, execution.arn)
    least = _LITTLE * spent.seconds
    return TimeSpent(
        [
            (Span("▄", sign.look) if sign in _THIN else sign, name, seconds)
            for sign, name, seconds in spent.parts
            if seconds >= least or sign.look != BETWEEN.look
        ]
    )


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
    rows = [[first]]
    for part in parts:
        dot = [_DOT] if rows[-1][1:] else []
        if part.text and width_of([*rows[-1], *dot, part]) > width and rows[-1][1:]:
            rows.append([Span(" " * len(first.text))])
            dot = []
        rows[-1] += [*dot, part] if part.text else []
    return [cut(row, width) for row in rows]


def _of_several(shown: Shown, width: int) -> list[Section]:
    """Give each execution a line: its chip, how it ended, how long that took.

    Where there is room they have bars, all on one scale.
    """
    roots, chips = shown.roots[:_EXECUTIONS], shown.chips()
    lengths = [length_words(execution, shown.now) for execution in roots]
    words = [status_words(execution.status) for execution in roots]
    cells = max(width_of([chips[execution.arn]]) for execution in roots) + 2
    size, long = (max(map(len, each)) for each in (words, lengths))
    room = width - cells - size - long - 8
    bars = [_time_spent(shown, execution) for execution in roots]
    longest = max(each.seconds for each in bars) if room >= _LEAST_BAR else 0
    rows: list[Sequence[Span]] = []
    for n, execution in enumerate(roots):
        look, glyph = _look(execution.status), status_glyph(execution.status).text
        row = fit([chips[execution.arn]], cells)
        row.append(Span(f"{glyph} {words[n]:<{size}}", look))
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


def _foot(shown: Shown, width: int) -> Section:
    """Offer what can be done with the card."""
    waiting = HealthState.DRAINING in {h.state for h in shown.moment.each_health}
    keys = list(_KEYS)
    if waiting and not shown.playback.replay:
        keys.append(("x", "stop waiting for CloudTrail", "drain.end"))
    spans: list[Span] = []
    for key, words, does in keys:
        spans += [Span("     " if spans else "")]
        spans += [Span(key, "look--key", does), Span(f" {words}", "role--dim", does)]
    return flow(spans, width, width)
