"""A text with every known name in it replaced by its alias, in one pass."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from sfnwatch.trace.alias_names import (
    ARN,
    LONG_LOOKS,
    WORD_LOOK,
    kind_of,
    spans_in_arn,
)
from sfnwatch.trace.integrations import TABLE

_KINDS = (
    "account|access-key|activity|address|bucket|cluster|email|execution|family"
    "|function|group|job|key|log-group|log-stream|machine|object|path|policy|queue"
    "|repository|role|rule|run|secret|service|session|subnet|table|task|topic|user"
    "|vpc"
)
_ALIAS = re.compile(rf"(?:{_KINDS})-(?:\d+|x)")
_WORDS = re.compile(
    rf"{_KINDS}|arn|aws|aws-sdk|https?|amazonaws|com|states|iam|sts|logs|lambda|sqs"
    "|sns|dynamodb|s3|events|ec2|kms|stateMachine|mapRun|express|assumed-role"
    "|task-definition|Task|Choice|Pass|Wait|Map|Parallel|Succeed|Fail|Main"
    "|running|succeeded|failed|caught|aborted|timed_out"
    "|[a-z]{2,4}(?:-[a-z]+){1,3}-\\d"
)
"""Services, types and Regions stay, whatever somebody's thing is called."""
_ACTIONS = frozenset(
    name
    for row in TABLE
    for name in (
        row.resource_type,
        row.action,
        row.action_event,
        *row.poll_events,
        *row.stop_events,
    )
)
_TOKEN = re.compile(r"[\w-]+")
_SHORTEST = 3
"""A shorter name is masked in ARNs only: it would be found in everything."""
_CACHED = 1024
"""Texts up to so many characters are kept: rows, not records."""

_PARTS = [
    *(f"(?P<{kind}>{source})" for kind, source in LONG_LOOKS.items()),
    r"(?P<token>[\w-]+)",
]
_PLAIN = re.compile("|".join(_PARTS))
_ARN_PART = rf"(?P<arn>(?<![A-Za-z0-9]){re.sub(r'[?]P<[a-z]+>', '?:', ARN.pattern)})"
_WHOLE = re.compile("|".join((_ARN_PART, r"(?P<cut>arn:aws[^\s\"'\\…]*…)", *_PARTS)))
_SHORTEST_LOOK = 10
"""No look is shorter: `i-0123abcd`, `ip-1-1-1-1`."""


def is_alias(name: str) -> bool:
    """True for what looks like an alias already."""
    return _ALIAS.fullmatch(name) is not None


def is_private(name: str) -> bool:
    """True for a name that is masked wherever it stands, not in ARNs alone."""
    return (
        len(name) >= _SHORTEST
        and name not in _ACTIONS
        and _WORDS.fullmatch(name) is None
        and _TOKEN.search(name) is not None
    )


class Mask:
    """Replaces what `names` has: originals to aliases."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._aliases = frozenset(names.values())
        self._starts: dict[str, list[tuple[int, str]]] = {}
        """A name's first token to where it begins in the name, and the name."""
        for name in names:
            token = _TOKEN.search(name)
            if token is not None and is_private(name):
                self._starts.setdefault(token[0], []).append((token.start(), name))
        for found in self._starts.values():
            found.sort(key=lambda start: len(start[1]), reverse=True)
        self._short = lru_cache(maxsize=2**15)(self._masked)

    def __call__(self, text: str) -> str:
        return self._short(text) if len(text) <= _CACHED else self._masked(text)

    def _masked(self, text: str, scan: re.Pattern[str] = _WHOLE) -> str:
        parts: list[str] = []
        place = 0
        for match in scan.finditer(text):
            # A name of several words may have taken this one along.
            if match.start() < place:
                continue
            begin, end, put = self._replaced(text, match, place)
            parts += (text[place:begin], put)
            place = end
        return "".join((*parts, text[place:]))

    def _replaced(
        self, text: str, match: re.Match[str], place: int
    ) -> tuple[int, int, str]:
        """Say what to put where: of a known name and a mere look the longer one."""
        begin, end = match.span()
        known = self._known(text, match.start(), place)
        if known is not None and match.lastgroup not in {"arn", "cut"}:
            start, name = known
            if start + len(name) >= end or match.lastgroup == "token":
                return start, start + len(name), self._names[name]
        if match.lastgroup == "arn":
            return begin, end, self._arn(match[0])
        if match.lastgroup == "cut":
            return begin, end, "arn:…"
        if match.lastgroup == "token":
            if end - begin < _SHORTEST_LOOK:
                return begin, end, match[0]
            return begin, end, WORD_LOOK.sub(self._looks, match[0])
        return begin, end, self._looks(match)

    def _known(self, text: str, start: int, place: int) -> tuple[int, str] | None:
        """Find the longest name whose first token begins here, as a whole word."""
        token = _TOKEN.match(text, start)
        if token is None:
            return None
        for offset, name in self._starts.get(token[0], ()):
            begin = start - offset
            if begin >= place and text.startswith(name, begin):
                around = text[max(0, begin - 1) : begin], text[begin + len(name) :][:1]
                if not any(_TOKEN.match(character) for character in around):
                    return begin, name
        return None

    def _looks(self, match: re.Match[str]) -> str:
        """Give the alias of what was told by its looks; one not learnt gets an x."""
        return self._names.get(match[0]) or f"{kind_of(match)}-x"

    def _arn(self, text: str) -> str:
        arn = ARN.match(text)
        if arn is None:
            return self._masked(text, _PLAIN)
        return "".join(self._arn_parts(text, arn))

    def _arn_parts(self, text: str, arn: re.Match[str]) -> Iterator[str]:
        place = 0
        for kind, begin, end in spans_in_arn(arn):
            yield self._masked(text[place:begin], _PLAIN)
            name = text[begin:end]
            keep = name in self._aliases or is_alias(name) or name == f"{kind}-x"
            yield self._names.get(name) or (name if keep else f"{kind}-x")
            place = end
        yield self._masked(text[place:], _PLAIN)
