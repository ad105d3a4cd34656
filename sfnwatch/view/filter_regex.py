"""Regexes in filters, as far as they can't take long."""

import re
import warnings
from collections.abc import Callable
from math import factorial

from sfnwatch.view.filter_error import FilterError

LONGEST_REGEX = 100
Finds = Callable[[str], bool]
_STEPS = 2**22
"""What the worst regex may take on the worst text: about a tenth of a second."""
_MOST_CHARACTERS = 2**16
"""Characters of a text that are looked at, at most."""
_LEAST_CHARACTERS = 96
"""The same at least, for a regex to be of use."""
_ONE_CHARACTER = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
"""What stands in a regex for one character, whatever signs are in it."""
_REFUSED = re.compile(r"\)(?:[*+]|\{[\d,])|\(\?(?!:)")
"""A repeat of a group, and what begins with `(?` but is no plain group."""


def regex_finder(source: str, position: int) -> Finds:
    """Compile a regex, or raise FilterError; `position` is where its source begins."""
    if len(source) > LONGEST_REGEX:
        hint = f"at most {LONGEST_REGEX} are allowed"
        raise FilterError(f"the regex has {len(source)} characters", position, hint)
    # First: Python's own compiler is not meant for what is refused here.
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
    """Say how much text a regex may look at without trying too many ways.

    Python's engine tries them all, one after the other: each repeat may end at any
    character, each choice doubles the ways, and a repeat of either has no bound.
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
