"""Names made of parts: ARNs, paths, addresses of services, operations, errors.

A name is taken apart at its slashes and colons and each part has its own alias, the
same wherever the part stands. So an ARN stays an ARN of the same kind, and its last
part the id by which other records know the thing.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from sfnwatch.recording.redact_book import Book, look_of
from sfnwatch.recording.redact_vocabulary import API_WORDS, ERRORS, SERVICES
from sfnwatch.recording.redact_words import ARN_KINDS, EVENT_WORDS, NAMES, PREFIXES

_HEAD = 5
"""Colons before an ARN's resource."""
_PARTITIONS = ("aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-eusc")
_REGION = re.compile(
    r"(us|eu|ap|sa|ca|me|af|il|cn|mx|us-gov|us-iso|us-isob|eusc-de)"
    r"-(north|south|east|west|central|northeast|northwest|southeast|southwest)-[1-9]"
)
_ZONE = re.compile(rf"({_REGION.pattern})[a-f]")
_HOST = re.compile(r"[A-Za-z0-9.-]+\.amazonaws\.com(\.cn)?")
_LABELS = frozenset({"amazonaws", "com", "cn", "dkr", "api"})
_APART = re.compile(r"([/:])")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_VERSION = re.compile(r"20[0-9]{2}[01][0-9][0-3][0-9](v[0-9])?$")
_SUFFIXES = frozenset({"", ".sync", ".sync:2", ".waitForTaskToken"})
_OPERATION = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_MOST_PARTS = 48
"""A name has no more, slashes and colons counted; a key in base64 may have many."""
_END = re.compile(r"[.,;:]*$")
_STATUS = re.compile(r"[0-9]{3}")
_CACHED = 1 << 16


class Names:
    """Aliases for names, by the parts they are made of."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self.identifier = lru_cache(maxsize=_CACHED)(self._identifier)
        self.operation = lru_cache(maxsize=_CACHED)(self._operation)
        self.error = lru_cache(maxsize=_CACHED)(self._error)

    # -- what may stand anywhere -------------------------------------------------

    def _identifier(self, text: str, kind: str = "name") -> str:
        """Replace a name without spaces: of an ARN its parts, else all between / and :.

        A full stop or the like behind it, as in a sentence, stays.
        """
        end = _END.search(text)
        core = text[: end.start()] if end else text
        tail = text[len(core) :]
        parts = _APART.split(core)
        if core.startswith("arn:") and core.count(":") >= _HEAD:
            return self._arn(core) + tail
        if len(parts) > _MOST_PARTS or look_of(core):
            return self._book.alias(text, kind)
        return "".join(self._parts(parts, kind)) + tail

    def _parts(self, parts: list[str], kind: str) -> Iterator[str]:
        """Replace every second part; those between are the separators."""
        for place, part in enumerate(parts):
            behind = parts[place + 1] if place + 1 < len(parts) else ""
            if place % 2 or (behind == ":" and part in PREFIXES):
                yield part
            else:
                yield self.part(part, kind)

    def part(self, text: str, kind: str) -> str:
        """Replace one part, by what it is alone: the same in every name."""
        if not text or text in NAMES:
            return text
        if _HOST.fullmatch(text):
            return ".".join(self._label(label, kind) for label in text.split("."))
        return self._book.alias(text, kind)

    def _label(self, text: str, kind: str) -> str:
        if text in _LABELS or text in SERVICES or _REGION.fullmatch(text):
            return text
        return self._book.alias(text, kind) if text else text

    # -- ARNs ----------------------------------------------------------------------

    def _arn(self, text: str) -> str:
        _, partition, service, region, account, resource = text.split(":", _HEAD)
        if not account and service == "states" and _integration(resource):
            tail = self.resource(resource)
        else:
            tail = "".join(self._resource_parts(service, resource))
        head = (
            "arn",
            partition if partition in _PARTITIONS else self._partition(partition),
            self.service(service),
            self.region(region),
            account if account in {"", "aws"} else self.part(account, "account"),
        )
        return ":".join((*head, tail))

    def _partition(self, text: str) -> str:
        """Write one nobody knows in the letters that a partition has."""
        alias = self._book.alias(text, "partition")
        letters = (chr(ord("a") + int(c)) if c.isdigit() else c for c in alias)
        return f"aws-{''.join(letters)}"

    def _resource_parts(self, service: str, resource: str) -> Iterator[str]:
        parts = _APART.split(resource)
        kinds = ARN_KINDS.get(parts[0]) if len(parts) > 1 else None
        if kinds is None:
            yield from self._parts(parts, _KINDS.get(service, "name"))
            return
        yield parts[0]
        names = parts[2::2]
        if len(kinds) == 1 and len(names) > 1:
            kinds = (*["path"] * (len(names) - 1), *kinds)
        elif len(names) < len(kinds) and parts[1] == "/":
            kinds = kinds[-len(names) :]
        for number, name in enumerate(names):
            yield parts[1 + 2 * number]
            yield self.part(name, kinds[min(number, len(kinds) - 1)])

    # -- AWS's own names -----------------------------------------------------------

    def region(self, text: str) -> str:
        """Keep a Region, and a zone of one."""
        if not text or _REGION.fullmatch(text) or _ZONE.fullmatch(text):
            return text
        return self._book.alias(text, "region")

    def service(self, text: str) -> str:
        """Keep a service's name: `ecs`, `aws-sdk:ecs`."""
        parts = (
            p if p in SERVICES else self.part(p, "service") for p in text.split(":")
        )
        return ":".join(parts)

    def event_source(self, text: str) -> str:
        name = text.removesuffix(".amazonaws.com")
        return self.service(name) + text[len(name) :]

    def _operation(self, text: str) -> str:
        """Keep an operation's name if AWS's words make it up; `runTask` or `RunTask`.

        Another has one alias for both ways to write it, and keeps its version.
        """
        version = _VERSION.search(text)
        stem = text[: version.start()] if version else text
        if _made_of(stem, API_WORDS):
            return text
        if not stem:
            return self._book.alias(text, "operation")
        alias = self._book.alias(stem[0].upper() + stem[1:], "operation")
        first = alias[0].lower() if stem[0].islower() else alias[0].upper()
        return first + alias[1:] + text[len(stem) :]

    def resource(self, text: str) -> str:
        """Keep what a Task runs: `runTask.sync`, `ecs:runTask.sync:2`; or an ARN."""
        if text.startswith("arn:"):
            return self.identifier(text, "name")
        *services, last = re.split(r":(?![0-9])", text)
        action, dot, suffix = last.partition(".")
        known = dot + suffix in _SUFFIXES
        parts = (*(self.service(s) for s in services), self.operation(action))
        end = dot + suffix if known else self._suffix(suffix)
        return ":".join(parts) + end

    def _suffix(self, text: str) -> str:
        """Replace a suffix that nobody knows, but for the beginning that is read."""
        begin = "sync" if text.startswith("sync") else ""
        return f".{begin}{self.identifier(text, 'suffix')}"

    def _error(self, text: str) -> str:
        """Keep an error's name if it is one of AWS's: `States.Timeout`."""
        if text in ERRORS:
            return text
        service, dot, code = text.partition(".")
        if dot and service.lower() in SERVICES | {"client", "server", "amazonecs"}:
            known = code in ERRORS or _made_of(code, API_WORDS | _OWN)
            known = known or _STATUS.fullmatch(code) is not None
            own = code.lower() == f"{service.lower()}exception"
            return f"{service}.{code if known or own else self.part(code, 'Error')}"
        return self._book.alias(text, "Error")

    def event_type(self, text: str) -> str:
        """Keep a history event's type; of a later one the words that are known."""
        words = _WORDS.findall(text)
        if "".join(words) != text:
            return self._book.alias(text, "Type")
        return "".join(
            word if word in EVENT_WORDS else self._book.alias(word, "Type")
            for word in words
        )


_OWN = frozenset({"unknown"})
_KINDS = {"sqs": "queue", "sns": "topic", "s3": "bucket", "iam": "name"}
"""Services whose ARNs don't say what they name."""


def _integration(resource: str) -> bool:
    return resource.partition(":")[0] not in ARN_KINDS


def _made_of(text: str, vocabulary: frozenset[str]) -> bool:
    if not _OPERATION.fullmatch(text):
        return False
    words = _WORDS.findall(text)
    return all(w.lower() in vocabulary or _is_number(w) for w in words)


def _is_number(word: str) -> bool:
    """True for what tells versions of an operation apart: `ListObjectsV2`."""
    return len(word) == 1 and word.isdigit()
