"""Calls in the order of their times."""

import math
from bisect import bisect_left

Member = tuple[int, str]
"""A call: its time in microseconds, and its event id."""


class CallsInOrder(list[Member]):
    """Calls in the order of their times."""

    def note(self, member: Member, *, is_one: bool) -> bool:
        """Add the call if `is_one`, else remove it; True if that changed anything."""
        place = bisect_left(self, member)
        was_one = self[place : place + 1] == [member]
        if is_one and not was_one:
            self.insert(place, member)
        elif was_one and not is_one:
            del self[place]
        return was_one != is_one

    def between(self, begin: float, end: float) -> list[Member]:
        """Return the calls from microsecond `begin` to `end`, both included."""
        first = bisect_left(self, (begin, ""))
        return self[first : bisect_left(self, (end + 1, ""), first)]

    def any_between(self, begin: float, end: float) -> bool:
        first = bisect_left(self, (begin, ""))
        return first < len(self) and self[first][0] <= end

    def times_around(self, member: Member) -> tuple[float, float]:
        """Return the times of the calls before and after a call; infinity for none."""
        place = bisect_left(self, member)
        after = place
        if self[place : place + 1] == [member]:
            after += 1
        time_before = -math.inf
        time_after = math.inf
        if place > 0:
            time_before = self[place - 1][0]
        if after < len(self):
            time_after = self[after][0]
        return time_before, time_after

    def around(self, member: Member) -> list[Member]:
        """Return the calls right before and after a call, and itself if it is here."""
        place = bisect_left(self, member)
        return self[max(0, place - 1) : place + 2]
