"""What could be typed next: operators, kinds, rules, and names from the rows."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct

from sfnwatch.trace.filter_parser import LONGEST, parse_filter
from sfnwatch.trace.filter_patterns import Words
from sfnwatch.trace.filter_rows import actions_of, executions_of
from sfnwatch.trace.filter_tokens import Is, Token, UnclosedError, tokens
from sfnwatch.trace.filter_words import KINDS, OPERATORS, RULES, FilterError, Takes
from sfnwatch.trace.lanes import Kind, Lanes, Row
from sfnwatch.trace.text import clean

_MOST = 40
"""Names offered at once."""
_REST = re.compile(r"[^\s&|()\"]*")
_REST_OF_QUOTED = re.compile(r'[^"]*"?')
_TAILS = ("", "x", ' x"', " poll", " exact", " 5s")
"""What may still be missing at the end of a text that some filter begins with."""


class Completion(Struct, frozen=True):
    """One thing that could be typed."""

    text: str
    """The whole text, with it."""
    cursor: int
    label: str
    words: str


class _Typing(Struct, frozen=True):
    """Where in the text the cursor is."""

    before: tuple[Token, ...]
    fragment: str
    """What of the token has been typed."""
    start: int
    end: int


def complete(text: str, cursor: int, lanes: Lanes) -> tuple[Completion, ...]:
    """Offer what may stand at the cursor, instead of what was begun there."""
    cursor = max(0, min(cursor, len(text)))
    typing = _typing(text, cursor)
    if typing is None or len(text) > LONGEST:
        return ()
    found = _offers(typing, lanes)
    made = (_insert(text, typing, *offer) for offer in found)
    return tuple(offer for offer in made if _leads_on(offer.text))


def _typing(text: str, cursor: int) -> _Typing | None:
    """Find the token that the cursor stands in or at the end of."""
    before: list[Token] = []
    try:
        for token in tokens(text[:cursor]):
            before.append(token)  # noqa: PERF402 - what was found counts, error or not
    except UnclosedError as error:
        if text[error.position] != '"':
            return None
        end = _end(_REST_OF_QUOTED, text, cursor)
        fragment = text[error.position + 1 : cursor]
        return _Typing(tuple(before), fragment, error.position, end)
    last = before[-1] if before else None
    if last is None or last.end < cursor or last.kind not in {Is.OPERATOR, Is.WORD}:
        return _Typing(tuple(before), "", cursor, cursor)
    end = _end(_REST, text, cursor)
    return _Typing(tuple(before[:-1]), last.text, last.position, end)


def _end(rest: re.Pattern[str], text: str, cursor: int) -> int:
    match = rest.match(text, cursor)
    return match.end() if match else cursor


Offer = tuple[str, str, str]
"""What is put in, its label, and what it is."""


def _offers(typing: _Typing, lanes: Lanes) -> Iterable[Offer]:
    last = typing.before[-1] if typing.before else None
    if not typing.fragment.startswith("~") and last and last.kind is Is.OPERATOR:
        return _values(last.text.lower(), typing.fragment, lanes)
    if typing.fragment and not typing.fragment.startswith("~"):
        return ()
    return _operators(typing.fragment.lower())


def _operators(fragment: str) -> Iterator[Offer]:
    for operator in OPERATORS.values():
        if f"~{operator.name}".startswith(fragment) or operator.token == fragment:
            space = "" if operator.takes is Takes.TEXT_OR_NOTHING else " "
            yield operator.token + space, operator.token, operator.words


def _values(token: str, fragment: str, lanes: Lanes) -> Iterable[Offer]:
    if token == "~k":  # noqa: S105 - an operator
        return _known(KINDS, fragment)
    if token == "~l":  # noqa: S105 - an operator
        return _known(RULES, fragment)
    names = _NAMES.get(token)
    return _names(names, fragment, lanes) if names else ()


def _known(words: Mapping[str, str], fragment: str) -> Iterator[Offer]:
    for word, what in words.items():
        if word.startswith(fragment.lower()):
            yield word, word, what


def _names(
    names: Callable[[Row], Iterable[str]], fragment: str, lanes: Lanes
) -> Iterator[Offer]:
    """Offer names that the rows have: what begins with the fragment comes first."""
    wanted = fragment.casefold()
    counts: dict[str, int] = {}
    for row in lanes.rows:
        for name in names(row):
            counts[name] = counts.get(name, 0) + 1
    fitting = [name for name in counts if name and wanted in name.casefold()]
    fitting.sort(key=lambda name: not name.casefold().startswith(wanted))
    for name in fitting[:_MOST]:
        count = counts[name]
        yield str(Words(name)), name, f"{count} rows" if count != 1 else "1 row"


def _state_names(row: Row) -> Iterator[str]:
    if row.visit is not None and row.kind in {Kind.ENTERED, Kind.PASSED}:
        yield clean(row.visit.name)


def _event_names(row: Row) -> Iterator[str]:
    if row.kind in {Kind.CALL, Kind.TASK, Kind.ENTERED}:
        yield from actions_of(row)


def _service_names(row: Row) -> Iterator[str]:
    if row.call is not None:
        yield clean(row.call.event_source.partition(".")[0])


def _error_names(row: Row) -> Iterator[str]:
    if row.call is not None and row.call.error_code:
        yield clean(row.call.error_code)
    yield from (clean(error) for e in row.events if (error := e.detail("error")))


_NAMES: Mapping[str, Callable[[Row], Iterable[str]]] = {
    "~s": _state_names,
    "~a": _event_names,
    "~v": _service_names,
    "~e": _error_names,
    "~x": executions_of,
}


def _insert(text: str, typing: _Typing, put: str, label: str, words: str) -> Completion:
    rest = text[typing.end :]
    if put.endswith(" ") and rest.startswith(" "):
        put = put.rstrip()
    head = text[: typing.start] + put
    return Completion(head + rest, len(head), label, words)


def _leads_on(text: str) -> bool:
    """True for a filter, and for what one may begin with."""
    missing = ")" * _open(text)
    return any(_parses(text + tail + missing) for tail in _TAILS)


def _open(text: str) -> int:
    """Count the parentheses that are still open."""
    try:
        kinds = [token.kind for token in tokens(text)]
    except UnclosedError:
        return 0
    return max(0, kinds.count(Is.OPEN) - kinds.count(Is.CLOSE))


def _parses(text: str) -> bool:
    try:
        parse_filter(text)
    except FilterError:
        return False
    return True
