"""A filter's text → a Filter, or a FilterError that says where and what would do."""

import re

from msgspec import Struct

from sfnwatch.trace.filter_patterns import Pattern, Words, compile_regex
from sfnwatch.trace.filter_tokens import TEXTS, Is, Token, tokens
from sfnwatch.trace.filter_tree import (
    And,
    Everything,
    Fails,
    Filter,
    Looks,
    Node,
    Not,
    OfKind,
    OfRule,
    Or,
    Took,
)
from sfnwatch.trace.filter_words import (
    KINDS,
    OPERATORS,
    RULES,
    FilterError,
    Operator,
    Takes,
    unknown_operator,
    unknown_word,
)
from sfnwatch.trace.text import clean

LONGEST = 4096
"""Characters of a filter."""
_DEEPEST = 40
"""Parentheses inside each other."""
# Possessive: a hundred digits could be parted in more ways than there is time for.
_SPAN = re.compile(r"(?:\d{1,9}+(?:\.\d{1,9}+)?+(?:ms|s|m|h)?+)++", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?", re.ASCII)
_SIGN = re.compile(r"[<>]=?")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}
_SPAN_HINT = "write it as 5s, >2m or <0.5s"
_SHOWN = 40


def parse_filter(text: str) -> Filter:
    """Read a filter; an empty one keeps all."""
    if len(text) > LONGEST:
        hint = f"{LONGEST} are allowed"
        raise FilterError(f"a filter of {len(text)} characters", LONGEST, hint)
    found = list(tokens(text))
    if not found:
        return Filter(text, Everything())
    parser = _Parser(tuple(found), len(text))
    node = parser.any_of(0)
    left = parser.peek()
    if left is not None:
        raise FilterError("a ) without its (", left.position)
    return Filter(text, node)


class _Parser(Struct):
    """Goes through the tokens once: or binds less than and, and less than not."""

    tokens: tuple[Token, ...]
    end: int
    place: int = 0

    def peek(self) -> Token | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def take(self, *kinds: Is) -> Token | None:
        """Take the next token if it is one of these."""
        token = self.peek()
        if token is None or token.kind not in kinds:
            return None
        self.place += 1
        return token

    def any_of(self, depth: int) -> Node:
        nodes = [self.all_of(depth)]
        while self.take(Is.OR):
            nodes.append(self.all_of(depth))
        return nodes[0] if len(nodes) == 1 else Or(tuple(nodes))

    def all_of(self, depth: int) -> Node:
        nodes = [self.negated(depth)]
        while (token := self.peek()) and token.kind not in {Is.OR, Is.CLOSE}:
            self.take(Is.AND)
            nodes.append(self.negated(depth))
        return nodes[0] if len(nodes) == 1 else And(tuple(nodes))

    def negated(self, depth: int) -> Node:
        odd = False
        while self.take(Is.NOT):
            odd = not odd
        node = self.atom(depth)
        if not odd:
            return node
        return node.node if isinstance(node, Not) else Not(node)

    def atom(self, depth: int) -> Node:
        token = self.peek()
        if token is None:
            raise FilterError("something must follow", self.end, _can_follow())
        if token.kind is Is.OPEN:
            return self.group(token, depth)
        if token.kind is Is.OPERATOR:
            self.place += 1
            return self.operated(token)
        if token.kind not in TEXTS:
            hint = _can_follow()
            raise FilterError(f"nothing to {_verb(token)}", token.position, hint)
        self.place += 1
        return Looks("", _pattern(token))

    def group(self, token: Token, depth: int) -> Node:
        if depth >= _DEEPEST:
            raise FilterError("too many ( inside each other", token.position)
        self.place += 1
        node = self.any_of(depth + 1)
        if not self.take(Is.CLOSE):
            raise FilterError("a ( without its )", token.position, "close it with )")
        return node

    def operated(self, token: Token) -> Node:
        operator = OPERATORS.get(token.text.lower())
        if operator is None:
            raise unknown_operator(clean(token.text, _SHOWN), token.position)
        value = self.take(*TEXTS)
        if value is None:
            if operator.takes is Takes.TEXT_OR_NOTHING:
                return Fails()
            raise _lacking(operator, token)
        if operator.takes is Takes.KIND:
            return OfKind(_one_of("kind", value, KINDS))
        if operator.takes is Takes.RULE:
            return OfRule(_one_of("link", value, RULES))
        if operator.takes is Takes.SPAN:
            return self.took(value)
        return Looks(operator.token, _pattern(value))

    def took(self, token: Token) -> Node:
        """Read `>2m`, `> 2m` and `5m09s`."""
        sign = _SIGN.match(token.text)
        rest = token.text[sign.end() :] if sign else token.text
        if sign and not rest:
            value = self.take(Is.WORD)
            if value is None:
                raise FilterError("~d needs a time", token.position, _SPAN_HINT)
            rest = value.text
        if not _SPAN.fullmatch(rest):
            message = f"{clean(rest, _SHOWN)} is no time"
            raise FilterError(message, token.position, _SPAN_HINT)
        seconds = sum(float(n) * _UNITS[unit] for n, unit in _PART.findall(rest))
        return Took(sign[0] if sign else "", seconds, rest)


def _pattern(token: Token) -> Pattern:
    if token.kind is Is.REGEX:
        return compile_regex(token.text, token.position + 1)
    return Words(token.text)


def _one_of(thing: str, token: Token, known: dict[str, str]) -> str:
    word = token.text.lower()
    if word not in known:
        shown = clean(token.text, _SHOWN)
        raise unknown_word(thing, shown, known, token.position)
    return word


def _lacking(operator: Operator, token: Token) -> FilterError:
    hints = {
        Takes.KIND: f"one of {' '.join(KINDS)}",
        Takes.RULE: f"one of {' '.join(RULES)}",
        Takes.SPAN: _SPAN_HINT,
        Takes.TEXT: "a word, “words in quotes” or a /regex/",
    }
    message = f"{operator.token} needs a {operator.usage.split(maxsplit=1)[1].lower()}"
    if operator.takes is Takes.SPAN:
        message = f"{operator.token} needs a time"
    return FilterError(message, token.end, hints[operator.takes])


def _can_follow() -> str:
    return f"a word, or one of {' '.join(OPERATORS)}"


def _verb(token: Token) -> str:
    return "close" if token.kind is Is.CLOSE else "join"
