"""The end card: how a trace ended and what it shows, as one would put it on a slide.

It says nothing that the other views do not say. It chooses: the status in large, the
critical path as one bar, and the findings that matter most, failures first.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from sfnwatch.analysis.finding import Finding
from sfnwatch.analysis.findings import Topic, topic_of
from sfnwatch.analysis.report import Report
from sfnwatch.analysis.wording import counted as listed_counts
from sfnwatch.analysis.wording import named, ranked, resource_words
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.texts import clean
from sfnwatch.tui.evidence import SIGNS, ReportSection, keeping, proofs_of
from sfnwatch.tui.paint import Span, fit, flow, margined, pad, width_of
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.status import length_words
from sfnwatch.tui.time_spent import bar, bar_rows, time_spent
from sfnwatch.view.markers import MarkerKind
from sfnwatch.view.outline import TASKS
from sfnwatch.view.parts import counted, status_glyph, status_part

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


def entries_of(screen_state: ScreenState, width: int, height: int) -> list[CardEntry]:
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
