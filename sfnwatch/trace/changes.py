"""What has come and gone between two rows of things, of which most are the same."""

from collections.abc import Iterable, Sequence
from itertools import compress, count
from operator import is_not
from typing import TypeVar

_T = TypeVar("_T")


def changes(old: Sequence[_T], new: Sequence[_T]) -> tuple[list[_T], list[_T]]:
    """Give what only the old one has, and what only the new one has, by identity.

    To go over 100,000 that are the same takes a millisecond.
    """
    if old is new:
        return [], []
    least = min(len(old), len(new))
    begin = _common(old, new, least)
    end = _common(reversed(old), reversed(new), least - begin)
    before, now = old[begin : len(old) - end], new[begin : len(new) - end]
    if not before or not now:
        return list(before), list(now)
    was, are = set(map(id, before)), set(map(id, now))
    return (
        [each for each in before if id(each) not in are],
        [each for each in now if id(each) not in was],
    )


def _common(old: Iterable[_T], new: Iterable[_T], most: int) -> int:
    """Count what both begin with, of so many at most."""
    if not most:
        return 0
    differ = map(is_not, old, new)
    return min(next(compress(count(), differ), most), most)
