"""A filter cut into tokens: operators, texts, signs."""

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"(?P<operator>~[^\s&|()\"!~]*)"
    r"|\"(?P<quoted>(?:\\.|[^\"\\])*)\""
    r"|/(?P<regex>(?:\\.|[^\\])*?)/(?=[\s&|()]|\Z)"
    r"|(?P<sign>[&|!()])"
    # A sign, blanks and a digit are one word: `> 2m`.
    r"|(?P<word>(?:[<>]=?\s+(?=\d))?[^\s&|()\"/][^\s&|()\"]*)"
    r"|(?P<open>[\"/].*)",
    re.DOTALL,
)
_ESCAPED = re.compile(r'\\(["\\])')


class Token(NamedTuple):
    kind: str
    """`operator`, `quoted`, `regex`, `word`, or the sign itself (`&`); `open` for a
    quote or regex that is not closed."""
    text: str
    """The token's text, without quotes and slashes."""
    position: int
    end: int


def cut_into_tokens(text: str) -> list[Token]:
    """Cut a filter into tokens; an unclosed quote or regex goes on to the end."""
    found = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        inside = match[kind]
        if kind == "quoted":
            inside = _ESCAPED.sub(r"\1", inside)
        found.append(Token(inside if kind == "sign" else kind, inside, *match.span()))
    return found
