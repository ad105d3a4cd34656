"""The minimap: how much came when, and the marks on it, a column a stretch of time."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby, pairwise
from math import ceil, sqrt

from msgspec import Struct, field

from sfnwatch.trace.chapters import Chapter, Mark
from sfnwatch.trace.course import Course
from sfnwatch.trace.values import replace
from sfnwatch.trace.words import STATUS_GLYPHS, Piece, Tone
from sfnwatch.tui.scrubber_scale import Scale, scale_of

BLOCKS = "▁▂▃▄▅▆▇█"
"""The first is the ground: nothing came."""
PLAYHEAD = "▼"
WATERMARK = "┊"
CUT = "╱"
MARKS: Mapping[Mark, tuple[str, Tone]] = {
    Mark.FAILED: ("✘", Tone.BAD),
    Mark.DENIED: ("∅", Tone.WARN),
    Mark.ENDED: ("■", Tone.STRONG),
    Mark.REDRIVEN: ("⟲", Tone.WARN),
    Mark.RETRIED: ("↻", Tone.WARN),
    Mark.CAUGHT: ("↷", Tone.WARN),
    Mark.FIRST_POLL: ("◇", Tone.STRONG),
    Mark.NOTICED: ("▷", Tone.STRONG),
    Mark.STARTED: ("▸", Tone.STRONG),
    Mark.ENTERED: ("╷", Tone.PLAIN),
}
"""Each kind of mark, the one that wins a column first, to its glyph and tone."""
SCRUBBER_SIGNS = (
    (PLAYHEAD, "the moment that is shown"),
    ("▁▃▅█", "how much came: nothing, little, much"),
    (MARKS[Mark.STARTED][0], "the execution started"),
    (MARKS[Mark.ENTERED][0], "a state was entered"),
    (MARKS[Mark.FIRST_POLL][0], "the first poll of a job"),
    (MARKS[Mark.NOTICED][0], "Step Functions knew that a job was over"),
    (MARKS[Mark.FAILED][0], "a try, a state or a call failed"),
    (MARKS[Mark.DENIED][0], "a call was denied"),
    (
        f"{MARKS[Mark.RETRIED][0]} {MARKS[Mark.REDRIVEN][0]}",
        "another try, by a Retry; the execution redriven",
    ),
    (MARKS[Mark.CAUGHT][0], "an error was caught"),
    ("✔ ✘ ◷ ■", "the execution ended: succeeded, failed, timed out, aborted"),
    (CUT, "idle time, squeezed: no even scale"),
    (WATERMARK, "up to here all calls are believed to be here"),
    ("»", "idle time is squeezed, or being skipped"),
    ("● ▶ ‖ ■", "live, playing, paused, at the end"),
)
"""Each sign of the player, and what it means."""
_RANKS = {kind: rank for rank, kind in enumerate(MARKS)}
_ALWAYS = frozenset({Tone.BAD, Tone.WARN})
"""Tones that a mark keeps where the player has not been yet."""
_MANY = 16
"""Rows in a column that make it full, where no other has more."""
_BUSY = 4
"""From this height on a column says more than that a state was entered in it."""


class Minimap(Struct, frozen=True):
    """A course cut into columns; where the player is comes later."""

    course: Course
    scale: Scale
    width: int
    squeeze: bool = False
    levels: tuple[int, ...] = ()
    """How high each column is, as a place in BLOCKS."""
    marks: Mapping[int, tuple[Chapter, ...]] = field(default_factory=dict)
    """A column's marks, the one that is drawn first."""
    cuts: frozenset[int] = frozenset()
    """Where a silence has been made shorter than it was."""
    shown: Mapping[int, datetime] = field(default_factory=dict)
    """A column to the last moment in it at which a row comes."""

    def column(self, at: datetime) -> int:
        return min(self.width - 1, round(self.scale.place(at) * (self.width - 1)))

    def at(self, column: int) -> datetime:
        """Say which moment a column stands for: one at which what is in it is shown.

        The ends of the bar are the ends of the course, whatever else is there.
        """
        if column <= 0 or self.width == 1:
            return self.course.begin
        if column >= self.width - 1:
            return self.course.end
        marks = self.marks.get(column)
        if marks:
            return marks[0].at
        return self.shown.get(column) or self.scale.at(column / (self.width - 1))


def minimap(
    course: Course, chapters: Sequence[Chapter], width: int, *, squeeze: bool
) -> Minimap:
    """Cut a course into `width` columns."""
    scale = scale_of(course, squeeze=squeeze)
    empty = Minimap(course, scale, max(1, width))
    # Columns are far fewer than moments: look only for where each begins.
    starts = [
        bisect_left(course.moments, column, key=empty.column)
        for column in range(empty.width + 1)
    ]
    columns = list(enumerate(pairwise(starts)))
    marks = _columns_of(chapters, empty)
    levels = _levels([sum(course.counts[begin:end]) for _, (begin, end) in columns])
    return replace(
        empty,
        squeeze=squeeze,
        levels=levels,
        cuts=frozenset(_cuts(empty, set(marks) | _filled(levels))),
        marks={column: _by_rank(found) for column, found in marks.items()},
        shown={
            column: course.moments[end - 1]
            for column, (begin, end) in columns
            if begin < end
        },
    )


def _columns_of(
    chapters: Sequence[Chapter], shown: Minimap
) -> Mapping[int, Sequence[Chapter]]:
    """Tell the marks of each column that has any; they come in the order of time."""
    marks: dict[int, Sequence[Chapter]] = {}
    begin = 0
    while begin < len(chapters):
        column = shown.column(chapters[begin].at)
        end = bisect_right(
            chapters, column, begin, key=lambda chapter: shown.column(chapter.at)
        )
        marks[column] = chapters[begin:end]
        begin = end
    return marks


def _filled(levels: Iterable[int]) -> set[int]:
    return {column for column, level in enumerate(levels) if level}


def _cuts(shown: Minimap, taken: set[int]) -> Iterator[int]:
    """Find a free column for each squeezed gap, as near its middle as there is."""
    scale = shown.scale
    for knot in scale.cuts:
        first, last = (shown.column(at) for at in scale.knots[knot : knot + 2])
        free = [column for column in range(first + 1, last) if column not in taken]
        if free:
            yield free[len(free) // 2]


def _by_rank(chapters: Iterable[Chapter]) -> tuple[Chapter, ...]:
    return tuple(sorted(chapters, key=lambda chapter: _RANKS[chapter.kind]))


def _levels(amounts: list[int]) -> tuple[int, ...]:
    """Give each amount a height; by its root, or one burst would flatten the rest."""
    most = max(_MANY, *amounts)
    top = len(BLOCKS) - 1
    return tuple(ceil(top * sqrt(n / most)) if n else 0 for n in amounts)


def map_pieces(
    shown: Minimap, playhead: int, watermark: datetime | None = None
) -> tuple[Piece, ...]:
    """Draw the minimap, a cell a column; what is played already stands out."""
    complete = shown.column(watermark) if watermark is not None else None
    drawn = (
        _cell(shown, column, playhead, complete=complete)
        for column in range(shown.width)
    )
    return tuple(
        ("".join(glyph for glyph, _ in run), tone)
        for tone, run in groupby(drawn, key=lambda piece: piece[1])
    )


def _cell(shown: Minimap, column: int, playhead: int, *, complete: int | None) -> Piece:
    played = Tone.ACTION if column < playhead else Tone.DIM
    if column == playhead:
        return PLAYHEAD, Tone.STRONG
    marks = shown.marks.get(column, ())
    level = shown.levels[column]
    if marks and (marks[0].kind is not Mark.ENTERED or level < _BUSY):
        glyph, tone = _mark(marks[0])
        own = tone in _ALWAYS or (column < playhead and tone is not Tone.PLAIN)
        return glyph, tone if own else played
    if column == complete and not level:
        return WATERMARK, Tone.GUESS
    if column in shown.cuts:
        return CUT, played
    return BLOCKS[level], played


def _mark(chapter: Chapter) -> Piece:
    if chapter.kind is Mark.ENDED and chapter.status:
        return STATUS_GLYPHS.get(chapter.status, MARKS[Mark.ENDED])
    return MARKS[chapter.kind]


def labels_at(shown: Minimap, column: int) -> Iterator[str]:
    """Yield the words of a column's marks, the one that is drawn first."""
    yield from (chapter.label for chapter in shown.marks.get(column, ()))


def chapter_at(chapters: Sequence[Chapter], at: datetime) -> Chapter | None:
    """Give the newest mark that has come by `at`."""
    place = bisect_right(chapters, at, key=lambda chapter: chapter.at)
    return chapters[place - 1] if place else None


def first_start(chapters: Iterable[Chapter]) -> Chapter | None:
    """Give the start of the execution that is followed, the first of all."""
    return next((c for c in chapters if c.kind is Mark.STARTED), None)


def ending(chapters: Sequence[Chapter]) -> Chapter | None:
    """Give the end of that execution or, with its start unknown, the last of any."""
    ends = [chapter for chapter in chapters if chapter.kind is Mark.ENDED]
    start = first_start(chapters)
    arn = start.key.rpartition("#")[0] if start else ""
    own = [chapter for chapter in ends if chapter.key.rpartition("#")[0] == arn]
    return next(reversed(own or ends), None)
