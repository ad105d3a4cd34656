"""The signs of the timeline's bars, and their legend.

No meaning is shown by color alone.
"""

from collections.abc import Iterable, Iterator

from sfnwatch.analysis.completion import Completion, ReportedBy
from sfnwatch.analysis.phases import Phase, Segment
from sfnwatch.model.integrations import CallRole
from sfnwatch.tui.phase_signs import PHASES
from sfnwatch.tui.spans import Span, legend
from sfnwatch.tui.timeline_axis import CUT
from sfnwatch.view.parts import status_glyph
from sfnwatch.view.timeline_bars import Tick

CHOSEN = "look--chosen"
"""The look of the call that the user went to."""
INSTANT = Span("◆", "role--name")
REDRIVEN_SIGN = Span("⟲", "role--warn")
EARLIER = Span("‹", "role--dim")
"""Points to a bar before the time in view."""
LATER = Span("›", "role--dim")
_FAILED_TRY = Span("▄", "role--bad")
_FAILED_CONTAINER = Span(PHASES[Phase.CONTAINER].text, "role--bad")
_POLL = Span("█", "role--poll")
_STOP = Span("█", "role--warn")
_FAILED_CALL = Span("✘", "role--bad")
_CHOSEN_CALL = Span("◆", CHOSEN)
_CHOSEN_FAILED_CALL = Span("✘", CHOSEN)
_LEARNED_BY = {
    ReportedBy.EVENT: Span("◀", "role--event"),
    ReportedBy.POLL: Span("◀", "role--poll"),
}
"""How Step Functions learned of an end, where that is certain."""
_LEARNED_SOMEHOW = Span("◁", "role--dim")
_HEIGHTS = "▁▂▃▄▅▆▇"
"""Bars for few and for many at once."""
_CROWD_LOOK = "look--bar"
_CROWD_IN_LEGEND = Span("▅", _CROWD_LOOK)
_LEGEND: tuple[tuple[Span, str], ...] = (
    (PHASES[Phase.WORKING], "working"),
    (PHASES[Phase.WAITING], "waiting"),
    (_FAILED_TRY, "failed try"),
    (PHASES[Phase.BACKING_OFF], "backing off"),
    (_POLL, "poll"),
    (_FAILED_CALL, "failed, or a denied call"),
    (CUT, "idle time skipped"),
    (_LEARNED_BY[ReportedBy.EVENT], "learned by event"),
    (_LEARNED_BY[ReportedBy.POLL], "learned by poll"),
    (_LEARNED_SOMEHOW, "detected, poll or event unknown"),
    (REDRIVEN_SIGN, "redriven"),
    (PHASES[Phase.COMPLETION_LAG], "completion lag"),
    (PHASES[Phase.STOPPED], "stopped until redriven"),
    (Span("↷", "role--warn"), "caught"),
    (INSTANT, "instantaneous"),
    (_CROWD_IN_LEGEND, "running concurrently"),
    (PHASES[Phase.CONTAINER], "encloses other states"),
    (_STOP, "stops the job"),
)
"""The signs and what they mean, the most important first."""


def stroke_of(segment: Segment) -> Span:
    """Return the sign that fills a segment's cells."""
    if segment.failed and segment.phase is Phase.WORKING:
        return _FAILED_TRY
    if segment.failed and segment.phase is Phase.CONTAINER:
        return _FAILED_CONTAINER
    return PHASES[segment.phase]


def crowd_sign(count: int, most: int, *, failed: bool) -> Span:
    """Return the sign of a cell in which `count` ran at once, of at most `most`."""
    # Rounded up: one of many is seen, too.
    height = -(-count * len(_HEIGHTS) // most)
    return Span(_HEIGHTS[height - 1], "role--bad" if failed else _CROWD_LOOK)


def tick_sign(tick: Tick, *, is_chosen: bool) -> Span | None:
    """Return a call's mark; None for an action that succeeded, which the bar shows."""
    if is_chosen:
        return _CHOSEN_FAILED_CALL if tick.failed else _CHOSEN_CALL
    if tick.failed:
        return _FAILED_CALL
    if tick.role is CallRole.POLL:
        return _POLL
    return _STOP if tick.role is CallRole.STOP else None


def instant_sign(status: str) -> Span:
    """Return the sign of a state that takes no time."""
    if status in {"succeeded", "running"}:
        return INSTANT
    return Span(status_glyph(status).text, "role--bad")


def end_signs(status: str, completion: Completion | None) -> list[Span]:
    """Return how Step Functions learned of an end and, if bad, what the end was."""
    glyph = status_glyph(status)
    status_sign = Span(glyph.text, f"role--{glyph.role}")
    if completion is None:
        return [status_sign]
    arrow = _LEARNED_SOMEHOW
    if completion.certain:
        arrow = _LEARNED_BY.get(completion.by, _LEARNED_SOMEHOW)
    return [arrow] if status == "succeeded" else [arrow, status_sign]


def legend_of(drawn: Iterable[Span], width: int) -> Iterator[Span]:
    """Yield the legend of what is drawn; without room, the last signs are left out."""
    signs = {_sign_in_legend(cell) for cell in drawn}
    return legend((entry for entry in _LEGEND if entry[0] in signs), width)


def _sign_in_legend(cell: Span) -> Span:
    """Return the legend's sign for a cell: one for all heights, one for all cuts."""
    if cell.text == CUT.text:
        return CUT
    return _CROWD_IN_LEGEND if cell.look == _CROWD_LOOK else cell
