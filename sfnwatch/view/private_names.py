"""Finds the names of a customer's things in records and texts."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sfnwatch.model.texts import clean
from sfnwatch.model.values import parse_json
from sfnwatch.view.aliases import KEY_ID, NETWORK, OCTET, PATTERNS
from sfnwatch.view.arn_resource import resource_parts
from sfnwatch.view.vocabulary import vocabulary

_ARN = (
    r"arn:aws[a-z-]*:(?P<service>[a-z0-9-]*):[a-z0-9-]*:(?P<account>[^\s\"'\\:/]*):"
    r"(?P<resource>[^\s\"'\\<>,;()\[\]{}]*[^\s\"'\\<>,;()\[\]{}.:])"
)
_CUT_ARN = r"(?P<cut>arn:aws[^\s\"'\\…]*…)"
ARNS = re.compile(rf"{_ARN}|{_CUT_ARN}")
"""ARNs in a text, whole or cut off by `…`.

They may follow a letter: in JSON inside of a text a line ends with `\\n`.
"""
_WORD_LOOK = re.compile(
    rf"(?<![A-Za-z0-9])(?:(?P<account>[0-9]{{12}})"
    rf"|(?P<access_key>{KEY_ID}[A-Z0-9]{{12,}})"
    rf"|(?P<network>{NETWORK}[0-9a-f]{{8,17}})"
    rf"|(?P<address>ip(?:-{OCTET}){{4}}))(?![A-Za-z0-9])"
)
"""Ids that may be a part of a word, such as the account in `logs-123456789012`."""
_EMAIL = re.compile(rf"(?P<email>(?<![A-Za-z0-9._%+-]){PATTERNS['email']})")
_ADDRESS = re.compile(rf"(?P<address>{PATTERNS['address']})", re.ASCII)
_PHONE = re.compile(r"(?P<phone>(?<![\w+])\+\d[\d ().-]{6,18}\d(?!\w))")
_RANDOM_CHARACTER = r"[A-Za-z0-9+/_-]"
_KEY = re.compile(
    rf"(?P<key>(?<!{_RANDOM_CHARACTER})(?={_RANDOM_CHARACTER}*[0-9])"
    rf"(?={_RANDOM_CHARACTER}*[a-z])(?={_RANDOM_CHARACTER}*[A-Z])"
    rf"{_RANDOM_CHARACTER}{{40,}}={{0,2}})"
)
"""A secret access key or a task token: a long mix of digits, small and capital letters.

Nothing else looks like that.
"""
_PASSWORD = re.compile(
    r"(?i)(?:api[-_ ]?key|authorization|bearer|pass(?:wd|word)|secret|token)"
    r"(?:=|\\?\"?:\s+\\?\"?|\\?\":\\?\"|(?<=bearer)\s+)"
    r"(?P<password>[^\s\"'\\,;)=]{6,})"
)
"""A secret behind a word that announces it, such as `password=`."""
_QUEUE_URL = re.compile(r"https://sqs\.[a-z0-9.-]+/\d{12}/(?P<queue>[\w.-]+)")
_IMAGE = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9.-]+/(?P<repository>[\w./-]+)")
_LOOKS_PRIVATE = (
    *(_QUEUE_URL, _IMAGE, _EMAIL, _ADDRESS, _WORD_LOOK),
    *(_PHONE, _KEY, _PASSWORD),
)
_SENTENCES = frozenset({"cause", "errormessage", "message", "reason", "stoppedreason"})
"""The keys of free texts about errors, in small letters."""
_BY_AWS = re.compile(r"\(Service: [^)]*\)")
_PROPER = re.compile(
    r"(?<![\w.:/'-])[A-Z][\w'-]+(?:\s+[A-Z][\w'-]+)+"
    r"|(?<=[a-z,] )[A-Z][\w'-]{2,}"
)
"""Capitalized words: several in a row, or one inside of a sentence."""
_NO_NAME = re.compile(r"[\d*$?_.:/-]{0,7}")
"""A revision, a version or a wildcard, which is no name."""
_AWS_OWN = re.compile(r"StepFunctionsGetEvents?\w*|AWSServiceRole\w*|service-role")
_REVISION = re.compile(r":\d+$")
_PREFIX = re.compile(r"^(family|service):")
_RANDOM_END = re.compile(r"-[A-Za-z0-9]{6}$")
"""The characters that Secrets Manager adds to a secret's name in its ARN."""
_LONGEST = 2048
"""The most characters of a name, since no ARN has more."""
PERSON_OR_THING = "name"
HasName = tuple[str, str]
"""The kind of a name, and the name."""


class NamedPart(NamedTuple):
    """A private name inside of a text: its kind, its begin and its end."""

    kind: str
    begin: int
    end: int


def _in_arn(arn: re.Match[str]) -> Iterator[NamedPart]:
    """Yield the private names in an ARN.

    The ARN of an integration (`arn:aws:states:::ecs:runTask`) has none, nor has the ARN
    of a thing that AWS owns.
    """
    service = arn["service"]
    account = arn["account"]
    end = arn.start("resource")
    if arn["cut"] or account == "aws" or (service == "states" and not account):
        return
    public = {*vocabulary().public_kinds, "label", ""}
    for name, kind in resource_parts(service, arn["resource"]):
        begin = end
        end = end + len(name)
        known = _NO_NAME.fullmatch(name) or _AWS_OWN.fullmatch(name)
        if kind not in public and not known:
            yield NamedPart(kind, begin, end)


def private_parts(text: str) -> Iterator[NamedPart]:
    """Yield the private parts of a text: in ARNs, in URLs, and by their looks."""
    for arn in ARNS.finditer(text):
        yield from _in_arn(arn)
    for pattern in _LOOKS_PRIVATE:
        for match in pattern.finditer(text):
            kind = (match.lastgroup or "").replace("_", "-")
            if kind == "network":
                # An EC2 id begins with its kind: `subnet`, `eni`.
                kind = match[0].partition("-")[0]
            yield NamedPart(kind, *match.span(match.lastgroup or 0))


def names_in_record(record: Any) -> Iterator[HasName]:
    """Yield the names in a record, in order, also those in its JSON texts."""
    stack: list[tuple[str, Any]] = [("", record)]
    while stack:
        key, value = stack.pop()
        if isinstance(value, Mapping):
            stack.extend(reversed(list(value.items())))
        elif isinstance(value, list):
            stack.extend((key, item) for item in reversed(value))
        elif isinstance(value, str) and value:
            inner = parse_json(value) if value[0] in "{[" else None
            if isinstance(inner, dict | list):
                stack.append((key, inner))
            else:
                yield from _names_under(key, clean(value))


def _names_under(key: str, value: str) -> Iterator[HasName]:
    kind = vocabulary().kind_of_key(key)
    if key == "group" and not _PREFIX.match(value):
        kind = None
    if kind is not None and not value.startswith(("arn:", "http")):
        name = _REVISION.sub("", _PREFIX.sub("", value))
        if not _NO_NAME.fullmatch(name):
            yield kind, name[:_LONGEST]
    if key.lower() in _SENTENCES:
        yield from _names_in_sentence(value)
    for kind, begin, end in private_parts(value):
        name = value[begin:end][:_LONGEST]
        yield kind, name
        if kind == "secret" and _RANDOM_END.search(name):
            yield kind, _RANDOM_END.sub("", name)


def _names_in_sentence(text: str) -> Iterator[HasName]:
    """Yield the words of a sentence that may be a customer's names.

    These are its capitalized words, except AWS's own words.
    """
    words = vocabulary()
    if text in words.phrases:
        return
    for proper in _PROPER.findall(_BY_AWS.sub("", text)):
        for word in proper.split():
            is_word_of_aws = (
                word in words.event_words
                or word in words.errors
                or words.is_key(word)
                or words.is_operation(word)
            )
            if not is_word_of_aws:
                yield PERSON_OR_THING, word
