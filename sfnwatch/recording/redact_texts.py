"""Sentences: AWS's own words stay, names in them get their aliases, the rest goes.

A sentence is rebuilt from what is known of it: names by their looks, and the words
AWS puts between them. What is neither is a customer's, or may be, and gets an alias
as a whole: word by word it could be guessed like any cipher.
"""

import re
from collections.abc import Callable, Collection, Iterator

from sfnwatch.recording.redact_book import Book, has_space, shape_of
from sfnwatch.recording.redact_names import Names
from sfnwatch.recording.redact_vocabulary import ERRORS, SERVICES
from sfnwatch.recording.redact_words import PHRASES
from sfnwatch.trace.arns import last_segment
from sfnwatch.trace.budget import QUOTAS

_TOKEN = re.compile(r"[A-Za-z0-9:/_.+=@-]+")
"""What the decoder takes for the ids in an error message."""
_ENDS = ".,;:"
_BLANK = re.compile(r"[\s.,;:'\"()\[\]-]*")
_CALL = re.compile(r"(?P<service>[a-z0-9-]+):(?P<operation>[A-Z][A-Za-z0-9]*)")
_OPERATIONS = frozenset(operation for _, operation in QUOTAS)
"""What this tool itself asks for, and says so."""
_KNOWN = re.compile(
    r"(?P<request>(?:Extended )?Request ID: )(?P<id>[^;,)\s]+)"
    r"|\(Service: (?P<service>[A-Za-z0-9]+)(?P<a>[;,]) Status Code: (?P<status>\d{3})"
    r"(?P<b>[;,]) (?:Error Code: (?P<code>\w+)(?P<c>[;,]) )?(?=Request ID: )"
    r"|(?P<proxy>; Proxy: null\)|\)(?: \(SDK Attempt Count: \d\))?)(?=$|\n)"
    r"|An error occurred while executing the state '(?P<state>[^'\n]{1,80})'"
    r" \(entered at the event id #(?P<event>\d{1,5})\)\."
)
"""What Step Functions writes around a cause, wherever in it."""


def is_token(text: str) -> bool:
    """Tell whether the decoder can take all of a text for an id in a sentence."""
    return _TOKEN.fullmatch(text) is not None


class Texts:
    """Aliases for whatever is more than one name."""

    def __init__(
        self,
        book: Book,
        names: Names,
        state: Callable[[str], str],
        held: Collection[str],
    ) -> None:
        """`held` are the ids that calls are tied by: they must be found again."""
        self._book, self._names, self._state = book, names, state
        self._held = held

    def text(self, text: str, kind: str = "value") -> str:
        """Replace a string of any kind: a name, a sentence, or neither."""
        if not text or text in PHRASES:
            return text
        if not has_space(text):
            return self._tied(text, self._names.identifier(text, kind))
        return self.sentence(text)

    def sentence(self, text: str) -> str:
        """Rebuild a sentence from what is known of it."""
        if text in PHRASES:
            return text
        parts = [part for part in self._rebuilt(text) if part]
        return self._tied(text, "".join(parts).strip())

    def _tied(self, text: str, alias: str) -> str:
        """Keep an id at the end of a path: the decoder reads it there."""
        last = last_segment(text)
        core = last.rstrip(_ENDS)
        if "/" not in text or not self._is_id(core):
            return alias
        kept = self._names.identifier(core, "name")
        if last_segment(alias).rstrip(_ENDS) == kept:
            return alias
        return f"{alias}/{kept}"

    def _rebuilt(self, text: str) -> Iterator[str]:
        place = 0
        for match in _KNOWN.finditer(text):
            yield from self._named(text[place : match.start()])
            yield from self._known(match)
            place = match.end()
        yield from self._named(text[place:])

    def _known(self, match: re.Match[str]) -> Iterator[str]:
        if match["request"]:
            yield match["request"]
            yield self._names.identifier(match["id"], "request")
        elif match["service"]:
            name = match["service"]
            known = name.lower().removeprefix("aws").removeprefix("amazon") in SERVICES
            yield f"(Service: {name if known else self._names.part(name, 'service')}"
            yield f"{match['a']} Status Code: {match['status']}{match['b']} "
            if match["code"]:
                yield f"Error Code: {self._names.error(match['code'])}{match['c']} "
        elif match["state"]:
            yield "An error occurred while executing the state "
            yield f"'{self._state(match['state'])}'"
            yield f" (entered at the event id #{match['event']})."
        else:
            yield match["proxy"]

    def _named(self, text: str) -> Iterator[str]:
        """Replace the names in a stretch, and what stands between them."""
        place = 0
        for token in _TOKEN.finditer(text):
            core = token[0].rstrip(_ENDS)
            put = self._name(core)
            if put is not None:
                yield from self._gap(text[place : token.start()])
                yield put
                place = token.start() + len(core)
        yield from self._gap(text[place:])

    def _name(self, token: str) -> str | None:
        """Give the alias of what is told to be a name; None for any other word."""
        call = _CALL.fullmatch(token)
        if call is not None and call["service"] in SERVICES:
            return f"{call['service']}:{self._names.operation(call['operation'])}"
        if (token in ERRORS and token[:1].isupper()) or token in _OPERATIONS:
            return token
        if (
            token.startswith("arn:")
            or token.endswith(".amazonaws.com")
            or self._is_id(token)
            or self._is_id(last_segment(token))
        ):
            return self._tied(token, self._names.identifier(token, "name"))
        return None

    def _is_id(self, text: str) -> bool:
        """Tell whether the decoder ties, or groups, calls by a name like this."""
        return text in self._held or bool(shape_of(text))

    def _gap(self, text: str) -> Iterator[str]:
        """Keep what AWS writes between names; replace what it may not have written."""
        if _BLANK.fullmatch(text) or text in PHRASES:
            yield text
        elif text:
            yield f" {self._book.alias(text, 'text')} "
