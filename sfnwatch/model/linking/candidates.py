"""Finds which attempts may have made the calls that no id matches.

An attempt fits a call where `evidence.py` finds nothing against it. A call and an
attempt are compared again only if one of them changed: see `CallGroup.stale`. Which of
the calls are matched is decided in `decisions.py`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from sfnwatch.model.api_call import ApiCall, NameAndRole, by_time
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.attempt_reader import AttemptReader
from sfnwatch.model.linking.call_reader import CallReader
from sfnwatch.model.linking.caller import Caller
from sfnwatch.model.linking.callers import Callers
from sfnwatch.model.linking.calls_in_order import CallsInOrder, Member
from sfnwatch.model.linking.clock_skew import Skew
from sfnwatch.model.linking.evidence import OF_ALL_RUNS, is_xray, shows_others
from sfnwatch.model.linking.fit import Fit, fit_of
from sfnwatch.model.linking.groups import CallGroup
from sfnwatch.model.linking.known_calls import Known
from sfnwatch.model.linking.leaf_comparison import compare_leaves, differ
from sfnwatch.model.linking.leaves import leaves_of_record
from sfnwatch.model.linking.link import AttemptKey, Link, ambiguous, answered_attempt
from sfnwatch.model.linking.role_calls import RoleCalls
from sfnwatch.model.linking.windows import Window, present_at

LISTED = 100
"""At most this many of the attempts that fit one call are listed or compared. Nobody
reads more, and thousands of calls that each list thousands would fill the memory."""
POLLS = {CallRole.POLL, CallRole.STOP}
_CROWDED = "too many attempts make such calls for each to be compared"


class Candidates:
    """Keeps which attempts fit which calls, role by role."""

    def __init__(self, reader: CallReader) -> None:
        self.reader = reader
        self.attempt_reader = AttemptReader(reader)
        self.callers = Callers()
        self.roles: dict[str, RoleCalls] = {}
        self.by_id: dict[str, Link] = {}
        """Links by ids, by the calls' event ids. A call that an id matches may still be
        the action of another attempt, which asks for the job."""
        self.answers = defaultdict[AttemptKey, CallsInOrder](CallsInOrder)
        """Each attempt's action calls that ids match exactly."""
        self.known = Known()
        self.skew = Skew()

    def role(self, name: str) -> RoleCalls:
        """Return the calls of a role; create them if need be."""
        if name not in self.roles:
            self.roles[name] = RoleCalls(name)
        return self.roles[name]

    def _group_at(self, name_and_role: NameAndRole) -> CallGroup | None:
        """Return the group of a name and a role; None if no call has joined it."""
        role = self.roles.get(name_and_role[1] or "")
        return role.groups.get(name_and_role[0]) if role is not None else None

    def count_role(self, name: str, arn: str, change: int) -> None:
        """Count an execution that has a role, or no longer has it."""
        role = self.role(name)
        if role.count(arn, change):
            self._reopen(role)

    def replace(self, old: Caller | None, new: Caller | None) -> None:
        """Forget an attempt as it was, and add it as it is now."""
        self.callers.replace(old, new)
        if new is not None and new.role:
            self.count_role(new.role, new.key[0], 1)
        if old is not None and old.role:
            self.count_role(old.role, old.key[0], -1)
        # What the old one alone may have made loses a window, the rest gets a new one.
        for caller in (old, new):
            if caller is not None:
                self._set_windows(caller)

    def _set_windows(self, caller: Caller) -> None:
        for name_and_role in caller.names_and_role:
            group = self._group_at(name_and_role)
            if group is not None:
                self._set_window(group, caller.key)

    def _set_window(self, group: CallGroup, key: AttemptKey) -> None:
        """Compute when an attempt may have made the calls of a group."""
        caller = self.callers.making((group.name, group.role)).get(key)
        window: Window | None = None
        if caller is not None:
            window = caller.window(group.name, self.skew.bounds(group.name[0]))
        if caller is not None and window is not None:
            is_poll = window.role in POLLS and caller.owns and caller.ids
            is_action = window.role is CallRole.ACTION and self.answers.get(key)
            if is_poll or is_action:
                window = replace(window, narrow=True)
        group.set_window(key, window)

    def set_link_by_id(self, call: ApiCall, link: Link | None) -> bool:
        """Set the link that ids give a call; True if it changed."""
        old = self.by_id.pop(call.event_id, None)
        if link is not None:
            self.by_id[call.event_id] = link
        was = answered_attempt(old)
        own = answered_attempt(link)
        self.skew.note(call, self.callers.get(own) if own else None)
        self._note_unproved(call, is_one=link is None or not link.is_exact)
        if old == link:
            return False
        for key, is_one in ((was, False), (own, True)):
            if key is not None:
                self.answers[key].note(by_time(call), is_one=is_one)
                caller = self.callers.get(key)
                if caller is not None:
                    self._set_windows(caller)
        return True

    def join(self, call: ApiCall, *, again: bool) -> None:
        """Add a call that may be any attempt's; `again` has it compared again."""
        name, role_name = call.name_and_role
        role = self.role(role_name or "")
        group = role.groups.get(name)
        if group is None:
            group = CallGroup(name, role.name)
            role.groups[name] = group
            for key in self.callers.making(call.name_and_role):
                self._set_window(group, key)
        member = by_time(call)
        if group.members.note(member, is_one=True) or again:
            group.stale.append((member, member))

    def leave(self, call: ApiCall) -> None:
        """Remove a call that is none of any attempt's but of that which an id shows."""
        group = self._group_at(call.name_and_role)
        if group is not None and group.members.note(by_time(call), is_one=False):
            self._reopen_polls(group, group.set_fits(call.event_id, {}))
            self._note_makers(group, call, is_unmatched=False)
            group.open.discard(call.event_id)

    def forget(self, call: ApiCall) -> None:
        """Remove a call that proved a duplicate, or sfnwatch's own."""
        self.leave(call)
        self.set_link_by_id(call, None)
        self._note_unproved(call, is_one=False)

    def _note_unproved(self, call: ApiCall, *, is_one: bool) -> None:
        """Note whether a call is one of Step Functions that no id matches exactly.

        A call that is the only one in its attempt's time is matched for that reason. So
        when a call comes or goes, its neighbors are decided again: of all calls around
        it, only these can be the only one left.
        """
        if call.role is None or not call.by_step_functions or is_xray(call):
            return
        member = by_time(call)
        unproved = self.role(call.role).unproved
        if unproved.note(member, is_one=is_one):
            for _, event_id in unproved.around(member):
                self._reopen_call(event_id)

    def _reopen_call(self, event_id: str) -> None:
        """Have a call decided again, if any attempt fits it."""
        group = self._group_at(self.reader.calls[event_id].name_and_role)
        if group is not None and event_id in group.fits:
            group.open.add(event_id)

    def _reopen(self, role: RoleCalls) -> None:
        """Have all calls of a role decided again, but those that only ids decide."""
        for group in role.groups.values():
            for _, event_id in group.members:
                link = self.by_id.get(event_id)
                is_by_id = link is not None and link.role is not CallRole.OTHER
                if not is_by_id or event_id in group.fits:
                    group.open.add(event_id)

    def reopen_all(self) -> None:
        """Have all calls decided again."""
        for role in self.roles.values():
            self._reopen(role)

    def compare(self) -> None:
        """Find the attempts that fit each call again, where either of them changed."""
        moved = self.skew.moved_services()
        for role in self.roles.values():
            for group in role.groups.values():
                if group.name[0] in moved:
                    for key in self.callers.making((group.name, role.name)):
                        self._set_window(group, key)
                calls = group.take_stale()
                if calls:
                    self._compare_group(group, calls)
            role.reopen_changed()
        for event_id in self.known.now_known() & self.reader.calls.keys():
            self._reopen_call(event_id)

    def open_groups(self) -> Iterator[tuple[RoleCalls, CallGroup]]:
        """Yield the groups with calls to decide again."""
        for role in self.roles.values():
            for group in role.groups.values():
                if group.open:
                    yield role, group

    def _compare_group(self, group: CallGroup, members: Sequence[Member]) -> None:
        """Compare some calls of a group, in the order of time, with its attempts."""
        near = self.skew.near(group.name[0])
        begin = members[0][0] - near
        end = members[-1][0] + near
        windows = dict(group.windows.meeting(begin, end))
        # A call that names an attempt's job may still be an action that asks for it.
        action = CallRole.ACTION
        actions = {key: w for key, w in windows.items() if w.role is action}
        named = [member for member in members if member[1] in self.by_id]
        unnamed = [member for member in members if member[1] not in self.by_id]
        self._compare_with(group, named, actions)
        self._compare_with(group, unnamed, windows)

    def _compare_with(
        self,
        group: CallGroup,
        members: Sequence[Member],
        windows: Mapping[AttemptKey, Window],
    ) -> None:
        """Compare each call with the attempts in or near whose window it lies."""
        near = self.skew.near(group.name[0])
        wide: dict[AttemptKey, Window] = {}
        narrow: dict[AttemptKey, Window] = {}
        for key, window in windows.items():
            side = narrow if window.narrow else wide
            side[key] = window
        all_wide = present_at(wide, members, near)
        all_narrow = present_at(narrow, members, near)
        for member, keys, narrowed in zip(members, all_wide, all_narrow, strict=True):
            call = self.reader.calls[member[1]]
            near_keys = keys
            if narrowed:
                near_keys = [*keys, *self._narrowed(group, narrowed, call)]
            if len(near_keys) > LISTED:
                self._set_fits(group, call, {}, crowded=_crowded(group, near_keys))
            else:
                self._set_fits(group, call, self._fits(group, call, near_keys))

    def _narrowed(
        self, group: CallGroup, keys: Iterable[AttemptKey], call: ApiCall
    ) -> Iterator[AttemptKey]:
        """Yield the attempts of narrow windows that may have made a call no id matches.

        An action may have been refused before it succeeded, and a poll need not name
        its job.
        """
        is_unnamed = not call.has_request or call.event_name in OF_ALL_RUNS
        is_retried = call.is_retryable
        if not is_unnamed and not is_retried:
            return
        for key in keys:
            may_fit = is_unnamed
            if group.windows[key].role is CallRole.ACTION:
                last_answer = self.answers[key][-1][0]
                may_fit = is_retried and call.microseconds <= last_answer
            if may_fit:
                yield key

    def _fits(
        self, group: CallGroup, call: ApiCall, keys: Sequence[AttemptKey]
    ) -> dict[AttemptKey, Fit]:
        """Return which of some attempts fit a call, with the evidence."""
        fits: dict[AttemptKey, Fit] = {}
        if not keys:
            return fits
        record = self.reader.cloudtrail_record(call)
        called = leaves_of_record(record)
        for key in keys:
            parameters = self.attempt_reader.parameters(key, group.name)
            if differ(parameters, called):
                continue
            pair = self.attempt_reader.pair(call, record, self.callers[key])
            if not any(pair.against()):
                comparison = compare_leaves(parameters, called)
                fits[key] = fit_of(pair, comparison.equal)
        return fits

    def _set_fits(
        self,
        group: CallGroup,
        call: ApiCall,
        fits: dict[AttemptKey, Fit],
        crowded: Link | None = None,
    ) -> None:
        """Set the attempts that fit a call, and have decided again what that affects.

        `crowded` is the link of a call near too many attempts to compare it with.
        """
        self._reopen_polls(group, group.set_fits(call.event_id, fits))
        is_matched = bool(fits) or call.event_id in self.by_id
        self._note_makers(group, call, is_unmatched=not is_matched, crowded=crowded)

    def _note_makers(
        self,
        group: CallGroup,
        call: ApiCall,
        *,
        is_unmatched: bool,
        crowded: Link | None = None,
    ) -> None:
        """Note whether a call fits no attempt, or too many: others may have made it."""
        role = self.role(group.role)
        member = by_time(call)
        is_changed = group.set_crowded(member, crowded)
        if group.unmatched.note(member, is_one=is_unmatched) and not self.known.live:
            is_changed = True
        if is_changed:
            role.note_change(call.microseconds)
        if shows_others(call):
            role.note_stranger(member, is_one=is_unmatched and crowded is None)

    def _reopen_polls(self, group: CallGroup, keys: Iterable[AttemptKey]) -> None:
        """Have the polls of attempts decided again whose fitting actions changed."""
        for key in keys:
            caller = self.callers.get(key)
            if caller is None or len(caller.names_and_role) == 1:
                continue
            if caller.role_of(group.name) is not CallRole.ACTION:
                continue
            for name_and_role in caller.names_and_role:
                polled = self._group_at(name_and_role)
                if polled is not None and polled is not group:
                    polled.reopen(key)


def _crowded(group: CallGroup, keys: Sequence[AttemptKey]) -> Link:
    """Return the link of a call near too many attempts to be compared with each."""
    listed = keys[:LISTED]
    roles = group.roles_of(listed)
    return ambiguous(listed, roles, _CROWDED, len(keys) - LISTED)
