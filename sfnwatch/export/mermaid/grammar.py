"""Any text as plain words to Mermaid, and how long its diagrams may be."""

import re

from sfnwatch.model.texts import clean

MOST_UNITS = 49_000
"""In UTF-16 units, as JavaScript counts: Mermaid's own default is 50,000."""
_SPECIAL = {ord(c): f"#{ord(c)};" for c in '#;<>"%{}&$`\\'}
"""What ends a statement, opens a comment, a directive, a formula or a tag."""
_BETWEEN = re.compile(r" {2,}")
"""What stands between the parts of a line; Mermaid would make it one blank."""
_END = re.compile(r"\b(e)(nd)\b", re.IGNORECASE)
_WRAP = re.compile(r"^((?:no)?wrap):", re.IGNORECASE)


def escape(text: str, limit: int = 160) -> str:
    """Make any text plain words to Mermaid: cleaned, and nothing a part of its grammar.

    The word `end` closes a block wherever it stands, unless a letter is encoded.
    """
    plain = _BETWEEN.sub(" · ", clean(text, limit).strip()).translate(_SPECIAL)
    plain = _END.sub(lambda m: f"#{ord(m[1])};{m[2]}", plain)
    return _WRAP.sub(r"\1#58;", plain) or "-"


def units(text: str) -> int:
    """Count characters as JavaScript does."""
    return len(text.encode("utf-16-le")) // 2
