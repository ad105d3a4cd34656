"""The same screen in ASCII: every sign becomes one character, in the same cell.

For terminals, fonts and screen readers that have no box drawing. Only signs are
replaced; letters stay as they are in any script, since names are data.
"""

import re
import unicodedata
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_UNKNOWN = "?"
_KEPT = "LMNC"
"""Letters, marks and numbers; what can't be shown has been cleaned before."""
_VARIANT = "\ufe0f"
"""After a sign this makes a picture of it, of another width."""
_FOREIGN = re.compile(rf"[^\x00-\x7f](?!{_VARIANT})")

_SIGNS = {
    # Status first: what is well, what is not, what runs, what waits, what was stopped.
    "+": "✔✓▅",
    "x": "✘✗×",
    "*": "●⏺◆◉•⭑★☆▪▆",
    "o": "◇○◌◯◎□▯◦°⭘▫",
    "@": "◷◐◑◒◓↻↺⟳⟲",
    "#": "■▮⏹█▙▛▜▟▊▉",
    "&": "↷↪",
    "!": "▲△⚠≠∅",
    "=": "‖⏸▄",
    "%": "▇▓",
    # Pointers; the half block marks the selected line.
    ">": "▶▷▸▹►›»⏵⏭→⇥‣≥⟩⟫▌",
    "<": "◀◁◂◃◄‹«⏴⏮←⇤⏎↵⌫≤⟨⟪",
    "v": "▼▽▾▿↓",
    "^": "▴▵↑",
    # Words, and bars: what is higher or darker is denser here too.
    "-": "·–—―−‐‑↔↕⇄⇆▔▃",
    ".": "…░▂▖▗",
    ":": "⋯⋮",
    # Bars of one picture differ: what waits, backs off, is over and not yet noticed.
    ",": "▒",
    "~": "±≈┄",
    "_": "▁",
    "|": "▏▎▍▋▕▐",
    '"': "“”„▀",
    "'": "‘’‚▘▝",
    "\\": "↳",
    "/": "⌕÷",
    "P": "¶",
    "8": "∞",
    "S": "§",
    "?": "\ufffd",
}
"""A character to the signs it stands for."""
_PAIRS = {"🔎": "/ "}
"""The only sign of two cells that a screen of ours has."""
_KNOWN = {
    **{sign: plain for plain, signs in _SIGNS.items() for sign in signs},
    **_PAIRS,
}
_BENT = {
    ("DOWN", "RIGHT"): "/",
    ("DOWN", "LEFT"): "\\",
    ("UP", "RIGHT"): "\\",
    ("UP", "LEFT"): "/",
}
_WAYS = frozenset({"UP", "DOWN", "LEFT", "RIGHT", "HORIZONTAL", "VERTICAL"})


@lru_cache(maxsize=1024)
def to_ascii(text: str) -> str:
    """Replace every sign, cell by cell; letters of any script stay."""
    if text.isascii():
        return text
    return _FOREIGN.sub(lambda match: _translated(match[0]), text)


@lru_cache(maxsize=4096)
def _translated(character: str) -> str:
    known = _KNOWN.get(character)
    if known is not None:
        return known
    category = unicodedata.category(character)
    if category[0] in _KEPT or category == "Sc" or cell_len(character) != 1:
        return character
    name = unicodedata.name(character, "")
    if name.startswith("BOX DRAWINGS"):
        return _line(name)
    if name.startswith("BRAILLE PATTERN"):
        return _dots(ord(character) & 0xFF)
    plain = unicodedata.normalize("NFKD", character)
    return plain if len(plain) == 1 and plain.isascii() else _UNKNOWN


def _line(name: str) -> str:
    """Draw a line by where it goes: `-`, `|`, a corner, or `+` where lines meet."""
    if "DIAGONAL" in name:
        return (
            "X" if "CROSS" in name else "/" if "RIGHT TO LOWER LEFT" in name else "\\"
        )
    ways = tuple(dict.fromkeys(word for word in name.split() if word in _WAYS))
    if "DASH" in name:
        return ":" if ways == ("VERTICAL",) else "."
    if ways in _BENT:
        return _BENT[ways]
    if set(ways) <= {"LEFT", "RIGHT", "HORIZONTAL"}:
        return "=" if "LIGHT" not in name else "-"
    if len(ways) == 1:
        return {"UP": "'", "DOWN": ","}.get(ways[0], "|")
    return "|" if set(ways) <= {"UP", "DOWN", "VERTICAL"} else "+"


def _dots(dots: int) -> str:
    count = dots.bit_count()
    return " .:+#"[(count + 1) // 2]


class Ascii(LineFilter):
    """Translates what is drawn; colours, widths and controls stay as they are."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        del background
        return [
            segment
            if segment.control or segment.text.isascii()
            else Segment(_drawn(segment), segment.style)
            for segment in segments
        ]


def _drawn(segment: Segment) -> str:
    """Translate a segment; the ragged ends of a scrollbar are better left out."""
    meta = segment.style.meta if segment.style else {}
    if cell_len(segment.text) == 1 and "@mouse.down" in meta:
        return " "
    return to_ascii(segment.text)
