"""The end card: how a trace ended and what it shows, as on a slide.

It says nothing that the other views do not say. It chooses: the status in large
letters, the critical path as one bar, and the most important findings, failures first.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from sfnwatch.analysis.finding import Finding
from sfnwatch.analysis.grouping import ranked
from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.analysis.lists import listed_counts
from sfnwatch.analysis.names import named
from sfnwatch.analysis.report import Report
from sfnwatch.analysis.topics import Topic, topic_of
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.texts import clean
from sfnwatch.tui.evidence import CERTAINTIES, evidence_of, is_kept
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.spans import Span, SpanRow, Spans, fit, flow, margined, pad, width_of
from sfnwatch.tui.status_rows import length_words
from sfnwatch.tui.time_spent import bar_rows, time_bar, time_spent
from sfnwatch.view.markers import MarkerKind
from sfnwatch.view.outline import TASKS
from sfnwatch.view.parts import counted, status_glyph, status_part

_FINDINGS_OF_ONE = 3
"""Findings on the card of one execution."""
_FINDINGS_OF_SEVERAL = 4
"""Findings on the card of several executions, which share some conclusions."""
_CANDIDATES = 50
"""The card's findings are chosen from this many of the first."""
_FINDING_ROWS = 6
_MOST_EXECUTIONS = 8
"""Executions that have a line of their own; the others are only counted."""
_CERTAINTY_CELLS = 12
"""Cells at the right for how certain a finding is."""
_CERTAINTY_FROM = 84
"""From this width on certainties have those cells."""
_LEAST_BAR_CELLS = 24
_BLANKS = ((2, 1), (1, 1), (1, 0), (0, 0))
"""Blank rows between parts, and between findings; the first pair that has room is
used."""
_LEAD = re.compile(r".{1,90}?[,;:](?= )|.*")
"""The beginning of a sentence; on a slide, people read only that."""
_COUNTED_MARKS = (
    (MarkerKind.DENIED, "denied", "role--bad"),
    (MarkerKind.RETRIED, "retried", "role--warn"),
    (MarkerKind.CAUGHT, "caught", "role--warn"),
    (MarkerKind.REDRIVEN, "redriven", "role--warn"),
)
_DOT = Span("  ·  ", "role--dim")


class CardEntry(NamedTuple):
    """A part of the card: a finding, or something above the findings."""

    key: str
    rows: Sequence[Spans]
    finding: Finding | None = None


def entries_of(screen_state: ScreenState, width: int, height: int) -> list[CardEntry]:
    """Lay out the card in the middle, with as many blank rows as have room."""
    parts = [*_above(screen_state, width), *_findings(screen_state, width)]
    spare = height - sum(len(part.rows) for part in parts)
    entries: list[CardEntry] = []
    for blanks, part in zip(_blanks(parts, spare), parts, strict=True):
        if blanks > 0:
            entries.append(CardEntry(f"{part.key}~", [[]] * blanks))
        entries.append(part)
    return entries


def _above(screen_state: ScreenState, width: int) -> Iterator[CardEntry]:
    """Yield the parts above the findings."""
    sections = [_title(screen_state)]
    if screen_state.several:
        sections += _of_several(screen_state, width)
    else:
        sections += _of_one(screen_state, width)
    for number, rows in enumerate(filter(any, sections)):
        yield CardEntry(f"above~{number}", rows)


def _findings(screen_state: ScreenState, width: int) -> Iterator[CardEntry]:
    most = _FINDINGS_OF_SEVERAL if screen_state.several else _FINDINGS_OF_ONE
    for number, finding in enumerate(key_findings(screen_state, most), 1):
        rows = _numbered(screen_state, number, finding, width)
        yield CardEntry(f"{number}", rows, finding)


def _blanks(parts: Sequence[CardEntry], spare: int) -> list[int]:
    """Return the blank rows before each part; half of the spare rows come first."""
    blanks: list[int] = []
    for between_parts, between_findings in _BLANKS:
        blanks = [0]
        for before, part in pairwise(parts):
            both = before.finding is not None and part.finding is not None
            blanks.append(between_findings if both else between_parts)
        if sum(blanks) <= spare:
            break
    blanks[0] = (spare - sum(blanks)) // 2
    return blanks


def key_findings(screen_state: ScreenState, most: int) -> list[Finding]:
    """Return the most important findings, of those that a filter keeps."""
    report = Report(
        screen_state.snapshot,
        screen_state.findings,
        screen_state.now,
        with_states=False,
    )
    visits = screen_state.kept_visits()
    chosen: list[Finding] = []
    for finding in report.telling(_CANDIDATES):
        if len(chosen) == most:
            break
        if is_kept(screen_state, evidence_of(screen_state, finding), visits):
            chosen.append(finding)
    return chosen


def _title(screen_state: ScreenState) -> Sequence[Spans]:
    """Return the status in spaced capitals; for several executions, with counts."""
    spans: list[Span] = []
    counts = Counter(execution.status for execution in screen_state.roots)
    for status, count in counts.items():
        if spans:
            spans.append(Span("      "))
        glyph = status_glyph(status)
        number = f"{count}  " if screen_state.several else ""
        words = " ".join(clean(status.replace("_", " "), 40))
        spans.append(Span(f"{glyph.text}  {number}{words}", f"role--{glyph.role}"))
    return [spans or [Span("Nothing has come yet.", "role--dim")]]


def _of_one(screen_state: ScreenState, width: int) -> list[Sequence[Spans]]:
    """Return the one execution's length, states, resources and counts, and its time."""
    if not screen_state.roots:
        return []
    execution = screen_state.roots[0]
    mask = screen_state.looks.mask
    names = {visit.name for visit in execution.visits}
    if len(names) == 1:
        states = named(names.pop())
    else:
        states = counted(len(names), "state") if names else ""
    resources = _resources(screen_state, execution)
    parts = [Span(mask(states)), Span(mask(resources)), *_counts(screen_state)]
    length = Span(f"{length_words(execution, screen_state.now)}    ", "role--name")
    spent = time_spent(screen_state.findings, execution.arn)
    time = bar_rows(spent, width) if spent.parts else []
    return [_joined(parts, width, length), time]


def _resources(screen_state: ScreenState, execution: ExecutionAsOf) -> str:
    """Return the resources of its states with counts, the most frequent first."""
    names: list[str] = []
    for finding in screen_state.findings:
        if finding.kind == "pattern" and finding.execution_arn == execution.arn:
            visit = execution.visit(finding.data["visit"])
            if visit is not None and visit.attempts:
                words = resource_words(visit.attempts[0])
                names += [words] * finding.data["states"]
    if len(names) == 1:
        return names[0]
    return listed_counts(ranked(names))


def _counts(screen_state: ScreenState) -> Iterator[Span]:
    """Yield the number of calls, and of states and calls that did not go well."""
    children = 0
    for finding in screen_state.findings:
        if finding.kind == "children":
            children += finding.data.get("total", 0)
    yield Span(counted(children, "child execution") if children else "")
    services = screen_state.services()
    calls = sum(count for source, count in services.items() if source != TASKS)
    yield Span(counted(calls, "API call") if calls else "")
    clock = screen_state.playback.clock
    counts: Counter[MarkerKind] = Counter()
    for mark in screen_state.markers.by(clock):
        if mark.when(clock) <= screen_state.now:
            counts[mark.kind] += 1
    for kind, words, look in _COUNTED_MARKS:
        yield Span(f"{counts[kind]:,} {words}" if counts[kind] else "", look)


def _joined(parts: Iterable[Span], width: int, first: Span) -> Sequence[Spans]:
    """Return parts side by side, with dots between, in as many rows as needed.

    `first` stands before the first row; all rows begin where it ends.
    """
    margin = len(first.text)
    room = width - margin
    rows: list[SpanRow] = [[]]
    for part in parts:
        if not part.text:
            continue
        row = rows[-1]
        if not row:
            row.append(part)
        elif width_of([*row, _DOT, part]) > room:
            rows.append([part])
        else:
            row += (_DOT, part)
    wrapped: list[SpanRow] = []
    for row in rows:
        wrapped += flow(row, room, room, 2)
    return margined(wrapped, margin, [first])


def _of_several(screen_state: ScreenState, width: int) -> list[Sequence[Spans]]:
    """Return a line for each execution: its chip, how it ended, how long it took.

    Where there is room, each has a bar; all bars have one scale.
    """
    roots = screen_state.roots[:_MOST_EXECUTIONS]
    chips = screen_state.chips()
    lengths = [length_words(execution, screen_state.now) for execution in roots]
    ends = [status_part(execution.status) for execution in roots]
    bars = [time_spent(screen_state.findings, execution.arn) for execution in roots]
    chip_cells = 2 + max(width_of([chips[execution.arn]]) for execution in roots)
    end_cells = max(len(end.text) for end in ends)
    length_cells = max(map(len, lengths))
    room = width - chip_cells - end_cells - length_cells - 6
    has_bars = room >= _LEAST_BAR_CELLS
    longest = max(spent.seconds for spent in bars) if has_bars else 0
    rows: list[SpanRow] = []
    signs: dict[str, Span] = {}
    for execution, end, length, spent in zip(roots, ends, lengths, bars, strict=True):
        row = fit([chips[execution.arn]], chip_cells)
        row.append(Span(f"{end.text:<{end_cells}}", f"role--{end.role}"))
        row.append(Span(f"  {length:>{length_cells}}    ", "role--name"))
        if longest:
            share = round(room * spent.seconds / longest)
            row += time_bar(spent, max(share, len(spent.parts)))
            for part in spent.parts:
                signs.setdefault(part.words, part.sign)
        rows.append(row)
    more = len(screen_state.roots) - len(roots)
    if more:
        rows.append([Span(f"and {more:,} more", "role--dim")])
    legend = [Span(f"{sign.text} {words}", sign.look) for words, sign in signs.items()]
    parts = [*_counts(screen_state), *legend]
    return [rows, _joined(parts, width, Span(""))]


def _numbered(
    screen_state: ScreenState, number: int, finding: Finding, width: int
) -> Sequence[Spans]:
    """Return the rows of a finding, with its certainty."""
    text = screen_state.looks.mask(finding.text)
    lead = _LEAD.match(text)
    end = lead.end() if lead is not None else 0
    words = [Span(text[:end], "role--name"), Span(text[end:])]
    chip = screen_state.chips().get(finding.execution_arn or "")
    if chip is not None:
        words = [chip, Span(" "), *words]
    certainty = Span(str(finding.certainty), CERTAINTIES[finding.certainty].look)
    room = width - 4
    if width >= _CERTAINTY_FROM:
        words_room = room - _CERTAINTY_CELLS
        rows = flow(words, words_room, words_room, _FINDING_ROWS)
        rows[0] = [*pad(rows[0], room - len(certainty.text)), certainty]
    else:
        words += (Span("  "), certainty)
        rows = flow(words, room, room, _FINDING_ROWS)
    look = "role--bad" if topic_of(finding) is Topic.FAILED else "role--busy"
    return margined(rows, 4, [Span(f" {number}", look)])
