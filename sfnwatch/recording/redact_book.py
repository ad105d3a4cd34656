"""The aliases of one redaction: each original has one, numbered as they appear.

No alias is made from its original: a hash of a twelve-digit account id, or of a name
that can be guessed, gives both away. What other programs parse keeps its shape, so
that an account is still twelve digits and a request id still a UUID; none of these
can be a real one.
"""

import re
from collections import Counter
from collections.abc import Iterable

_LAST = 99
"""Generations of aliases that are tried before giving up."""
_LETTERS = 26
_NIBBLES = "a11a5"
"""Reads as "alias", in hexadecimal digits."""
_KEY = re.compile(
    r"(AKIA|ASIA|ABIA|ACCA|AROA|AIDA|AGPA|AIPA|ANPA|ANVA|APKA|ASCA)\w{8,}"
)
_NETWORK = re.compile(
    r"(eni|subnet|sg|vpc|vpce|i|vol|snap|ami|rtb|igw|nat|acl|eipalloc|lt)"
    r"-[0-9A-Za-z]{8,17}"
)
_SHAPES = (
    ("account", re.compile(r"[0-9]{12}")),
    ("uuid", re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")),
    ("hex", re.compile(r"[0-9a-f]{16,}|[0-9a-f][0-9a-f-]{31,63}")),
    ("job-run", re.compile(r"(jr|db)_[0-9a-f]{32,64}")),
    ("emr-id", re.compile(r"[js]-[0-9A-Z]{10,}")),
    ("access-key", _KEY),
    ("session", re.compile(r"[A-Za-z]{32}")),
    ("network-id", _NETWORK),
)
_SHAPED_KINDS = frozenset({"account", "session"})
"""Kinds that have their shape whatever the original looks like."""
_ADDRESS = re.compile(
    r"[0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}"
    r"|[0-9A-Fa-f]{0,4}(:[0-9A-Fa-f]{0,4}){2,7}"
)
_EMAIL = re.compile(r"[^@\s/:]+@[^@\s/:]+\.[^@\s/:]+")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+(Z|[+-][0-9:]+)?)?")


_SPACE = re.compile(r"\s")


def has_space(text: str) -> bool:
    """Tell a sentence from a name."""
    return _SPACE.search(text) is not None


def shape_of(text: str) -> str:
    """Tell what a text is by its looks alone; empty for what may be anything."""
    return next((kind for kind, shape in _SHAPES if shape.fullmatch(text)), "")


def look_of(text: str) -> str:
    """Tell what keeps no shape, but is one thing whatever stands in it."""
    looks = (("address", _ADDRESS), ("email", _EMAIL), ("time", _TIME))
    return next((kind for kind, look in looks if look.fullmatch(text)), "")


class Book:
    """Gives aliases, of one generation: a second one where the first is in use."""

    def __init__(self, generation: int = 0) -> None:
        self._generation = generation
        self._aliases: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._kept: set[str] = set()

    def alias(self, text: str, kind: str) -> str:
        """Give the alias of a text; its kind counts where it has no shape."""
        found = self._aliases.get(text)
        if found is None:
            found = self._aliases[text] = self._made(text, kind)
        return found

    def keep(self, text: str) -> None:
        """Note a name that stays: no alias may read like it."""
        self._kept.add(text)

    def free_generation(self) -> int:
        """Find the first generation of which no alias stands in any original.

        Raises ValueError where all are in use, which nobody does by accident.
        """
        originals = "\n".join((*self._aliases, *self._kept)).lower()
        shapes = {shape for shape, _ in _SHAPES}
        named = sorted(kind.lower() for kind in self._counts.keys() - shapes)
        kinds = "|".join(map(re.escape, named))
        for generation in range(_LAST + 1):
            if not re.search(_in_use(generation, kinds), originals):
                return generation
        msg = "it is full of aliases already"
        raise ValueError(msg)

    @property
    def generation(self) -> int:
        return self._generation

    def _made(self, text: str, kind: str) -> str:
        shape = shape_of(text) or (kind if kind in _SHAPED_KINDS else "")
        name = shape or look_of(text) or kind
        self._counts[name] += 1
        number = self._counts[name]
        if shape:
            return _shaped(shape, text, self._generation, number)
        return f"{name}-{_tag(self._generation)}{number}"


def _shaped(shape: str, text: str, generation: int, number: int) -> str:
    """Write an alias in its original's shape; of `text` its prefix of AWS's stays."""
    match shape:
        case "account":
            return f"{generation:04}{number:08}"
        case "uuid":
            return f"a11a5a11-a5a1-4a11-a5a1-a11{generation:02x}{number:07x}"
        case "hex":
            return _hex(len(text), generation, number)
        case "job-run":
            return f"{text[:3]}{_hex(len(text) - 3, generation, number)}"
        case "emr-id":
            return f"{text[:2]}{_hex(15, generation, number).upper()}"
        case "access-key":
            return f"{text[:4]}ALIAS{generation:02}{number:09}"
        case "network-id":
            return f"{text.partition('-')[0]}-{_hex(17, generation, number)}"
        case _:
            return f"SessionAlias{_letters(generation, 2)}{_letters(number, 18)}"


def _hex(length: int, generation: int, number: int) -> str:
    tail = f"{generation:02x}{number:08x}"
    room = max(length - len(tail), 0)
    return (_NIBBLES * (room // len(_NIBBLES) + 1))[:room] + tail


def _letters(number: int, width: int) -> str:
    letters = ""
    for _ in range(width):
        number, digit = divmod(number, _LETTERS)
        letters = chr(ord("a") + digit) + letters
    return letters


def _tag(generation: int) -> str:
    """Write nothing for the first, `role-1`; then `role-b1`, `role-c1` and so on."""
    return _letters(generation, 1 + generation // _LETTERS) if generation else ""


def _in_use(generation: int, kinds: str) -> str:
    """Give a pattern, small, of every alias of a generation, wherever it stands."""
    patterns: Iterable[str] = (
        rf"(?<![a-z0-9]){generation:04}[0-9]{{8}}(?![a-z0-9])",
        rf"a11a5a11-a5a1-4a11-a5a1-a11{generation:02x}",
        rf"a11a5[a15]*{generation:02x}[0-9a-f]{{8}}",
        rf"alias{generation:02}[0-9]{{9}}",
        rf"sessionalias{_letters(generation, 2)}",
    )
    one = rf"(?<![\w-])(?:{kinds})-{_tag(generation)}[0-9]+(?![\w-])"
    named = [one] if kinds else []
    return "|".join((*patterns, *named))
