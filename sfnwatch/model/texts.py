"""Makes texts safe to show.

Anyone who can start an execution or call an API can write the strings. Neither Textual
nor Rich removes control characters, so an ESC in a state's error would reach the
terminal. So every string is cleaned before a person sees it. Nothing is dropped
silently: a character that can't be shown is replaced by a visible one.
"""

import re
import unicodedata
from functools import lru_cache

from sfnwatch.model.known_secrets import KNOWN_SECRETS

_SPACE = "Zs"
"""The category of spaces, which are shown whatever their width. Not printable are
controls, formats (bidi, zero-width, BOM), line and page separators, surrogates, and
private and unassigned characters."""
_REPLACEMENT = "\ufffd"
_PICTURES = 0x2400
"""U+2400 … U+241F are pictures of the control characters 0x00 … 0x1F."""


@lru_cache(maxsize=4096)
def _shown(character: str) -> str:
    code = ord(character)
    if code < ord(" "):
        return chr(_PICTURES + code)
    space = unicodedata.category(character) == _SPACE
    return character if space or character.isprintable() else _REPLACEMENT


_LOGIN = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def clean(text: str, limit: int | None = None) -> str:
    """Return `text` without characters that a terminal or a page could act on.

    A text longer than `limit` characters is cut, and ends with the size of the rest.
    Secrets in use are hidden before the cut: half of one would not be recognized.
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
    """Return a text without the user names and passwords in its URLs."""
    return _LOGIN.sub("…", text)


def clean_lines(text: str) -> list[str]:
    """Return the cleaned lines of a text; tabs become four spaces."""
    return [clean(line) for line in text.replace("\t", "    ").split("\n")]


def byte_count(text: str) -> int:
    """Return the bytes that a text takes in UTF-8, as AWS's limits count them."""
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))


def size(count: int) -> str:
    """Return a number of bytes in words: `12 B`, `3 KiB`, `1.5 MiB`."""
    kib = 1024
    if count < kib:
        return f"{count} B"
    if count < kib * kib:
        return f"{count / kib:.0f} KiB"
    return f"{count / kib / kib:.1f} MiB"
