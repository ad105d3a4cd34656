"""Aliases for names: equal names get equal aliases, which look like their originals.

An alias does not reveal its original, since it is numbered and not computed from it.
Anybody could try out all twelve-digit account ids, or likely names, against a hash.
"""

import re
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

KEY_ID = r"(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA|AGPA|AIPA|ANPA|ANVA|APKA|ASCA)"
NETWORK = r"(?:eni|subnet|sg|vpc|vpce|i|vol|snap|ami|rtb|igw|nat|acl|eipalloc|lt)-"
OCTET = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_SHAPES = {
    "account": re.compile(r"[0-9]{12}"),
    "uuid": re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
    "hex": re.compile(r"[0-9a-f]{16,}|[0-9a-f][0-9a-f-]{31,63}"),
    "session": re.compile(r"[A-Za-z]{32}"),
}
"""The shapes that aliases keep, since other programs parse them: an account alias has
twelve digits, the alias of a request id is a UUID. No alias can be a real id."""
_ALWAYS_SHAPED = {"account": "account", "session": "session", "call": "uuid"}
"""Kinds of names whose aliases have a shape even where their originals have none."""
PATTERNS = {
    "email": r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}",
    "address": (
        rf"(?<![\w.]){OCTET}(?:\.{OCTET}){{3}}(?!\w)(?!\.\d)"
        r"|(?<![\w:])[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}(?![\w:])"
        r"|(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?![\w:])"
        r"|(?<![\w:.])(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})?::"
        r"(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})(?![\w:])"
    ),
}
"""Patterns of mail and network addresses, to be found inside of longer texts."""
_LOOKS = {
    **{kind: re.compile(look, re.ASCII) for kind, look in PATTERNS.items()},
    "access-key": re.compile(rf"{KEY_ID}\w{{8,}}"),
    "network-id": re.compile(rf"{NETWORK}[0-9A-Za-z]{{8,17}}"),
    "time": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+(Z|[+-][0-9:]+)?)?"),
}
"""Texts whose aliases have no shape, but which are replaced as a whole: their slashes
and colons separate no names."""


def shape_of(text: str) -> str:
    return next((kind for kind, shape in _SHAPES.items() if shape.fullmatch(text)), "")


def look_of(text: str) -> str:
    return next((kind for kind, look in _LOOKS.items() if look.fullmatch(text)), "")


class Alias(NamedTuple):
    """The replacement of a name."""

    shown: str
    """The alias on the screen: `account-1`."""
    written: str
    """The alias in a file, where it keeps its original's shape: `000000000001`."""


_WORD = re.compile(rb"[0-9a-z-]+")
_LETTERS = str.maketrans("0123456789", "abcdefghij")


class AliasTable:
    """The aliases of a session or a file, numbered in the order they are asked for."""

    def __init__(self) -> None:
        self._aliases: dict[tuple[str, str], Alias] = {}
        self._counts: Counter[str] = Counter()
        self._in_use: set[bytes] = set()

    def reserve(self, data: bytes) -> None:
        """Note the words of an original record, so that no alias is one of them."""
        self._in_use.update(_WORD.findall(data.lower()))

    def alias(self, text: str, kind: str, space: str = "") -> Alias:
        """Return the alias of a text; the first call for a text decides its kind.

        Equal texts in different name spaces are different things, with an alias each.
        """
        found = self._aliases.get((space, text))
        if found is None:
            shape = shape_of(text) or _ALWAYS_SHAPED.get(kind, "")
            if kind in {"value", "name"}:
                kind = shape or look_of(text) or kind
            shown = self._next(kind, lambda n: f"{kind}-{n}")
            shaped = partial(_shaped, shape, text)
            written = self._next(f"{shape}'s shape", shaped) if shape else shown
            found = self._aliases[space, text] = Alias(shown, written)
        return found

    def _next(self, counted: str, written: Callable[[int], str]) -> str:
        """Return the next free alias; `counted` names the counter it is numbered by."""
        while True:
            self._counts[counted] += 1
            found = written(self._counts[counted])
            if found.lower().encode() not in self._in_use:
                return found


def _shaped(shape: str, text: str, number: int) -> str:
    """Return the alias with a number, in its original's shape."""
    match shape:
        case "account":
            return f"{number:012}"
        case "uuid":
            return f"a11a5a11-a5a1-4a11-a5a1-a11{number:09x}"
        case "hex":
            # The number is filled up with hex digits that read like "alias".
            tail = f"{number:010x}"
            room = len(text) - len(tail)
            return ("a11a5" * (room // 5 + 1))[:room] + tail
        case _:
            return f"SessionAlias{f'{number:020}'.translate(_LETTERS)}"
