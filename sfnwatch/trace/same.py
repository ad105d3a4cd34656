"""How much of a sequence is what it was before, found at little cost.

Values that did not change keep their identity as a trace grows, and so do those that
hold them.
"""

from collections.abc import Sequence

_STEP = 2048
_OTHERS = 256
"""So many may be equal to what they were without being the same."""


def first_change(
    before: Sequence[object], now: Sequence[object], begin: int = 0
) -> int:
    """Find the first value, from a place on, that is not what it was."""
    place, others = begin, 0
    count = min(len(before), len(now))
    while place < count:
        old, new = before[place : place + _STEP], now[place : place + _STEP]
        # Such a comparison is quick, but for what is equal and not the same.
        if old[0] is new[0] and old[-1] is new[-1] and old == new:
            place += _STEP
            continue
        for one, other in zip(old, new, strict=False):
            if one is not other:
                others += 1
                if others > _OTHERS or one != other:
                    return place
            place += 1
    return min(place, count)
