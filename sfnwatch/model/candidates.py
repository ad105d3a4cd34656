"""Who may have made a call that no id matches: all attempts whose time and role fit.

Calls of one name and one role are looked at together, and only those again of which, or
of whom, anything changed. Nothing in `evidence` may speak against a pair.
"""

import math
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from heapq import heappop, heappush
from itertools import islice

from msgspec import Struct, field

from sfnwatch.model.api_call import ApiCall, CallName
from sfnwatch.model.evidence import (
    OF_ALL_RUNS,
    SECOND,
    Caller,
    Pair,
    Window,
    against,
    equal_parameters,
    is_retryable,
    shows_others,
    window_of,
)
from sfnwatch.model.history import Details
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.links import AttemptKey, Link
from sfnwatch.model.parameters import (
    Comparison,
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

Place = tuple[str | None, str | None]
"""The account and the Region that a call was recorded in."""
LISTED = 100
"""Of those that fit one call no more are listed, nor looked at one by one: nobody reads
on, and thousands of calls that each list thousands would fill the memory."""
NEAR = 3 * SECOND
"""A call so near before or after an attempt's time is a rival of one within: the two
clocks need not agree."""
STEP = SECOND // 4
ABOUT = 300 * SECOND
"""How far around an attempt's time it is looked for calls of others on its role."""
_TEXTS = 32
"""So many of a call's texts it is found by."""
_COMPARED = 1000
"""Of calls by others no more are compared with one attempt."""
POLLS = {CallRole.POLL, CallRole.STOP}
NO_NAME: CallName = ("", "")
"""In place of the name of a call by others: no attempt makes such calls."""
Spot = tuple[CallName, str | None]
"""A call's name, and the name of the role it was made with."""
Member = tuple[int, str]
"""A call: its moment in microseconds, and its event id."""


class CallGroup(Struct, eq=False):
    """The calls of one name and role that no id matches, and who may have made them."""

    name: CallName
    role: str
    windows: dict[AttemptKey, Window] = field(default_factory=dict)
    """When each attempt may have made such calls."""
    members: list[Member] = field(default_factory=list)
    touched: set[Member] = field(default_factory=set)
    """Those whose partners are to be looked for again."""
    spans: list[tuple[int, int | None]] = field(default_factory=list)
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

    def add(self, member: Member, *, again: bool) -> None:
        """Take a call in, or look at one that is there `again`."""
        place = bisect_left(self.members, member)
        if self.members[place : place + 1] != [member]:
            self.members.insert(place, member)
            again = True
        if again:
            self.touched.add(member)

    def remove(self, member: Member) -> None:
        place = bisect_left(self.members, member)
        if self.members[place : place + 1] == [member]:
            del self.members[place]
            self.touched.discard(member)
            self.set_fits(member, {})
            self.open.discard(member[1])

    def set_window(self, key: AttemptKey, window: Window | None) -> None:
        """Note when an attempt may have made such calls; None: it made none."""
        old = self.windows.pop(key, None)
        if window is not None:
            self.windows[key] = window
        self.spans += ((each.first, each.last) for each in (old, window) if each)

    def take_touched(self) -> list[Member]:
        """Give what was touched, in the order of its times, and forget that."""
        touched, self.touched = self.touched, set()
        spans, self.spans = sorted(self.spans, key=lambda span: span[0]), []
        done: float = -math.inf
        for begin, end in spans:
            until = math.inf if end is None else end
            if until > done:
                touched.update(self.between(max(begin, done), end, NEAR))
                done = until
        return sorted(touched)

    def between(self, begin: float, end: int | None, more: int) -> list[Member]:
        """Give the calls of a time and of a while around it."""
        first, after = bisect_left(self.members, (begin - more, "")), len(self.members)
        if end is not None:
            after = bisect_left(self.members, (end + more + 1, ""))
        return self.members[first:after]

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
            del self.crowd[bisect_left(self.crowd, member)]
        self.open.add(event_id)

    def set_crowded(self, member: Member, count: int, first: list[AttemptKey]) -> None:
        """Note a call that so many fit, of whom the first are given."""
        self.crowded[member[1]] = count, first
        insort(self.crowd, member)

    def has_crowd(self, begin: int, end: int | None) -> bool:
        """Tell whether there are such calls in a time."""
        first = bisect_left(self.crowd, (begin, ""))
        return first < len(self.crowd) and (end is None or self.crowd[first][0] <= end)

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


class Unexplained:
    """Calls that show that others work with a role: they fit no attempt here."""

    def __init__(self) -> None:
        self.calls: set[str] = set()
        """Their event ids."""
        self.moved: dict[str, tuple[int, int]] = {}
        """Between which microseconds there are others now, by the role's name."""
        self._moments: dict[str, list[int]] = {}

    def set(self, call: ApiCall, *, is_one: bool) -> None:
        """Note whether a call is one."""
        role, moment = call.role, call.moment
        if role is None or is_one == (call.event_id in self.calls):
            return
        moments = self._moments.setdefault(role, [])
        if is_one:
            self.calls.add(call.event_id)
            insort(moments, moment)
        else:
            self.calls.discard(call.event_id)
            del moments[bisect_left(moments, moment)]
        begin, end = self.moved.get(role, (moment, moment))
        self.moved[role] = min(begin, moment), max(end, moment)

    def are_about(self, role: str, window: Window) -> bool:
        """Tell whether there are any in a time, or around it."""
        moments = self._moments.get(role, [])
        first = bisect_left(moments, window.first - ABOUT)
        return first < len(moments) and (
            window.last is None or moments[first] <= window.last + ABOUT
        )


class Known:
    """How far calls are known: whether one that has not come may come yet.

    LookupEvents is late and out of order: up to when it has told all is measured. A
    file is taken at its word, up to the newest call in it of that account and Region.
    """

    def __init__(self) -> None:
        self.live = False
        """True where LookupEvents was asked."""
        self._measured: int | None = None
        self._newest: dict[Place, int] = {}
        self._waiting: set[tuple[int, Spot, str]] = set()
        """Calls whose match waits until all calls up to a moment are known."""

    def measure(self, measured: datetime | None) -> bool:
        """Note how far LookupEvents is known; True if it is less than it was."""
        mark = None if measured is None else microseconds(measured)
        is_less = not self.live or (mark or 0) < (self._measured or 0)
        self.live, self._measured = True, mark
        return is_less

    def note(self, call: ApiCall) -> None:
        place, moment = (call.account_id, call.region), call.moment
        self._newest[place] = max(moment, self._newest.get(place, moment))

    def is_complete(self, last: int | None, call: ApiCall) -> bool:
        """Tell whether all calls up to a microsecond are known, where a call is of.

        If they are not, the call is asked about again when they are.
        """
        newest = self._newest.get((call.account_id, call.region))
        mark = self._measured if self.live else newest
        if last is None or (mark is not None and mark >= last):
            return last is not None
        self._waiting.add((last, spot_of(call), call.event_id))
        return False

    def now_known(self) -> Iterator[tuple[Spot, str]]:
        """Give the calls that wait no more, each once."""
        marks = [self._measured] if self.live else [*self._newest.values()]
        mark = max((each for each in marks if each is not None), default=0)
        known = {waiting for waiting in self._waiting if waiting[0] <= mark}
        self._waiting -= known
        for _, spot, event_id in sorted(known):
            yield spot, event_id


class Skew:
    """How far CloudTrail's clock is from that of the histories, as far as it is seen.

    A call that an id matches was made between its attempt's scheduling and its answer.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int]] = {}
        self._tightest: tuple[int, int] | None = None
        """The least and the most of them; None to be worked out anew."""
        self._bounds: tuple[int, int] | None = None
        self._is_new = False

    def note(self, call: ApiCall, caller: Caller | None) -> None:
        """Note an attempt's own call; None: it is not known any more to be its own."""
        seen, attempt = None, caller.attempt if caller is not None else None
        if attempt is not None and (attempt.submitted_at or attempt.ended_at):
            at = call.moment
            begin = microseconds(attempt.scheduled_at)
            seen = at - microseconds(attempt.answered_at), at + SECOND - begin
        if seen == self._seen.get(call.event_id):
            return
        self._is_new = True
        if self._seen.pop(call.event_id, None) is not None:
            self._tightest = None
        if seen is not None:
            self._seen[call.event_id] = seen
        if seen is not None and self._tightest is not None:
            least, most = self._tightest
            self._tightest = max(least, seen[0]), min(most, seen[1])

    def has_moved(self) -> bool:
        """Work out the bounds anew; True if they are others."""
        if not self._is_new:
            return False
        self._is_new, before = False, self._bounds
        if self._tightest is None:
            lows, highs = zip(*self._seen.values() or [(-NEAR, NEAR)], strict=True)
            self._tightest = max(lows), min(highs)
        least, most = self._tightest
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


class Present:
    """Those whose time, or nearly, a moment that only moves on falls into."""

    def __init__(self, windows: Iterable[tuple[AttemptKey, Window]], near: int) -> None:
        self._near = near
        arrivals = ((window.first - near, key, window) for key, window in windows)
        self._arrivals = sorted(arrivals, reverse=True)
        self._departures: list[tuple[int, AttemptKey]] = []
        self.windows: dict[AttemptKey, Window] = {}
        self.keys: list[AttemptKey] = []
        """Theirs, in order: of very many the first are listed for every call."""

    def move_to(self, moment: int) -> None:
        while self._arrivals and self._arrivals[-1][0] <= moment:
            _, key, window = self._arrivals.pop()
            if window.last is None or window.last + self._near >= moment:
                self.windows[key] = window
                insort(self.keys, key)
            if window.last is not None:
                heappush(self._departures, (window.last + self._near, key))
        while self._departures and self._departures[0][0] < moment:
            key = heappop(self._departures)[1]
            if self.windows.pop(key, None) is not None:
                del self.keys[bisect_left(self.keys, key)]


class Asking:
    """Calls that fit no attempt here, by what they ask for.

    A role that others work with may have made thousands within minutes: to compare
    each with each attempt took minutes.
    """

    def __init__(self, asked_for: Iterable[tuple[Member, Leaves]]) -> None:
        """Take in the calls, in the order of their times, with what they ask for."""
        self._members: list[Member] = []
        self._by_text: dict[int, list[int]] = {}
        """Their places, by the hash of a text and its path."""
        self._told: dict[str, list[int]] = {}
        """The places of those that have a text at a path."""
        self._silent: dict[str, list[int]] = {}
        for place, (member, called) in enumerate(asked_for):
            self._members.append(member)
            texts = (path for path in called if is_plain(path, called[path][1]))
            for path in islice(texts, _TEXTS):
                text = hash((path, called[path][1]))
                self._by_text.setdefault(text, []).append(place)
                self._told.setdefault(path, []).append(place)

    def like(self, wanted: Leaves, begin: int, end: int | None) -> Iterator[str]:
        """Give the event ids of those of a time that may ask for the same."""
        first, after = bisect_left(self._members, (begin, "")), len(self._members)
        if end is not None:
            after = bisect_left(self._members, (end + 1, ""))
        best: list[Sequence[int]] = [range(first, after)]
        for path, (_, value) in wanted.items():
            if is_plain(path, value):
                those = self._by_text.get(hash((path, value)), ()), self._without(path)
                found = [_cut(places, first, after) for places in those]
                best = min(best, found, key=lambda parts: sum(map(len, parts)))
        for places in best:
            yield from (self._members[place][1] for place in places)

    def _without(self, path: str) -> Sequence[int]:
        """Give the places of those that have no text at a path."""
        if path not in self._told:
            return range(len(self._members))
        if path not in self._silent:
            told = set(self._told[path])
            silent = [at for at in range(len(self._members)) if at not in told]
            self._silent[path] = silent
        return self._silent[path]


def _cut(places: Sequence[int], first: int, after: int) -> Sequence[int]:
    """Give those of sorted places that are in a part of all."""
    return places[bisect_left(places, first) : bisect_left(places, after)]


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
        self._told: tuple[str, Leaves] = ("", {})
        self._asking: dict[Spot, Asking] = {}
        self.groups: dict[Spot, CallGroup] = {}
        self._joined: set[str] = set()
        """The event ids of the calls in them."""
        self.by_name: dict[Spot, dict[AttemptKey, Caller]] = {}
        """The attempts that may make calls of each name."""
        self.by_job: dict[str, Link] = {}
        """Links by a job's id that others' calls compete with, who ask for the job."""
        self._answered: dict[AttemptKey, list[Member]] = {}
        """The action calls of attempts of which they are known exactly."""
        self.moved: defaultdict[AttemptKey, set[Spot]] = defaultdict(set)
        """Attempts that calls may be of otherwise, and which calls."""
        self.known, self.unexplained, self.skew = Known(), Unexplained(), Skew()

    def join(self, call: ApiCall, *, again: bool) -> None:
        """Put a call among those that no id matches, where it may have been before."""
        spot = spot_of(call)
        group = self.groups.get(spot)
        if group is None:
            group = self.groups[spot] = CallGroup(spot[0], call.role or "")
            for key in self.by_name.get(spot, ()):
                self._set_window(group, key)
        self._joined.add(call.event_id)
        group.add(member_of(call), again=again)

    def leave(self, call: ApiCall) -> None:
        if call.event_id in self._joined:
            self._joined.discard(call.event_id)
            self.groups[spot_of(call)].remove(member_of(call))
            self.unexplained.set(call, is_one=False)

    def note_answer(self, key: AttemptKey, call: ApiCall, change: int) -> None:
        """Note that a call is, or is not any more, known to be an attempt's action."""
        answers = self._answered.setdefault(key, [])
        if change > 0:
            insort(answers, member_of(call))
        else:
            answers.remove(member_of(call))
        if not answers:
            del self._answered[key]
        if key in self.callers:
            self.moved[key].update(self.callers[key].spots)

    def answers(self, key: AttemptKey) -> int:
        """Count the calls that are known exactly to be an attempt's action."""
        return len(self._answered.get(key, ()))

    def _narrowed(
        self, windows: Mapping[AttemptKey, Window], call: ApiCall
    ) -> Iterator[tuple[AttemptKey, Window]]:
        """Give who may have made a call beside the calls that ids match.

        An action may have been refused before, and a poll need not name its job.
        """
        unnamed = not call.has_request or call.event_name in OF_ALL_RUNS
        retried = is_retryable(call)
        for key, window in windows.items() if unnamed or retried else ():
            fits = unnamed
            if window.role is CallRole.ACTION:
                fits = retried and call.moment <= self._answered[key][-1][0]
            if fits:
                yield key, window

    def ask_all(self) -> None:
        """Have all decided on anew."""
        for group in self.groups.values():
            group.open.update(group.fits)
        for event_id in self.by_job:
            self.groups[spot_of(self.calls[event_id])].open.add(event_id)

    def forget(self) -> None:
        """Let go of what was read while a batch was taken in: it may be read anew."""
        self._asked.clear()
        self._asking.clear()
        self._told = "", {}

    def to_decide(
        self,
    ) -> Iterator[tuple[CallGroup, Collection[str], Collection[AttemptKey]]]:
        """Give the calls to be decided on, with all that hang together with them."""
        unexplained, self.unexplained.moved = self.unexplained.moved, {}
        for spot, event_id in self.known.now_known():
            group = self.groups[spot]
            group.open.update({event_id} & group.fits.keys())
        for group in self.groups.values():
            if group.role in unexplained:
                begin, end = unexplained[group.role]
                for key, calls in group.calls_of.items():
                    if group.windows[key].meets(begin - ABOUT, end + ABOUT):
                        group.open |= calls
            left, group.open = group.open, set()
            moved, group.moved = group.moved, set()
            for key in moved & group.calls_of.keys():
                left |= group.calls_of[key]
            while left:
                together, keys = group.around(left.pop())
                left -= together
                yield group, together, keys

    def _set_window(self, group: CallGroup, key: AttemptKey) -> None:
        caller = self.callers.get(key)
        if caller is None or (group.name, group.role) not in caller.spots:
            group.set_window(key, None)
            return
        window = window_of(caller, group.name, self.skew.bounds)
        if window is not None:
            is_poll = window.role in POLLS and caller.owns and bool(caller.ids)
            is_action = window.role is CallRole.ACTION and key in self._answered
            window = window._replace(narrow=is_poll or is_action)
        group.set_window(key, window)

    def find(self) -> None:
        """Find out anew who fits the calls of which, or of whom, anything changed."""
        if self.skew.has_moved():
            for spot in self.groups:
                for key in self.by_name.get(spot, ()):
                    self.moved[key].add(spot)
        moved, self.moved = self.moved, defaultdict(set)
        for key, spots in moved.items():
            for spot in spots:
                group = self.groups.get(spot)
                if group is not None:
                    self._set_window(group, key)
        for group in self.groups.values():
            if touched := group.take_touched():
                self._match_up(group, touched)

    def _match_up(self, group: CallGroup, touched: list[Member]) -> None:
        """Find out who fits calls of a group, which are in the order of their times."""
        near = self.skew.near
        begin, end = touched[0][0] - near, touched[-1][0] + near
        those = [each for each in group.windows.items() if each[1].meets(begin, end)]
        wide = Present((each for each in those if not each[1].narrow), near)
        narrow = Present((each for each in those if each[1].narrow), near)
        for moment, event_id in touched:
            wide.move_to(moment)
            narrow.move_to(moment)
            call, present = self.calls[event_id], wide.windows
            if narrow.windows:
                present = {**present, **dict(self._narrowed(narrow.windows, call))}
            if len(present) <= LISTED:
                self._set_fits(group, call, present)
                continue
            group.set_fits((moment, event_id), {})
            group.set_crowded((moment, event_id), len(present), wide.keys[:LISTED])
            group.moved.update(present)
            self.unexplained.set(call, is_one=False)

    def _set_fits(
        self, group: CallGroup, call: ApiCall, present: Mapping[AttemptKey, Window]
    ) -> None:
        event_id = call.event_id
        if event_id in group.crowded:
            group.moved.update(present)
        record = self.record_of(call) if present else {}
        found: dict[AttemptKey, frozenset[str]] = {}
        for key, window in present.items():
            wanted = self._wanted(key, group.name)
            if wanted and differ(wanted, self._called(call, record)):
                continue
            pair = self.pair(call, record, key, window.role)
            if not against(pair):
                found[key] = equal_parameters(pair)
        group.set_fits(member_of(call), found)
        is_one = not found and event_id not in self.by_job and shows_others(call)
        self.unexplained.set(call, is_one=is_one)

    def pair(
        self, call: ApiCall, record: Record, key: AttemptKey, role: CallRole
    ) -> Pair:
        return Pair(call, record, self.callers[key], role, self._compare)

    def is_alike_about(self, group: CallGroup, key: AttemptKey) -> bool:
        """Tell if a call of others, around an attempt's time, has its parameters."""
        spot, window = (group.name, group.role), group.windows[key]
        if spot not in self._asking:
            calls = (
                (member, leaves_of_record(self.record_of(self.calls[member[1]])))
                for member in group.members
                if member[1] not in group.fits and member[1] not in self.by_job
            )
            self._asking[spot] = Asking(calls)
        last = None if window.last is None else window.last + ABOUT
        wanted = self._wanted(key, group.name)
        like = self._asking[spot].like(wanted, window.first - ABOUT, last)
        for number, event_id in enumerate(like):
            if number == _COMPARED:
                return True  # nobody compares so many: one of them may be alike
            called = leaves_of_record(self.record_of(self.calls[event_id]))
            if not differ(wanted, called) and compare_leaves(wanted, called).equal:
                return True
        return False

    def _wanted(self, key: AttemptKey, name: CallName) -> Leaves:
        """Give what an attempt asked for, as a call of that name."""
        asking = key, name
        if asking not in self._asked:
            details = asked(self._details_of(key))
            told = leaves(*name, details) if details is not None else {}
            self._asked[asking] = told
        return self._asked[asking]

    def _compare(self, pair: Pair) -> Comparison:
        """Compare what was asked: each side is read once, however many it is beside."""
        wanted = self._wanted(pair.caller.key, pair.call.name)
        if not wanted:
            return Comparison((), ())
        return compare_leaves(wanted, self._called(pair.call, pair.record))

    def _called(self, call: ApiCall, record: Record) -> Leaves:
        """Give what a call's record says was asked for."""
        if self._told[0] != call.event_id:
            self._told = call.event_id, leaves_of_record(record)
        return self._told[1]


def spot_of(call: ApiCall) -> Spot:
    return (NO_NAME if call.by_others else call.name), call.role


def member_of(call: ApiCall) -> Member:
    return call.moment, call.event_id
