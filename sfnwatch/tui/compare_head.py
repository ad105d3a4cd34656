"""What stands above and below a comparison: who, what it comes to, and the signs."""

from collections.abc import Iterator, Sequence

from sfnwatch.export.compare_prose import wrapped
from sfnwatch.trace.compare_bars import MEANINGS, parts_of
from sfnwatch.trace.compare_points import Which
from sfnwatch.trace.compare_values import Side
from sfnwatch.trace.compare_words import side_title, status_tone, status_word
from sfnwatch.trace.spans import Part
from sfnwatch.trace.text import duration
from sfnwatch.trace.words import Piece, Tone
from sfnwatch.tui.cells import cells, cut, pad
from sfnwatch.tui.compare_lines import (
    GHOST,
    MARGIN,
    NAME_LEAST,
    Drawing,
    Strokes,
    fitted,
    right,
)
from sfnwatch.tui.gantt_canvas import GLYPHS, Ink, Stroke

_SIGNS = (
    (Part.WORKING, Ink.WORKING),
    (Part.WAITING, Ink.WAITING),
    (Part.BACKING_OFF, Ink.BACKING_OFF),
    (Part.NOTICING, Ink.NOTICING),
    (Part.AROUND, Ink.AROUND),
)


def draw_head(
    drawing: Drawing, sentences: Sequence[str], room: int
) -> tuple[Strokes, ...]:
    """Draw who is compared, what it comes to, and the names of the columns.

    In `room` lines at most; what matters least goes first.
    """
    comparison, width = drawing.of, drawing.width
    sides = [
        _side_line(comparison.a, comparison.seconds.a, drawing),
        _side_line(comparison.b, comparison.seconds.b, drawing),
    ]
    titles = [_titles(drawing)]
    prose = list(_prose(sentences, width, room - len(sides) - len(titles)))
    lines = [*sides, *prose, *titles] if room > len(sides) else titles
    return tuple(lines[: max(0, room)])


def _prose(sentences: Sequence[str], width: int, room: int) -> Iterator[Strokes]:
    """Write sentences one after the other, the first one standing out."""
    if room < 1 or not sentences:
        return
    lines = _wrapped(sentences, max(8, width - 2))
    for number, (words, tone) in enumerate(lines[:room]):
        cut_off = number == room - 1 and len(lines) > room
        said = f"{words} …" if cut_off else words
        yield pad(((" ", Tone.PLAIN), (said, tone)), width)


def _wrapped(sentences: Sequence[str], width: int) -> list[Piece]:
    first, *others = sentences
    return [
        *((line, Tone.STRONG) for line in wrapped(first, width)),
        *((line, Tone.PLAIN) for line in wrapped(" ".join(others), width) if others),
    ]


def _side_line(side: Side, seconds: float | None, drawing: Drawing) -> Strokes:
    chosen = side.which is drawing.side
    glyph, tone = status_tone(side.status)
    length = "" if seconds is None else f"  {duration(seconds)}"
    end = ((f"  {glyph} {status_word(side.status)}", tone), (length, Tone.PLAIN))
    letter = f"{'▸' if chosen else ' '}{side.which.upper()} "
    title = (
        (letter, Tone.ACTION if chosen else Tone.DIM),
        (drawing.mask(side_title(side)), Tone.STRONG),
    )
    room = drawing.width - cells(end)
    if room < NAME_LEAST:
        return pad((*title, *end), drawing.width)
    return pad((*cut(title, room), *end), drawing.width)


def _titles(drawing: Drawing) -> Strokes:
    share, width = drawing.share, drawing.width
    whole = duration(drawing.scale)
    words: list[Piece] = [(" " * MARGIN, Tone.DIM)]
    words += pad((("  state", Tone.DIM),), share.name)
    for which in Which:
        tone = Tone.ACTION if which is drawing.side else Tone.DIM
        if share.bar:
            words += ((" ", Tone.DIM), *_axis(which.upper(), whole, share.bar, tone))
            words += pad((), share.length)
        elif share.length:
            words += ((" ", Tone.DIM), *right(((which.upper(), tone),), share.length))
    words += right((("B - A", Tone.DIM),), share.more)
    words += right((("B / A", Tone.DIM),), share.ratio)
    return pad(words, width)


def _axis(letter: str, whole: str, width: int, tone: Tone) -> tuple[Piece, ...]:
    """Say what a whole bar stands for: `A ─────── 5m 09s`."""
    room = width - len(letter) - len(whole) - 2
    if room < 1:
        return pad(((letter, tone),), width)
    return ((letter, tone), (f" {'─' * room} {whole}", Tone.DIM))


def draw_foot(drawing: Drawing) -> Strokes:
    """Explain the signs of the bars that there are."""
    seen = {
        part
        for pair in drawing.of.pairs
        for which in Which
        for part in parts_of(pair, which)
    }
    words: list[Stroke] = [(" ", Tone.PLAIN)]
    room = drawing.width - 1
    for part, ink in _SIGNS if drawing.share.bar else ():
        meaning = f" {MEANINGS[part]}   "
        room -= 1 + len(meaning)
        if part in seen and room >= 0:
            words += [(GLYPHS[part], ink), (meaning, Tone.DIM)]
    if drawing.share.bar:
        words.append((f"{GHOST} longer on the other side", Tone.DIM))
    return fitted(words, drawing.width)
