"""Strings from AWS, made safe to show.

Anyone who can start an execution or call an API can write these strings, and
neither Textual nor Rich takes control characters out: an ESC in a state's error
would reach the terminal. So every string is cleaned where it becomes text for a
person. Nothing is dropped silently: what can't be shown leaves a visible mark.
"""

import unicodedata
from functools import lru_cache

_SPACE = "Zs"
"""Spaces of any width are shown. Controls, formats (bidi, zero-width, BOM), line and
page separators, surrogates, private and unassigned characters are not printable."""
_REPLACEMENT = "\ufffd"
_DEL = 0x7F
_PICTURES = 0x2400
"""U+2400 … U+241F are the pictures of the control characters 0x00 … 0x1F."""


@lru_cache(maxsize=4096)
def _shown(character: str) -> str:
    code = ord(character)
    if code < ord(" "):
        return chr(_PICTURES + code)
    if code == _DEL:
        return "\u2421"
    space = unicodedata.category(character) == _SPACE
    return character if space or character.isprintable() else _REPLACEMENT


def clean(text: str, limit: int | None = None) -> str:
    """Give `text` without anything a terminal or a page could act on.

    `limit` cuts to so many characters and says how much is left out.
    """
    rest = 0
    if limit is not None and len(text) > limit:
        rest = byte_count(text[limit:])
        text = text[:limit]
    if not text.isprintable():
        text = "".join(map(_shown, text))
    return f"{text}… {size(rest)} more" if rest else text


def clean_lines(text: str) -> list[str]:
    """Clean a text of several lines, line by line; tabs become four spaces."""
    return [clean(line) for line in text.replace("\t", "    ").split("\n")]


def byte_count(text: str) -> int:
    """Count the bytes that a text takes in UTF-8, as AWS's limits do."""
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))


def size(count: int) -> str:
    """Write a number of bytes as a person would."""
    kib = 1024
    if count < kib:
        return f"{count} B"
    if count < kib * kib:
        return f"{count / kib:.0f} KiB"
    return f"{count / kib / kib:.1f} MiB"


def duration(seconds: float) -> str:
    """Write a length of time: `0.26 s`, `5m 09s`, `2h 03m`."""
    if seconds < 0:
        return "-" + duration(-seconds)
    if seconds < 10:  # noqa: PLR2004 - two digits are enough from here
        return f"{seconds:.2f} s"
    if seconds < 59.95:  # noqa: PLR2004 - what would be rounded up to 60.0
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes:02}m"
    return f"{minutes}m {rest:02}s"


def clock(seconds: float) -> str:
    """Write an elapsed time as a clock: `04:52`, `1:04:52`."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
