"""Texts that are fit to be shown.

Anyone who can start an execution or call an API can write the strings, and neither
Textual nor Rich takes control characters out: an ESC in a state's error would reach the
terminal. So every string is cleaned where it becomes text for a person. Nothing is
dropped silently: what can't be shown leaves a visible mark.
"""

import re
import unicodedata
from functools import lru_cache

from sfnwatch.model.known_secrets import KNOWN_SECRETS

_SPACE = "Zs"
"""Spaces of any width are shown. Controls, formats (bidi, zero-width, BOM), line and
page separators, surrogates, private and unassigned characters are not printable."""
_REPLACEMENT = "\ufffd"
_PICTURES = 0x2400
"""U+2400 … U+241F are the pictures of the control characters 0x00 … 0x1F."""


@lru_cache(maxsize=4096)
def _shown(character: str) -> str:
    code = ord(character)
    if code < ord(" "):
        return chr(_PICTURES + code)
    space = unicodedata.category(character) == _SPACE
    return character if space or character.isprintable() else _REPLACEMENT


_LOGIN = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def clean(text: str, limit: int | None = None) -> str:
    """Give `text` without anything a terminal or a page could act on.

    `limit` cuts to so many characters and says how much is left out. Secrets in use are
    taken out before: half of one would not be known.
    """
    text = KNOWN_SECRETS.hide(text)
    rest = 0
    if limit is not None and len(text) > limit:
        rest = byte_count(text[limit:])
        text = text[:limit]
    if not text.isprintable():
        text = "".join(map(_shown, text))
    return f"{text}… {size(rest)} more" if rest else text


def without_login(text: str) -> str:
    """Give a text without the names and passwords of the URLs in it."""
    return _LOGIN.sub("…", text)


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
