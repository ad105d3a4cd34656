"""What stands beside the bars: the tree's labels, how long, and what is notable."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from rich.cells import cell_len

from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.map_runs import Counts
from sfnwatch.trace.notice import By, Notice
from sfnwatch.trace.spans import Tick
from sfnwatch.trace.text import clean
from sfnwatch.trace.visits import StateVisit
from sfnwatch.trace.words import (
    STATUS_GLYPHS,
    Piece,
    Tone,
    notice_words,
)
from sfnwatch.tui.gantt_bars import status_of
from sfnwatch.tui.gantt_canvas import NOTICED, NOTICED_SURELY
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


def calls_label(line: Line, room: int, *, selected: bool) -> tuple[Piece, ...]:
    """Say what the second line of a row is; of the selected row, of its polls."""
    before = f"{line.rails}   "
    said = (*_polls(line.calls), "calls") if selected else ("calls",)
    fitting = (words for words in said if len(before) + len(words) <= room)
    return ((before, Tone.DIM), (next(fitting, said[-1]), Tone.DIM))


def _polls(calls: Sequence[Tick]) -> Iterator[str]:
    """Say how many polls there are, and how long after the action the last one."""
    polls = [call for call in calls if call.role is CallRole.POLL]
    actions = [call for call in calls if call.role is CallRole.ACTION]
    before = [call for call in actions if polls and call.at <= polls[-1].at]
    if not before:
        return
    seconds = round((polls[-1].at - before[-1].at).total_seconds())
    count = f"{len(polls)} polls, " if len(polls) > 1 else "1 poll, "
    last = "the last " if len(polls) > 1 else ""
    yield f"calls  {count}{last}+{seconds} s"
    yield f"{count}{last}+{seconds} s"
    yield f"{count}{last.removeprefix('the ')}+{seconds} s"


def call_words(call: Tick) -> tuple[Piece, ...]:
    """Name a call, and its error."""
    error = ((f" ✘ {clean(call.error_code, 40)}", Tone.BAD),) if call.error_code else ()
    return ((clean(call.name, 40), Tone.ACTION), *error)


def tied_words(call: Tick) -> tuple[Piece, ...]:
    """Name a call, and say how it is known whose it is."""
    tone = Tone.EXACT if call.exact else Tone.GUESS
    return (*call_words(call), (f" {call.rule}", tone))


def _fold_sign(line: Line) -> str:
    if line.folded is None:
        return "─" if line.rails else " "
    return "▸" if line.folded else "▾"


# -- notes -----------------------------------------------------------------------


def note(node: Node, *, folded: bool) -> tuple[Piece, ...]:
    """Say in few words what is notable of a row."""
    return tuple(_spaced(_notes(node, folded=folded)))


Told = tuple[int, Notice]
"""The number of a try, and how its end was noticed."""


def told_words(told: Sequence[Told], tries: int, room: int) -> Piece:
    """Say how the ends of tries were noticed, as fully as there is room for."""
    number, last = told[-1]
    glyph = NOTICED_SURELY if last.certain else NOTICED
    said = _of_one(last) if (number, len(told)) == (tries, 1) else _of_many(told)
    words = (words for words in said if cell_len(words) <= room)
    return next(words, f"{glyph} {last.seconds:.1f} s"), Tone.GUESS


def _of_one(told: Notice) -> Iterator[str]:
    late = f"noticed {told.seconds:.1f} s late"
    yield from (notice_words(told), f"{late}{_HOW[told.by, told.certain]}", late)


def _of_many(told: Sequence[Told]) -> Iterator[str]:
    each = ", ".join(f"try {n} {one.seconds:.1f} s late" for n, one in told)
    yield f"noticed: {each}"
    yield each
    seconds = ", ".join(f"{one.seconds:.1f} s" for _, one in told)
    yield f"noticed {seconds} late"


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
    if visit is not None and (node.children or node.counts) and not folded:
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
    if node.visit is not None and node.visit.attempts:
        return  # what a Task began has a status of its own
    if node.counts is not None:
        yield from _of_map_run(node.counts)
        return
    counted = Counter(status_of(child) for child in node.children)
    for status, (glyph, tone) in STATUS_GLYPHS.items():
        if counted[status]:
            yield f"{glyph} {counted[status]}", tone


def _of_map_run(counts: Counts) -> Iterator[Piece]:
    """Count a Map Run's executions, failures first."""
    if counts.bad:
        yield f"✘ {counts.bad:,}", Tone.BAD
    if counts.running:
        yield f"● {counts.running:,}", Tone.BUSY
    yield f"✔ {counts.succeeded:,} of {counts.total:,}", Tone.GOOD
