"""A filter cut into tokens: operators, texts, signs."""

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"(?P<operator>~[^\s&|()\"!~]*)"
    r"|\"(?P<quoted>(?:\\.|[^\"\\])*)\""
    r"|/(?P<regex>(?:\\.|[^\\])*?)/(?=[\s&|()]|\Z)"
    r"|(?P<sign>[&|!()])"
    # `> 2m` is one word.
    r"|(?P<word>(?:[<>]=?\s+(?=\d))?[^\s&|()\"/][^\s&|()\"]*)"
    r"|(?P<open>[\"/].*)",
    re.DOTALL,
)
_ESCAPED = re.compile(r'\\(["\\])')


class Token(NamedTuple):
    kind: str
    """`operator`, `quoted`, `regex`, `word`, `open` for what was never closed, or the
    sign that it is."""
    text: str
    """What stands in it, without quotes and slashes."""
    position: int
    end: int


def cut_into_tokens(text: str) -> list[Token]:
    """Cut a text: what is no token is closed by nothing, and goes on to the end."""
    found = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        inside = match[kind]
        if kind == "quoted":
            inside = _ESCAPED.sub(r"\1", inside)
        found.append(Token(inside if kind == "sign" else kind, inside, *match.span()))
    return found
