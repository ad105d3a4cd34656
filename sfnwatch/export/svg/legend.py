"""The legend of a picture: what its colors and marks mean."""

from collections.abc import Iterable

from sfnwatch.export.svg.canvas import MARGIN, ROW, SvgCanvas

_PHASES = ("waiting", "working", "completion lag", "backing off", "failed")
_GAP = 18
"""The space between two entries, in px."""


def draw_legend(canvas: SvgCanvas, y: float, notes: Iterable[str] = ()) -> float:
    """Draw the meaning of colors and marks, then `notes`; return the y of the end."""
    x = MARGIN
    for phase in _PHASES:
        css = phase.replace(" ", "-")
        canvas.rect(css, x, y + 5, 14, 9)
        x = canvas.write_dim(x + 20, y, phase) + _GAP
    middle = y + ROW / 2
    canvas.dot(x + 4, middle, "action")
    x = canvas.write_dim(x + 14, y, "action call") + _GAP
    canvas.path("poll", (x + 2, middle - 5), (x + 2, middle + 5))
    x = canvas.write_dim(x + 10, y, "poll") + _GAP
    canvas.cross(x + 4, middle)
    canvas.write_dim(x + 14, y, "denied or failed")
    for note in notes:
        y += ROW
        canvas.write_dim(MARGIN, y, note)
    return y + ROW + 8
