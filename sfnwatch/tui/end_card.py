"""The end card: how a trace ended and what it shows, as on a slide.

It says nothing that the other views do not say. It chooses: the status in large
letters, the critical path as one bar, and the most important findings, failures first.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from sfnwatch.analysis.finding import Finding
from sfnwatch.analysis.topics import Topic, topic_of
from sfnwatch.tui.end_summary import summary_sections
from sfnwatch.tui.evidence import CERTAINTIES
from sfnwatch.tui.key_findings import key_findings
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.spans import Masks, Span, SpanRow, Spans, flow, margined, pad

_FINDINGS_OF_ONE = 3
"""Findings on the card of one execution."""
_FINDINGS_OF_SEVERAL = 5
"""Findings on the card of several executions, which share some conclusions."""
_FINDING_ROWS = 6
_CERTAINTY_CELLS = 12
"""Cells at the right for how certain a finding is."""
_CERTAINTY_FROM = 84
"""From this width on certainties have those cells."""
_BLANKS = ((2, 1), (1, 1), (1, 0), (0, 0))
"""Blank rows between parts, and between findings; the first pair that has room is
used."""


class CardEntry(NamedTuple):
    """A part of the card: a finding, or something above the findings."""

    key: str
    rows: Sequence[Spans]
    finding: Finding | None = None


def entries_of(screen_state: ScreenState, width: int, height: int) -> list[CardEntry]:
    """Lay out the card in the middle, with as many blank rows as have room.

    Without room for all, findings have their headlines alone: on a slide, people read
    only those.
    """
    above = list(_above(screen_state, width))
    parts = [*above, *_findings(screen_state, width, with_sentences=True)]
    spare = height - sum(len(part.rows) for part in parts)
    if spare < 0:
        parts = [*above, *_findings(screen_state, width, with_sentences=False)]
        spare = height - sum(len(part.rows) for part in parts)
    entries: list[CardEntry] = []
    blanks_before = _blanks(parts, spare)
    for blanks, part in zip(blanks_before, parts, strict=True):
        if blanks > 0:
            blank_rows: list[Spans] = [[]] * blanks
            entries.append(CardEntry(f"{part.key}~", blank_rows))
        entries.append(part)
    return entries


def _above(screen_state: ScreenState, width: int) -> Iterator[CardEntry]:
    """Yield the parts above the findings."""
    for number, rows in enumerate(summary_sections(screen_state, width)):
        yield CardEntry(f"above~{number}", rows)


def _findings(
    screen_state: ScreenState, width: int, *, with_sentences: bool
) -> Iterator[CardEntry]:
    most = _FINDINGS_OF_SEVERAL if screen_state.several else _FINDINGS_OF_ONE
    findings = key_findings(screen_state, most)
    for number, finding in enumerate(findings, 1):
        words = _words_of(
            finding, screen_state.looks.mask, with_sentences=with_sentences
        )
        rows = _numbered(screen_state, number, finding, words, width)
        yield CardEntry(f"{number}", rows, finding)


def _blanks(parts: Sequence[CardEntry], spare: int) -> list[int]:
    """Return the blank rows before each part; half of the spare rows come first."""
    blanks: list[int] = []
    for between_parts, between_findings in _BLANKS:
        blanks = [0]
        for before, part in pairwise(parts):
            if before.finding is not None and part.finding is not None:
                blanks.append(between_findings)
            else:
                blanks.append(between_parts)
        if sum(blanks) <= spare:
            break
    blanks[0] = (spare - sum(blanks)) // 2
    return blanks


def _numbered(
    screen_state: ScreenState,
    number: int,
    finding: Finding,
    words: SpanRow,
    width: int,
) -> Sequence[Spans]:
    """Return the rows of a finding, with its certainty."""
    chip = screen_state.chips().get(finding.execution_arn or "")
    if chip is not None:
        words = [chip, Span(" "), *words]
    certainty_look = CERTAINTIES[finding.certainty].look
    certainty = Span(str(finding.certainty), certainty_look)
    room = width - 4
    if width < _CERTAINTY_FROM:
        words += (Span("  "), certainty)
        rows = flow(words, room, room, _FINDING_ROWS)
    else:
        words_room = room - _CERTAINTY_CELLS
        rows = flow(words, words_room, words_room, _FINDING_ROWS)
        first_row = pad(rows[0], room - len(certainty.text))
        rows[0] = [*first_row, certainty]
    has_failed = topic_of(finding) is Topic.FAILED
    number_look = "role--bad" if has_failed else "role--busy"
    number_span = Span(f" {number}", number_look)
    return margined(rows, 4, [number_span])


def _words_of(finding: Finding, mask: Masks, *, with_sentences: bool) -> SpanRow:
    """Return a finding's headline and its sentence; without a headline, that alone."""
    if not finding.headline:
        return [Span(mask(finding.text), "role--name")]
    words = [Span(mask(finding.headline), "role--name")]
    if with_sentences:
        words += [Span("  "), Span(mask(finding.text), "role--dim")]
    return words
