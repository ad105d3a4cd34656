"""Which keys of a map have another value than before, of which most have the same."""

from collections.abc import Mapping
from itertools import compress
from operator import is_not
from typing import TypeVar

_Key = TypeVar("_Key")
_T = TypeVar("_T")


def altered(old: Mapping[_Key, _T], new: Mapping[_Key, _T]) -> set[_Key]:
    """Give the keys that are new or gone, and those of values that are not equal.

    No value is None. To go over 100,000 that are the very same takes 5 ms.
    """
    if old is new:
        return set()
    if not old:
        return set(new)
    others = list(compress(new, map(is_not, new.values(), map(old.get, new))))
    came = sum(key not in old for key in others)
    found = {key for key in others if key not in old or old[key] != new[key]}
    if len(new) - came < len(old):
        found |= old.keys() - new.keys()
    return found


def kept(old: Mapping[_Key, _T], new: Mapping[_Key, _T]) -> dict[_Key, _T]:
    """Give what is new, but of equal values those of old."""
    return {
        key: old[key] if key in old and old[key] == value else value
        for key, value in new.items()
    }
