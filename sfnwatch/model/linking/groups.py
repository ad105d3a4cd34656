"""Calls of one name and role that compete for attempts."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from msgspec import Struct, field

from sfnwatch.model.api_call import CallName
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.calls_in_order import CallsInOrder, Member
from sfnwatch.model.linking.clock_skew import NEAR
from sfnwatch.model.linking.fit import Fit
from sfnwatch.model.linking.link import AttemptKey, Link
from sfnwatch.model.linking.windows import Window, Windows

Component = tuple[set[str], set[AttemptKey]]
"""Calls, by their event ids, and attempts that are connected through fits."""


class CallGroup(Struct, eq=False):
    """The calls of one name and role that may be any attempt's, and who fits them.

    Two marks say what must be done again: `stale` what must be compared, and `open`
    what must be decided. An attempt whose calls changed has at least one open call.
    """

    name: CallName
    role: str
    windows: Windows = field(default_factory=Windows)
    """When each attempt may have made such calls."""
    members: CallsInOrder = field(default_factory=CallsInOrder)
    stale: list[tuple[tuple[float, str], tuple[float, str]]] = field(
        default_factory=list
    )
    """The stretches of calls whose fitting attempts must be found again: the place of
    the first call and of the last. Calls are not listed one by one here, since
    thousands of windows may cover the same time."""
    open: set[str] = field(default_factory=set)
    """The calls that must be decided again, together with all that are connected with
    them through fits."""
    fits: dict[str, dict[AttemptKey, Fit]] = field(default_factory=dict)
    """The attempts that fit each call, with the evidence; by the call's event id."""
    calls_of: dict[AttemptKey, set[str]] = field(default_factory=dict)
    """The event ids of the calls that each attempt fits."""
    unmatched: CallsInOrder = field(default_factory=CallsInOrder)
    """The calls that no id matches and that fit no attempt, or too many of them."""
    crowded: dict[str, Link] = field(default_factory=dict)
    """The calls near so many attempts that these are not compared: the ambiguous link
    of each, by its event id."""
    crowd: CallsInOrder = field(default_factory=CallsInOrder)
    """The calls of `crowded`, in the order of their times."""

    def set_window(self, key: AttemptKey, window: Window | None) -> None:
        """Set when an attempt may have made such calls; None if it made none."""
        old = self.windows.put(key, window)
        for changed in (old, window):
            if changed is not None:
                first = (changed.first - NEAR, "")
                last = (changed.last + NEAR + 1, "")
                self.stale.append((first, last))

    def take_stale(self) -> list[Member]:
        """Return the calls to compare again, in the order of time; reset the mark."""
        stretches = sorted(self.stale)
        self.stale = []
        calls: list[Member] = []
        taken = 0
        for first, last in stretches:
            begin = max(taken, bisect_left(self.members, first))
            taken = max(taken, bisect_right(self.members, last))
            calls += self.members[begin:taken]
        return calls

    def set_fits(self, event_id: str, fits: dict[AttemptKey, Fit]) -> set[AttemptKey]:
        """Set the attempts that fit a call; return those that do, or did before."""
        old = self.fits.pop(event_id, {})
        if fits:
            self.fits[event_id] = fits
        for key in fits:
            self.calls_of.setdefault(key, set()).add(event_id)
        for key in old.keys() - fits.keys():
            calls = self.calls_of[key]
            calls.discard(event_id)
            if calls:
                self.reopen(key)
            else:
                del self.calls_of[key]
        self.open.add(event_id)
        return old.keys() | fits.keys()

    def reopen(self, key: AttemptKey) -> None:
        """Have an attempt's calls decided again: any one call stands for them all."""
        calls = self.calls_of.get(key)
        if calls:
            self.open.add(next(iter(calls)))

    def set_crowded(self, member: Member, link: Link | None) -> bool:
        """Set the link of a call near too many attempts; None for any other call.

        Return True if the call was not crowded before and is now, or the reverse.
        """
        self.crowded.pop(member[1], None)
        if link is not None:
            self.crowded[member[1]] = link
        return self.crowd.note(member, is_one=link is not None)

    def roles_of(self, keys: Iterable[AttemptKey]) -> set[CallRole]:
        """Return the roles that such a call may have for these attempts."""
        return {self.windows[key].role for key in keys}

    def _around(self, event_id: str) -> Component:
        """Return the calls and attempts connected with a call through fits."""
        calls = {event_id}
        keys = set[AttemptKey]()
        left = [event_id]
        for reached in left:
            for key in self.fits.get(reached, {}).keys() - keys:
                keys.add(key)
                new = self.calls_of[key] - calls
                calls |= new
                left.extend(new)
        return calls, keys

    def take_open(self) -> Iterator[Component]:
        """Yield what to decide together again; reset the mark."""
        left = self.open
        self.open = set()
        while left:
            calls, keys = self._around(left.pop())
            left -= calls
            yield calls, keys
