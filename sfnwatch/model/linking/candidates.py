"""Calls that no id matches, and the attempts that may have made them.

A call is examined again only if the call or one of these attempts changed. The first
step finds which attempts fit which calls: an attempt fits where `evidence.py` finds
nothing against it. The second step decides which calls are matched. A call is matched
only if call and attempt each fit no other. Other executions may work with the same
role, as those of the same state machine do. Then our own record may be missing while
theirs is there, so one fitting attempt alone proves nothing.
"""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Iterator
from itertools import pairwise

from msgspec.structs import replace

from sfnwatch.model.api_call import ApiCall, NameAndRole, by_time
from sfnwatch.model.integrations import CallRole, Pattern
from sfnwatch.model.linking.attempt_reader import AttemptReader
from sfnwatch.model.linking.call_reader import CallReader
from sfnwatch.model.linking.caller import SECOND, Caller, Window, depends_on_name
from sfnwatch.model.linking.clock_skew import NEAR, Skew
from sfnwatch.model.linking.evidence import (
    NAMED,
    OF_ALL_RUNS,
    Pair,
    is_xray,
    says_nothing,
    shows_others,
)
from sfnwatch.model.linking.groups import (
    LISTED,
    Asking,
    CallGroup,
    CallsInOrder,
    Fit,
    Member,
    present_at,
)
from sfnwatch.model.linking.known_calls import Known
from sfnwatch.model.linking.link import (
    AttemptKey,
    Certainty,
    Link,
    LinkRule,
    ambiguous,
    answered_attempt,
)
from sfnwatch.model.linking.parameters import (
    Leaf,
    Leaves,
    compare_leaves,
    differ,
    ids_of_call,
    is_random_id,
    is_task_token,
    leaves_of_record,
)
from sfnwatch.model.times import from_microseconds, microseconds

_ABOUT = 300 * SECOND
"""Calls of others with the role count from this long before an attempt's time to this
long after it."""
_MARGIN = 5 * SECOND
"""How far beyond an attempt's time the calls must be known to be complete."""
_COMPARED = 1000
"""At most this many calls of others are compared with one attempt."""
_POLLS = {CallRole.POLL, CallRole.STOP}
_ALIKE = "all that can be compared is alike"
_CROWDED = "too many attempts make such calls for each to be compared"


class Candidates:
    """Decides which attempt made each call that no id matches."""

    def __init__(self, reader: CallReader) -> None:
        self._reader = reader
        self.attempt_reader = AttemptReader(reader)
        self.callers: dict[AttemptKey, Caller] = {}
        self._asking: dict[NameAndRole, Asking] = {}
        self.groups: dict[NameAndRole, CallGroup] = {}
        self._joined: dict[NameAndRole, CallGroup] = {}
        """The groups that calls have joined. Many groups never get a call: hundreds of
        roles have attempts that may make calls of which no record comes."""
        self.by_id: dict[str, Link] = {}
        """Links by ids, by the calls' event ids. A call that an id matches as OTHER may
        still be the action of another attempt, which asks for the job."""
        self.answers = defaultdict[AttemptKey, CallsInOrder](CallsInOrder)
        """Each attempt's action calls that ids match exactly."""
        self._unexplained = defaultdict[tuple[str, bool], CallsInOrder](CallsInOrder)
        """The calls that fit no attempt. The key is their role, and whether they show
        that others work with the role."""
        self._explained_anew = defaultdict[str, list[int]](list)
        """The times of calls that newly fit no attempt, or newly fit one, in
        microseconds, by role."""
        self.known = Known()
        self.skew = Skew()
        self._unproved = defaultdict[str, CallsInOrder](CallsInOrder)
        """By role, the calls of Step Functions that no id matches exactly."""
        self._unproved_moved = defaultdict[str, list[Member]](list)
        """The calls added to `_unproved`, or removed from it, by role."""
        self._sole = defaultdict[str, set[str]](set)
        """The calls that are matched because no other unmatched call of their role is
        near; by role."""

    def group_of(self, spot: NameAndRole) -> CallGroup:
        """Return the group of calls of a name and a role; create it if need be."""
        if spot not in self.groups:
            self.groups[spot] = CallGroup(spot[0], spot[1] or "")
        return self.groups[spot]

    def join(self, call: ApiCall, *, again: bool) -> None:
        """Add a call to those that no id matches; `again` has it examined again."""
        group = self.group_of(call.spot)
        member = by_time(call)
        self._joined[call.spot] = group
        if group.members.note(member, is_one=True) or again:
            group.touched.add(member)

    def leave(self, call: ApiCall) -> None:
        group = self.groups.get(call.spot)
        if group is not None and group.remove(by_time(call)):
            self._set_unexplained(call, is_one=False)

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
                for spot in caller.spots if caller is not None else ():
                    self.groups[spot].moved_callers.add(key)
        return True

    def forget(self, call: ApiCall) -> None:
        """Remove a call that proved a duplicate, or sfnwatch's own."""
        self.leave(call)
        self.set_link_by_id(call, None)
        self._note_unproved(call, is_one=False)
        self._sole[call.role or ""].discard(call.event_id)

    def _note_unproved(self, call: ApiCall, *, is_one: bool) -> None:
        role = call.role
        if role is None or not call.by_step_functions or is_xray(call):
            return
        member = by_time(call)
        if self._unproved[role].note(member, is_one=is_one):
            self._unproved_moved[role].append(member)

    def _open_soles(self) -> None:
        """Open the calls whose neighbors appeared or disappeared, to decide them again.

        Of all calls near a changed call, only its neighbors in time can be the only
        call left.
        """
        moved = self._unproved_moved
        self._unproved_moved = defaultdict(list)
        for role, members in moved.items():
            unproved = self._unproved[role]
            opened = set(self._sole[role])
            for member in members:
                at = bisect_left(unproved, member)
                opened.update(e for _, e in unproved[max(0, at - 1) : at + 2])
            for event_id in opened & self._reader.calls.keys():
                group = self._joined.get(self._reader.calls[event_id].spot)
                if group is not None and event_id in group.fits:
                    group.open.add(event_id)

    def ask_all(self) -> None:
        """Open all calls, to decide them again."""
        for group in self._joined.values():
            group.open.update(group.fits)
        for event_id, link in self.by_id.items():
            spot = self._reader.calls[event_id].spot
            if link.role is CallRole.OTHER and spot in self._joined:
                self._joined[spot].open.add(event_id)

    def _set_unexplained(self, call: ApiCall, *, is_one: bool) -> None:
        role = call.role or ""
        calls = self._unexplained[role, shows_others(call)]
        if calls.note(by_time(call), is_one=is_one):
            self._explained_anew[role].append(call.microseconds)

    def _has_unexplained(self, role: str, window: Window) -> bool:
        """True if calls around a window show that others work with the role."""
        first = window.first - _ABOUT
        last = window.last + _ABOUT
        return self._unexplained[role, True].any_between(first, last)

    def _find(self) -> None:
        """Find the attempts that fit each call again, where either of them changed."""
        moved = self.skew.moved_services()
        for group in self._joined.values():
            if group.name[0] in moved:
                group.moved_callers.update(group.callers)
            if group.members:
                self._set_windows(group)
            if touched := group.take_touched():
                self._match_up(group, touched)

    def _set_windows(self, group: CallGroup) -> None:
        """Compute the windows of the group's changed attempts again."""
        moved = group.moved_callers
        group.moved_callers = set()
        for key in moved:
            caller = group.callers.get(key)
            skew = self.skew.bounds(group.name[0])
            window = caller.window(group.name, skew) if caller else None
            if caller is not None and window is not None:
                is_poll = window.role in _POLLS and caller.owns and caller.ids
                is_action = window.role is CallRole.ACTION and self.answers.get(key)
                if is_poll or is_action:
                    window = replace(window, narrow=True)
            group.set_window(key, window)

    def _match_up(self, group: CallGroup, touched: list[Member]) -> None:
        """Find the attempts that fit the touched calls, which are in order of time."""
        near = self.skew.near(group.name[0])
        begin = touched[0][0] - near
        end = touched[-1][0] + near
        sides: tuple[dict[AttemptKey, Window], ...] = {}, {}
        for key, window in group.windows.items():
            if window.meets(begin, end):
                sides[window.narrow][key] = window
        present = (present_at(side, touched, near) for side in sides)
        for member, wide, narrow in zip(touched, *present, strict=True):
            call = self._reader.calls[member[1]]
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
        """Yield the attempts of narrow windows that may have made a call no id matches.

        An action may have been refused before it succeeded, and a poll need not name
        its job.
        """
        unnamed = not call.has_request or call.event_name in OF_ALL_RUNS
        retried = call.is_retryable
        for key in keys if unnamed or retried else ():
            fits = unnamed
            if group.windows[key].role is CallRole.ACTION:
                fits = retried and call.microseconds <= self.answers[key][-1][0]
            if fits:
                yield key

    def _set_fits(
        self, group: CallGroup, call: ApiCall, keys: Iterable[AttemptKey]
    ) -> None:
        if call.event_id in group.crowded:
            group.moved.update(keys)
        record = self._reader.cloudtrail_record(call) if keys else {}
        called = leaves_of_record(record) if keys else {}
        found: dict[AttemptKey, Fit] = {}
        for key in keys:
            wanted = self.attempt_reader.parameters(key, group.name)
            pair = self.attempt_reader.pair(call, record, self.callers[key])
            if not differ(wanted, called) and not any(pair.against()):
                found[key] = _fit(pair, compare_leaves(wanted, called).equal)
        group.set_fits(by_time(call), found)
        is_one = not found and call.event_id not in self.by_id
        self._set_unexplained(call, is_one=is_one)

    def decide(
        self, moved_roles: Container[str]
    ) -> Iterator[tuple[ApiCall, Link | None]]:
        """Yield the calls whose match may have changed, with their links.

        A link is None where no attempt fits. All calls made with `moved_roles` are
        among them.
        """
        self._find()
        times = self._explained_anew
        self._explained_anew = defaultdict(list)
        known = self.known.now_known()
        self._open_polls()
        self._open_soles()
        for group in self._joined.values():
            if group.role in moved_roles:
                group.open.update(event_id for _, event_id in group.members)
            group.open |= known & group.fits.keys()
            if group.role in times:
                begin = min(times[group.role])
                end = max(times[group.role])
                for key, calls in group.calls_of.items():
                    if group.windows[key].meets(begin - _ABOUT, end + _ABOUT):
                        group.open |= calls
            for calls, keys in group.take_open():
                yield from self._decided(group, calls, keys)
        self.attempt_reader.forget()
        self._asking.clear()

    def _open_polls(self) -> None:
        """Open the polls of attempts whose fitting action calls changed."""
        for group in self._joined.values():
            for key in group.moved & self.callers.keys():
                caller = self.callers[key]
                if caller.role_of(group.name) is not CallRole.ACTION:
                    continue
                for spot in caller.spots:
                    polled = self._joined.get(spot)
                    if polled is not None and polled is not group:
                        polled.open |= polled.calls_of.get(key, set())

    def _begun_by(self, key: AttemptKey) -> int:
        """Count the successful calls that may have started an attempt's job."""
        caller = self.callers[key]
        for spot in caller.spots:
            group = self._joined.get(spot)
            if group is None or caller.role_of(group.name) is not CallRole.ACTION:
                continue
            calls = (self._reader.calls[e] for e in group.calls_of.get(key, ()))
            return sum(call.error_code is None for call in calls)
        return 0

    def _decided(
        self, group: CallGroup, calls: Collection[str], keys: Collection[AttemptKey]
    ) -> Iterator[tuple[ApiCall, Link | None]]:
        """Yield the links of calls and attempts that are connected through fits."""
        in_order = self._in_order(group, calls, keys)
        for event_id in calls:
            call = self._reader.calls[event_id]
            by_id = self.by_id.get(event_id)
            fits = group.fits.get(event_id, {})
            if event_id in group.crowded:
                count, keys = group.crowded[event_id]
                more = count - len(keys)
                yield call, ambiguous(keys, group.roles_of(keys), _CROWDED, more)
            elif not any(group.windows[key].has(call.microseconds) for key in fits):
                yield call, self._about_a_job(call, by_id) if by_id else None
            elif (proved := self._proved(group, call)) is not None:
                yield call, proved
            elif event_id in in_order:
                caller = self.callers[in_order[event_id]]
                yield (
                    call,
                    caller.link(call, LinkRule.ORDER, Certainty.LIKELY, group.role),
                )
            else:
                yield call, self._judged(group, call, by_id)

    def _in_order(
        self, group: CallGroup, calls: Collection[str], keys: Collection[AttemptKey]
    ) -> dict[str, AttemptKey]:
        """Match n calls to n attempts in the order of time; empty if not possible.

        The attempts must not overlap, and the calls must be at least a second apart.
        """
        if len(keys) == 1 or len(calls) != len(keys):
            return {}
        ranked = sorted(keys, key=lambda key: (group.windows[key].first, key))
        made = sorted((self._reader.calls[each] for each in calls), key=by_time)
        for before, after in pairwise(self.callers[key].attempt for key in ranked):
            if before.ended_at is None or before.ended_at > after.scheduled_at:
                return {}
        if any(b.microseconds - a.microseconds < SECOND for a, b in pairwise(made)):
            return {}
        for call, key in zip(made, ranked, strict=True):
            window = group.windows[key]
            equal = group.fits[call.event_id].get(key)
            is_one = window.role is CallRole.ACTION and not call.is_retryable
            if equal is None or not is_one or not window.has(call.microseconds):
                return {}
            if self._doubt(group, call, key, strong=bool(equal.equal)):
                return {}
        return {call.event_id: key for call, key in zip(made, ranked, strict=True)}

    def _proved(self, group: CallGroup, call: ApiCall) -> Link | None:
        """Match a call by a task token or an answer that only one attempt has.

        Return None if it has no such proof, or several calls or attempts share it.
        """
        fits = group.fits[call.event_id]
        proofs = {key: fit for key, fit in fits.items() if fit.is_proof}
        if len(proofs) != 1 or call.error_code is not None:
            return None
        ((key, fit),) = proofs.items()
        calls = self._reader.calls
        alike = [
            event_id
            for event_id in group.calls_of[key]
            if group.fits[event_id][key].is_proof and calls[event_id].error_code is None
        ]
        if len(alike) > 1:
            return None
        caller = self.callers[key]
        if fit.answer:
            return caller.link(call, LinkRule.RESOURCE_ID, Certainty.STRONG, fit.answer)
        return caller.link(
            call, LinkRule.PARAMETERS, Certainty.STRONG, _first_names(fit)
        )

    def _judged(self, group: CallGroup, call: ApiCall, by_id: Link | None) -> Link:
        """Match a call to the one attempt that fits; else the link has the reason."""
        fits = group.fits[call.event_id]
        roles = group.roles_of(fits)
        if len(fits) > 1:
            return ambiguous(fits, roles, _ALIKE)
        (key,) = fits
        if by_id is not None and by_id.role is not CallRole.OTHER:
            both = [key, by_id.key] if by_id.key else [key]
            why = "it may be a poll of the one, or the action of the other"
            return ambiguous(both, {*roles, by_id.role}, why)
        if rivals := self._rivals(group, call, key):
            why = f"{rivals + 1} calls fit this attempt, which made one"
            return ambiguous(fits, roles, why)
        is_strong = bool(fits[key].equal) and group.windows[key].role not in _POLLS
        doubt = self._doubt(group, call, key, strong=is_strong)
        if doubt and is_strong and not self._doubt(group, call, key, strong=False):
            is_strong = False
            doubt = ""
        if doubt and by_id is not None:
            return self._about_a_job(call, by_id)
        if doubt:
            return ambiguous(fits, roles, doubt)
        if is_strong:
            is_sole = self._is_sole(group, call, key)
            sole = self._sole[group.role]
            (sole.add if is_sole else sole.discard)(call.event_id)
            certainty = Certainty.STRONG if is_sole else Certainty.LIKELY
            return self.callers[key].link(
                call, LinkRule.PARAMETERS, certainty, _first_names(fits[key])
            )
        return self.callers[key].link(
            call, LinkRule.UNIQUE_CANDIDATE, Certainty.GUESS, group.role
        )

    def _is_sole(self, group: CallGroup, call: ApiCall, key: AttemptKey) -> bool:
        """True if only this attempt can have made a call with its parameters.

        That requires that all calls of the role around that time are known, that ids
        match all of them but this one, and that no other execution ran: none of the
        same state machine, and none that an execution here started.
        """
        window = group.windows[key]
        attempt = self.callers[key].attempt
        # No slack here: the call must be in the attempt's time by both clocks.
        is_inside = call.microseconds <= microseconds(attempt.answered_at)
        if not (self.known.live and is_inside) or call.error_code is not None:
            return False
        if window.role is not CallRole.ACTION or window.last == math.inf:
            return False
        around = replace(window, first=window.first - _ABOUT, last=window.last + _ABOUT)
        left = self._unproved[group.role].between(around.first, around.last)
        if left != [by_time(call)] or self._reader.has_children():
            return False
        is_complete = self.known.is_complete(window.last + _MARGIN, call)
        return is_complete and self._count_others(key, window) == 0

    def _about_a_job(self, call: ApiCall, link: Link) -> Link:
        """Return the link of a call that names an attempt's job.

        The link of a call that another execution may have made becomes ambiguous.
        """
        if link.role is not CallRole.OTHER or link.key is None:
            return link
        life = self.callers[link.key].life
        unexplained = self._has_unexplained(call.role or "", life)
        if self._count_others(link.key, life) == 0 and not unexplained:
            return link
        why = "it names this attempt's job, which others may ask for too"
        return ambiguous([link.key], [link.role], why)

    def _count_others(self, key: AttemptKey, window: Window) -> int | None:
        """Count the machine's other executions in a window; None if that is unknown.

        The window is widened by what the two clocks may differ.
        """
        first = from_microseconds(window.first - NEAR)
        last = None
        if window.last < math.inf:
            last = from_microseconds(int(window.last) + NEAR)
        return self._reader.count_others(key[0], first, last)

    def _rivals(self, group: CallGroup, call: ApiCall, key: AttemptKey) -> int:
        """Count the other calls that fit the attempt, which made only one."""
        window = group.windows[key]
        near = self.skew.near(group.name[0])
        if window.role in _POLLS:
            return 0
        others = group.calls_of[key] - {call.event_id}
        rivals = sum(not self._reader.calls[each].is_retryable for each in others)
        # The SDK itself may have repeated a call that was refused.
        rivals -= rivals > 0 and call.is_retryable
        first = window.first - near
        last = window.last + near
        return rivals + group.crowd.any_between(first, last)

    def _doubt(
        self, group: CallGroup, call: ApiCall, key: AttemptKey, *, strong: bool
    ) -> str:
        """Return why a call may be another's though only one attempt fits, or "".

        Others who work with the role make the same calls. So the call is the attempt's
        own only if the attempt's call must have arrived by now, or if no other
        execution was active. `strong` is True where parameters are equal.
        """
        window = group.windows[key]
        if window.role in _POLLS and self._begun_by(key) > 1:
            return "several calls may have begun its job, so another job is polled, too"
        others = self._count_others(key, window)
        unexplained = self._has_unexplained(group.role, window)
        if others == 0 and not unexplained:
            return ""
        complete = window.role in _POLLS or self.known.is_complete(window.last, call)
        if call.is_retryable and not self._is_counted(group, key):
            return "others may have been refused alike"
        if strong:
            return self._doubt_of_same(group, call, key, complete=complete)
        if not complete and self.known.live:
            return "calls are not known up to its end yet"
        if others:
            ran = "1 other execution" if others == 1 else f"{others} other executions"
            return f"{ran} of this machine ran then"
        if unexplained:
            return "the role made calls then that fit no attempt here"
        return ""

    def _is_counted(self, group: CallGroup, key: AttemptKey) -> bool:
        """True if an attempt's cause counts as many calls as are here for it."""
        made = len(group.calls_of[key]) + len(self.answers.get(key, ()))
        return self.callers[key].tries == made

    def _doubt_of_same(
        self, group: CallGroup, call: ApiCall, key: AttemptKey, *, complete: bool
    ) -> str:
        """Return why a call with the same parameters may be another's, or "".

        It is not another's if the calls of others around that time are known to differ.
        `complete` is True where the calls of the attempt's time are all known.
        """
        attempt = self.callers[key].attempt
        role = group.windows[key].role
        answered = attempt.submitted_at is not None or attempt.status == "succeeded"
        if not call.is_retryable:
            if call.error_code is None and not answered:
                return "the attempt's own call need not have come through"
            made = (self._reader.calls[each] for each in group.calls_of[key])
            # The attempt's error may be of this call, or of one that was refused.
            is_retried = any(each.is_retryable for each in made)
            is_open = is_retried and says_nothing(attempt.error)
            is_failed = attempt.status == "failed" and role is not CallRole.OTHER
            if call.error_code is not None and (is_open or not is_failed):
                return "the attempt's own call need not have failed"
        if not complete:
            return "calls are not known up to its end yet"
        if not self.known.live and self._is_alike_about(group, key):
            return "others made calls with the same parameters around then"
        return ""

    def _is_alike_about(self, group: CallGroup, key: AttemptKey) -> bool:
        """True if others made a call with an attempt's parameters around its time."""
        spot = (group.name, group.role)
        window = group.windows[key]
        if spot not in self._asking:
            known = group.fits.keys() | self.by_id.keys()
            rest = (member for member in group.members if member[1] not in known)
            self._asking[spot] = Asking({each: self._called(each) for each in rest})
        wanted = self.attempt_reader.parameters(key, group.name)
        begin = window.first - _ABOUT
        end = window.last + _ABOUT
        like = self._asking[spot].like(wanted, begin, end)
        if len(like) > _COMPARED:
            return True  # too many to compare: one of them may have the same ones
        same = (called for called in like if not differ(wanted, called))
        return any(compare_leaves(wanted, called).equal for called in same)

    def _called(self, member: Member) -> Leaves:
        call = self._reader.calls[member[1]]
        return leaves_of_record(self._reader.cloudtrail_record(call))


def _first_names(fit: Fit) -> str:
    """Return the names of the first equal parameters, separated by commas."""
    return ", ".join(sorted(fit.equal)[:NAMED])


def _fit(pair: Pair, equal: Collection[Leaf]) -> Fit:
    """Return the evidence for a pair that has none against it."""
    waits_for_token = pair.caller.attempt.pattern is Pattern.TASK_TOKEN
    return Fit(
        equal=frozenset(leaf.path for leaf in equal),
        token=waits_for_token and any(is_task_token(leaf.called) for leaf in equal),
        answer=_same_answer(pair),
    )


def _same_answer(pair: Pair) -> str:
    """Return a random id that both the attempt's output and the call's answer have.

    It is "" if there is none. It is "" too where the job is identified by a name: a
    second caller gets the same answer, so the answer proves nothing.
    """
    is_action = pair.role is CallRole.ACTION and pair.call.has_answer
    if not is_action or depends_on_name(pair.caller):
        return ""
    both = compare_leaves(pair.answer(), ids_of_call(pair.record)).equal
    random = (leaf.called for leaf in both if is_random_id(leaf.called))
    return next(random, "")
