"""What runs inside a state, in words: which it is, how far it is, what went wrong."""

from collections.abc import Iterator

from sfnwatch.trace.arns import short_id
from sfnwatch.trace.map_runs import Counts
from sfnwatch.trace.nests import Nest
from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.times import seconds_between
from sfnwatch.trace.tones import STATUS_GLYPHS, Piece, Tone

_LIMIT = 200
_CELLS = 10
"""The cells of a bar."""
_DONE, _BAD, _BUSY, _LEFT = "█", "▓", "▒", "░"


def nest_pieces(nest: Nest) -> Iterator[Piece]:
    """Name what runs inside a state and say how it stands."""
    if nest.is_map_run:
        yield (clean(f"Map Run {nest.name}", _LIMIT), Tone.STRONG)
    else:
        machine = f"{nest.machine} › " if nest.machine else ""
        yield (clean(f"{machine}{short_id(nest.name)}", _LIMIT), Tone.STRONG)
    status = nest.status.lower()
    glyph, tone = STATUS_GLYPHS.get(status, STATUS_GLYPHS["unknown"])
    yield (f"  {glyph} {clean(status.replace('_', ' '), _LIMIT)}", tone)
    if nest.started_at is not None and nest.stopped_at is not None:
        took = seconds_between(nest.started_at, nest.stopped_at)
        yield (f" {duration(max(0.0, took))}", Tone.DIM)
    if not nest.waits:
        yield ("  not waited for", Tone.DIM)


def map_run_pieces(nest: Nest) -> Iterator[Piece]:
    """Say how far a Map Run is, failures first; where it was never told, say that."""
    told = nest.map_run
    if told is None:
        yield ("its executions are not in these records", Tone.DIM)
        return
    counts = told.executions
    if counts.bad:
        yield (f"✘ {counts.bad:,} failed  ", Tone.BAD)
    yield (f"{counts.done:,} of {counts.total:,} ", Tone.PLAIN)
    yield from bar_pieces(counts)
    if counts.running:
        yield (f"  ● {counts.running:,} running", Tone.BUSY)
    if counts.pending:
        yield (f"  {counts.pending:,} pending", Tone.DIM)


def bar_pieces(counts: Counts, cells: int = _CELLS) -> Iterator[Piece]:
    """Draw what is done, what failed and what runs, each seen if there is any."""
    total = max(counts.total, counts.done + counts.running + counts.pending)
    if not total:
        return
    shares = (counts.bad, counts.succeeded, counts.running)
    widths = [-(-share * cells // total) if share else 0 for share in shares]
    while sum(widths) > cells:
        # What was rounded up to be seen takes its cell from the longest.
        widths[widths.index(max(widths))] -= 1
    glyphs = ((_BAD, Tone.BAD), (_DONE, Tone.GOOD), (_BUSY, Tone.BUSY))
    for width, (glyph, tone) in zip(widths, glyphs, strict=True):
        if width:
            yield (glyph * width, tone)
    if sum(widths) < cells:
        yield (_LEFT * (cells - sum(widths)), Tone.DIM)


def count_words(counts: Counts) -> str:
    """Say in words how far a Map Run is: `12 of 40 done, 1 failed, 8 running`."""
    parts = [f"{counts.done:,} of {counts.total:,} executions done"]
    for number, word in (
        (counts.failed, "failed"),
        (counts.timed_out, "timed out"),
        (counts.aborted, "aborted"),
        (counts.running, "running"),
        (counts.pending, "pending"),
    ):
        if number:
            parts.append(f"{number:,} {word}")
    return ", ".join(parts)
