"""The player's line in words: how it plays, where it is, by which clock."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from sfnwatch.trace.chapters import Chapter
from sfnwatch.trace.course import Course
from sfnwatch.trace.moments import Reading
from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.words import Piece, Tone
from sfnwatch.tui.cells import cells, cut, pad
from sfnwatch.tui.scrubber_map import chapter_at
from sfnwatch.tui.transport import Transport

READINGS = {
    Reading.SEEN: ("as it was seen", "seen"),
    Reading.HAPPENED: ("as it happened", "happened"),
}
NOTHING: tuple[Piece, ...] = (("nothing to play yet", Tone.DIM),)
_GAP: Piece = ("  ", Tone.PLAIN)
_FIRST = 8
"""The rank of what gives way first."""
_LABEL = 12
"""Cells below which a mark's words are not worth showing."""
_ROOMY = 60
"""Cells from which on a mark's words come before how it plays in full."""
_KEPT = 22
"""So many cells they are given then."""
_SAID = 1.0
"""Seconds from which a gap's being cut short is worth a word."""


@dataclass(frozen=True, slots=True)
class ScrubberView:
    """Everything the scrubber draws."""

    transport: Transport = field(default_factory=Transport)
    course: Course | None = None
    """By the transport's clock; None while nothing has come."""
    chapters: tuple[Chapter, ...] = ()
    """By the transport's clock, in order."""
    watermark: datetime | None = None
    """For a live watch: up to when all calls are believed to be here."""
    now: datetime | None = None
    """For a live watch, whose clock ticks though nothing comes."""


@dataclass(frozen=True, slots=True)
class Look:
    """How names and times are shown."""

    mask: Callable[[str], str] = str
    zone: tzinfo | None = None
    """None for UTC."""

    def time(self, at: datetime) -> str:
        try:
            local = at.astimezone(self.zone or UTC)
        except OverflowError:
            # A record may name the first or the last day there is.
            local = at
        return f"{local:%H:%M:%S}.{local.microsecond // 100_000}"


@dataclass(frozen=True, slots=True)
class Part:
    """Some words, and how soon they give way: the highest number first, 0 never."""

    rank: int
    pieces: tuple[Piece, ...]
    shorter: tuple[Piece, ...] = ()
    """What they give way to."""
    shorter_rank: int = 0


def player_line(
    view: ScrubberView, width: int, look: Look, hovered: tuple[Piece, ...] = ()
) -> tuple[Piece, ...]:
    """Say it all in `width` cells; what is under the mouse takes the mark's place."""
    if view.course is None:
        return pad(NOTHING, width)
    last = hovered or _chapter(view, view.course, look)
    kept = min(_KEPT, cells(last)) + cells([_GAP]) if last and width >= _ROOMY else 0
    line = _fitted([*_parts(view, view.course, look)], width - kept)
    room = width - cells(line) - cells([_GAP])
    if not last or room < _LABEL:
        return pad(line, width)
    return pad((*line, _GAP, *cut(last, room)), width)


def short_line(view: ScrubberView, course: Course) -> tuple[Piece, ...]:
    """Say the least, in a width that does not change while playing."""
    whole = f"+{duration(course.seconds)}"
    elapsed = f"+{duration(_elapsed(view, course))}".ljust(len(whole))
    return (_sign(view.transport, course)[0], (f" {elapsed} ", Tone.STRONG))


def hover_pieces(at: datetime, labels: Sequence[str], look: Look) -> tuple[Piece, ...]:
    """Say what a column of the minimap stands for."""
    words = ", ".join(look.mask(label) for label in dict.fromkeys(labels))
    time = (f"→ {look.time(at)}", Tone.ACTION)
    return (time, (f" {clean(words)}", Tone.PLAIN)) if words else (time,)


def _fitted(parts: list[Part], width: int) -> tuple[Piece, ...]:
    for rank in range(_FIRST, 0, -1):
        if cells(_joined(parts)) <= width:
            break
        parts = [_given_way(part) if part.rank == rank else part for part in parts]
        parts = [part for part in parts if part.pieces]
    return cut(_joined(parts), width)


def _given_way(part: Part) -> Part:
    return Part(part.shorter_rank, part.shorter)


def _joined(parts: list[Part]) -> tuple[Piece, ...]:
    between = [piece for part in parts for piece in (_GAP, *part.pieces)]
    return tuple(between[1:])


def _parts(view: ScrubberView, course: Course, look: Look) -> Iterator[Part]:
    transport = view.transport
    live = course.growing and transport.position is None
    at = _shown_at(view, course)
    sign, word = _sign(transport, course)
    yield Part(5, (sign, word), (sign,))
    if not live:
        yield Part(1, ((f"{transport.speed:g}×", Tone.STRONG),))
    yield Part(0, ((look.time(at), Tone.STRONG),))
    yield Part(4, *_lengths(view, course), shorter_rank=2)
    if course.growing and not live:
        end = max(course.end, view.now or course.end)
        behind = duration((end - at).total_seconds())
        yield Part(2, ((f"{behind} behind live", Tone.WARN),))
    words, shorter = READINGS[transport.reading]
    yield Part(7, ((words, Tone.DIM),), ((shorter, Tone.DIM),), shorter_rank=3)
    yield from _manners(transport, course)


def _manners(transport: Transport, course: Course) -> Iterator[Part]:
    cut_short = transport.squeezed(course) if transport.playing else 0.0
    if cut_short >= _SAID:
        skipped: Piece = (f"» {duration(cut_short)} skipped", Tone.WARN)
        shorter: Piece = (f"» {duration(cut_short)}", Tone.WARN)
        yield Part(6, (skipped,), (shorter,), shorter_rank=3)
    elif transport.squeeze:
        idle: Piece = ("» idle squeezed", Tone.DIM)
        yield Part(6, (idle,), (("» squeezed", Tone.DIM),), shorter_rank=3)
    if transport.loop:
        yield Part(8, (("∞ loop", Tone.DIM),))


def _lengths(
    view: ScrubberView, course: Course
) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    whole = duration(course.seconds)
    # What changes all the time shall not push the rest about.
    words = f"+{duration(_elapsed(view, course))}".rjust(len(whole) + 1)
    elapsed: Piece = (words, Tone.PLAIN)
    if course.growing and view.transport.position is None:
        return (elapsed,), (elapsed,)
    return (elapsed, (f" / {whole}", Tone.DIM)), (elapsed,)


def _shown_at(view: ScrubberView, course: Course) -> datetime:
    """Give the time the clock shows: at a live edge it is now."""
    at = view.transport.at(course)
    if course.growing and view.transport.position is None and view.now is not None:
        return max(at, view.now)
    return at


def _elapsed(view: ScrubberView, course: Course) -> float:
    return (_shown_at(view, course) - course.begin).total_seconds()


def _sign(transport: Transport, course: Course) -> tuple[Piece, Piece]:
    """Say how it plays, as a glyph and a word."""
    if course.growing and transport.position is None:
        return ("●", Tone.GOOD), (" live", Tone.GOOD)
    if transport.playing:
        return ("▶", Tone.BUSY), (" playing", Tone.BUSY)
    if transport.ended(course):
        return ("■", Tone.DIM), (" at the end", Tone.DIM)
    return ("‖", Tone.WARN), (" paused", Tone.WARN)


def _chapter(view: ScrubberView, course: Course, look: Look) -> tuple[Piece, ...]:
    chapter = chapter_at(view.chapters, _shown_at(view, course))
    return ((f"· {clean(look.mask(chapter.label))}", Tone.PLAIN),) if chapter else ()
