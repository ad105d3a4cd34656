"""Texts to look for: some words, or a regular expression that can't run away."""

import re
import warnings
from dataclasses import dataclass, field
from math import factorial

from sfnwatch.trace.filter_words import FilterError

_BARE = re.compile(r"[^\s&|()\"!~/<>][^\s&|()\"]*")
LONGEST = 100
"""Characters of a regular expression."""
_STEPS = 2**22
"""What the worst pattern may take on the worst row: about a tenth of a second."""
_MOST = 2**16
_LEAST = 96
"""Characters of a text looked at: at most, and at least for a pattern to be of use."""
_PART = re.compile(
    r"\\."
    r"|\[\^?\]?(?:\\.|[^\]\\])*\]"
    r"|(?P<open>\((?P<form>\?(?::|.?))?)"
    r"|(?P<close>\))"
    r"|(?P<repeat>(?:[*+]|\{[\d,]*\})[?+]?)"
    r"|(?P<choice>\?[?+]?|\|)"
    r"|.",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Words:
    """Some text, found whatever its case."""

    text: str
    _folded: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_folded", self.text.casefold())

    def __call__(self, text: str) -> bool:
        return self._folded in text.casefold()

    def __str__(self) -> str:
        if _BARE.fullmatch(self.text):
            return self.text
        escaped = self.text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'


@dataclass(frozen=True, slots=True)
class Regex:
    """A regular expression, found whatever the case."""

    source: str
    pattern: re.Pattern[str] = field(repr=False, compare=False)
    reach: int = field(repr=False, compare=False)
    """How many characters of a text it looks at."""

    def __call__(self, text: str) -> bool:
        return self.pattern.search(text, 0, self.reach) is not None

    def __str__(self) -> str:
        return f"/{self.source}/"


Pattern = Words | Regex


def compile_regex(source: str, position: int) -> Regex:
    """Compile, or raise FilterError; `position` is where the source begins."""
    if len(source) > LONGEST:
        message = f"a regular expression of {len(source)} characters"
        raise FilterError(message, position, f"{LONGEST} are allowed")
    # First: Python's own compiler is not meant for what is refused here.
    reach = _reach(source, position)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pattern = re.compile(source, re.IGNORECASE)
    except re.error as error:
        place = position + (error.pos or 0)
        hint = 'text as it stands goes in quotes: "…"'
        raise FilterError(f"not a regular expression: {error.msg}", place, hint) from (
            error
        )
    except (OverflowError, RecursionError, ValueError) as error:
        raise FilterError("not a regular expression", position) from error
    return Regex(source, pattern, reach)


def _reach(source: str, position: int) -> int:
    """Say how much text a pattern may look at without trying too many ways.

    Python's engine tries them all, one after the other: each repeat may end at any
    character, each choice doubles the ways, and a repeat of either has no bound.
    """
    repeats, choices = _count(source, position)
    ways = _STEPS * factorial(repeats + 1) // 2**choices
    reach = min(_MOST, int(ways ** (1 / (repeats + 1))))
    if reach < _LEAST:
        hint = "several short ones can be joined with &"
        raise FilterError("too many repeats and choices in one", position, hint)
    return reach


def _count(source: str, position: int) -> tuple[int, int]:
    """Count repeats and choices, and refuse a repeat around any of them."""
    repeats = choices = 0
    opened: list[int] = []
    closed: int | None = None
    for part in _PART.finditer(source):
        if part["open"]:
            _check_form(part["form"], position + part.start())
            opened.append(repeats + choices)
        elif part["repeat"]:
            if closed is not None and repeats + choices > closed:
                message = "a repeat of what has a repeat or a choice in it"
                raise FilterError(message, position + part.start())
            repeats += 1
        elif part["choice"]:
            choices += 1
        closed = opened.pop() if part["close"] and opened else None
    return repeats, choices


def _check_form(form: str | None, place: int) -> None:
    if form not in {None, "?:"}:
        raise FilterError(f"({form} is not allowed here", place, "of these, (?: is")
