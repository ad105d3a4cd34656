"""Regexes in filters; those that could take too long are refused."""

import re
import warnings
from collections.abc import Callable
from math import factorial

from sfnwatch.view.filter_error import FilterError

LONGEST_REGEX = 100
Finds = Callable[[str], bool]
_STEPS = 2**22
"""The most steps of any regex on any text: about a tenth of a second."""
_MOST_CHARACTERS = 2**16
"""A regex searches at most this many characters of a text."""
_LEAST_CHARACTERS = 96
"""A regex that could only search fewer characters than this is refused."""
_ONE_CHARACTER = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
"""The parts of a regex that match one character: an escape, or a set in brackets."""
_REFUSED = re.compile(r"\)(?:[*+]|\{[\d,])|\(\?(?!:)")
"""The refused parts: a repeated group, and any `(?` except `(?:`."""


def regex_finder(source: str, position: int) -> Finds:
    """Compile a regex, or raise FilterError.

    `position` is the index in the filter at which the regex's source begins.
    """
    if len(source) > LONGEST_REGEX:
        hint = f"at most {LONGEST_REGEX} are allowed"
        raise FilterError(f"the regex has {len(source)} characters", position, hint)
    # This check is first: what it refuses might be too much for Python's compiler.
    reach = _reach(source, position)
    try:
        with warnings.catch_warnings(action="ignore"):
            regex = re.compile(source, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        message = f"not a regex: {getattr(error, 'msg', error)}"
        place = position + (getattr(error, "pos", None) or 0)
        hint = 'to look for this very text, put it in quotes: "…"'
        raise FilterError(message, place, hint) from error
    return lambda text: regex.search(text, 0, reach) is not None


def _reach(source: str, position: int) -> int:
    """Return how many characters a regex may search without taking too long.

    Python's engine tries all ways to match, one after the other. A repeat may end at
    any character, and each choice doubles the ways. The ways of a repeated group have
    no bound.
    """
    plain = _ONE_CHARACTER.sub("x", source)
    if _REFUSED.search(plain):
        message = "a regex may repeat no group, and have no (? but (?:"
        raise FilterError(message, position)
    repeats = len(re.findall(r"[*+]|\{[\d,]+\}", plain))
    choices = len(re.findall(r"(?<!\()\?|\|", plain))
    ways = _STEPS * factorial(repeats + 1) // 2**choices
    reach = min(_MOST_CHARACTERS, int(ways ** (1 / (repeats + 1))))
    if reach < _LEAST_CHARACTERS:
        hint = "join several short ones with &"
        raise FilterError("too many repeats and choices in one regex", position, hint)
    return reach
