"""A filter's text, cut into tokens."""

import re
from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from sfnwatch.trace.filter_words import FilterError

_SPACE = re.compile(r"\s*")
_OPERATOR = re.compile(r"~[^\s&|()\"!~]*")
_WORD = re.compile(r"[^\s&|()\"]+")
_QUOTED = re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL)
_REGEX = re.compile(r"/((?:\\.|[^\\])*?)/(?=[\s&|()]|\Z)", re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])')


class Is(StrEnum):
    """What a token is."""

    OPERATOR = "~"
    WORD = "word"
    QUOTED = "quoted"
    REGEX = "regex"
    AND = "&"
    OR = "|"
    NOT = "!"
    OPEN = "("
    CLOSE = ")"


TEXTS = frozenset({Is.WORD, Is.QUOTED, Is.REGEX})
"""What may be a text to look for."""
_SIGNS = {sign.value: sign for sign in (Is.AND, Is.OR, Is.NOT, Is.OPEN, Is.CLOSE)}


class Token(Struct, frozen=True):
    kind: Is
    text: str
    """What stands in it, without quotes and slashes."""
    position: int
    end: int


class UnclosedError(FilterError):
    """A quote or a slash without its other one: typing may not be over."""


def tokens(text: str) -> Iterator[Token]:
    """Cut a text; raises FilterError where something was not closed."""
    place = _skip(text, 0)
    while place < len(text):
        token = _next(text, place)
        yield token
        place = _skip(text, token.end)


def _skip(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return match.end() if match else place


def _next(text: str, place: int) -> Token:
    first = text[place]
    if first in _SIGNS:
        return Token(_SIGNS[first], first, place, place + 1)
    if first == "~":
        return _token(Is.OPERATOR, _OPERATOR.match(text, place), place)
    if first == '"':
        found = _token(Is.QUOTED, _QUOTED.match(text, place), place)
        plain = _ESCAPED.sub(r"\1", found.text)
        return Token(found.kind, plain, found.position, found.end)
    if first == "/":
        return _token(Is.REGEX, _REGEX.match(text, place), place)
    return _token(Is.WORD, _WORD.match(text, place), place)


def _token(kind: Is, match: re.Match[str] | None, place: int) -> Token:
    if match is None:
        raise _unclosed(kind, place)
    return Token(kind, match[match.re.groups], place, match.end())


def _unclosed(kind: Is, place: int) -> UnclosedError:
    if kind is Is.REGEX:
        hint = 'close it with /, or put the text in quotes: "/…"'
        return UnclosedError("a regular expression is not closed", place, hint)
    return UnclosedError("a quote is not closed", place, 'close it with "')
