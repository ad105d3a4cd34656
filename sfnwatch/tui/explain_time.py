"""An execution's time by what it went into, as a bar and in words.

The figures are those of the finding that tells of it, so that the two never disagree.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from rich.cells import cell_len

from sfnwatch.trace.finding_words import spoken
from sfnwatch.trace.findings import Finding
from sfnwatch.trace.spans import Part
from sfnwatch.trace.words import Piece, Tone
from sfnwatch.tui.gantt_canvas import GLYPHS

KIND = "time"
"""The kind of the finding with the figures."""


class Sort(NamedTuple):
    """What time can be spent on: how it is drawn, and what it is called."""

    glyph: str
    tone: Tone
    words: str


SORTS = {
    "working": Sort(GLYPHS[Part.WORKING], Tone.EXACT, "working"),
    "noticing": Sort(GLYPHS[Part.NOTICING], Tone.GUESS, "unnoticed"),
    "backing_off": Sort(GLYPHS[Part.BACKING_OFF], Tone.WARN, "backing off"),
    "around": Sort(GLYPHS[Part.AROUND], Tone.ACTION, "inside"),
    "waiting": Sort(GLYPHS[Part.WAITING], Tone.DIM, "waiting"),
    "stopped": Sort(GLYPHS[Part.STOPPED], Tone.DIM, "stopped"),
    "between": Sort("·", Tone.DIM, "between states"),
}
"""A figure of the finding to its sort, in the order of the bar."""
Seconds = Mapping[Sort, float]
_LONGEST, _LEAST = 60, 8
"""Cells of the bar; below the least it would say nothing."""
_WORTH = 0.005
"""Seconds that are not 0.00."""


def seconds_of(finding: Finding) -> Seconds:
    """Take what the time was spent on from the finding that tells of it."""
    found: dict[Sort, float] = {}
    for key, sort in SORTS.items():
        length = finding.data.get(key)
        if isinstance(length, int | float) and length >= _WORTH:
            found[sort] = float(length)
    return found


def bar(seconds: Seconds, width: int) -> tuple[Piece, ...]:
    """Draw parts as stretches of one bar, each at least a cell of it."""
    room = min(width, _LONGEST)
    if room < _LEAST or not seconds:
        return ()
    shares = _shares(seconds, room).items()
    return tuple((sort.glyph * count, sort.tone) for sort, count in shares)


def _shares(seconds: Seconds, room: int) -> Mapping[Sort, int]:
    """Divide cells: one for each part, the rest by the largest remainders."""
    total, rest = sum(seconds.values()), room - len(seconds)
    exact = {sort: rest * length / total for sort, length in seconds.items()}
    counts = {sort: int(share) for sort, share in exact.items()}
    missing = rest - sum(counts.values())
    by_remainder = sorted(exact, key=lambda sort: counts[sort] - exact[sort])
    more = set(by_remainder[:missing])
    return {sort: 1 + count + (sort in more) for sort, count in counts.items()}


def parts_words(seconds: Seconds) -> tuple[tuple[Piece, ...], ...]:
    """Say each part's length and share: `▓ working 5 min 6 s, 99 %`."""
    total = sum(seconds.values()) or 1.0
    return tuple(
        (
            (f"{sort.glyph} ", sort.tone),
            (f"{sort.words} ", Tone.PLAIN),
            (f"{spoken(length)}, {_percent(length / total)}", Tone.DIM),
        )
        for sort, length in seconds.items()
    )


def _percent(share: float) -> str:
    """Write a share; what is something is never nothing, nor all while it is not."""
    whole = round(100 * share)
    if whole == 0:
        return "<1 %"
    return ">99 %" if whole == 100 and share < 1 else f"{whole} %"  # noqa: PLR2004


def flowing(
    parts: tuple[tuple[Piece, ...], ...], width: int
) -> Iterator[tuple[Piece, ...]]:
    """Set groups of words side by side, as many in a line as there is room for."""
    line: list[Piece] = []
    used = 0
    for group in parts:
        size = sum(cell_len(text) for text, _ in group)
        if line and used + 3 + size > width:
            yield tuple(line)
            line, used = [], 0
        if line:
            line.append(("   ", Tone.PLAIN))
            used += 3
        line += group
        used += size
    if line:
        yield tuple(line)
