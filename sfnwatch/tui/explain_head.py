"""What stands above an execution's findings: its name, how it went, where time went."""

from collections.abc import Callable, Iterator
from datetime import datetime

from rich.cells import cell_len

from sfnwatch.trace.finding_words import spoken
from sfnwatch.trace.findings import Certainty
from sfnwatch.trace.report_verdict import Verdict
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import Timeline
from sfnwatch.trace.words import STATUS_GLYPHS, Piece, Tone
from sfnwatch.tui.cells import pad
from sfnwatch.tui.explain_page import Telling
from sfnwatch.tui.rails import CLOSED, OPEN

Mask = Callable[[str], str]
"""What names go through before they are shown."""

_NAME = 100
_RULE = "─"


def title(telling: Telling, width: int, mask: Mask, *, closed: bool) -> list[Piece]:
    """Name what is told of, with a rule behind it."""
    arrow = CLOSED if closed else OPEN
    pieces: list[Piece] = [(f"{arrow} ", Tone.ACTION), *_named(telling.timeline, mask)]
    used = sum(cell_len(text) for text, _ in pieces)
    rule = _RULE * max(0, width - used - 1)
    return list(pad([*pieces, (f" {rule}", Tone.DIM)], width))


def _named(timeline: Timeline | None, mask: Mask) -> Iterator[Piece]:
    if timeline is None:
        yield ("The trace as a whole", Tone.STRONG)
        return
    machine = timeline.state_machine_name
    if machine:
        yield (clean(mask(machine), _NAME), Tone.PLAIN)
        yield (" › ", Tone.DIM)
    yield (clean(mask(timeline.name), _NAME), Tone.STRONG)


def verdict(telling: Telling, now: datetime) -> Piece | None:
    """Say how an execution went: `✔ SUCCEEDED after 5 min 9 s`, or how it goes."""
    timeline, judged = telling.timeline, telling.verdict
    if timeline is None or judged is None:
        return None
    glyph, tone = STATUS_GLYPHS.get(judged.status.lower(), STATUS_GLYPHS["unknown"])
    words = _goes_on(timeline, judged, now) if timeline.running else judged.text
    return f"{glyph} {words.rstrip('.')}", tone


def _goes_on(timeline: Timeline, judged: Verdict, now: datetime) -> str:
    """Say how long it runs by now; the verdict knows of the last that came only."""
    begun = timeline.started_at
    words = clean(judged.status, _NAME)
    if begun is not None:
        words += f" for {spoken(max(0.0, (now - begun).total_seconds()))}"
    visit = timeline.visits.by_id.get(judged.visit or 0)
    return f"{words}, in {clean(visit.name, _NAME)}" if visit else words


def counted(telling: Telling) -> str:
    """Count findings: `7 findings, 2 of them inferred`."""
    told = list(telling.told)
    guesses = sum(each.finding.certainty is Certainty.INFERENCE for each in told)
    if not told:
        return "nothing can be said yet"
    if len(told) == 1:
        return "1 finding, inferred" if guesses else "1 finding"
    words = f"{len(told)} findings"
    if not guesses:
        return words
    return f"{words}, {'all' if guesses == len(told) else guesses} of them inferred"
