"""A page of findings → lines, for a width and for what is folded.

Pure. A line belongs to what the cursor can be on, which may take several lines, or is
there only to be read.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo

from msgspec import Struct
from rich.cells import cell_len, set_cell_size

from sfnwatch.trace.findings import Certainty
from sfnwatch.trace.lanes import Kind, Row
from sfnwatch.trace.text import clean
from sfnwatch.trace.words import Piece, Tone, row_pieces
from sfnwatch.tui.cells import cells, cut
from sfnwatch.tui.explain_head import Mask, counted, title, verdict
from sfnwatch.tui.explain_page import Explained, Proof, Telling, Told, Topic
from sfnwatch.tui.explain_time import bar, flowing, parts_words
from sfnwatch.tui.rails import CLOSED, OPEN
from sfnwatch.tui.record_wrap import wrapped
from sfnwatch.tui.zones import in_zone, stamp

MOST = 200
"""Pieces of evidence that are listed of one finding."""
SIGNS = {Certainty.FACT: ("=", Tone.EXACT), Certainty.INFERENCE: ("~", Tone.GUESS)}
"""As links are marked: what is exact, and what is a guess."""
_NOTHING: Piece = ("Nothing has come yet that could be explained.", Tone.DIM)
_MEANINGS = {
    Certainty.FACT: "read off the records",
    Certainty.INFERENCE: "concluded from them",
}
_WORD = max(len(certainty) for certainty in Certainty)
_STACKED = 56
"""Below so many cells words stand under what is told of them: certainty, time."""
_NAMING = frozenset({Kind.ENTERED, Kind.PASSED})
"""Kinds of rows whose own words begin with the state's name."""
_NAME = 24
_BAR = 36
"""Cells of a bar that is worth to stand in one line with its words."""
_MEASURE = 110
"""Cells after which a sentence is broken though there is room: it is to be read."""

Target = Telling | Told | Proof


class Line(Struct, frozen=True):
    """A line of the view, and what the cursor is on when it is there."""

    pieces: tuple[Piece, ...] = ()
    target: Target | None = None
    """None: only to be read."""


class Shape(Struct, frozen=True):
    """All that lines depend on besides the page."""

    width: int
    now: datetime
    closed: frozenset[str] = frozenset()
    """The keys of executions that are folded."""
    opened: frozenset[str] = frozenset()
    """The keys of findings whose evidence is shown."""
    mask: Mask = str
    zone: tzinfo | None = None
    roomy: bool = True
    """True where there is room for lines that only set others apart."""

    @property
    def stacked(self) -> bool:
        return self.width < _STACKED


def explain_lines(page: Explained, shape: Shape) -> Iterator[Line]:
    """List the lines of all that is told, as far as it is unfolded."""
    if not page.tellings:
        yield _margined((_NOTHING,), shape)
        return
    if shape.roomy:
        yield Line(_legend(shape.width))
    dated = _dated(page, shape)
    for telling in page.tellings:
        if shape.roomy:
            yield Line()
        closed = telling.key in shape.closed
        head = title(telling, shape.width, shape.mask, closed=closed)
        yield Line(tuple(head), telling)
        yield from _verdict(telling, shape)
        if not closed:
            yield from _time(telling, shape)
            yield from _topics(telling.topics, shape, dated=dated)


def _legend(width: int) -> tuple[Piece, ...]:
    """Explain the signs of certainty; without words where these have no room."""
    whole = tuple(_signs(worded=True))
    return whole if cells(whole) <= width else cut(_signs(worded=False), width)


def _signs(*, worded: bool) -> Iterator[Piece]:
    for certainty, words in _MEANINGS.items():
        yield ("  ", Tone.DIM)
        yield from _certainty(certainty)
        yield (f"  {words}   " if worded else " ", Tone.DIM)


def _certainty(certainty: Certainty) -> Iterator[Piece]:
    sign, tone = SIGNS[certainty]
    yield (f"{sign} {certainty}", tone)


def _dated(page: Explained, shape: Shape) -> bool:
    """True if a time of day does not say when it was."""
    zone = shape.zone or UTC
    days = {in_zone(at, zone).date() for at in page.extent or ()}
    return len(days) > 1


# -- an execution ------------------------------------------------------------------


def _verdict(telling: Telling, shape: Shape) -> Iterator[Line]:
    pieces: list[Piece] = []
    said = verdict(telling, shape.now)
    if said is not None:
        words, tone = said
        pieces.append((shape.mask(words), tone))
    pieces.append((counted(telling), Tone.DIM))
    for line in _flowed(pieces, max(2, shape.width - 2)):
        yield _margined(line, shape, telling)


def _flowed(pieces: Iterable[Piece], width: int) -> Iterator[tuple[Piece, ...]]:
    """Set pieces in a line if they fit, else each in lines of its own."""
    each = list(pieces)
    whole = sum(cell_len(text) for text, _ in each) + 3 * (len(each) - 1)
    if whole <= width:
        yield tuple(piece for one in each for piece in (("   ", Tone.DIM), one))[1:]
        return
    for text, tone in each:
        for line in wrapped(text, width):
            yield ((line, tone),)


def _time(telling: Telling, shape: Shape) -> Iterator[Line]:
    """Draw where the time went: the bar before its words, or above them."""
    seconds, room = telling.spent, max(2, shape.width - 3)
    lines = list(flowing(parts_words(seconds), room))
    if shape.roomy and lines:
        yield Line()
    left = room - cells(lines[0]) - 3 if len(lines) == 1 else 0
    if left >= _BAR:
        yield _margined((*bar(seconds, left), ("   ", Tone.PLAIN), *lines[0]), shape)
        return
    drawn = bar(seconds, room)
    for pieces in (drawn, *lines) if drawn else lines:
        yield _margined(pieces, shape)


def _margined(
    pieces: Iterable[Piece], shape: Shape, target: Target | None = None
) -> Line:
    return Line(cut((("  ", Tone.DIM), *pieces), shape.width), target)


def _topics(
    topics: Mapping[Topic, tuple[Told, ...]], shape: Shape, *, dated: bool
) -> Iterator[Line]:
    for topic, told in topics.items():
        if shape.roomy:
            yield Line()
        yield _margined(((topic, Tone.STRONG),), shape)
        for each in told:
            yield from _finding(each, shape)
            if each.key in shape.opened:
                yield from _proofs(each, shape, dated=dated)


# -- a finding ---------------------------------------------------------------------


def _finding(told: Told, shape: Shape) -> Iterator[Line]:
    finding = told.finding
    arrow = (OPEN if told.key in shape.opened else CLOSED) if told.proofs else " "
    begin: list[Piece] = [(f"{arrow} ", Tone.ACTION), *_certainty(finding.certainty)]
    margin = 4 if shape.stacked else 2 + 2 + _WORD + 2
    space = margin - cells(begin)
    body = _body(told, min(_MEASURE, max(2, shape.width - margin - 1)), shape.mask)
    if shape.stacked:
        yield Line(cut(begin, shape.width), told)
    for number, line in enumerate(body):
        first = number == 0 and not shape.stacked
        before = (
            (*begin, (" " * space, Tone.DIM)) if first else ((" " * margin, Tone.DIM),)
        )
        yield Line(cut((*before, *line), shape.width), told)


def _body(told: Told, width: int, mask: Mask) -> Iterator[tuple[Piece, ...]]:
    """Break a finding into lines, and count its evidence behind the last of them."""
    *most, last = wrapped(clean(mask(told.finding.text)), width)
    for line in most:
        yield ((line, Tone.PLAIN),)
    count = evidence_words(told.proofs)
    if not count:
        yield ((last, Tone.PLAIN),)
    elif cell_len(last) + 2 + cell_len(count) <= width:
        yield ((last, Tone.PLAIN), (f"  {count}", Tone.DIM))
    else:
        yield ((last, Tone.PLAIN),)
        yield ((count, Tone.DIM),)


def evidence_words(proofs: Iterable[Proof]) -> str:
    """Count evidence: `[1 event, 5 calls]`."""
    known = [proof.row for proof in proofs if proof.row is not None]
    missing = sum(proof.row is None for proof in proofs)
    calls = sum(row.call is not None for row in known)
    tasks = sum(row.task is not None for row in known)
    counts = (
        (len(known) - calls - tasks, "event", "events"),
        (calls, "call", "calls"),
        (tasks, "task state", "task states"),
        (missing, "record not here", "records not here"),
    )
    said = [f"{n:,} {one if n == 1 else more}" for n, one, more in counts if n]
    return f"[{', '.join(said)}]" if said else ""


# -- its evidence ------------------------------------------------------------------


class _Columns(Struct, frozen=True):
    """The cells of what rows of evidence have in common."""

    time: int
    name: int
    dated: bool


def _proofs(told: Told, shape: Shape, *, dated: bool) -> Iterator[Line]:
    listed = told.proofs[:MOST]
    rows = [proof.row for proof in listed if proof.row is not None]
    columns = _Columns(
        max((len(_time_of(row, shape, dated=dated)) for row in rows), default=0),
        max((cell_len(_state_of(row, shape.mask)) for row in rows), default=0),
        dated,
    )
    for proof in listed:
        for pieces in _proof(proof, columns, shape):
            margin: Piece = (" " * (2 if shape.stacked else 4), Tone.DIM)
            yield Line(cut((margin, *pieces), shape.width), proof)
    left = len(told.proofs) - len(listed)
    if left:
        words = f"      … {left:,} more of them"
        yield Line(cut(((words, Tone.DIM),), shape.width))


def _proof(
    proof: Proof, columns: _Columns, shape: Shape
) -> Iterator[tuple[Piece, ...]]:
    """Put a row into a line or, where there is no room, its words in one below."""
    row = proof.row
    if row is None:
        absent = f"{shape.mask(clean(proof.id))} is not in what was read"
        yield (("· ", Tone.DIM), (absent, Tone.DIM))
        return
    mark = ("→ ", Tone.ACTION) if proof.there else ("· ", Tone.DIM)
    at = _time_of(row, shape, dated=columns.dated)
    begin = (mark, (f"{at:<{columns.time}}  ", Tone.DIM))
    state = _state_of(row, shape.mask)
    words = tuple((shape.mask(text), tone) for text, tone in row_pieces(row))
    if shape.stacked:
        yield (*begin, (state, Tone.PLAIN))
        yield (("  ", Tone.DIM), *words)
    elif columns.name and row.kind not in _NAMING:
        yield (*begin, (set_cell_size(state, columns.name + 2), Tone.PLAIN), *words)
    else:
        yield (*begin, *words)


def _time_of(row: Row, shape: Shape, *, dated: bool) -> str:
    zone = shape.zone or UTC
    at = stamp(row.at, zone, millis=row.call is None)
    return f"{in_zone(row.at, zone):%m-%d} {at}" if dated else at


def _state_of(row: Row, mask: Mask) -> str:
    """Name the state that a row is of; what names its state itself has none."""
    visit = row.visit or row.caller
    if visit is None or row.kind in _NAMING:
        return ""
    name = clean(mask(visit.name))
    if cell_len(name) <= _NAME:
        return name
    return set_cell_size(name, _NAME - 1).rstrip() + "…"
