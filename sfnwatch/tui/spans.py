"""Text in spans, cut and wrapped to cells.

The style sheet decides how a span looks: a span names one of its classes, and never a
color.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct
from rich.cells import cell_len, chop_cells, set_cell_size

from sfnwatch.view.parts import Part, Role

CHIPS = 6
"""Executions that have a hue of their own; with more, some share one."""
STYLE_NAMES = frozenset(
    {
        *(f"role--{role}" for role in Role),
        *(f"chip--{number}" for number in range(CHIPS)),
        *(f"rail--{name}" for name in ("container", "waiting", "stopped")),
        *("look--key", "look--faint", "look--found", "look--playhead", "look--bar"),
        *("look--grid", "look--chosen"),
    }
)
"""The classes of painted text. They belong to the screen: widgets with classes of their
own would take longer to make than everything else of the first frame."""
TIME_CELLS = len("13:31:15.579")
_WORDS = re.compile(r"\s*\S+\s*$|\s*(?:[^\w\s] )?\S+|\s+")
"""A word, with the blanks and the sign before it."""


class Span(Struct, frozen=True, gc=False):
    """Some text, and the class that says what it looks like."""

    text: str
    look: str = "role--plain"
    does: str = ""
    """The id of the action that a click on it does; empty for none."""


Spans = Sequence[Span]
SpanRow = list[Span]
"""A row of text, as spans one after the other."""
Masks = Callable[[str], str]
"""Replaces names that must not be seen."""


def chip(name: str, number: int) -> Span:
    """Return an execution's short name on a ground of its own hue."""
    return Span(f" {name} ", f"chip--{number % CHIPS}")


def spans_of(parts: Iterable[Part], mask: Masks = str) -> SpanRow:
    """Return parts as spans with their looks, the names masked."""
    return [Span(mask(part.text), f"role--{part.role}") for part in parts]


def width_of(spans: Iterable[Span]) -> int:
    """Return the cells that spans take."""
    return sum(cell_len(span.text) for span in spans)


def cut(spans: Spans, cells: int) -> SpanRow:
    """Return what has room; what was cut ends in `…`."""
    if width_of(spans) <= cells:
        return list(spans)
    kept: SpanRow = []
    room = cells - 1
    for span in spans:
        size = cell_len(span.text)
        if size >= room:
            short = set_cell_size(span.text, max(0, room)).rstrip()
            kept.append(Span(f"{short}…" if cells > 0 else "", span.look))
            break
        kept.append(span)
        room -= size
    return kept


def pad(spans: Spans, cells: int) -> SpanRow:
    """Fill up with blanks to `cells` cells."""
    return [*spans, Span(" " * max(0, cells - width_of(spans)))]


def fit(spans: Spans, cells: int, *, right: bool = False) -> SpanRow:
    """Cut or fill up to `cells` cells; with `right` the blanks are at the left."""
    short = cut(spans, cells) if cells > 0 else []
    blank = Span(" " * max(0, cells - width_of(short)))
    return [blank, *short] if right else [*short, blank]


def flow(spans: Spans, first: int, others: int, most: int = 3) -> list[SpanRow]:
    """Wrap text by its words into a first row and others, at most `most` in all.

    The other rows may have another width. What has no room in the last row is cut.
    """
    if width_of(spans) <= first or most == 1:
        return [cut(spans, first)]
    flowed: list[SpanRow] = []
    for row in _wrapped(spans, first, others, most):
        # A row of blanks only is the end of the row before.
        if any(span.text.strip() for span in row):
            row[-1] = Span(row[-1].text.rstrip(), row[-1].look)
            flowed.append(cut(row, others if flowed else first))
    return flowed


def _wrapped(spans: Spans, first: int, others: int, most: int) -> list[SpanRow]:
    """Wrap text by its words; the last row holds all that is left."""
    rows: list[SpanRow] = [[]]
    room = first
    for word in _words(spans, others):
        *begin, end = word
        size = width_of(begin) + cell_len(end.text.rstrip())
        if size > room and len(rows) < most:
            rows.append([])
            room = others
            word[0] = Span(word[0].text.lstrip(), word[0].look)
        rows[-1] += word
        room -= width_of(word)
    return rows


def _words(spans: Iterable[Span], longest: int) -> Iterator[SpanRow]:
    """Yield words with the blanks before them; very long ones come in pieces.

    A word may have several looks: what no blank divides stays together.
    """
    word: SpanRow = []
    for span in spans:
        for part in _WORDS.findall(span.text):
            is_long = cell_len(part) > longest > 0
            pieces = chop_cells(part, longest) if is_long else [part]
            for piece in pieces:
                if word and not _belongs_to(word, piece, longest):
                    yield word
                    word = []
                word.append(Span(piece, span.look))
    if word:
        yield word


def _belongs_to(word: Spans, piece: str, longest: int) -> bool:
    """True if no blank is between a word and the next piece, and both have room."""
    is_apart = piece[:1].isspace() or word[-1].text[-1:].isspace()
    return not is_apart and width_of(word) + cell_len(piece) <= longest


def mark_found(spans: Iterable[Span], words: str) -> Iterator[Span]:
    """Mark the searched words where they stand, in upper or lower case."""
    folded_words = words.casefold()
    for span in spans:
        text = span.text
        look = span.look
        begin = 0
        folded = text.casefold()
        found = folded.find(folded_words) if len(folded) == len(text) else -1
        while found >= 0:
            yield Span(text[begin:found], look)
            begin = found + len(folded_words)
            yield Span(text[found:begin], "look--found")
            found = folded.find(folded_words, begin)
        yield Span(text[begin:], look)


def margined(rows: Iterable[Spans], margin: int, first: Spans = ()) -> list[SpanRow]:
    """Indent rows; `first` stands in the margin of the first row."""
    indented: list[SpanRow] = []
    before = fit(first, margin)
    for row in rows:
        indented.append([*before, *row])
        before = [Span(" " * margin)]
    return indented


def ruled(spans: Spans, cells: int) -> SpanRow:
    """Draw a rule behind a heading, to the end of its row."""
    short = cut(spans, cells)
    return [*short, Span("─" * (cells - width_of(short)), "look--faint")]


def percent(share: float) -> str:
    """Return a percentage; more than nothing is never 0, less than all never 100."""
    whole = round(100 * share)
    if whole == 0 and share > 0:
        return "<1 %"
    if whole == 100 and share < 1:  # noqa: PLR2004
        return ">99 %"
    return f"{whole} %"


def legend(signs: Iterable[tuple[Span, str]], width: int) -> Iterator[Span]:
    """Yield signs with their meanings, as many as have room, the first ones first."""
    room = width - 1
    yield Span(" ")
    for sign, words in signs:
        size = len(sign.text) + len(words) + 3
        if size <= room:
            room -= size
            yield from (sign, Span(f" {words}  ", "role--dim"))
