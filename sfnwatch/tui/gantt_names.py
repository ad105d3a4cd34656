"""The names of calls beside their ticks, where no other tick is in the way."""

from collections.abc import Iterable

from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.spans import Tick
from sfnwatch.trace.words import Piece, Tone
from sfnwatch.tui.cells import cells as cells_of
from sfnwatch.tui.gantt_axis import Axis
from sfnwatch.tui.gantt_canvas import ACTION, Cells
from sfnwatch.tui.gantt_ticks import tick_column
from sfnwatch.tui.gantt_words import call_words, tied_words


def name_actions(cells: Cells, axis: Axis, calls: Iterable[Tick]) -> None:
    """Set the names of actions beside their ticks, as fully as there is room for.

    One that has none there is named apart from them.
    """
    apart: Tick | None = None
    for call in calls:
        if call.role is CallRole.ACTION and axis.shows(call.at):
            said = (tied_words(call), call_words(call))
            if not any(name_call(cells, axis, call, words) for words in said):
                apart = apart or call
    if cells and apart is not None:
        _name_apart(cells, ((f"{ACTION} ", Tone.ACTION), *tied_words(apart)))


def _name_apart(cells: Cells, words: tuple[Piece, ...]) -> None:
    """Set words behind all ticks, or before them."""
    taken = [n for n, (glyph, _) in enumerate(cells) if glyph not in _FREE]
    size = cells_of(words)
    for first in (taken[-1] + 3, taken[0] - 2 - size):
        if first >= 0 and first + size <= len(cells):
            cells[first : first + size] = _spread(words, size)
            return


def name_call(cells: Cells, axis: Axis, call: Tick, words: tuple[Piece, ...]) -> bool:
    """Set a call's name beside its tick; False where another tick is in the way."""
    if not cells or not axis.shows(call.at):
        return False
    size, column = cells_of(words), tick_column(axis, call)
    for first in (column + 2, column - 1 - size):
        region = cells[max(0, first - 1) : first + size + 1]
        free = all(glyph in _FREE for glyph, _ in region)
        if free and first >= 0 and first + size <= len(cells):
            cells[first : first + size] = _spread(words, size)
            return True
    return False


_FREE = frozenset(" ┊╱│")
"""What words may stand on: anything but ticks, and other words."""


def _spread(words: tuple[Piece, ...], size: int) -> Cells:
    """Give words as many strokes as cells: their characters may be of two cells."""
    return [*words, *[("", Tone.PLAIN)] * (size - len(words))]
