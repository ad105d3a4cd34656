"""What stands beside the bars: the tree's labels, how long, and what is notable."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator

from rich.cells import cell_len

from sfnwatch.trace.notice import By, Notice
from sfnwatch.trace.spans import Part
from sfnwatch.trace.text import clean
from sfnwatch.trace.visits import StateVisit
from sfnwatch.trace.words import (
    STATUS_GLYPHS,
    Piece,
    Tone,
    notice_words,
)
from sfnwatch.tui.gantt_bars import (
    ACTION,
    FAILED,
    GLYPHS,
    INSTANT,
    NOTICED,
    NOTICED_SURELY,
    POLL,
    Ink,
    Stroke,
    status_of,
)
from sfnwatch.tui.gantt_tree import Kind, Line, Node, kind_of, name_of

_NAME = 60
"""No name takes more; the detail pane has the whole."""

Mask = Callable[[str], str]


def label(line: Line, mask: Mask) -> tuple[Piece, ...]:
    """Name a row, with its place in the tree."""
    node = line.node
    glyph, tone = STATUS_GLYPHS.get(status_of(node), STATUS_GLYPHS["unknown"])
    strong = Tone.STRONG if node.kind is Kind.EXECUTION else Tone.PLAIN
    return (
        (f"{line.rails}{_fold_sign(line)} ", Tone.DIM),
        (f"{glyph} ", tone),
        (clean(mask(name_of(node)), _NAME), strong),
        *((f"  {text}", kind) for text, kind in _after_name(line, mask)),
    )


def _after_name(line: Line, mask: Mask) -> Iterator[Piece]:
    """Say what a state is; of what is folded away, how it went."""
    visit = line.node.visit
    if visit is not None:
        tone = Tone.ACTION if visit.attempts else Tone.DIM
        yield clean(mask(kind_of(line.node)), _NAME), tone
    if visit is not None and line.folded:
        yield from _counts(line.node)


def calls_label(line: Line) -> tuple[Piece, ...]:
    """Say what the second line of a row is."""
    return ((f"{line.rails}   ", Tone.DIM), ("calls", Tone.DIM))


def _fold_sign(line: Line) -> str:
    if line.folded is None:
        return "─" if line.rails else " "
    return "▸" if line.folded else "▾"


# -- notes -----------------------------------------------------------------------


def note(node: Node, *, folded: bool) -> tuple[Piece, ...]:
    """Say in few words what is notable of a row."""
    return tuple(_spaced(_notes(node, folded=folded)))


def told_words(told: Notice, room: int) -> Piece:
    """Say how an end was noticed, as fully as there is room for."""
    late = f"noticed {told.seconds:.1f} s late"
    glyph = NOTICED_SURELY if told.certain else NOTICED
    brief = f"{glyph} {told.seconds:.1f} s"
    said = (notice_words(told), f"{late}{_HOW[told.by, told.certain]}", late)
    words = (words for words in said if cell_len(words) <= room)
    return next(words, brief), Tone.GUESS


_HOW = defaultdict(
    str,
    {
        (By.EVENT, True): ", by event",
        (By.POLL, True): ", by a poll",
        (By.POLL, False): ", by poll or event",
    },
)


def _spaced(pieces: Iterable[Piece]) -> Iterator[Piece]:
    for number, (text, tone) in enumerate(pieces):
        yield (f"  {text}" if number else text), tone


def _notes(node: Node, *, folded: bool) -> Iterator[Piece]:
    visit = node.visit
    if visit is not None and node.children and not folded:
        yield from _counts(node)
    if visit is None:
        return
    if len(visit.attempts) > 1:
        yield f"{len(visit.attempts)} tries", Tone.WARN
    error = _error(visit)
    if error:
        yield clean(error, _NAME), Tone.WARN if visit.status == "caught" else Tone.BAD


def _error(visit: StateVisit) -> str | None:
    last = visit.attempts[-1].error if visit.attempts else None
    return (visit.error or last) if visit.status != "succeeded" else None


def _counts(node: Node) -> Iterator[Piece]:
    """Count the branches or iterations by how they ended."""
    counted = Counter(status_of(child) for child in node.children)
    for status, (glyph, tone) in STATUS_GLYPHS.items():
        if counted[status]:
            yield f"{glyph} {counted[status]}", tone


# -- the signs -------------------------------------------------------------------


def legend(width: int) -> tuple[Stroke, ...]:
    """Explain the signs; what has no room is left out whole, the rarest first."""
    signs = (
        (GLYPHS[Part.WAITING], Ink.WAITING, "waiting"),
        (GLYPHS[Part.WORKING], Ink.WORKING, "working"),
        (GLYPHS[Part.BACKING_OFF], Ink.BACKING_OFF, "backing off"),
        (NOTICED_SURELY, Ink.NOTICING, "noticed late"),
        (FAILED, Tone.BAD, "failed"),
        (ACTION, Tone.ACTION, "action"),
        (POLL, Tone.PLAIN, "poll"),
        (INSTANT, Ink.WORKING, "instant"),
    )
    whole = sum(len(words) + 4 for _, _, words in signs)
    gap = "  " if whole < width else " "
    found: list[Stroke] = [(" ", Tone.PLAIN)]
    room = width - 1
    for glyph, ink, words in signs:
        room -= len(words) + 2 + len(gap)
        if room < 0:
            break
        found += [(f"{glyph} ", ink), (f"{words}{gap}", Tone.DIM)]
    used = sum(len(text) for text, _ in found)
    return (*found, (" " * max(0, width - used), Tone.PLAIN))
