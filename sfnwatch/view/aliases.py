"""Aliases: the same for the same original, and with its look.

Nothing tells the original: no alias is made from it. A hash of a twelve-digit account
id, or of a name that can be guessed, gives both away.
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
    "access-key": re.compile(rf"{KEY_ID}\w{{8,}}"),
    "network-id": re.compile(rf"{NETWORK}[0-9A-Za-z]{{8,17}}"),
    "time": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+(Z|[+-][0-9:]+)?)?"),
}
"""What keeps no shape, but is one thing whatever stands in it."""


def shape_of(text: str) -> str:
    return next((kind for kind, shape in _SHAPES.items() if shape.fullmatch(text)), "")


def look_of(text: str) -> str:
    return next((kind for kind, look in _LOOKS.items() if look.fullmatch(text)), "")


class Alias(NamedTuple):
    """What a name is replaced by."""

    shown: str
    """On the screen: `account-1`."""
    written: str
    """In a file, where what is parsed keeps its shape: `000000000001`."""


_WORD = re.compile(rb"[0-9a-z-]+")
_LETTERS = str.maketrans("0123456789", "abcdefghij")


class AliasTable:
    """The aliases of a session or a file, numbered as their originals appear."""

    def __init__(self) -> None:
        self._aliases: dict[tuple[str, str], Alias] = {}
        self._counts: Counter[str] = Counter()
        self._in_use: set[bytes] = set()

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
            if kind in {"value", "name"}:
                kind = shape or look_of(text) or kind
            shown = self._next(kind, lambda n: f"{kind}-{n}")
            shaped = partial(_shaped, shape, text)
            written = self._next(f"{shape}'s shape", shaped) if shape else shown
            found = self._aliases[space, text] = Alias(shown, written)
        return found

    def _next(self, counted: str, written: Callable[[int], str]) -> str:
        """Write the next alias of those that are counted together, if it is free."""
        while True:
            self._counts[counted] += 1
            found = written(self._counts[counted])
            if found.lower().encode() not in self._in_use:
                return found


def _shaped(shape: str, text: str, number: int) -> str:
    """Write an alias in its original's shape."""
    match shape:
        case "account":
            return f"{number:012}"
        case "uuid":
            return f"a11a5a11-a5a1-4a11-a5a1-a11{number:09x}"
        case "hex":
            # Digits that read as "alias" before it.
            tail = f"{number:010x}"
            room = len(text) - len(tail)
            return ("a11a5" * (room // 5 + 1))[:room] + tail
        case _:
            return f"SessionAlias{f'{number:020}'.translate(_LETTERS)}"
