"""The player's line in words: how it plays, where it is, by which clock."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo

from msgspec import Struct, field

from sfnwatch.trace.chapters import Chapter
from sfnwatch.trace.course import Course
from sfnwatch.trace.moments import Reading
from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.words import Piece, Tone
from sfnwatch.tui.cells import cells, cut, pad
from sfnwatch.tui.scrubber_map import chapter_at, ending, first_start
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
_KEPT = 21
"""So many cells they are given then."""
_SPEED, _LENGTH = 4, 7
"""The cells of the longest speed, and of the longest length of time."""
_WORDS, _BRIEF_WORDS = 10, 7
"""The cells of the longest word for how it plays."""
_LONG = 600
"""Seconds from which on a length of time may take the most cells."""
_SAID = 1.0
"""Seconds from which a gap's being cut short is worth a word."""


class ScrubberView(Struct, frozen=True):
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


class Look(Struct, frozen=True):
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


class Part(Struct, frozen=True):
    """Some words, and how soon they give way: the highest number first, 0 never."""

    rank: int
    pieces: tuple[Piece, ...]
    shorter: tuple[Piece, ...] = ()
    """What they give way to."""
    shorter_rank: int = 0


def player_line(
    view: ScrubberView, width: int, look: Look, hovered: tuple[Piece, ...] = ()
) -> tuple[Piece, ...]:
    """Say it all in `width` cells; what is under the mouse takes the mark's place.

    What is left out depends on the width alone: every part takes the cells that its
    longest words would, or the line would jump about while it plays.
    """
    if view.course is None:
        return pad(NOTHING, width)
    last = hovered or _chapter(view, view.course, look)
    kept = _KEPT + cells([_GAP]) if view.chapters and width >= _ROOMY else 0
    line = _fitted([*_parts(view, view.course, look)], width - kept)
    room = width - cells(line) - cells([_GAP])
    if not last or room < _LABEL:
        return pad(line, width)
    return pad((*line, _GAP, *cut(last, room)), width)


def short_line(view: ScrubberView, course: Course) -> tuple[Piece, ...]:
    """Say the least, in a width that does not change while playing."""
    elapsed = _signed(_elapsed(view, course)).ljust(_room_for_elapsed(view, course))
    sign = _sign(view.transport, course, brief=True)
    return (*sign, (f" {elapsed} ", Tone.STRONG))


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
    sign, brief = (_sign(transport, course, brief=brief) for brief in (False, True))
    yield Part(5, sign, brief, shorter_rank=0)
    if not live:
        speed = f"{transport.speed:g}×".removeprefix("0")
        yield Part(1, ((speed.ljust(_SPEED), Tone.STRONG),))
    yield Part(0, ((look.time(at), Tone.STRONG),))
    yield Part(5, *_lengths(view, course), shorter_rank=2)
    if course.growing and not live:
        end = max(course.end, view.now or course.end)
        behind = duration((end - at).total_seconds()).rjust(_LENGTH)
        yield Part(2, ((f"{behind} behind live", Tone.WARN),))
    words, shorter = READINGS[transport.reading]
    yield Part(7, ((words, Tone.DIM),), ((shorter, Tone.DIM),), shorter_rank=3)
    yield from _manners(transport, course)


def _manners(transport: Transport, course: Course) -> Iterator[Part]:
    if transport.squeeze:
        cut_short = transport.squeezed(course) if transport.playing else 0.0
        whole, brief, tone = "idle squeezed", "squeezed", Tone.DIM
        if cut_short >= _SAID:
            brief, tone = duration(cut_short), Tone.WARN
            whole = f"{brief} skipped"
        room = _LENGTH + len(" skipped")
        pieces = ((f"» {whole.ljust(room)}", tone),)
        shorter = ((f"» {brief.ljust(len('squeezed'))}", tone),)
        yield Part(6, pieces, shorter, shorter_rank=3)
    if transport.loop:
        yield Part(8, (("∞ loop", Tone.DIM),))


def _lengths(
    view: ScrubberView, course: Course
) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Say how long the execution has run by then, and how long it is all in all."""
    words = _signed(_elapsed(view, course)).rjust(_room_for_elapsed(view, course))
    elapsed: Piece = (words, Tone.PLAIN)
    if course.growing and view.transport.position is None:
        return (elapsed,), (elapsed,)
    whole = duration((course.end - _origin(view, course)).total_seconds())
    return (elapsed, (f" / {whole}", Tone.DIM)), (elapsed,)


def _room_for_elapsed(view: ScrubberView, course: Course) -> int:
    """Give the cells of the longest that will be said of this course."""
    ends = (course.begin, course.end, _shown_at(view, course))
    lengths = [(at - _origin(view, course)).total_seconds() for at in ends]
    long = _LENGTH + 1 if max(map(abs, lengths)) >= _LONG else 0
    return max(long, *(len(_signed(seconds)) for seconds in lengths))


def _signed(seconds: float) -> str:
    return f"{'−' if seconds < 0 else '+'}{duration(abs(seconds))}"


def _shown_at(view: ScrubberView, course: Course) -> datetime:
    """Give the time the clock shows: at a live edge it is now."""
    at = view.transport.at(course)
    if course.growing and view.transport.position is None and view.now is not None:
        return max(at, view.now)
    return at


def _elapsed(view: ScrubberView, course: Course) -> float:
    return (_shown_at(view, course) - _origin(view, course)).total_seconds()


def _origin(view: ScrubberView, course: Course) -> datetime:
    """Give when the execution started; unless that is known, the course."""
    start = first_start(view.chapters)
    return (start and start.happened) or course.begin


def _sign(transport: Transport, course: Course, *, brief: bool) -> tuple[Piece, ...]:
    """Say how it plays, as a glyph and a word."""
    glyph, word, tone = "‖", "paused", Tone.WARN
    if course.growing and transport.position is None:
        glyph, word, tone = "●", "live", Tone.GOOD
    elif transport.playing:
        glyph, word, tone = "▶", "playing", Tone.BUSY
    elif transport.ended(course):
        glyph, word, tone = "■", "at end" if brief else "at the end", Tone.DIM
    room = _BRIEF_WORDS if brief else _WORDS
    return (glyph, tone), (f" {word.ljust(room)}", tone)


def _chapter(view: ScrubberView, course: Course, look: Look) -> tuple[Piece, ...]:
    """Name the newest mark; at the end, how it ended."""
    at = _shown_at(view, course)
    end = ending(view.chapters) if at >= course.end else None
    if end is not None and end.at <= at:
        return (_said("", end, look),)
    chapter = chapter_at(view.chapters, at)
    return (_said("last: ", chapter, look),) if chapter else ()


def _said(before: str, chapter: Chapter, look: Look) -> Piece:
    return f"· {before}{clean(look.mask(chapter.label))}", Tone.PLAIN
