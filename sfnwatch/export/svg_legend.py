"""What the signs of the pictures mean: drawn under each, so that it stands alone."""

from collections.abc import Callable, Iterator

from sfnwatch.export.svg_draw import SMALL, cross, line, number, rect, width_of, words

_ROW = 22.0
Sign = Callable[[float, float], str]
Signs = tuple[tuple[Sign, str], ...]
"""Signs with their words."""


def _bar(css: str) -> Sign:
    return lambda x, y: rect(x, y - 5, 14, 9, css, 2)


def _circle(css: str, radius: float) -> Sign:
    return lambda x, y: (
        f'<circle class="{css}" cx="{number(x + 7)}" cy="{number(y)}" r="{radius:g}"/>'
    )


def _cross(x: float, y: float) -> str:
    return cross(x + 7, y, 4)


def _ask(x: float, y: float) -> str:
    return _circle("ask", 7)(x, y) + words(
        x + 7, y + 4, "?", "tiny t-guess", anchor="middle"
    )


PARTS: Signs = (
    (_bar("waiting"), "waiting"),
    (_bar("working"), "working"),
    (_bar("lost"), "a try that failed"),
    (_bar("backing"), "backing off"),
    (_bar("noticing"), "over, not noticed yet"),
    (_bar("around"), "around other states"),
)
CALLS: Signs = (
    (_circle("dot", 5), "action call"),
    (_circle("ring", 4), "poll"),
    (lambda x, y: line(x + 2, y, x + 12, y, "tick"), "poll, folded"),
    (_cross, "refused or failed"),
    (_ask, "fits several states"),
    (lambda x, y: line(x, y, x + 14, y, "tie"), "tied by an id"),
    (lambda x, y: line(x, y, x + 14, y, "tie guess"), "tied by a guess"),
)


def legend_height(x: float, width: float, note: str, signs: Signs) -> float:
    """Tell how many px a legend takes that begins at `x`, with its line of notes."""
    rows = 1 + max((row for row, _, _, _ in _places(x, width, signs)), default=-1)
    return _ROW * (rows + bool(note))


def legend(
    x: float,
    y: float,
    width: float,
    note: str,
    signs: Signs,
) -> Iterator[str]:
    """Draw the signs with their words, then a line of notes."""
    row = -1
    for row, left, sign, told in _places(x, width, signs):
        top = y + row * _ROW
        yield sign(left, top)
        yield words(left + 20, top + 4, told, "tiny")
    if note:
        yield words(x, y + (row + 1) * _ROW + 4, note, "tiny")


def _places(
    x: float, width: float, signs: Signs
) -> Iterator[tuple[int, float, Sign, str]]:
    """Set the signs in rows, as words are set."""
    row, left = 0, x
    for sign, told in signs:
        needs = 20 + width_of(told, SMALL) + 18
        if left > x and left + needs > width:
            row, left = row + 1, x
        yield row, left, sign, told
        left += needs
