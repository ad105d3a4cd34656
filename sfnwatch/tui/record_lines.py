"""Sections → the lines of the pane, for a width and for what is folded.

Pure. A line is one spot, or two beside each other. The lines of trees are put into
words only when they are drawn: there may be very many.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, tzinfo
from itertools import zip_longest

from msgspec import Struct, field
from rich.cells import cell_len, set_cell_size

from sfnwatch.trace.arns import last_segment
from sfnwatch.trace.text import clean
from sfnwatch.trace.words import Tone, short_id
from sfnwatch.tui.facts import Fact
from sfnwatch.tui.json_draw import CLOSED, OPEN, Inked, fitted, tree_pieces
from sfnwatch.tui.json_tree import Folds, Mask, Node, TreeLine, tree_lines
from sfnwatch.tui.record_links import Said, Tie
from sfnwatch.tui.record_sections import Beside, Part, Section, Topic
from sfnwatch.tui.record_wrap import wrapped
from sfnwatch.tui.zones import stamp

BESIDE = 88
"""Cells from which two values stand beside each other."""
_STACKED = 36
"""Below so many cells a fact stands under its label."""
_MOMENT = len("2023-11-15T09:28:24.102+09:00,")
"""With less room than that beside the labels it does so, too: no time is broken."""
_NAMES = 30
_RULE = "─"

Target = Section | Fact | Tie | Said | TreeLine


class Spot(Struct, frozen=True):
    """A line's part that the cursor can be on."""

    target: Target
    part: int = 0
    """Which of its target's lines it is."""
    pieces: tuple[Inked, ...] = ()
    """Its words; a tree's line has none until it is drawn."""
    section: Section | None = None

    @property
    def place(self) -> object:
        """What finds the spot again when lines come before it; None for nothing."""
        match self.target:
            case TreeLine() as line:
                return line.place
            case Section() as section:
                return section.topic, section.number
            case Fact() as fact:
                topic = self.section.topic if self.section else None
                return topic, fact.label, self.part
            case Tie() as tie:
                return tie.key, tie.role, self.part
            case Said(words=""):
                return None
        topic = self.section.topic if self.section else None
        return topic, self.target, self.part


Line = tuple[Spot, ...]


class Shape(Struct, frozen=True):
    """All that lines depend on besides their sections."""

    width: int
    closed: frozenset[Topic] = frozenset()
    mask: Mask = str
    zone: tzinfo | None = None
    folds: Folds = field(default_factory=Folds)
    way_out: str = ""
    """The key that closes the pane, told at its top."""

    @property
    def beside(self) -> bool:
        return self.width >= BESIDE

    @property
    def column(self) -> int:
        """The cells of one of two columns, with a line between them."""
        return (self.width - 3) // 2


def record_lines(sections: Iterable[Section], shape: Shape) -> Iterator[Line]:
    """List the lines of all sections, as far as they are open."""
    for number, section in enumerate(sections):
        closed = section.topic in shape.closed
        pieces = _heading(section, shape, closed=closed, first=number == 0)
        yield (Spot(section, pieces=pieces),)
        if not closed:
            yield from _section_lines(section, shape)


def _heading(
    section: Section, shape: Shape, *, closed: bool, first: bool
) -> tuple[Inked, ...]:
    """Draw a heading and its rule, at whose end the first one tells the way out."""
    arrow = CLOSED if closed else OPEN
    title = shape.mask(section.title)
    out = f" {clean(shape.way_out)}" if first and shape.way_out else ""
    room = max(0, shape.width - cell_len(out))
    short = fitted([(f"{arrow}{title} ", Tone.STRONG)], room)
    rest = room - sum(cell_len(text) for text, _ in short)
    return fitted([*short, (_RULE * rest, Tone.DIM), (out, Tone.ACTION)], shape.width)


def _section_lines(section: Section, shape: Shape) -> Iterator[Line]:
    facts = [part for part in section.parts if isinstance(part, Fact)]
    labels = max((cell_len(fact.label) for fact in facts), default=0)
    columns = Columns.of([part for part in section.parts if isinstance(part, Tie)])
    for number, part in enumerate(section.parts):
        match part:
            case Fact():
                yield from _fact(part, labels, section, shape)
            case Tie():
                for line, pieces in enumerate(_tie(part, columns, shape)):
                    yield (Spot(part, line, pieces, section),)
            case _:
                yield from _other(part, number, section, shape)


def _other(part: Part, number: int, section: Section, shape: Shape) -> Iterator[Line]:
    if isinstance(part, Beside) and shape.beside:
        left = _spots(part.left, number, section, shape, shape.column)
        right = _spots(part.right, number, section, shape, shape.column)
        nothing = Spot(Said(""), section=section)
        yield from zip_longest(left, right, fillvalue=nothing)
        return
    both = (part.left, part.right) if isinstance(part, Beside) else (part,)
    for single in both:
        if isinstance(single, Node | Said):
            for spot in _spots(single, number, section, shape, shape.width):
                yield (spot,)


def _spots(
    part: Node | Said, number: int, section: Section, shape: Shape, width: int
) -> Iterator[Spot]:
    if isinstance(part, Node):
        for line in tree_lines(part, shape.folds, width, shape.mask):
            yield Spot(line, section=section)
        return
    pieces: list[Inked] = [("  ", Tone.DIM), (shape.mask(part.words), part.tone)]
    yield Spot(part, number, fitted(pieces, width), section)


# -- facts -------------------------------------------------------------------------


def _fact(fact: Fact, labels: int, section: Section, shape: Shape) -> Iterator[Line]:
    stacked = shape.width < max(_STACKED, labels + 4 + _MOMENT)
    margin = 4 if stacked else labels + 4
    words = wrapped(shape.mask(fact.words), max(1, shape.width - margin))
    label = f"  {set_cell_size(fact.label, labels)}"
    if stacked:
        pieces = fitted([(label, Tone.DIM)], shape.width)
        yield (Spot(fact, pieces=pieces, section=section),)
    for number, line in enumerate(words):
        first = number == 0 and not stacked
        before = f"{label}  " if first else " " * margin
        pieces = ((before, Tone.DIM), (line, fact.tone))
        part = number + 1 if stacked else number
        yield (Spot(fact, part, fitted(pieces, shape.width), section),)


# -- links -------------------------------------------------------------------------


class Columns(Struct, frozen=True):
    """The cells of what ties have in common, so that they stand below each other."""

    names: int = 0
    roles: int = 0
    millis: bool = False

    @classmethod
    def of(cls, ties: list[Tie]) -> "Columns":
        return cls(
            min(_NAMES, max((cell_len(tie.what) for tie in ties), default=0)),
            max((len(tie.role) for tie in ties), default=0),
            any(not tie.whole_seconds for tie in ties),
        )


def _tie(tie: Tie, columns: Columns, shape: Shape) -> Iterator[tuple[Inked, ...]]:
    """Put a tie into a line or, where that is too narrow, its evidence below it."""
    mask, width = shape.mask, shape.width
    begin = _begin(tie, columns, shape)
    rule = clean(mask(tie.rule))
    evidence = _evidence(clean(mask(tie.evidence)))
    room = width - sum(cell_len(text) for text, _ in begin) - cell_len(rule) - 2
    if rule and room < cell_len(evidence[-1]):
        yield fitted(begin, width)
        begin, room = [("    ", Tone.DIM)], width - cell_len(rule) - 6
    words = next((words for words in evidence if cell_len(words) <= room), "")
    if rule:
        begin += [(f"  {rule}", tie.rule_tone), (words, Tone.DIM)]
    yield fitted(begin, width)


def _begin(tie: Tie, columns: Columns, shape: Shape) -> list[Inked]:
    pieces: list[Inked] = [("  → ", Tone.ACTION)]
    if tie.at is not None:
        at = stamp(tie.at, shape.zone or UTC, millis=not tie.whole_seconds)
        pieces.append((f"{at:<{12 if columns.millis else 8}}  ", Tone.DIM))
    what = fitted([(clean(shape.mask(tie.what)), Tone.ACTION)], columns.names)
    space = columns.names - sum(cell_len(text) for text, _ in what)
    pieces += [*what, (" " * space, Tone.PLAIN)]
    pieces.append((f"  {tie.role:<{columns.roles}}", Tone.DIM))
    if tie.state:
        pieces.append((f"  {clean(shape.mask(tie.state))}", tie.tone))
    return pieces


def _evidence(words: str) -> list[str]:
    """Offer an id as it is and, of an ARN, only its end, the shortest last."""
    if not words:
        return [""]
    if "/" not in words:
        return [f"  {words}"]
    ends = (f"…/{last_segment(words)}", f"…/{short_id(words)}")
    return [f"  {words}", *(f"  {end}" for end in ends)]


def spot_pieces(spot: Spot, width: int, mask: Mask) -> tuple[Inked, ...]:
    """Give a spot's words, a tree's line put into them now."""
    if isinstance(spot.target, TreeLine):
        return tree_pieces(spot.target, width, mask)
    return spot.pieces
