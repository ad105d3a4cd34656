"""Who may have made a call that no id matches: all attempts whose time and role fit.

Calls of one name and one role are looked at together, and only those again of which, or
of whom, anything changed. Nothing in `evidence` may speak against a pair.
"""

import math
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from heapq import heappop, heappush
from typing import Any

from msgspec import Struct, field

from sfnwatch.model.api_call import ApiCall, CallName
from sfnwatch.model.evidence import (
    OF_ALL_RUNS,
    SECOND,
    Caller,
    Pair,
    Spot,
    Window,
    against,
    is_retryable,
    shows_others,
    window_of,
)
from sfnwatch.model.history import Details
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.links import AttemptKey, Link
from sfnwatch.model.parameters import (
    Leaves,
    asked,
    compare_leaves,
    differ,
    is_plain,
    leaves,
    leaves_of_record,
)
from sfnwatch.model.records import Record
from sfnwatch.model.values import microseconds

LISTED = 100
"""Of those that fit one call no more are listed, nor looked at one by one: nobody reads
on, and thousands of calls that each list thousands would fill the memory."""
NEAR = 3 * SECOND
"""A call so near before or after an attempt's time is a rival of one within: the two
clocks need not agree."""
STEP = SECOND // 4
ABOUT = 300 * SECOND
"""How far around an attempt's time it is looked for calls of others on its role."""
_PATHS = 32
"""Texts at so many paths calls are found by."""
_COMPARED = 1000
"""Of calls by others no more are compared with one attempt."""
POLLS = {CallRole.POLL, CallRole.STOP}
NO_NAME: CallName = ("", "")
"""In place of the name of a call by others: no attempt makes such calls."""
Member = tuple[int, str]
"""A call: its moment in microseconds, and its event id."""


def spot_of(call: ApiCall) -> Spot:
    return (NO_NAME if call.by_others else call.name), call.role


def member_of(call: ApiCall) -> Member:
    return call.moment, call.event_id


# -- calls in the order of their times -------------------------------------------------


def put_in(members: list[Member], member: Member) -> bool:
    """Take a call into those in order; False if it is there."""
    place = bisect_left(members, member)
    is_new = members[place : place + 1] != [member]
    if is_new:
        members.insert(place, member)
    return is_new


def take_out(members: list[Member], member: Member) -> bool:
    """Take a call out again; False if it is not there."""
    place = bisect_left(members, member)
    is_there = members[place : place + 1] == [member]
    if is_there:
        del members[place]
    return is_there


def between(members: list[Member], begin: float, end: float) -> list[Member]:
    """Give those of a time, its first and its last microsecond among it."""
    first = bisect_left(members, (begin, ""))
    return members[first : bisect_left(members, (end + 1, ""), first)]


def any_between(members: list[Member], begin: float, end: float) -> bool:
    first = bisect_left(members, (begin, ""))
    return first < len(members) and members[first][0] <= end


# -- those of one name and role --------------------------------------------------------


class CallGroup(Struct, eq=False):
    """The calls of one name and role that no id matches, and who may have made them."""

    name: CallName
    role: str
    windows: dict[AttemptKey, Window] = field(default_factory=dict)
    """When each attempt may have made such calls."""
    members: list[Member] = field(default_factory=list)
    touched: set[Member] = field(default_factory=set)
    """Those whose partners are to be looked for again."""
    spans: list[Window] = field(default_factory=list)
    """The times whose calls are, too: thousands may have one time in common."""
    open: set[str] = field(default_factory=set)
    """Those that are to be matched again, their partners being the same."""
    moved: set[AttemptKey] = field(default_factory=set)
    """Attempts that other calls fit now: all that do are to be matched again."""
    fits: dict[str, dict[AttemptKey, frozenset[str]]] = field(default_factory=dict)
    """Who may have made each call, and the parameters that are equal."""
    calls_of: dict[AttemptKey, set[str]] = field(default_factory=dict)
    """The same from the other side."""
    crowded: dict[str, tuple[int, list[AttemptKey]]] = field(default_factory=dict)
    """The calls that more attempts fit than are looked at, their number, and some."""
    crowd: list[Member] = field(default_factory=list)
    """The same in the order of their times."""

    def remove(self, member: Member) -> None:
        if take_out(self.members, member):
            self.touched.discard(member)
            self.set_fits(member, {})
            self.open.discard(member[1])

    def set_window(self, key: AttemptKey, window: Window | None) -> None:
        """Note when an attempt may have made such calls; None: it made none."""
        old = self.windows.pop(key, None)
        if window is not None:
            self.windows[key] = window
        self.spans += filter(None, (old, window))

    def take_touched(self) -> list[Member]:
        """Give what was touched, in the order of its times, and forget that."""
        touched, self.touched = self.touched, set()
        spans, self.spans = sorted(self.spans, key=lambda span: span.first), []
        done = -math.inf
        for span in spans:
            if span.last > done:
                first, last = max(span.first, done) - NEAR, span.last + NEAR
                touched.update(between(self.members, first, last))
                done = span.last
        return sorted(touched)

    def set_fits(self, member: Member, fits: dict[AttemptKey, frozenset[str]]) -> None:
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
            take_out(self.crowd, member)
        self.open.add(event_id)

    def set_crowded(self, member: Member, keys: list[AttemptKey]) -> None:
        """Note a call that so many fit that but the first of them are listed."""
        self.set_fits(member, {})
        self.crowded[member[1]] = len(keys), keys[:LISTED]
        put_in(self.crowd, member)
        self.moved.update(keys)

    def roles_of(self, keys: Iterable[AttemptKey]) -> set[CallRole]:
        """Say what such a call would be to each of some attempts."""
        return {self.windows[key].role for key in keys}

    def around(self, event_id: str) -> tuple[set[str], set[AttemptKey]]:
        """Give all calls and attempts that hang together with a call."""
        calls, keys, left = {event_id}, set[AttemptKey](), [event_id]
        for each in left:
            for key in self.fits.get(each, {}).keys() - keys:
                keys.add(key)
                new = self.calls_of[key] - calls
                calls |= new
                left.extend(new)
        return calls, keys

    def take_open(self) -> Iterator[tuple[set[str], set[AttemptKey]]]:
        """Give what is to be matched again, with all that hangs together with it."""
        left, self.open = self.open, set()
        moved, self.moved = self.moved, set()
        for key in moved & self.calls_of.keys():
            left |= self.calls_of[key]
        while left:
            calls, keys = self.around(left.pop())
            left -= calls
            yield calls, keys


def _present(
    windows: Mapping[AttemptKey, Window], touched: Iterable[Member], near: int
) -> Iterator[list[AttemptKey]]:
    """Give for each call, in the order of their times, whose time it nearly falls into.

    They are in order: of very many the first are listed for every call.
    """
    arrivals = [(window.first - near, key) for key, window in windows.items()]
    arrivals.sort(reverse=True)
    departures: list[tuple[float, AttemptKey]] = []
    present: list[AttemptKey] = []
    for moment, _ in touched:
        while arrivals and arrivals[-1][0] <= moment:
            key = arrivals.pop()[1]
            insort(present, key)
            heappush(departures, (windows[key].last + near, key))
        while departures and departures[0][0] < moment:
            del present[bisect_left(present, heappop(departures)[1])]
        yield present


# -- what is known of all of them ------------------------------------------------------


class Known:
    """How far calls are known: whether one that has not come may come yet.

    LookupEvents is late and out of order: up to when it has told all is measured. A
    file is taken at its word, up to the newest call in it of that account and Region.
    """

    def __init__(self) -> None:
        self.live = False
        """True where LookupEvents was asked."""
        self._measured = 0
        self._newest: Counter[tuple[str | None, str | None]] = Counter()
        """By the account and the Region that calls were recorded in."""
        self._waiting: set[tuple[float, str]] = set()
        """Calls whose match waits until all calls up to a moment are known."""

    def measure(self, measured: datetime | None) -> bool:
        """Note how far LookupEvents is known; True if it is less than it was."""
        mark = 0 if measured is None else microseconds(measured)
        is_less = not self.live or mark < self._measured
        self.live, self._measured = True, mark
        return is_less

    def note(self, call: ApiCall) -> None:
        place = call.account_id, call.region
        self._newest[place] = max(call.moment, self._newest[place])

    def is_complete(self, last: float, call: ApiCall) -> bool:
        """Tell whether all calls up to a microsecond are known, where a call is of.

        If they are not, the call is asked about again when they are.
        """
        newest = self._newest[call.account_id, call.region]
        is_known = last <= (self._measured if self.live else newest)
        if not is_known and last < math.inf:
            self._waiting.add((last, call.event_id))
        return is_known

    def now_known(self) -> set[str]:
        """Give the calls that wait no more."""
        mark = self._measured if self.live else max(self._newest.values(), default=0)
        known = {waiting for waiting in self._waiting if waiting[0] <= mark}
        self._waiting -= known
        return {event_id for _, event_id in known}


class Skew:
    """How far CloudTrail's clock is from that of the histories, as far as it is seen.

    A call that an id matches was made between its attempt's scheduling and its answer.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int]] = {}
        self._bounds: tuple[int, int] | None = None
        self._is_new = False

    def note(self, call: ApiCall, caller: Caller | None) -> None:
        """Note an attempt's own call; None: it is not known any more to be its own."""
        seen, attempt = None, caller.attempt if caller is not None else None
        if attempt is not None and (attempt.submitted_at or attempt.ended_at):
            begin, end = attempt.scheduled_at, attempt.answered_at
            at = call.moment
            seen = at - microseconds(end), at + SECOND - microseconds(begin)
        if seen != self._seen.pop(call.event_id, None):
            self._is_new = True
        if seen is not None:
            self._seen[call.event_id] = seen

    def has_moved(self) -> bool:
        """Work out the bounds anew; True if they are others."""
        if not self._is_new:
            return False
        self._is_new, before = False, self._bounds
        seen = self._seen.values() or [(-NEAR, NEAR)]
        least, most = max(low for low, _ in seen), min(high for _, high in seen)
        if most - least > 2 * NEAR:
            least, most = max(least, -NEAR), min(most, NEAR)
        # In steps: each new bound has all windows looked at again.
        low, high = least // STEP * STEP, -(-most // STEP) * STEP
        self._bounds = (low, high) if self._seen and least <= most else None
        return before != self._bounds

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the most that CloudTrail's clock may be ahead, microseconds."""
        return self._bounds or (0, 2 * SECOND)

    @property
    def near(self) -> int:
        """How far out of its time a call may yet be an attempt's."""
        return 0 if self._bounds else NEAR


class Asking:
    """Calls that fit no attempt here, by what they ask for.

    A role that others work with may have made thousands within minutes: to compare
    each with each attempt took minutes.
    """

    def __init__(self, asked_for: Iterable[tuple[Member, Leaves]]) -> None:
        """Take in the calls, in the order of their times, with what they ask for."""
        told = [
            (member, {p: text for p, (_, text) in called.items() if is_plain(p, text)})
            for member, called in asked_for
        ]
        self._all = [member for member, _ in told]
        often = Counter(path for _, texts in told for path in texts)
        self._paths = {path for path, _ in often.most_common(_PATHS)}
        self._by_text: dict[tuple[str, Any], list[Member]] = {}
        """By a path, and the text they have there, or None."""
        for member, texts in told:
            for path in self._paths:
                self._by_text.setdefault((path, texts.get(path)), []).append(member)

    def like(self, wanted: Leaves, begin: float, end: float) -> list[Member]:
        """Give those of a time that may ask for the same."""
        best = between(self._all, begin, end)
        for path, (_, value) in wanted.items():
            if path in self._paths and is_plain(path, value):
                same = self._by_text.get((path, value), [])
                silent = self._by_text.get((path, None), [])
                found = between(same, begin, end) + between(silent, begin, end)
                best = min(best, found, key=len)
        return best


class Candidates:
    """The groups of calls that no id matches, and what is known of all of them."""

    def __init__(
        self,
        calls: Mapping[str, ApiCall],
        callers: Mapping[AttemptKey, Caller],
        record_of: Callable[[ApiCall], Record],
        details_of: Callable[[AttemptKey], Details],
    ) -> None:
        """Begin without any; see `Linker` for what is handed in."""
        self.calls, self.callers = calls, callers
        self.record_of, self._details_of = record_of, details_of
        # What was asked for, as it was read while one batch is taken in.
        self._asked: dict[tuple[AttemptKey, CallName], Leaves] = {}
        self._asking: dict[Spot, Asking] = {}
        self.groups: dict[Spot, CallGroup] = {}
        self.by_name: dict[Spot, dict[AttemptKey, Caller]] = {}
        """The attempts that may make calls of each name."""
        self.by_id: dict[str, Link] = {}
        """Links by ids. Whoever asks for others' jobs may yet have made a call that
        names one, if it is no job's own action."""
        self.answers: defaultdict[AttemptKey, list[Member]] = defaultdict(list)
        """The action calls of attempts of which they are known exactly."""
        self.moved: defaultdict[AttemptKey, set[Spot]] = defaultdict(set)
        """Attempts that calls may be of otherwise, and which calls."""
        self._unexplained: dict[tuple[str, bool], list[Member]] = {}
        """By role, the calls that fit nobody; with whether they show that others work
        with it."""
        self._explained_anew: dict[str, tuple[int, int]] = {}
        """Between which microseconds there are others of those now, by role."""
        self.known, self.skew = Known(), Skew()

    # -- what comes and goes -----------------------------------------------------------

    def join(self, call: ApiCall, *, again: bool) -> None:
        """Put a call among those that no id matches, or look at it there `again`."""
        spot, member = spot_of(call), member_of(call)
        group = self.groups.get(spot)
        if group is None:
            group = self.groups[spot] = CallGroup(spot[0], call.role or "")
            for key in self.by_name.get(spot, ()):
                self._set_window(group, key)
        if put_in(group.members, member) or again:
            group.touched.add(member)

    def leave(self, call: ApiCall) -> None:
        group = self.groups.get(spot_of(call))
        if group is not None:
            group.remove(member_of(call))
            self._set_unexplained(call, is_one=False)

    def note_answer(self, key: AttemptKey, call: ApiCall, *, is_one: bool) -> None:
        """Note that a call is, or is not any more, known to be an attempt's action."""
        (put_in if is_one else take_out)(self.answers[key], member_of(call))
        if key in self.callers:
            self.moved[key].update(self.callers[key].spots)

    def ask_all(self) -> None:
        """Have all decided on anew."""
        for group in self.groups.values():
            group.open.update(group.fits)
        for event_id, link in self.by_id.items():
            spot = spot_of(self.calls[event_id])
            if link.role is CallRole.OTHER and spot in self.groups:
                self.groups[spot].open.add(event_id)

    def _set_unexplained(self, call: ApiCall, *, is_one: bool) -> None:
        role, at = call.role or "", call.moment
        change = put_in if is_one else take_out
        calls = self._unexplained.setdefault((role, shows_others(call)), [])
        if change(calls, member_of(call)):
            begin, end = self._explained_anew.get(role, (at, at))
            self._explained_anew[role] = min(begin, at), max(end, at)

    def has_unexplained(self, role: str, window: Window) -> bool:
        """Tell whether calls around a time show that others work with a role."""
        first, last = window.first - ABOUT, window.last + ABOUT
        return any_between(self._unexplained.get((role, True), []), first, last)

    # -- who fits ----------------------------------------------------------------------

    def find(self) -> None:
        """Find out anew who fits the calls of which, or of whom, anything changed."""
        if self.skew.has_moved():
            for spot in self.groups:
                for key in self.by_name.get(spot, ()):
                    self.moved[key].add(spot)
        moved, self.moved = self.moved, defaultdict(set)
        for key, spots in moved.items():
            for spot in spots & self.groups.keys():
                self._set_window(self.groups[spot], key)
        for group in self.groups.values():
            if touched := group.take_touched():
                self._match_up(group, touched)

    def _set_window(self, group: CallGroup, key: AttemptKey) -> None:
        caller, window = self.callers.get(key), None
        if caller is not None and (group.name, group.role) in caller.spots:
            window = window_of(caller, group.name, self.skew.bounds)
        if caller is not None and window is not None:
            is_poll = window.role in POLLS and caller.owns and bool(caller.ids)
            is_action = window.role is CallRole.ACTION and bool(self.answers.get(key))
            window = window._replace(narrow=is_poll or is_action)
        group.set_window(key, window)

    def _match_up(self, group: CallGroup, touched: list[Member]) -> None:
        """Find out who fits calls of a group, which are in the order of their times."""
        near = self.skew.near
        begin, end = touched[0][0] - near, touched[-1][0] + near
        sides: tuple[dict[AttemptKey, Window], ...] = {}, {}
        for key, window in group.windows.items():
            if window.meets(begin, end):
                sides[window.narrow][key] = window
        present = (_present(side, touched, near) for side in sides)
        for member, wide, narrow in zip(touched, *present, strict=True):
            call = self.calls[member[1]]
            keys = [*wide, *self._narrowed(group, narrow, call)] if narrow else wide
            if call.event_id in self.by_id:
                keys = [k for k in keys if group.windows[k].role is CallRole.ACTION]
            if len(keys) > LISTED:
                group.set_crowded(member, keys)
                self._set_unexplained(call, is_one=False)
            else:
                self._set_fits(group, call, keys)

    def _narrowed(
        self, group: CallGroup, keys: Iterable[AttemptKey], call: ApiCall
    ) -> Iterator[AttemptKey]:
        """Give who may have made a call beside the calls that ids match.

        An action may have been refused before, and a poll need not name its job.
        """
        unnamed = not call.has_request or call.event_name in OF_ALL_RUNS
        retried = is_retryable(call)
        for key in keys if unnamed or retried else ():
            fits = unnamed
            if group.windows[key].role is CallRole.ACTION:
                fits = retried and call.moment <= self.answers[key][-1][0]
            if fits:
                yield key

    def _set_fits(
        self, group: CallGroup, call: ApiCall, keys: Iterable[AttemptKey]
    ) -> None:
        if call.event_id in group.crowded:
            group.moved.update(keys)
        record = self.record_of(call) if keys else {}
        called = leaves_of_record(record) if keys else {}
        found: dict[AttemptKey, frozenset[str]] = {}
        for key in keys:
            wanted = self.wanted(key, group.name)
            pair = Pair(call, record, self.callers[key], group.windows[key].role)
            if not differ(wanted, called) and not against(pair):
                equal = compare_leaves(wanted, called).equal
                found[key] = frozenset(leaf.path for leaf in equal)
        group.set_fits(member_of(call), found)
        is_one = not found and call.event_id not in self.by_id
        self._set_unexplained(call, is_one=is_one)

    def wanted(self, key: AttemptKey, name: CallName) -> Leaves:
        """Give what an attempt asked for, as a call of that name."""
        if (key, name) not in self._asked:
            details = asked(self._details_of(key))
            told = leaves(*name, details) if details is not None else {}
            self._asked[key, name] = told
        return self._asked[key, name]

    # -- who is to be matched ----------------------------------------------------------

    def to_decide(
        self,
    ) -> Iterator[tuple[CallGroup, Collection[str], Collection[AttemptKey]]]:
        """Give the calls to be decided on, with all that hang together with them."""
        spans, self._explained_anew = self._explained_anew, {}
        known = self.known.now_known()
        for group in self.groups.values():
            group.open |= known & group.fits.keys()
            if group.role in spans:
                begin, end = spans[group.role]
                for key, calls in group.calls_of.items():
                    if group.windows[key].meets(begin - ABOUT, end + ABOUT):
                        group.open |= calls
            for calls, keys in group.take_open():
                yield group, calls, keys
        # It may be read anew: what was asked for would fill the memory.
        self._asked.clear()
        self._asking.clear()

    def is_alike_about(self, group: CallGroup, key: AttemptKey) -> bool:
        """Tell if a call of others, around an attempt's time, has its parameters."""
        spot, window = (group.name, group.role), group.windows[key]
        if spot not in self._asking:
            known = group.fits.keys() | self.by_id.keys()
            rest = (member for member in group.members if member[1] not in known)
            self._asking[spot] = Asking((m, self._called(m)) for m in rest)
        wanted = self.wanted(key, group.name)
        begin, end = window.first - ABOUT, window.last + ABOUT
        like = self._asking[spot].like(wanted, begin, end)
        if len(like) > _COMPARED:
            return True  # nobody compares so many: one of them may be alike
        same = (c for c in map(self._called, like) if not differ(wanted, c))
        return any(compare_leaves(wanted, called).equal for called in same)

    def _called(self, member: Member) -> Leaves:
        return leaves_of_record(self.record_of(self.calls[member[1]]))
