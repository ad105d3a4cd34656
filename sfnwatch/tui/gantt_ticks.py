"""The calls below a bar, as ticks."""

from collections.abc import Iterable

from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.spans import Tick
from sfnwatch.trace.words import Tone
from sfnwatch.tui.gantt_axis import Axis
from sfnwatch.tui.gantt_canvas import (
    ACTION,
    FAILED,
    OTHER,
    POLL,
    STOP,
    Canvas,
    Cells,
    Ink,
    Stroke,
    column_of,
    finish,
    ground,
)


def tick_row(calls: Iterable[Tick], canvas: Canvas, chosen: str | None) -> Cells:
    """Draw the calls below a bar; of those in one cell the most telling."""
    cells = ground(canvas)
    shown = [call for call in calls if canvas.axis.shows(call.at)]
    for call in sorted(shown, key=_rank):
        cells[tick_column(canvas.axis, call)] = _tick(call)
    cells = finish(cells, canvas)
    for call in shown:
        if call.key == chosen:
            cells[tick_column(canvas.axis, call)] = (_tick(call)[0], Ink.CHOSEN)
    return cells


def tick_column(axis: Axis, call: Tick) -> int:
    return column_of(axis, call.at)


_RANKS = (CallRole.OTHER, CallRole.POLL, CallRole.STOP, CallRole.ACTION)
_TICKS = {CallRole.ACTION: ACTION, CallRole.POLL: POLL, CallRole.STOP: STOP}


def _rank(call: Tick) -> int:
    return len(_RANKS) if call.failed else _RANKS.index(call.role)


def _tick(call: Tick) -> Stroke:
    if call.failed:
        return FAILED, Tone.BAD
    glyph = _TICKS.get(call.role, OTHER)
    if not call.exact:
        return glyph, Tone.GUESS
    return glyph, Tone.PLAIN if call.role is CallRole.POLL else Tone.ACTION


def tick_near(calls: Iterable[Tick], axis: Axis, column: int) -> Tick | None:
    """Find the call drawn at a column, or right beside it."""
    near = [
        (abs(tick_column(axis, call) - column), -_rank(call), number, call)
        for number, call in enumerate(calls)
        if axis.shows(call.at)
    ]
    best = min(near, key=lambda found: found[:3], default=None)
    return best[3] if best is not None and best[0] <= 1 else None
