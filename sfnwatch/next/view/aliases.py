"""Aliases for names: what is equal gets the same one, and nothing tells the original.

No alias is made from its original: a hash of a twelve-digit account id, or of a name
that can be guessed, gives both away.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from sfnwatch.next.view.aws_vocabulary import vocabulary

KEY_ID = r"(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA|AGPA|AIPA|ANPA|ANVA|APKA|ASCA)"
NETWORK = r"(?:eni|subnet|sg|vpc|vpce|i|vol|snap|ami|rtb|igw|nat|acl|eipalloc|lt)-"
OCTET = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_SHAPES = {
    "account": re.compile(r"[0-9]{12}"),
    "uuid": re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
    "hex": re.compile(r"[0-9a-f]{16,}|[0-9a-f][0-9a-f-]{31,63}"),
    "job-run": re.compile(r"(jr|db)_[0-9a-f]{32,64}"),
    "emr-id": re.compile(r"[js]-[0-9A-Z]{10,}"),
    "access-key": re.compile(rf"{KEY_ID}\w{{8,}}"),
    "session": re.compile(r"[A-Za-z]{32}"),
    "network-id": re.compile(rf"{NETWORK}[0-9A-Za-z]{{8,17}}"),
}
"""What other programs parse keeps its shape: an account is still twelve digits, a
request id still a UUID; none of the aliases can be a real one."""
_ALWAYS_SHAPED = {"account": "account", "session": "session", "call": "uuid"}
"""Kinds that get a shape whatever their original looks like."""
LOOKS = {
    "email": r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}",
    "address": (
        rf"(?<![\w.]){OCTET}(?:\.{OCTET}){{3}}(?!\w)(?!\.\d)"
        r"|(?<![\w:])[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}(?![\w:])"
        r"|(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?![\w:])"
        r"|(?<![\w:.])(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})?::"
        r"(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})(?![\w:])"
    ),
}
"""Addresses and mail, as patterns: told by their looks, over several words."""
_LOOKS = {
    **{kind: re.compile(look, re.ASCII) for kind, look in LOOKS.items()},
    "time": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+(Z|[+-][0-9:]+)?)?"),
}
"""What keeps no shape, but is one thing whatever stands in it."""


def shape_of(text: str) -> str:
    return next((kind for kind, shape in _SHAPES.items() if shape.fullmatch(text)), "")


def look_of(text: str) -> str:
    return next((kind for kind, look in _LOOKS.items() if look.fullmatch(text)), "")


# -- aliases ---------------------------------------------------------------------------


class Alias(NamedTuple):
    """What a name is replaced by."""

    shown: str
    """On the screen: `account-1`."""
    written: str
    """In a file, where what is parsed keeps its shape: `000000000001`."""


_WORD = re.compile(rb"[0-9a-z-]+")


class AliasTable:
    """The aliases of a session or a file, numbered as their originals appear."""

    def __init__(self) -> None:
        self._aliases: dict[tuple[str, str], Alias] = {}
        self._counts: Counter[str] = Counter()
        self._in_use: set[bytes] = set()
        self.digits = 1
        """Digits of every number: with as many, aliases sort by their numbers."""

    def reserve(self, data: bytes) -> None:
        """Note the words of an original: none of them becomes somebody's alias."""
        self._in_use.update(_WORD.findall(data.lower()))

    def alias(self, text: str, kind: str, space: str = "") -> Alias:
        """Give the alias of a text, of whatever kind it was said to be first.

        Texts in different name spaces are different things, though equal.
        """
        found = self._aliases.get((space, text))
        if found is None:
            shape = shape_of(text) or _ALWAYS_SHAPED.get(kind, "")
            name = kind if kind not in {"value", "name"} else shape or look_of(text)
            shown = self._next(name or kind)
            written = self._next(shape, text) if shape else shown
            found = self._aliases[space, text] = Alias(shown, written)
        return found

    def _next(self, kind: str, text: str | None = None) -> str:
        """Write the next alias of a kind, in the shape of `text` if one is given."""
        counter = f"{kind}'s shape" if text is not None else kind
        while True:
            self._counts[counter] += 1
            number = self._counts[counter]
            if text is None:
                found = f"{kind}-{number:0{self.digits}}"
            else:
                found = _shaped(kind, text, number)
            if found.lower().encode() not in self._in_use:
                return found


def _shaped(shape: str, text: str, number: int) -> str:
    """Write an alias in its original's shape; of `text` its prefix of AWS's stays."""
    match shape:
        case "account":
            return f"{number:012}"
        case "uuid":
            return f"a11a5a11-a5a1-4a11-a5a1-a11{number:09x}"
        case "hex":
            return _hex(len(text), number)
        case "job-run":
            return f"{text[:3]}{_hex(len(text) - 3, number)}"
        case "emr-id":
            return f"{text[:2]}{_hex(15, number).upper()}"
        case "access-key":
            return f"{text[:4]}ALIAS{number:011}"
        case "network-id":
            return f"{text.partition('-')[0]}-{_hex(17, number)}"
        case _:
            letters = ""
            for _ in range(20):
                number, digit = divmod(number, 26)
                letters = chr(ord("a") + digit) + letters
            return f"SessionAlias{letters}"


def _hex(length: int, number: int) -> str:
    """Write a number in hexadecimal digits that read as "alias" before it."""
    tail = f"{number:010x}"
    room = max(length - len(tail), 0)
    return ("a11a5" * (room // 5 + 1))[:room] + tail


# -- ARNs ------------------------------------------------------------------------------

APART = re.compile(r"([/:])")


class NamedPart(NamedTuple):
    """A part of an ARN's resource that names something."""

    kind: str
    begin: int
    end: int


def resource_parts(service: str, resource: str) -> Iterator[NamedPart]:
    """Yield the parts of an ARN's resource between `/` and `:`, but for its type.

    A path before a role's name is one of paths. What stands behind the slash in the
    ARNs of Map Runs and their executions is a label, which is a state's.
    """
    words = vocabulary()
    parts = APART.split(resource)
    kinds = words.arn_kinds.get(parts[0]) if len(parts) > 1 else None
    place = len(parts[0]) + 1 if kinds else 0
    names = parts[2 if kinds else 0 :: 2]
    separators = ["", *parts[3 if kinds else 1 :: 2]]
    kinds = list(kinds or words.service_kinds.get(service, ["name"]))
    if kinds[0] == "path*":
        kinds = [*["path"] * (len(names) - 1), *kinds[1:]]
    elif place and len(names) < len(kinds) and parts[1] == "/":
        kinds = kinds[-len(names) :]
    for name, separator in zip(names, separators, strict=True):
        label = service == "states" and separator == "/"
        kind = "label" if label else kinds.pop(0) if len(kinds) > 1 else kinds[0]
        yield NamedPart(kind, place, place + len(name))
        place += len(name) + 1
