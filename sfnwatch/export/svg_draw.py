"""Parts of a picture as SVG text: what all pictures are drawn with.

Every string is cleaned and escaped here, and nowhere else. Lengths are px; fonts are
the reader's own, so that the width of a text can only be estimated.
"""

from collections.abc import Iterable, Sequence
from html import escape
from unicodedata import east_asian_width

from sfnwatch.trace.text import clean
from sfnwatch.trace.words import Piece, Tone

SIZE = 12.5
"""Of the text, px."""
SMALL = 11.0
_NARROW, _USUAL, _BROAD, _WIDE = 0.37, 0.61, 0.8, 1.05
"""Widths in ems: of `il.`, of most letters, of capitals, of `mw` and CJK."""
_TONES = {tone: f"t-{tone}" for tone in Tone}


def safe(text: str) -> str:
    """Clean a text and escape it, for an element and for an attribute alike."""
    return escape(clean(text))


def safe_lines(lines: Iterable[str]) -> str:
    """Clean and escape several lines, each by itself."""
    return "\n".join(safe(line) for line in lines if line)


def number(value: float) -> str:
    """Write a coordinate as short as a tenth of a px allows."""
    text = f"{value:.1f}"
    return text.removesuffix(".0")


def width_of(text: str, size: float = SIZE) -> float:
    """Estimate how wide a text is drawn: rather too wide than too narrow."""
    return size * sum(map(_ems, text))


def _ems(character: str) -> float:
    if character in "iljtfr.,:;|!'()[] ":
        return _NARROW
    if character.isascii():
        if character in "mwMW@%":
            return _WIDE
        return _BROAD if character.isupper() else _USUAL
    return _WIDE if east_asian_width(character) in "WF" else _BROAD


def cut(text: str, width: float, size: float = SIZE) -> str:
    """Clean a text and cut it so that it fits into so many px."""
    text = clean(text)
    if width_of(text, size) <= width:
        return text
    left = width - size * _BROAD
    for place, character in enumerate(text):
        left -= size * _ems(character)
        if left < 0:
            return f"{text[:place].rstrip()}…"
    return text


def fit(pieces: Iterable[Piece], width: float) -> tuple[Piece, ...]:
    """Keep as much of a row's pieces as fits into so many px."""
    kept: list[Piece] = []
    for text, tone in pieces:
        whole = clean(text)
        fitting = cut(whole, width)
        if fitting.strip("… ") or not kept:
            kept.append((fitting, tone))
        if fitting != whole:
            break
        width -= width_of(whole)
    return tuple(kept)


def words(
    x: float, y: float, text: str, css: str = "", *, anchor: str = "", more: str = ""
) -> str:
    """Draw one text; `more` is markup that goes inside, in front of it."""
    end = f' text-anchor="{anchor}"' if anchor else ""
    name = f' class="{css}"' if css else ""
    return (
        f'<text x="{number(x)}" y="{number(y)}"{name}{end}>{more}{escape(text)}</text>'
    )


def pieces(x: float, y: float, parts: Sequence[Piece]) -> str:
    """Draw a row's pieces one after the other; they are clean already.

    Blanks at their ends are a distance: SVG would drop them.
    """
    spans: list[str] = []
    blanks = 0
    for text, tone in parts:
        lead = len(text) - len(text.lstrip(" "))
        apart = f' dx="{4 * (blanks + lead)}"' if spans and blanks + lead else ""
        spans.append(
            f'<tspan class="{_TONES[tone]}"{apart}>{escape(text.strip(" "))}</tspan>'
        )
        blanks = len(text) - len(text.rstrip(" "))
    return f'<text x="{number(x)}" y="{number(y)}">{"".join(spans)}</text>'


def width_of_pieces(parts: Iterable[Piece]) -> float:
    return sum(width_of(text) for text, _ in parts)


def rect(  # noqa: PLR0917 - x, y, width, height are what everybody expects
    x: float, y: float, width: float, height: float, css: str, radius: float = 0
) -> str:
    """Draw a rectangle; one of no size at all is still drawn as a hair."""
    size = f'width="{number(max(width, 0.5))}" height="{number(max(height, 0.5))}"'
    round_ = f' rx="{number(radius)}"' if radius else ""
    return f'<rect class="{css}" x="{number(x)}" y="{number(y)}" {size}{round_}/>'


def line(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    return f'<path class="{css}" d="M{number(x1)} {number(y1)}{_to(x1, y1, x2, y2)}"/>'


def _to(x1: float, y1: float, x2: float, y2: float) -> str:
    if x1 == x2:
        return f"V{number(y2)}"
    return f"H{number(x2)}" if y1 == y2 else f"L{number(x2)} {number(y2)}"


def title(lines: Iterable[str]) -> str:
    """Give an element its tooltip."""
    return f"<title>{safe_lines(lines)}</title>"


def group(
    children: Iterable[str], css: str, *, key: str = "", tip: Sequence[str] = ()
) -> str:
    """Bind what belongs to one row; `key` is what the report knows it by."""
    known = f' id="{escape(key)}"' if key else ""
    inside = "".join(children)
    return f'<g class="{css}"{known}>{title(tip) if tip else ""}{inside}</g>'


def cross(x: float, y: float, reach: float) -> str:
    """Draw the sign of what AWS refused or what failed."""
    far = number(2 * reach)
    start = f"M{number(x - reach)} {number(y - reach)}"
    return f'<path class="cross" d="{start}l{far} {far}m0-{far}l-{far} {far}"/>'


def document(
    body: Iterable[str],
    size: tuple[float, float],
    *,
    name: str,
    description: str,
    css: str = "",
    key: str = "",
) -> str:
    """Make a whole picture, with its name for those who can't see it.

    `css` is put in where the picture must stand alone; `key` keeps the ids of several
    in one page apart.
    """
    width, height = (number(length) for length in size)
    style = f"<style>{css}</style>" if css else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="sw" role="img"'
        f' aria-labelledby="{key}t {key}d" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}">'
        f'<title id="{key}t">{safe(name)}</title>'
        f'<desc id="{key}d">{safe(description)}</desc>{style}'
        f"{''.join(body)}</svg>\n"
    )
