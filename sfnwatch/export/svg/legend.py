"""The legend of a picture: what its colors and marks mean."""

from collections.abc import Iterable

from sfnwatch.export.svg.canvas import MARGIN, ROW, SvgCanvas
from sfnwatch.view.parts import Part, Role


def draw_legend(canvas: SvgCanvas, y: float, notes: Iterable[str] = ()) -> float:
    """Draw the meaning of colors and marks, then `notes`; return the y of the end."""
    x = MARGIN
    for words in ("waiting", "working", "completion lag", "backing off", "failed"):
        canvas.rect(words.replace(" ", "-"), x, y + 5, 14, 9)
        x = canvas.write(x + 20, y, [Part(words, Role.DIM)]) + 18
    canvas.dot(x + 4, y + 10, "action")
    x = canvas.write(x + 14, y, [Part("action call", Role.DIM)]) + 18
    canvas.path("poll", (x + 2, y + 5), (x + 2, y + 15))
    x = canvas.write(x + 10, y, [Part("poll", Role.DIM)]) + 18
    canvas.cross(x + 4, y + 10)
    canvas.write(x + 14, y, [Part("denied or failed", Role.DIM)])
    for note in notes:
        y += ROW
        canvas.write(MARGIN, y, [Part(note, Role.DIM)])
    return y + ROW + 8
