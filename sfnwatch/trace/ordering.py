"""The calls of a trace that grows, in the order of their times."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from threading import Lock

from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.changes import changes

_FEW = 64
"""More than these are not put in one by one."""
_BY_TIME = attrgetter("event_time", "event_id")
_TIME = attrgetter("event_time")


class Ordering:
    """Sorts in what is new; of a pair seen twice it gives the whole one.

    A row of an Athena table has no event id: where a whole record says the same, the
    row is that record again. Mutable, and shared by all values of one trace; a screen
    asks from a thread, too.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._calls: Mapping[str, ApiCall] = {}
        self._known: Sequence[ApiCall] = ()
        self._every: list[ApiCall] = []
        """In order, both of a pair."""
        self._again: set[str] = set()
        """The event ids of rows that are a whole record again."""
        self._given: tuple[ApiCall, ...] = ()

    def order(self, calls: Mapping[str, ApiCall]) -> tuple[ApiCall, ...]:
        """Give them in order; where nothing is new, the same value as before."""
        with self._lock:
            if calls is self._calls:
                return self._given
            self._calls, now = calls, list(calls.values())
            gone, come = changes(self._known, now)
            if gone or come:
                self._drop(gone)
                self._add(come)
                self._pair({call.event_time for call in (*gone, *come)})
                self._known, self._given = now, self._kept()
            return self._given

    def _drop(self, gone: Sequence[ApiCall]) -> None:
        if len(gone) <= _FEW:
            for call in gone:
                del self._every[bisect_left(self._every, _BY_TIME(call), key=_BY_TIME)]
        else:
            ids = {call.event_id for call in gone}
            self._every = [call for call in self._every if call.event_id not in ids]
        self._again.difference_update(call.event_id for call in gone)

    def _add(self, come: Sequence[ApiCall]) -> None:
        if len(come) <= _FEW:
            for call in come:
                insort(self._every, call, key=_BY_TIME)
            return
        first = min(map(_BY_TIME, come))
        place = bisect_left(self._every, first, key=_BY_TIME)
        self._every[place:] = sorted((*self._every[place:], *come), key=_BY_TIME)

    def _pair(self, moments: set[datetime]) -> None:
        """Look for pairs anew among the calls of some moments."""
        there = self._every
        if len(moments) <= _FEW:
            there = [call for moment in moments for call in self._at(moment)]
        self._again.difference_update(call.event_id for call in there)
        self._again.update(_again(there))

    def _at(self, moment: datetime) -> Sequence[ApiCall]:
        first = bisect_left(self._every, moment, key=_TIME)
        return self._every[first : bisect_right(self._every, moment, key=_TIME)]

    def _kept(self) -> tuple[ApiCall, ...]:
        if not self._again:
            return tuple(self._every)
        return tuple(c for c in self._every if c.event_id not in self._again)


def _again(calls: Iterable[ApiCall]) -> Iterable[str]:
    """Give the rows among calls that a whole record among them says the same as."""
    rows = [call for call in calls if not call.whole]
    if not rows:
        return ()
    outlines = {_outline(call) for call in calls if call.whole}
    return (call.event_id for call in rows if _outline(call) in outlines)


def _outline(call: ApiCall) -> tuple[object, ...]:
    return (
        call.event_time,
        call.event_source,
        call.event_name,
        call.error_code,
        call.role,
    )
