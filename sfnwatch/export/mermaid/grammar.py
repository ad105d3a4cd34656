"""Escapes text for Mermaid, and measures how long a diagram is."""

import re

from sfnwatch.model.texts import clean

MOST_UNITS = 49_000
"""The most UTF-16 units, as JavaScript counts; Mermaid's own default is 50,000."""
_SPECIAL = {ord(character): f"#{ord(character)};" for character in '#;<>"%{}&$`\\'}
"""Characters that end a statement or open a comment, a directive, a formula, a tag."""
_BLANKS = re.compile(r" {2,}")
"""The blanks between the parts of a line; Mermaid would make them one blank."""
_END = re.compile(r"\b(e)(nd)\b", re.IGNORECASE)
_WRAP = re.compile(r"^((?:no)?wrap):", re.IGNORECASE)


def escape(text: str, limit: int = 160) -> str:
    """Return a text that Mermaid reads as plain words: cleaned and escaped.

    The word `end` closes a block wherever it is, unless one of its letters is encoded.
    """
    text = clean(text, limit).strip()
    text = _BLANKS.sub(" · ", text)
    text = text.translate(_SPECIAL)
    text = _END.sub(_encoded_end, text)
    text = _WRAP.sub(r"\1#58;", text)
    return text or "-"


def _encoded_end(end: re.Match[str]) -> str:
    return f"#{ord(end[1])};{end[2]}"


def units(text: str) -> int:
    """Return a text's length as JavaScript counts it: in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2
