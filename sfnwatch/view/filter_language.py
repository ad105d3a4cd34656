"""The filter language: `~s Work & !~k poll`, in the spirit of mitmproxy's.

An operator tests one property of a line; a bare word is looked for in its text. `&`,
`|`, `!` and parentheses combine these tests.
"""

import re
from collections import deque
from collections.abc import Iterable
from operator import ge, gt, le, lt

from msgspec import Struct

from sfnwatch.analysis.phases import seconds_taken
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.visits import StateVisit
from sfnwatch.view.filter_error import FilterError
from sfnwatch.view.filter_operators import CAN_FOLLOW, HINTS, OPERATORS
from sfnwatch.view.filter_regex import regex_finder
from sfnwatch.view.filter_tokens import Token, cut_into_tokens
from sfnwatch.view.line_context import LineContext
from sfnwatch.view.line_kinds import LineTest, is_failure
from sfnwatch.view.line_maker import LineMaker
from sfnwatch.view.line_texts import LineTexts, line_words, state_texts, timed_part
from sfnwatch.view.outline import Outline
from sfnwatch.view.outline_items import Fold, Item, ItemFilter

LONGEST = 4096
"""The most characters of a filter."""
_DEEPEST = 40
"""The most parentheses inside each other."""
_SHOWN = 40
"""The most characters of the typed text that an error repeats."""
_TEXTS = frozenset({"quoted", "regex", "word"})
# The repeats are possessive (`++`): without that, a hundred digits could be divided in
# too many ways to try them all.
_TIME = re.compile(
    r"([<>]=?)?\s*((?:\d{1,9}+(?:\.\d{1,9}+)?+(?:ms|s|m|h)?+)++)", re.ASCII
)
_TIME_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?", re.ASCII)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


class Filter(Struct, frozen=True, eq=False):
    """A filter that was read: a test of the lines to keep."""

    keeps: LineTest

    def predicate(self, snapshot: Snapshot, outline: Outline) -> ItemFilter:
        """Return the test of items for one snapshot; it is valid until that changes.

        A fold is kept if any item in it is.
        """
        maker = LineMaker(snapshot, outline)

        def keeps(item: Item) -> bool:
            if isinstance(item, Fold):
                return any(map(keeps, item.members))
            return self.keeps(LineContext(maker, item))

        return keeps


class _Parser(Struct):
    """Reads the tokens once: `!` binds more than `&`, and `&` more than `|`."""

    left: deque[Token]
    """The tokens still to read; the last marks the end, and its kind is empty."""

    def accept(self, *kinds: str) -> Token | None:
        """Take and return the next token if its kind is one of `kinds`, else None."""
        return self.left.popleft() if self.left[0].kind in kinds else None

    def any_of(self, depth: int = 0) -> LineTest:
        ways = [[self.term(depth)]]
        while self.left[0].kind not in {"", ")"}:
            if self.accept("|"):
                ways.append([])
            else:
                self.accept("&")
            ways[-1].append(self.term(depth))
        return lambda about: any(all(keeps(about) for keeps in way) for way in ways)

    def term(self, depth: int) -> LineTest:
        odd = False
        while self.accept("!"):
            odd = not odd
        keeps = self.atom(depth)
        return (lambda about: not keeps(about)) if odd else keeps

    def atom(self, depth: int) -> LineTest:
        if token := self.accept("("):
            if depth >= _DEEPEST:
                raise FilterError("parentheses are nested too deep", token.position)
            inside = self.any_of(depth + 1)
            if self.accept(")"):
                return inside
            raise FilterError("the ( is not closed", token.position, "close it with )")
        if token := self.accept("operator"):
            return self.operated(token)
        if token := self.accept(*_TEXTS):
            return _look(line_words, token)
        wrong = self.left[0]
        what = f"nothing before {wrong.text}" if wrong.kind else "something must follow"
        raise FilterError(what, wrong.position, CAN_FOLLOW)

    def operated(self, token: Token) -> LineTest:
        operator = OPERATORS.get(token.text.lower())
        if operator is None:
            raise _unknown("operator", token, OPERATORS)
        value = self.accept(*_TEXTS)
        if value is None and operator.takes == "[TEXT]":
            return is_failure
        if value is None:
            message = f"{operator.token} needs a {operator.takes.lower()}"
            raise FilterError(message, token.end, HINTS[operator.takes])
        if operator.looks_at is not None:
            return _look(operator.looks_at, value)
        if operator.known is None:
            return _took(value)
        word = value.text.lower()
        if word not in operator.known:
            raise _unknown(operator.takes.lower(), value, operator.known)
        return operator.known[word][1]


def _look(texts: LineTexts, value: Token) -> LineTest:
    words = value.text.casefold()
    if value.kind == "regex":
        finds = regex_finder(value.text, value.position + 1)
    else:
        finds = lambda text: words in text.casefold()  # noqa: E731 - it is one of two
    return lambda about: any(finds(clean(text)) for text in texts(about) if text)


def _took(token: Token) -> LineTest:
    """Read a time, `>2m`, `> 2m` or `5m09s`; without a sign it means at least."""
    match = _TIME.fullmatch(token.text)
    if match is None:
        message = f"{clean(token.text, _SHOWN)} is not a time"
        raise FilterError(message, token.position, HINTS["TIME"])
    parts = _TIME_PART.findall(match[2])
    limit = sum(float(number) * _UNITS[unit] for number, unit in parts)
    holds = {"<": lt, "<=": le, ">": gt}.get(match[1], ge)

    def keeps(about: LineContext) -> bool:
        part = timed_part(about)
        if part is None or part.ended_at is None:
            return False
        if isinstance(part, StateVisit):
            return bool(holds(seconds_taken(part, part.ended_at), limit))
        return bool(holds((part.ended_at - part.scheduled_at).total_seconds(), limit))

    return keeps


def _unknown(thing: str, token: Token, known: Iterable[str]) -> FilterError:
    """Return the error for an unknown word, with the known words as its hint."""
    message = f"unknown {thing} {clean(token.text, _SHOWN)}"
    return FilterError(message, token.position, f"there are {' '.join(known)}")


def parse_filter(text: str) -> Filter:
    """Read a filter, or raise FilterError; an empty filter keeps all lines."""
    if len(text) > LONGEST:
        hint = f"at most {LONGEST} are allowed"
        raise FilterError(f"the filter has {len(text)} characters", LONGEST, hint)
    tokens = cut_into_tokens(text)
    if not tokens:
        return Filter(lambda _: True)
    last = tokens[-1]
    if last.kind == "open":
        what = "quote" if last.text[0] == '"' else "regex"
        close = last.text[0]
        hint = f'close it with {close}, or look for it in quotes: "/…"'
        raise FilterError(f"the {what} is not closed", last.position, hint)
    parser = _Parser(deque([*tokens, Token("", "", len(text), len(text))]))
    keeps = parser.any_of()
    if left := parser.accept(")"):
        raise FilterError("nothing is open that ) could close", left.position)
    return Filter(keeps)


def found(words: str) -> Filter:
    """Return a filter that finds words in a line's text, or in its state's name.

    Case counts only where `words` have a capital.
    """
    exact = words != words.lower()

    def keeps(about: LineContext) -> bool:
        texts = map(clean, (*line_words(about), *state_texts(about))) if words else ()
        return any(words in (text if exact else text.lower()) for text in texts)

    return Filter(keeps)
