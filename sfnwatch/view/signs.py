"""The signs of ours in ASCII: for terminals, fonts and readers without box drawing.

Only signs are replaced, cell by cell; letters stay as they are in any script, since
names are data.
"""

import re
import unicodedata
from functools import lru_cache

_KEPT = "LMNC"
"""Letters, marks and numbers; what can't be shown has been cleaned before."""
_VARIANT = "\ufe0f"
"""After a sign this makes a picture of it, of another width."""
_FOREIGN = re.compile(rf"[^\x00-\x7f](?!{_VARIANT})")
_SIGNS = {
    # Status first: what is well, what is not, what runs, what waits, what was stopped.
    "v": "✔✓▼▽▿↓",
    "x": "✘✗×",
    "*": "●⏺◆◉•⭑★☆▪▆",
    "o": "◇○◌◯◎□▯◦°⭘▫",
    "@": "◷◐◑◒◓↻↺⟳⟲",
    "#": "■▮⏹█▙▛▜▟▊▉",
    "&": "↷↪",
    "!": "▲△⚠≠∅┋",
    "=": "‖⏸▄≡━═╍╸╺",
    # Almost equal: neither the sign of what is equal nor that of what is likely.
    "%": "▇▓≈",
    # Folds, as trees have them.
    "+": "▸▹▅├┝┣┤┥┫┬┳┴┻┼╋",
    "-": "▾·–—―−‐‑↔↕⇄⇆▔▃─╴╶",
    # Pointers; the half block marks the selected line.
    ">": "▶▷►›»⏵⏭→⇥‣≥⟩⟫▌",
    "<": "◀◁◂◃◄‹«⏴⏮←⇤⏎↵⌫≤⟨⟪",
    "^": "▴▵↑",
    # Words, and bars: what is higher or darker is denser here too.
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
"""A character to the signs it stands for."""
_GLASS = "🔎", "/ "
"""Two cells wide: it stands before what the palette searches for."""
_KNOWN = {sign: plain for plain, signs in _SIGNS.items() for sign in signs}


@lru_cache(maxsize=1024)
def to_ascii(text: str) -> str:
    """Replace every sign, cell by cell; letters of any script stay."""
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
