"""The times in which attempts may have made calls of some name."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from heapq import heappop, heappush

from msgspec import Struct

from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.calls_in_order import Member
from sfnwatch.model.linking.link import AttemptKey


class Window(Struct, frozen=True, gc=False):
    """When an attempt may have made a call of some name, in microseconds."""

    role: CallRole
    """The role such a call would have for the attempt."""
    first: int
    """The earliest microsecond that a record of such a call may have. Records have
    whole seconds, so that is up to a second before the call."""
    last: float
    """The latest microsecond; infinity while the attempt may make more such calls."""
    narrow: bool = False
    """True where ids match the attempt's action call, or its job is known. Of the calls
    that no id matches it may then have made only actions that were refused, and polls
    and stops that name no job."""

    def has(self, at: int) -> bool:
        return self.first <= at <= self.last


class Windows(dict[AttemptKey, Window]):
    """The windows of attempts for calls of one name, by the attempts' keys."""

    def __init__(self) -> None:
        super().__init__()
        self._ends: list[tuple[float, AttemptKey]] = []
        """The ends of all windows, sorted: most calls come near the newest ends."""

    def put(self, key: AttemptKey, window: Window | None) -> Window | None:
        """Set an attempt's window, or remove it; return the one it had."""
        old = self.pop(key, None)
        if old is not None:
            del self._ends[bisect_left(self._ends, (old.last, key))]
        if window is not None:
            self[key] = window
            insort(self._ends, (window.last, key))
        return old

    def meeting(self, begin: float, end: float) -> Iterator[tuple[AttemptKey, Window]]:
        """Yield the attempts whose windows have a part between two times."""
        place = bisect_left(self._ends, begin, key=_end_of)
        for _, key in self._ends[place:]:
            window = self[key]
            if window.first <= end:
                yield key, window


def _end_of(entry: tuple[float, AttemptKey]) -> float:
    return entry[0]


def present_at(
    windows: Mapping[AttemptKey, Window], calls: Iterable[Member], near: int
) -> Iterator[list[AttemptKey]]:
    """Yield for each call the attempts in or near whose window it lies.

    `calls` are in the order of time; `near` is in microseconds. The attempts are
    sorted, so that all calls with too many attempts list the same first ones. The list
    yielded changes with the next call.
    """
    arrivals = [(window.first - near, key) for key, window in windows.items()]
    arrivals.sort(reverse=True)
    departures: list[tuple[float, AttemptKey]] = []
    present: list[AttemptKey] = []
    for at, _ in calls:
        while arrivals and arrivals[-1][0] <= at:
            key = arrivals.pop()[1]
            insort(present, key)
            heappush(departures, (windows[key].last + near, key))
        while departures and departures[0][0] < at:
            del present[bisect_left(present, heappop(departures)[1])]
        yield present
