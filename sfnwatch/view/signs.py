"""The screen's signs in ASCII: for terminals, fonts and readers without box drawing.

Only signs are replaced, and each takes the same number of cells as before. Letters of
any script stay, since names are data.
"""

import re
import unicodedata
from functools import lru_cache

_KEPT = "LMNC"
"""The Unicode categories that stay: letters, marks and numbers.

Characters that can't be shown were removed when the text was cleaned.
"""
_VARIANT = "\ufe0f"
"""This character after a sign turns it into a picture of another width."""
_FOREIGN = re.compile(rf"[^\x00-\x7f](?!{_VARIANT})")
_SIGNS = {
    # Statuses: good, bad, running, waiting, stopped.
    "v": "✔✓▼▽▿↓",
    "x": "✘✗×",
    "*": "●⏺◆◉•⭑★☆▪▆",
    "o": "◇○◌◯◎□▯◦°⭘▫",
    "@": "◷◐◑◒◓↻↺⟳⟲",
    "#": "■▮⏹█▙▛▜▟▊▉",
    "&": "↷↪",
    "!": "▲△⚠≠∅┋",
    "=": "‖⏸▄≡━═╍╸╺",
    # "Almost equal" has a sign other than "equal" (=) and "likely" (~).
    "%": "▇▓≈",
    # Folds, as trees have them.
    "+": "▸▹▅├┝┣┤┥┫┬┳┴┻┼╋",
    "-": "▾·–—―−‐‑↔↕⇄⇆▔▃─╴╶",
    # Pointers; the half block marks the selected line.
    ">": "▶▷►›»⏵⏭→⇥‣≥⟩⟫▌",
    "<": "◀◁◂◃◄‹«⏴⏮←⇤⏎↵⌫≤⟨⟪",
    "^": "▴▵↑",
    # Dots and bars: a higher or darker sign has a denser character.
    ".": "…░▂▖▗┈┉╌",
    ":": "⋯⋮╎┊╏",
    ",": "▒╷╻",
    "~": "±┄",
    "_": "▁",
    "|": "▏▎▍▋▕▐│┃║",
    '"': "“”„▀",
    "'": "‘’‚▘▝╵╹",
    "\\": "↳╲└┗╰┐┓╮",
    "/": "⌕÷╱┌┏╭┘┛╯",
    "8": "∞",
    "?": "\ufffd",
}
"""ASCII characters, each with the signs that it replaces."""
_GLASS = "🔎", "/ "
"""The sign before the palette's search text; it is two cells wide."""
_KNOWN = {sign: plain for plain, signs in _SIGNS.items() for sign in signs}


@lru_cache(maxsize=1024)
def to_ascii(text: str) -> str:
    """Return a text with ASCII signs, of the same width; letters of any script stay."""
    return _FOREIGN.sub(lambda match: _translated(match[0]), text.replace(*_GLASS))


@lru_cache(maxsize=4096)
def _translated(character: str) -> str:
    known = _KNOWN.get(character)
    if known is not None:
        return known
    category = unicodedata.category(character)
    is_wide = unicodedata.east_asian_width(character) in {"W", "F"}
    if category[0] in _KEPT or category == "Sc" or is_wide:
        return character
    plain = unicodedata.normalize("NFKD", character)
    return plain if len(plain) == 1 and plain.isascii() else "?"
