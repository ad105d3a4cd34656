"""Escapes text for Mermaid, and measures how long a diagram is."""

import re

from sfnwatch.model.texts import clean

MOST_UNITS = 49_000
"""The most UTF-16 units, as JavaScript counts; Mermaid's own default is 50,000."""
_SPECIAL = {ord(c): f"#{ord(c)};" for c in '#;<>"%{}&$`\\'}
"""Characters that end a statement or open a comment, a directive, a formula, a tag."""
_BETWEEN = re.compile(r" {2,}")
"""The blanks between the parts of a line; Mermaid would make them one blank."""
_END = re.compile(r"\b(e)(nd)\b", re.IGNORECASE)
_WRAP = re.compile(r"^((?:no)?wrap):", re.IGNORECASE)


def escape(text: str, limit: int = 160) -> str:
    """Return a text that Mermaid reads as plain words: cleaned and escaped.

    The word `end` closes a block wherever it is, unless one of its letters is encoded.
    """
    plain = _BETWEEN.sub(" · ", clean(text, limit).strip()).translate(_SPECIAL)
    plain = _END.sub(lambda m: f"#{ord(m[1])};{m[2]}", plain)
    return _WRAP.sub(r"\1#58;", plain) or "-"


def units(text: str) -> int:
    """Return a text's length as JavaScript counts it: in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2
