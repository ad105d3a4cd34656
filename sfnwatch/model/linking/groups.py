"""Calls of one name and role, with the attempts that may have made them."""

import math
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from heapq import heappop, heappush
from typing import Any

from msgspec import Struct, field

from sfnwatch.model.api_call import CallName
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.caller import Caller, Window
from sfnwatch.model.linking.clock_skew import NEAR
from sfnwatch.model.linking.link import AttemptKey
from sfnwatch.model.linking.parameters import Leaves, is_plain

Member = tuple[int, str]
"""A call: its time in microseconds, and its event id."""

LISTED = 100
"""At most this many of the attempts that fit one call are listed or compared. Nobody
reads more, and thousands of calls that each list thousands would fill the memory."""
_PATHS = 32
"""Calls are looked up by their texts at no more than this many paths."""


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


class Fit(Struct, frozen=True):
    """The evidence for an attempt having made a call that no id matches."""

    equal: frozenset[str] = frozenset()
    """The paths of the parameters that are equal."""
    token: bool = False
    """True if the attempt's own task token is among the equal parameters."""
    answer: str = ""
    """The id that both the call's answer and the attempt's output have."""

    @property
    def is_proof(self) -> bool:
        """True if no other attempt can have made such a call successfully."""
        return self.token or bool(self.answer)


class CallGroup(Struct, eq=False):
    """The calls of one name and role that no id matches, and who may have made them."""

    name: CallName
    role: str
    callers: dict[AttemptKey, Caller] = field(default_factory=dict)
    """The attempts that may make such calls."""
    asking: int = 0
    """The number of attempts whose action such a call may be."""
    moved_callers: set[AttemptKey] = field(default_factory=set)
    """The attempts whose windows must be computed again."""
    windows: dict[AttemptKey, Window] = field(default_factory=dict)
    """When each attempt may have made such calls."""
    members: CallsInOrder = field(default_factory=CallsInOrder)
    touched: set[Member] = field(default_factory=set)
    """The calls whose fitting attempts must be found again."""
    spans: list[Window] = field(default_factory=list)
    """Windows whose calls are touched too. Calls are not listed one by one here, since
    thousands of windows may cover the same time."""
    open: set[str] = field(default_factory=set)
    """The calls that must be matched again though the same attempts fit them."""
    moved: set[AttemptKey] = field(default_factory=set)
    """Attempts whose fitting calls changed: all of these calls are matched again."""
    fits: dict[str, dict[AttemptKey, Fit]] = field(default_factory=dict)
    """The attempts that fit each call, with the evidence; by the call's event id."""
    calls_of: dict[AttemptKey, set[str]] = field(default_factory=dict)
    """The event ids of the calls that each attempt fits."""
    crowded: dict[str, tuple[int, list[AttemptKey]]] = field(default_factory=dict)
    """The calls with more than `LISTED` attempts, by their event id: the number of
    these attempts, and the first of them."""
    crowd: CallsInOrder = field(default_factory=CallsInOrder)
    """The calls of `crowded`, in the order of their times."""

    def remove(self, member: Member) -> bool:
        """Take a call out; False if it was not there."""
        was_there = self.members.note(member, is_one=False)
        if was_there:
            self.touched.discard(member)
            self.set_fits(member, {})
            self.open.discard(member[1])
        return was_there

    def set_window(self, key: AttemptKey, window: Window | None) -> None:
        """Set when an attempt may have made such calls; None if it made none."""
        old = self.windows.pop(key, None)
        if window is not None:
            self.windows[key] = window
        self.spans += filter(None, (old, window))

    def take_touched(self) -> list[Member]:
        """Return the touched calls in the order of their times, and reset them."""
        touched = self.touched
        self.touched = set()
        spans = sorted(self.spans, key=lambda span: span.first)
        self.spans = []
        done = -math.inf
        for span in spans:
            if span.last > done:
                first = max(span.first, done) - NEAR
                last = span.last + NEAR
                touched.update(self.members.between(first, last))
                done = span.last
        return sorted(touched)

    def set_fits(self, member: Member, fits: dict[AttemptKey, Fit]) -> None:
        event_id = member[1]
        old = self.fits.pop(event_id, {})
        self.moved |= old.keys() | fits.keys()
        for key in old.keys() - fits.keys():
            self.calls_of[key].discard(event_id)
            if not self.calls_of[key]:
                del self.calls_of[key]
        for key in fits:
            self.calls_of.setdefault(key, set()).add(event_id)
        if fits:
            self.fits[event_id] = fits
        if self.crowded.pop(event_id, None) is not None:
            self.crowd.note(member, is_one=False)
        self.open.add(event_id)

    def set_crowded(self, member: Member, keys: list[AttemptKey]) -> None:
        """Note a call with more attempts than are listed."""
        self.set_fits(member, {})
        self.crowded[member[1]] = len(keys), keys[:LISTED]
        self.crowd.note(member, is_one=True)
        self.moved.update(keys)

    def roles_of(self, keys: Iterable[AttemptKey]) -> set[CallRole]:
        """Return the roles that such a call may have for these attempts."""
        return {self.windows[key].role for key in keys}

    def around(self, event_id: str) -> tuple[set[str], set[AttemptKey]]:
        """Return the calls and attempts connected with a call through fits."""
        calls = {event_id}
        keys = set[AttemptKey]()
        left = [event_id]
        for each in left:
            for key in self.fits.get(each, {}).keys() - keys:
                keys.add(key)
                new = self.calls_of[key] - calls
                calls |= new
                left.extend(new)
        return calls, keys

    def take_open(self) -> Iterator[tuple[set[str], set[AttemptKey]]]:
        """Yield each connected set of calls and attempts to match again; reset them."""
        left = self.open
        self.open = set()
        moved = self.moved
        self.moved = set()
        for key in moved & self.calls_of.keys():
            left |= self.calls_of[key]
        while left:
            calls, keys = self.around(left.pop())
            left -= calls
            yield calls, keys


def present_at(
    windows: Mapping[AttemptKey, Window], touched: Iterable[Member], near: int
) -> Iterator[list[AttemptKey]]:
    """Yield for each touched call the attempts in or near whose window it lies.

    `touched` is in the order of time; `near` is in microseconds. The attempts are
    sorted, so that all calls with too many attempts list the same first ones. The list
    yielded changes with the next call.
    """
    arrivals = [(window.first - near, key) for key, window in windows.items()]
    arrivals.sort(reverse=True)
    departures: list[tuple[float, AttemptKey]] = []
    present: list[AttemptKey] = []
    for at, _ in touched:
        while arrivals and arrivals[-1][0] <= at:
            key = arrivals.pop()[1]
            insort(present, key)
            heappush(departures, (windows[key].last + near, key))
        while departures and departures[0][0] < at:
            del present[bisect_left(present, heappop(departures)[1])]
        yield present


class Asking:
    """Calls that fit no attempt here, by their parameters.

    A role that is shared with other executions may make thousands of calls within
    minutes. To compare each of them with each attempt would take minutes.
    """

    def __init__(self, asked_for: Mapping[Member, Leaves]) -> None:
        """`asked_for` has the calls' parameters, in the order of the calls' times."""
        self._asked_for = asked_for
        self._all = CallsInOrder(asked_for)
        told = {
            member: {p: text for p, (_, text) in called.items() if is_plain(p, text)}
            for member, called in asked_for.items()
        }
        often = Counter(path for texts in told.values() for path in texts)
        self._paths = {path for path, _ in often.most_common(_PATHS)}
        self._by_text = defaultdict[tuple[str, Any], CallsInOrder](CallsInOrder)
        """The calls by a path and the text at it; None where a call has none there."""
        for member, texts in told.items():
            for path in self._paths:
                self._by_text[path, texts.get(path)].append(member)

    def like(self, wanted: Leaves, begin: float, end: float) -> list[Leaves]:
        """Return the parameters of the calls in a time that may equal `wanted`."""
        best = self._all.between(begin, end)
        for path in self._paths & wanted.keys():
            value = wanted[path][1]
            if is_plain(path, value):
                same = self._by_text[path, value]
                silent = self._by_text[path, None]
                found = same.between(begin, end) + silent.between(begin, end)
                best = min(best, found, key=len)
        return [self._asked_for[member] for member in best]
