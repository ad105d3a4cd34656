"""Matches calls to attempts, and keeps the matches true as records come in any order.

What an id says is matched at once. All other calls of one name and one role are settled
together with the attempts that may have made them, whenever one of either changes:
first who fits whom (nothing in `evidence` speaks against it), then who is matched. Both
sides must have but one partner; and if others work with the same role, as executions of
the same machine do, our own record may be missing while theirs is there.

That the request id in a history equals CloudTrail's `requestID` is documented on
each side and inferred as a join: no public recording holds both sides of one call.
"""

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from datetime import datetime
from heapq import nsmallest
from itertools import pairwise
from typing import Any

from sfnwatch.model.api_call import ApiCall, ids_in
from sfnwatch.model.candidates import (
    NEAR,
    POLLS,
    CallGroup,
    Candidates,
    Spot,
    member_of,
    spot_of,
)
from sfnwatch.model.evidence import (
    NAMED,
    SECOND,
    Caller,
    Weighed,
    Window,
    against,
    caller_of,
    is_retryable,
    life_of,
    other_caller,
    other_parameters,
    role_in,
    told_session,
    weigh,
    window_of,
)
from sfnwatch.model.history import Details
from sfnwatch.model.integrations import CallRole, usual_role
from sfnwatch.model.links import AttemptKey, Link, LinkRule
from sfnwatch.model.records import Record
from sfnwatch.model.values import from_microseconds
from sfnwatch.model.visits import Attempt

Others = Callable[[str, datetime, datetime | None], int | None]
"""Counts the executions of an execution's machine that ran in a time and are not
watched; None where that is not known."""
LinkChanges = Mapping[str, tuple[Link | None, Link | None]]
"""By a call's event id, its link before and its link now."""


def role_of_call(call: ApiCall, link: Link | None) -> CallRole:
    """Tell what a call was for: from its attempt, or from its name alone."""
    if link is not None and link.attempt_id is not None:
        return link.role
    if link is not None and link.rule is LinkRule.AMBIGUOUS:
        return link.role
    if call.by_others:
        return CallRole.OTHER
    return usual_role(call.event_source, call.event_name)


_BY_ID = -SECOND, 2 * SECOND
"""How far the clocks may be apart where an id says whose a call is."""
_ALIKE = "nothing tells these attempts apart"
_WEIGHED = 20
"""So many attempts that make such calls are weighed for one call."""


class _Roles:
    """Which executions make calls with each role."""

    def __init__(self) -> None:
        self._executions: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """A role's name to the executions that have it, and how often."""
        self._before: dict[str, Link | None] = {}

    def count(self, role: str | None, arn: str, change: int) -> None:
        if role:
            self._before.setdefault(role, self.link(role))
            self._executions[role][arn] += change
            if not self._executions[role][arn]:
                del self._executions[role][arn]

    def changed(self) -> set[str]:
        """Name the roles whose calls are said to be another's than before."""
        before, self._before = self._before, {}
        return {role for role, link in before.items() if self.link(role) != link}

    def link(self, role: str) -> Link | None:
        """Say that a call was made with a role, and no more; None for one unknown."""
        arns = [*self._executions.get(role, ())]
        if not arns:
            return None
        one = arns[0] if len(arns) == 1 else None
        return Link(LinkRule.ROLE_ONLY, CallRole.OTHER, one, evidence=role)


class Linker:
    """Keeps the links of a trace."""

    def __init__(
        self,
        calls: Mapping[str, ApiCall],
        record_of: Callable[[ApiCall], Record],
        details_of: Callable[[AttemptKey], Details],
        others: Others,
    ) -> None:
        """Begin without any; `calls` are those of the trace, by their event ids.

        `record_of` gives a call's CloudTrail record, `details_of` those of an
        attempt's …Scheduled event.
        """
        self._calls, self._record_of = calls, record_of
        self.links: dict[str, Link] = {}
        """By the calls' event ids."""
        self.calls_of: dict[AttemptKey, list[ApiCall]] = {}
        """The calls that are matched to each attempt, in the order of their times."""
        self._callers: dict[AttemptKey, Caller] = {}
        self._by_told: dict[str, dict[AttemptKey, Caller]] = {}
        """Attempts by the request ids and sessions that their own events tell."""
        self._by_id: dict[str, dict[AttemptKey, Caller]] = {}
        self._calls_by_id: dict[str, str | list[str]] = {}
        """The calls that have a request id or a session, or name a job's bare id, by
        their event ids: attempts may hold it later. Mostly it is one, and no list."""
        self._exact: dict[str, Link] = {}
        """The exact links of action calls."""
        self._asking: Counter[Spot] = Counter()
        """Whose action a call of a name and a role may be: so many attempts'."""
        self._asked: set[str] = set()
        """Calls to be matched by their ids again."""
        self._dropped: set[str] = set()
        """Calls that were taken in once, and are not to be matched any more."""
        self._roles = _Roles()
        self._candidates = Candidates(calls, self._callers, record_of, details_of)
        self._verdicts = Verdicts(self._candidates, others, self._roles.link)
        self._changes: dict[str, tuple[Link | None, Link | None]] = {}

    # -- what comes and goes -----------------------------------------------------

    def set_role(self, arn: str, old: str | None, new: str | None) -> None:
        """Note the name of the role an execution's calls are made with."""
        self._roles.count(old, arn, -1)
        self._roles.count(new, arn, 1)

    def set_attempt(self, arn: str, attempt: Attempt, role_arn: str | None) -> None:
        """Take an attempt in, or what is new of it; `role_arn` is its execution's."""
        new = caller_of(arn, attempt, role_arn)
        old = self._callers.get(new.key)
        if old is not None and old.facts == new.facts:
            old.attempt = attempt
            return
        self._replace(old, new)

    def keep_attempts(self, arn: str, scheduled_ids: Container[int]) -> None:
        """Forget all other attempts of an execution: it was folded anew."""
        own = [each for each in self._callers.values() if each.key[0] == arn]
        for caller in own:
            if caller.key[1] not in scheduled_ids:
                self._replace(caller, None)

    def holders(self, job_id: str) -> list[tuple[str, Attempt]]:
        """Give the attempts that hold a job's id, with their executions' ARNs."""
        held = self._by_id.get(job_id, {})
        return [(key[0], caller.attempt) for key, caller in held.items()]

    def add_call(self, call: ApiCall, ids: Collection[str], record: Record) -> None:
        """Take a call in; `ids` are all that its record names."""
        event_id = call.event_id
        self._dropped.discard(event_id)
        self._candidates.known.note(call)
        self._match_by_ids(call, record, ids)
        if call.by_others:
            return
        for told in (call.request_id, told_session(call, record)):
            if told is not None:
                self._note_call(told, event_id)
        # The bare id at the end of a path is among them.
        for each in ids:
            if "/" not in each and each != call.request_id:
                self._note_call(each, event_id)

    def drop_call(self, event_id: str) -> None:
        """Forget a call that was said to be another's."""
        call = self._calls[event_id]
        self._dropped.add(event_id)
        for named in ids_in(self._record_of(call), call.error_message):
            holders = self._by_id.get(named, {}).values()
            if not all(holder.owns for holder in holders):
                # It may have been all that kept others from being matched by it.
                self._asked.update(self._calls_naming(named))
        self._asked.discard(event_id)
        self._candidates.leave(call)
        self._set_exact(call, None, asks=False)
        self._put(call, None)

    def know(self, measured: datetime | None) -> None:
        """Note up to when LookupEvents, which was asked, is believed to have told all.

        None while it is not believed of any time.
        """
        if self._candidates.known.measure(measured):
            self.ask_all()

    def ask_all(self) -> None:
        """Match again whatever no id matches: others are known of otherwise."""
        self._candidates.ask_all()

    def _note_call(self, named: str, event_id: str) -> None:
        known = self._calls_by_id.setdefault(named, event_id)
        if isinstance(known, list):
            known.append(event_id)
        elif known != event_id:
            self._calls_by_id[named] = [known, event_id]
        at = self._calls[event_id].moment
        holders = self._by_id.get(named, {}).values()
        if any(not each.owns and not life_of(each).meets(at, at) for each in holders):
            # Others are seen with it: what was matched by it may be theirs.
            self._asked.update(self._calls_naming(named))

    def _replace(self, old: Caller | None, new: Caller | None) -> None:
        for caller, change in ((old, -1), (new, 1)):
            if caller is None:
                continue
            self._candidates.moved[caller.key].update(caller.spots)
            for index, held in self._places_of(caller):
                for each in held:
                    index.setdefault(each, {}).pop(caller.key, None)
                    if caller is new:
                        index[each][caller.key] = caller
            for each in (*caller.request_ids, *caller.sessions, *caller.ids):
                self._asked.update(self._calls_naming(each))
            self._count_asking(caller, change)
            self._roles.count(caller.role, caller.key[0], change)
            self._callers.pop(caller.key, None)
            if caller is new:
                self._callers[caller.key] = caller

    def _places_of(
        self, caller: Caller
    ) -> Iterator[tuple[dict[Any, dict[AttemptKey, Caller]], Iterable[Any]]]:
        yield self._by_told, (*caller.request_ids, *caller.sessions)
        yield self._by_id, caller.ids
        yield self._candidates.by_name, caller.spots

    def _calls_naming(self, named: str) -> Collection[str]:
        events = self._calls_by_id.get(named, ())
        return (events,) if isinstance(events, str) else events

    def _count_asking(self, caller: Caller, change: int) -> None:
        row = caller.attempt.integration
        if row is None:
            return
        spot = (row.event_source, row.action_event), caller.role
        self._asking[spot] += change
        if change == self._asking[spot] == 1:
            # Polls were taken for those of the job they name, there being no other.
            alike = (e for e, link in self.links.items() if link.rule.exact)
            self._asked.update(e for e in alike if spot_of(self._calls[e]) == spot)

    def weigh(self, call: ApiCall) -> list[Weighed]:
        """Weigh every attempt that may be thought to have made a call, best first.

        That is, whose events tell an id that the call's record has, or who makes such
        calls; of very many of these the nearest in time.
        """
        record = self._record_of(call)
        ids = ids_in(record, call.error_message)
        told = (call.request_id or "", told_session(call, record) or "")
        found = [*map(self._by_told.get, told), *map(self._by_id.get, ids)]
        found.append(dict(self._nearest(call)))
        callers = {key: each for some in found if some for key, each in some.items()}
        skew = self._candidates.skew.bounds
        weighed = []
        for caller in callers.values():
            role = role_in(caller.attempt, call.name)
            pair = self._candidates.pair(call, record, caller.key, role)
            window = window_of(caller, call.name, skew)
            weighed.append(weigh(pair, window, ids))
        weighed.sort(key=lambda w: (len(w.against), -len(w.same), w.key))
        return weighed

    def _nearest(self, call: ApiCall) -> list[tuple[AttemptKey, Caller]]:
        """Give the attempts that make such calls, of very many the nearest in time."""
        alike = self._candidates.by_name.get(spot_of(call), {})
        at = call.event_time

        def distance(pair: tuple[AttemptKey, Caller]) -> tuple[float, AttemptKey]:
            attempt = pair[1].attempt
            begin, end = attempt.scheduled_at, attempt.ended_at or at
            early, late = (begin - at).total_seconds(), (at - end).total_seconds()
            return max(early, late, 0.0), pair[0]

        return nsmallest(_WEIGHED, alike.items(), key=distance)

    # -- by ids --------------------------------------------------------------------

    def settle(self) -> LinkChanges:
        """Match what may be matched otherwise by now, and give what changed."""
        asked, self._asked = self._asked, set()
        for event_id in asked - self._dropped:
            call = self._calls[event_id]
            self._match_by_ids(call, self._record_of(call))
        self._candidates.find()
        self._match_others()
        self._candidates.forget()
        changes, self._changes = self._changes, {}
        return {key: pair for key, pair in changes.items() if pair[0] != pair[1]}

    def _match_by_ids(
        self, call: ApiCall, record: Record, ids: Collection[str] | None = None
    ) -> None:
        """Match a call by what its record names; what no id matches joins the others.

        One that a job's id matches may yet have been made by an attempt that asks for
        others' jobs, if there is one.
        """
        link = self._exact_link(call, record, ids)
        # Made with no role it is nobody else's.
        asks = (link is not None and call.role is not None) and (
            link.role is CallRole.OTHER
            or (not is_answer(link) and self._asking[spot_of(call)])
        )
        moved = self._set_exact(call, link, asks=bool(asks))
        if link is None or asks:
            if call.role is None:
                # Made with no role: it is nobody's, unless an id says so.
                self._put(call, link)
            else:
                self._candidates.join(call, again=moved)
            return
        self._candidates.leave(call)
        self._put(call, link)

    def _exact_link(
        self, call: ApiCall, record: Record, ids: Collection[str] | None
    ) -> Link | None:
        if call.by_others or not self._callers:
            return None
        for told, rule in (
            (call.request_id, LinkRule.REQUEST_ID),
            (told_session(call, record), LinkRule.SESSION),
        ):
            if told is None or told not in self._by_told:
                continue
            callers = self._by_told[told].values()
            mine = [each for each in callers if not other_caller(call, each)]
            if len(mine) == 1:
                return make_link(call, mine[0], rule, told)
        if not self._by_id:
            return None
        ids = ids_in(record, call.error_message) if ids is None else ids
        held = {each for each in ids if each in self._by_id}
        return self._link_by_job(call, record, held) if held else None

    def _link_by_job(
        self, call: ApiCall, record: Record, held: Collection[str]
    ) -> Link | None:
        """Match by the job's id, inside the life of the attempt that has the job."""
        callers = {k: c for each in held for k, c in self._by_id[each].items()}
        mine = [
            caller
            for caller in callers.values()
            if self._is_about(call, record, caller)
            and (caller.owns or self._is_alone_with(caller, held))
        ]
        if not mine:
            return None
        if len(mine) > 1:
            return ambiguous(call, mine, "several attempts have this job")
        # By the longest id that both hold; of two as long always by the same.
        both = max((i for i in held if i in mine[0].ids), key=lambda i: (len(i), i))
        return make_link(call, mine[0], LinkRule.RESOURCE_ID, both)

    def _is_alone_with(self, caller: Caller, held: Collection[str]) -> bool:
        """Tell whether nobody else is seen with a thing that an attempt was given."""
        life = life_of(caller)
        naming = {event_id for each in held for event_id in self._calls_naming(each)}
        known = (self._calls[e].moment for e in naming - self._dropped)
        return all(life.meets(at, at) for at in known)

    def _is_about(self, call: ApiCall, record: Record, caller: Caller) -> bool:
        """Tell whether a call that names an attempt's job was made for it."""
        row = caller.attempt.integration
        if row is None or row.event_source != call.event_source:
            return False
        role, at = role_in(caller.attempt, call.name), call.moment
        is_failed = role is CallRole.ACTION and call.error_code is not None
        if is_failed or (role is not CallRole.POLL and not row.starts_job):
            # Whoever asks for a job, or fails to start it, may name another's.
            return False
        is_other = role is CallRole.OTHER
        window = life_of(caller) if is_other else window_of(caller, call.name, _BY_ID)
        if window is None or not window.meets(at, at):
            return False
        pair = self._candidates.pair(call, record, caller.key, role)
        named = row.id_word.endswith("name")
        return not against(pair) and not (named and other_parameters(pair))

    def _set_exact(self, call: ApiCall, link: Link | None, *, asks: bool) -> bool:
        """Note what ids say of a call; True if that is new."""
        event_id, by_job = call.event_id, self._candidates.by_job
        old = by_job.pop(event_id, None), self._exact.pop(event_id, None)
        if link is not None and asks:
            by_job[event_id] = link
        elif link is not None and is_answer(link):
            self._exact[event_id] = link
        new = by_job.get(event_id), self._exact.get(event_id)
        key = new[1].key if new[1] is not None else None
        self._candidates.skew.note(call, self._callers.get(key) if key else None)
        for each, change in ((old[1], -1), (new[1], 1)):
            if each is not None and each.key is not None and old[1] != new[1]:
                self._candidates.note_answer(each.key, call, change)
        return old != new

    def _match_others(self) -> None:
        """Decide anew on what no id matches, where it may be another's now."""
        changed = self._roles.changed()
        for group in self._candidates.groups.values():
            if group.role in changed:
                group.open.update(event_id for _, event_id in group.members)
        for group, calls, keys in self._candidates.to_decide():
            for call, link in self._verdicts.of(group, calls, keys):
                self._put(call, link)

    def _put(self, call: ApiCall, link: Link | None) -> None:
        event_id = call.event_id
        old = self.links.get(event_id)
        if old == link:
            return
        self._changes[event_id] = self._changes.get(event_id, (old, None))[0], link
        if old is not None and old.key is not None:
            calls = self.calls_of[old.key]
            del calls[bisect_left(calls, member_of(call), key=member_of)]
            if not calls:
                del self.calls_of[old.key]
        if link is None:
            del self.links[event_id]
            return
        self.links[event_id] = link
        if link.key is not None:
            insort(self.calls_of.setdefault(link.key, []), call, key=member_of)


def is_answer(link: Link) -> bool:
    """True for an exact link of the call that an attempt is about."""
    return link.rule.exact and link.role is CallRole.ACTION


# -- which of those that may have made a call did --------------------------------------


class Verdicts:
    """Decides on the calls of a group that hang together."""

    def __init__(
        self,
        candidates: Candidates,
        others: Others,
        role_only: Callable[[str], Link | None],
    ) -> None:
        """`role_only` makes the link of a call that nobody here fits, by its role."""
        self._all, self._others, self._role_only = candidates, others, role_only
        self._calls, self._callers = candidates.calls, candidates.callers
        self._skew, self._unexplained = candidates.skew, candidates.unexplained
        self._known, self._by_job = candidates.known, candidates.by_job

    def of(
        self, group: CallGroup, calls: Collection[str], keys: Collection[AttemptKey]
    ) -> Iterator[tuple[ApiCall, Link | None]]:
        """Give the links of calls and attempts that hang together."""
        in_order = self._in_order(group, calls, keys)
        for event_id in calls:
            call = self._calls[event_id]
            at = call.moment
            fits = group.fits.get(event_id, {})
            inside = [key for key in sorted(fits) if group.windows[key].meets(at, at)]
            by_job = self._by_job.get(event_id)
            if event_id in group.crowded:
                count, first = group.crowded[event_id]
                some = [self._callers[key] for key in first if key in self._callers]
                yield call, ambiguous(call, some, _ALIKE, count - len(some))
            elif not inside and by_job is not None:
                yield call, self._about_a_job(call, by_job)
            elif not inside:
                yield call, self._role_only(group.role)
            elif event_id in in_order:
                caller = self._callers[in_order[event_id]]
                yield call, make_link(call, caller, LinkRule.ORDER, group.role)
            else:
                yield call, self._judged(group, call, inside)

    def _in_order(
        self, group: CallGroup, calls: Collection[str], keys: Collection[AttemptKey]
    ) -> dict[str, AttemptKey]:
        """Match n calls to n attempts, one after another, if they can be told apart."""
        if len(keys) == 1 or len(calls) != len(keys):
            return {}
        ranked = sorted(keys, key=lambda key: (group.windows[key].first, key))
        made = sorted(member_of(self._calls[each]) for each in calls)
        for before, after in pairwise(ranked):
            ended = self._callers[before].attempt.ended_at
            if ended is None or ended > self._callers[after].attempt.scheduled_at:
                return {}
        if any(after[0] - before[0] < SECOND for before, after in pairwise(made)):
            return {}
        found: dict[str, AttemptKey] = {}
        for (at, event_id), key in zip(made, ranked, strict=True):
            window, call = group.windows[key], self._calls[event_id]
            fits = key in group.fits.get(event_id, ()) and window.meets(at, at)
            is_one = window.role is CallRole.ACTION and not is_retryable(call)
            if not fits or not is_one:
                return {}
            strong = bool(group.fits[event_id][key])
            if self._doubt(group, call, key, strong=strong):
                return {}
            found[event_id] = key
        return found

    def _judged(
        self, group: CallGroup, call: ApiCall, inside: list[AttemptKey]
    ) -> Link:
        """Match a call to the one attempt that fits, or say why not."""
        fits = group.fits[call.event_id]
        by_job = self._by_job.get(call.event_id)
        callers = [self._callers[key] for key in sorted(fits)]
        if len(fits) > 1:
            return ambiguous(call, callers, _ALIKE)
        (key,) = inside
        equal = fits[key]
        rivals = self._rivals(group, call, key)
        if rivals:
            why = f"{rivals + 1} calls fit this attempt, which made one"
            return ambiguous(call, callers, why)
        if by_job is not None and by_job.role is not CallRole.OTHER:
            holder = self._callers[by_job.key] if by_job.key else callers[0]
            why = "it may be a poll of the one, or the action of the other"
            return ambiguous(call, [*callers, holder], why)
        is_strong = bool(equal) and group.windows[key].role not in POLLS
        doubt = self._doubt(group, call, key, strong=is_strong)
        if doubt and is_strong and not self._doubt(group, call, key, strong=False):
            is_strong, doubt = False, ""
        if doubt and by_job is not None:
            return self._about_a_job(call, by_job)
        if doubt:
            return ambiguous(call, callers, doubt)
        if is_strong:
            why = ", ".join(sorted(equal)[:NAMED])
            return make_link(call, callers[0], LinkRule.PARAMETERS, why)
        return make_link(call, callers[0], LinkRule.UNIQUE_CANDIDATE, group.role)

    def _about_a_job(self, call: ApiCall, link: Link) -> Link:
        """Match a call that names an attempt's job, though it need not have made it."""
        if link.role is not CallRole.OTHER or link.key is None:
            return link
        caller = self._callers[link.key]
        life = life_of(caller)
        unexplained = self._unexplained.are_about(call.role or "", life)
        if self._count_others(link.key, life) == 0 and not unexplained:
            return link
        why = "it names this attempt's job, which others may ask for too"
        return ambiguous(call, [caller], why)

    def _count_others(self, key: AttemptKey, window: Window) -> int | None:
        """Count other executions of the machine in a time, as both clocks have it."""
        last = None if window.last is None else from_microseconds(window.last + NEAR)
        return self._others(key[0], from_microseconds(window.first - NEAR), last)

    def _rivals(self, group: CallGroup, call: ApiCall, key: AttemptKey) -> int:
        """Count the other calls that may be the one that an attempt made."""
        window = group.windows[key]
        if window.role in POLLS:
            return 0
        others = (self._calls[e] for e in group.calls_of[key] if e != call.event_id)
        rivals = sum(not is_retryable(other) for other in others)
        # One that was refused may have been tried again, by the SDK itself.
        rivals -= rivals > 0 and is_retryable(call)
        near = self._skew.near
        last = None if window.last is None else window.last + near
        return rivals + group.has_crowd(window.first - near, last)

    def _doubt(
        self, group: CallGroup, call: ApiCall, key: AttemptKey, *, strong: bool
    ) -> str:
        """Say why a call may be another's though but one attempt fits; or nothing.

        Others who work with the role make the same calls: ours is the one only if it
        must be there by now, or if nobody else was about.
        """
        window = group.windows[key]
        others = self._count_others(key, window)
        unexplained = self._unexplained.are_about(group.role, window)
        if others == 0 and not unexplained:
            return ""
        is_one = window.role not in POLLS
        complete = not is_one or self._known.is_complete(window.last, call)
        if strong:
            return self._doubt_of_same(group, call, key, complete=complete)
        if is_retryable(call) and not self._is_counted(group, key):
            return "others may have been refused alike"
        if not complete and self._known.live:
            return "calls are not known up to its end yet"
        if others:
            ran = "1 other execution" if others == 1 else f"{others} other executions"
            return f"{ran} of this machine ran then"
        if unexplained:
            return "the role made calls then that fit no attempt here"
        return ""

    def _doubt_of_same(
        self, group: CallGroup, call: ApiCall, key: AttemptKey, *, complete: bool
    ) -> str:
        """Say why a call with the same parameters may be another's; or nothing.

        It is not if those of others about are seen to be different.
        """
        attempt, window = self._callers[key].attempt, group.windows[key]
        answered = attempt.submitted_at is not None or attempt.status == "succeeded"
        if is_retryable(call):
            # Whoever made it may have been refused like others, any number of times.
            if not self._is_counted(group, key):
                return "others may have been refused alike"
        elif call.error_code is None and not answered:
            return "the attempt's own call need not have come through"
        elif call.error_code is not None and (
            attempt.status != "failed" or window.role is CallRole.OTHER
        ):
            return "the attempt's own call need not have failed"
        if not complete:
            return "calls are not known up to its end yet"
        if not self._known.live and self._all.is_alike_about(group, key):
            return "others made calls with the same parameters around then"
        return ""

    def _is_counted(self, group: CallGroup, key: AttemptKey) -> bool:
        """Tell whether an attempt's cause counts just the calls that are about."""
        made = len(group.calls_of[key]) + self._all.answers(key)
        return self._callers[key].tries == made


def make_link(call: ApiCall, caller: Caller, rule: LinkRule, why: str) -> Link:
    """Make a link, once of those that are alike: a job's polls share theirs."""
    key = call.name, rule, why
    if key not in caller.links:
        caller.links[key] = Link(
            rule=rule,
            role=role_in(caller.attempt, call.name),
            execution_arn=caller.key[0],
            visit_id=caller.attempt.visit_id,
            attempt_id=caller.key[1],
            evidence=why,
        )
    return caller.links[key]


def ambiguous(
    call: ApiCall, callers: Collection[Caller], why: str, unlisted: int = 0
) -> Link:
    roles = {role_in(caller.attempt, call.name) for caller in callers}
    arns = {caller.key[0] for caller in callers}
    return Link(
        rule=LinkRule.AMBIGUOUS,
        role=next(iter(roles)) if len(roles) == 1 else CallRole.OTHER,
        execution_arn=next(iter(arns)) if len(arns) == 1 else None,
        candidates=tuple(sorted({caller.key for caller in callers})),
        unlisted=unlisted,
        reason=why,
    )
