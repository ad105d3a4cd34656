"""Text in spans, cut and wrapped to cells, and painted in the theme's colors.

The style sheet decides how a span looks: a span names one of its classes, and never a
color.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec import Struct
from rich.cells import cell_len, chop_cells, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from sfnwatch.analysis.phases import Phase
from sfnwatch.model.texts import clean
from sfnwatch.model.times import clock
from sfnwatch.view.parts import Part, Role

CHIPS = 6
"""Executions that have a hue of their own; with more, some share one."""
LOOKS = frozenset(
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
PHASES: Mapping[Phase, Span] = {
    Phase.WAITING: Span("▂", "rail--waiting"),
    Phase.WORKING: Span("▄", "role--busy"),
    Phase.COMPLETION_LAG: Span("┄", "role--event"),
    Phase.BACKING_OFF: Span("▖", "role--warn"),
    Phase.CONTAINER: Span("─", "rail--container"),
    Phase.STOPPED: Span("┈", "rail--stopped"),
}
"""The sign of each phase, one cell of a bar."""
Masks = Callable[[str], str]
"""Replaces names that must not be seen."""


class Looks(Struct, frozen=True):
    """How names and times are shown, as a presenter or a reader has chosen."""

    mask: Masks = str
    masked: bool = False
    local: bool = False
    origin: datetime | None = None
    """The time from which times count, if executions are aligned at their starts."""

    def at(self, at: datetime) -> datetime:
        """Return a time in the chosen zone."""
        try:
            return at.astimezone(None if self.local else UTC)
        except (OverflowError, OSError, ValueError):
            # A record may hold the first or the last date there is.
            return at

    def time(self, at: datetime, *, whole: bool = False) -> str:
        """Return a time of day, or the time since the start; `whole` omits the ms."""
        if self.origin is not None:
            passed = round((at - self.origin).total_seconds() * 1000)
            seconds, millis = divmod(abs(passed), 1000)
            rest = "" if whole else f".{millis:03}"
            return f"{'−' if passed < 0 else '+'}{clock(seconds)}{rest}"
        return self.time_of_day(at, whole=whole)

    def time_of_day(self, at: datetime, *, whole: bool = False) -> str:
        """Return a time of day, even if times count from a start."""
        shown = self.at(at)
        rest = "" if whole else f".{shown.microsecond // 1000:03}"
        return f"{shown:%H:%M:%S}{rest}"

    def zone(self, at: datetime | None = None) -> str:
        """Return the name of the zone that times are in."""
        if not self.local:
            return "UTC"
        return clean(self.at(at or datetime.now(UTC)).strftime("%Z") or "local", 12)


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
    rows: list[SpanRow] = [[]]
    room = first
    for word in _words(spans, others):
        size = width_of([*word[:-1], Span(word[-1].text.rstrip())])
        if size > room and len(rows) < most:
            rows.append([])
            room = others
            word[0] = Span(word[0].text.lstrip(), word[0].look)
        rows[-1] += word
        room -= width_of(word)
    # A row of blanks only is the end of the row before.
    rows = [row for row in rows if any(span.text.strip() for span in row)]
    for row in rows:
        row[-1] = Span(row[-1].text.rstrip(), row[-1].look)
    return [cut(row, others if n else first) for n, row in enumerate(rows)]


def _words(spans: Iterable[Span], longest: int) -> Iterator[SpanRow]:
    """Yield words with the blanks before them; very long ones come in pieces.

    A word may have several looks: what no blank divides stays together.
    """
    word: SpanRow = []
    for span in spans:
        for part in _WORDS.findall(span.text):
            is_long = cell_len(part) > longest > 0
            for piece in chop_cells(part, longest) if is_long else [part]:
                parted = piece[:1].isspace() or (word and word[-1].text[-1:].isspace())
                if word and (parted or width_of(word) + cell_len(piece) > longest):
                    yield word
                    word = []
                word.append(Span(piece, span.look))
    if word:
        yield word


def mark_found(spans: Iterable[Span], words: str) -> Iterator[Span]:
    """Mark the searched words where they stand, in upper or lower case."""
    wanted = words.casefold()
    for span in spans:
        text = span.text
        look = span.look
        begin = 0
        folded = text.casefold()
        found = folded.find(wanted) if len(folded) == len(text) else -1
        while found >= 0:
            yield Span(text[begin:found], look)
            begin = found + len(wanted)
            yield Span(text[found:begin], "look--found")
            found = folded.find(wanted, begin)
        yield Span(text[begin:], look)


def margined(rows: Iterable[Spans], margin: int, first: Spans = ()) -> list[SpanRow]:
    """Indent rows; `first` stands in the margin of the first row."""
    lead = fit(first, margin)
    blank = [Span(" " * margin)]
    return [[*(blank if n else lead), *row] for n, row in enumerate(rows)]


def ruled(spans: Spans, cells: int) -> SpanRow:
    """Draw a rule behind a heading, to the end of its row."""
    short = cut(spans, cells)
    return [*short, Span("─" * (cells - width_of(short)), "look--faint")]


def percent(share: float) -> str:
    """Return a percentage; more than nothing is never 0, less than all never 100."""
    whole = round(100 * share)
    if whole == 0 < share:
        return "<1 %"
    return ">99 %" if whole == 100 and share < 1 else f"{whole} %"  # noqa: PLR2004


# -- columns -----------------------------------------------------------------------


class Cells(NamedTuple):
    """A column of a table; one of size 0 takes what the others leave."""

    head: str
    size: int = 0
    least: int = 0
    """The width of the table from which on the column is shown."""
    right: bool = False


def in_columns(
    columns: Sequence[Cells], cells: Iterable[Span | Spans], width: int
) -> SpanRow:
    """Return a row of a table, in the columns that have room."""
    pairs = zip(columns, cells, strict=True)
    shown = [(column, cell) for column, cell in pairs if width >= column.least]
    gaps = sum(2 if column.size > 1 else 1 for column, _ in shown if column.size)
    left = max(1, width - gaps - sum(column.size for column, _ in shown))
    spans: SpanRow = []
    for column, cell in shown:
        size = min(column.size or left, width - width_of(spans))
        if size < 1:
            break
        told = [cell] if isinstance(cell, Span) else cell
        spans += fit(told, size, right=column.right)
        spans.append(Span("  " if column.size > 1 else " "))
    return spans[:-1]


def heads(columns: Sequence[Cells], width: int) -> SpanRow:
    """Return the row of the columns' names."""
    return in_columns(columns, [Span(c.head, "role--dim") for c in columns], width)


def legend(signs: Iterable[tuple[Span, str]], width: int) -> Iterator[Span]:
    """Yield signs with their meanings, as many as have room, the first ones first."""
    room = width - 1
    yield Span(" ")
    for sign, words in signs:
        size = len(sign.text) + len(words) + 3
        if size <= room:
            room -= size
            yield from (sign, Span(f" {words}  ", "role--dim"))


# -- painting ----------------------------------------------------------------------


def strip_of(widget: Widget, spans: Iterable[Span], cells: int) -> Strip:
    """Return a painted row of exactly `cells` cells, without a background."""
    segments = []
    style_of = widget.screen.get_component_rich_style
    for span in spans:
        if span.text:
            style = style_of(span.look, partial=True)
            if span.does:
                style += Style(meta={"@click": f"app.do({span.does!r})"})
            segments.append(Segment(span.text, style))
    return Strip(segments).adjust_cell_length(cells)


class Rows(Widget):
    """Rows of text, any number of them; hidden while there are none."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Rows { height: auto; }"

    def __init__(
        self,
        make: Callable[[int], Sequence[Spans]] | None = None,
        *,
        most: int = 1,
        id: str | None = None,  # noqa: A002 - Textual's word
    ) -> None:
        """`make` returns the rows for a width; without it, shown texts are wrapped.

        `most` is the number of rows that each text may then take.
        """
        super().__init__(id=id)
        self._make = make or self._wrapped
        self._most = most
        self._told: Sequence[Spans] = ()
        self._made: tuple[int, Sequence[Spans]] = -1, ()

    def show(self, *told: Spans) -> None:
        """Show other texts."""
        if told != self._told:
            self._told = told
            self.display = bool(told)
            self.redraw()

    def redraw(self) -> None:
        """Make the rows again, and paint them if they have changed."""
        width, before = self._made
        self._made = (-1, ())
        rows = self.rows(width)
        if rows != before:
            self.refresh(layout=len(rows) != len(before))

    def rows(self, width: int) -> Sequence[Spans]:
        """Return the rows for a width."""
        if width < 0:
            return ()
        if self._made[0] != width:
            self._made = width, self._make(width)
        return self._made[1]

    def _wrapped(self, width: int) -> Sequence[Spans]:
        each = (flow(spans, width, width, self._most) for spans in self._told)
        return [row for rows in each for row in rows]

    def get_content_width(self, container: object, viewport: object) -> int:
        del container, viewport
        return max(map(width_of, self._told), default=0)

    def get_content_height(
        self, container: object, viewport: object, width: int
    ) -> int:
        del container, viewport
        return len(self.rows(width))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        rows = self.rows(width)
        row = cut(rows[y], width) if y < len(rows) else ()
        return strip_of(self, row, width).apply_style(self.rich_style)
